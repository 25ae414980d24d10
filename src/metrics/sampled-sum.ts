/**
 * What was recorded lately, summed over the samples of the last windows, as Apache Kafka keeps it (its `SampledStat`).
 *
 * A sample takes what comes within one window from its first; one in which nothing came for as long as all windows last is
 * empty again and begins now. Rates differ in the time that they divide the sum by: see simple-rate.ts and quota-rate.ts.
 */

interface Sample {
  startMs: number
  lastMs: number
  sum: number
}

export class SampledSum {
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

  sum(nowMs: number): number {
    this.#forgetOld(nowMs)
    let sum = 0
    for (const sample of this.#samples) sum += sample.sum
    return sum
  }

  /** Milliseconds since the oldest sample began. Who asks first begins it. */
  ageMs(nowMs: number): number {
    if (this.#samples.length === 0) this.#next(nowMs)
    this.#forgetOld(nowMs)
    let oldestMs = nowMs
    for (const sample of this.#samples) oldestMs = Math.min(oldestMs, sample.startMs)
    return nowMs - oldestMs
  }

  #forgetOld(nowMs: number): void {
    const expireMs = this.#windows * this.#windowMs
    for (const sample of this.#samples) if (nowMs - sample.lastMs >= expireMs) begin(sample, nowMs)
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
