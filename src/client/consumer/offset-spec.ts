/**
 * Offsets that a broker is asked for: ends of a log, or the first record at or behind a time; and what a consumer does
 * where nothing is committed (auto.offset.reset, KIP-1106).
 */
import { ClientError } from '../errors.ts'

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestampMs: number }

/** `none` fails with NO_OFFSET; `byDurationMs` begins that long before now. */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { readonly byDurationMs: number }

const LATEST_TIMESTAMP = -1
const EARLIEST_TIMESTAMP = -2

/** As ListOffsets takes it. */
export function timestampOf(spec: OffsetSpec): number {
  if (spec === 'latest') return LATEST_TIMESTAMP
  return spec === 'earliest' ? EARLIEST_TIMESTAMP : spec.timestampMs
}

/** Null for `none`. */
export function specOf(reset: OffsetReset, wallMs: number): OffsetSpec | null {
  if (reset === 'none') return null
  if (typeof reset === 'string') return reset
  return { timestampMs: Math.max(0, Math.floor(wallMs - reset.byDurationMs)) }
}

/** @throws ClientError INVALID_ARGUMENT. */
export function checkReset(reset: OffsetReset): OffsetReset {
  if (reset === 'earliest' || reset === 'latest' || reset === 'none') return reset
  if (typeof reset === 'object' && Number.isFinite(reset.byDurationMs) && reset.byDurationMs >= 0) return reset
  throw new ClientError(
    'INVALID_ARGUMENT',
    `offsetReset must be 'earliest', 'latest', 'none' or { byDurationMs: 0 or more }, and is ${JSON.stringify(reset)}.`,
  )
}
