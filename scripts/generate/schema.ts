/**
 * Reads the schema language of protocol/*.schema (protocol/README.md has the grammar) into plain objects.
 *
 * A schema is a head (facts about the API or record) and one or two bodies; a body is a tree of fields. Ranges of
 * versions are `[low, high]`, `high` being UNBOUNDED where the file says `N+`. A struct is resolved once: a field
 * without sub-fields refers to the `struct` line of that name.
 */
export interface Range {
  readonly low: number
  readonly high: number
}

export interface Struct {
  readonly name: string
  readonly range: Range
  readonly fields: Field[]
}

export type Default = string | null | undefined

export interface Field {
  readonly name: string
  /** A primitive's name, or null for a struct. */
  readonly primitive: string | null
  readonly structName: string | null
  readonly array: boolean
  readonly range: Range
  readonly tag: number | null
  /** Versions in which it may be null; null if in none. */
  readonly nullable: Range | null
  /** As written in the file; `null` for default=null, undefined where the file names none. */
  readonly default: Default
  readonly ignorable: boolean
  readonly neverFlexible: boolean
}

export interface Body {
  readonly kind: 'request' | 'response' | 'body' | 'key' | 'value'
  readonly name: string
  readonly range: Range
  /** First flexible version; 32767 for none. */
  readonly flexibleFrom: number
  readonly root: Struct
  /** All structs of the body, the root last, each after those it uses. */
  readonly structs: readonly Struct[]
}

export interface Schema {
  readonly file: string
  readonly head: ReadonlyMap<string, readonly string[]>
  readonly kind: 'api' | 'metadata' | 'remote-log' | 'coordinator' | 'data' | 'header'
  readonly name: string
  /** API key, record id or record type; null where there is none. */
  readonly number: number | null
  /** Coordinator files: which coordinator. */
  readonly group: string | null
  readonly bodies: readonly Body[]
}

export const UNBOUNDED = 32767
const KINDS = ['api', 'metadata', 'remote-log', 'coordinator', 'data', 'header'] as const
const BODY_KINDS = ['request', 'response', 'body', 'key', 'value'] as const
const PRIMITIVES = new Set([
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint16',
  'uint32',
  'float64',
  'string',
  'uuid',
  'bytes',
  'records',
])

export function parseRange(text: string): Range | null {
  if (text === 'none') return null
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`not a range: ${text}`)
  const low = Number(match[1])
  return { low, high: match[2] === '+' ? UNBOUNDED : match[3] === undefined ? low : Number(match[3]) }
}

function definiteRange(text: string): Range {
  const range = parseRange(text)
  if (range === null) throw new Error('the range "none" has no place here')
  return range
}

export function parseSchema(file: string, text: string): Schema {
  const sections = text
    .split(/\n\s*\n/)
    .map((section) => section.split('\n').filter((line) => line.trim() !== ''))
    .filter((section) => section.length > 0)
  const [headLines, ...bodies] = sections
  if (headLines === undefined) throw new Error(`${file}: empty`)
  const head = new Map<string, string[]>()
  for (const line of headLines) {
    const [word, ...rest] = line.split(' ')
    head.set(word!, rest)
  }
  const kind = KINDS.find((candidate) => head.has(candidate))
  if (kind === undefined) throw new Error(`${file}: the head does not say what it is`)
  const words = head.get(kind)!
  const [group, name, number] = kind === 'coordinator' ? [words[0]!, words[1]!, words[2]] : [null, words[0]!, words[1]]
  return {
    file,
    head,
    kind,
    name,
    number: number === undefined ? null : Number(number),
    group,
    bodies: bodies.map((lines) => parseBody(file, lines)),
  }
}

function parseBody(file: string, lines: readonly string[]): Body {
  const [kindWord, name, rangeText, flexText] = lines[0]!.split(' ')
  const kind = BODY_KINDS.find((candidate) => candidate === kindWord)
  if (kind === undefined || name === undefined || !flexText?.startsWith('flex=')) {
    throw new Error(`${file}: not a body: ${lines[0]}`)
  }
  const range = definiteRange(rangeText!)
  const flexible = parseRange(flexText.slice('flex='.length))
  const structs = new Map<string, Struct>()
  const root: Struct = { name, range, fields: [] }
  const open: Struct[] = [root] // by depth
  for (const line of lines.slice(1)) {
    const depth = /^ */.exec(line)![0].length / 2
    const words = line.trim().split(' ')
    if (words[0] === 'struct') {
      const struct = defineStruct(structs, words[1]!, definiteRange(words[2]!))
      open[depth] = struct
      open.length = depth + 1
      continue
    }
    const parent = open[depth - 1]
    if (parent === undefined) throw new Error(`${file}: ${line}: too deep`)
    const field = parseField(words)
    parent.fields.push(field)
    open.length = depth
    // Sub-fields, if any follow, belong to the struct that this field names; a `struct` line elsewhere fills it too.
    if (field.structName !== null) open[depth] = defineStruct(structs, field.structName, field.range)
  }
  for (const struct of structs.values()) {
    if (struct.fields.length === 0) throw new Error(`${file}: struct ${struct.name} of ${name} has no fields`)
  }
  return {
    kind,
    name,
    range,
    flexibleFrom: flexible?.low ?? UNBOUNDED,
    root,
    structs: inOrderOfUse(root, structs),
  }
}

/** The struct of that name; used twice it covers both ranges. */
function defineStruct(structs: Map<string, Struct>, name: string, range: Range): Struct {
  const known = structs.get(name)
  const merged: Struct =
    known === undefined
      ? { name, range, fields: [] }
      : {
          name,
          range: { low: Math.min(known.range.low, range.low), high: Math.max(known.range.high, range.high) },
          fields: known.fields,
        }
  structs.set(name, merged)
  return merged
}

function inOrderOfUse(root: Struct, structs: ReadonlyMap<string, Struct>): Struct[] {
  const ordered: Struct[] = []
  const visit = (struct: Struct, path: readonly string[]): void => {
    if (ordered.includes(struct)) return
    if (path.includes(struct.name)) throw new Error(`struct ${struct.name} holds itself: decoding depth has no bound`)
    for (const field of struct.fields) {
      if (field.structName !== null) visit(structs.get(field.structName)!, [...path, struct.name])
    }
    ordered.push(struct)
  }
  visit(root, [])
  return ordered
}

function parseField(words: readonly string[]): Field {
  const [name, typeText, rangeText, ...attributes] = words
  if (name === undefined || typeText === undefined || rangeText === undefined) throw new Error(`not a field: ${words}`)
  const range = definiteRange(rangeText)
  const array = typeText.startsWith('[]')
  const type = array ? typeText.slice(2) : typeText
  let tag: number | null = null
  let nullable: Range | null = null
  let defaultValue: Default
  let ignorable = false
  let neverFlexible = false
  for (const attribute of attributes) {
    const [key, value] = attribute.split('=')
    if (key === 'tag') {
      if (value!.includes('@')) throw new Error(`${name}: tagged in a part of its versions is not supported`)
      tag = Number(value)
    } else if (key === 'null') nullable = value === undefined ? range : parseRange(value)
    else if (key === 'default') defaultValue = value === 'null' ? null : value
    else if (key === 'ignorable') ignorable = true
    else if (key === 'flex') neverFlexible = true
    else if (key !== 'key' && key !== 'entity' && key !== 'zerocopy') throw new Error(`${name}: unknown ${attribute}`)
  }
  const primitive = PRIMITIVES.has(type) ? type : null
  const structName = primitive === null ? type : null
  return { name, primitive, structName, array, range, tag, nullable, default: defaultValue, ignorable, neverFlexible }
}
