/**
 * The varints of magic 2 records, read from a range that can be set anew: `ByteReader` without an object per use.
 * Everything is checked against `end`; what does not fit throws MalformedError.
 */
import { MalformedError } from '../base/byte-reader.ts'
import type { Int64 } from '../base/int64.ts'

export class VarintReader {
  bytes: Buffer = Buffer.alloc(0)
  position = 0
  end = 0

  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  /** Moves past `length` bytes and returns where they begin. */
  skip(length: number): number {
    const at = this.position
    if (length < 0 || length > this.end - at) throw new MalformedError(`${length} bytes wanted, ${this.end - at} left`)
    this.position = at + length
    return at
  }

  /** A length, or -1 for null. Kafka takes any negative number for null. */
  nullableLength(): number {
    const length = this.varint()
    return length < 0 ? -1 : length
  }

  /** Zigzag, at most 5 bytes; bits above the 32nd are dropped, as Kafka does. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= this.end) throw new MalformedError('varint cut short')
      const byte = this.bytes[this.position++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new MalformedError('varint longer than 5 bytes')
  }

  /** Zigzag, at most 10 bytes; bits above the 64th are dropped, as Kafka does. */
  varlong(): Int64 {
    let low = 0
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      if (this.position >= this.end) throw new MalformedError('varint cut short')
      const byte = this.bytes[this.position++]!
      low += (byte & 0x7f) * factor
      if (byte < 0x80) return low % 2 === 0 ? low / 2 : -(low + 1) / 2
    }
    let value = BigInt(low)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) throw new MalformedError('varint cut short')
      const byte = this.bytes[this.position++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        const bits = BigInt.asUintN(64, value)
        const decoded = BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n))
        return decoded >= -9007199254740991n && decoded <= 9007199254740991n ? Number(decoded) : decoded
      }
    }
    throw new MalformedError('varint longer than 10 bytes')
  }
}
