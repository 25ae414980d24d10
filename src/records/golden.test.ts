import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import * as batch from './batch.ts'
import { buildBatch } from './batch-builder.ts'
import { BatchCursor, entryCodec, entryHasLogAppendTime, entryMaxTimestamp } from './batches.ts'
import { decompress } from './compression/compression.ts'
import { describeRecordSet, type JsonObject } from './describe.ts'
import { buildMessageSet } from './message-builder.ts'
import { readRecords } from './record-reader.ts'

interface Line {
  readonly desc: string
  readonly sizeInBytes: number
  readonly batches: readonly (JsonObject & { readonly records: readonly JsonObject[] })[]
  readonly hex: string
}

const FILE = new URL('../../test/golden/batches-public.jsonl.gz', import.meta.url)
const LINES: readonly Line[] = gunzipSync(readFileSync(FILE))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

/** The values of KRaft's control records are data schemas: checked with those, not here. */
function withoutControl(line: Line): unknown {
  const batches = line.batches.map((one) => ({
    ...one,
    records: one.records.map(({ control: _control, ...record }) => record),
  }))
  return { sizeInBytes: line.sizeInBytes, batches }
}

test('every record set that Kafka wrote is read as Kafka reads it', () => {
  expect(LINES.length).toBe(287)
  for (const line of LINES) {
    expect(describeRecordSet(Buffer.from(line.hex, 'hex')), line.desc).toEqual(withoutControl(line))
  }
})

/** The entry built anew from what was read of it; `records` are those of one entry, or of a run of bare messages. */
function rebuild(bytes: Buffer, at: number): Buffer {
  const records = readRecords(withOwnTimes(bytes, at))
  const codec = entryCodec(bytes, at)!
  const magic = batch.magic(bytes, at)
  const logAppendTimeMs = entryHasLogAppendTime(bytes, at) ? entryMaxTimestamp(bytes, at) : undefined
  if (magic < 2) {
    const set = { magic: magic === 0 ? (0 as const) : (1 as const), codec, records, ...innerBase(bytes, at) }
    return buildMessageSet(logAppendTimeMs === undefined ? set : { ...set, logAppendTimeMs })
  }
  const built = buildBatch({
    baseOffset: batch.baseOffset(bytes, at),
    epoch: batch.leaderEpoch(bytes, at),
    producerId: batch.producerId(bytes, at),
    producerEpoch: batch.producerEpoch(bytes, at),
    baseSequence: batch.baseSequence(bytes, at),
    transactional: batch.isTransactional(bytes, at),
    control: batch.isControl(bytes, at),
    codec,
    lastOffsetDelta: batch.lastOffsetDelta(bytes, at),
    timestampMs: batch.maxTimestamp(bytes, at),
    ...(batch.hasDeleteHorizon(bytes, at) ? { deleteHorizonMs: batch.baseTimestamp(bytes, at) } : {}),
    ...(logAppendTimeMs === undefined ? {} : { logAppendTimeMs }),
    records,
  })
  return built
}

/** Without what the compressor chose: sizes and checksum. */
function content(bytes: Buffer): unknown {
  return describeRecordSet(bytes).batches.map(({ sizeInBytes: _size, crc: _crc, ...rest }) => rest)
}

/** What the offsets inside a wrapper of magic 1 were relative to: a builder's base, which may lie below the first. */
function innerBase(bytes: Buffer, at: number): { baseOffset?: number } {
  const entry = bytes.subarray(at, at + batch.entryBytes(bytes, at))
  if (batch.magic(entry, 0) !== 1 || entryCodec(entry, 0) === 'none') return {}
  const cursor = new BatchCursor().reset(inside(entry))
  while (cursor.next());
  return { baseOffset: batch.baseOffset(entry, 0) - batch.baseOffset(cursor.bytes, cursor.at) }
}

/** What is compressed in the entry, decompressed: this must be the same byte for byte. */
function inside(entry: Buffer): Buffer {
  const magic = batch.magic(entry, 0)
  const at = magic >= 2 ? batch.BATCH_HEADER_BYTES : magic === 1 ? 34 : 26
  return decompress(entryCodec(entry, 0)!, entry.subarray(at), undefined, magic)
}

test('record sets built anew are the same bytes, or the same records where they are compressed', () => {
  let identical = 0
  for (const { desc, hex } of LINES) {
    const bytes = Buffer.from(hex, 'hex')
    const cursor = new BatchCursor().reset(bytes)
    while (cursor.next()) {
      const entry = bytes.subarray(cursor.at, cursor.position)
      const built = rebuild(bytes, cursor.at)
      if (entryCodec(entry, 0) === 'none') {
        expect(built.toString('hex'), desc).toBe(entry.toString('hex'))
        identical++
      } else {
        expect(content(built), desc).toEqual(content(entry))
        expect(inside(built).toString('hex'), desc).toBe(inside(entry).toString('hex'))
      }
    }
  }
  expect(identical).toBeGreaterThan(100)
})

/** Log-append time hides the times that the records were written with; without its bit they show. */
function withOwnTimes(bytes: Buffer, at: number): Buffer {
  const entry = Buffer.from(bytes.subarray(at, at + batch.entryBytes(bytes, at)))
  if (batch.magic(entry, 0) >= 2) {
    batch.setAttributes(entry, 0, batch.attributes(entry, 0) & ~batch.LOG_APPEND_TIME_BIT)
  }
  return entry
}
