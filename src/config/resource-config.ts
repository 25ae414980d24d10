/**
 * Configuration of groups and of client metrics subscriptions: what the controller asks before it writes a ConfigRecord.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import { readConfigValue, type ConfigKey } from './config-key.ts'
import { ConfigError, type ConfigValue } from './config-value.ts'
import { CLIENT_METRICS_KEYS_READ, CLIENT_METRICS_TABLE, GROUP_KEYS_READ, GROUP_TABLE } from './tables.ts'

/**
 * All overrides that a group would have.
 * @param broker the broker's values by key (`BrokerConfig.values`): its minima and maxima bind.
 * @throws KafkaError INVALID_CONFIG
 */
export function validateGroupConfig(
  overrides: ReadonlyMap<string, string>,
  broker: ReadonlyMap<string, ConfigValue>,
): void {
  refusing('INVALID_CONFIG', () => {
    for (const name of overrides.keys()) {
      if (!GROUP_TABLE.has(name)) throw new ConfigError(`Unknown group config name: ${name}`)
    }
    const given = readAll(GROUP_KEYS_READ, overrides)
    const limit = (name: string) => numberOf(broker.get(name) ?? null)
    const effective = (name: string) => numberOf(given.get(name) ?? null) ?? limit(`group.${name}`)
    for (const name of LIMITED_GROUP_KEYS) {
      const number = effective(name)
      // Nobody looks at the broker's own interval, whatever it is.
      if (number === null || (name.endsWith('.assignment.interval.ms') && !given.has(name))) continue
      const [kind, ...rest] = name.split('.')
      const limited = rest.join('.').replace(/^num\./, '')
      const [min, max] = [`group.${kind}.min.${limited}`, `group.${kind}.max.${limited}`]
      if (number < (limit(min) ?? number)) throw new ConfigError(`${name} must be greater than or equal to ${min}`)
      if (number > (limit(max) ?? number)) throw new ConfigError(`${name} must be less than or equal to ${max}`)
    }
    for (const kind of ['consumer', 'share', 'streams']) {
      const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
      if ((effective(session) ?? 0) > (effective(heartbeat) ?? 0)) continue
      throw new ConfigError(`${session} must be greater than ${heartbeat}`)
    }
  })
}

/** Which the broker limits, in the order in which Kafka looks. */
const LIMITED_GROUP_KEYS = [
  'consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms',
  'consumer.assignment.interval.ms',
  'share.heartbeat.interval.ms',
  'share.session.timeout.ms',
  'share.record.lock.duration.ms',
  'share.delivery.count.limit',
  'share.partition.max.record.locks',
  'share.assignment.interval.ms',
  'streams.heartbeat.interval.ms',
  'streams.session.timeout.ms',
  'streams.num.standby.replicas',
  'streams.assignment.interval.ms',
]

const CLIENT_MATCH_KEYS = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

/**
 * All overrides that a client metrics subscription would have.
 * @throws KafkaError INVALID_REQUEST or INVALID_CONFIG
 */
export function validateClientMetricsConfig(overrides: ReadonlyMap<string, string>): void {
  for (const name of overrides.keys()) {
    if (CLIENT_METRICS_TABLE.has(name)) continue
    throw new KafkaError('INVALID_REQUEST', `Unknown client metrics configuration: ${name}`)
  }
  refusing('INVALID_CONFIG', () => {
    const given = readAll(CLIENT_METRICS_KEYS_READ, overrides)
    const intervalMs = numberOf(given.get('interval.ms') ?? null)
    if (intervalMs !== null && (intervalMs < 100 || intervalMs > 3_600_000)) {
      const rule = 'interval must be between 100 and 3600000 (1 hour)'
      throw new KafkaError('INVALID_REQUEST', `Invalid value ${intervalMs} for interval.ms, ${rule}`)
    }
    const match = given.get('match') ?? null
    for (const pattern of typeof match === 'object' && match !== null ? match : []) checkPattern(pattern)
  })
}

function checkPattern(pattern: string): void {
  const [key, regex, ...rest] = pattern.split('=')
  if (key !== undefined && regex !== undefined && rest.length === 0 && CLIENT_MATCH_KEYS.includes(key.trim())) {
    try {
      new RegExp(regex.trim())
      return
    } catch {
      // Answered below, like every other pattern that cannot be used.
    }
  }
  throw new ConfigError(`Illegal client matching pattern: ${pattern}`)
}

function readAll(keys: readonly ConfigKey[], overrides: ReadonlyMap<string, string>): Map<string, ConfigValue> {
  const values = new Map<string, ConfigValue>()
  for (const key of keys) {
    const raw = overrides.get(key.name)
    if (raw !== undefined) values.set(key.name, readConfigValue(key, raw))
  }
  return values
}

function refusing(code: 'INVALID_CONFIG', check: () => void): void {
  try {
    check()
  } catch (error) {
    throw error instanceof ConfigError ? new KafkaError(code, error.message) : error
  }
}

function numberOf(value: ConfigValue): number | null {
  return typeof value === 'number' || typeof value === 'bigint' ? clampInt64(value) : null
}
