/** The configuration of each topic's logs: the topic's own where it has overrides, else the broker's defaults. */
import type { LogConfig } from '../config/log-config.ts'
import type { LogReplicas } from './log-replicas.ts'

export class TopicConfigs {
  readonly #replicas: LogReplicas
  readonly #topics: Map<string, LogConfig>
  #fallback: LogConfig

  constructor(replicas: LogReplicas, fallback: LogConfig, topics: ReadonlyMap<string, LogConfig>) {
    this.#replicas = replicas
    this.#fallback = fallback
    this.#topics = new Map(topics)
  }

  of(topic: string): LogConfig {
    return this.#topics.get(topic) ?? this.#fallback
  }

  get fallback(): LogConfig {
    return this.#fallback
  }

  /** Null: the topic has no overrides any more. */
  setTopic(topic: string, config: LogConfig | null): void {
    if (config === null) this.#topics.delete(topic)
    else this.#topics.set(topic, config)
    for (const { log } of this.#replicas.all()) {
      if (log.topicPartition.topic === topic) log.setConfig(this.of(topic))
    }
  }

  setFallback(config: LogConfig): void {
    this.#fallback = config
    for (const { log } of this.#replicas.all()) {
      if (!this.#topics.has(log.topicPartition.topic)) log.setConfig(config)
    }
  }
}
