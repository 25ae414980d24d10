/**
 * gzip through node:zlib, whose cap on the output is exact, so a bomb costs no more than `maxBytes`.
 *
 * Readers accept several members one after the other and, as java.util.zip does, ignore what follows a member without
 * being one. Node refuses the latter, so a refused stream is read again member by member.
 */
import { constants, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import { MalformedError } from '../../base/byte-reader.ts'
import { crc32 } from '../crc32c.ts'

/** What zlib takes as a cap at most. */
const OUTPUT_BYTES_MAX = 2 ** 32
/** What a byte of deflate becomes at most. */
const EXPANSION_MAX = 1032
/** zlib asks once more when a piece of its output is full to the last byte. */
const SPARE_BYTES = 64
const HEADER_BYTES = 10
const TRAILER_BYTES = 8
const DEFLATE = 8
const HAS_CRC = 2
const HAS_EXTRA = 4
const HAS_NAME = 8
const HAS_COMMENT = 16

export function gzipCompress(bytes: Buffer, level = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(bytes, { level })
}

export function gzipDecompress(bytes: Buffer, maxBytes: number): Buffer {
  try {
    const out = gunzipSync(bytes, { maxOutputLength: capOf(maxBytes), chunkSize: pieceBytes(bytes, maxBytes) })
    if (out.length > maxBytes) throw new MalformedError(`gzip: more than ${maxBytes} bytes`)
    return out
  } catch (error) {
    if (!isHeaderError(error)) throw malformed(error)
    return readMembers(bytes, maxBytes)
  }
}

function readMembers(bytes: Buffer, maxBytes: number): Buffer {
  const members: Buffer[] = []
  let left = maxBytes
  for (let at = 0; ;) {
    const start = headerEnd(bytes, at)
    if (start === null) {
      if (at === 0) throw new MalformedError('gzip: incorrect header check')
      return Buffer.concat(members)
    }
    const { out, consumed } = inflate(bytes.subarray(start), left)
    const trailer = start + consumed
    if (bytes.length - trailer < TRAILER_BYTES) throw new MalformedError('gzip: unexpected end')
    if (bytes.readUInt32LE(trailer) !== crc32(out) || bytes.readUInt32LE(trailer + 4) !== out.length % 2 ** 32) {
      throw new MalformedError('gzip: incorrect data check')
    }
    members.push(out)
    left -= out.length
    at = trailer + TRAILER_BYTES
  }
}

/** One member's content, and how much of `bytes` it took. */
function inflate(bytes: Buffer, maxBytes: number): { out: Buffer; consumed: number } {
  let result: unknown
  try {
    result = inflateRawSync(bytes, { maxOutputLength: capOf(maxBytes), info: true })
  } catch (error) {
    throw malformed(error)
  }
  if (!isInflated(result)) throw new MalformedError('gzip: not inflated')
  if (result.buffer.length > maxBytes) throw new MalformedError('gzip: more bytes than allowed')
  return { out: result.buffer, consumed: result.engine.bytesWritten }
}

/** With `info`, the declared type of zlib's functions is not what they return. */
function isInflated(result: unknown): result is { buffer: Buffer; engine: { bytesWritten: number } } {
  return typeof result === 'object' && result !== null && 'buffer' in result && 'engine' in result
}

/** Where the member at `at` begins its data; null if no member begins there. */
function headerEnd(bytes: Buffer, at: number): number | null {
  if (bytes.length - at < HEADER_BYTES) return null
  if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b || bytes[at + 2] !== DEFLATE) return null
  const flags = bytes[at + 3]!
  let end = at + HEADER_BYTES
  if ((flags & HAS_EXTRA) !== 0) {
    if (bytes.length - end < 2) return null
    end += 2 + bytes.readUInt16LE(end)
  }
  for (const flag of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & flag) === 0) continue
    const zero = bytes.indexOf(0, end)
    if (zero < 0) return null
    end = zero + 1
  }
  if ((flags & HAS_CRC) !== 0) end += 2
  return end <= bytes.length ? end : null
}

/** Room for the whole output as the trailer tells it, so that it lies in one piece and is not copied together. */
function pieceBytes(bytes: Buffer, maxBytes: number): number {
  const told = bytes.length < TRAILER_BYTES ? 0 : bytes.readUInt32LE(bytes.length - 4)
  return Math.min(told, maxBytes, bytes.length * EXPANSION_MAX) + SPARE_BYTES
}

function capOf(maxBytes: number): number {
  return Math.min(Math.max(maxBytes, 1), OUTPUT_BYTES_MAX)
}

function isHeaderError(error: unknown): boolean {
  return error instanceof Error && error.message === 'incorrect header check'
}

function malformed(error: unknown): MalformedError {
  if (error instanceof MalformedError) return error
  return new MalformedError(`gzip: ${error instanceof Error ? error.message : String(error)}`)
}
