/**
 * The disk under one simulated replica of the quorum: what a process sees, and what survives a power loss. Synced
 * entries, the election state and snapshots with their name survive; behind them any number of unsynced entries may.
 */
import type { EpochStart, LogContent } from '../../raft/log-view.ts'
import type { OffsetAndEpoch } from '../../raft/messages.ts'
import type { ElectionState, LogEntry } from '../../raft/raft-io.ts'
import type { VoterEntry } from '../../raft/voter-history.ts'
import type { VoterChange } from '../../raft/voters.ts'
import type { SeededRandom } from '../seeded-random.ts'

export interface StoredSnapshot extends OffsetAndEpoch {
  /** Of all entries below the end. */
  readonly digest: string
  readonly voters: VoterChange
}

interface LogImage {
  readonly startOffset: number
  readonly entries: readonly LogEntry[]
}

export class ReplicaDisk {
  election: ElectionState | null = null
  /** What a process reads. */
  startOffset = 0
  entries: LogEntry[] = []
  snapshots: StoredSnapshot[] = []
  /** Being downloaded: name and bytes. */
  part: { readonly id: OffsetAndEpoch; readonly bytes: Buffer } | null = null
  #durable: LogImage = { startOffset: 0, entries: [] }

  get endOffset(): number {
    return this.entries.at(-1)?.endOffset ?? this.startOffset
  }

  get durableEnd(): number {
    return this.#durable.entries.at(-1)?.endOffset ?? this.#durable.startOffset
  }

  get durableEntries(): readonly LogEntry[] {
    return this.#durable.entries
  }

  truncateTo(endOffset: number): void {
    this.entries = this.entries.filter((entry) => entry.endOffset <= endOffset)
  }

  sync(): void {
    this.#durable = { startOffset: this.startOffset, entries: [...this.entries] }
  }

  /** A sync that began when the log was `entries`. */
  syncOf(entries: readonly LogEntry[]): void {
    this.#durable = {
      startOffset: this.startOffset,
      entries: entries.filter((one) => one.endOffset > this.startOffset),
    }
  }

  startAt(endOffset: number): void {
    this.entries = []
    this.startOffset = endOffset
    this.sync()
  }

  /** Keeps entries from `offset` on; a snapshot holds what is before. */
  forgetBefore(offset: number): void {
    this.startOffset = Math.max(this.startOffset, offset)
    this.entries = this.entries.filter((entry) => entry.endOffset > offset)
    const durable = this.#durable.entries.filter((entry) => entry.endOffset > offset)
    this.#durable = { startOffset: Math.max(this.#durable.startOffset, offset), entries: durable }
  }

  /** Returns how many entries were lost. */
  losePower(random: Pick<SeededRandom, 'below'>): number {
    const { entries, startOffset } = this.#durable
    const shared = this.entries.findIndex((entry, index) => entry !== entries[index])
    const isLonger = this.entries.length > entries.length && (shared < 0 || shared >= entries.length)
    const before = this.entries.length
    this.startOffset = startOffset
    // The system may have written more of it than it was told to.
    const kept = isLonger ? entries.length + random.below(this.entries.length - entries.length + 1) : entries.length
    this.entries = isLonger ? this.entries.slice(0, kept) : [...entries]
    this.part = null
    this.sync()
    return Math.max(0, before - this.entries.length)
  }

  /** What a starting replica finds. */
  content(): LogContent {
    this.#repair()
    const epochs: EpochStart[] = []
    for (const { epoch, baseOffset } of this.entries) {
      if (epoch !== epochs.at(-1)?.epoch) epochs.push({ epoch, startOffset: baseOffset })
    }
    const snapshots = this.snapshots.map(({ endOffset, epoch }) => ({ endOffset, epoch, bytes: SNAPSHOT_BYTES }))
    return { startOffset: this.startOffset, endOffset: this.endOffset, epochs, snapshots }
  }

  /** A snapshot beyond the log's end: the log starts over behind it. */
  #repair(): void {
    const latest = this.snapshots.at(-1)
    if (latest !== undefined && latest.endOffset > this.endOffset) this.startAt(latest.endOffset)
  }

  voterEntries(configured: VoterEntry): VoterEntry[] {
    const found: VoterEntry[] = [configured]
    const latest = this.snapshots.at(-1)
    const add = (offset: number, change: VoterChange): void => {
      const before = found.at(-1)!.set
      const set = { kraftVersion: change.kraftVersion ?? before.kraftVersion, voters: change.voters ?? before.voters }
      found.push({ offset, set })
    }
    if (latest !== undefined && latest.voters.voters !== null) add(latest.endOffset - 1, latest.voters)
    for (const entry of this.entries) {
      if (entry.voters !== null && entry.endOffset > (latest?.endOffset ?? 0)) add(entry.endOffset - 1, entry.voters)
    }
    return found
  }
}

export const SNAPSHOT_BYTES = 1500
