/**
 * What changes the files of a log other than appends: truncation, roll on disk, flush, deletion of segments, close.
 * All but `syncBelow` run in the lane, so that no write is under way.
 */
import { clampInt64 } from '../base/int64.ts'
import { together } from './bounded.ts'
import type { LogState } from './log-state.ts'
import type { Segment } from './segment.ts'

/**
 * The log ends at `end` afterwards, or before the batch that holds it (Kafka would leave a hole there); what was assigned
 * but never written goes too.
 * Also the repair after a failed write, with `end` = writtenEnd.
 */
export async function truncateLog(state: LogState, end: number): Promise<void> {
  // A roll may have failed without an append behind it (a repeated batch): then its segment must go nevertheless.
  if (end >= state.assignedEnd && state.writtenEnd === state.assignedEnd && state.active.isCreated) {
    if (state.epochs.truncateFromEnd(end)) await state.writeEpochs()
    return
  }
  if (end < state.segments[0]!.baseOffset) return startAnewAt(state, end)
  // First of all, nobody may see more than will stay.
  const wasFlushed = state.recoveryPoint > end
  state.stableBound = Math.min(state.lastStableOffset, end)
  state.writtenEnd = Math.min(state.writtenEnd, end)
  state.highWatermark = Math.min(state.highWatermark, end)
  state.recoveryPoint = Math.min(state.recoveryPoint, end)
  state.startOffset = Math.min(state.startOffset, end)
  state.tail?.clear()
  state.nextPositions.clear()
  if (wasFlushed) await state.storeRecoveryPoint()
  const kept = state.segments.filter(
    (segment) => segment.baseOffset <= end && (segment.isCreated || segment === state.segments[0]),
  )
  const doomed = state.segments.slice(kept.length)
  state.segments = kept
  await state.discard(doomed.reverse())
  state.cuts++
  const newEnd = await state.active.truncateTo(end)
  // A transaction index without entries is gone.
  state.entriesChanged()
  state.cuts++
  await state.active.loadFirstBatchTimestamp()
  state.assignedEnd = state.writtenEnd = newEnd
  state.highWatermark = Math.min(state.highWatermark, newEnd)
  state.recoveryPoint = Math.min(state.recoveryPoint, newEnd)
  state.startOffset = Math.min(state.startOffset, newEnd)
  if (state.epochs.truncateFromEnd(newEnd)) await state.writeEpochs()
  await state.snapshots.rebuild(state.producers, state.segments, state.startOffset, newEnd, false)
  state.producers.onHighWatermark(state.highWatermark)
  state.stableBound = null
}

/** Drops every record; the next one gets `offset`. */
export async function startAnewAt(state: LogState, offset: number): Promise<void> {
  const wasFlushed = state.recoveryPoint > offset
  state.writtenEnd = state.assignedEnd = state.startOffset = state.highWatermark = state.recoveryPoint = offset
  state.tail?.clear()
  state.nextPositions.clear()
  if (wasFlushed) await state.storeRecoveryPoint()
  const doomed = state.segments
  const segment = state.newSegment(offset)
  state.segments = [segment]
  await state.discard(doomed)
  await createSegment(state, segment)
  if (state.epochs.clear()) await state.writeEpochs()
  for (const snapshot of [...state.snapshots.offsets]) await state.snapshots.remove(snapshot)
  state.producers.clear(offset)
  await state.snapshots.rebuild(state.producers, state.segments, offset, offset, false)
}

export async function createSegment(state: LogState, segment: Segment): Promise<void> {
  const { preallocate, segmentBytes, segmentIndexBytes } = state.config
  await segment.create(preallocate, segmentBytes, segmentIndexBytes)
  state.entriesChanged()
}

/** The files of a segment that takes no more records get their final size. */
export async function finishFiles(state: LogState, segment: Segment): Promise<void> {
  await segment.saveIndexes()
  await segment.trimLog()
  state.finished++
}

/**
 * Everything below `end` survives a power loss afterwards. Index entries of the active segment are left out: whatever is
 * not rolled is indexed anew after a crash.
 */
export async function syncBelow(state: LogState, end: number): Promise<void> {
  for (;;) {
    const { cuts, finished } = state
    // A segment that was flushed to its very end may have got its final size since.
    const from = Math.max(0, state.segmentAt(state.recoveryPoint - 1))
    const segments = state.segments.filter((segment, index) => {
      return index >= from && (segment.baseOffset < end || index === from) && segment.isCreated
    })
    const syncFiles = async (): Promise<void> => {
      for (const segment of segments) if (state.segments.includes(segment)) await segment.syncFiles()
    }
    // Names too: those of these segments, and that those of truncated ones are gone.
    await together(
      syncFiles,
      () => state.syncEntries(),
      () => state.snapshots.syncTaken(),
    )
    // Truncated or finished meanwhile: what was appended in the place of what went, or the indexes, may not be synced.
    if (state.cuts !== cuts || state.finished !== finished) continue
    state.recoveryPoint = Math.max(state.recoveryPoint, Math.min(end, state.writtenEnd))
    return
  }
}

/** How many of the oldest segments retention gives up now; may be all of them. */
export async function countDeletable(state: LogState, nowMs: number): Promise<number> {
  const { config } = state
  const total = state.segments.length
  let count = 0
  const allowed = (index: number): boolean => {
    const segment = state.segments[index]
    if (segment === undefined) return false
    const next = state.segments[index + 1]
    if (next === undefined && segment.assignedBytes === 0) return false
    return state.highWatermark >= (next?.baseOffset ?? state.assignedEnd)
  }
  if (config.delete && config.retentionMs >= 0) {
    while (count < total && allowed(count)) {
      const segment = state.segments[count]
      if (segment === undefined) break
      if (nowMs - clampInt64(await segment.largestTimestamp()) <= config.retentionMs) break
      count++
    }
  }
  let size = 0
  for (const segment of state.segments.slice(count)) size += segment.assignedBytes
  if (config.delete && config.retentionBytes >= 0 && size >= config.retentionBytes) {
    let excess = size - config.retentionBytes
    while (allowed(count) && excess - state.segments[count]!.assignedBytes >= 0) {
      excess -= state.segments[count]!.assignedBytes
      count++
    }
  }
  for (;;) {
    const next = state.segments[count + 1]
    if (next === undefined || next.baseOffset > state.startOffset || !allowed(count)) return count
    count++
  }
}

/** Drops the `count` oldest segments; the log must keep at least one. */
export async function deleteOldest(state: LogState, count: number): Promise<void> {
  const doomed = state.segments.slice(0, count)
  state.segments = state.segments.slice(count)
  state.startOffset = Math.max(state.startOffset, state.segments[0]!.baseOffset)
  await state.discard(doomed)
  if (state.epochs.truncateFromStart(state.startOffset)) await state.writeEpochs()
}

/** Clean close: producer snapshot, last time entries, final sizes, everything synced. */
export async function finishLog(state: LogState): Promise<void> {
  if (state.epochsUnsaved) await state.writeEpochs()
  if (state.isUntouched) return state.snapshots.syncTaken()
  state.producers.endOffset = state.assignedEnd
  await state.snapshots.take(state.producers)
  // Its name: a start after a clean end takes a log without a snapshot for one that no producers wrote to.
  state.entriesChanged()
  const { active } = state
  if (active.isCreated) {
    active.finish()
    await finishFiles(state, active)
  }
  await syncBelow(state, state.writtenEnd)
}
