/**
 * Makes messages of magic 0 and 1: for down-conversion, for old clients in tests, and for reading old logs in tests.
 *
 * Uncompressed, each message stands alone. Compressed, one wrapper holds them all: it carries the offset of the last and
 * (magic 1) the largest timestamp; in magic 1 the offsets inside are relative.
 */
import { assert } from '../base/errors.ts'
import { writeInt64, type Int64 } from '../base/int64.ts'
import { CODECS, LOG_APPEND_TIME_BIT, LOG_OVERHEAD_BYTES, NO_TIMESTAMP, type Codec } from './batch.ts'
import { MESSAGE_ATTRIBUTES_AT, MESSAGE_CRC_AT, MESSAGE_MAGIC_AT, MESSAGE_TIMESTAMP_AT } from './batches.ts'
import { compress } from './compression/compression.ts'
import { crc32 } from './crc32c.ts'
import type { RecordInit } from './record.ts'

export interface MessageSetInit {
  readonly magic: 0 | 1
  /** What offsets inside a wrapper of magic 1 are relative to; the first record's when left out. */
  readonly baseOffset?: number
  readonly codec?: Codec
  readonly level?: number
  /** Set for log-append time (magic 1): every message then has this time. */
  readonly logAppendTimeMs?: Int64
  /** Headers are dropped: these formats have none. */
  readonly records: readonly RecordInit[]
}

/** The messages one after the other, or one wrapper with all of them; nothing for no records. */
export function buildMessageSet(set: MessageSetInit): Buffer {
  const codec = set.codec ?? 'none'
  const logAppendTime = set.magic === 0 ? undefined : set.logAppendTimeMs
  assert(codec !== 'zstd', 'messages of magic 0 and 1 are not compressed with zstd')
  if (set.records.length === 0) return Buffer.alloc(0)
  const firstOffset = set.records[0]?.offset ?? set.baseOffset ?? 0
  const innerBase = codec !== 'none' && set.magic === 1 ? (set.baseOffset ?? firstOffset) : 0
  const bit = logAppendTime === undefined ? 0 : LOG_APPEND_TIME_BIT

  let size = 0
  for (const record of set.records) size += messageBytes(set.magic, record.key ?? null, record.value ?? null)
  const content = Buffer.allocUnsafe(size)
  let at = 0
  let offset = firstOffset - 1
  let maxTimestamp: Int64 = NO_TIMESTAMP
  for (const record of set.records) {
    offset = record.offset ?? offset + 1
    const timestamp = logAppendTime ?? record.timestamp ?? NO_TIMESTAMP
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    at = writeMessage(
      content,
      at,
      set.magic,
      offset - innerBase,
      bit,
      timestamp,
      record.key ?? null,
      record.value ?? null,
    )
  }
  if (codec === 'none') return content

  const value = compress(codec, content, set.level, set.magic)
  const wrapper = Buffer.allocUnsafe(messageBytes(set.magic, null, value))
  writeMessage(wrapper, 0, set.magic, offset, bit | CODECS.indexOf(codec), maxTimestamp, null, value)
  return wrapper
}

function messageBytes(magic: 0 | 1, key: Buffer | null, value: Buffer | null): number {
  return (magic === 0 ? MESSAGE_TIMESTAMP_AT : MESSAGE_TIMESTAMP_AT + 8) + 8 + (key?.length ?? 0) + (value?.length ?? 0)
}

function writeMessage(
  to: Buffer,
  at: number,
  magic: 0 | 1,
  offset: number,
  attributes: number,
  timestamp: Int64,
  key: Buffer | null,
  value: Buffer | null,
): number {
  const end = at + messageBytes(magic, key, value)
  writeInt64(to, at, offset)
  to.writeInt32BE(end - at - LOG_OVERHEAD_BYTES, at + 8)
  to.writeInt8(magic, at + MESSAGE_MAGIC_AT)
  to.writeInt8(attributes, at + MESSAGE_ATTRIBUTES_AT)
  if (magic === 1) writeInt64(to, at + MESSAGE_TIMESTAMP_AT, timestamp)
  let position = at + (magic === 0 ? MESSAGE_TIMESTAMP_AT : MESSAGE_TIMESTAMP_AT + 8)
  for (const field of [key, value]) {
    to.writeInt32BE(field === null ? -1 : field.length, position)
    position += 4
    if (field !== null) position += field.copy(to, position)
  }
  to.writeUInt32BE(crc32(to, at + MESSAGE_MAGIC_AT, end), at + MESSAGE_CRC_AT)
  return end
}
