/**
 * One pass over the records of a produced batch (magic 2) that makes no object: their bounds, keys, offsets and the range
 * of their times. This is what the leader pays for every record it accepts, so it knows the common encodings only.
 *
 * `false` means "not sure": a varint longer than usual, or something broken. The caller then reads with `RecordCursor`,
 * which knows everything and says what is wrong. Reads past a record's end are harmless: `at` only grows, so a record
 * that was read past its end can never end where it should. Measured by bench/records.bench.ts.
 */

/** Filled by `walkRecords`; reused, so read it before the next call. */
export interface RecordWalk {
  minTimestampDelta: number
  maxTimestampDelta: number
  firstTimestampDelta: number
  /** Offsets run 0, 1, 2 … */
  sequential: boolean
  hasNullKey: boolean
}

export function newRecordWalk(): RecordWalk {
  return { minTimestampDelta: 0, maxTimestampDelta: 0, firstTimestampDelta: 0, sequential: true, hasNullKey: false }
}

export function walkRecords(bytes: Buffer, start: number, end: number, count: number, walk: RecordWalk): boolean {
  let at = start
  let min = Infinity
  let max = -Infinity
  let sequential = true
  let hasNullKey = false
  let first = 0
  for (let index = 0; index < count; index++) {
    if (at >= end) return false
    // Length.
    let byte = bytes[at++]!
    let raw = byte & 0x7f
    if (byte >= 0x80) {
      byte = bytes[at++]!
      raw |= (byte & 0x7f) << 7
      if (byte >= 0x80) {
        byte = bytes[at++]!
        raw |= (byte & 0x7f) << 14
        if (byte >= 0x80) {
          byte = bytes[at++]!
          raw |= (byte & 0x7f) << 21
          if (byte >= 0x80) return false
        }
      }
    }
    if ((raw & 1) !== 0) return false
    const recordEnd = at + (raw >>> 1)
    if (recordEnd > end) return false
    at++ // attributes

    // Timestamp delta.
    byte = bytes[at++]!
    let delta = byte & 0x7f
    if (byte >= 0x80) {
      for (let factor = 128; byte >= 0x80; factor *= 128) {
        if (factor > 2 ** 42) return false
        byte = bytes[at++]!
        delta += (byte & 0x7f) * factor
      }
    }
    delta = delta % 2 === 0 ? delta / 2 : -(delta + 1) / 2
    if (delta < min) min = delta
    if (delta > max) max = delta
    if (index === 0) first = delta

    // Offset delta.
    byte = bytes[at++]!
    raw = byte & 0x7f
    if (byte >= 0x80) {
      byte = bytes[at++]!
      raw |= (byte & 0x7f) << 7
      if (byte >= 0x80) {
        byte = bytes[at++]!
        raw |= (byte & 0x7f) << 14
        if (byte >= 0x80) {
          byte = bytes[at++]!
          raw |= (byte & 0x7f) << 21
          if (byte >= 0x80) return false
        }
      }
    }
    if (raw !== index * 2) sequential = false

    // Key, then value.
    byte = bytes[at++]!
    raw = byte & 0x7f
    if (byte >= 0x80) {
      byte = bytes[at++]!
      raw |= (byte & 0x7f) << 7
      if (byte >= 0x80) {
        byte = bytes[at++]!
        raw |= (byte & 0x7f) << 14
        if (byte >= 0x80) {
          byte = bytes[at++]!
          raw |= (byte & 0x7f) << 21
          if (byte >= 0x80) return false
        }
      }
    }
    if ((raw & 1) !== 0) hasNullKey = true
    else at += raw >>> 1
    byte = bytes[at++]!
    raw = byte & 0x7f
    if (byte >= 0x80) {
      byte = bytes[at++]!
      raw |= (byte & 0x7f) << 7
      if (byte >= 0x80) {
        byte = bytes[at++]!
        raw |= (byte & 0x7f) << 14
        if (byte >= 0x80) {
          byte = bytes[at++]!
          raw |= (byte & 0x7f) << 21
          if (byte >= 0x80) return false
        }
      }
    }
    if ((raw & 1) === 0) at += raw >>> 1

    // Headers.
    if (at >= recordEnd) return false
    byte = bytes[at++]!
    if (byte !== 0) {
      if (byte >= 0x80 || (byte & 1) !== 0) return false
      at = skipHeaders(bytes, at, recordEnd, byte >>> 1)
    }
    if (at !== recordEnd) return false
  }
  walk.minTimestampDelta = min
  walk.maxTimestampDelta = max
  walk.firstTimestampDelta = first
  walk.sequential = sequential
  walk.hasNullKey = hasNullKey
  return at === end
}

/** One past `count` headers, or -1. */
function skipHeaders(bytes: Buffer, at: number, end: number, count: number): number {
  for (let field = 0; field < count * 2; field++) {
    if (at >= end) return -1
    let byte = bytes[at++]!
    let raw = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 21 || at >= end) return -1
      byte = bytes[at++]!
      raw |= (byte & 0x7f) << shift
    }
    if ((raw & 1) === 0) at += raw >>> 1
    else if ((field & 1) === 0) return -1 // a header's key is never null
  }
  return at
}
