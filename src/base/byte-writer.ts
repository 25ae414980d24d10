/**
 * Writes Kafka's primitive encodings. Small values go into a growing buffer; large ones (record batches) are taken by
 * reference, so that a Fetch answer is never copied together: `finish` returns the pieces in order for one gathered write.
 */
import { writeInt64, type Int64 } from './int64.ts'
import type { Uuid } from './uuid.ts'

/** A value above the protocol's limits: a bug of the caller, which builds the message. */
export class EncodeError extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'EncodeError'
  }
}

/** Bytes from this size on are referenced instead of copied. */
const REFERENCE_BYTES_MIN = 2048

export class ByteWriter {
  #buffer: Buffer
  /** Where the piece that is being filled begins in #buffer. */
  #pieceStart = 0
  #position = 0
  #pieces: Buffer[] = []
  /** Bytes in #pieces. */
  #flushed = 0

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#flushed + this.#position - this.#pieceStart
  }

  /** The pieces in order. The writer must not be used afterwards. */
  finish(): Buffer[] {
    this.#flushPiece()
    return this.#pieces
  }

  /** Everything in one buffer; copies if there are several pieces. */
  toBuffer(): Buffer {
    const pieces = this.finish()
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  #flushPiece(): void {
    if (this.#position === this.#pieceStart) return
    this.#pieces.push(this.#buffer.subarray(this.#pieceStart, this.#position))
    this.#flushed += this.#position - this.#pieceStart
    this.#pieceStart = this.#position
  }

  #reserve(size: number): number {
    const at = this.#position
    if (at + size > this.#buffer.length) return this.#grow(size)
    this.#position = at + size
    return at
  }

  #grow(size: number): number {
    const used = this.#position - this.#pieceStart
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size + 64))
    this.#buffer.copy(grown, 0, this.#pieceStart, this.#position)
    this.#buffer = grown
    this.#pieceStart = 0
    this.#position = used + size
    return used
  }

  bool(value: boolean): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value ? 1 : 0
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeInt16BE(value, at)
  }

  uint16(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
  }

  uint32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
  }

  int64(value: Int64): void {
    const at = this.#reserve(8)
    writeInt64(this.#buffer, at, value)
  }

  float64(value: number): void {
    const at = this.#reserve(8)
    this.#buffer.writeDoubleBE(value, at)
  }

  uuid(value: Uuid): void {
    const at = this.#reserve(16)
    // Text that is too short would leave bytes of other messages in the gap.
    if (this.#buffer.write(value, at, 16, 'base64url') !== 16) throw new EncodeError(`not a uuid: ${value}`)
  }

  uvarint(value: number): void {
    while (value >= 0x80) {
      const at = this.#reserve(1)
      this.#buffer[at] = (value % 128) | 0x80
      value = Math.floor(value / 128)
    }
    const at = this.#reserve(1)
    this.#buffer[at] = value
  }

  /** Zigzag, 32 bits. */
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** Zigzag, 64 bits. */
  varlong(value: Int64): void {
    if (typeof value === 'number' && value < 2 ** 51 && value > -(2 ** 51)) {
      this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1)
      return
    }
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
    while (rest >= 0x80n) {
      const at = this.#reserve(1)
      this.#buffer[at] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    const at = this.#reserve(1)
    this.#buffer[at] = Number(rest)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  string(value: string): void {
    const length = this.#stringLength(value)
    this.int16(length)
    this.#utf8(value, length)
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  compactString(value: string): void {
    const length = this.#stringLength(value)
    this.uvarint(length + 1)
    this.#utf8(value, length)
  }

  nullableBytes(value: Records | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  bytes(value: Records): void {
    this.int32(recordsLength(value))
    this.records(value)
  }

  compactNullableBytes(value: Records | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytes(value)
  }

  compactBytes(value: Records): void {
    this.uvarint(recordsLength(value) + 1)
    this.records(value)
  }

  /** The bytes alone, without a length; by reference when large. */
  records(value: Records): void {
    if (Buffer.isBuffer(value)) this.raw(value)
    else for (const piece of value) this.raw(piece)
  }

  /** The bytes alone, without a length; by reference when large. */
  raw(value: Buffer): void {
    if (value.length >= REFERENCE_BYTES_MIN) {
      this.#flushPiece()
      this.#pieces.push(value)
      this.#flushed += value.length
    } else {
      const at = this.#reserve(value.length)
      value.copy(this.#buffer, at)
    }
  }

  #stringLength(value: string): number {
    const length = Buffer.byteLength(value)
    if (length > 0x7fff) throw new EncodeError(`string of ${length} bytes, 32767 are allowed`)
    return length
  }

  #utf8(value: string, length: number): void {
    const at = this.#reserve(length)
    if (length > 0) this.#buffer.write(value, at, length)
  }
}

/** Record batches as they go into a message: one buffer, or pieces that are sent one after the other. */
export type Records = Buffer | readonly Buffer[]

export function recordsLength(records: Records): number {
  if (Buffer.isBuffer(records)) return records.length
  let length = 0
  for (const piece of records) length += piece.length
  return length
}
