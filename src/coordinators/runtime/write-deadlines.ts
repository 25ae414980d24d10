/**
 * How long decisions wait for their commit: one timer for all of a shard. Deadlines are in the order of the decisions
 * as long as the configuration stands; a change of it moves those behind it a little.
 */
import type { Clock, Timer } from '../../world/world.ts'

export interface Waiting {
  readonly deadlineMs: number
  readonly done: boolean
}

export class WriteDeadlines<Entry extends Waiting> {
  readonly #clock: Clock
  readonly #expire: (late: Entry[]) => void
  #waiting: Entry[] = []
  /** Those before it are done. */
  #first = 0
  #timer: Timer | null = null

  constructor(clock: Clock, expire: (late: Entry[]) => void) {
    this.#clock = clock
    this.#expire = expire
  }

  add(entry: Entry): void {
    this.#dropDone()
    this.#waiting.push(entry)
    this.#watch()
  }

  clear(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#waiting = []
    this.#first = 0
  }

  /** Commits come in order, so what is done is in front. */
  #dropDone(): void {
    while (this.#waiting[this.#first]?.done === true) this.#first++
    if (this.#first * 2 < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#first)
    this.#first = 0
  }

  #watch(): void {
    if (this.#timer !== null) return
    this.#dropDone()
    const next = this.#waiting[this.#first]
    if (next === undefined) return
    this.#timer = this.#clock.at(next.deadlineMs, () => {
      this.#timer = null
      const nowMs = this.#clock.monotonicMs()
      this.#expire(this.#waiting.filter(({ deadlineMs, done }) => !done && deadlineMs <= nowMs))
      this.#watch()
    })
  }
}
