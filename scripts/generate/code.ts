/**
 * What the reader, the writer and the type generator share: names of generated things, conditions on the version, the
 * TypeScript type and the default value of a field.
 *
 * Local names in generated functions: r reader, w writer, m message, v version, f "this version is flexible".
 */
import { type Body, type Field, type Range, type Struct, UNBOUNDED } from './schema.ts'

const TYPES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int8: 'number',
  int16: 'number',
  int32: 'number',
  int64: 'Int64',
  uint16: 'number',
  uint32: 'number',
  float64: 'number',
  string: 'string',
  uuid: 'Uuid',
  bytes: 'Buffer',
  records: 'Buffer',
}

export const FIXED_SIZES: Readonly<Record<string, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint16: 2,
  uint32: 4,
  float64: 8,
  uuid: 16,
}

export function structNamed(body: Body, name: string): Struct {
  const struct = body.structs.find((candidate) => candidate.name === name)
  if (struct === undefined) throw new Error(`${body.name}: no struct ${name}`)
  return struct
}

/** `FetchRequest` for the message itself, `FetchRequest.FetchTopic` for a struct in it. */
export function typeName(body: Body, struct: Struct): string {
  return struct === body.root ? body.name : `${body.name}.${struct.name}`
}

export function functionName(verb: string, body: Body, struct: Struct): string {
  return struct === body.root ? `${verb}${body.name}` : `${verb}${body.name}${struct.name}`
}

export function elementType(body: Body, field: Field): string {
  return field.primitive === null ? typeName(body, structNamed(body, field.structName!)) : TYPES[field.primitive]!
}

export function fieldType(body: Body, field: Field): string {
  const element = elementType(body, field)
  return `${field.array ? `readonly ${element}[]` : element}${isNullable(field) ? ' | null' : ''}`
}

export function isNullable(field: Field): boolean {
  return field.nullable !== null
}

/** The versions a struct can meet in this body. */
export function rangeWithin(body: Body, range: Range): Range {
  return { low: Math.max(body.range.low, range.low), high: Math.min(body.range.high, range.high) }
}

/** 'true', or a condition on `v` that holds in `range` for every v within `outer`. */
export function inRange(range: Range, outer: Range): string {
  const parts: string[] = []
  if (range.low > outer.low) parts.push(`v >= ${range.low}`)
  if (range.high < outer.high && range.high !== UNBOUNDED) parts.push(`v <= ${range.high}`)
  return parts.length === 0 ? 'true' : parts.join(' && ')
}

/** The opposite of `inRange`; 'false' if it always holds. */
export function outOfRange(range: Range, outer: Range): string {
  const parts: string[] = []
  if (range.low > outer.low) parts.push(`v < ${range.low}`)
  if (range.high < outer.high && range.high !== UNBOUNDED) parts.push(`v > ${range.high}`)
  return parts.length === 0 ? 'false' : parts.join(' || ')
}

export type Flexibility = 'always' | 'never' | 'f'

export function flexibility(body: Body, range: Range): Flexibility {
  const { low, high } = rangeWithin(body, range)
  if (low >= body.flexibleFrom) return 'always'
  return high < body.flexibleFrom ? 'never' : 'f'
}

export function fieldFlexibility(body: Body, struct: Struct, field: Field): Flexibility {
  if (field.neverFlexible) return 'never'
  if (field.tag !== null) return 'always'
  const outer = rangeWithin(body, struct.range)
  return flexibility(body, { low: Math.max(outer.low, field.range.low), high: Math.min(outer.high, field.range.high) })
}

export function choose(flexible: Flexibility, ifFlexible: string, ifNot: string): string {
  if (flexible === 'always') return ifFlexible
  return flexible === 'never' ? ifNot : `f ? ${ifFlexible} : ${ifNot}`
}

export function defaultsToNull(field: Field): boolean {
  return isNullable(field) && (field.default === null || (field.primitive === 'records' && !field.array))
}

/** The default of a field as it is read. */
export function defaultValue(body: Body, field: Field): string {
  if (defaultsToNull(field)) return 'null'
  if (field.array) return '[]'
  if (field.primitive === null) return functionName('default', body, structNamed(body, field.structName!))
  return scalarDefault(field)
}

/** The default of a field in the form in which messages are built. */
export function initDefault(field: Field): string {
  if (defaultsToNull(field)) return 'null'
  if (field.array) return '[]'
  return field.primitive === null ? '{}' : scalarDefault(field)
}

function scalarDefault(field: Field): string {
  const written = field.default ?? undefined
  switch (field.primitive) {
    case 'bool':
      return written ?? 'false'
    case 'string':
      return written === undefined ? "''" : JSON.stringify(written)
    case 'uuid':
      if (written !== undefined) throw new Error(`${field.name}: a uuid with a default`)
      return 'ZERO_UUID'
    case 'bytes':
    case 'records':
      if (written !== undefined) throw new Error(`${field.name}: bytes with a default`)
      return 'EMPTY_BYTES'
    case 'int64':
      if (written === '9223372036854775807') return 'INT64_MAX'
      break
  }
  const number = Number(written ?? 0)
  if (!Number.isSafeInteger(number)) throw new Error(`${field.name}: default ${written}`)
  return String(number)
}

/** Fewest bytes a value can take, so that an array's count can be held against the bytes that are left. */
export function minimumSize(body: Body, struct: Struct, flexible: boolean): number {
  const outer = rangeWithin(body, struct.range)
  const range: Range = flexible
    ? { low: Math.max(outer.low, body.flexibleFrom), high: outer.high }
    : { low: outer.low, high: Math.min(outer.high, body.flexibleFrom - 1) }
  let size = flexible ? 1 : 0
  for (const field of struct.fields) {
    if (field.tag === null && inRange(field.range, range) === 'true') size += minimumFieldSize(body, field, flexible)
  }
  return size
}

function minimumFieldSize(body: Body, field: Field, flexible: boolean): number {
  if (field.array) return flexible ? 1 : 4
  if (field.primitive === null) {
    return isNullable(field) ? 1 : minimumSize(body, structNamed(body, field.structName!), flexible)
  }
  return minimumElementSize(body, field, flexible)
}

export function minimumElementSize(body: Body, field: Field, flexible: boolean): number {
  if (field.primitive === null) return minimumSize(body, structNamed(body, field.structName!), flexible)
  if (field.primitive === 'string') return flexible ? 1 : 2
  if (field.primitive === 'bytes' || field.primitive === 'records') return flexible ? 1 : 4
  return FIXED_SIZES[field.primitive]!
}
