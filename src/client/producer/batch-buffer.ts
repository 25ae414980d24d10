/**
 * The bytes of one batch (magic 2) while it fills: records are written straight behind the header's place, one after the
 * other, without an object per record. Sealing compresses them, writes the header and the CRC, once; a producer's identity
 * that changes later changes the header alone.
 *
 * Room is what batch.size allows of the estimated result: with a codec more is taken than the batch has bytes, as Java's
 * client does. The first record always has room.
 */
import type { Int64 } from '../../base/int64.ts'
import { writeInt64 } from '../../base/int64.ts'
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  CODECS,
  LOG_OVERHEAD_BYTES,
  setCrc,
  TRANSACTIONAL_BIT,
  type Codec,
} from '../../records/batch.ts'
import { compress } from '../../records/compression/compression.ts'
import { crc32c } from '../../records/crc32c.ts'
import type { BufferPool } from './buffer-pool.ts'

/** What an estimate of the compressed size is raised by. */
const ESTIMATE_FACTOR = 1.05
/** Up to here a loop is quicker than a call. */
const LOOP_BYTES_MAX = 24
/** Most that a record's length, attributes, time and offset take. */
const RECORD_OVERHEAD_BYTES_MAX = 21

/** Least upper bound of a batch that holds one record alone. Lengths of -1 are null; headers as they are written. */
export function batchBytesMax(keyBytes: number, valueBytes: number, headersBytes: number): number {
  return (
    BATCH_HEADER_BYTES +
    RECORD_OVERHEAD_BYTES_MAX +
    fieldBytes(keyBytes) +
    fieldBytes(valueBytes) +
    Math.max(headersBytes, 1)
  )
}

function fieldBytes(length: number): number {
  return length < 0 ? 1 : varintBytes(length) + length
}

export interface ProducerIdentity {
  readonly producerId: Int64
  readonly producerEpoch: number
}

export class BatchBuffer {
  bytes: Buffer
  /** One past the last byte that is written. */
  end = BATCH_HEADER_BYTES
  count = 0
  baseTimestamp = -1
  maxTimestamp = -1
  readonly #pool: BufferPool
  readonly #codec: Codec
  readonly #level: number | null
  /** Bytes of the result per byte of the records, as estimated. */
  readonly #ratio: number
  /** Of the result: when it has so many bytes it is full. */
  readonly #limit: number
  #isClosed = false
  #isCompressed = false

  /**
   * @param bytes of the pool; its length is the limit
   * @param ratio estimate of what compression makes of a byte
   */
  constructor(bytes: Buffer, pool: BufferPool, codec: Codec, level: number | null, ratio: number) {
    this.bytes = bytes
    this.#pool = pool
    this.#codec = codec
    this.#level = level
    this.#ratio = codec === 'none' ? 1 : ratio * ESTIMATE_FACTOR
    this.#limit = bytes.length
  }

