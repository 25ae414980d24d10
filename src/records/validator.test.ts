import fc from 'fast-check'
import { expect, test } from 'vitest'
import { INT64_MAX } from '../base/int64.ts'
import * as batch from './batch.ts'
import { buildBatch, type BatchInit } from './batch-builder.ts'
import { isEntryCrcValid } from './batches.ts'
import { producedBytesMax } from './compression/compression.ts'
import { crc32, crc32c } from './crc32c.ts'
import { buildMessageSet } from './message-builder.ts'
import { readRecords } from './record-reader.ts'
import type { RecordInit } from './record.ts'
import { InvalidRecords, validateProduce, type ProduceOptions } from './validator.ts'

const NOW = 1_700_000_000_000
const OPTIONS: ProduceOptions = {
  nowMs: NOW,
  timestampType: 'CreateTime',
  beforeMaxMs: INT64_MAX,
  afterMaxMs: 3_600_000,
  compactedTopic: false,
  compression: { type: 'producer' },
  maxMessageBytes: 1_048_588,
  segmentBytes: 1_073_741_824,
  allowOldMagic: true,
  requestVersion: 12,
  topicPartition: 'orders-3',
}

function records(count: number, timestamp = NOW): RecordInit[] {
  return Array.from({ length: count }, (_, index) => ({
    timestamp: timestamp + index,
    key: Buffer.from(`k${index}`),
    value: Buffer.from(`value of ${index}`),
    headers: index % 3 === 0 ? [{ key: 'h', value: Buffer.from('x') }] : [],
  }))
}

function refusal(bytes: Buffer, options: Partial<ProduceOptions> = {}): InvalidRecords {
  try {
    validateProduce(bytes, { ...OPTIONS, ...options })
  } catch (error) {
    if (error instanceof InvalidRecords) return error
    throw error
  }
  throw new Error('was accepted')
}

/** Header fields changed behind the builder's back, with a right checksum. */
function patched(bytes: Buffer, patch: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  patch(copy)
  batch.setCrc(copy, 0, crc32c(copy, batch.ATTRIBUTES_AT))
  return copy
}

test.each(batch.CODECS)('a good batch in %s is accepted as it is, in the same memory', (codec) => {
  const bytes = buildBatch({ records: records(10), codec })
  const before = Buffer.from(bytes)
  const result = validateProduce(bytes, OPTIONS)
  expect(result.records).toBe(bytes)
  expect(bytes.equals(before)).toBe(true)
  expect(result).toMatchObject({
    recordCount: 10,
    maxTimestamp: NOW + 9,
    shallowOffsetOfMaxTimestamp: 9,
    logAppendTimeMs: -1,
    rebuilt: false,
  })
})

test.each(batch.CODECS)('with log-append time a batch in %s gets type, time and checksum in place', (codec) => {
  const bytes = buildBatch({ records: records(3), codec })
  const result = validateProduce(bytes, { ...OPTIONS, timestampType: 'LogAppendTime', nowMs: NOW + 77 })
  expect(result.records).toBe(bytes)
  expect(result.logAppendTimeMs).toBe(NOW + 77)
  expect(batch.hasLogAppendTime(bytes, 0)).toBe(true)
  expect(batch.codec(bytes, 0)).toBe(codec)
  expect(isEntryCrcValid(bytes, 0, bytes.length)).toBe(true)
  expect(readRecords(bytes).map((record) => record.timestamp)).toEqual([NOW + 77, NOW + 77, NOW + 77])
})

test('a wrong max timestamp is mended in place', () => {
  const bytes = patched(buildBatch({ records: records(3) }), (copy) => batch.setMaxTimestamp(copy, 0, 5))
  validateProduce(bytes, OPTIONS)
  expect(batch.maxTimestamp(bytes, 0)).toBe(NOW + 2)
  expect(isEntryCrcValid(bytes, 0, bytes.length)).toBe(true)
})

