/**
 * The rows of DescribeConfigs: for every key its value, where the value comes from, and what it would be without.
 *
 * Secrets, and keys that nobody knows, are shown without their values.
 */
import type { BrokerConfig } from './broker-config.ts'
import { CONFIG_SOURCE, CONFIG_TYPE } from './config-codes.ts'
import { parseKeyValue, type ConfigKey, type ConfigTable } from './config-key.ts'
import { ConfigError, configText, type ConfigType, type ConfigValue } from './config-value.ts'
import { brokerKey, listenerBaseName, type DynamicBrokerConfigs } from './dynamic-config.ts'
import { BROKER_TABLE, CLIENT_METRICS_TABLE, GROUP_TABLE, TOPIC_TABLE } from './tables.ts'
import { topicDefaultValue, TOPIC_SYNONYMS } from './topic-config.ts'

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly source: number
  readonly isSensitive: boolean
  readonly type: number
  /** In the order in which they win; empty where only a fixed default exists. */
  readonly synonyms: readonly ConfigSynonym[]
}

/** All sources of a broker's configuration. */
export interface BrokerSources {
  /** From the file alone. */
  readonly base: BrokerConfig
  /** With the dynamic configs applied. */
  readonly effective: BrokerConfig
  readonly dynamic: DynamicBrokerConfigs
}

/** Keys that say the same in other units, in the order in which they win. */
const SAME_SETTING: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

function brokerSynonyms(name: string): readonly string[] {
  const base = listenerBaseName(name)
  if (base !== null) return [name, base]
  if (name === 'log.flush.interval.ms') return [name, 'log.flush.scheduler.interval.ms']
  return SAME_SETTING.find((names) => names.includes(name)) ?? [name]
}

/** A broker's rows: every key of the table that Kafka documents, and whatever else was set dynamically. */
export function describeBroker(sources: BrokerSources): readonly ConfigEntry[] {
  const { dynamic, effective } = sources
  const names = [...BROKER_TABLE.values()].filter((key) => !key.internal).map((key) => key.name)
  const others = [...dynamic.clusterDefault.keys(), ...dynamic.perBroker.keys()].filter(
    (name) => !BROKER_TABLE.has(name),
  )
  return [...new Set([...names, ...others])].map((name) => {
    const raw = dynamic.perBroker.get(name) ?? dynamic.clusterDefault.get(name) ?? null
    return brokerEntry(name, effective.values.get(name) ?? null, raw, synonymsOf(sources, name))
  })
}

/** The rows of the resource without a name: only what was set for all brokers. */
export function describeBrokerDefaults(sources: BrokerSources): readonly ConfigEntry[] {
  return [...sources.dynamic.clusterDefault].map(([name, raw]) => {
    const synonyms = synonymsOf(sources, name)
    const defaults = synonyms.filter((one) => one.source === CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER_CONFIG)
    return brokerEntry(name, null, raw, defaults)
  })
}

function brokerEntry(
  name: string,
  value: ConfigValue,
  raw: string | null,
  synonyms: readonly ConfigSynonym[],
): ConfigEntry {
  const key = brokerKey(listenerBaseName(name) ?? name)
  const isSensitive = !key || key.type === 'PASSWORD'
  const shown = value === null && raw !== null && key ? readable(key, raw) : value
  return {
    name,
    value: isSensitive || !key ? null : valueText(shown, key.type),
    readOnly: brokerKey(name) === null || brokerKey(name)?.update === 'read-only',
    source: synonyms[0]?.source ?? CONFIG_SOURCE.DEFAULT_CONFIG,
    isSensitive,
    type: key ? CONFIG_TYPE[key.type] : 0,
    synonyms,
  }
}

function readable(key: ConfigKey, raw: string): ConfigValue {
  try {
    return parseKeyValue(key, raw)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return raw
  }
}

function synonymsOf({ base, dynamic }: BrokerSources, name: string): readonly ConfigSynonym[] {
  const names = brokerSynonyms(name)
  const key = brokerKey(listenerBaseName(name) ?? name)
  const isSensitive = !key || key.type === 'PASSWORD'
  const found: ConfigSynonym[] = []
  const add = (source: number, get: (name: string) => string | null | undefined) => {
    for (const one of names) {
      const value = get(one)
      if (value !== null && value !== undefined) found.push({ name: one, value: isSensitive ? null : value, source })
    }
  }
  add(CONFIG_SOURCE.DYNAMIC_BROKER_CONFIG, (one) => dynamic.perBroker.get(one))
  add(CONFIG_SOURCE.DYNAMIC_DEFAULT_BROKER_CONFIG, (one) => dynamic.clusterDefault.get(one))
  add(CONFIG_SOURCE.STATIC_BROKER_CONFIG, (one) => staticText(base, one))
  add(CONFIG_SOURCE.DEFAULT_CONFIG, (one) => {
    const fallback = BROKER_TABLE.get(one)
    return fallback ? valueText(fallback.default, fallback.type) : null
  })
  // What stands before the key itself belongs to another key: a listener's own value, a coarser unit.
  const own = found.findIndex((one) => one.name === name)
  return own < 0 ? [] : found.slice(own)
}

