/** Writes the `write…`, `isDefault…` and `make…` functions. A field that the caller left out is its default. */
import {
  choose,
  defaultsToNull,
  elementType,
  fieldFlexibility,
  FIXED_SIZES,
  type Flexibility,
  flexibility,
  functionName,
  inRange,
  initDefault,
  isNullable,
  outOfRange,
  rangeWithin,
  structNamed,
  typeName,
} from './code.ts'
import { usesFlexible } from './reader.ts'
import { type Body, type Field, type Range, type Struct, UNBOUNDED } from './schema.ts'

export function writeFunction(body: Body, struct: Struct): string {
  const outer = rangeWithin(body, struct.range)
  const flexible = flexibility(body, struct.range)
  const lines: string[] = []
  if (struct === body.root) lines.push(`checkWritable('${body.name}', v, ${body.range.low}, ${body.range.high})`)
  for (const field of struct.fields) {
    lines.push(...readInit(body, field))
    if (field.tag === null) lines.push(...writeField(body, struct, field, outer))
    else if (!field.ignorable) {
      const lacking = outOfRange(field.range, outer)
      if (lacking !== 'false') {
        lines.push(`if ((${lacking}) && !(${isDefault(body, field)})) throw notInVersion('${field.name}', v)`)
      }
    }
  }
  if (flexible !== 'never') {
    const tags = writeTags(body, struct, outer)
    if (flexible === 'always') lines.push(...tags)
    else {
      lines.push('if (f) {', ...tags.map((line) => `  ${line}`))
      lines.push('} else if (m.unknownTags !== undefined) checkNoTags(m.unknownTags, v)')
    }
  }
  const text = lines.join('\n  ')
  const declareFlexible = usesFlexible(text) ? `const f = v >= ${body.flexibleFrom}\n  ` : ''
  const version = /\bv\b/.test(declareFlexible + text) ? 'v' : '_v'
  const type = typeName(body, struct)
  return `function ${functionName('write', body, struct)}(w: ByteWriter, m: Init<${type}>, ${version}: number): void {\n  ${declareFlexible}${text}\n}\n`
}

function readInit(_body: Body, field: Field): string[] {
  const value = initDefault(field)
  // `??` would turn a null that means null into the default.
  if (isNullable(field) && !defaultsToNull(field)) {
    return [`const ${field.name} = m.${field.name} === undefined ? ${value} : m.${field.name}`]
  }
  return [`const ${field.name} = m.${field.name} ?? ${value}`]
}

function writeField(body: Body, struct: Struct, field: Field, outer: Range): string[] {
  const flexible = fieldFlexibility(body, struct, field)
  const present = inRange(field.range, outer)
  const statements = writeValue(body, field, flexible, 'w', outer)
  if (present === 'true') return statements
  const lines = [`if (${present}) {`, ...statements.map((line) => `  ${line}`)]
  if (field.ignorable) return [...lines, '}']
  return [...lines, `} else if (!(${isDefault(body, field)})) throw notInVersion('${field.name}', v)`]
}

function writeValue(body: Body, field: Field, flexible: Flexibility, w: string, outer: Range): string[] {
  const { name } = field
  const lines: string[] = []
  const within = { low: Math.max(outer.low, field.range.low), high: Math.min(outer.high, field.range.high) }
  const nullOutside = field.nullable === null ? 'false' : outOfRange(field.nullable, within)
  if (nullOutside !== 'false') {
    lines.push(`if (${name} === null && (${nullOutside})) throw nullNotWritable('${name}', v)`)
  }
  if (field.array) {
    const count = isNullable(field) ? `(${name} === null ? -1 : ${name}.length)` : `${name}.length`
    lines.push(statement(flexible, `${w}.uvarint(${count} + 1)`, `${w}.int32(${count})`))
    const loop = `for (const item of ${name}) ${writeElement(body, field, flexible, w)}`
    lines.push(isNullable(field) ? `if (${name} !== null) ${loop}` : loop)
    return lines
  }
  if (field.primitive === null) {
    const write = `${functionName('write', body, structNamed(body, field.structName!))}(${w}, ${name}, v)`
    if (!isNullable(field)) return [write]
    if (field.tag !== null) {
      return [...lines, `${w}.uvarint(${name} === null ? 0 : 1)`, `if (${name} !== null) ${write}`]
    }
    const marked = inRange(field.nullable!, within)
    const marker = `${w}.int8(${name} === null ? -1 : 1)`
    return [...lines, marked === 'true' ? marker : `if (${marked}) ${marker}`, `if (${name} !== null) ${write}`]
  }
  if (FIXED_SIZES[field.primitive] !== undefined) return [`${w}.${field.primitive}(${name})`]
  const kind = field.primitive === 'string' ? 'String' : 'Bytes'
  if (isNullable(field)) {
    lines.push(statement(flexible, `${w}.compactNullable${kind}(${name})`, `${w}.nullable${kind}(${name})`))
  } else lines.push(statement(flexible, `${w}.compact${kind}(${name})`, `${w}.${kind.toLowerCase()}(${name})`))
  return lines
}

function statement(flexible: Flexibility, ifFlexible: string, ifNot: string): string {
  return flexible === 'f' ? `if (f) ${ifFlexible}; else ${ifNot}` : choose(flexible, ifFlexible, ifNot)
}

