/**
 * Dynamic configurations of all resources as the metadata log states them: overrides only, values as text.
 * Resource types are the numbers that records and requests use.
 */
import { PersistentMap } from './persistent-map.ts'

export const CONFIG_RESOURCE = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

export type ConfigOverrides = ReadonlyMap<string, string>

export interface ConfigResourceImage {
  readonly type: number
  /** "" of type BROKER: the default of all brokers. */
  readonly name: string
  /** Never empty: a resource without overrides isn't there. */
  readonly values: ConfigOverrides
}

const NO_OVERRIDES: ConfigOverrides = new Map()

export class ConfigsImage {
  static readonly EMPTY = new ConfigsImage(PersistentMap.empty())

  readonly #byKey: PersistentMap<string, ConfigResourceImage>

  constructor(byKey: PersistentMap<string, ConfigResourceImage>) {
    this.#byKey = byKey
  }

  /** Empty for a resource without overrides. */
  get(type: number, name: string): ConfigOverrides {
    return this.#byKey.get(configKey(type, name))?.values ?? NO_OVERRIDES
  }

  /** Every resource that has overrides, in no particular order. */
  all(): IterableIterator<ConfigResourceImage> {
    return this.#byKey.values()
  }

  /** A new version; a resource left without values is dropped. */
  with(changes: Iterable<ConfigResourceImage>): ConfigsImage {
    const byKey = new Map<string, ConfigResourceImage | undefined>()
    for (const resource of changes) {
      byKey.set(configKey(resource.type, resource.name), resource.values.size === 0 ? undefined : resource)
    }
    return byKey.size === 0 ? this : new ConfigsImage(this.#byKey.with(byKey))
  }
}

export const configKey = (type: number, name: string): string => `${type}:${name}`
