import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteReader, MalformedError } from './byte-reader.ts'

function reader(hex: string): ByteReader {
  return new ByteReader(Buffer.from(hex, 'hex'))
}

test('no primitive reads past the end, which may lie before the end of the buffer', () => {
  const reads: ((bytes: ByteReader) => unknown)[] = [
    (bytes) => bytes.bool(),
    (bytes) => bytes.int8(),
    (bytes) => bytes.uint8(),
    (bytes) => bytes.int16(),
    (bytes) => bytes.uint16(),
    (bytes) => bytes.int32(),
    (bytes) => bytes.uint32(),
    (bytes) => bytes.int64(),
    (bytes) => bytes.float64(),
    (bytes) => bytes.uuid(),
    (bytes) => bytes.uvarint(),
    (bytes) => bytes.varint(),
    (bytes) => bytes.varlong(),
  ]
  const buffer = Buffer.alloc(32, 0x80)
  for (const read of reads) expect(() => read(new ByteReader(buffer, 4, 4))).toThrow(MalformedError)
  expect(() => new ByteReader(buffer, 0, 7).int64()).toThrow(MalformedError)
  expect(() => new ByteReader(buffer, 0, 15).uuid()).toThrow(MalformedError)
})

test('a varint of more than 5 bytes is malformed, one with bits above the 32nd loses them', () => {
  expect(() => reader('808080808000').uvarint()).toThrow(MalformedError)
  expect(reader('ffffffff0f').uvarint()).toBe(0xffff_ffff)
  expect(reader('ffffffff7f').uvarint()).toBe(0xffff_ffff)
  expect(reader('8080808010').uvarint()).toBe(0)
})

test('a varint may be longer than it needs to be', () => {
  expect(reader('8000').uvarint()).toBe(0)
  expect(reader('8180808000').uvarint()).toBe(1)
})

test('zigzag varints reach the limits of 32 and 64 bits', () => {
  expect(reader('ffffffff0f').varint()).toBe(-(2 ** 31))
  expect(reader('feffffff0f').varint()).toBe(2 ** 31 - 1)
  expect(reader('ffffffffffffffffff01').varlong()).toBe(-(2n ** 63n))
  expect(reader('feffffffffffffffff01').varlong()).toBe(2n ** 63n - 1n)
  expect(() => reader('8080808080808080808000').varlong()).toThrow(MalformedError)
})

test('a negative length is null, and null is refused where it may not be', () => {
  for (const hex of ['ffff', 'fffe', '8000']) expect(reader(hex).nullableString()).toBeNull()
  for (const hex of ['ffffffff', '80000000']) expect(reader(hex).nullableBytes()).toBeNull()
  for (const hex of ['00', 'ffffffff0f']) expect(reader(hex).compactNullableString()).toBeNull()
  expect(reader('00').compactNullableBytes()).toBeNull()
  expect(() => reader('ffff').string()).toThrow(MalformedError)
  expect(() => reader('ffffffff').bytes()).toThrow(MalformedError)
  expect(() => reader('00').compactString()).toThrow(MalformedError)
  expect(() => reader('00').compactBytes()).toThrow(MalformedError)
})

test('lengths beyond the input are malformed', () => {
  expect(() => reader('000261').string()).toThrow(MalformedError)
  expect(() => reader('0361').compactString()).toThrow(MalformedError)
  expect(() => reader('7fffffff61').bytes()).toThrow(MalformedError)
  expect(() => reader('ffffffff0761').compactBytes()).toThrow(MalformedError)
  expect(() => new ByteReader(Buffer.alloc(1)).view(-1)).toThrow(MalformedError)
})

test('a string above 32767 bytes is malformed even if it is all there', () => {
  const bytes = Buffer.concat([Buffer.from('818002', 'hex'), Buffer.alloc(40_000, 0x61)])
  expect(() => new ByteReader(bytes).compactString()).toThrow('string of 32768 bytes')
})

test('a count is held against the bytes that are left and the least size of an element', () => {
  expect(reader('0000000300000000').count(1)).toBe(3)
  expect(() => reader('0000000300000000').count(2)).toThrow('array of 3 elements, 4 bytes left')
  expect(() => reader('0000000500000000').count(0)).toThrow(MalformedError)
  expect(reader('ffffffff').count(4)).toBe(-1)
  expect(reader('00').compactCount(1)).toBe(-1)
  expect(reader('0100').compactCount(1)).toBe(0)
  expect(() => reader('0300').compactCount(1)).toThrow(MalformedError)
})

test('bytes are views of the input, and empty ones cost nothing', () => {
  const buffer = Buffer.from('000000020102', 'hex')
  const bytes = new ByteReader(buffer).bytes()
  expect(bytes.buffer).toBe(buffer.buffer)
  expect(bytes).toEqual(Buffer.from([1, 2]))
  expect(reader('01').compactBytes()).toBe(reader('01').compactBytes())
})

test('any bytes give a value or a MalformedError, and leave the reader inside its range', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), fc.nat(12), (array, which) => {
      const bytes = new ByteReader(Buffer.from(array))
      try {
        switch (which) {
          case 0:
            return void bytes.nullableString()
          case 1:
            return void bytes.compactNullableString()
          case 2:
            return void bytes.nullableBytes()
          case 3:
            return void bytes.compactNullableBytes()
          case 4:
            return void bytes.varlong()
          case 5:
            return void bytes.varint()
          case 6:
            return void bytes.count(3)
          case 7:
            return void bytes.compactCount(3)
          default:
            return void bytes.uuid()
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError)
      } finally {
        expect(bytes.position).toBeLessThanOrEqual(bytes.end)
      }
    }),
  )
})
