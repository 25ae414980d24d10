/**
 * Lookups by time in one log: the first offset of a timestamp, the largest timestamp.
 */
import type { Int64 } from '../base/int64.ts'
import { leaderEpoch, magic } from '../records/batch.ts'
import { entryLastOffset, entryMaxTimestamp } from '../records/batches.ts'
import { readRecords } from '../records/record-reader.ts'
import { scanFile, type EntryVisitor } from './file-scan.ts'
import type { LogState } from './log-state.ts'
import type { TimestampedOffset } from './log-surface.ts'
import type { Segment } from './segment.ts'

/** The first record below `limitOffset` and not below the log start with a timestamp of at least `timestamp`. */
export async function findOffsetForTimestamp(
  state: LogState,
  timestamp: Int64,
  limitOffset: number,
): Promise<TimestampedOffset | null> {
  for (const segment of [...state.segments.all]) {
    if ((await segment.largestTimestamp()) < timestamp) continue
    const indexed = await segment.inTimeIndex((index) => index.lookup(timestamp))
    const from = Math.max(indexed, state.offsets.start)
    const position = await segment.positionFor(from)
    state.segments.usedIndex(segment)
    const found = await firstRecord(
      segment,
      position,
      (bytes, at) => entryMaxTimestamp(bytes, at) >= timestamp && entryLastOffset(bytes, at) >= state.offsets.start,
      (record) => record.timestamp >= timestamp && record.offset >= state.offsets.start,
    )
    // A segment can seem to have the time and not have it: the record was deleted, or none has a time and the file is young.
    if (found !== null) return found.offset < Math.min(limitOffset, state.offsets.writtenEnd) ? found : null
  }
  return null
}

/**
 * ListOffsets MAX_TIMESTAMP: over all segments, the log start included or not. Of records without timestamps it is the
 * first one, but for messages of magic 0, which have no place for one; null when there is none.
 */
export async function findMaxTimestamp(state: LogState): Promise<TimestampedOffset | null> {
  let best: Segment | null = null
  for (const segment of [...state.segments.all]) {
    await segment.loadTimes()
    if (best === null || segment.maxTimestamp > best.maxTimestamp) best = segment
  }
  if (best === null) return null
  const timestamp = best.maxTimestamp
  const position = await best.positionFor(best.offsetOfMaxTimestamp)
  state.segments.usedIndex(best)
  return firstRecord(
    best,
    position,
    (bytes, at) => magic(bytes, at) > 0 && entryMaxTimestamp(bytes, at) === timestamp,
    (record) => record.timestamp === timestamp,
  )
}

async function firstRecord(
  segment: Segment,
  position: number,
  inBatch: (bytes: Buffer, at: number) => boolean,
  inRecord: (record: { readonly offset: number; readonly timestamp: Int64 }) => boolean,
): Promise<TimestampedOffset | null> {
  let found: TimestampedOffset | null = null
  const visit: EntryVisitor = (bytes, at) => {
    if (!inBatch(bytes, at)) return true
    const record = readRecords(bytes, at).find(inRecord)
    if (record === undefined) return true
    found = {
      offset: record.offset,
      timestamp: record.timestamp,
      epoch: magic(bytes, at) >= 2 ? leaderEpoch(bytes, at) : -1,
    }
    return false
  }
  await segment.use((file) => scanFile(file, position, segment.writtenBytes, true, visit))
  return found
}