test('a batch is recompressed only if the topic names another codec', () => {
  for (const source of batch.CODECS) {
    for (const target of batch.CODECS) {
      const bytes = buildBatch({
        records: records(20),
        codec: source,
        producerId: 9,
        producerEpoch: 1,
        baseSequence: 4,
      })
      const type = target === 'none' ? 'uncompressed' : target
      const result = validateProduce(bytes, { ...OPTIONS, compression: { type, gzipLevel: 1, zstdLevel: 1 } })
      expect(result.rebuilt, `${source} to ${target}`).toBe(source !== target)
      expect(batch.codec(result.records, 0)).toBe(target)
      expect(isEntryCrcValid(result.records, 0, result.records.length)).toBe(true)
      expect(readRecords(result.records)).toEqual(readRecords(bytes))
      expect(batch.producerId(result.records, 0)).toBe(9)
      expect(batch.baseSequence(result.records, 0)).toBe(4)
    }
  }
})

test('a batch built anew for another codec is the one that a builder makes of its records', () => {
  const init: BatchInit = {
    records: records(20),
    transactional: true,
    producerId: 5,
    producerEpoch: 0,
    baseSequence: 0,
  }
  const source = buildBatch({ ...init, codec: 'gzip' })
  const result = validateProduce(source, { ...OPTIONS, compression: { type: 'uncompressed' } })
  expect(result.records.equals(buildBatch(init))).toBe(true)
})

test('offsets inside a compressed batch that do not run 0, 1, 2 are written anew; uncompressed they stay', () => {
  const odd = records(3).map((record, index) => ({ ...record, offset: [0, 2, 5][index]! }))
  for (const codec of ['none', 'gzip'] as const) {
    const bytes = buildBatch({ records: odd, codec, lastOffsetDelta: 2 })
    const result = validateProduce(bytes, OPTIONS)
    expect(result.rebuilt).toBe(codec === 'gzip')
    const offsets = readRecords(result.records).map((record) => record.offset)
    expect(offsets).toEqual(codec === 'gzip' ? [0, 1, 2] : [0, 2, 5])
  }
})

test('the shape of a client batch is checked: base offset, range, count, control, sequence', () => {
  const good = buildBatch({ records: records(3) })
  expect(refusal(patched(good, (copy) => batch.setBaseOffset(copy, 0, 1))).code).toBe('INVALID_RECORD')
  expect(refusal(patched(good, (copy) => copy.writeInt32BE(-1, 23))).code).toBe('INVALID_RECORD')
  expect(refusal(patched(good, (copy) => copy.writeInt32BE(3, 23))).code).toBe('INVALID_RECORD')
  expect(refusal(patched(good, (copy) => copy.writeInt32BE(0, 57))).code).toBe('INVALID_RECORD')
  expect(refusal(patched(good, (copy) => copy.writeInt32BE(2, 57))).code).toBe('INVALID_RECORD')
  expect(refusal(buildBatch({ records: records(1), control: true })).code).toBe('INVALID_RECORD')
  expect(refusal(buildBatch({ records: records(1), producerId: 4, producerEpoch: 0 })).code).toBe('INVALID_RECORD')
  expect(refusal(Buffer.concat([good, good])).code).toBe('INVALID_RECORD')
  expect(refusal(Buffer.alloc(0)).code).toBe('INVALID_RECORD')
})

test('a coordinator may write control batches', () => {
  const bytes = buildBatch({ records: [{ timestamp: NOW, key: Buffer.alloc(4) }], control: true })
  const result = validateProduce(bytes, { ...OPTIONS, origin: 'coordinator', compression: { type: 'gzip' } })
  expect(result.records).toBe(bytes)
})

test('a wrong checksum and a size that cannot be are CORRUPT_MESSAGE, a stream that does not decompress is no known error', () => {
  const good = buildBatch({ records: records(3) })
  const flipped = Buffer.from(good)
  flipped[70] = flipped[70]! ^ 1
  expect(refusal(flipped).code).toBe('CORRUPT_MESSAGE')
  const short = Buffer.from(good)
  short.writeInt32BE(5, 8)
  expect(refusal(short)).toMatchObject({
    code: 'CORRUPT_MESSAGE',
    answerText: 'Record size 5 is less than the minimum record overhead (14)',
  })
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const broken = patched(buildBatch({ records: records(3), codec }), (copy) => copy.fill(0xee, 61, 75))
    expect(refusal(broken).code, codec).toBe('UNKNOWN_SERVER_ERROR')
  }
})

