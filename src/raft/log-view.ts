/**
 * What consensus knows of the log: where it starts and ends, where each epoch began, which snapshots there are. No bytes.
 * Both ends move at once with each output; what of it is on disk already is another figure (`Raft` counts it).
 *
 * A pair (offset, epoch) is on the log if records below `offset` end with that epoch here too: then two logs are equal up
 * to there (the log matching property).
 */
import type { OffsetAndEpoch } from './messages.ts'

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

export interface KnownSnapshot extends OffsetAndEpoch {
  readonly bytes: number
}

export interface LogContent {
  readonly startOffset: number
  readonly endOffset: number
  /** Ascending. */
  readonly epochs: readonly EpochStart[]
  /** Oldest first; also 0-0. */
  readonly snapshots: readonly KnownSnapshot[]
}

export type Position =
  | { readonly kind: 'valid' }
  | { readonly kind: 'diverging'; readonly end: OffsetAndEpoch }
  | { readonly kind: 'snapshot'; readonly id: OffsetAndEpoch }

export class LogView {
  #start: number
  #end: number
  #epochs: EpochStart[]
  #snapshots: readonly KnownSnapshot[]

  constructor(content: LogContent) {
    this.#start = content.startOffset
    this.#end = content.endOffset
    this.#epochs = [...content.epochs]
    this.#snapshots = content.snapshots
  }

  get startOffset(): number {
    return this.#start
  }

  get endOffset(): number {
    return this.#end
  }

  /** Of the last record; 0 for an empty log. */
  get lastEpoch(): number {
    return this.#epochs.at(-1)?.epoch ?? this.latestSnapshot?.epoch ?? 0
  }

  get snapshots(): readonly KnownSnapshot[] {
    return this.#snapshots
  }

  get latestSnapshot(): KnownSnapshot | null {
    return this.#snapshots.at(-1) ?? null
  }

  /** Of snapshots that replicate: 0-0 doesn't, the first leader writes what it holds into the log. */
  get #replicated(): readonly KnownSnapshot[] {
    return this.#snapshots.filter(({ endOffset }) => endOffset > 0)
  }

  snapshot({ endOffset, epoch }: OffsetAndEpoch): KnownSnapshot | null {
    return this.#replicated.find((known) => known.endOffset === endOffset && known.epoch === epoch) ?? null
  }

  /** (endOffset, lastEpoch) of another log: is it at least as long as this one? */
  isUpToDate(other: OffsetAndEpoch): boolean {
    return other.epoch !== this.lastEpoch ? other.epoch > this.lastEpoch : other.endOffset >= this.#end
  }

  append(epoch: number, endOffset: number): void {
    if (epoch > (this.#epochs.at(-1)?.epoch ?? -1)) this.#epochs.push({ epoch, startOffset: this.#end })
    this.#end = endOffset
  }

  truncateTo(endOffset: number): void {
    this.#end = endOffset
    this.#epochs = this.#epochs.filter(({ startOffset }) => startOffset < endOffset)
  }

  startAt(snapshot: KnownSnapshot): void {
    this.#start = snapshot.endOffset
    this.#end = snapshot.endOffset
    this.#epochs = []
    // Older ones lead to nothing any more.
    this.#snapshots = [snapshot]
  }

  /** Snapshots were written or removed, and the log before them with them. */
  setSnapshots(snapshots: readonly KnownSnapshot[], startOffset: number): void {
    this.#snapshots = snapshots
    this.#start = startOffset
    const inForce = this.#epochs.findLast((entry) => entry.startOffset <= startOffset)
    if (inForce === undefined) return
    const after = this.#epochs.filter((entry) => entry.startOffset > startOffset)
    this.#epochs = this.#end > startOffset ? [{ epoch: inForce.epoch, startOffset }, ...after] : after
  }

  /** Where a replica that wants `offset` next, after records of `epoch`, may go on. */
  validate(offset: number, epoch: number): Position {
    if (this.#start === 0 && offset === 0 && epoch === 0) {
      const latest = this.#replicated.at(-1)
      // A snapshot is always less work than the log that led to it.
      return latest === undefined ? { kind: 'valid' } : { kind: 'snapshot', id: idOf(latest) }
    }
    const [earliest] = this.#replicated
    const latest = this.#replicated.at(-1)
    if (earliest !== undefined && latest !== undefined) {
      const isBefore = offset < this.#start || (offset === this.#start && epoch !== earliest.epoch && this.#start > 0)
      if (isBefore || epoch < earliest.epoch || offset === 0) return { kind: 'snapshot', id: idOf(latest) }
    }
    const end = this.endOf(epoch)
    if (end.epoch !== epoch || end.endOffset < offset) return { kind: 'diverging', end }
    return { kind: 'valid' }
  }

  /** The largest own epoch not above `epoch`, and where it ends. */
  endOf(epoch: number): OffsetAndEpoch {
    if (epoch >= this.lastEpoch) return { endOffset: this.#end, epoch: this.lastEpoch }
    const above = this.#epochs.findIndex((entry) => entry.epoch > epoch)
    const at = this.#epochs[above - 1]
    const endOffset = this.#epochs[above]?.startOffset ?? this.#end
    if (at !== undefined) return { endOffset, epoch: at.epoch }
    // Before the first epoch of the log there is only the snapshot that it starts at.
    const [earliest] = this.#replicated
    return earliest === undefined ? { endOffset: this.#start, epoch: 0 } : idOf(earliest)
  }

  /** Where to cut so that nothing stays that a leader whose `end` this is doesn't have. */
  divergence(end: OffsetAndEpoch): number {
    const own = this.endOf(end.epoch)
    return own.epoch === end.epoch ? Math.min(own.endOffset, end.endOffset) : own.endOffset
  }
}

function idOf({ endOffset, epoch }: OffsetAndEpoch): OffsetAndEpoch {
  return { endOffset, epoch }
}
