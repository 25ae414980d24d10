import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SeededRandom } from '../testing/seeded-random.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { checkBytes, damage, type Outcome } from './fuzz.ts'
import type { MessageDescription } from './fields.ts'
import { MESSAGES } from './generated/messages.ts'
import type { MessageVector } from './vectors.ts'

const SEED = 20_260_727
const TRUNCATED_BYTES_MAX = 200

// Refusals are the common case here, and their stack traces would be most of the work.
const { stackTraceLimit } = Error
beforeAll(() => {
  Error.stackTraceLimit = 0
})
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit
})

interface Subject {
  readonly description: MessageDescription
  readonly version: number
  readonly bytes: Buffer
  readonly case: string
}

const SUBJECTS: readonly Subject[] = gunzipSync(readFileSync('test/golden/vectors-public.jsonl.gz'))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => {
    const vector: MessageVector = JSON.parse(line)
    const description = MESSAGES.get(vector.name)
    if (description === undefined) throw new Error(`no message ${vector.name}`)
    return { description, version: vector.version, bytes: Buffer.from(vector.hex, 'hex'), case: vector.case }
  })

function count(outcomes: readonly Outcome[]): Record<Outcome, number> {
  const counts = { refused: 0, canonical: 0, 'not canonical': 0 }
  for (const outcome of outcomes) counts[outcome]++
  return counts
}

test("what Kafka's serialisers wrote is canonical", () => {
  const outcomes = SUBJECTS.filter(({ bytes }) => bytes.length <= 2000).map(({ description, version, bytes }) =>
    checkBytes(description, version, bytes),
  )
  expect(count(outcomes)).toMatchObject({ refused: 0, 'not canonical': 0 })
})

test('a message that is cut anywhere is refused', () => {
  const seen = new Set<string>()
  const accepted: string[] = []
  for (const { description, version, bytes, case: kind } of SUBJECTS) {
    const key = `${description.name} ${version}`
    if ((kind !== 'full' && kind !== 'unknown-tags') || seen.has(key + kind)) continue
    seen.add(key + kind)
    for (let end = Math.max(0, bytes.length - TRUNCATED_BYTES_MAX); end < bytes.length; end++) {
      if (checkBytes(description, version, bytes.subarray(0, end)) !== 'refused') accepted.push(`${key} at ${end}`)
    }
  }
  expect(accepted).toEqual([])
})

test('a damaged message is refused, or it is a message with a fixpoint, and identical where it is canonical', () => {
  const random = new SeededRandom(SEED)
  const draw = (limit: number): number => random.uint32() % limit
  const outcomes: Outcome[] = []
  for (const { description, version, bytes } of SUBJECTS) {
    if (bytes.length <= 2000) outcomes.push(checkBytes(description, version, damage(bytes, draw)))
  }
  const counts = count(outcomes)
  // All three must have happened often, or the test proves nothing.
  for (const times of Object.values(counts)) expect(times).toBeGreaterThan(300)
})

test('a megabyte of unknown tags in falling order is read at once, and takes a small multiple of it', () => {
  const writer = new ByteWriter()
  writer.int32(7)
  writer.uvarint(300_000)
  for (let tag = 300_000; tag > 0; tag--) {
    writer.uvarint(tag)
    writer.uvarint(0)
  }
  const header = MESSAGES.get('ResponseHeader')
  expect(header && checkBytes(header, 1, writer.toBuffer())).toBe('not canonical')
})
