/**
 * How much of something there was a second, as the quotas of Apache Kafka's clients measure it (its `Rate`), and how long who
 * exceeds a bound has to wait. The sum of the samples is divided by the time since the oldest of them began, but at least by all
 * windows but one: what comes after a pause may come at once, up to the bound times that.
 */
import { SampledSum } from './sampled-sum.ts'

/** What a throttle time can say. */
const INT_MAX = 0x7fff_ffff

export class QuotaRate {
  readonly #windowMs: number
  readonly #windows: number
  readonly #samples: SampledSum

  /** @param windows at least 1 */
  constructor(windowMs: number, windows: number) {
    this.#windowMs = windowMs
    this.#windows = windows
    this.#samples = new SampledSum(windowMs, windows)
  }

  /** A negative value takes back what was recorded. */
  record(value: number, nowMs: number): void {
    this.#samples.record(value, nowMs)
  }

  perSecond(nowMs: number): number {
    return (this.#samples.sum(nowMs) * 1000) / this.#spanMs(nowMs)
  }

  /** Whole milliseconds until the rate is `perSecondMax` if nothing comes meanwhile; 0: it is not exceeded. */
  throttleMs(perSecondMax: number, nowMs: number): number {
    const perSecond = this.perSecond(nowMs)
    if (perSecond <= perSecondMax) return 0
    const waitMs = Math.round(((perSecond - perSecondMax) / perSecondMax) * this.#spanMs(nowMs))
    // A bound that is no number is exceeded by everything, and holds back nothing.
    return Number.isNaN(waitMs) ? 0 : Math.min(waitMs, INT_MAX)
  }

  #spanMs(nowMs: number): number {
    const ageMs = this.#samples.ageMs(nowMs)
    const missing = this.#windows - 1 - Math.floor(ageMs / this.#windowMs)
    return Math.max(missing > 0 ? ageMs + missing * this.#windowMs : ageMs, 1)
  }
}
