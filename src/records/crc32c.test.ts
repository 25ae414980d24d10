import { expect, test } from 'vitest'
import { crc32, crc32OfTables, crc32c, crc32cOfTables } from './crc32c.ts'

test('both checksums give the known value of 123456789', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283)
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf4_3926)
})

test('tables and hardware agree on every length and on continued sums', () => {
  const bytes = Buffer.alloc(4096)
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 7919) >> 3
  for (let length = 0; length < 2100; length += length < 40 ? 1 : 37) {
    expect(crc32c(bytes, 3, 3 + length)).toBe(crc32cOfTables(bytes, 3, 3 + length))
    expect(crc32(bytes, 3, 3 + length)).toBe(crc32OfTables(bytes, 3, 3 + length))
    expect(crc32c(bytes, length, 4096, crc32c(bytes, 0, length))).toBe(crc32cOfTables(bytes))
    expect(crc32(bytes, length, 4096, crc32(bytes, 0, length))).toBe(crc32OfTables(bytes))
  }
})
