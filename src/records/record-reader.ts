/**
 * The records of one entry of any magic.
 *
 * `RecordCursor` steps through them without an object per record: its fields say where key, value and headers lie in
 * `bytes`, which is the entry itself or its decompressed content. A cursor may be opened again and again; what it points
 * at must not escape the loop. `readRecords` is the plain form. Whatever is not as FORMATS say throws MalformedError:
 * lengths are checked against the bytes that are there, counts against the header, and nothing may be left over.
 * With log-append time every record has the entry's time; with a delete horizon deltas are relative to that.
 */
import { MalformedError } from '../base/byte-reader.ts'
import type { Int64 } from '../base/int64.ts'
import { BATCH_HEADER_BYTES, baseOffset, baseTimestamp, codec, hasLogAppendTime, magic, maxTimestamp } from './batch.ts'
import { entryBytes, recordCount } from './batch.ts'
import { addInt64 } from './batch-builder.ts'
import { DECOMPRESSED_BYTES_MAX, decompress } from './compression/compression.ts'
import { openMessages, readMessage } from './message-reader.ts'
import type { RecordData, RecordHeader } from './record.ts'
import { VarintReader } from './varint-reader.ts'

const NO_HEADERS: readonly RecordHeader[] = []
const NO_BYTES = Buffer.alloc(0)
/** Used within one call only. */
const HEADER_VARINTS = new VarintReader()

export class RecordCursor {
  /** What the positions below refer to. */
  bytes: Buffer = Buffer.alloc(0)
  /** Where the record begins and one past its end, its length prefix included. */
  recordAt = 0
  recordEnd = 0
  offset = 0
  timestamp: Int64 = 0
  keyAt = 0
  /** -1 for null. */
  keyBytes = -1
  valueAt = 0
  /** -1 for null. */
  valueBytes = -1
  /** Where the first header begins. */
  headersAt = 0
  headerCount = 0
  /** Records not yet visited (magic 2), or -1 when the bytes themselves tell (magic 0 and 1). */
  #left = 0
  #end = 0
  #baseOffset = 0
  #baseTimestamp: Int64 = 0
  #logAppendTime: Int64 | null = null
  #magic = 2
  readonly #varints = new VarintReader()

