/**
 * LZ4 frames. Written as Kafka writes them: independent blocks of 64 KiB, no checksums, no content size (FLG 0x60,
 * BD 0x40). Read: every legal frame, with linked blocks, content size and checksums, which are verified.
 *
 * The header checksum of frames inside messages of magic 0 is wrong in Kafka since its first release and kept so: it is
 * computed over the frame's magic number too. We write it so for magic 0 and do not look at it there when reading.
 * As in Kafka, bytes behind the end mark are ignored, and a frame without its end mark is refused.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { readInt64 } from '../../base/int64.ts'
import { lz4BlockBytesMax, lz4CompressBlock, lz4DecompressBlock } from './lz4-block.ts'
import { xxHash32 } from './xxhash.ts'

const FRAME_MAGIC = 0x184d_2204
const VERSION_MASK = 0xc0
const VERSION = 0x40
const INDEPENDENT = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const FLG_RESERVED = 0x02
const DICTIONARY = 0x01
const BD_RESERVED = 0x8f

const BLOCK_BYTES = 64 * 1024
const UNCOMPRESSED = 0x8000_0000
const LINK_BYTES = 64 * 1024

export function lz4Compress(bytes: Buffer, magic: number): Buffer {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const out = Buffer.allocUnsafe(7 + 4 + blocks * (4 + lz4BlockBytesMax(BLOCK_BYTES)))
  out.writeUInt32LE(FRAME_MAGIC, 0)
  out[4] = VERSION | INDEPENDENT
  out[5] = 0x40 // blocks of at most 64 KiB
  out[6] = (xxHash32(out, magic === 0 ? 0 : 4, 6) >>> 8) & 0xff
  let at = 7
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, bytes.length)
    const blockEnd = lz4CompressBlock(bytes, start, end, out, at + 4)
    if (blockEnd - at - 4 < end - start) {
      out.writeUInt32LE(blockEnd - at - 4, at)
      at = blockEnd
    } else {
      out.writeUInt32LE(UNCOMPRESSED + end - start, at)
      bytes.copy(out, at + 4, start, end)
      at += 4 + end - start
    }
  }
  out.writeUInt32LE(0, at) // end mark
  return Buffer.from(out.subarray(0, at + 4))
}

export interface Lz4FrameHeader {
  readonly isIndependent: boolean
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
  readonly blockBytesMax: number
  readonly contentBytes: number | null
  readonly end: number
}

export function lz4Decompress(bytes: Buffer, maxBytes: number, magic: number): Buffer {
  const header = readLz4Header(bytes, maxBytes, magic)
  let capacity = Math.min(header.contentBytes ?? bytes.length * 4, bytes.length * 255, maxBytes)
  let out = Buffer.allocUnsafe(capacity)
  let filled = 0
  let at = header.end
  for (;;) {
    const word = readUInt32(bytes, at)
    at += 4
    if (word === 0) break
    const size = word % UNCOMPRESSED
    const blockChecksum = header.hasBlockChecksums
    if (size > bytes.length - at - (blockChecksum ? 4 : 0)) throw new MalformedError('lz4: block cut short')
    if (size > header.blockBytesMax) throw new MalformedError(`lz4: block of ${size} bytes`)
    if (blockChecksum && xxHash32(bytes, at, at + size) !== readUInt32(bytes, at + size)) {
      throw new MalformedError('lz4: wrong block checksum')
    }
    // What the block may become: 255 bytes for each of its own, and no more than the frame allows.
    const blockMax = word >= UNCOMPRESSED ? size : Math.min(header.blockBytesMax, size * 255)
    const needed = Math.min(filled + blockMax, maxBytes)
    if (needed > capacity) {
      capacity = Math.min(Math.max(needed, capacity * 2), maxBytes)
      const grown = Buffer.allocUnsafe(capacity)
      out.copy(grown, 0, 0, filled)
      out = grown
    }
    if (word >= UNCOMPRESSED) {
      if (size > needed - filled) throw new MalformedError(`lz4: more than ${maxBytes} bytes`)
      bytes.copy(out, filled, at, at + size)
      filled += size
    } else {
      const windowStart = header.isIndependent ? filled : Math.max(filled - LINK_BYTES, 0)
      filled = lz4DecompressBlock(bytes, at, at + size, out, filled, needed, windowStart)
    }
    at += size + (blockChecksum ? 4 : 0)
  }
  if (header.contentBytes !== null && header.contentBytes !== filled)
    throw new MalformedError('lz4: wrong content size')
  if (header.hasContentChecksum && readUInt32(bytes, at) !== xxHash32(out, 0, filled)) {
    throw new MalformedError('lz4: wrong content checksum')
  }
  return out.subarray(0, filled)
}

/** @throws MalformedError */
export function readLz4Header(bytes: Buffer, maxBytes: number, magic: number): Lz4FrameHeader {
  if (readUInt32(bytes, 0) !== FRAME_MAGIC) throw new MalformedError('lz4: not a frame')
  if (bytes.length < 7) throw new MalformedError('lz4: header cut short')
  const flags = bytes[4]!
  const descriptor = bytes[5]!
  if ((flags & VERSION_MASK) !== VERSION || (flags & FLG_RESERVED) !== 0) throw new MalformedError(`lz4: FLG ${flags}`)
  if ((flags & DICTIONARY) !== 0) throw new MalformedError('lz4: dictionaries are not known here')
  const sizeCode = descriptor >>> 4
  if ((descriptor & BD_RESERVED) !== 0 || sizeCode < 4) throw new MalformedError(`lz4: BD ${descriptor}`)
  let at = 6
  let contentBytes: number | null = null
  if ((flags & CONTENT_SIZE) !== 0) {
    if (bytes.length < at + 9) throw new MalformedError('lz4: header cut short')
    const size = readInt64(Buffer.from(bytes.subarray(at, at + 8)).reverse(), 0)
    if (size < 0 || size > maxBytes) throw new MalformedError(`lz4: content of ${size} bytes, ${maxBytes} are allowed`)
    contentBytes = Number(size)
    at += 8
  }
  if (magic !== 0 && bytes[at] !== ((xxHash32(bytes, 4, at) >>> 8) & 0xff)) {
    throw new MalformedError('lz4: wrong header checksum')
  }
  return {
    isIndependent: (flags & INDEPENDENT) !== 0,
    hasBlockChecksums: (flags & BLOCK_CHECKSUM) !== 0,
    hasContentChecksum: (flags & CONTENT_CHECKSUM) !== 0,
    blockBytesMax: 1 << (8 + 2 * sizeCode),
    contentBytes,
    end: at + 1,
  }
}

function readUInt32(bytes: Buffer, at: number): number {
  if (bytes.length - at < 4) throw new MalformedError('lz4: frame cut short')
  return bytes.readUInt32LE(at)
}
