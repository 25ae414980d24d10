/**
 * How much of something there was a second over the last windows, as the replication quotas of Apache Kafka measure it (its
 * `SimpleRate` over sampled sums): the sum of the samples by the time since the oldest of them began, at least one window.
 * So a burst counts in full until it is that old, and an idle rate falls slowly, then to zero.
 */
import { SampledSum } from './sampled-sum.ts'

export class SimpleRate {
  readonly #windowMs: number
  readonly #samples: SampledSum

  /** @param windows at least 1 */
  constructor(windowMs: number, windows: number) {
    this.#windowMs = windowMs
    this.#samples = new SampledSum(windowMs, windows)
  }

  record(value: number, nowMs: number): void {
    this.#samples.record(value, nowMs)
  }

  perSecond(nowMs: number): number {
    const sum = this.#samples.sum(nowMs)
    return (sum * 1000) / Math.max(this.#samples.ageMs(nowMs), this.#windowMs)
  }
}
