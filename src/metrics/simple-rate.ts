/**
 * How much of something there was a second over the last windows, as the replication quotas of Apache Kafka measure it (its
 * `SimpleRate` over sampled sums): the sum of the samples by the time since the oldest of them began, at least one window.
 *
 * A sample takes what comes within one window from its first; one in which nothing came for as long as all windows last is
 * empty again and begins now. So a burst counts in full until it is that old, and an idle rate falls slowly, then to zero.
 */

interface Sample {
  startMs: number
  lastMs: number
  sum: number
}

export class SimpleRate {
  readonly #windowMs: number
  readonly #windows: number
  readonly #samples: Sample[] = []
  #current = 0

  /** @param windows at least 1 */
  constructor(windowMs: number, windows: number) {
    this.#windowMs = windowMs
    this.#windows = windows
  }

  record(value: number, nowMs: number): void {
    const current = this.#samples[this.#current]
    const sample = current !== undefined && nowMs - current.startMs < this.#windowMs ? current : this.#next(nowMs)
    sample.sum += value
    sample.lastMs = nowMs
  }

  perSecond(nowMs: number): number {
    // Who asks first begins the first window.
    if (this.#samples.length === 0) this.#next(nowMs)
    const expireMs = this.#windows * this.#windowMs
    let oldestMs = nowMs
    let sum = 0
    for (const sample of this.#samples) {
      if (nowMs - sample.lastMs >= expireMs) begin(sample, nowMs)
      oldestMs = Math.min(oldestMs, sample.startMs)
      sum += sample.sum
    }
    return (sum * 1000) / Math.max(nowMs - oldestMs, this.#windowMs)
  }

  /** One more than there are windows: the oldest may have begun before the first of them. */
  #next(nowMs: number): Sample {
    if (this.#samples.length > 0) this.#current = (this.#current + 1) % (this.#windows + 1)
    const old = this.#samples[this.#current]
    if (old !== undefined) return begin(old, nowMs)
    const sample = { startMs: nowMs, lastMs: nowMs, sum: 0 }
    this.#samples.push(sample)
    return sample
  }
}

function begin(sample: Sample, nowMs: number): Sample {
  sample.startMs = nowMs
  sample.lastMs = nowMs
  sample.sum = 0
  return sample
}
