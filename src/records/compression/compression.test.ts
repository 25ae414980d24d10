import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CODECS, type Codec } from '../batch.ts'
import { DecompressionError, compress, decompress } from './compression.ts'
import { findFrames } from './zstd.ts'
import { xxHash32 } from './xxhash.ts'

const REAL_CODECS = CODECS.filter((codec) => codec !== 'none')
const MIB = 1024 * 1024

/** Text-like, repeating, and incompressible stretches. */
function sample(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed | 1
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    const stretch = (at >> 10) % 3
    bytes[at] = stretch === 0 ? (state >>> 16) & 0xff : stretch === 1 ? 97 + ((state >>> 16) & 3) : at % 37
  }
  return bytes
}

test.each(REAL_CODECS)('%s gives back what it was given, at every size around its block limits', (codec) => {
  for (const length of [0, 1, 4, 5, 12, 13, 100, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 300_000]) {
    for (const bytes of [sample(length, length), Buffer.alloc(length)]) {
      for (const magic of codec === 'zstd' ? [2] : [0, 1, 2]) {
        expect(decompress(codec, compress(codec, bytes, undefined, magic), length, magic).equals(bytes)).toBe(true)
      }
    }
  }
})

test.each(REAL_CODECS)('%s gives back arbitrary bytes', (codec) => {
  const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(pieces, (list) => {
      const bytes = Buffer.concat(list.flatMap(([piece, times]) => Array<Uint8Array>(times).fill(piece)))
      return decompress(codec, compress(codec, bytes)).equals(bytes)
    }),
    { numRuns: 200 },
  )
})

test.each(REAL_CODECS)(
  'a view into a larger buffer is compressed and decompressed with %s like a buffer of its own',
  (codec) => {
    const inner = sample(5000, 3)
    const around = Buffer.concat([Buffer.alloc(100, 0xff), inner, Buffer.alloc(100, 0xff)])
    const packed = compress(codec, around.subarray(100, 5100))
    const packedAround = Buffer.concat([Buffer.alloc(7, 1), packed, Buffer.alloc(7, 1)])
    expect(decompress(codec, packedAround.subarray(7, 7 + packed.length)).equals(inner)).toBe(true)
  },
)

test.each(REAL_CODECS)('a %s stream cut anywhere is refused', (codec) => {
  const packed = compress(codec, sample(70_000, 5))
  // No bytes at all are zstd's empty stream.
  for (let cut = codec === 'zstd' ? 1 : 0; cut < packed.length; cut += cut < 64 ? 1 : 977) {
    // The xerial stream has no end mark: cut between two blocks it is a shorter stream.
    if (codec === 'snappy' && isSnappyBoundary(packed, cut)) continue
    expect(() => decompress(codec, packed.subarray(0, cut)), `cut at ${cut}`).toThrow(DecompressionError)
  }
  expect(() => decompress(codec, packed.subarray(0, packed.length - 1))).toThrow(DecompressionError)
})

function isSnappyBoundary(packed: Buffer, cut: number): boolean {
  for (let at = 16; at <= cut; at += 4 + packed.readInt32BE(at)) if (at === cut) return true
  return false
}

/** Memory that buffers hold, measured around `task`. */
function memoryOf(task: () => void): number {
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external
  task()
  return process.memoryUsage().arrayBuffers + process.memoryUsage().external - before
}

test.each(REAL_CODECS)('256 MiB of zeros in %s are refused at a cap of 1 MiB without being made', (codec) => {
  const bomb = bombOf(codec)
  expect(bomb.length).toBeLessThan(17 * MIB)
  const used = memoryOf(() => expect(() => decompress(codec, bomb, MIB)).toThrow(DecompressionError))
  expect(used).toBeLessThan(8 * MIB)
})

/** Compressing 256 MiB takes long: the bomb is made of one piece, repeated as the format allows. */
function bombOf(codec: Codec): Buffer {
  const piece = compress(codec, Buffer.alloc(16 * MIB))
  switch (codec) {
    case 'lz4': {
      const blocks = piece.subarray(7, piece.length - 4)
      return Buffer.concat([piece.subarray(0, 7), ...Array<Buffer>(16).fill(blocks), Buffer.alloc(4)])
    }
    default:
      return Buffer.concat(Array<Buffer>(16).fill(piece))
  }
}

test('a snappy block that declares 4 GiB is refused before anything is allocated', () => {
  const block = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x41])
  const stream = Buffer.concat([Buffer.from('82534e4150505900000000010000000100000007', 'hex'), block])
  for (const bytes of [block, stream]) {
    const used = memoryOf(() => expect(() => decompress('snappy', bytes, 2 ** 40)).toThrow(DecompressionError))
    expect(used).toBeLessThan(MIB)
  }
})

test('a zstd frame of 32,000 to 1 is refused above the cap and read below it', () => {
  const bomb = compress('zstd', Buffer.alloc(64 * MIB))
  expect(bomb.length).toBeLessThan(10_000)
  const used = memoryOf(() => expect(() => decompress('zstd', bomb, 32 * MIB)).toThrow(DecompressionError))
  expect(used).toBeLessThan(40 * MIB)
  expect(decompress('zstd', bomb, 64 * MIB).length).toBe(64 * MIB)
})

