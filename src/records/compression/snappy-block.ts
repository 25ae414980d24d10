/**
 * Raw Snappy blocks: a varint of the size, then literals and copies. Our own: it is small, it caps exactly, and it is
 * faster than the native packages through their interface.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { copyLiteral, copyMatch } from './lz-copy.ts'

const HASH_BITS = 13
/** A copy element of 3 bytes makes at most 64: nothing honest expands more. */
const EXPANSION_MAX = 22

let table: Int32Array | null = null

export function snappyBlockBytesMax(length: number): number {
  return 32 + length + Math.ceil(length / 6)
}

/** Compresses `start` … `end` (at most 64 KiB) into `to` at `toAt`, which has room for the worst case; returns the end. */
export function snappyCompressBlock(from: Buffer, start: number, end: number, to: Buffer, toAt: number): number {
  for (let rest = end - start; ; rest >>>= 7) {
    if (rest < 0x80) {
      to[toAt++] = rest
      break
    }
    to[toAt++] = (rest & 0x7f) | 0x80
  }
  table ??= new Int32Array(1 << HASH_BITS)
  table.fill(0)
  let anchor = start
  let at = start
  let misses = 1 << 5
  const matchLimit = end - 4
  while (at <= matchLimit) {
    const sequence = from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24)
    const hash = Math.imul(sequence, 0x1e35_a7bd) >>> (32 - HASH_BITS)
    const candidate = table[hash]! - 1 + start
    table[hash] = at - start + 1
    if (
      candidate < start ||
      (from[candidate]! | (from[candidate + 1]! << 8) | (from[candidate + 2]! << 16) | (from[candidate + 3]! << 24)) !==
        sequence
    ) {
      at += misses++ >> 5
      continue
    }
    misses = 1 << 5
    let matchEnd = at + 4
    let reference = candidate + 4
    while (matchEnd < end && from[matchEnd] === from[reference]) {
      matchEnd++
      reference++
    }
    toAt = writeLiteral(from, anchor, at, to, toAt)
    toAt = writeCopy(to, toAt, at - candidate, matchEnd - at)
    at = matchEnd
    anchor = at
  }
  return writeLiteral(from, anchor, end, to, toAt)
}

function writeLiteral(from: Buffer, start: number, end: number, to: Buffer, toAt: number): number {
  const length = end - start
  if (length === 0) return toAt
  const code = length - 1
  if (code < 60) to[toAt++] = code << 2
  else if (code < 0x100) {
    to[toAt++] = 60 << 2
    to[toAt++] = code
  } else {
    to[toAt++] = 61 << 2
    to[toAt++] = code & 0xff
    to[toAt++] = code >>> 8
  }
  copyLiteral(from, start, to, toAt, length)
  return toAt + length
}

function writeCopy(to: Buffer, toAt: number, distance: number, length: number): number {
  // Never leave a rest of less than 4: the short form below begins there.
  for (; length >= 68; length -= 64) toAt = writeCopy2(to, toAt, distance, 64)
  if (length > 64) {
    toAt = writeCopy2(to, toAt, distance, 60)
    length -= 60
  }
  if (length >= 12 || distance >= 2048) return writeCopy2(to, toAt, distance, length)
  to[toAt++] = 1 | ((length - 4) << 2) | ((distance >>> 8) << 5)
  to[toAt++] = distance & 0xff
  return toAt
}

function writeCopy2(to: Buffer, toAt: number, distance: number, length: number): number {
  to[toAt++] = 2 | ((length - 1) << 2)
  to[toAt++] = distance & 0xff
  to[toAt++] = distance >>> 8
  return toAt
}

/** The size that a block declares. @throws MalformedError if its bytes could not become so many. */
export function snappyDeclaredBytes(from: Buffer, start: number, end: number): number {
  let size = 0
  let at = start
  for (let factor = 1; ; factor *= 128) {
    if (at >= end || factor > 2 ** 28) throw new MalformedError('snappy: no size')
    const byte = from[at++]!
    size += (byte & 0x7f) * factor
    if (byte < 0x80) break
  }
  if (size > (end - at) * EXPANSION_MAX) throw new MalformedError(`snappy: ${end - at} bytes declare ${size}`)
  return size
}

/** Decompresses the block `start` … `end` into `to` at `toAt`, where `size` bytes (what it declares) are free. */
export function snappyDecompressBlock(
  from: Buffer,
  start: number,
  end: number,
  to: Buffer,
  toAt: number,
  size: number,
): void {
  let at = start
  while (from[at++]! >= 0x80); // the size
  const base = toAt
  const limit = toAt + size
  while (at < end) {
    const tag = from[at++]!
    const kind = tag & 3
    let length: number
    if (kind === 0) {
      length = (tag >>> 2) + 1
      if (length > 60) {
        const lengthBytes = length - 60
        if (end - at < lengthBytes) throw new MalformedError('snappy: block cut short')
        length = from.readUIntLE(at, lengthBytes) + 1
        at += lengthBytes
      }
      if (length > end - at || length > limit - toAt) throw new MalformedError('snappy: literal out of bounds')
      copyLiteral(from, at, to, toAt, length)
      at += length
      toAt += length
      continue
    }
    let distance: number
    if (kind === 1) {
      if (at >= end) throw new MalformedError('snappy: block cut short')
      length = ((tag >>> 2) & 7) + 4
      distance = ((tag >>> 5) << 8) | from[at++]!
    } else if (kind === 2) {
      if (end - at < 2) throw new MalformedError('snappy: block cut short')
      length = (tag >>> 2) + 1
      distance = from[at]! | (from[at + 1]! << 8)
      at += 2
    } else {
      if (end - at < 4) throw new MalformedError('snappy: block cut short')
      length = (tag >>> 2) + 1
      distance = from.readUInt32LE(at)
      at += 4
    }
    if (distance === 0 || distance > toAt - base || length > limit - toAt) {
      throw new MalformedError('snappy: copy out of bounds')
    }
    copyMatch(to, toAt, distance, length)
    toAt += length
  }
  if (toAt !== limit) throw new MalformedError('snappy: block smaller than declared')
}