function writeElement(body: Body, field: Field, flexible: Flexibility, w: string): string {
  if (field.primitive === null)
    return `${functionName('write', body, structNamed(body, field.structName!))}(${w}, item, v)`
  if (field.primitive === 'string') return statement(flexible, `${w}.compactString(item)`, `${w}.string(item)`)
  if (field.primitive === 'bytes') return statement(flexible, `${w}.compactBytes(item)`, `${w}.bytes(item)`)
  return `${w}.${field.primitive}(item)`
}

function writeTags(body: Body, struct: Struct, outer: Range): string[] {
  const tagged = struct.fields.filter((field) => field.tag !== null).sort((one, other) => one.tag! - other.tag!)
  if (tagged.length === 0) return ['writeUnknownTags(w, m.unknownTags)']
  const within = { low: Math.max(outer.low, body.flexibleFrom), high: outer.high }
  const lines: string[] = ['const { unknownTags } = m', 'let tags = unknownTags === undefined ? 0 : unknownTags.length']
  for (const field of tagged) {
    const present = inRange(field.range, within)
    const wanted = `!(${isDefault(body, field)})`
    lines.push(`const has${field.tag} = ${present === 'true' ? wanted : `${present} && ${wanted}`}`)
    lines.push(`if (has${field.tag}) tags++`)
  }
  lines.push('w.uvarint(tags)')
  // Unknown tags stand behind the known ones, unless the known numbers leave a gap in which one could be.
  let next = 0
  let gap = false
  for (const field of tagged) {
    if (field.tag !== next) {
      if (!gap) lines.push('let written = 0')
      gap = true
      lines.push(`written = writeUnknownTagsBelow(w, unknownTags, written, ${next}, ${field.tag})`)
    }
    next = field.tag! + 1
    lines.push(`if (has${field.tag}) {`, ...writeTag(body, field, within).map((line) => `  ${line}`), '}')
  }
  lines.push(`if (unknownTags !== undefined) writeUnknownTagsFrom(w, unknownTags, ${gap ? 'written' : '0'}, ${next})`)
  return lines
}

function writeTag(body: Body, field: Field, outer: Range): string[] {
  const size = field.array || field.primitive === null ? undefined : FIXED_SIZES[field.primitive]
  if (size !== undefined) {
    return [`w.uvarint(${field.tag})`, `w.uvarint(${size})`, ...writeValue(body, field, 'always', 'w', outer)]
  }
  return [
    'const t = new ByteWriter()',
    ...writeValue(body, field, 'always', 't', outer),
    `writeTag(w, ${field.tag}, t)`,
  ]
}

/** A condition on the field's local, which never is undefined. */
function isDefault(body: Body, field: Field): string {
  const { name } = field
  if (defaultsToNull(field)) return `${name} === null`
  const notNull = isNullable(field) ? `${name} !== null && ` : ''
  if (field.array) return `${notNull}${name}.length === 0`
  if (field.primitive === null) {
    return `${notNull}${functionName('isDefault', body, structNamed(body, field.structName!))}(${name})`
  }
  if (field.primitive === 'bytes' || field.primitive === 'records') return `${notNull}recordsLength(${name}) === 0`
  return `${name} === ${initDefault(field)}`
}

export function isDefaultFunction(body: Body, struct: Struct): string {
  const conditions = struct.fields.map((field) => `(${isDefault(body, field)})`)
  if (body.flexibleFrom !== UNBOUNDED) conditions.push('(m.unknownTags === undefined || m.unknownTags.length === 0)')
  const lines = struct.fields.flatMap((field) => readInit(body, field))
  return `function ${functionName('isDefault', body, struct)}(m: Init<${typeName(body, struct)}>): boolean {\n  ${lines.join('\n  ')}\n  return ${conditions.join(' && ')}\n}\n`
}

export function makeFunction(body: Body, struct: Struct): string {
  const values = struct.fields.map((field) => `${field.name}: ${makeValue(body, field)}`)
  const literal = `{ ${values.join(', ')} }`
  const type = typeName(body, struct)
  const open = `function ${functionName('make', body, struct)}(m: Init<${type}>): ${type} {\n`
  if (body.flexibleFrom === UNBOUNDED) return `${open}  return ${literal}\n}\n`
  return `${open}  const made: ${type} = ${literal}\n  return m.unknownTags === undefined ? made : { ...made, unknownTags: makeUnknownTags(m.unknownTags) }\n}\n`
}

function makeValue(body: Body, field: Field): string {
  const value = `m.${field.name}`
  const convert = converter(body, field)
  if (convert === null) {
    return isNullable(field) && !defaultsToNull(field)
      ? `${value} === undefined ? ${initDefault(field)} : ${value}`
      : `${value} ?? ${initDefault(field)}`
  }
  const converted = (from: string): string => (field.array ? `${from}.map(${convert})` : `${convert}(${from})`)
  if (!isNullable(field)) return converted(`(${value} ?? ${initDefault(field)})`)
  if (defaultsToNull(field)) return `${value} === undefined || ${value} === null ? null : ${converted(value)}`
  return `${value} === null ? null : ${converted(`(${value} ?? ${initDefault(field)})`)}`
}

/** What turns an element of the built form into one of the read form; null if they are the same. */
function converter(body: Body, field: Field): string | null {
  if (field.primitive === null) return functionName('make', body, structNamed(body, field.structName!))
  return elementType(body, field) === 'Buffer' ? 'joinedBytes' : null
}
