/**
 * When the active segment is full and another one takes its place.
 *
 * A roll happens in memory at once, so that the append behind it goes to the new segment, and on disk in the lane: the old
 * segment's files get their final size, then the new one's are made, then the producers' snapshot with its number.
 */
import { clampInt64, type Int64 } from '../base/int64.ts'
import type { LogFlusher } from './log-flusher.ts'
import type { LogState } from './log-state.ts'
import { RELATIVE_OFFSET_MAX } from './segment.ts'
import type { WriteLane } from './write-lane.ts'

export class LogRoller {
  readonly #state: LogState
  readonly #lane: WriteLane
  readonly #flusher: LogFlusher

  constructor(state: LogState, lane: WriteLane, flusher: LogFlusher) {
    this.#state = state
    this.#lane = lane
    this.#flusher = flusher
  }

  /** Before `bytes` up to `lastOffset`: by size, by the records' time, by full indexes, by distance of offsets. */
  isDue(bytes: number, lastOffset: number, timestamp: Int64): boolean {
    const { config, segments, world } = this.#state
    const { active } = segments
    if (active.assignedBytes > config.segmentBytes - bytes) return true
    if (lastOffset - active.baseOffset > RELATIVE_OFFSET_MAX) return true
    if (active.assignedBytes === 0) return false
    if (active.offsetIndex.isFull(config.segmentIndexBytes) || active.timeIndex.isFull(config.segmentIndexBytes))
      return true
    const segmentMs = config.compact ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs
    const first = active.firstBatchTimestamp
    const ageMs =
      first !== null && first >= 0 ? clampInt64(timestamp) - clampInt64(first) : world.clock.wallMs() - active.createdMs
    return ageMs > segmentMs - active.jitterMs
  }

  /** Not if the active segment begins at `newBase` itself. */
  roll(newBase: number): void {
    const state = this.#state
    const old = state.segments.active
    if (newBase <= old.baseOffset) return
    old.finish()
    state.producers.endOffset = newBase
    const snapshot = state.snapshots.prepare(state.producers)
    const segment = state.newSegment(newBase)
    state.segments.add(segment)
    this.#lane.before(async () => {
      await state.finishFiles(old)
      // A start trusts the files below the recovery point: they must not be overtaken by it.
      if (state.offsets.recoveryPoint >= newBase && !old.isGone) await old.syncFiles()
      await state.createFiles(segment)
      if (snapshot !== null) await state.snapshots.write(snapshot, false)
      this.#flusher.flushBehind(newBase)
    })
  }
}