  /** The size of the result: exact without a codec and once sealed, else an estimate. */
  get size(): number {
    if (this.#isCompressed || this.#codec === 'none') return this.end
    return BATCH_HEADER_BYTES + Math.trunc((this.end - BATCH_HEADER_BYTES) * this.#ratio)
  }

  /** Takes no more records. */
  get isFull(): boolean {
    return this.#isClosed || (this.count > 0 && this.#limit <= this.size)
  }

  /** No record is added from now on. */
  close(): void {
    this.#isClosed = true
  }

  /**
   * Adds a record, or returns false if there is no room.
   * @param headers as they are written, their count in front; null: none
   */
  append(
    timestamp: number,
    key: Uint8Array | null,
    keyBytes: number,
    value: Uint8Array | null,
    valueBytes: number,
    headers: Buffer | null,
  ): boolean {
    if (this.isFull) return false
    const { count } = this
    const timestampDelta = count === 0 ? 0 : timestamp - this.baseTimestamp
    const length =
      2 + // attributes, and the headers' count or the key's or value's -1 below
      varlongBytes(timestampDelta) +
      varintBytes(count) +
      (key === null ? 1 : varintBytes(keyBytes) + keyBytes) +
      (value === null ? 1 : varintBytes(valueBytes) + valueBytes) +
      (headers === null ? 0 : headers.length - 1)
    const needed = length + varintBytes(length)
    if (count > 0 && this.#limit < this.size + needed) return false
    if (this.end + needed > this.bytes.length) {
      const grown = this.#pool.grow(this.bytes, this.end + needed, this.end)
      if (grown === null) return false
      this.bytes = grown
    }
    const { bytes } = this
    let at = writeVarint(bytes, this.end, length)
    bytes[at++] = 0
    at = writeVarlong(bytes, at, timestampDelta)
    at = writeVarint(bytes, at, count)
    at = writeBytes(bytes, at, key, keyBytes)
    at = writeBytes(bytes, at, value, valueBytes)
    if (headers === null) bytes[at++] = 0
    else {
      bytes.set(headers, at)
      at += headers.length
    }
    this.end = at
    if (count === 0) {
      this.baseTimestamp = timestamp
      this.maxTimestamp = timestamp
    } else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    this.count = count + 1
    return true
  }

  /** Makes a whole batch of it, or the same batch for another identity. `bytes` up to `end` is it. */
  seal({ producerId, producerEpoch }: ProducerIdentity, baseSequence: number, isTransactional: boolean): void {
    this.#isClosed = true
    if (this.#codec !== 'none' && !this.#isCompressed) this.#compress()
    const { bytes, end } = this
    writeInt64(bytes, 0, 0)
    bytes.writeInt32BE(end - LOG_OVERHEAD_BYTES, 8)
    bytes.writeInt32BE(-1, 12)
    bytes[16] = 2
    bytes.writeInt16BE(CODECS.indexOf(this.#codec) | (isTransactional ? TRANSACTIONAL_BIT : 0), ATTRIBUTES_AT)
    bytes.writeInt32BE(this.count - 1, 23)
    writeInt64(bytes, 27, this.baseTimestamp)
    writeInt64(bytes, 35, this.maxTimestamp)
    writeInt64(bytes, 43, producerId)
    bytes.writeInt16BE(producerEpoch, 51)
    bytes.writeInt32BE(baseSequence, 53)
    bytes.writeInt32BE(this.count, 57)
    setCrc(bytes, 0, crc32c(bytes, ATTRIBUTES_AT, end))
  }

  /** Bytes of the compressed records per byte of the records; 1 before it is sealed and without a codec. */
  compressionRatio = 1

  #compress(): void {
    const raw = this.bytes.subarray(BATCH_HEADER_BYTES, this.end)
    const compressed = compress(this.#codec, raw, this.#level ?? undefined)
    this.compressionRatio = raw.length === 0 ? 1 : compressed.length / raw.length
    this.end = BATCH_HEADER_BYTES + compressed.length
    if (this.end > this.bytes.length) {
      // What does not compress grows by a little. The pool gets its buffer back in `release`.
      this.#lent = this.bytes
      this.bytes = Buffer.allocUnsafe(this.end)
    }
    compressed.copy(this.bytes, BATCH_HEADER_BYTES)
    this.#isCompressed = true
  }

  /** The pool's buffer, when the result did not fit into it. */
  #lent: Buffer | null = null

  /** Gives the memory back. `mayReuse` is false while a socket may still read it. */
  release(mayReuse = true): void {
    const buffer = this.#lent ?? this.bytes
    if (mayReuse) this.#pool.give(buffer)
    else this.#pool.release(buffer.length)
    this.bytes = EMPTY
    this.#lent = null
  }
}

const EMPTY = Buffer.alloc(0)

function writeBytes(into: Buffer, at: number, from: Uint8Array | null, length: number): number {
  if (from === null) {
    into[at] = 1 // -1
    return at + 1
  }
  at = writeVarint(into, at, length)
  if (length <= LOOP_BYTES_MAX) for (let index = 0; index < length; index++) into[at + index] = from[index]!
  else into.set(from.length === length ? from : from.subarray(0, length), at)
  return at + length
}

/** Of a number that is not negative. */
function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value * 2
  while (rest >= 0x80) {
    into[at++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[at] = rest
  return at + 1
}

/** Within ±2^52. */
function writeVarlong(into: Buffer, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : value * -2 - 1
  while (rest >= 0x80) {
    into[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[at] = rest
  return at + 1
}

/** Of a number that is not negative. */
export function varintBytes(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5
}

function varlongBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : value * -2 - 1
  let size = 1
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) size++
  return size
}