test('what a batch decompresses to is capped', () => {
  const bytes = buildBatch({ records: [{ timestamp: NOW, value: Buffer.alloc(900_000) }], codec: 'zstd' })
  expect(refusal(bytes, { decompressedBytesMax: 500_000 }).code).toBe('UNKNOWN_SERVER_ERROR')
})

test.each(['gzip', 'zstd'] as const)(
  'a bomb in %s is refused, a batch that is packed 60 times smaller is not',
  (codec) => {
    const bomb = buildBatch({ records: [{ timestamp: NOW, value: Buffer.alloc(20_000_000) }], codec })
    expect(bomb.length).toBeLessThan(30_000)
    expect(refusal(bomb).code).toBe('UNKNOWN_SERVER_ERROR')
    const small = buildBatch({ records: [{ timestamp: NOW, value: Buffer.alloc(16_000_000) }], codec })
    expect(validateProduce(small, OPTIONS).recordCount).toBe(1)
    const value = Buffer.alloc(20_000_000)
    for (let at = 0, noise = 1; at < 350_000; at++) {
      noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) | 0
      value[at] = noise >>> 24
    }
    const packed = buildBatch({ records: [{ timestamp: NOW, value }], codec })
    expect(packed.length).toBeGreaterThan(320_000)
    expect(validateProduce(packed, OPTIONS).recordCount).toBe(1)
  },
)

test('what a batch may become grows with it, from 16 MiB to 128 MiB', () => {
  expect([0, 100_000, 1_000_000, 10_000_000].map(producedBytesMax)).toEqual([
    16_777_216, 16_777_216, 64_000_000, 134_217_728,
  ])
})

test('records that do not fit their batch are INVALID_RECORD, compressed or not', () => {
  for (const codec of ['none', 'lz4'] as const) {
    const good = buildBatch({ records: records(3), codec })
    const more = patched(good, (copy) => {
      copy.writeInt32BE(4, 57)
      copy.writeInt32BE(3, 23)
    })
    expect(refusal(more).code).toBe('INVALID_RECORD')
    const fewer = patched(good, (copy) => {
      copy.writeInt32BE(2, 57)
      copy.writeInt32BE(1, 23)
    })
    expect(refusal(fewer).code).toBe('INVALID_RECORD')
  }
})

test('too large is MESSAGE_TOO_LARGE for a batch and RECORD_LIST_TOO_LARGE for a segment, also after recompression', () => {
  const bytes = buildBatch({ records: records(100), codec: 'gzip' })
  expect(refusal(bytes, { maxMessageBytes: bytes.length - 1 }).code).toBe('MESSAGE_TOO_LARGE')
  expect(refusal(bytes, { segmentBytes: bytes.length - 1 }).code).toBe('RECORD_LIST_TOO_LARGE')
  const options = { maxMessageBytes: bytes.length, compression: { type: 'uncompressed' as const } }
  expect(refusal(bytes, options).code).toBe('MESSAGE_TOO_LARGE')
})

test('a compacted topic refuses the whole batch for records without a key and names each of them', () => {
  const some = records(4).map((record, index) => (index % 2 === 1 ? { ...record, key: null } : record))
  const error = refusal(buildBatch({ records: some }), { compactedTopic: true })
  expect(error.code).toBe('INVALID_RECORD')
  expect(error.recordErrors.map((one) => one.batchIndex)).toEqual([1, 3])
  expect(error.answerText).toMatch(/^One or more records have been rejected due to 2 record errors in total, and only/)
  expect(error.recordErrors[0]!.message).toBe(
    'Compacted topic cannot accept message without key in topic partition orders-3',
  )
})

