/**
 * The voter sets that a log holds, by the offset of their record: the last is in force, committed or not (KIP-853), and a
 * truncation brings the one before it back.
 */
import { assert } from '../base/errors.ts'
import type { VoterChange, VoterSet } from './voters.ts'

export interface VoterEntry {
  /** Of the record; -1: of no record (configuration, or the snapshot 0-0 that formatting wrote). */
  readonly offset: number
  readonly set: VoterSet
}

export class VoterHistory {
  #entries: VoterEntry[]

  constructor(entries: readonly VoterEntry[]) {
    assert(entries.length > 0, 'a voter history begins with a set, if an empty one')
    this.#entries = [...entries]
  }

  get last(): VoterEntry {
    return this.#entries.at(-1)!
  }

  /** In force for all records below `endOffset`. */
  setAt(endOffset: number): VoterSet {
    return (this.#entries.findLast(({ offset }) => offset < endOffset) ?? this.#entries[0]!).set
  }

  append(offset: number, change: VoterChange): void {
    const { kraftVersion, voters } = this.last.set
    this.#entries.push({
      offset,
      set: { kraftVersion: change.kraftVersion ?? kraftVersion, voters: change.voters ?? voters },
    })
  }

  /** The log ends at `endOffset` now. */
  truncateTo(endOffset: number): void {
    const [first] = this.#entries
    this.#entries = this.#entries.filter((entry) => entry === first || entry.offset < endOffset)
  }

  /** All before the snapshot is gone; it holds this set, or none (kraft.version 0). */
  startAt(endOffset: number, change: VoterChange): void {
    const configured = this.#entries[0]!
    if (change.voters === null) this.#entries = [configured]
    else {
      const set = { kraftVersion: change.kraftVersion ?? 0, voters: change.voters }
      this.#entries = [{ offset: endOffset - 1, set }]
    }
  }

  /** Forgets sets that no snapshot and no truncation can ask for any more. */
  forgetBefore(committedEnd: number): void {
    const inForce = this.#entries.findLastIndex(({ offset }) => offset < committedEnd)
    if (inForce > 0) this.#entries = this.#entries.slice(inForce)
  }
}
