/**
 * The code generator: protocol/**\/*.schema → src/protocol/generated/*.ts, one file per schema and a few tables.
 * Files whose text did not change are not touched, files without a schema are removed. `npm run generate` runs it, only
 * when the schemas or the generator have changed.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaFile } from './generate/file.ts'
import { messagesFile } from './generate/messages.ts'
import { parseSchema, type Schema } from './generate/schema.ts'
import { apisFile, coordinatorRecordsFile, framedRecordsFile } from './generate/tables.ts'

const SOURCE = 'protocol'
const TARGET = join('src', 'protocol', 'generated')

function readSchemas(): Schema[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.schema'))
    .sort()
    .map((file) => parseSchema(file, readFileSync(join(SOURCE, file), 'utf8')))
}

function generatedFiles(schemas: readonly Schema[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const schema of schemas) {
    const name = schema.file.replace(/^.*[/\\]/, '').replace(/\.schema$/, '.ts')
    if (files.has(name)) throw new Error(`two schemas are named ${name}`)
    files.set(name, schemaFile(schema))
  }
  files.set('apis.ts', apisFile(schemas))
  files.set('metadata-records.ts', framedRecordsFile(schemas, 'metadata'))
  files.set('remote-log-records.ts', framedRecordsFile(schemas, 'remote-log'))
  files.set('messages.ts', messagesFile(schemas))
  files.set('coordinator-records.ts', coordinatorRecordsFile(schemas))
  return files
}

function currentText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

const schemas = readSchemas()
const files = generatedFiles(schemas)
mkdirSync(TARGET, { recursive: true })
for (const name of readdirSync(TARGET)) if (!files.has(name)) rmSync(join(TARGET, name))
for (const [name, text] of files) {
  if (currentText(join(TARGET, name)) !== text) writeFileSync(join(TARGET, name), text)
}
const bodies = schemas.flatMap((schema) => schema.bodies)
const versions = bodies.reduce((sum, body) => sum + body.range.high - body.range.low + 1, 0)
console.log(`${TARGET}: ${files.size} files, ${bodies.length} messages, ${versions} versions`)
