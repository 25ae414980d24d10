/**
 * Flushes of one log: what is written becomes durable, and the recovery point follows.
 *
 * Flushes run beside the lane, while appends go on. One that fails is not tried again: what a failed sync left on the disk
 * nobody knows, so the log goes offline.
 */
import type { Clock } from '../world/world.ts'
import { together } from './bounded.ts'
import type { LogGate } from './log-gate.ts'
import type { LogReader } from './log-reader.ts'
import type { LogState } from './log-state.ts'
import { storageError } from './write-lane.ts'

export class LogFlusher {
  readonly #state: LogState
  readonly #gate: LogGate
  readonly #reader: LogReader
  readonly #clock: Clock
  #flushing: Promise<number> | null = null
  #lastFlushMs: number

  constructor(state: LogState, gate: LogGate, reader: LogReader) {
    this.#state = state
    this.#gate = gate
    this.#reader = reader
    this.#clock = state.world.clock
    this.#lastFlushMs = this.#clock.monotonicMs()
  }

  /** Clock.monotonicMs of the last flush. */
  get lastFlushMs(): number {
    return this.#lastFlushMs
  }

  /** Resolves to the recovery point when what is written now is durable. */
  async flush(): Promise<number> {
    while (this.#flushing !== null) await this.#flushing
    const { offsets } = this.#state
    if (offsets.recoveryPoint >= offsets.writtenEnd || this.#gate.isClosed) return offsets.recoveryPoint
    this.#flushing = this.flushNow().finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }

  /** As `flush`, beside one that may be under way. */
  async flushNow(): Promise<number> {
    const { offsets } = this.#state
    try {
      await this.#reader.guard(() => syncBelow(this.#state, offsets.writtenEnd))
    } catch (error) {
      this.#gate.fail(error)
      throw storageError(error)
    }
    this.#lastFlushMs = this.#clock.monotonicMs()
    return offsets.recoveryPoint
  }

  /** A segment was rolled: what is below `end` becomes durable while appends go on. */
  flushBehind(end: number): void {
    const { snapshots } = this.#state
    void this.#reader.guard(async () => {
      try {
        if (snapshots.offsets.includes(end)) await snapshots.sync(end)
        await syncBelow(this.#state, end)
      } catch (error) {
        this.#gate.fail(error)
      }
    })
  }
}

/**
 * Everything below `end` survives a power loss afterwards. Index entries of the active segment are left out: whatever is
 * not rolled is indexed anew after a crash.
 */
async function syncBelow(state: LogState, end: number): Promise<void> {
  const { segments, offsets } = state
  for (;;) {
    const { cuts, finished } = segments
    // A segment that was flushed to its very end may have got its final size since.
    const from = Math.max(0, segments.indexFor(offsets.recoveryPoint - 1))
    const due = segments.all.filter((segment, index) => {
      return index >= from && (segment.baseOffset < end || index === from) && segment.isCreated
    })
    const syncFiles = async (): Promise<void> => {
      for (const segment of due) if (segments.all.includes(segment)) await segment.syncFiles()
    }
    // Names too: those of these segments, and that those of truncated ones are gone.
    await together(
      syncFiles,
      () => state.entries.sync(),
      () => state.snapshots.syncTaken(),
    )
    // Truncated or finished meanwhile: what was appended in the place of what went, or the indexes, may not be synced.
    if (segments.cuts !== cuts || segments.finished !== finished) continue
    offsets.flushedTo(end)
    return
  }
}

/** Clean close, in the lane: producer snapshot, last time entries, final sizes, everything synced. */
export async function finishLog(state: LogState): Promise<void> {
  const { producers, snapshots, offsets } = state
  if (state.epochFile.isBehind) await state.epochFile.write()
  if (state.isUntouched) return snapshots.syncTaken()
  producers.endOffset = offsets.assignedEnd
  await snapshots.take(producers)
  // Its name: a start after a clean end takes a log without a snapshot for one that no producers wrote to.
  state.entries.changed()
  const { active } = state.segments
  if (active.isCreated) {
    active.finish()
    await state.finishFiles(active)
  }
  await syncBelow(state, offsets.writtenEnd)
}
