/**
 * Truncation of one log, always in the lane, so that no write is under way: to an end that a follower found by epochs, to
 * what was written after a write that failed, or to nothing at all.
 */
import type { LogState } from './log-state.ts'

/**
 * The log ends at `end` afterwards, or before the batch that holds it (Kafka would leave a hole there); what was assigned
 * but never written goes too.
 */
export async function truncateLog(state: LogState, end: number): Promise<void> {
  const { offsets, segments, epochs, epochFile } = state
  // A roll may have failed without an append behind it (a repeated batch): then its segment must go nevertheless.
  if (end >= offsets.assignedEnd && offsets.writtenEnd === offsets.assignedEnd && segments.active.isCreated) {
    if (epochs.truncateFromEnd(end)) await epochFile.writeCut()
    return
  }
  if (end < segments.first.baseOffset) return startAnewAt(state, end)
  // First of all, nobody may see more than will stay.
  const wasFlushed = offsets.beginCut(end)
  state.tail?.clear()
  if (wasFlushed) await state.storeRecoveryPoint()
  await state.discard(segments.takeAbove(end))
  segments.countCut()
  const newEnd = await segments.active.truncateTo(end)
  // A transaction index without entries is gone.
  state.entries.changed()
  segments.countCut()
  await segments.active.loadFirstBatchTimestamp()
  offsets.cutAt(newEnd)
  if (epochs.truncateFromEnd(newEnd)) await epochFile.writeCut()
  await state.snapshots.rebuild(state.producers, segments.all, offsets.start, newEnd, false)
  offsets.endCut()
}

/** Drops every record; the next one gets `offset`. */
export async function startAnewAt(state: LogState, offset: number): Promise<void> {
  const { offsets, segments, snapshots, producers } = state
  const wasFlushed = offsets.startAnewAt(offset)
  state.tail?.clear()
  if (wasFlushed) await state.storeRecoveryPoint()
  const segment = state.newSegment(offset)
  await state.discard(segments.startAnewWith(segment))
  await state.createFiles(segment)
  if (state.epochs.clear()) await state.epochFile.writeCut()
  for (const snapshot of [...snapshots.offsets]) await snapshots.remove(snapshot)
  producers.clear(offset)
  await snapshots.rebuild(producers, segments.all, offset, offset, false)
}