test('times out of the topic’s bounds are INVALID_TIMESTAMP; -1 is no time and passes', () => {
  const late = buildBatch({ records: records(2, NOW + 3_599_999 + 1) })
  const error = refusal(late)
  expect(error.code).toBe('INVALID_TIMESTAMP')
  expect(error.recordErrors).toEqual([
    {
      batchIndex: 1,
      message:
        'Timestamp 1700003600001 of message with offset 1 is out of range. ' +
        'The timestamp should be within [-9223370336854775807, 1700003600000]',
    },
  ])
  expect(refusal(buildBatch({ records: records(2, NOW - 1001) }), { beforeMaxMs: 1000 }).recordErrors).toHaveLength(1)
  const mixed = records(2, NOW - 5000).map((record, index) => (index === 1 ? { ...record, key: null } : record))
  const both = refusal(buildBatch({ records: mixed }), { beforeMaxMs: 1000, compactedTopic: true })
  expect(both.code).toBe('INVALID_TIMESTAMP')
  expect(both.recordErrors).toHaveLength(2)
  const none = buildBatch({ records: [{ value: Buffer.from('x') }] })
  const accepted = validateProduce(none, { ...OPTIONS, beforeMaxMs: 1000 })
  expect(accepted).toMatchObject({ maxTimestamp: -1, shallowOffsetOfMaxTimestamp: -1 })
  for (const timestamp of [INT64_MAX, 9_000_000_000_000_000]) {
    expect(refusal(buildBatch({ records: [{ timestamp }] })).code).toBe('INVALID_TIMESTAMP')
  }
})

test('only a broker may mark a batch with log-append time', () => {
  const marked = buildBatch({ records: records(1), logAppendTimeMs: NOW })
  expect(refusal(marked, { timestampType: 'LogAppendTime' }).code).toBe('INVALID_TIMESTAMP')
})

test('zstd needs Produce version 7, and old magic a version below 3', () => {
  const zstd = buildBatch({ records: records(1), codec: 'zstd' })
  expect(refusal(zstd, { requestVersion: 6 }).code).toBe('UNSUPPORTED_COMPRESSION_TYPE')
  const old = buildMessageSet({ magic: 1, records: records(1) })
  expect(refusal(Buffer.alloc(0), { requestVersion: 3 }).code).toBe('INVALID_RECORD')
  const nothing = validateProduce(Buffer.alloc(0), { ...OPTIONS, requestVersion: 2 })
  expect(nothing).toMatchObject({ recordCount: 0, maxTimestamp: -1 })
  expect(refusal(old, { requestVersion: 3 }).code).toBe('INVALID_RECORD')
  expect(refusal(old, { requestVersion: 2, allowOldMagic: false }).code).toBe('INVALID_RECORD')
})

test('messages of magic 0 and 1 become one batch of magic 2 with their codec', () => {
  for (const magic of [0, 1] as const) {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
      const old = buildMessageSet({ magic, codec, records: records(5) })
      const result = validateProduce(old, { ...OPTIONS, requestVersion: 2 })
      expect(batch.entryBytes(result.records, 0)).toBe(result.records.length)
      expect(batch.codec(result.records, 0)).toBe(codec)
      expect(result).toMatchObject({ recordCount: 5, rebuilt: true, maxTimestamp: magic === 0 ? -1 : NOW + 4 })
      const read = readRecords(result.records)
      expect(read.map((record) => record.offset)).toEqual([0, 1, 2, 3, 4])
      expect(read.map((record) => record.timestamp)).toEqual(
        magic === 0 ? [-1, -1, -1, -1, -1] : [0, 1, 2, 3, 4].map((n) => NOW + n),
      )
      expect(read.map((record) => record.value!.toString())).toEqual(
        records(5).map((record) => record.value!.toString()),
      )
    }
  }
})

test('old messages are refused for two wrappers, mixed magic, and a wrong checksum outside or inside', () => {
  const wrapper = buildMessageSet({ magic: 1, codec: 'gzip', records: records(2) })
  const options = { requestVersion: 2 }
  expect(refusal(Buffer.concat([wrapper, wrapper]), options).code).toBe('INVALID_RECORD')
  const bare = buildMessageSet({ magic: 0, records: records(2) })
  expect(refusal(Buffer.concat([bare, buildMessageSet({ magic: 1, records: records(1) })]), options).code).toBe(
    'INVALID_RECORD',
  )
  const flipped = Buffer.from(bare)
  flipped[flipped.length - 1] = 0
  expect(refusal(flipped, options).code).toBe('CORRUPT_MESSAGE')
  const inner = buildMessageSet({ magic: 1, records: records(2) })
  inner[inner.length - 1] = 0
  const bad = buildMessageSet({ magic: 1, records: [{ value: snappyOf(inner) }] })
  bad[17] = 2 // the wrapper's codec
  bad.writeUInt32BE(crc32(bad, 16), 12)
  expect(refusal(bad, options).code).toBe('CORRUPT_MESSAGE')
})

