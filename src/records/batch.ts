/**
 * The header of a record batch (magic 2), read and patched in place: `bytes` holds the batch from `at` on.
 *
 * Accessors are functions over (bytes, at) because a view object per batch costs more than the whole check of one.
 * Offsets and lengths lie at the same place in messages of magic 0 and 1, so `batchLength` and `magic` serve all three.
 * Base offset and leader epoch are outside the CRC and may be patched; everything from `attributes` on is inside.
 */
import { readInt64, readSafeInt64, writeInt64, type Int64 } from '../base/int64.ts'

/** Bytes of a magic 2 batch before its records. */
export const BATCH_HEADER_BYTES = 61
/** Bytes before `length` counts: offset and length themselves. */
export const LOG_OVERHEAD_BYTES = 12
/** The least that must be there to know an entry's length and magic. */
export const ENTRY_PREFIX_BYTES = 17

export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_TIMESTAMP = -1

const LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
/** The CRC of magic 2 covers everything from here on. */
export const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const RECORD_COUNT_AT = 57

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
/** Index = bits 0-2 of the attributes. */
export const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export const CODEC_MASK = 0x07
export const LOG_APPEND_TIME_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20
export const DELETE_HORIZON_BIT = 0x40

export const baseOffset = (bytes: Buffer, at: number): number => readSafeInt64(bytes, at)
/** Bytes of the whole entry, its offset and length included. */
export const entryBytes = (bytes: Buffer, at: number): number => LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + LENGTH_AT)
export const leaderEpoch = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + LEADER_EPOCH_AT)
export const magic = (bytes: Buffer, at: number): number => bytes.readInt8(at + MAGIC_AT)
export const crc = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + CRC_AT)
export const attributes = (bytes: Buffer, at: number): number => bytes.readInt16BE(at + ATTRIBUTES_AT)
export const lastOffsetDelta = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)
export const lastOffset = (bytes: Buffer, at: number): number => baseOffset(bytes, at) + lastOffsetDelta(bytes, at)
export const nextOffset = (bytes: Buffer, at: number): number => lastOffset(bytes, at) + 1
/** The first record's timestamp, or the delete horizon if that bit is set; record deltas are relative to it. */
export const baseTimestamp = (bytes: Buffer, at: number): Int64 => readInt64(bytes, at + BASE_TIMESTAMP_AT)
export const maxTimestamp = (bytes: Buffer, at: number): Int64 => readInt64(bytes, at + MAX_TIMESTAMP_AT)
export const producerId = (bytes: Buffer, at: number): Int64 => readInt64(bytes, at + PRODUCER_ID_AT)
export const producerEpoch = (bytes: Buffer, at: number): number => bytes.readInt16BE(at + PRODUCER_EPOCH_AT)
export const baseSequence = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + BASE_SEQUENCE_AT)
export const recordCount = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + RECORD_COUNT_AT)

/** Null for a codec number that no release knows. */
export const codec = (bytes: Buffer, at: number): Codec | null => CODECS[attributes(bytes, at) & CODEC_MASK] ?? null
export const isTransactional = (bytes: Buffer, at: number): boolean => (attributes(bytes, at) & TRANSACTIONAL_BIT) !== 0
export const isControl = (bytes: Buffer, at: number): boolean => (attributes(bytes, at) & CONTROL_BIT) !== 0
export const hasLogAppendTime = (bytes: Buffer, at: number): boolean =>
  (attributes(bytes, at) & LOG_APPEND_TIME_BIT) !== 0
export const hasDeleteHorizon = (bytes: Buffer, at: number): boolean =>
  (attributes(bytes, at) & DELETE_HORIZON_BIT) !== 0

/** Sequence numbers run 0 … 2^31-1 and then start again at 0. */
export function incrementSequence(sequence: number, by: number): number {
  return sequence > 0x7fff_ffff - by ? by - (0x7fff_ffff - sequence) - 1 : sequence + by
}

export function decrementSequence(sequence: number, by: number): number {
  return sequence < by ? 0x7fff_ffff - (by - sequence) + 1 : sequence - by
}

export function lastSequence(bytes: Buffer, at: number): number {
  const base = baseSequence(bytes, at)
  return base === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(base, lastOffsetDelta(bytes, at))
}

export function setBaseOffset(bytes: Buffer, at: number, offset: number): void {
  writeInt64(bytes, at, offset)
}

export function setLeaderEpoch(bytes: Buffer, at: number, epoch: number): void {
  bytes.writeInt32BE(epoch, at + LEADER_EPOCH_AT)
}

/** Inside the CRC: the caller computes that anew. */
export function setAttributes(bytes: Buffer, at: number, value: number): void {
  bytes.writeInt16BE(value, at + ATTRIBUTES_AT)
}

/** Inside the CRC: the caller computes that anew. */
export function setMaxTimestamp(bytes: Buffer, at: number, timestamp: Int64): void {
  writeInt64(bytes, at + MAX_TIMESTAMP_AT, timestamp)
}

export function setCrc(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(value >>> 0, at + CRC_AT)
}
