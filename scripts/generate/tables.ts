/** Writes the files that list things: all APIs by key, metadata records by id, coordinator records by type. */
import { BANNER } from './file.ts'
import type { Schema } from './schema.ts'

function moduleName(schema: Schema): string {
  return schema.file.replace(/^.*\//, '').replace(/\.schema$/, '.ts')
}

function importLines(schemas: readonly Schema[], names: (schema: Schema) => readonly string[]): string {
  return schemas.map((schema) => `import { ${names(schema).join(', ')} } from './${moduleName(schema)}'\n`).join('')
}

export function apisFile(schemas: readonly Schema[]): string {
  const apis = schemas.filter((schema) => schema.kind === 'api').sort((one, other) => one.number! - other.number!)
  return `${BANNER('protocol/rpc')}import type { AnyApi } from '../codec.ts'
${importLines(apis, (schema) => [schema.name])}
/** Every API that any release has, by key. Whoever needs one API imports its own file instead. */
export const APIS: ReadonlyMap<number, AnyApi> = new Map<number, AnyApi>(
  [${apis.map((schema) => schema.name).join(', ')}].map((api) => [api.key, api]),
)

/** Names by key, for log lines and errors about requests of any kind. */
export const API_NAMES: ReadonlyMap<number, string> = new Map([...APIS.values()].map((api) => [api.key, api.name]))
`
}

/** Records that carry their id and version in front: the metadata log and __remote_log_metadata. */
export function framedRecordsFile(schemas: readonly Schema[], kind: 'metadata' | 'remote-log'): string {
  const records = schemas.filter((schema) => schema.kind === kind).sort((one, other) => one.number! - other.number!)
  const [type, table] = kind === 'metadata' ? ['Metadata', 'METADATA_RECORDS'] : ['RemoteLog', 'REMOTE_LOG_RECORDS']
  return `${BANNER(`protocol/${kind}`)}import type { MessageCodec } from '../codec.ts'
${importLines(records, (schema) => [schema.name])}
export interface ${type}RecordTypes {
${records.map((schema) => `  ${schema.name}: ${schema.name}\n`).join('')}}

export type ${type}RecordName = keyof ${type}RecordTypes

/** One record with its name, which tells its type. */
export type ${type}Record = {
  [Name in ${type}RecordName]: { readonly name: Name; readonly record: ${type}RecordTypes[Name] }
}[${type}RecordName]

/** By name: the id that stands in front, and the codec. */
export const ${table}: {
  readonly [Name in ${type}RecordName]: { readonly id: number; readonly codec: MessageCodec<${type}RecordTypes[Name]> }
} = {
${records.map((schema) => `  ${schema.name}: { id: ${schema.number}, codec: ${schema.name} },\n`).join('')}}

export const ${table.replace('RECORDS', 'RECORD_NAMES')}: ReadonlyMap<number, ${type}RecordName> = new Map<number, ${type}RecordName>([
${records.map((schema) => `  [${schema.number}, '${schema.name}'],\n`).join('')}])
`
}

export function coordinatorRecordsFile(schemas: readonly Schema[]): string {
  const records = schemas.filter((schema) => schema.kind === 'coordinator')
  const groups = [...new Set(records.map((schema) => schema.group!))].sort()
  const body = (schema: Schema, kind: 'key' | 'value'): string =>
    schema.bodies.find((candidate) => candidate.kind === kind)!.name
  let text = `${BANNER('protocol/coordinator')}import type { MessageCodec } from '../codec.ts'
${importLines(records, (schema) => [body(schema, 'key'), body(schema, 'value')])}
/** A kind of record in a coordinator's log: \`type\` is the first int16 of the key, the key follows at version 0. */
export interface CoordinatorRecordType<Key, Value> {
  readonly type: number
  readonly name: string
  readonly key: MessageCodec<Key>
  readonly value: MessageCodec<Value>
}
`
  for (const group of groups) {
    const name = group[0]!.toUpperCase() + group.slice(1)
    const table = `${group.toUpperCase()}_RECORDS`
    const own = records.filter((schema) => schema.group === group).sort((one, other) => one.number! - other.number!)
    text += `
export interface ${name}RecordTypes {
${own.map((schema) => `  ${schema.name}: { readonly key: ${body(schema, 'key')}; readonly value: ${body(schema, 'value')} }\n`).join('')}}

export type ${name}RecordName = keyof ${name}RecordTypes

export const ${table}: {
  readonly [Name in ${name}RecordName]: CoordinatorRecordType<${name}RecordTypes[Name]['key'], ${name}RecordTypes[Name]['value']>
} = {
${own.map((schema) => `  ${schema.name}: { type: ${schema.number}, name: '${schema.name}', key: ${body(schema, 'key')}, value: ${body(schema, 'value')} },\n`).join('')}}

export const ${group.toUpperCase()}_RECORD_NAMES: ReadonlyMap<number, ${name}RecordName> = new Map<number, ${name}RecordName>([
${own.map((schema) => `  [${schema.number}, '${schema.name}'],\n`).join('')}])
`
  }
  return text
}
