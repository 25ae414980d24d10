/** Writes generated/messages.ts: every message with its codec and its fields as data (src/protocol/fields.ts). */
import { structNamed } from './code.ts'
import { BANNER } from './file.ts'
import type { Body, Field, Schema, Struct } from './schema.ts'

export function messagesFile(schemas: readonly Schema[]): string {
  const imports: string[] = []
  const structs: string[] = []
  const entries: string[] = []
  for (const schema of schemas) {
    const module = schema.file.replace(/^.*[/\\]/, '').replace(/\.schema$/, '.ts')
    imports.push(`import { ${schema.bodies.map((body) => body.name).join(', ')} } from './${module}'\n`)
    for (const body of schema.bodies) {
      for (const struct of body.structs) structs.push(fieldsConstant(body, struct))
      const number = schema.number
      const kind = schema.kind === 'coordinator' ? `coordinator-${body.kind}` : bodyKind(schema, body)
      const description = `{ name: '${body.name}', kind: '${kind}', number: ${number}, codec: ${body.name}, fields: ${constantName(body, body.root)} }`
      entries.push(`  ['${body.name}', ${description}],\n`)
    }
  }
  return `${BANNER('all schemas')}import type { FieldDescription, FieldKind, MessageDescription } from '../fields.ts'
${imports.join('')}
type Versions = readonly [number, number]

function field(
  name: string,
  kind: FieldKind,
  array: boolean,
  versions: Versions,
  tag: number | null,
  nullable: Versions | null,
  value?: string | null,
  fields: readonly FieldDescription[] = [],
): FieldDescription {
  return { name, kind, array, versions, tag, nullable, default: value, fields }
}

${structs.join('')}
export const MESSAGES: ReadonlyMap<string, MessageDescription> = new Map<string, MessageDescription>([
${entries.join('')}])
`
}

function bodyKind(schema: Schema, body: Body): string {
  return schema.kind === 'api' ? body.kind : schema.kind
}

function constantName(body: Body, struct: Struct): string {
  return struct === body.root ? `${body.name}Fields` : `${body.name}${struct.name}Fields`
}

function fieldsConstant(body: Body, struct: Struct): string {
  const rows = struct.fields.map((field) => `  ${fieldCall(body, field)},\n`)
  return `const ${constantName(body, struct)}: readonly FieldDescription[] = [\n${rows.join('')}]\n`
}

function fieldCall(body: Body, field: Field): string {
  const nullable = field.nullable === null ? 'null' : `[${field.nullable.low}, ${field.nullable.high}]`
  const parts = [
    `'${field.name}'`,
    `'${field.primitive ?? 'struct'}'`,
    String(field.array),
    `[${field.range.low}, ${field.range.high}]`,
    String(field.tag),
    nullable,
  ]
  const value = field.default === undefined ? 'undefined' : JSON.stringify(field.default)
  if (field.structName !== null) parts.push(value, constantName(body, structNamed(body, field.structName)))
  else if (field.default !== undefined) parts.push(value)
  return `field(${parts.join(', ')})`
}
