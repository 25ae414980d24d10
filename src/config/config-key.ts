/**
 * What is known about one configuration key, and whether a value may stand there.
 *
 * The tables hold one row a key; validators are kept in the words in which Kafka describes them (`[1,...]`,
 * `[compact, delete]`) and are read from those words, so that the row is the documentation too.
 */
import { ConfigError, configText, parseConfigValue, type ConfigType, type ConfigValue } from './config-value.ts'

export type Importance = 'HIGH' | 'MEDIUM' | 'LOW'
/** When a value may change: at a restart, at run time for one broker, at run time for all brokers or one. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/** Name, type, default, validator, importance, update mode, flags (required, internal, deprecated; lists: empty, null). */
export type ConfigRow =
  | readonly [string, ConfigType, ConfigValue, string, Importance, UpdateMode]
  | readonly [string, ConfigType, ConfigValue, string, Importance, UpdateMode, string]

export interface ConfigKey {
  readonly name: string
  readonly type: ConfigType
  /** Null also where there is none. */
  readonly default: ConfigValue
  readonly validator: string
  readonly importance: Importance
  readonly update: UpdateMode
  readonly required: boolean
  /** Kafka hides it from its documentation. */
  readonly internal: boolean
  readonly deprecated: boolean
  readonly emptyAllowed: boolean
  readonly nullAllowed: boolean
}

export type ConfigTable = ReadonlyMap<string, ConfigKey>

export function configTable(...tables: readonly (readonly ConfigRow[])[]): ConfigTable {
  const keys = new Map<string, ConfigKey>()
  for (const row of tables.flat()) keys.set(row[0], configKey(row))
  return new Map([...keys].sort(([left], [right]) => (left < right ? -1 : 1)))
}

function configKey(row: ConfigRow): ConfigKey {
  const flags = row[6]?.split(' ') ?? []
  return {
    name: row[0],
    type: row[1],
    default: row[2],
    validator: row[3],
    importance: row[4],
    update: row[5],
    required: flags.includes('required'),
    internal: flags.includes('internal'),
    deprecated: flags.includes('deprecated'),
    emptyAllowed: flags.includes('empty'),
    nullAllowed: flags.includes('null'),
  }
}

/** The value of a property: parsed by type, then validated. */
export function readConfigValue(key: ConfigKey, raw: string): ConfigValue {
  const value = parseKeyValue(key, raw)
  validateConfigValue(key, value)
  return value
}

/** Parsed only. Elements that stand twice in a list are dropped instead of refused, but of replicas. */
export function parseKeyValue(key: ConfigKey, raw: string): ConfigValue {
  const parsed = parseConfigValue(key.name, key.type, raw)
  return Array.isArray(parsed) && !key.validator.startsWith('[partitionId]') ? [...new Set(parsed)] : parsed
}

export function validateConfigValue(key: ConfigKey, value: ConfigValue): void {
  if (key.type === 'LIST') validateList(key, value)
  else if (key.validator !== '') validateScalar(key, value)
}

function validateList(key: ConfigKey, value: ConfigValue): void {
  const { name, validator } = key
  if (value === null) {
    if (!key.nullAllowed) throw new ConfigError(`Configuration '${name}' values must not be null.`)
    return
  }
  if (typeof value !== 'object') throw ConfigError.invalid(name, value, 'Expected a comma separated list.')
  if (validator === 'non-empty list') return validateEndpoints(name, value)
  if (validator.startsWith('[partitionId]')) return validateThrottledReplicas(name, validator, value)
  if (value.length === 0 && !key.emptyAllowed) {
    const valid = validator === '' ? 'any non-empty value' : validator
    throw new ConfigError(`Configuration '${name}' must not be empty. Valid values include: ${valid}`)
  }
  if (new Set(value).size !== value.length)
    throw new ConfigError(`Configuration '${name}' values must not be duplicated.`)
  const allowed = validator === '' ? null : elements(validator)
  for (const element of value) {
    if (element === '') throw new ConfigError(`Configuration '${name}' values must not be empty.`)
    if (allowed && !allowed.includes(element)) {
      throw ConfigError.invalid(name, element, `String must be one of: ${allowed.join(', ')}`)
    }
  }
}

function validateThrottledReplicas(name: string, validator: string, value: readonly string[]): void {
  if (value.length === 0 || (value.length === 1 && value[0] === '*')) return
  if (value.every((pair) => /^(\d+:\d+)?$/.test(pair.trim()))) return
  const format = `must be the literal '*' or a list of replicas in the following format: ${validator}`
  throw new ConfigError(`Invalid value [${value.join(', ')}] for configuration ${name}: ${name} ${format}`)
}

