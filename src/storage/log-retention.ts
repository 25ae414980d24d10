/**
 * Retention of one log: its oldest segments go when they are too old, when the log is too large, or when they lie below the
 * log start. Nothing goes that is not below the high watermark.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import type { LogGate } from './log-gate.ts'
import type { LogReader } from './log-reader.ts'
import type { LogRoller } from './log-roller.ts'
import type { LogState } from './log-state.ts'

export class LogRetention {
  readonly #state: LogState
  readonly #gate: LogGate
  readonly #reader: LogReader
  readonly #roller: LogRoller

  constructor(state: LogState, gate: LogGate, reader: LogReader, roller: LogRoller) {
    this.#state = state
    this.#gate = gate
    this.#reader = reader
    this.#roller = roller
  }

  /** Resolves to the number of segments that went. */
  async deleteOldSegments(nowMs: number): Promise<number> {
    const { segments, offsets } = this.#state
    const found = await this.#reader.guard(() => countDeletable(this.#state, nowMs))
    if (found === 0 || this.#gate.refusal !== null) return 0
    // The active one too: another takes its place first, as at any roll, and appends go on there.
    if (found === segments.all.length) this.#roller.roll(offsets.assignedEnd)
    return this.#gate.inOrder(async () => {
      const count = Math.min(await countDeletable(this.#state, nowMs), segments.all.length - 1)
      if (count > 0) await deleteOldest(this.#state, count)
      return count
    })
  }

  /** Moves the log start; files go with the next retention. @throws KafkaError OFFSET_OUT_OF_RANGE. */
  deleteRecordsBefore(offset: number, name: string): void {
    const { offsets, epochs, epochFile } = this.#state
    if (offset < 0 || offset > offsets.highWatermark) {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `Cannot increment the log start offset to ${offset} of partition ${name} since it is larger than the high watermark ${offsets.highWatermark}`,
      )
    }
    if (!offsets.raiseStart(offset)) return
    if (!epochs.truncateFromStart(offset) || this.#gate.isClosed) return
    this.#gate.lane.task(() => epochFile.write()).catch((error: unknown) => this.#gate.fail(error))
  }
}

/** How many of the oldest segments retention gives up now; may be all of them. */
async function countDeletable({ config, segments, offsets }: LogState, nowMs: number): Promise<number> {
  let count = 0
  const allowed = (index: number): boolean => {
    const segment = segments.all[index]
    if (segment === undefined) return false
    const next = segments.all[index + 1]
    if (next === undefined && segment.assignedBytes === 0) return false
    return offsets.highWatermark >= (next?.baseOffset ?? offsets.assignedEnd)
  }
  const total = segments.all.length
  if (config.delete && config.retentionMs >= 0) {
    while (count < total && allowed(count)) {
      const segment = segments.all[count]
      if (segment === undefined) break
      if (nowMs - clampInt64(await segment.largestTimestamp()) <= config.retentionMs) break
      count++
    }
  }
  let size = 0
  for (const segment of segments.all.slice(count)) size += segment.assignedBytes
  if (config.delete && config.retentionBytes >= 0 && size >= config.retentionBytes) {
    let excess = size - config.retentionBytes
    while (allowed(count) && excess - segments.all[count]!.assignedBytes >= 0) {
      excess -= segments.all[count]!.assignedBytes
      count++
    }
  }
  for (;;) {
    const next = segments.all[count + 1]
    if (next === undefined || next.baseOffset > offsets.start || !allowed(count)) return count
    count++
  }
}

/** Drops the `count` oldest segments; the log must keep at least one. */
async function deleteOldest(state: LogState, count: number): Promise<void> {
  const { segments, offsets, epochs, epochFile } = state
  const doomed = segments.takeOldest(count)
  offsets.raiseStart(segments.first.baseOffset)
  await state.discard(doomed)
  if (epochs.truncateFromStart(offsets.start)) await epochFile.write()
}
