/**
 * CRC-32C (record batches of magic 2) and CRC-32 (messages of magic 0 and 1, producer snapshots use 32C).
 *
 * The CPU's own instruction comes through @node-rs/crc32. Below some hundred bytes the call into it costs more than the
 * sum itself, so short ranges, and machines for which that package has no binary, use sixteen tables at once (2 GB/s).
 * Results are unsigned. Measured by bench/records.bench.ts.
 */
import { createRequire } from 'node:module'

type NativeCrc = (input: Buffer, initial?: number) => number

const NATIVE_BYTES_MIN = 512
const TABLES = 16

const POLYNOMIAL_32 = 0xedb8_8320
const POLYNOMIAL_32C = 0x82f6_3b78

let tables32: Int32Array | null = null
let tables32c: Int32Array | null = null
let native: { readonly crc32: NativeCrc; readonly crc32c: NativeCrc } | null | undefined

/** Of bytes `start` … `end`; `initial` is the result over what came before. */
export function crc32c(bytes: Buffer, start = 0, end = bytes.length, initial = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) {
    if (native === undefined) native = loadNative()
    if (native !== null) return native.crc32c(bytes.subarray(start, end), initial)
  }
  return sliced((tables32c ??= makeTables(POLYNOMIAL_32C)), bytes, start, end, initial)
}

/** The zlib checksum. */
export function crc32(bytes: Buffer, start = 0, end = bytes.length, initial = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) {
    if (native === undefined) native = loadNative()
    if (native !== null) return native.crc32(bytes.subarray(start, end), initial)
  }
  return sliced((tables32 ??= makeTables(POLYNOMIAL_32)), bytes, start, end, initial)
}

/** The same sum without the native code: what machines without it use, and what tests compare with. */
export function crc32cOfTables(bytes: Buffer, start = 0, end = bytes.length, initial = 0): number {
  return sliced((tables32c ??= makeTables(POLYNOMIAL_32C)), bytes, start, end, initial)
}

/** The same sum without the native code. */
export function crc32OfTables(bytes: Buffer, start = 0, end = bytes.length, initial = 0): number {
  return sliced((tables32 ??= makeTables(POLYNOMIAL_32)), bytes, start, end, initial)
}

function loadNative(): { crc32: NativeCrc; crc32c: NativeCrc } | null {
  try {
    const loaded: unknown = createRequire(import.meta.url)('@node-rs/crc32')
    return isNative(loaded) ? loaded : null
  } catch {
    return null // no binary for this platform
  }
}

function isNative(loaded: unknown): loaded is { crc32: NativeCrc; crc32c: NativeCrc } {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'crc32' in loaded &&
    typeof loaded.crc32 === 'function' &&
    'crc32c' in loaded &&
    typeof loaded.crc32c === 'function'
  )
}

/** Table k (256 entries from k * 256) carries a byte over k further bytes. */
function makeTables(polynomial: number): Int32Array {
  const tables = new Int32Array(TABLES * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ polynomial : value >>> 1
    tables[byte] = value
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!
  }
  return tables
}

function sliced(t: Int32Array, bytes: Buffer, start: number, end: number, initial: number): number {
  let c = ~initial
  let at = start
  for (; at + 16 <= end; at += 16) {
    c ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    c =
      t[3840 + (c & 0xff)]! ^
      t[3584 + ((c >>> 8) & 0xff)]! ^
      t[3328 + ((c >>> 16) & 0xff)]! ^
      t[3072 + (c >>> 24)]! ^
      t[2816 + bytes[at + 4]!]! ^
      t[2560 + bytes[at + 5]!]! ^
      t[2304 + bytes[at + 6]!]! ^
      t[2048 + bytes[at + 7]!]! ^
      t[1792 + bytes[at + 8]!]! ^
      t[1536 + bytes[at + 9]!]! ^
      t[1280 + bytes[at + 10]!]! ^
      t[1024 + bytes[at + 11]!]! ^
      t[768 + bytes[at + 12]!]! ^
      t[512 + bytes[at + 13]!]! ^
      t[256 + bytes[at + 14]!]! ^
      t[bytes[at + 15]!]!
  }
  for (; at < end; at++) c = (c >>> 8) ^ t[(c ^ bytes[at]!) & 0xff]!
  return ~c >>> 0
}
