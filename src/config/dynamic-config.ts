/**
 * Broker configuration that changes while the node runs: which keys may, what they may become, and the BrokerConfig
 * that results. Precedence: this broker's dynamic value, the cluster's dynamic default, the file, the default (KIP-226).
 *
 * The sentences are Kafka's, the Java class name in one of them too: clients and scripts match on them.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { BrokerConfig } from './broker-config.ts'
import { readConfigValue, type ConfigKey } from './config-key.ts'
import { ConfigError, configText, type ConfigValue } from './config-value.ts'
import { parseBrokerConfig } from './parse-broker-config.ts'
import { BROKER_TABLE, DYNAMIC_QUOTA_TABLE } from './tables.ts'

/** What the metadata log holds for a broker and for all brokers (resource name ''). */
export interface DynamicBrokerConfigs {
  readonly perBroker: ReadonlyMap<string, string>
  readonly clusterDefault: ReadonlyMap<string, string>
}

/** `listener.name.plaintext.max.connections` → `max.connections`; also drops a SASL mechanism. Null for other names. */
export function listenerBaseName(name: string): string | null {
  const match = /^listener\.name\.[^.]+\.(.+)$/.exec(name)
  if (!match) return null
  const base = match[1] ?? ''
  return BROKER_TABLE.has(base) ? base : base.replace(/^[^.]+\./, '')
}

export function brokerKey(name: string): ConfigKey | null {
  return BROKER_TABLE.get(name) ?? DYNAMIC_QUOTA_TABLE.get(name) ?? null
}

export interface EffectiveConfig {
  readonly config: BrokerConfig
  /** Keys whose persisted values are bad, with the reason: they are ignored, and worth an ERROR line each. */
  readonly dropped: ReadonlyMap<string, string>
}

/** Never throws: a bad value that is already in the metadata log must not keep a broker from running. */
export function withDynamicConfigs(base: BrokerConfig, dynamic: DynamicBrokerConfigs): EffectiveConfig {
  const changes = [...dynamic.clusterDefault, ...dynamic.perBroker].filter(([name]) => changeable(name))
  if (changes.length === 0) return { config: base, dropped: new Map() }
  const all = tryParse(new Map([...base.originals, ...changes]))
  if (typeof all !== 'string') return { config: all, dropped: new Map() }
  return withoutBadOnes(base, changes)
}

function withoutBadOnes(base: BrokerConfig, changes: readonly (readonly [string, string])[]): EffectiveConfig {
  const dropped = new Map<string, string>()
  let merged = new Map(base.originals)
  let config = base
  for (const [name, value] of changes) {
    const next = new Map(merged).set(name, value)
    const parsed = tryParse(next)
    if (typeof parsed === 'string') dropped.set(name, parsed)
    else {
      config = parsed
      merged = next
    }
  }
  return { config, dropped }
}

