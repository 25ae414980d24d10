import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MalformedError } from '../base/byte-reader.ts'
import * as batch from './batch.ts'
import { buildBatch } from './batch-builder.ts'
import { BatchCursor, isEntryCrcValid } from './batches.ts'
import { buildMarker } from './control.ts'
import { downConvert, upConvert } from './convert.ts'
import { buildMessageSet } from './message-builder.ts'
import { readRecords, RecordCursor, visitRecords } from './record-reader.ts'
import type { RecordData } from './record.ts'

const OLD_CODECS = ['none', 'gzip', 'snappy', 'lz4'] as const

function all(bytes: Buffer): RecordData[] {
  const records: RecordData[] = []
  const cursor = new BatchCursor().reset(bytes)
  while (cursor.next()) {
    expect(isEntryCrcValid(bytes, cursor.at, cursor.size)).toBe(true)
    records.push(...readRecords(bytes, cursor.at))
  }
  expect(cursor.position).toBe(bytes.length)
  return records
}

function record(offset: number): { offset: number; timestamp: number; key: Buffer | null; value: Buffer } {
  return {
    offset,
    timestamp: 1000 + offset,
    key: offset % 2 === 0 ? null : Buffer.from('k'),
    value: Buffer.from(`v${offset}`),
  }
}

test.each(OLD_CODECS)('a batch in %s goes down to magic 1 and 0 with offsets, keys, values and codec kept', (codec) => {
  const records = [record(40), record(42), record(47)]
  const bytes = buildBatch({ baseOffset: 38, lastOffsetDelta: 12, codec, records })
  for (const magic of [0, 1] as const) {
    const old = Buffer.concat(downConvert(bytes, magic))
    const expected = records.map((one) => ({ ...one, timestamp: magic === 0 ? -1 : one.timestamp, headers: [] }))
    expect(all(old)).toEqual(expected)
    expect(old[16]).toBe(magic)
    expect(old[17]! & 7).toBe(batch.CODECS.indexOf(codec))
    if (codec !== 'none') expect(batch.baseOffset(old, 0)).toBe(47)
  }
})

test('log-append time goes down with its type', () => {
  for (const codec of OLD_CODECS) {
    const bytes = buildBatch({ codec, records: [record(0), record(1)], logAppendTimeMs: 77 })
    const old = Buffer.concat(downConvert(bytes, 1))
    expect(old[17]! & batch.LOG_APPEND_TIME_BIT).toBe(batch.LOG_APPEND_TIME_BIT)
    expect(all(old).map((one) => one.timestamp)).toEqual([77, 77])
  }
})

test('headers, control batches and batches without records are dropped', () => {
  const headers = [{ key: 'h', value: Buffer.from('x') }]
  const pieces = [
    buildBatch({ records: [{ ...record(0), headers }] }),
    buildMarker({
      type: 'COMMIT',
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: 5,
      baseOffset: 1,
    }),
    buildBatch({ baseOffset: 2, lastOffsetDelta: 3, records: [] }),
    buildBatch({ baseOffset: 6, records: [record(6)] }),
  ]
  expect(all(Buffer.concat(downConvert(pieces, 1)))).toEqual(
    [record(0), record(6)].map((one) => ({ ...one, headers: [] })),
  )
})

test('records below the fetch offset are cut from batches that are not compressed', () => {
  const records = [record(0), record(1), record(2)]
  const cut = Buffer.concat(downConvert(buildBatch({ records }), 1, 2))
  expect(all(cut).map((one) => one.offset)).toEqual([2])
  const whole = Buffer.concat(downConvert(buildBatch({ records, codec: 'gzip' }), 1, 2))
  expect(all(whole).map((one) => one.offset)).toEqual([0, 1, 2])
})

test('what is old enough passes as it is, and magic 1 goes down to 0', () => {
  const zero = buildMessageSet({ magic: 0, codec: 'lz4', records: [record(1)] })
  const one = buildMessageSet({ magic: 1, codec: 'lz4', records: [record(2), record(3)] })
  expect(Buffer.concat(downConvert(zero, 1)).equals(zero)).toBe(true)
  expect(Buffer.concat(downConvert(one, 1)).equals(one)).toBe(true)
  const down = Buffer.concat(downConvert([zero, one.subarray(0, 30), one.subarray(30)], 0))
  expect(all(down).map((message) => [message.offset, message.timestamp])).toEqual([
    [1, -1],
    [2, -1],
    [3, -1],
  ])
})

