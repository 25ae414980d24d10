/**
 * Makes record batches (magic 2): for coordinators, the metadata log, transaction markers, compaction and recompression.
 *
 * The batch's own fields come first, then the records as one run of bytes, compressed as a whole. Timestamps are written
 * as differences to the first record's (or to the delete horizon), offsets as differences to the base offset.
 * Messages of magic 0 and 1 are made by message-builder.ts.
 */
import { assert } from '../base/errors.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { writeInt64, int64, type Int64 } from '../base/int64.ts'
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  CODECS,
  CONTROL_BIT,
  DELETE_HORIZON_BIT,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  TRANSACTIONAL_BIT,
  type Codec,
} from './batch.ts'
import { compress } from './compression/compression.ts'
import { crc32c } from './crc32c.ts'
import type { RecordInit } from './record.ts'

export interface BatchFields {
  readonly baseOffset?: number
  /** Partition leader epoch. */
  readonly epoch?: number
  readonly producerId?: Int64
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly codec?: Codec
  /** Compression level; the codec's default when left out. */
  readonly level?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** Set for log-append time: every record then has this time, whatever its own says. */
  readonly logAppendTimeMs?: Int64
  /** Set by the cleaner on batches with tombstones or markers (KIP-534). */
  readonly deleteHorizonMs?: Int64
  /** Kept by compaction when the last records are gone; otherwise the last record's. */
  readonly lastOffsetDelta?: number
  /** Of records that have no timestamp of their own; of a batch without records its max timestamp. */
  readonly timestampMs?: Int64
}

export interface BatchInit extends BatchFields {
  readonly records: readonly RecordInit[]
}

/** One whole batch of magic 2. */
export function buildBatch(batch: BatchInit): Buffer {
  const { records } = batch
  const baseOffset = batch.baseOffset ?? 0
  const defaultTimestamp = batch.timestampMs ?? NO_TIMESTAMP
  const first = records[0]
  const baseTimestamp =
    batch.deleteHorizonMs ?? (first === undefined ? NO_TIMESTAMP : (first.timestamp ?? defaultTimestamp))
  let maxTimestamp: Int64 = first === undefined ? defaultTimestamp : NO_TIMESTAMP
  let offset = baseOffset - 1

  const body = new ByteWriter(sizeHint(records))
  for (const record of records) {
    const timestamp = record.timestamp ?? defaultTimestamp
    const next = record.offset ?? offset + 1
    assert(next > offset, 'offsets of a batch increase')
    offset = next
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    writeRecord(body, record, subtractInt64(timestamp, baseTimestamp), offset - baseOffset)
  }
  return assembleBatch(body.toBuffer(), {
    ...batch,
    recordCount: records.length,
    lastOffsetDelta: batch.lastOffsetDelta ?? Math.max(offset - baseOffset, 0),
    baseTimestamp,
    maxTimestamp: batch.logAppendTimeMs ?? maxTimestamp,
  })
}

export interface AssembledFields extends BatchFields {
  readonly recordCount: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: Int64
  readonly maxTimestamp: Int64
}

/** A batch around records that are already in their binary form, not yet compressed. */
export function assembleBatch(body: Buffer, fields: AssembledFields): Buffer {
  // A batch without records carries no codec and no payload.
  const codec: Codec = fields.recordCount === 0 ? 'none' : (fields.codec ?? 'none')
  const payload = codec === 'none' ? body : compress(codec, body, fields.level)
  const size = BATCH_HEADER_BYTES + payload.length
  const bytes = Buffer.allocUnsafe(size)
  writeInt64(bytes, 0, fields.baseOffset ?? 0)
  bytes.writeInt32BE(size - LOG_OVERHEAD_BYTES, 8)
  bytes.writeInt32BE(fields.epoch ?? -1, 12)
  bytes.writeInt8(2, 16)
  bytes.writeInt16BE(
    CODECS.indexOf(codec) |
      (fields.logAppendTimeMs === undefined ? 0 : LOG_APPEND_TIME_BIT) |
      (fields.transactional === true ? TRANSACTIONAL_BIT : 0) |
      (fields.control === true ? CONTROL_BIT : 0) |
      (fields.deleteHorizonMs === undefined ? 0 : DELETE_HORIZON_BIT),
    ATTRIBUTES_AT,
  )
  bytes.writeInt32BE(fields.lastOffsetDelta, 23)
  writeInt64(bytes, 27, fields.baseTimestamp)
  writeInt64(bytes, 35, fields.maxTimestamp)
  writeInt64(bytes, 43, fields.producerId ?? NO_PRODUCER_ID)
  bytes.writeInt16BE(fields.producerEpoch ?? NO_PRODUCER_EPOCH, 51)
  bytes.writeInt32BE(fields.baseSequence ?? NO_SEQUENCE, 53)
  bytes.writeInt32BE(fields.recordCount, 57)
  payload.copy(bytes, BATCH_HEADER_BYTES)
  bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_AT), 17)
  return bytes
}

/** Appends one record of magic 2 in its binary form. */
export function writeRecord(body: ByteWriter, record: RecordInit, timestampDelta: Int64, offsetDelta: number): void {
  const key = record.key ?? null
  const value = record.value ?? null
  const headers = record.headers ?? []
  let length = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(headers.length)
  length += key === null ? 1 : varintBytes(key.length) + key.length
  length += value === null ? 1 : varintBytes(value.length) + value.length
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    length += varintBytes(keyBytes) + keyBytes
    length += header.value === null ? 1 : varintBytes(header.value.length) + header.value.length
  }

  body.varint(length)
  body.int8(0)
  body.varlong(timestampDelta)
  body.varint(offsetDelta)
  writeNullable(body, key)
  writeNullable(body, value)
  body.varint(headers.length)
  for (const header of headers) {
    writeNullable(body, Buffer.from(header.key))
    writeNullable(body, header.value)
  }
}

/** Exact difference of two 64-bit numbers, wrapping as Java's does. */
export function subtractInt64(left: Int64, right: Int64): Int64 {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (Number.isSafeInteger(difference)) return difference
  }
  return int64(BigInt.asIntN(64, BigInt(left) - BigInt(right)))
}

/** Exact sum of two 64-bit numbers, wrapping as Java's does. */
export function addInt64(left: Int64, right: Int64): Int64 {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return int64(BigInt.asIntN(64, BigInt(left) + BigInt(right)))
}

function writeNullable(body: ByteWriter, value: Buffer | null): void {
  if (value === null) body.varint(-1)
  else {
    body.varint(value.length)
    body.raw(value)
  }
}

function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}

function varlongBytes(value: Int64): number {
  if (typeof value === 'number' && value < 0x4000_0000 && value > -0x4000_0000) return varintBytes(value)
  let zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  let size = 1
  for (; zigzag >= 0x80n; zigzag >>= 7n) size++
  return size
}

function sizeHint(records: readonly RecordInit[]): number {
  let size = 64
  for (const record of records) size += 32 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  return size
}
