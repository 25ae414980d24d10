/**
 * Reads Kafka's primitive encodings from one buffer, trusting nothing.
 *
 * Every length and count is checked against the bytes that remain before anything is allocated; whatever is wrong with
 * the input throws `MalformedError` and nothing else. `bytes` and `records` are views of the input, not copies: they
 * live as long as the memory under them (a request's frame).
 */
import { joinInt64, type Int64 } from './int64.ts'
import { uuidFromBytes, type Uuid } from './uuid.ts'

/** The input is not what its schema says. A request that causes one costs its connection and nothing else. */
export class MalformedError extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'MalformedError'
  }
}

/** Half the time of Buffer's own reader, which checks the bounds that `skip` has checked (bench/codec.bench.ts). */
function joinInt32(buffer: Buffer, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
}

const EMPTY: Buffer = Buffer.alloc(0)

export class ByteReader {
  readonly buffer: Buffer
  /** The next byte to read. */
  position: number
  /** One past the last byte that may be read. */
  readonly end: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Moves past `length` bytes and returns where they begin. */
  skip(length: number): number {
    const at = this.position
    if (length < 0 || length > this.end - at) throw new MalformedError(`${length} bytes wanted, ${this.end - at} left`)
    this.position = at + length
    return at
  }

  bool(): boolean {
    return this.buffer[this.skip(1)] !== 0
  }

  int8(): number {
    return (this.buffer[this.skip(1)]! << 24) >> 24
  }

  uint8(): number {
    return this.buffer[this.skip(1)]!
  }

  int16(): number {
    return (this.uint16() << 16) >> 16
  }

  uint16(): number {
    const at = this.skip(2)
    return (this.buffer[at]! << 8) | this.buffer[at + 1]!
  }

  int32(): number {
    return joinInt32(this.buffer, this.skip(4))
  }

  uint32(): number {
    return joinInt32(this.buffer, this.skip(4)) >>> 0
  }

  int64(): Int64 {
    const at = this.skip(8)
    return joinInt64(joinInt32(this.buffer, at), joinInt32(this.buffer, at + 4) >>> 0)
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.skip(8))
  }

  uuid(): Uuid {
    return uuidFromBytes(this.buffer, this.skip(16))
  }

  /** Unsigned varint of 32 bits in at most 5 bytes. Bits above the 32nd are dropped, as Kafka does. */
  uvarint(): number {
    const first = this.uint8()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.uint8()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new MalformedError('varint longer than 5 bytes')
  }

  /** Zigzag varint of at most 32 bits (records of magic 2). */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zigzag varint of at most 64 bits (records of magic 2). */
  varlong(): Int64 {
    let low = 0
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.uint8()
      low += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return low % 2 === 0 ? low / 2 : -(low + 1) / 2
    }
    let value = BigInt(low)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.uint8()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff_ffff_ffffn) throw new MalformedError('varint above 64 bits')
        const decoded = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
        return decoded >= -9007199254740991n && decoded <= 9007199254740991n ? Number(decoded) : decoded
      }
    }
    throw new MalformedError('varint longer than 10 bytes')
  }

  /** int16 length, UTF-8; null for a negative length (-1 is written). */
  nullableString(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.#utf8(length)
  }

  string(): string {
    return this.nullableString() ?? this.#refuseNull('string')
  }

  compactNullableString(): string | null {
    const length = this.#compactLength()
    return length < 0 ? null : this.#utf8(length)
  }

  compactString(): string {
    return this.compactNullableString() ?? this.#refuseNull('string')
  }

  /** int32 length, data; null for a negative length (-1 is written). A view of the input. */
  nullableBytes(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.view(length)
  }

  bytes(): Buffer {
    return this.nullableBytes() ?? this.#refuseNull('bytes')
  }

  compactNullableBytes(): Buffer | null {
    const length = this.#compactLength()
    return length < 0 ? null : this.view(length)
  }

  compactBytes(): Buffer {
    return this.compactNullableBytes() ?? this.#refuseNull('bytes')
  }

  view(length: number): Buffer {
    const at = this.skip(length)
    // A view costs a hundred bytes, and two bytes of input can ask for one.
    return length === 0 ? EMPTY : this.buffer.subarray(at, at + length)
  }

  /** Count of an array in the old encoding, negative for null; refused if not even `minSize` bytes an element are left. */
  count(minSize: number): number {
    const count = this.int32()
    return count < 0 ? -1 : this.#checkedCount(count, minSize)
  }

  compactCount(minSize: number): number {
    const count = this.#compactLength()
    return count < 0 ? -1 : this.#checkedCount(count, minSize)
  }

  #checkedCount(count: number, minSize: number): number {
    if (count * Math.max(minSize, 1) > this.remaining) {
      throw new MalformedError(`array of ${count} elements, ${this.remaining} bytes left`)
    }
    return count
  }

  #utf8(length: number): string {
    if (length > 0x7fff) throw new MalformedError(`string of ${length} bytes`)
    const at = this.skip(length)
    return length === 0 ? '' : this.buffer.toString('utf8', at, at + length)
  }

  /** Length + 1 as a signed number, as Kafka takes it: what has the sign bit is null too. */
  #compactLength(): number {
    return ((this.uvarint() | 0) - 1) | 0
  }

  #refuseNull(what: string): never {
    throw new MalformedError(`null where a ${what} must be`)
  }
}
