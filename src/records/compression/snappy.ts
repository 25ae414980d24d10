/**
 * Snappy as Kafka uses it: the xerial stream of snappy-java, a header of 16 bytes and then raw blocks with their lengths,
 * each of 32 KiB of input. Some clients send one bare raw block instead; what does not begin with the header is taken so.
 * All declared sizes are added up and checked before anything is allocated.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { snappyBlockBytesMax, snappyCompressBlock, snappyDeclaredBytes, snappyDecompressBlock } from './snappy-block.ts'

const STREAM_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** Magic, version and compatible version. */
const HEADER_BYTES = 16
const BLOCK_BYTES = 32 * 1024

export function snappyCompress(bytes: Buffer): Buffer {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const out = Buffer.allocUnsafe(HEADER_BYTES + blocks * (4 + snappyBlockBytesMax(BLOCK_BYTES)))
  STREAM_MAGIC.copy(out)
  out.writeInt32BE(1, 8)
  out.writeInt32BE(1, 12)
  let at = HEADER_BYTES
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = snappyCompressBlock(bytes, start, Math.min(start + BLOCK_BYTES, bytes.length), out, at + 4)
    out.writeInt32BE(end - at - 4, at)
    at = end
  }
  return Buffer.from(out.subarray(0, at))
}

export function snappyDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (!hasStreamHeader(bytes, 0)) {
    const size = snappyDeclaredBytes(bytes, 0, bytes.length)
    if (size > maxBytes) throw new MalformedError(`snappy: ${size} bytes, ${maxBytes} are allowed`)
    const out = Buffer.allocUnsafe(size)
    snappyDecompressBlock(bytes, 0, bytes.length, out, 0, size)
    return out
  }
  let total = 0
  forEachBlock(bytes, (_start, _end, size) => {
    total += size
    if (total > maxBytes) throw new MalformedError(`snappy: more than ${maxBytes} bytes`)
  })
  const out = Buffer.allocUnsafe(total)
  let filled = 0
  forEachBlock(bytes, (start, end, size) => {
    snappyDecompressBlock(bytes, start, end, out, filled, size)
    filled += size
  })
  return out
}

function forEachBlock(bytes: Buffer, visit: (start: number, end: number, size: number) => void): void {
  let at = HEADER_BYTES
  while (at < bytes.length) {
    // Streams written one after the other keep their headers.
    if (hasStreamHeader(bytes, at)) {
      at += HEADER_BYTES
      continue
    }
    if (bytes.length - at < 4) throw new MalformedError('snappy: block cut short')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0 || length > bytes.length - at) throw new MalformedError(`snappy: block of ${length} bytes`)
    visit(at, at + length, snappyDeclaredBytes(bytes, at, at + length))
    at += length
  }
}

function hasStreamHeader(bytes: Buffer, at: number): boolean {
  return bytes.length - at >= HEADER_BYTES && STREAM_MAGIC.compare(bytes, at, at + STREAM_MAGIC.length) === 0
}
