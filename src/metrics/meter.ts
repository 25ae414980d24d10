/**
 * How often something happens: a count that anybody may raise, and moving averages over 1, 5 and 15 minutes as the
 * meters of Kafka's JMX metrics have them (each five seconds the average moves towards the rate of those seconds).
 *
 * The averages move when they are read, so an idle meter costs nothing.
 */

const TICK_MS = 5_000
const MINUTES = [1, 5, 15] as const

export class Meter {
  /** Raised directly by the owner. */
  count = 0
  /** Set by the first reading. */
  #startMs = -1
  #tickMs = 0
  #counted = 0
  /** Events a second over 1, 5 and 15 minutes; null before the first whole tick. */
  #averages: number[] | null = null

  /** Events a second since the first reading. */
  meanRate(nowMs: number): number {
    this.#tick(nowMs)
    const elapsedMs = nowMs - this.#startMs
    return elapsedMs <= 0 ? 0 : (this.count * 1000) / elapsedMs
  }

  /** Events a second over about the last so many minutes. */
  rate(minutes: (typeof MINUTES)[number], nowMs: number): number {
    this.#tick(nowMs)
    return this.#averages?.[MINUTES.indexOf(minutes)] ?? 0
  }

  #tick(nowMs: number): void {
    if (this.#startMs < 0) {
      this.#startMs = nowMs
      this.#tickMs = nowMs
      return
    }
    const ticks = Math.floor((nowMs - this.#tickMs) / TICK_MS)
    if (ticks <= 0) return
    // What came since the last tick is spread over all ticks that passed: nobody looked in between.
    const perSecond = ((this.count - this.#counted) * 1000) / (ticks * TICK_MS)
    this.#counted = this.count
    this.#tickMs += ticks * TICK_MS
    const before = this.#averages
    this.#averages = MINUTES.map((minutes, index) => {
      if (before === null) return perSecond
      const kept = Math.exp((-ticks * TICK_MS) / (minutes * 60_000))
      return perSecond + ((before[index] ?? 0) - perSecond) * kept
    })
  }
}