/** The config, or what is wrong. */
function tryParse(properties: ReadonlyMap<string, string>): BrokerConfig | string {
  try {
    return parseBrokerConfig(properties).config
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

function changeable(name: string): boolean {
  const key = BROKER_TABLE.get(name)
  return key !== undefined && key.update !== 'read-only'
}

const NEEDS_LISTENER_PREFIX: ReadonlySet<string> = new Set([
  'ssl.key.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.type',
  'ssl.truststore.certificates',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.type',
])

/** Settings of one broker whose listener-prefixed form may still be set for all. */
const CLUSTER_LEVEL_LISTENER: ReadonlySet<string> = new Set([
  'max.connection.creation.rate',
  'max.connections',
  'num.network.threads',
])

/**
 * Checks all dynamic configs that one resource would have after a change.
 * @param level 'broker' for a broker's own, 'default' for those of all brokers.
 * @throws KafkaError INVALID_REQUEST
 */
export function validateBrokerConfigs(
  base: BrokerConfig,
  current: DynamicBrokerConfigs,
  proposed: ReadonlyMap<string, string>,
  level: 'broker' | 'default',
): void {
  try {
    checkNames([...proposed.keys()])
    for (const [name, raw] of proposed) {
      const key = brokerKey(listenerBaseName(name) ?? name)
      if (key) checkClass(key, readConfigValue(key, raw))
    }
    if (level === 'default') checkClusterLevel([...proposed.keys()])
    const after = level === 'broker' ? { ...current, perBroker: proposed } : { ...current, clusterDefault: proposed }
    checkChange(withDynamicConfigs(base, current).config, mergedConfig(base, after))
  } catch (error) {
    throw error instanceof ConfigError ? new KafkaError('INVALID_REQUEST', error.message) : error
  }
}

function mergedConfig(base: BrokerConfig, dynamic: DynamicBrokerConfigs): BrokerConfig {
  const changes = [...dynamic.clusterDefault, ...dynamic.perBroker].filter(([name]) => changeable(name))
  return parseBrokerConfig(new Map([...base.originals, ...changes])).config
}

function checkNames(names: readonly string[]): void {
  refuse('Cannot update these configs dynamically', names, (name) => {
    const key = BROKER_TABLE.get(listenerBaseName(name) ?? name)
    return key !== undefined && key.update === 'read-only'
  })
  refuse(
    'These security configs can be dynamically updated only per-listener using the listener prefix',
    names,
    (name) => NEEDS_LISTENER_PREFIX.has(name),
  )
}

function checkClusterLevel(names: readonly string[]): void {
  refuse('Cannot update these configs at default cluster level, broker id must be specified', names, (name) => {
    const base = listenerBaseName(name)
    if (base !== null) return !CLUSTER_LEVEL_LISTENER.has(base)
    return BROKER_TABLE.get(name)?.update === 'per-broker'
  })
}

function refuse(sentence: string, names: readonly string[], wrong: (name: string) => boolean): void {
  const found = names.filter(wrong)
  if (found.length > 0) throw new ConfigError(`${sentence}: [${found.join(', ')}]`)
}

/** No Java class can be loaded here. */
function checkClass(key: ConfigKey, value: ConfigValue): void {
  if (key.type !== 'CLASS' || value === null || value === key.default) return
  throw ConfigError.invalid(key.name, value, `Class ${configText(value)} could not be found.`)
}

/** What depends on the value that is in force now. */
function checkChange(before: BrokerConfig, after: BrokerConfig): void {
  for (const name of THREAD_COUNTS) {
    const reason = threadCountProblem(name, number(before, name), number(after, name))
    if (reason !== null) throw invalidChange(reason)
  }
  for (const [local, total, key] of [
    [after.topicDefaults.localRetentionMs, after.topicDefaults.retentionMs, 'log.local.retention.ms'],
    [after.topicDefaults.localRetentionBytes, after.topicDefaults.retentionBytes, 'log.local.retention.bytes'],
  ] as const) {
    const totalKey = key.replace('local.', '')
    if (total >= 0 && local > total) {
      throw invalidChange(
        `Invalid value ${local} for configuration ${key}: Value must not be more than ${totalKey} property value: ${total}`,
      )
    }
  }
  if (
    configText(after.values.get('metric.reporters') ?? null) !==
    configText(before.values.get('metric.reporters') ?? null)
  ) {
    const validator = 'class class kafka.server.DynamicMetricsReporters'
    throw invalidChange(`Validation of dynamic config update of Set(metric.reporters) failed with ${validator}`)
  }
  checkListeners(before, after)
}

/** Listeners are bound at the start; only what a broker advertises for them could change without binding again. */
function checkListeners(before: BrokerConfig, after: BrokerConfig): void {
  for (const listener of after.listeners) {
    const old = before.listeners.find((one) => one.name === listener.name)
    if (old && old.securityProtocol !== listener.securityProtocol) {
      throw invalidChange(`Security protocol cannot be updated for existing listener ListenerName(${listener.name})`)
    }
  }
  if (JSON.stringify(before.listeners) === JSON.stringify(after.listeners)) return
  throw new ConfigError('listeners cannot be changed while the broker runs: not supported yet')
}

const THREAD_COUNTS = [
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
]

function threadCountProblem(name: string, before: number, after: number): string | null {
  if (after === before) return null
  const [least, most] = [Math.floor(before / 2), before * 2]
  if (name === 'log.cleaner.threads') {
    if (after < 1) return 'Log cleaner threads should be at least 1'
    if (after < least) return `Log cleaner threads cannot be reduced to less than half the current value ${before}`
    if (after > most) return `Log cleaner threads cannot be increased to more than double the current value ${before}`
    return null
  }
  const failed = `Dynamic thread count update validation failed for ${name}=${after}`
  if (after < 1) return `${failed}, value should be at least 1`
  if (after < least) return `${failed}, value should be at least half the current value ${before}`
  return after > most ? `${failed}, value should not be greater than double the current value ${before}` : null
}

function number(config: BrokerConfig, name: string): number {
  const value = config.values.get(name) ?? 0
  return typeof value === 'number' || typeof value === 'bigint' ? clampInt64(value) : 0
}

function invalidChange(reason: string): ConfigError {
  const cause = `org.apache.kafka.common.config.ConfigException: ${reason}`
  return new ConfigError(`Invalid value ${cause} for configuration Invalid dynamic configuration`)
}
