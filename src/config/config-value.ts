/**
 * Kafka's configuration types, and how the text of a property becomes a value of one.
 *
 * The sentences of `ConfigError` are Kafka's: clients and operators match on them.
 */
import { int64, type Int64 } from '../base/int64.ts'
import { javaDouble } from '../base/java-double.ts'

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'

/** BOOLEAN: boolean; INT, SHORT, DOUBLE: number; LONG: Int64; LIST: strings; the rest: string. */
export type ConfigValue = boolean | number | bigint | string | readonly string[] | null

/** A value that its key does not take. `message` is what the operator or the client reads. */
export class ConfigError extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'ConfigError'
  }

  static invalid(name: string, value: ConfigValue, reason: string): ConfigError {
    return new ConfigError(`Invalid value ${configText(value)} for configuration ${name}: ${reason}`)
  }
}

const INTEGERS: { readonly [type: string]: { readonly min: bigint; readonly max: bigint } } = {
  SHORT: { min: -(2n ** 15n), max: 2n ** 15n - 1n },
  INT: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  LONG: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
}

/** Surrounding blanks are dropped, as Kafka does. */
export function parseConfigValue(name: string, type: ConfigType, raw: string | null): ConfigValue {
  if (raw === null) return null
  const text = raw.trim()
  switch (type) {
    case 'BOOLEAN': {
      const lower = text.toLowerCase()
      if (lower === 'true') return true
      if (lower === 'false') return false
      throw ConfigError.invalid(name, raw, 'Expected value to be either true or false')
    }
    case 'SHORT':
    case 'INT':
    case 'LONG':
      return parseInteger(name, type, raw, text)
    case 'DOUBLE': {
      const value = parseJavaDouble(text)
      if (value === null) throw ConfigError.invalid(name, raw, 'Not a number of type DOUBLE')
      return value
    }
    case 'LIST':
      return text === '' ? [] : splitList(text)
    case 'STRING':
    case 'CLASS':
    case 'PASSWORD':
      return text
  }
}

function parseInteger(name: string, type: 'SHORT' | 'INT' | 'LONG', raw: string, text: string): Int64 {
  const range = INTEGERS[type]
  if (range && /^[+-]?\d+$/.test(text)) {
    const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
    if (value >= range.min && value <= range.max) return int64(value)
  }
  throw ConfigError.invalid(name, raw, `Not a number of type ${type}`)
}

/** Double.parseDouble without hexadecimal forms. */
function parseJavaDouble(text: string): number | null {
  if (/^[+-]?(NaN|Infinity)$/.test(text)) return Number(text.replace('+', ''))
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?$/.test(text)) return null
  return Number(text.replace(/[fFdD]$/, ''))
}

/** Java's `split("\\s*,\\s*", -1)`. */
function splitList(text: string): readonly string[] {
  return text.split(/\s*,\s*/)
}

/** The text form that Kafka shows and stores; where the type is given, a number of type DOUBLE as Java prints it. */
export function configText(value: ConfigValue, type: ConfigType | null = null): string {
  if (value === null) return 'null'
  if (type === 'DOUBLE' && typeof value === 'number') return javaDouble(value)
  if (typeof value === 'object') return value.join(',')
  return String(value)
}
