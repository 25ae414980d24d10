import { expect, test } from 'vitest'
import * as batch from './batch.ts'
import { buildBatch } from './batch-builder.ts'
import { isEntryCrcValid } from './batches.ts'
import { buildMarker, readControlKey, readMarkerValue } from './control.ts'
import { readRecords } from './record-reader.ts'

test('a batch gives back its records, header fields and a valid checksum', () => {
  const bytes = buildBatch({
    baseOffset: 1000,
    epoch: 7,
    producerId: 12345678901n,
    producerEpoch: 3,
    baseSequence: 0x7fff_ffff,
    transactional: true,
    records: [
      { timestamp: 500, key: Buffer.from('k'), value: Buffer.from('v') },
      {
        timestamp: 400,
        value: Buffer.alloc(300, 1),
        headers: [
          { key: 'h', value: null },
          { key: '', value: Buffer.from('x') },
        ],
      },
      { timestamp: 9000000000000000000n, key: Buffer.alloc(0) },
    ],
  })
  expect(batch.entryBytes(bytes, 0)).toBe(bytes.length)
  expect(isEntryCrcValid(bytes, 0, bytes.length)).toBe(true)
  expect(batch.baseTimestamp(bytes, 0)).toBe(500)
  expect(batch.maxTimestamp(bytes, 0)).toBe(9000000000000000000n)
  expect(batch.lastOffset(bytes, 0)).toBe(1002)
  expect(batch.lastSequence(bytes, 0)).toBe(1)
  expect(batch.isTransactional(bytes, 0)).toBe(true)
  expect(readRecords(bytes)).toEqual([
    { offset: 1000, timestamp: 500, key: Buffer.from('k'), value: Buffer.from('v'), headers: [] },
    {
      offset: 1001,
      timestamp: 400,
      key: null,
      value: Buffer.alloc(300, 1),
      headers: [
        { key: 'h', value: null },
        { key: '', value: Buffer.from('x') },
      ],
    },
    { offset: 1002, timestamp: 9000000000000000000n, key: Buffer.alloc(0), value: null, headers: [] },
  ])
})

test('with log-append time every record has the time of the batch', () => {
  const bytes = buildBatch({ logAppendTimeMs: 77, records: [{ timestamp: 1 }, { timestamp: 2 }] })
  expect(readRecords(bytes).map((record) => record.timestamp)).toEqual([77, 77])
})

test('with a delete horizon the records keep their own times', () => {
  const bytes = buildBatch({ deleteHorizonMs: 1_000_000, records: [{ timestamp: 1 }, { timestamp: 2 }] })
  expect(batch.hasDeleteHorizon(bytes, 0)).toBe(true)
  expect(batch.baseTimestamp(bytes, 0)).toBe(1_000_000)
  expect(readRecords(bytes).map((record) => record.timestamp)).toEqual([1, 2])
})

test('a batch emptied by compaction keeps its range and holds no record', () => {
  const bytes = buildBatch({ baseOffset: 10, lastOffsetDelta: 4, codec: 'gzip', records: [] })
  expect(bytes.length).toBe(batch.BATCH_HEADER_BYTES)
  expect(batch.nextOffset(bytes, 0)).toBe(15)
  expect(batch.codec(bytes, 0)).toBe('none')
  expect(readRecords(bytes)).toEqual([])
})

test('a transaction marker is a control batch of one record', () => {
  const bytes = buildMarker({ type: 'COMMIT', producerId: 5, producerEpoch: 2, coordinatorEpoch: 9, timestampMs: 3 })
  expect(batch.isControl(bytes, 0) && batch.isTransactional(bytes, 0)).toBe(true)
  expect(batch.baseSequence(bytes, 0)).toBe(batch.NO_SEQUENCE)
  const [record] = readRecords(bytes)
  expect(readControlKey(record!.key)).toBe('COMMIT')
  expect(readMarkerValue(record!.value)).toBe(9)
})
