/**
 * Messages as JSON and back, in the form of Kafka's JsonConverter, for tools, vectors and logs; driven by the field table,
 * so it works for every message and none of it is on a hot path.
 *
 * Only the fields of the version appear, tagged fields only if they differ from their default. Uuids are base64url, bytes
 * base64, NaN and infinities strings. Departures from Kafka: `records` hold their bytes (Kafka prints them empty), and
 * integers beyond ±(2^53-1) are strings, so that JSON.parse loses nothing (`numbers` decides otherwise where the text is
 * printed). Unknown tags are not in the JSON.
 */
import { int64, type Int64 } from '../base/int64.ts'
import { parseUuid, ZERO_UUID } from '../base/uuid.ts'
import { type FieldDescription, hasVersion } from './fields.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

/** The JSON is not that of this message in this version. */
export class JsonFormError extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'JsonFormError'
  }
}

/** A message as the generated codecs read it: an object with a property for each field. */
type Message = Readonly<Record<string, unknown>>

/** What becomes of a number that JSON as JavaScript writes it would print differently from Java: 64 bits, or a float64. */
export type NumberForm = (value: number | bigint, isFloat: boolean) => Json

const SAFE_NUMBERS: NumberForm = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : String(value)

export function messageToJson(
  fields: readonly FieldDescription[],
  message: object,
  version: number,
  numbers = SAFE_NUMBERS,
): JsonObject {
  const json: Record<string, Json> = {}
  const values: Message = { ...message }
  for (const field of fields) {
    if (!hasVersion(field, version)) continue
    const value = values[field.name]
    if (field.tag === null || !isDefault(field, value)) json[field.name] = valueToJson(field, value, version, numbers)
  }
  return json
}

function valueToJson(field: FieldDescription, value: unknown, version: number, numbers: NumberForm): Json {
  if (value === null) return null
  if (field.array) return array(field, value).map((element) => elementToJson(field, element, version, numbers))
  return elementToJson(field, value, version, numbers)
}

function elementToJson(field: FieldDescription, value: unknown, version: number, numbers: NumberForm): Json {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (typeof value === 'bigint' || typeof value === 'number') return numbers(value, field.kind === 'float64')
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (field.kind === 'struct' && isObject(value)) return messageToJson(field.fields, value, version, numbers)
  throw new JsonFormError(`${field.name} cannot be ${String(value)}`)
}

/** The message in the form in which codecs read it, every field present. */
export function messageFromJson(fields: readonly FieldDescription[], json: Json, version: number): object {
  if (!isJsonObject(json)) throw new JsonFormError('an object is expected')
  for (const name of Object.keys(json)) {
    if (!fields.some((field) => field.name === name && hasVersion(field, version))) {
      throw new JsonFormError(`version ${version} has no field ${name}`)
    }
  }
  const message: Record<string, unknown> = {}
  for (const field of fields) {
    const value = json[field.name]
    if (value !== undefined) message[field.name] = valueFromJson(field, value, version)
    else if (field.tag !== null || !hasVersion(field, version)) message[field.name] = defaultOf(field)
    else throw new JsonFormError(`${field.name} is mandatory in version ${version}`)
  }
  return message
}

function valueFromJson(field: FieldDescription, json: Json, version: number): unknown {
  if (json === null) {
    const { nullable } = field
    if (nullable !== null && version >= nullable[0] && version <= nullable[1]) return null
    throw new JsonFormError(`${field.name} must not be null in version ${version}`)
  }
  if (!field.array) return elementFromJson(field, json, version)
  if (!isJsonArray(json)) throw new JsonFormError(`${field.name} must be an array`)
  return json.map((element) => elementFromJson(field, element, version))
}

const INTEGER_RANGES: Readonly<Partial<Record<string, readonly [low: bigint, high: bigint]>>> = {
  int8: [-0x80n, 0x7fn],
  int16: [-0x8000n, 0x7fffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  int64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  uint16: [0n, 0xffffn],
  uint32: [0n, 0xffff_ffffn],
}

function elementFromJson(field: FieldDescription, json: Json, version: number): unknown {
  const range = INTEGER_RANGES[field.kind]
  if (range !== undefined) return integerFromJson(field, json, range)
  switch (field.kind) {
    case 'bool':
      if (typeof json === 'boolean') return json
      break
    case 'string':
      if (typeof json === 'string') return json
      break
    case 'float64':
      if (typeof json === 'number') return json
      if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json)
      break
    case 'uuid': {
      const uuid = typeof json === 'string' ? parseUuid(json) : null
      if (uuid !== null) return uuid
      break
    }
    case 'bytes':
    case 'records':
      if (typeof json === 'string') return Buffer.from(json, 'base64')
      break
    case 'struct':
      return messageFromJson(field.fields, json, version)
  }
  throw new JsonFormError(`${field.name} must be a ${field.kind}`)
}

function integerFromJson(field: FieldDescription, json: Json, range: readonly [bigint, bigint]): Int64 {
  const text = typeof json === 'number' || typeof json === 'string' ? String(json) : ''
  if (!/^-?\d+$/.test(text)) throw new JsonFormError(`${field.name} must be an ${field.kind}`)
  const value = BigInt(text)
  if (value < range[0] || value > range[1]) throw new JsonFormError(`${field.name}: ${text} is no ${field.kind}`)
  return int64(value)
}

function defaultOf(field: FieldDescription): unknown {
  if (field.nullable !== null && (field.default === null || (field.kind === 'records' && !field.array))) return null
  if (field.array) return []
  switch (field.kind) {
    case 'bool':
      return field.default === 'true'
    case 'string':
      return field.default ?? ''
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'float64':
      return Number(field.default ?? 0)
    case 'struct':
      return Object.fromEntries(field.fields.map((inner) => [inner.name, defaultOf(inner)]))
    default:
      return int64(BigInt(field.default ?? 0))
  }
}

export function isDefault(field: FieldDescription, value: unknown): boolean {
  const standard = defaultOf(field)
  if (value === null || standard === null) return value === standard
  if (field.array) return array(field, value).length === 0
  if (Buffer.isBuffer(value)) return value.length === 0
  if (field.kind !== 'struct') return value === standard
  if (!isObject(value)) return false
  const values: Message = { ...value }
  const tags = values['unknownTags']
  const noTags = tags === undefined || (Array.isArray(tags) && tags.length === 0)
  return noTags && field.fields.every((inner) => isDefault(inner, values[inner.name]))
}

function array(field: FieldDescription, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new JsonFormError(`${field.name} must be an array`)
  return value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isJsonArray(json: Json): json is readonly Json[] {
  return Array.isArray(json)
}

function isJsonObject(json: Json): json is JsonObject {
  return isObject(json) && !Array.isArray(json)
}
