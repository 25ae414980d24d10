/** Writes the `read…` functions: straight-line code, a condition on the version only where a field's range needs one. */
import {
  choose,
  defaultValue,
  elementType,
  fieldFlexibility,
  fieldType,
  type Flexibility,
  flexibility,
  functionName,
  inRange,
  isNullable,
  minimumElementSize,
  outOfRange,
  rangeWithin,
  structNamed,
  typeName,
} from './code.ts'
import type { Body, Field, Range, Struct } from './schema.ts'

export function readFunction(body: Body, struct: Struct): string {
  const outer = rangeWithin(body, struct.range)
  const flexible = flexibility(body, struct.range)
  const type = typeName(body, struct)
  const lines: string[] = []
  if (struct === body.root) lines.push(`checkReadable('${body.name}', v, ${body.range.low}, ${body.range.high})`)
  const tagged = struct.fields.filter((field) => field.tag !== null)
  for (const field of struct.fields) {
    if (field.tag === null) lines.push(...readField(body, struct, field, outer))
    else lines.push(`let ${field.name}: ${fieldType(body, field)} = ${defaultValue(body, field)}`)
  }
  const literal = `{ ${struct.fields.map((field) => field.name).join(', ')} }`
  if (flexible === 'never') lines.push(`return ${literal}`)
  else {
    lines.push(...readTags(body, struct, tagged, flexible, outer))
    lines.push(
      `const m: ${type} = ${literal}`,
      'return unknownTags === undefined ? m : { ...m, unknownTags: ascendingTags(unknownTags) }',
    )
  }
  const text = lines.join('\n  ')
  const declareFlexible = usesFlexible(text) ? `const f = v >= ${body.flexibleFrom}\n  ` : ''
  const version = /\bv\b/.test(declareFlexible + text) ? 'v' : '_v'
  return `function ${functionName('read', body, struct)}(r: ByteReader, ${version}: number): ${type} {\n  ${declareFlexible}${text}\n}\n`
}

export function usesFlexible(text: string): boolean {
  return /\bf (\?|&&)|\(f\)/.test(text)
}

function readTags(body: Body, struct: Struct, tagged: Field[], flexible: Flexibility, outer: Range): string[] {
  if (tagged.length === 0) return [`const unknownTags = ${choose(flexible, 'readUnknownTags(r)', 'undefined')}`]
  const loop = `for (let tags = r.uvarint(); tags > 0; tags--) {`
  const lines = [
    'let unknownTags: UnknownTag[] | undefined',
    flexible === 'f' ? `if (f) ${loop}` : loop,
    // Kafka's readers do not hold the size of a tag they know against its value, so neither do we.
    '  const tag = r.uvarint(), size = r.uvarint()',
    '  switch (tag) {',
  ]
  for (const field of tagged) {
    lines.push(`    case ${field.tag}: {`)
    const lacking = outOfRange(field.range, { low: Math.max(outer.low, body.flexibleFrom), high: outer.high })
    if (lacking !== 'false') lines.push(`      if (${lacking}) throw tagNotInVersion(${field.tag}, v)`)
    for (const line of assign(body, struct, field, field.range)) lines.push(`      ${line}`)
    lines.push('      break', '    }')
  }
  lines.push('    default: unknownTags = addUnknownTag(unknownTags, tag, r.view(size))', '  }', '}')
  return lines
}

/** Declares a local of the field's name: what stands in the input, or the default. */
function readField(body: Body, struct: Struct, field: Field, outer: Range): string[] {
  const present = inRange(field.range, outer)
  if (!field.array) {
    const value = readValue(body, struct, field, outer)
    if (present === 'true') return [`const ${field.name} = ${value}`]
    return [`const ${field.name} = ${present} ? ${parenthesised(value)} : ${defaultValue(body, field)}`]
  }
  const type = `${elementType(body, field)}[]${isNullable(field) ? ' | null' : ''}`
  const assignment = assign(body, struct, field, outer)
  const initial = present === 'true' && isNullable(field) ? 'null' : defaultValue(body, field)
  const open = present === 'true' ? '{' : `if (${present}) {`
  return [`let ${field.name}: ${type} = ${initial}`, open, ...assignment.map((line) => `  ${line}`), '}']
}

function assign(body: Body, struct: Struct, field: Field, outer: Range): string[] {
  if (!field.array) return [`${field.name} = ${readValue(body, struct, field, outer)}`]
  const flexible = fieldFlexibility(body, struct, field)
  const count = choose(
    flexible,
    `r.compactCount(${minimumElementSize(body, field, true)})`,
    `r.count(${minimumElementSize(body, field, false)})`,
  )
  const lines = [`const n = ${count}`]
  const items = `const items: ${elementType(body, field)}[] = []`
  const loop = `for (let i = 0; i < n; i++) items.push(${readElement(body, field, flexible)})`
  const refusal = `throw nullNotAllowed('${field.name}')`
  if (!isNullable(field)) return [...lines, `if (n < 0) ${refusal}`, items, loop, `${field.name} = items`]
  const outside = outOfRange(field.nullable!, intersection(field.range, outer))
  lines.push('if (n < 0) {')
  if (outside !== 'false') lines.push(`  if (${outside}) ${refusal}`)
  lines.push(`  ${field.name} = null`, '} else {', `  ${items}`, `  ${loop}`, `  ${field.name} = items`, '}')
  return lines
}

function intersection(one: Range, other: Range): Range {
  return { low: Math.max(one.low, other.low), high: Math.min(one.high, other.high) }
}

function readElement(body: Body, field: Field, flexible: Flexibility): string {
  if (field.primitive === null) return `${functionName('read', body, structNamed(body, field.structName!))}(r, v)`
  if (field.primitive === 'string') return choose(flexible, 'r.compactString()', 'r.string()')
  if (field.primitive === 'bytes') return choose(flexible, 'r.compactBytes()', 'r.bytes()')
  return `r.${field.primitive}()`
}

function readValue(body: Body, struct: Struct, field: Field, outer: Range): string {
  const flexible = fieldFlexibility(body, struct, field)
  const nullable = field.nullable === null ? 'false' : inRange(field.nullable, intersection(field.range, outer))
  const choice = (ifNullable: string, ifNot: string): string => {
    if (nullable === 'true') return ifNullable
    return nullable === 'false' ? ifNot : `${nullable} ? ${parenthesised(ifNullable)} : ${parenthesised(ifNot)}`
  }
  if (field.primitive === null) {
    const value = `${functionName('read', body, structNamed(body, field.structName!))}(r, v)`
    const isNull = field.tag === null ? 'r.int8() < 0' : 'r.uvarint() === 0'
    return choice(`${isNull} ? null : ${value}`, value)
  }
  const kind = field.primitive === 'string' ? 'String' : 'Bytes'
  if (field.primitive === 'string' || field.primitive === 'bytes' || field.primitive === 'records') {
    return choice(
      choose(flexible, `r.compactNullable${kind}()`, `r.nullable${kind}()`),
      choose(flexible, `r.compact${kind}()`, `r.${kind.toLowerCase()}()`),
    )
  }
  return `r.${field.primitive}()`
}

function parenthesised(expression: string): string {
  return expression.includes(' ? ') ? `(${expression})` : expression
}