function staticText(base: BrokerConfig, name: string): string | undefined {
  // Kafka fills in whichever of the two ids is missing.
  if (name === 'broker.id') return base.originals.get(name) ?? String(base.nodeId)
  return base.originals.get(name)
}

/** Rows of topics without overrides, which most topics share; made once per state of the broker's configuration. */
const plainTopics = new WeakMap<BrokerSources, readonly ConfigEntry[]>()

/** A topic's rows; the same objects for every topic wherever it has no overrides. */
export function describeTopic(sources: BrokerSources, overrides: ReadonlyMap<string, string>): readonly ConfigEntry[] {
  let plain = plainTopics.get(sources)
  if (plain === undefined) plainTopics.set(sources, (plain = describeTopicRows(sources, new Map())))
  if (overrides.size === 0) return plain
  const shared = new Map(plain.map((entry) => [entry.name, entry]))
  return describeTopicRows(sources, overrides, shared)
}

function describeTopicRows(
  sources: BrokerSources,
  overrides: ReadonlyMap<string, string>,
  shared?: ReadonlyMap<string, ConfigEntry>,
): readonly ConfigEntry[] {
  const synonymsFor = (name: string) => {
    const first = TOPIC_SYNONYMS.get(name)?.[0]?.key
    return first === undefined ? [] : synonymsOf(sources, first)
  }
  const fallback = (key: ConfigKey) => topicDefaultValue(key.name, sources.effective.values)
  return describeTable(TOPIC_TABLE, overrides, CONFIG_SOURCE.DYNAMIC_TOPIC_CONFIG, fallback, synonymsFor, shared)
}

/** A group's rows; a group that nobody configured has them too. */
export function describeGroup(sources: BrokerSources, overrides: ReadonlyMap<string, string>): readonly ConfigEntry[] {
  const synonymsFor = (name: string) => {
    const broker = `group.${name}`
    if (BROKER_TABLE.has(broker)) return synonymsOf(sources, broker)
    const key = GROUP_TABLE.get(name)
    return key ? [{ name, value: valueText(key.default, key.type), source: CONFIG_SOURCE.DEFAULT_CONFIG }] : []
  }
  const fallback = (key: ConfigKey) => sources.effective.values.get(`group.${key.name}`) ?? key.default
  return describeTable(GROUP_TABLE, overrides, CONFIG_SOURCE.DYNAMIC_GROUP_CONFIG, fallback, synonymsFor)
}

/** The rows of a client metrics subscription. */
export function describeClientMetrics(overrides: ReadonlyMap<string, string>): readonly ConfigEntry[] {
  const source = CONFIG_SOURCE.DYNAMIC_CLIENT_METRICS_CONFIG
  return describeTable(
    CLIENT_METRICS_TABLE,
    overrides,
    source,
    (key) => key.default,
    () => [],
  )
}

function describeTable(
  table: ConfigTable,
  overrides: ReadonlyMap<string, string>,
  source: number,
  fallback: (key: ConfigKey) => ConfigValue,
  synonymsFor: (name: string) => readonly ConfigSynonym[],
  /** Rows of keys that are not overridden. */
  shared: ReadonlyMap<string, ConfigEntry> = new Map(),
): readonly ConfigEntry[] {
  const entries: ConfigEntry[] = []
  for (const key of table.values()) {
    const raw = overrides.get(key.name)
    if (key.internal && raw === undefined) continue
    const known = raw === undefined ? shared.get(key.name) : undefined
    if (known !== undefined) {
      entries.push(known)
      continue
    }
    const value = valueText(raw === undefined ? fallback(key) : readable(key, raw), key.type)
    const own = raw === undefined ? [] : [{ name: key.name, value, source }]
    const synonyms = [...own, ...synonymsFor(key.name)]
    const won = synonyms[0]?.source ?? CONFIG_SOURCE.DEFAULT_CONFIG
    const type = CONFIG_TYPE[key.type]
    entries.push({ name: key.name, value, readOnly: false, source: won, isSensitive: false, type, synonyms })
  }
  return entries
}

/** Null stays null. */
function valueText(value: ConfigValue, type: ConfigType): string | null {
  return value === null ? null : configText(value, type)
}
