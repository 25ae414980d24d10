/**
 * Bounds the memory of what fetches have read from files and their clients have not taken yet, over all connections.
 *
 * Reads of the tail cache are not counted: they refer to memory that is there anyway. Whoever must wait holds nothing, so
 * waiting cannot lock up; who holds memory already and finds no more goes on with what it has. Clients that take nothing would
 * keep all others waiting: where nothing is given back for a while somebody is told to see to it.
 */
import { assert } from '../base/errors.ts'
import type { Clock, Timer } from '../world/world.ts'

interface Waiting {
  readonly bytes: number
  readonly granted: () => void
}

/** Somebody waits, and nothing was given back for `afterMs`; again and again while it is so. */
export interface Starvation {
  readonly clock: Clock
  readonly afterMs: number
  readonly relieve: () => void
}

export class ReadBudget {
  readonly #bytesMax: number
  readonly #starvation: Starvation | null
  readonly #waiting: Waiting[] = []
  #heldBytes = 0
  #watch: Timer | null = null

  constructor(bytesMax: number, starvation: Starvation | null) {
    this.#bytesMax = bytesMax
    this.#starvation = starvation
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** False: there is no room now, or others wait for it. One read is granted whatever its size. */
  take(bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false
    this.#heldBytes += bytes
    return true
  }

  /** Resolves when the bytes are granted, in the order of asking. */
  async wait(bytes: number): Promise<void> {
    if (this.take(bytes)) return
    await new Promise<void>((granted) => {
      this.#waiting.push({ bytes, granted })
      if (this.#watch === null) this.#watchOver()
    })
  }

  /** Once for each grant. */
  give(bytes: number): void {
    this.#heldBytes -= bytes
    assert(this.#heldBytes >= 0, 'no more memory of reads is given back than was taken')
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#heldBytes += next.bytes
      next.granted()
    }
    if (this.#watch !== null) this.#watchOver()
  }

  #watchOver(): void {
    this.#watch?.cancel()
    this.#watch = null
    if (this.#waiting.length === 0 || this.#starvation === null) return
    const { clock, afterMs, relieve } = this.#starvation
    this.#watch = clock.at(clock.monotonicMs() + afterMs, () => {
      relieve()
      this.#watchOver()
    })
  }

  #fits(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#bytesMax
  }
}
