import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clampInt64, int64, joinInt64, readInt64, readSafeInt64, writeInt64 } from './int64.ts'
import { INT64_MAX, INT64_MIN } from './int64.ts'

const SAFE = 2n ** 53n - 1n
const EDGES = [
  0n,
  1n,
  -1n,
  SAFE,
  SAFE + 1n,
  -SAFE,
  -SAFE - 1n,
  -SAFE - 2n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 32n,
  -(2n ** 32n),
]
/** Every 64-bit integer, those around the limits often. */
const anyInt64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(...EDGES))

test('every 64-bit value is read as a number while safe and as a bigint beyond', () => {
  fc.assert(
    fc.property(anyInt64, (value) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(value)
      const read = readInt64(bytes, 0)
      expect(BigInt(read)).toBe(value)
      expect(typeof read).toBe(value >= -SAFE && value <= SAFE ? 'number' : 'bigint')
      expect(read).toBe(int64(value))
      expect(joinInt64(bytes.readInt32BE(0), bytes.readUInt32BE(4))).toBe(read)
    }),
  )
})

test('what is written is what was read, without a negative zero', () => {
  fc.assert(
    fc.property(anyInt64, (value) => {
      const bytes = Buffer.alloc(10, 0xee)
      writeInt64(bytes, 1, int64(value))
      expect(bytes.readBigInt64BE(1)).toBe(value)
      expect([bytes[0], bytes[9]]).toEqual([0xee, 0xee])
      expect(Object.is(readInt64(bytes, 1), -0)).toBe(false)
    }),
  )
})

test('clamping gives the nearest safe number', () => {
  fc.assert(
    fc.property(anyInt64, (value) => {
      const nearest = value > SAFE ? SAFE : value < -SAFE ? -SAFE : value
      expect(clampInt64(int64(value))).toBe(Number(nearest))
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(value)
      expect(readSafeInt64(bytes, 0)).toBe(Number(nearest))
    }),
  )
})

test('the limits are the limits', () => {
  expect(INT64_MAX).toBe(2n ** 63n - 1n)
  expect(INT64_MIN).toBe(-(2n ** 63n))
})
