/**
 * Walks a run of entries (batches of magic 2, messages of magic 0 and 1) without an object per entry.
 *
 * All three begin alike: offset, length, four other bytes, magic. The walk ends silently where an entry is not there
 * whole (a torn tail of a file, a Fetch answer cut by size): `position` then tells how far the good bytes reach. A length
 * too small for its magic, or a magic that no release knows, is corruption and throws. Content is not checked here.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { readInt64, type Int64 } from '../base/int64.ts'
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  CODECS,
  CODEC_MASK,
  ENTRY_PREFIX_BYTES,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  NO_TIMESTAMP,
  baseOffset,
  crc,
  hasLogAppendTime,
  lastOffset,
  magic,
  maxTimestamp,
  type Codec,
} from './batch.ts'
import { crc32, crc32c } from './crc32c.ts'

/** Messages of magic 0 and 1: where their own fields lie, from the entry's start. */
export const MESSAGE_CRC_AT = 12
export const MESSAGE_MAGIC_AT = 16
export const MESSAGE_ATTRIBUTES_AT = 17
/** Magic 1 only. */
export const MESSAGE_TIMESTAMP_AT = 18

/** Smallest value of the length field by magic: an empty message, an empty batch. */
const LENGTH_MIN = [14, 22, BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES] as const

export class BatchCursor {
  bytes: Buffer = Buffer.alloc(0)
  /** Where the current entry begins. */
  at = 0
  /** Bytes of the current entry, offset and length included. */
  size = 0
  magic = 0
  /** One past the current entry; after the end of the walk, one past the last whole entry. */
  position = 0
  #end = 0

  reset(bytes: Buffer, start = 0, end = bytes.length): this {
    this.bytes = bytes
    this.position = start
    this.at = start
    this.size = 0
    this.#end = end
    return this
  }

  /**
   * Steps to the next entry; false at the end or where the rest is not a whole entry.
   * @throws MalformedError for a length or magic that cannot be.
   */
  next(): boolean {
    const at = this.position
    if (this.#end - at < ENTRY_PREFIX_BYTES) return false
    const length = this.bytes.readInt32BE(at + 8)
    const version = magic(this.bytes, at)
    // Kafka's words: they reach the client.
    if (length < LENGTH_MIN[0]) {
      throw new MalformedError(`Record size ${length} is less than the minimum record overhead (${LENGTH_MIN[0]})`)
    }
    const lengthMin = LENGTH_MIN[version]
    if (lengthMin === undefined) throw new MalformedError(`Invalid magic found in record: ${version}`)
    if (length < lengthMin) throw new MalformedError(`entry of magic ${version} with ${length} bytes`)
    if (length > this.#end - at - LOG_OVERHEAD_BYTES) return false
    this.at = at
    this.size = LOG_OVERHEAD_BYTES + length
    this.magic = version
    this.position = at + this.size
    return true
  }
}

/** Calls `visit` with the position and size of each whole entry; returns how far they reach. */
export function forEachEntry(
  bytes: Buffer,
  visit: (at: number, size: number, magic: number) => void,
  start = 0,
  end = bytes.length,
): number {
  const cursor = new BatchCursor().reset(bytes, start, end)
  while (cursor.next()) visit(cursor.at, cursor.size, cursor.magic)
  return cursor.position
}

/** The last offset of an entry of any magic (a message's own, a wrapper's last inner one). */
export function entryLastOffset(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? lastOffset(bytes, at) : baseOffset(bytes, at)
}

/** The largest timestamp of an entry of any magic; -1 for magic 0, which has none. */
export function entryMaxTimestamp(bytes: Buffer, at: number): Int64 {
  const version = magic(bytes, at)
  if (version >= 2) return maxTimestamp(bytes, at)
  return version === 1 ? readInt64(bytes, at + MESSAGE_TIMESTAMP_AT) : NO_TIMESTAMP
}

/** Null for a codec number that no release knows. */
export function entryCodec(bytes: Buffer, at: number): Codec | null {
  const attributes = magic(bytes, at) >= 2 ? bytes[at + ATTRIBUTES_AT + 1]! : bytes[at + MESSAGE_ATTRIBUTES_AT]!
  return CODECS[attributes & CODEC_MASK] ?? null
}

export function entryHasLogAppendTime(bytes: Buffer, at: number): boolean {
  const version = magic(bytes, at)
  if (version >= 2) return hasLogAppendTime(bytes, at)
  return version === 1 && (bytes[at + MESSAGE_ATTRIBUTES_AT]! & LOG_APPEND_TIME_BIT) !== 0
}

/** The checksum that the entry of `size` bytes at `at` should carry. */
export function computeEntryCrc(bytes: Buffer, at: number, size: number): number {
  return magic(bytes, at) >= 2
    ? crc32c(bytes, at + ATTRIBUTES_AT, at + size)
    : crc32(bytes, at + MESSAGE_MAGIC_AT, at + size)
}

export function isEntryCrcValid(bytes: Buffer, at: number, size: number): boolean {
  const stored = magic(bytes, at) >= 2 ? crc(bytes, at) : bytes.readUInt32BE(at + MESSAGE_CRC_AT)
  return stored === computeEntryCrc(bytes, at, size)
}
