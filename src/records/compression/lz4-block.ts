/**
 * LZ4 blocks: sequences of literals and matches up to 64 KiB back. Our own, because no package gives both the frames
 * that Kafka's reader accepts and a cap on what a block may become.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { copyLiteral, copyMatch } from './lz-copy.ts'

const MATCH_BYTES_MIN = 4
/** The format wants the last 5 bytes as literals and no match to begin in the last 12. */
const LAST_LITERALS = 5
const MATCH_LIMIT = 12
const HASH_BITS = 13
const DISTANCE_MAX = 0xffff

/** One table for all calls: positions + 1 relative to the block; a stale entry is caught by comparing the bytes. */
let table: Int32Array | null = null

/** The most that `length` bytes may become when they do not compress. */
export function lz4BlockBytesMax(length: number): number {
  return length + Math.ceil(length / 255) + 16
}

/** Compresses bytes `start` … `end` of `from` into `to` at `toAt`, which has room for the worst case; returns the end. */
export function lz4CompressBlock(from: Buffer, start: number, end: number, to: Buffer, toAt: number): number {
  table ??= new Int32Array(1 << HASH_BITS)
  table.fill(0)
  let anchor = start
  let at = start
  const matchLimit = end - MATCH_LIMIT
  let misses = 1 << 6
  while (at < matchLimit) {
    const sequence = from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24)
    const hash = Math.imul(sequence, 0x9e37_79b1) >>> (32 - HASH_BITS)
    const candidate = table[hash]! - 1 + start
    table[hash] = at - start + 1
    if (
      candidate < start ||
      at - candidate > DISTANCE_MAX ||
      (from[candidate]! | (from[candidate + 1]! << 8) | (from[candidate + 2]! << 16) | (from[candidate + 3]! << 24)) !==
        sequence
    ) {
      at += misses++ >> 6 // steps grow in data that do not compress
      continue
    }
    misses = 1 << 6
    let matchEnd = at + MATCH_BYTES_MIN
    let reference = candidate + MATCH_BYTES_MIN
    const limit = end - LAST_LITERALS
    while (matchEnd < limit && from[matchEnd] === from[reference]) {
      matchEnd++
      reference++
    }
    toAt = writeSequence(from, anchor, at, to, toAt, matchEnd - at - MATCH_BYTES_MIN)
    const distance = at - candidate
    to[toAt++] = distance & 0xff
    to[toAt++] = distance >>> 8
    toAt = writeLength(to, toAt, matchEnd - at - MATCH_BYTES_MIN)
    at = matchEnd
    anchor = at
  }
  return writeSequence(from, anchor, end, to, toAt, 0)
}

/** Token, literal length and literals; the match that follows is written by the caller. */
function writeSequence(from: Buffer, anchor: number, end: number, to: Buffer, toAt: number, matchCode: number): number {
  const literals = end - anchor
  to[toAt++] = (Math.min(literals, 15) << 4) | Math.min(matchCode, 15)
  toAt = writeLength(to, toAt, literals)
  copyLiteral(from, anchor, to, toAt, literals)
  return toAt + literals
}

function writeLength(to: Buffer, toAt: number, length: number): number {
  if (length < 15) return toAt
  let rest = length - 15
  for (; rest >= 255; rest -= 255) to[toAt++] = 255
  to[toAt++] = rest
  return toAt
}

/**
 * Decompresses bytes `start` … `end` of `from` into `to` at `toAt`; returns the end, at most `limit`. Matches may reach
 * back to `windowStart`.
 * @throws MalformedError
 */
export function lz4DecompressBlock(
  from: Buffer,
  start: number,
  end: number,
  to: Buffer,
  toAt: number,
  limit: number,
  windowStart: number,
): number {
  let at = start
  while (at < end) {
    const token = from[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more: number
      do {
        if (at >= end) throw new MalformedError('lz4: block cut short')
        more = from[at++]!
        literals += more
      } while (more === 255)
    }
    if (literals > 0) {
      if (literals > end - at) throw new MalformedError('lz4: literals behind the block')
      if (literals > limit - toAt) throw new MalformedError('lz4: block larger than allowed')
      copyLiteral(from, at, to, toAt, literals)
      at += literals
      toAt += literals
    }
    if (at === end) return toAt
    if (end - at < 2) throw new MalformedError('lz4: block cut short')
    const distance = from[at]! | (from[at + 1]! << 8)
    at += 2
    if (distance === 0 || distance > toAt - windowStart) throw new MalformedError('lz4: match before the data')
    let length = (token & 15) + MATCH_BYTES_MIN
    if (length === 15 + MATCH_BYTES_MIN) {
      let more: number
      do {
        if (at >= end) throw new MalformedError('lz4: block cut short')
        more = from[at++]!
        length += more
      } while (more === 255)
    }
    if (length > limit - toAt) throw new MalformedError('lz4: block larger than allowed')
    copyMatch(to, toAt, distance, length)
    toAt += length
  }
  throw new MalformedError('lz4: block without an end')
}
