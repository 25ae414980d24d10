/** Where two normalised answers differ. Lists are laid side by side by the key of their elements, if they have one. */
import type { Json, JsonObject } from '../../src/protocol/json.ts'

export interface Difference {
  /** With keys of elements: `topics[t1].partitions[0].errorCode`. */
  readonly path: string
  readonly kafka: Json | undefined
  readonly klamm: Json | undefined
}

const KEYS = [
  'name',
  'topic',
  'topicName',
  'resourceName',
  'groupId',
  'apiKey',
  'feature',
  'key',
  'partitionIndex',
  'index',
  'partition',
  'nodeId',
  'replicaId',
  'memberId',
  'topicId',
  'batchIndex',
  'baseOffset',
]

export function differences(kafka: Json | undefined, klamm: Json | undefined, path = ''): Difference[] {
  if (isObject(kafka) && isObject(klamm)) {
    const names = new Set([...Object.keys(kafka), ...Object.keys(klamm)])
    return [...names].flatMap((name) => differences(kafka[name], klamm[name], path === '' ? name : `${path}.${name}`))
  }
  if (isList(kafka) && isList(klamm)) return listDifferences(kafka, klamm, path)
  return kafka === klamm || JSON.stringify(kafka) === JSON.stringify(klamm) ? [] : [{ path, kafka, klamm }]
}

function listDifferences(kafka: readonly Json[], klamm: readonly Json[], path: string): Difference[] {
  const key = KEYS.find((name) => isKey(name, kafka) && isKey(name, klamm))
  if (key === undefined) {
    if (kafka.length !== klamm.length) return [{ path: `${path}.length`, kafka, klamm }]
    return kafka.flatMap((element, index) => differences(element, klamm[index], `${path}[${index}]`))
  }
  const here = byKey(kafka, key)
  const there = byKey(klamm, key)
  const found = [...new Set([...here.keys(), ...there.keys()])].flatMap((name) =>
    differences(here.get(name), there.get(name), `${path}[${name}]`),
  )
  const order = (list: ReadonlyMap<string, Json>): string => [...list.keys()].join(' ')
  if (found.length === 0 && order(here) !== order(there)) {
    return [{ path: `${path}.order`, kafka: order(here), klamm: order(there) }]
  }
  return found
}

function isKey(name: string, list: readonly Json[]): boolean {
  if (list.length === 0) return true
  const values = list.map((element) => (isObject(element) ? element[name] : undefined))
  if (values.some((value) => value === undefined || (typeof value === 'object' && value !== null))) return false
  return new Set(values).size === list.length
}

function byKey(list: readonly Json[], key: string): Map<string, Json> {
  return new Map(list.map((element) => [isObject(element) ? String(element[key]) : '', element]))
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
