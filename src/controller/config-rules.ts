/**
 * What the controller asks about configuration keys: may these overrides stand, is a key a list, what does a topic with
 * these overrides end up with. Broker keys are checked by the broker that received the request (it knows its own file);
 * here only the form of the resource's name is.
 */
import { KafkaError } from '../base/errors.ts'
import type { ConfigTable } from '../config/config-key.ts'
import { configText, type ConfigValue } from '../config/config-value.ts'
import { validateClientMetricsConfig, validateGroupConfig } from '../config/resource-config.ts'
import { BROKER_TABLE, CLIENT_METRICS_TABLE, GROUP_TABLE, TOPIC_TABLE } from '../config/tables.ts'
import { TOPIC_SYNONYMS, topicDefaultValue, validateTopicConfig } from '../config/topic-config.ts'
import { CONFIG_RESOURCE, type ConfigOverrides } from '../metadata/configs-image.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Init } from '../protocol/codec.ts'
import type { CreateTopicsResponse } from '../protocol/generated/create-topics.ts'

import { validateTopicName } from './topic-name.ts'

export type EffectiveConfig = Init<CreateTopicsResponse.CreatableTopicConfigs>

export interface ConfigRules {
  /** All overrides that the resource would have. @throws KafkaError INVALID_CONFIG | INVALID_REQUEST */
  validate(type: number, name: string, overrides: ConfigOverrides): void
  isList(type: number, key: string): boolean
  /** What a list begins with when nothing overrides it. */
  defaultText(type: number, key: string): string
  /** In force for a topic: its own, else this node's, else the cluster's, else this node's file or the default. */
  topicValue(key: string, topic: string, image: MetadataImage): string | null
  /** Of this node's file, or the default. */
  fileValue(key: string): string | null
  /** In the answer of CreateTopics. */
  effectiveTopicConfigs(overrides: ConfigOverrides, image: MetadataImage): readonly EffectiveConfig[]
}

const SOURCE = { TOPIC: 1, BROKER: 2, DEFAULT_BROKER: 3, STATIC: 4, DEFAULT: 5 } as const

/** Of this node's own file: values of all broker keys, and the keys that the file sets. */
export interface NodeConfig {
  readonly nodeId: number
  readonly values: ReadonlyMap<string, ConfigValue>
  readonly isSet: (key: string) => boolean
}

export class TableConfigRules implements ConfigRules {
  readonly #node: NodeConfig

  constructor(node: NodeConfig) {
    this.#node = node
  }

  validate(type: number, name: string, overrides: ConfigOverrides): void {
    switch (type) {
      case CONFIG_RESOURCE.TOPIC:
        if (name === '') throw new KafkaError('INVALID_REQUEST', 'Default topic resources are not allowed.')
        validateTopicName(name)
        return validateTopicConfig(overrides, { broker: this.#node.values, remoteStorageSystemEnable: false })
      case CONFIG_RESOURCE.BROKER:
        if (name !== '' && !/^[+-]?\d+$/.test(name)) {
          throw new KafkaError('INVALID_REQUEST', `Unable to parse broker name as a base 10 number.`)
        }
        return
      case CONFIG_RESOURCE.CLIENT_METRICS:
        if (name === '') throw new KafkaError('INVALID_REQUEST', "Subscription name can't be empty")
        return validateClientMetricsConfig(overrides)
      case CONFIG_RESOURCE.GROUP:
        if (name === '') throw new KafkaError('INVALID_REQUEST', 'Default group resources are not allowed.')
        return validateGroupConfig(overrides, this.#node.values)
      default:
        throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${type}`)
    }
  }

  isList(type: number, key: string): boolean {
    // Only these are added to and taken from: lists of client metrics are set as a whole.
    const splittable = type === CONFIG_RESOURCE.TOPIC || type === CONFIG_RESOURCE.BROKER
    return splittable && tableOf(type)?.get(key)?.type === 'LIST'
  }

  defaultText(type: number, key: string): string {
    const value = tableOf(type)?.get(key)?.default ?? null
    return value === null ? '' : configText(value)
  }

  topicValue(key: string, topic: string, image: MetadataImage): string | null {
    return this.#effective(key, image.configs.get(CONFIG_RESOURCE.TOPIC, topic), image).value
  }

  fileValue(key: string): string | null {
    const value = this.#node.values.get(key)
    return value === undefined || value === null ? null : configText(value)
  }

  effectiveTopicConfigs(overrides: ConfigOverrides, image: MetadataImage): readonly EffectiveConfig[] {
    return [...TOPIC_TABLE.keys()]
      .filter((name) => !name.startsWith('internal.'))
      .map((name) => this.#effective(name, overrides, image))
  }

  #effective(name: string, overrides: ConfigOverrides, image: MetadataImage): ReturnType<typeof entry> {
    const override = overrides.get(name)
    if (override !== undefined) return entry(name, override, SOURCE.TOPIC)
    const own = image.configs.get(CONFIG_RESOURCE.BROKER, String(this.#node.nodeId))
    const all = image.configs.get(CONFIG_RESOURCE.BROKER, '')
    for (const { key, factor } of TOPIC_SYNONYMS.get(name) ?? []) {
      const dynamic = own.get(key) ?? all.get(key)
      if (dynamic !== undefined) {
        const value = factor === 1 ? dynamic : String(Number(dynamic) * factor)
        return entry(name, value, own.has(key) ? SOURCE.BROKER : SOURCE.DEFAULT_BROKER)
      }
      if (this.#node.isSet(key)) return entry(name, this.#default(name), SOURCE.STATIC)
    }
    return entry(name, this.#default(name), SOURCE.DEFAULT)
  }

  #default(name: string): string | null {
    const value = topicDefaultValue(name, this.#node.values)
    return value === null ? null : configText(value)
  }
}

function entry(name: string, value: string | null, configSource: number) {
  return { name, value, readOnly: false, configSource, isSensitive: false }
}

function tableOf(type: number): ConfigTable | null {
  switch (type) {
    case CONFIG_RESOURCE.TOPIC:
      return TOPIC_TABLE
    case CONFIG_RESOURCE.BROKER:
      return BROKER_TABLE
    case CONFIG_RESOURCE.CLIENT_METRICS:
      return CLIENT_METRICS_TABLE
    case CONFIG_RESOURCE.GROUP:
      return GROUP_TABLE
    default:
      return null
  }
}

/** The resource types that the controller keeps configuration of. */
export const isConfigResource = (type: number): boolean => tableOf(type) !== null
