/**
 * Which batches of some bytes a reader gets: whole ones from the one that holds its offset on (records below it come along),
 * so that nobody gets half a batch to throw away.
 */
import { BATCH_HEADER_BYTES, ENTRY_PREFIX_BYTES, entryBytes, magic } from '../records/batch.ts'
import { entryLastOffset } from '../records/batches.ts'

export type Cut =
  | { readonly kind: 'found'; readonly from: number; readonly to: number; readonly nextOffset: number }
  /** The first batch may not be given: past the limit, or larger than asked for. */
  | { readonly kind: 'limit' }
  /** Nothing whole yet: read on at `at`, at least `needed` bytes. */
  | { readonly kind: 'more'; readonly at: number; readonly needed: number }

/** The run of whole batches from the one holding `fromOffset` on, below `limit`, up to `maxBytes`. */
export function cutBatches(
  bytes: Buffer,
  length: number,
  fromOffset: number,
  limit: number,
  maxBytes: number,
  minOneBatch: boolean,
): Cut {
  let at = 0
  let start = -1
  let nextOffset = fromOffset
  while (length - at >= ENTRY_PREFIX_BYTES) {
    const size = entryBytes(bytes, at)
    if (size < ENTRY_PREFIX_BYTES) break
    if (magic(bytes, at) >= 2 && length - at < BATCH_HEADER_BYTES) break
    const lastOffset = entryLastOffset(bytes, at)
    if (start < 0 && lastOffset < fromOffset) {
      at += size
      continue
    }
    if (lastOffset >= limit) return start < 0 ? { kind: 'limit' } : { kind: 'found', from: start, to: at, nextOffset }
    if (start < 0 && size > maxBytes && !minOneBatch) return { kind: 'limit' }
    if (start >= 0 && at + size - start > maxBytes) break
    if (at + size > length) {
      if (start < 0) return { kind: 'more', at, needed: size }
      break
    }
    if (start < 0) start = at
    nextOffset = lastOffset + 1
    at += size
  }
  // A batch below `fromOffset` may reach past what was read: what comes next begins behind it, not at the end of the read.
  if (start < 0) return { kind: 'more', at, needed: ENTRY_PREFIX_BYTES }
  return { kind: 'found', from: start, to: at, nextOffset }
}
