import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter, EncodeError } from './byte-writer.ts'
import { int64, type Int64 } from './int64.ts'
import { type Uuid, uuidFromBytes } from './uuid.ts'

/** A value, how it is written and how it is read back. */
interface Step {
  readonly value: unknown
  write(writer: ByteWriter): void
  read(reader: ByteReader): unknown
}

const text = fc.string({ unit: 'binary', maxLength: 40 })
const bytes = fc.uint8Array({ maxLength: 5000 }).map((array): Buffer => Buffer.from(array))
const anyInt64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Int64 => int64(value))
const smallInt64 = fc.maxSafeInteger().map((value): Int64 => value)

function step<T>(
  values: fc.Arbitrary<T>,
  write: (writer: ByteWriter, value: T) => void,
  read: (reader: ByteReader) => T,
): fc.Arbitrary<Step> {
  return values.map((value) => ({ value, write: (writer) => write(writer, value), read }))
}

const steps = fc.oneof(
  step(
    fc.boolean(),
    (w, value) => w.bool(value),
    (r) => r.bool(),
  ),
  step(
    fc.integer({ min: -128, max: 127 }),
    (w, value) => w.int8(value),
    (r) => r.int8(),
  ),
  step(
    fc.integer({ min: -32768, max: 32767 }),
    (w, value) => w.int16(value),
    (r) => r.int16(),
  ),
  step(
    fc.nat(65535),
    (w, value) => w.uint16(value),
    (r) => r.uint16(),
  ),
  step(
    fc.integer(),
    (w, value) => w.int32(value),
    (r) => r.int32(),
  ),
  step(
    fc.nat(),
    (w, value) => w.uint32(value * 2),
    (r) => r.uint32() / 2,
  ),
  step(
    anyInt64,
    (w, value) => w.int64(value),
    (r) => r.int64(),
  ),
  step(
    smallInt64,
    (w, value) => w.int64(value),
    (r) => r.int64(),
  ),
  step(
    fc.double({ noNaN: true }),
    (w, value) => w.float64(value),
    (r) => r.float64(),
  ),
  step(
    fc.nat(),
    (w, value) => w.uvarint(value * 2 + 1),
    (r) => (r.uvarint() - 1) / 2,
  ),
  step(
    fc.integer(),
    (w, value) => w.varint(value),
    (r) => r.varint(),
  ),
  step(
    anyInt64,
    (w, value) => w.varlong(value),
    (r) => r.varlong(),
  ),
  step(
    smallInt64,
    (w, value) => w.varlong(value),
    (r) => r.varlong(),
  ),
  step(
    fc.option(text),
    (w, value) => w.nullableString(value),
    (r) => r.nullableString(),
  ),
  step(
    fc.option(text),
    (w, value) => w.compactNullableString(value),
    (r) => r.compactNullableString(),
  ),
  step(
    fc.option(bytes),
    (w, value) => w.nullableBytes(value),
    (r) => r.nullableBytes(),
  ),
  step(
    fc.option(bytes),
    (w, value) => w.compactNullableBytes(value),
    (r) => r.compactNullableBytes(),
  ),
  step(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => uuidFromBytes(Buffer.from(array))),
    (w, value) => w.uuid(value),
    (r) => r.uuid(),
  ),
)

test('what is written in any order is read back, and the length is known at every step', () => {
  fc.assert(
    fc.property(fc.array(steps), fc.nat(64), (written, capacity) => {
      const writer = new ByteWriter(capacity)
      for (const { write } of written) write(writer)
      const { length } = writer
      const buffer = writer.toBuffer()
      expect(buffer.length).toBe(length)
      const reader = new ByteReader(buffer)
      for (const { value, read } of written) expect(read(reader)).toEqual(value)
      expect(reader.remaining).toBe(0)
    }),
  )
})

test('large bytes are pieces of their own, by reference and in order', () => {
  const large = Buffer.alloc(5000, 1)
  const writer = new ByteWriter()
  writer.int8(7)
  writer.bytes([large, Buffer.from([9])])
  writer.int8(8)
  const pieces = writer.finish()
  expect(pieces[1]).toBe(large)
  const header = Buffer.from([7, 0, 0, 0x13, 0x89])
  expect(Buffer.concat(pieces)).toEqual(Buffer.concat([header, large, Buffer.from([9, 8])]))
})

test('growing after a piece was cut keeps what the piece holds', () => {
  const writer = new ByteWriter(8)
  writer.int32(1)
  writer.raw(Buffer.alloc(3000, 2))
  for (let index = 0; index < 100; index++) writer.int32(index)
  const all = writer.toBuffer()
  expect(all.readInt32BE(0)).toBe(1)
  expect(all.readInt32BE(3004 + 4 * 99)).toBe(99)
})

test('a string is at most 32767 bytes, counted in UTF-8', () => {
  const writer = new ByteWriter()
  writer.string('a'.repeat(32_767))
  expect(() => writer.string('a'.repeat(32_768))).toThrow(EncodeError)
  expect(() => writer.compactString('é'.repeat(16_384))).toThrow(EncodeError)
})

test('a uuid that is not 16 bytes is refused', () => {
  expect(() => new ByteWriter().uuid('short' as Uuid)).toThrow(EncodeError)
})
