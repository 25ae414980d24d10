/** JSON files that tools are given: partitions, offsets, reassignments. */
import { OperationalError } from '../../base/errors.ts'
import type { Disk } from '../../world/world.ts'
import { failure } from '../tool/tool-exit.ts'

export type JsonObject = { readonly [key: string]: unknown }

/** @throws OperationalError CONFIG_INVALID */
export async function readText(disk: Disk, path: string): Promise<string> {
  const bytes = await disk.readFile(path)
  if (bytes === null) throw new OperationalError('CONFIG_INVALID', `Unable to read file ${path}: no such file`)
  return bytes.toString()
}

/** Null if it is no JSON. @throws ToolExit if it is another value than an object */
export function jsonObject(text: string): JsonObject | null {
  const json = parsed(text)
  if (json === undefined) return null
  if (isObject(json)) return json
  throw failure(`Expected JSON object, received ${JSON.stringify(json)}`)
}

/** Null if it is no JSON object. */
export function parseJsonObject(text: string): JsonObject | null {
  const json = parsed(text)
  return isObject(json) ? json : null
}

/** Undefined, which no JSON is, if it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** The objects of an array field; null without such a field. @throws ToolExit if it is something else. */
export function objectsOf(json: JsonObject, field: string): readonly JsonObject[] | null {
  const list = json[field]
  if (list === undefined) return null
  if (!Array.isArray(list) || !list.every(isObject)) throw failure(`"${field}" must be a list of objects.`)
  return list
}

/** @throws ToolExit */
export function textField(json: JsonObject, field: string): string {
  const value = json[field]
  if (typeof value === 'string') return value
  throw failure(
    value === undefined
      ? `No such field exists: \`${field}\``
      : `Expected \`String\` value, received ${JSON.stringify(value)}`,
  )
}

/** @throws ToolExit */
export function integerField(json: JsonObject, field: string, type: 'Integer' | 'Long' = 'Integer'): number {
  const value = json[field]
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw failure(
    value === undefined
      ? `No such field exists: \`${field}\``
      : `Expected \`${type}\` value, received ${JSON.stringify(value)}`,
  )
}

/** Those that stand more than once. */
export function duplicates(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.filter((text, index) => texts.indexOf(text) !== index))]
}