test('zstd has no older format', () => {
  const bytes = buildBatch({ records: [record(0)], codec: 'zstd' })
  expect(() => downConvert(bytes, 1)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_COMPRESSION_TYPE' }))
})

test('arbitrary records survive the way down to magic 1 and up again', () => {
  const field = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })
  const one = fc.record({
    gap: fc.integer({ min: 1, max: 1000 }),
    timestamp: fc.maxSafeNat(),
    key: field,
    value: field,
  })
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 30 }), fc.constantFrom(...OLD_CODECS), (list, codec) => {
      let offset = 100
      const records = list.map((item) => ({
        offset: (offset += item.gap),
        timestamp: item.timestamp,
        key: item.key === null ? null : Buffer.from(item.key),
        value: item.value === null ? null : Buffer.from(item.value),
        headers: [],
      }))
      const bytes = buildBatch({ baseOffset: 100, codec, records })
      const up = Buffer.concat(upConvert(Buffer.concat(downConvert(bytes, 1))))
      expect(up[16]).toBe(2)
      expect(all(up)).toEqual(records)
    }),
    { numRuns: 100 },
  )
})

test('a magic 1 wrapper with offset 0 counts from 0, and one below its content is refused', () => {
  const wrapper = buildMessageSet({ magic: 1, codec: 'gzip', records: [record(0), record(1), record(2)] })
  batch.setBaseOffset(wrapper, 0, 0)
  expect(readRecords(wrapper).map((one) => one.offset)).toEqual([0, 1, 2])
  batch.setBaseOffset(wrapper, 0, 1)
  expect(() => readRecords(wrapper)).toThrow(MalformedError)
})

test('the visiting form sees the same as the plain one, and one cursor serves entries of all kinds', () => {
  const cursor = new RecordCursor()
  for (const bytes of [
    buildBatch({ codec: 'snappy', records: [record(0), record(1)] }),
    buildMessageSet({ magic: 0, records: [record(5)] }),
    buildMessageSet({ magic: 1, codec: 'lz4', records: [record(7), record(9)] }),
    buildBatch({ records: [record(3)] }),
  ]) {
    const seen: RecordData[] = []
    visitRecords(bytes, 0, (one) => seen.push(one.record()))
    const again: RecordData[] = []
    cursor.open(bytes)
    while (cursor.next()) again.push(cursor.record())
    expect(seen).toEqual(readRecords(bytes))
    expect(again).toEqual(seen)
  }
})

test('the walk over entries stops at a torn tail, and throws for a size or magic that cannot be', () => {
  const whole = Buffer.concat([
    buildBatch({ records: [record(0)] }),
    buildMessageSet({ magic: 0, records: [record(1)] }),
  ])
  const first = batch.entryBytes(whole, 0)
  for (let cut = 0; cut <= whole.length; cut++) {
    const cursor = new BatchCursor().reset(whole, 0, cut)
    while (cursor.next());
    expect(cursor.position).toBe(cut === whole.length ? cut : cut >= first ? first : 0)
  }
  for (const [at, value] of [
    [11, 48],
    [16, 3],
    [16, 0xff],
  ] as const) {
    const broken = Buffer.from(whole)
    broken[at] = value
    expect(() => new BatchCursor().reset(broken).next()).toThrow(MalformedError)
  }
})

test('every golden record set cut short or with flipped bytes is read or refused with a typed error', () => {
  const file = new URL('../../test/golden/batches-public.jsonl.gz', import.meta.url)
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n')
  let state = 99
  let read = 0
  let refused = 0
  for (const line of lines) {
    const parsed: { readonly hex: string } = JSON.parse(line)
    const bytes = Buffer.from(parsed.hex, 'hex')
    for (let round = 0; round < 24; round++) {
      const broken = Buffer.from(
        bytes.subarray(0, round % 3 === 0 ? Math.floor((bytes.length * round) / 24) : bytes.length),
      )
      for (let flips = round % 4; flips > 0 && broken.length > 0; flips--) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
        const at = (state >>> 8) % broken.length
        broken[at] = round % 2 === 0 ? state & 0xff : broken[at]! ^ (1 << (state & 7))
      }
      try {
        const cursor = new BatchCursor().reset(broken)
        while (cursor.next()) readRecords(broken, cursor.at, 1_000_000)
        read++
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error
        refused++
      }
    }
  }
  expect(read).toBeGreaterThan(1000)
  expect(refused).toBeGreaterThan(1000)
})
