/**
 * 64-bit integers without loss and without paying for bigint.
 *
 * An `Int64` is a number while it fits in ±(2^53-1), and a bigint beyond; the same value always has the same
 * representation, so `===`, `<` and Map keys work across both. TypeScript refuses arithmetic on it: code that computes
 * first says what should happen beyond 2^53, by `clampInt64` (a value that is only compared: offsets, limits, times
 * in a request) or by keeping it as it came (a value that we store or echo: timestamps, producer ids, metadata).
 */
export type Int64 = number | bigint

const SAFE_MAX = Number.MAX_SAFE_INTEGER
export const INT64_MAX: Int64 = 9223372036854775807n
export const INT64_MIN: Int64 = -9223372036854775808n

/** The canonical form: a number if it is safe, else the bigint itself. */
export function int64(value: number | bigint): Int64 {
  if (typeof value === 'number') return value
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}

/** The nearest value in ±(2^53-1). For values that are only compared. */
export function clampInt64(value: Int64): number {
  if (typeof value === 'number') return value
  return value > 0n ? SAFE_MAX : -SAFE_MAX
}

/** What the largest clamped value stands for: a limit that nobody set, nearly always. */
export function unclampInt64(value: number): Int64 {
  return value >= SAFE_MAX ? INT64_MAX : value <= -SAFE_MAX ? INT64_MIN : value
}

/** Joins two halves: `high` signed, `low` unsigned. */
export function joinInt64(high: number, low: number): Int64 {
  // ±2^21 in the high half is ±2^53; -2^53 itself (high -2^21, low 0) is not safe and stays a bigint.
  if ((high < 0x200000 && high > -0x200000) || (high === -0x200000 && low !== 0)) return high * 0x1_0000_0000 + low
  return (BigInt(high) << 32n) | BigInt(low)
}

export function readInt64(bytes: Buffer, at: number): Int64 {
  return joinInt64(bytes.readInt32BE(at), bytes.readUInt32BE(at + 4))
}

/** Reads an offset, size or time that we ourselves assigned, so that it is safe by construction; clamped if it is not. */
export function readSafeInt64(bytes: Buffer, at: number): number {
  const high = bytes.readInt32BE(at)
  // -2^53 itself (high -2^21, low 0) is not safe.
  if (high < 0x200000 && high >= -0x200000)
    return Math.max(high * 0x1_0000_0000 + bytes.readUInt32BE(at + 4), -SAFE_MAX)
  return high > 0 ? SAFE_MAX : -SAFE_MAX
}

export function writeInt64(bytes: Buffer, at: number, value: Int64): void {
  if (typeof value === 'number') {
    const high = Math.floor(value / 0x1_0000_0000)
    bytes.writeInt32BE(high, at)
    bytes.writeUInt32BE(value - high * 0x1_0000_0000, at + 4)
  } else bytes.writeBigInt64BE(value, at)
}
