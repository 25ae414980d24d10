/**
 * The settings in force on this node: its file, over it the cluster-wide and then its own dynamic ones, and per topic the
 * overrides over the topic defaults that follow from them. Follows the metadata image.
 */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerSources } from '../config/describe.ts'
import { withDynamicConfigs, type DynamicBrokerConfigs } from '../config/dynamic-config.ts'
import type { LogConfig } from '../config/log-config.ts'
import { topicLogConfig } from '../config/topic-config.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import type { MetadataImage } from '../metadata/image.ts'

const NONE: DynamicBrokerConfigs = { perBroker: new Map(), clusterDefault: new Map() }

export class DynamicConfigs {
  readonly #fromFile: BrokerConfig
  readonly #logger: Logger
  #current: BrokerConfig
  #dynamic = NONE
  #sources: BrokerSources

  constructor(fromFile: BrokerConfig, logger: Logger) {
    this.#fromFile = fromFile
    this.#logger = logger
    this.#current = fromFile
    this.#sources = { base: fromFile, effective: fromFile, dynamic: NONE }
  }

  get current(): BrokerConfig {
    return this.#current
  }

  /** For DescribeConfigs and for checking changes; the same object until something changes. */
  get sources(): BrokerSources {
    return this.#sources
  }

  /** Whether anything changed. A persisted value that can't be used is reported and left out, never fatal. */
  follow(image: MetadataImage): boolean {
    const clusterDefault = image.configs.get(CONFIG_RESOURCE.BROKER, '')
    const perBroker = image.configs.get(CONFIG_RESOURCE.BROKER, String(this.#fromFile.nodeId))
    if (clusterDefault === this.#dynamic.clusterDefault && perBroker === this.#dynamic.perBroker) return false
    this.#dynamic = { perBroker, clusterDefault }
    const { config, dropped } = withDynamicConfigs(this.#fromFile, this.#dynamic)
    for (const [key, reason] of dropped) this.#logger.error(`The dynamic configuration ${key} is left out: ${reason}`)
    this.#current = config
    this.#sources = { base: this.#fromFile, effective: config, dynamic: this.#dynamic }
    return true
  }

  topicConfig(image: MetadataImage, topic: string): LogConfig {
    const overrides = image.configs.get(CONFIG_RESOURCE.TOPIC, topic)
    return topicLogConfig(this.#current.topicDefaults, overrides, (key, reason) =>
      this.#logger.error(`The configuration ${key} of topic ${topic} is left out: ${reason}`),
    )
  }
}