test('zstd frames with content size, checksum, skippable frames and a huge window are judged by their headers', () => {
  const raw = Buffer.from('28b52ffd2003190000616263', 'hex') // single segment, 3 bytes, one raw block
  expect(decompress('zstd', raw).toString()).toBe('abc')
  const skippable = Buffer.concat([Buffer.from('502a4d1803000000ffffff', 'hex'), raw, raw])
  expect(decompress('zstd', skippable, 6).toString()).toBe('abcabc')
  expect(() => findFrames(skippable, 5)).toThrow('content of 3')
  const declared = Buffer.from('28b52ffdc00000000000000000ff010000', 'hex')
  expect(() => decompress('zstd', declared)).toThrow(DecompressionError)
  const window = Buffer.from('28b52ffd00ff010000', 'hex')
  expect(() => decompress('zstd', window)).toThrow('window')
})

test('a bare snappy block without the stream header is read', () => {
  const stream = compress('snappy', Buffer.from('hello hello hello hello'))
  expect(decompress('snappy', stream.subarray(20)).toString()).toBe('hello hello hello hello')
})

test('gzip streams of several members are read', () => {
  const bytes = Buffer.concat([gzipSync(Buffer.from('one ')), gzipSync(Buffer.from('two'))])
  expect(decompress('gzip', bytes).toString()).toBe('one two')
})

test('bytes behind the last gzip member are ignored, as in Java, but a cap and the checksums still hold', () => {
  const bytes = Buffer.concat([gzipSync(Buffer.from('one ')), gzipSync(Buffer.from('two')), Buffer.from('more bytes')])
  expect(decompress('gzip', bytes).toString()).toBe('one two')
  expect(() => decompress('gzip', bytes, 6)).toThrow(DecompressionError)
  bytes[bytes.length - 15] = bytes[bytes.length - 15]! ^ 1
  expect(() => decompress('gzip', bytes)).toThrow('data check')
  const named = Buffer.from('1f8b081e0000000000030200787961006200ffff', 'hex')
  expect(() => decompress('gzip', Buffer.concat([named, Buffer.from('xx')]))).toThrow(DecompressionError)
})

test('the header checksum of an lz4 frame is that of the specification, and Kafka’s wrong one in magic 0', () => {
  const right = compress('lz4', Buffer.from('abc'))
  const wrong = compress('lz4', Buffer.from('abc'), undefined, 0)
  expect(right.subarray(0, 7).toString('hex')).toBe('04224d18604082')
  expect(wrong[6]).toBe((xxHash32(wrong, 0, 6) >>> 8) & 0xff)
  expect(wrong[6]).not.toBe(right[6])
  expect(() => decompress('lz4', wrong)).toThrow('header checksum')
  expect(decompress('lz4', wrong, 100, 0).toString()).toBe('abc')
  expect(decompress('lz4', right, 100, 0).toString()).toBe('abc')
})

/** A frame of two linked blocks (the second refers into the first) with every optional field. */
function linkedFrame(): Buffer {
  const first = Buffer.from([0x50, ...Buffer.from('hello')])
  // Literals 'x', a match of 5 bytes 6 back, then the five last literals.
  const second = Buffer.from([0x11, 0x78, 0x06, 0x00, 0x50, ...Buffer.from('world')])
  const text = Buffer.from('helloxhelloworld')
  const header = Buffer.alloc(15)
  header.writeUInt32LE(0x184d_2204, 0)
  header[4] = 0x40 | 0x10 | 0x08 | 0x04
  header[5] = 0x40
  header.writeBigUInt64LE(BigInt(text.length), 6)
  header[14] = (xxHash32(header, 4, 14) >>> 8) & 0xff
  const block = (bytes: Buffer): Buffer[] => [uint32(bytes.length), bytes, uint32(xxHash32(bytes, 0, bytes.length))]
  return Buffer.concat([header, ...block(first), ...block(second), uint32(0), uint32(xxHash32(text, 0, text.length))])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

test('lz4 frames with linked blocks, content size and checksums are read, and each checksum is verified', () => {
  const frame = linkedFrame()
  expect(decompress('lz4', frame).toString()).toBe('helloxhelloworld')
  for (const at of [14, frame.length - 1, frame.length - 9, 6]) {
    const broken = Buffer.from(frame)
    broken[at] = broken[at]! ^ 1
    expect(() => decompress('lz4', broken), `byte ${at}`).toThrow(DecompressionError)
  }
})

test.each(REAL_CODECS)('a %s stream with flipped bytes is a value or a typed error, within the cap', (codec) => {
  const packed = compress(codec, sample(3000, 9))
  let state = 17
  for (let round = 0; round < 600; round++) {
    const broken = Buffer.from(packed)
    for (let flips = 0; flips < 1 + (round % 3); flips++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
      const at = (state >>> 8) % broken.length
      broken[at] = broken[at]! ^ (1 << (state & 7))
    }
    try {
      expect(decompress(codec, broken, 100_000).length).toBeLessThanOrEqual(100_000)
    } catch (error) {
      expect(error).toBeInstanceOf(DecompressionError)
    }
  }
})
