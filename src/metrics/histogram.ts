/**
 * How values are spread: latencies in milliseconds, sizes in bytes.
 *
 * A fixed table of counters: sixteen buckets for each power of two, so that a percentile is at most 1/16 too large, for
 * any non-negative value up to 2^53. Recording is one index calculation and one increment; the table is 7 KB and is made
 * by the first value.
 */

const STEPS = 16
/** Values below it have a bucket each. */
const EXACT = STEPS
const BUCKETS = EXACT + (53 - 4) * STEPS

export class Histogram {
  count = 0
  sum = 0
  max = 0
  min = 0
  #buckets: Uint32Array | null = null

  /** Negative values and NaN count as 0. */
  record(value: number): void {
    const whole = value > 0 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : 0
    this.#buckets ??= new Uint32Array(BUCKETS)
    this.#buckets[bucketOf(whole)]!++
    if (this.count === 0 || value < this.min) this.min = value > 0 ? value : 0
    if (value > this.max) this.max = value
    if (value > 0) this.sum += value
    this.count++
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }

  /** A value that this share (0 to 1) of all values does not exceed; never above the largest one. */
  percentile(share: number): number {
    if (this.#buckets === null) return 0
    const rank = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket]!
      if (seen >= rank) return Math.min(bucketEnd(bucket), this.max)
    }
    return this.max
  }

  /** Forgets everything: for readers who look at one interval at a time. */
  reset(): void {
    this.count = 0
    this.sum = 0
    this.max = 0
    this.min = 0
    this.#buckets?.fill(0)
  }
}

function bucketOf(value: number): number {
  if (value < EXACT) return value
  const exponent = value < 0x8000_0000 ? 31 - Math.clz32(value) : Math.floor(Math.log2(value))
  const step = Math.floor(value / 2 ** (exponent - 4)) - STEPS
  // log2 of a number just below a power of two may round up to it.
  return step < 0 ? EXACT + (exponent - 4) * STEPS - 1 : EXACT + (exponent - 4) * STEPS + step
}

/** The largest whole number of a bucket. */
function bucketEnd(bucket: number): number {
  if (bucket < EXACT) return bucket
  const exponent = Math.floor((bucket - EXACT) / STEPS) + 4
  const step = (bucket - EXACT) % STEPS
  return (STEPS + step + 1) * 2 ** (exponent - 4) - 1
}
