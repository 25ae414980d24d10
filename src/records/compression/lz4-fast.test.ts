import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lz4DecompressOnce } from './lz4-fast.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'

const MAX = 1 << 20

/** Runs of repeated pieces at all distances, so that matches of every kind arise. */
const content = fc
  .array(
    fc.record({ piece: fc.uint8Array({ minLength: 1, maxLength: 40 }), times: fc.integer({ min: 1, max: 200 }) }),
    { maxLength: 60 },
  )
  .map((runs) => Buffer.concat(runs.flatMap(({ piece, times }) => Array.from({ length: times }, () => piece))))

function outcome(read: () => Buffer | null): string | null {
  try {
    const bytes = read()
    return bytes === null ? null : bytes.toString('latin1')
  } catch {
    return null
  }
}

test('what was compressed comes back, from blocks of every shape', () => {
  fc.assert(
    fc.property(content, (bytes) => {
      const packed = lz4Compress(bytes, 2)
      expect(lz4DecompressOnce(packed, MAX)?.equals(bytes)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('broken frames are never read as something else than the careful reader reads', () => {
  let accepted = 0
  fc.assert(
    fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(), (bytes, at, flip, cut) => {
      const packed = lz4Compress(bytes, 2)
      const broken = Buffer.from(packed.subarray(0, cut % 3 === 0 ? cut % packed.length : packed.length))
      if (broken.length > 7) broken[7 + (at % (broken.length - 7))]! ^= flip
      const careful = outcome(() => lz4Decompress(broken, MAX, 2))
      const fast = outcome(() => lz4DecompressOnce(broken, MAX))
      if (fast !== null) accepted++
      expect(fast).toBe(careful)
    }),
    { numRuns: 1500 },
  )
  expect(accepted).toBeGreaterThan(0)
})

test('blocks that refer to the blocks before them are read', () => {
  const half = Buffer.from('0123456789abcdef'.repeat(5000))
  const packed = lz4Compress(half, 2)
  const linked = Buffer.from(packed)
  linked[4]! &= ~0x20 // not independent; such blocks may still stand alone
  // The header's checksum covers the flag.
  for (let check = 0; check < 256 && outcome(() => lz4Decompress(linked, MAX, 2)) === null; check++) linked[6] = check
  expect(outcome(() => lz4DecompressOnce(linked, MAX))).toBe(half.toString('latin1'))
})

test('more than is allowed is refused, and so is more than the memory for it', () => {
  const zeros = lz4Compress(Buffer.alloc(9 << 20), 2)
  expect(lz4DecompressOnce(zeros, 64 << 20)).toBeNull()
  expect(lz4DecompressOnce(lz4Compress(Buffer.alloc(5000), 2), 4999)).toBeNull()
  expect(lz4DecompressOnce(lz4Compress(Buffer.alloc(5000), 2), 5000)?.length).toBe(5000)
})