  /**
   * Begins with the entry at `at`, which must be there whole.
   * @throws MalformedError for content that does not decompress to at most `maxBytes`.
   */
  open(bytes: Buffer, at = 0, maxBytes = DECOMPRESSED_BYTES_MAX): this {
    const end = at + entryBytes(bytes, at)
    this.#magic = magic(bytes, at)
    if (end > bytes.length) throw new MalformedError(`entry of ${end - at} bytes, ${bytes.length - at} are there`)
    if (this.#magic < 2) {
      const messages = openMessages(bytes, at, end, maxBytes)
      this.bytes = messages.bytes
      this.recordEnd = messages.start
      this.#end = messages.end
      this.#baseOffset = messages.baseOffset
      this.#logAppendTime = messages.logAppendTime
      this.#left = -1
      return this
    }
    if (this.#magic > 2) throw new MalformedError(`entry of magic ${this.#magic}`)
    if (end - at < BATCH_HEADER_BYTES) throw new MalformedError(`batch of ${end - at} bytes`)
    const kind = codec(bytes, at)
    if (kind === null) throw new MalformedError('unknown codec')
    this.#left = recordCount(bytes, at)
    if (this.#left < 0) throw new MalformedError(`batch of ${this.#left} records`)
    if (kind === 'none' || this.#left === 0) {
      this.bytes = bytes
      this.recordEnd = at + BATCH_HEADER_BYTES
      this.#end = end
    } else {
      this.bytes = decompress(kind, bytes.subarray(at + BATCH_HEADER_BYTES, end), maxBytes)
      this.recordEnd = 0
      this.#end = this.bytes.length
    }
    this.#baseOffset = baseOffset(bytes, at)
    this.#baseTimestamp = baseTimestamp(bytes, at)
    this.#logAppendTime = hasLogAppendTime(bytes, at) ? maxTimestamp(bytes, at) : null
    return this
  }

  /** Steps to the next record; false after the last. @throws MalformedError. */
  next(): boolean {
    if (this.#magic < 2) return this.#nextMessage()
    if (this.#left === 0) {
      if (this.recordEnd !== this.#end)
        throw new MalformedError(`${this.#end - this.recordEnd} bytes behind the records`)
      return false
    }
    this.#left--
    const varints = this.#varints
    varints.reset(this.bytes, this.recordEnd, this.#end)
    this.recordAt = this.recordEnd
    const length = varints.varint()
    const end = varints.position + length
    if (length < 0 || end > this.#end) throw new MalformedError(`record of ${length} bytes`)
    varints.end = end
    varints.skip(1) // attributes: none are defined
    const timestampDelta = varints.varlong()
    this.timestamp = this.#logAppendTime ?? addInt64(this.#baseTimestamp, timestampDelta)
    this.offset = this.#baseOffset + varints.varint()
    this.keyBytes = varints.nullableLength()
    this.keyAt = varints.skip(Math.max(this.keyBytes, 0))
    this.valueBytes = varints.nullableLength()
    this.valueAt = varints.skip(Math.max(this.valueBytes, 0))
    this.headerCount = varints.varint()
    if (this.headerCount < 0) throw new MalformedError(`${this.headerCount} headers`)
    this.headersAt = varints.position
    for (let header = 0; header < this.headerCount; header++) {
      varints.skip(varints.varint())
      varints.skip(Math.max(varints.nullableLength(), 0))
    }
    if (varints.position !== end) throw new MalformedError(`record with ${end - varints.position} bytes left over`)
    this.recordEnd = end
    return true
  }

  #nextMessage(): boolean {
    if (this.recordEnd === this.#end) return false
    this.recordAt = this.recordEnd
    this.recordEnd = readMessage(this, this.#end, this.#magic)
    this.offset += this.#baseOffset
    if (this.#logAppendTime !== null) this.timestamp = this.#logAppendTime
    return true
  }

  /** A view, not a copy. */
  key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyBytes)
  }

  /** A view, not a copy. */
  value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueBytes)
  }

  headers(): readonly RecordHeader[] {
    return readHeaders(this.bytes, this.headersAt, this.recordEnd, this.headerCount)
  }

  record(): RecordData {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      key: this.key(),
      value: this.value(),
      headers: this.headers(),
    }
  }
}

/** `count` headers that begin at `at`; values are views. */
export function readHeaders(bytes: Buffer, at: number, end: number, count: number): readonly RecordHeader[] {
  if (count === 0) return NO_HEADERS
  const varints = HEADER_VARINTS
  varints.reset(bytes, at, end)
  const headers: RecordHeader[] = []
  for (let header = 0; header < count; header++) {
    const keyBytes = varints.varint()
    const keyAt = varints.skip(keyBytes)
    const valueBytes = varints.nullableLength()
    const valueAt = varints.skip(Math.max(valueBytes, 0))
    headers.push({
      key: bytes.toString('utf8', keyAt, keyAt + keyBytes),
      value: valueBytes < 0 ? null : bytes.subarray(valueAt, valueAt + valueBytes),
    })
  }
  varints.reset(NO_BYTES, 0, 0)
  return headers
}

/** All records of the entry at `at`; keys and values are views of it (or of its decompressed content). */
export function readRecords(bytes: Buffer, at = 0, maxBytes = DECOMPRESSED_BYTES_MAX): RecordData[] {
  const records: RecordData[] = []
  const cursor = new RecordCursor().open(bytes, at, maxBytes)
  while (cursor.next()) records.push(cursor.record())
  return records
}

/** Calls `visit` for each record of the entry at `at`, always with the same cursor: it must not be kept. */
export function visitRecords(
  bytes: Buffer,
  at: number,
  visit: (record: RecordCursor) => void,
  maxBytes = DECOMPRESSED_BYTES_MAX,
): void {
  const cursor = new RecordCursor().open(bytes, at, maxBytes)
  while (cursor.next()) visit(cursor)
}