/** A bare snappy block of one literal. */
function snappyOf(bytes: Buffer): Buffer {
  const size = Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7])
  return Buffer.concat([size, Buffer.from([61 << 2, (bytes.length - 1) & 0xff, (bytes.length - 1) >> 8]), bytes])
}

test('a trailing part of a batch is cut off', () => {
  const good = buildBatch({ records: records(3) })
  const result = validateProduce(Buffer.concat([good, good.subarray(0, 40)]), OPTIONS)
  expect(result.records.equals(good)).toBe(true)
})

test('the quick walk and the careful reading agree on arbitrary batches', () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null })
  const record = fc.record({
    timestamp: fc.oneof(fc.integer({ min: -1, max: 2 ** 45 }), fc.constant(NOW), fc.maxSafeInteger()),
    key: bytes,
    value: bytes,
    headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytes }), { maxLength: 70 }),
  })
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 80 }),
      fc.constantFrom(...batch.CODECS),
      fc.boolean(),
      (list, codec, keys) => {
        const toBuffer = (value: Uint8Array | null): Buffer | null => (value === null ? null : Buffer.from(value))
        const init = list.map((one) => ({
          timestamp: one.timestamp,
          key: toBuffer(one.key),
          value: toBuffer(one.value),
          headers: one.headers.map((header) => ({ key: header.key, value: toBuffer(header.value) })),
        }))
        const batchBytes = buildBatch({ records: init, codec })
        const bad = init.flatMap((one, index) =>
          (keys && one.key === null) ||
          (one.timestamp !== -1 && (one.timestamp > NOW + 3_600_000 || one.timestamp < NOW - 2 ** 50))
            ? [index]
            : [],
        )
        const options = { ...OPTIONS, compactedTopic: keys, beforeMaxMs: 2 ** 50 }
        if (bad.length > 0) {
          expect(refusal(batchBytes, options).recordErrors.map((error) => error.batchIndex)).toEqual(bad)
          return
        }
        const result = validateProduce(batchBytes, options)
        expect(result.records).toBe(batchBytes)
        expect(readRecords(result.records)).toEqual(init.map((one, offset) => ({ offset, ...one })))
      },
    ),
    { numRuns: 150 },
  )
})

test('batches with bytes flipped behind a right checksum are accepted or refused with a typed error', () => {
  for (const codec of batch.CODECS) {
    const good = buildBatch({ records: records(30), codec })
    let state = 7
    for (let round = 0; round < 400; round++) {
      const broken = patched(good, (copy) => {
        for (let flips = 0; flips <= round % 3; flips++) {
          state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
          const at = 57 + ((state >>> 8) % (copy.length - 57))
          copy[at] = copy[at]! ^ (1 << (state & 7))
        }
      })
      try {
        const result = validateProduce(broken, { ...OPTIONS, decompressedBytesMax: 100_000 })
        expect(readRecords(result.records)).toHaveLength(result.recordCount)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidRecords)
      }
    }
  }
})

test('a batch that is too large is refused for its size before it is for standing behind messages of another magic', () => {
  const small = buildMessageSet({ magic: 0, records: [{ value: Buffer.from('a'), timestamp: -1 }] })
  const large = buildBatch({ records: [{ value: Buffer.alloc(400), timestamp: 1 }] })
  const mixed = Buffer.concat([small, large])
  expect(refusal(mixed, { requestVersion: 2, maxMessageBytes: 300 }).code).toBe('MESSAGE_TOO_LARGE')
  expect(refusal(mixed, { requestVersion: 2 }).code).toBe('INVALID_RECORD')
})
