/**
 * Configuration of groups and of client metrics subscriptions: what the controller asks before it writes a ConfigRecord.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import { readConfigValue, type ConfigTable } from './config-key.ts'
import { ConfigError, type ConfigValue } from './config-value.ts'
import { CLIENT_METRICS_TABLE, GROUP_TABLE } from './tables.ts'

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
    const given = readAll(GROUP_TABLE, overrides, 'Unknown group config name: ')
    const limit = (name: string) => numberOf(broker.get(name) ?? null)
    for (const [name, value] of given) {
      const number = numberOf(value)
      if (number === null) continue
      const [kind, ...rest] = name.split('.')
      const limited = rest.join('.').replace(/^num\./, '')
      const [min, max] = [`group.${kind}.min.${limited}`, `group.${kind}.max.${limited}`]
      if (number < (limit(min) ?? number)) throw new ConfigError(`${name} must be greater than or equal to ${min}`)
      if (number > (limit(max) ?? number)) throw new ConfigError(`${name} must be less than or equal to ${max}`)
    }
    for (const kind of ['consumer', 'share', 'streams']) {
      const effective = (name: string) => numberOf(given.get(name) ?? null) ?? limit(`group.${name}`) ?? 0
      const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
      if (effective(session) > effective(heartbeat)) continue
      throw new ConfigError(`${session} must be greater than ${heartbeat}`)
    }
  })
}

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
    const given = readAll(CLIENT_METRICS_TABLE, overrides, '')
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

function readAll(
  table: ConfigTable,
  overrides: ReadonlyMap<string, string>,
  unknown: string,
): Map<string, ConfigValue> {
  const values = new Map<string, ConfigValue>()
  for (const [name, raw] of overrides) {
    const key = table.get(name)
    if (!key) throw new ConfigError(`${unknown}${name}`)
    values.set(name, readConfigValue(key, raw))
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
