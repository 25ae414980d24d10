/**
 * At which offset each leader epoch of a log began (KIP-101, KIP-320): `leader-epoch-checkpoint` in memory.
 *
 * Epochs and start offsets both ascend. An epoch may have no records (a leader elected before any append). The cache
 * only decides; its owner writes the file whenever a method says that something changed.
 */
import type { EpochEntry } from './checkpoint-file.ts'
import type { EpochEnd } from './log-surface.ts'

export const NO_EPOCH = -1
export const NO_OFFSET = -1

export class LeaderEpochCache {
  #entries: EpochEntry[]

  constructor(entries: readonly EpochEntry[]) {
    this.#entries = [...entries]
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latestEpoch(): number {
    return this.#entries[this.#entries.length - 1]?.epoch ?? NO_EPOCH
  }

  /** Of the latest epoch; -1 if there is none. */
  get latestStartOffset(): number {
    return this.#entries[this.#entries.length - 1]?.startOffset ?? NO_OFFSET
  }

  /** True if the file must be written. */
  assign(epoch: number, startOffset: number): boolean {
    const latest = this.#entries[this.#entries.length - 1]
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return false
    if (epoch < 0) return false
    while (this.#entries.length > 0) {
      const last = this.#entries[this.#entries.length - 1]!
      if (last.epoch < epoch && last.startOffset < startOffset) break
      this.#entries.pop()
    }
    this.#entries.push({ epoch, startOffset })
    return true
  }

  /** The log ends at `endOffset` now. True if the file must be written. */
  truncateFromEnd(endOffset: number): boolean {
    const before = this.#entries.length
    while (this.#entries.length > 0 && this.#entries[this.#entries.length - 1]!.startOffset >= endOffset) {
      this.#entries.pop()
    }
    return this.#entries.length !== before
  }

  /** The log starts at `startOffset` now. True if the file must be written. */
  truncateFromStart(startOffset: number): boolean {
    let removed = 0
    while (removed < this.#entries.length && this.#entries[removed]!.startOffset <= startOffset) removed++
    if (removed === 0) return false
    const first = this.#entries[removed - 1]!
    if (removed === 1 && first.startOffset === startOffset) return false
    this.#entries = [{ epoch: first.epoch, startOffset }, ...this.#entries.slice(removed)]
    return true
  }

  /** True if the file must be written. */
  clear(): boolean {
    const had = this.#entries.length > 0
    this.#entries = []
    return had
  }

  /** OffsetsForLeaderEpoch: the largest epoch not above `epoch`, and where it ends. */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch === NO_EPOCH) return { epoch: NO_EPOCH, endOffset: NO_OFFSET }
    if (epoch === this.latestEpoch) return { epoch, endOffset: logEndOffset }
    const above = this.#entries.findIndex((entry) => entry.epoch > epoch)
    if (above < 0) return { epoch: NO_EPOCH, endOffset: NO_OFFSET }
    const next = this.#entries[above]!
    const at = this.#entries[above - 1]
    return { epoch: at?.epoch ?? epoch, endOffset: next.startOffset }
  }

  /** The epoch in which `offset` was or will be written; -1 before the first. */
  epochFor(offset: number): number {
    return this.entryFor(offset)?.epoch ?? NO_EPOCH
  }

  /** Of the epoch in which `offset` was or will be written; null before the first. */
  entryFor(offset: number): EpochEntry | null {
    return this.#entries.findLast(({ startOffset }) => startOffset <= offset) ?? null
  }
}