function validateEndpoints(name: string, value: readonly string[]): void {
  if (name === 'controller.quorum.voters') for (const entry of value) parseVoter(name, entry)
  else for (const entry of value) parseBootstrapServer(name, entry)
}

/** `id@host:port` */
export function parseVoter(
  name: string,
  entry: string,
): { readonly id: number; readonly host: string; readonly port: number } {
  const form = 'Each entry should be in the form `{id}@{host}:{port}`.'
  const parts = entry.split('@')
  const [id, address] = parts
  if (parts.length !== 2 || id === undefined || address === undefined) {
    throw new ConfigError(`Invalid configuration value for ${name}. ${form}`)
  }
  if (!/^[+-]?\d+$/.test(id)) throw new ConfigError(`Failed to parse voter ID as an integer from ${id}`)
  const endpoint = parseHostPort(address)
  if (!endpoint)
    throw new ConfigError(`Failed to parse host name from entry ${entry} for the configuration ${name}. ${form}`)
  return { id: Number(id), host: endpoint.host, port: endpoint.port }
}

export function parseBootstrapServer(name: string, entry: string): { readonly host: string; readonly port: number } {
  const endpoint = parseHostPort(entry)
  if (endpoint) return endpoint
  const form = 'Each entry should be in the form "{host}:{port}"'
  throw new ConfigError(`Failed to parse host name from ${entry} for the configuration ${name}. ${form}`)
}

function parseHostPort(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^\[?([0-9a-zA-Z\-%._:]*)\]?:(\d+)$/.exec(text)
  return match ? { host: match[1] ?? '', port: Number(match[2]) } : null
}

function validateScalar(key: ConfigKey, value: ConfigValue): void {
  const { name, validator } = key
  if (validator === 'non-null string') {
    if (value === null) throw ConfigError.invalid(name, value, 'String must be non-null')
  } else if (validator === 'non-empty string') {
    if (value === '') throw ConfigError.invalid(name, value, 'String must be non-empty')
  } else if (validator.includes('by_duration')) {
    validateOffsetReset(name, value)
  } else if (validator.startsWith('[') && validator.includes(',...')) {
    validateRange(key, value)
  } else {
    validateChoice(name, validator, value)
  }
}

function validateRange({ name, validator, type }: ConfigKey, value: ConfigValue): void {
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    if (value === null && name !== 'node.id') return
    throw ConfigError.invalid(name, value, 'Value must be non-null')
  }
  const match = /^\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\]( or -1)?$/.exec(validator)
  if (!match) throw new ConfigError(`${name} has no readable validator ${validator}`)
  const text = configText(value, type)
  const min = Number(match[1])
  const max = match[2] === undefined ? null : Number(match[2])
  if (match[3]) {
    if (value === -1 || (value >= min && (max === null || value <= max))) return
    throw ConfigError.invalid(name, text, `Value must be between ${min} and ${max} or equal to -1`)
  }
  if (value < min) throw ConfigError.invalid(name, text, `Value must be at least ${min}`)
  if (max !== null && value > max) throw ConfigError.invalid(name, text, `Value must be no more than ${max}`)
}

function validateChoice(name: string, validator: string, value: ConfigValue): void {
  const caseless = validator.startsWith('(case insensitive) ')
  const allowed = elements(caseless ? validator.slice('(case insensitive) '.length) : validator)
  const text = configText(value)
  if (caseless) {
    if (value !== null && allowed.includes(text.toUpperCase())) return
    throw ConfigError.invalid(name, value, `String must be one of (case insensitive): ${allowed.join(', ')}`)
  }
  if (!allowed.includes(text)) throw ConfigError.invalid(name, value, `String must be one of: ${allowed.join(', ')}`)
}

/** share.auto.offset.reset */
function validateOffsetReset(name: string, value: ConfigValue): void {
  const text = configText(value)
  if (text === 'latest' || text === 'earliest') return
  const duration = text.startsWith('by_duration:') ? text.slice('by_duration:'.length) : null
  if (duration !== null && /^P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?$/i.test(duration)) return
  const form = `either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'`
  throw ConfigError.invalid(
    name,
    value,
    `Invalid value \`${text}\` for configuration ${name}. The value must be ${form}.`,
  )
}

/** `[a, b]` → a, b */
function elements(validator: string): readonly string[] {
  return validator.slice(1, -1).split(', ')
}
