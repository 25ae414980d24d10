/**
 * The cold reads of one fetch, some of them under way at once: a disk, or the page cache on several processors, answers them
 * together, and partitions that are not in the tail cache no longer wait for each other.
 *
 * A read ahead is a guess: what the partitions before it will leave of the byte limit isn't known yet. It is taken only if reading in
 * order would have given the same, else it is given back and made anew. It never waits for memory, and whoever has to wait gives
 * back what was read ahead first: who waits holds nothing.
 */
import type { FetchResult } from './partition-read.ts'

/** Beside the one that is waited for. A process has four threads for files. */
const AHEAD_MAX = 3
/** How far behind the one that is waited for to look. */
const LOOK_AHEAD = 50

interface Ahead {
  readonly reading: Promise<FetchResult>
  /** The most it may give. */
  readonly maxBytes: number
}

/** Null: `index` isn't read from a file, may want more than is left, or there is no memory for it now. */
export type StartRead = (index: number, left: number) => Ahead | null

export class ReadAhead {
  readonly #count: number
  readonly #start: StartRead
  readonly #underWay = new Map<number, Ahead>()
  #next = 0

  constructor(count: number, start: StartRead) {
    this.#count = count
    this.#start = start
  }

  /** The read of `index` is waited for and may take `maxBytes` of the `left`: begins those behind it. */
  begin(index: number, left: number, maxBytes: number): void {
    let rest = left - maxBytes
    for (const [other, ahead] of this.#underWay) if (other !== index) rest -= ahead.maxBytes
    this.#next = Math.max(this.#next, index + 1)
    const end = Math.min(this.#count, index + 1 + LOOK_AHEAD)
    while (rest > 0 && this.#next < end && this.#underWay.size < AHEAD_MAX) {
      const started = this.#start(this.#next, rest)
      if (started !== null) {
        started.reading.catch(() => {})
        this.#underWay.set(this.#next, started)
        rest -= started.maxBytes
      }
      this.#next++
    }
  }

  /** What was read ahead for `index`, if reading it now with at most `maxBytes` may give that; null: it has to be read. */
  async take(index: number, maxBytes: number, minOneBatch: boolean): Promise<FetchResult | null> {
    const reading = this.#underWay.get(index)?.reading
    if (reading === undefined) return null
    const result = await reading
    this.#underWay.delete(index)
    if (result.bytes > 0 ? result.bytes <= maxBytes : !minOneBatch) return result
    result.release?.()
    return null
  }

  has(index: number): boolean {
    return this.#underWay.has(index)
  }

  /** Gives everything back. */
  async drop(): Promise<void> {
    for (const [index, { reading }] of [...this.#underWay]) {
      const result = await reading.catch(() => null)
      result?.release?.()
      this.#underWay.delete(index)
    }
  }
}
