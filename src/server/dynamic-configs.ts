/**
 * The settings in force on this node: its file, over it the cluster-wide and then its own dynamic ones, and per topic the
 * overrides over the topic defaults that follow from them.
 *
 * Follows the metadata image. A persisted value that can't be read (another release wrote it) is reported and left out, never
 * fatal, as in Kafka.
 */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { LogConfig } from '../config/log-config.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import { topicLogConfig } from '../config/topic-config.ts'
import { CONFIG_RESOURCE, type ConfigOverrides } from '../metadata/configs-image.ts'
import type { MetadataImage } from '../metadata/image.ts'

export class DynamicConfigs {
  readonly #fromFile: BrokerConfig
  readonly #logger: Logger
  #current: BrokerConfig
  #clusterWide: ConfigOverrides = new Map()
  #own: ConfigOverrides = new Map()

  constructor(fromFile: BrokerConfig, logger: Logger) {
    this.#fromFile = fromFile
    this.#logger = logger
    this.#current = fromFile
  }

  get current(): BrokerConfig {
    return this.#current
  }

  /** Whether anything changed. */
  follow(image: MetadataImage): boolean {
    const clusterWide = image.configs.get(CONFIG_RESOURCE.BROKER, '')
    const own = image.configs.get(CONFIG_RESOURCE.BROKER, String(this.#fromFile.nodeId))
    if (clusterWide === this.#clusterWide && own === this.#own) return false
    this.#clusterWide = clusterWide
    this.#own = own
    this.#current = this.#merge()
    return true
  }

  topicConfig(image: MetadataImage, topic: string): LogConfig {
    const overrides = image.configs.get(CONFIG_RESOURCE.TOPIC, topic)
    return topicLogConfig(this.#current.topicDefaults, overrides, (key, reason) =>
      this.#logger.error(`The configuration ${key} of topic ${topic} is left out: ${reason}`),
    )
  }

  #merge(): BrokerConfig {
    const dynamic = new Map([...this.#clusterWide, ...this.#own])
    if (dynamic.size === 0) return this.#fromFile
    const readable = new Map(this.#fromFile.originals)
    for (const [key, value] of dynamic) {
      const tried = new Map(readable).set(key, value)
      try {
        parseBrokerConfig(tried)
        readable.set(key, value)
      } catch (error) {
        this.#logger.error(`The dynamic configuration ${key} is left out`, error)
      }
    }
    return parseBrokerConfig(readable).config
  }
}
