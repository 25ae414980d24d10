/** Keeps a tool to so many records in a second: it says how far ahead of its time it is. */
import type { Clock } from '../../world/world.ts'
import { pause } from '../../client/call.ts'

/** Timers are not finer, and a pause for each record would cost more than it holds back. */
const PAUSE_MIN_MS = 2

export class Throttle {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #startMs: number

  /** @param perSecond negative: without a limit; 0: nothing goes on after the first, as with Kafka's tools. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#startMs = clock.monotonicMs()
  }

  /** Whether `wait` would, when so many are done. @param nowMs monotonic; it may lie a little behind. */
  isAhead(done: number, nowMs: number): boolean {
    return this.#perSecond >= 0 && this.#aheadMs(done, nowMs) >= PAUSE_MIN_MS
  }

  /** Rejects with the signal's reason once it aborts. */
  async wait(done: number, signal?: AbortSignal): Promise<void> {
    const aheadMs = this.#aheadMs(done, this.#clock.monotonicMs())
    if (this.#perSecond < 0 || aheadMs < PAUSE_MIN_MS) return
    await pause(this.#clock, Math.min(aheadMs, LONGEST_MS), signal)
    // Only without end does one pause not do.
    if (aheadMs > LONGEST_MS) await this.wait(done, signal)
  }

  #aheadMs(done: number, nowMs: number): number {
    return (done * 1000) / this.#perSecond - (nowMs - this.#startMs)
  }
}

const LONGEST_MS = 3_600_000
