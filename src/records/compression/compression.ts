/**
 * The codecs by name. Everything is synchronous and bounded: `decompress` never produces, nor allocates, more than
 * `maxBytes` whatever the input declares, and any input that is not a stream of its codec throws `DecompressionError`.
 * Implementations are loaded on first use, so that a broker which meets no compressed batch does not pay for them.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { unreachable } from '../../base/errors.ts'
import type { Codec } from '../batch.ts'
import { gzipCompress, gzipDecompress } from './gzip.ts'
import { lz4DecompressOnce } from './lz4-fast.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'
import { zstdCompress, zstdDecompress } from './zstd.ts'

/** What one batch may become: more than a request may hold (socket.request.max.bytes), far less than a bomb. */
export const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024
/** What a producer's batch may become however small it came: sixteen times what a message may hold by default. */
export const PRODUCED_BYTES_MIN = 16 * 1024 * 1024
/** What a byte of a producer's batch may become beyond that; bombs reach 1,000 with gzip and more with zstd. */
export const PRODUCED_BYTES_PER_BYTE = 64

/** What a leader decompresses of a batch that came with `bytes`, while everybody else waits. */
export function producedBytesMax(bytes: number): number {
  return Math.min(DECOMPRESSED_BYTES_MAX, Math.max(PRODUCED_BYTES_MIN, bytes * PRODUCED_BYTES_PER_BYTE))
}

/**
 * @param level of the codec; its default when left out
 * @param magic of the entry that will hold the result: LZ4 frames of magic 0 carry a wrong header checksum
 */
export function compress(codec: Codec, bytes: Buffer, level?: number, magic = 2): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipCompress(bytes, level)
    case 'snappy':
      return snappyCompress(bytes)
    case 'lz4':
      return lz4Compress(bytes, magic)
    case 'zstd':
      return zstdCompress(bytes, level)
    default:
      return unreachable(codec)
  }
}

/** A stream that is not its codec's, or one that becomes too large; broken records inside it are not meant. */
export class DecompressionError extends MalformedError {
  constructor(detail: string) {
    super(detail)
    this.name = 'DecompressionError'
  }
}

/** @throws DecompressionError for a broken stream or one that would become larger than `maxBytes`. */
export function decompress(codec: Codec, bytes: Buffer, maxBytes = DECOMPRESSED_BYTES_MAX, magic = 2): Buffer {
  try {
    return decompressed(codec, bytes, maxBytes, magic)
  } catch (error) {
    if (error instanceof MalformedError) throw new DecompressionError(error.message)
    throw error
  }
}

/** Like `decompress`, for one look: the result may be overwritten by the next call. */
export function decompressOnce(codec: Codec, bytes: Buffer, maxBytes = DECOMPRESSED_BYTES_MAX): Buffer {
  if (codec !== 'lz4') return decompress(codec, bytes, maxBytes)
  try {
    const once = lz4DecompressOnce(bytes, maxBytes)
    if (once !== null) return once
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  return decompress(codec, bytes, maxBytes)
}

function decompressed(codec: Codec, bytes: Buffer, maxBytes: number, magic: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipDecompress(bytes, maxBytes)
    case 'snappy':
      return snappyDecompress(bytes, maxBytes)
    case 'lz4':
      return lz4Decompress(bytes, maxBytes, magic)
    case 'zstd':
      return zstdDecompress(bytes, maxBytes)
    default:
      return unreachable(codec)
  }
}
