/**
 * Whether the bytes of a message are the only ones that our writer (and Kafka's) makes of it; for the fuzzer, which holds
 * such messages to plain identity. A second decoder, driven by the field table and independent of the generated ones.
 *
 * Not canonical, though readable: a varint longer than it needs to be or with bits above the 32nd, a negative length other
 * than -1, a bool other than 0 and 1, a null marker other than -1 and 1, text that is not UTF-8, a NaN with a
 * payload (it may get lost), a tagged field that holds its default or is not as long as it says, tags that are not ascending.
 */
import { isUtf8 } from 'node:buffer'
import { ByteReader } from '../base/byte-reader.ts'
import { type FieldDescription, hasVersion, type MessageDescription } from './fields.ts'
import { isDefault } from './json.ts'

const PLAIN_NAN = 0x7ff8_0000_0000_0000n

type Message = Readonly<Record<string, unknown>>

/** `message` is what was read from the bytes from 0 to `end`. */
export function isCanonical(
  description: MessageDescription,
  bytes: Buffer,
  end: number,
  message: object,
  version: number,
): boolean {
  const walk = new CanonicalWalk(new ByteReader(bytes, 0, end), version, version >= description.codec.flexibleFrom)
  walk.struct(description.fields, message, description.kind === 'header')
  return walk.canonical
}

class CanonicalWalk {
  canonical = true
  readonly #reader: ByteReader
  readonly #version: number
  readonly #flexible: boolean

  constructor(reader: ByteReader, version: number, flexible: boolean) {
    this.#reader = reader
    this.#version = version
    this.#flexible = flexible
  }

  #expect(holds: boolean): void {
    if (!holds) this.canonical = false
  }

  struct(fields: readonly FieldDescription[], message: object, isHeader = false): void {
    const values: Message = { ...message }
    for (const field of fields) {
      // A header's clientId keeps the old encoding, so that every server can read it.
      if (field.tag === null && hasVersion(field, this.#version)) {
        this.#field(field, values[field.name], this.#flexible && !isHeader)
      }
    }
    if (this.#flexible) this.#tags(fields, values)
  }

  #tags(fields: readonly FieldDescription[], values: Message): void {
    let last = -1
    for (let left = this.#uvarint(); left > 0; left--) {
      const tag = this.#uvarint()
      const size = this.#uvarint()
      this.#expect(tag > last)
      last = tag
      const field = fields.find((candidate) => candidate.tag === tag && hasVersion(candidate, this.#version))
      const start = this.#reader.position
      if (field === undefined) this.#reader.skip(size)
      else {
        this.#expect(!isDefault(field, values[field.name]))
        this.#field(field, values[field.name], true)
      }
      this.#expect(this.#reader.position === start + size)
    }
  }

  #field(field: FieldDescription, value: unknown, flexible: boolean): void {
    if (field.array) {
      const count = flexible ? this.#compactLength() : this.#length(this.#reader.int32())
      for (let index = 0; index < count; index++) {
        this.#element(field, Array.isArray(value) ? value[index] : null, flexible)
      }
      return
    }
    if (field.kind === 'struct' && this.#isNullable(field)) {
      const marker = field.tag === null ? this.#reader.int8() : this.#uvarint()
      this.#expect(marker === 1 || marker === (field.tag === null ? -1 : 0))
      if (value === null) return
    }
    this.#element(field, value, flexible)
  }

  #element(field: FieldDescription, value: unknown, flexible: boolean): void {
    const reader = this.#reader
    switch (field.kind) {
      case 'bool':
        this.#expect(reader.uint8() <= 1)
        return
      case 'int8':
        reader.skip(1)
        return
      case 'int16':
      case 'uint16':
        reader.skip(2)
        return
      case 'int32':
      case 'uint32':
        reader.skip(4)
        return
      case 'int64':
        reader.skip(8)
        return
      case 'float64':
        this.#expect(
          !Number.isNaN(reader.float64()) || reader.buffer.readBigUInt64BE(reader.position - 8) === PLAIN_NAN,
        )
        return
      case 'uuid':
        reader.skip(16)
        return
      case 'string':
        this.#expect(isUtf8(reader.view(Math.max(0, flexible ? this.#compactLength() : this.#length(reader.int16())))))
        return
      case 'bytes':
      case 'records':
        reader.skip(Math.max(0, flexible ? this.#compactLength() : this.#length(reader.int32())))
        return
      case 'struct':
        this.struct(field.fields, typeof value === 'object' && value !== null ? value : {})
    }
  }

  #isNullable({ nullable }: FieldDescription): boolean {
    return nullable !== null && this.#version >= nullable[0] && this.#version <= nullable[1]
  }

  #length(length: number): number {
    this.#expect(length >= -1)
    return length
  }

  #compactLength(): number {
    const length = this.#uvarint()
    this.#expect(length <= 0x7fff_ffff)
    return ((length | 0) - 1) | 0
  }

  #uvarint(): number {
    const start = this.#reader.position
    const value = this.#reader.uvarint()
    const bytes = this.#reader.position - start
    const last = this.#reader.buffer[this.#reader.position - 1]!
    this.#expect(bytes === 1 || (last !== 0 && (bytes < 5 || last <= 0x0f)))
    return value
  }
}
