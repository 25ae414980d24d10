import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { MESSAGES } from './generated/messages.ts'
import { checkMessageVector, type MessageVector } from './vectors.ts'

const VECTORS: readonly MessageVector[] = gunzipSync(readFileSync('test/golden/vectors-public.jsonl.gz'))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))

function failures(types: readonly string[]): { checked: number; failed: string[] } {
  const vectors = VECTORS.filter((vector) => types.includes(vector.type))
  const failed: string[] = []
  for (const vector of vectors) {
    const problem = problemOf(vector)
    if (problem !== null) failed.push(`${vector.name} ${vector.version} ${vector.case}: ${problem}`)
  }
  return { checked: vectors.length, failed: failed.slice(0, 20) }
}

function problemOf(vector: MessageVector): string | null {
  try {
    return checkMessageVector(vector)
  } catch (error) {
    return String(error)
  }
}

test("requests of Kafka's serialisers decode, encode to the same bytes and print the same JSON", () => {
  expect(failures(['request'])).toEqual({ checked: 2833, failed: [] })
})

test("responses of Kafka's serialisers decode, encode to the same bytes and print the same JSON", () => {
  expect(failures(['response'])).toEqual({ checked: 2953, failed: [] })
})

test('headers, log records and embedded data do so too, framed forms included', () => {
  const types = ['header', 'data', 'metadata', 'remote-log', 'coordinator-key', 'coordinator-value']
  expect(failures(types)).toEqual({ checked: 1047, failed: [] })
})

test('every version of every message is among the vectors', () => {
  const seen = new Set(VECTORS.map((vector) => `${vector.name} ${vector.version}`))
  const missing: string[] = []
  for (const { name, codec } of MESSAGES.values()) {
    for (let version = codec.lowestVersion; version <= codec.highestVersion; version++) {
      if (!seen.has(`${name} ${version}`)) missing.push(`${name} ${version}`)
    }
  }
  expect(missing).toEqual([])
})
