/**
 * What kafka-producer-perf-test.sh counts and prints: rates, and latencies from the call that sends to the broker's answer.
 *
 * A delivery tells how many records of a partition are written, not which; records count as done in the order in which they
 * were sent. Averages and totals are thereby exact, percentiles too where batches end in order (always with one partition).
 */
export class LatencyStats {
  readonly #print: (line: string) => void
  readonly #intervalMs: number
  readonly #isSteadyState: boolean
  readonly #startMs: number
  /** Records by their latency in whole ms. */
  readonly #byLatency = new Map<number, number>()
  #count = 0
  #bytes = 0
  #totalMs = 0
  #maxMs = 0
  #window: { startMs: number; count: number; bytes: number; totalMs: number; maxMs: number }
  isSilent = false

  constructor(options: {
    readonly print: (line: string) => void
    readonly intervalMs: number
    readonly isSteadyState: boolean
    readonly nowMs: number
  }) {
    this.#print = options.print
    this.#intervalMs = options.intervalMs
    this.#isSteadyState = options.isSteadyState
    this.#startMs = options.nowMs
    this.#window = emptyWindow(options.nowMs)
  }

  /** @param bytes of all of them. */
  add(records: number, bytes: number, latencyMs: number, nowMs: number): void {
    this.#count += records
    this.#bytes += bytes
    this.#totalMs += latencyMs * records
    this.#maxMs = Math.max(this.#maxMs, latencyMs)
    this.#byLatency.set(latencyMs, (this.#byLatency.get(latencyMs) ?? 0) + records)
    const window = this.#window
    window.count += records
    window.bytes += bytes
    window.totalMs += latencyMs * records
    window.maxMs = Math.max(window.maxMs, latencyMs)
    if (nowMs - window.startMs < this.#intervalMs) return
    if (this.#isSteadyState && window.count === this.#count) this.#print('In steady state.')
    if (!this.isSilent) this.#printWindow(nowMs)
    this.#window = emptyWindow(nowMs)
  }

  #printWindow(nowMs: number): void {
    const { startMs, count, bytes, totalMs, maxMs } = this.#window
    const perSecond = 1000 / (nowMs - startMs)
    this.#print(
      `${count} records sent, ${(count * perSecond).toFixed(1)} records/sec (${megabytes(bytes, perSecond)} MB/sec), ` +
        `${(totalMs / count).toFixed(1)} ms avg latency, ${maxMs.toFixed(1)} ms max latency.`,
    )
  }

  printTotal(nowMs: number): void {
    const perSecond = 1000 / (nowMs - this.#startMs)
    const [p50, p95, p99, p999] = this.#percentiles(0.5, 0.95, 0.99, 0.999)
    this.#print(
      `${this.#count}${this.#isSteadyState ? ' steady state' : ''} records sent, ` +
        `${(this.#count * perSecond).toFixed(6)} records/sec (${megabytes(this.#bytes, perSecond)} MB/sec), ` +
        `${(this.#totalMs / this.#count).toFixed(2)} ms avg latency, ${this.#maxMs.toFixed(2)} ms max latency, ` +
        `${p50} ms 50th, ${p95} ms 95th, ${p99} ms 99th, ${p999} ms 99.9th.`,
    )
  }

  /** Of all that was added; times in ms. */
  summary() {
    const [p50Ms = 0, p95Ms = 0, p99Ms = 0, p999Ms = 0] = this.#percentiles(0.5, 0.95, 0.99, 0.999)
    const averageMs = this.#count === 0 ? 0 : this.#totalMs / this.#count
    return { records: this.#count, bytes: this.#bytes, averageMs, maxMs: this.#maxMs, p50Ms, p95Ms, p99Ms, p999Ms }
  }

  #percentiles(...shares: readonly number[]): readonly number[] {
    const sorted = [...this.#byLatency].sort(([one], [other]) => one - other)
    return shares.map((share) => {
      let left = Math.floor(share * this.#count)
      for (const [latencyMs, records] of sorted) {
        left -= records
        if (left < 0) return latencyMs
      }
      return 0
    })
  }
}

function emptyWindow(startMs: number) {
  return { startMs, count: 0, bytes: 0, totalMs: 0, maxMs: 0 }
}

function megabytes(bytes: number, perSecond: number): string {
  return ((bytes * perSecond) / (1024 * 1024)).toFixed(2)
}

interface Run {
  readonly sentMs: number
  readonly bytesEach: number
  records: number
}

/** Records on their way, the oldest first; those of one millisecond and size lie together. */
export class RecordsInFlight {
  #runs: Run[] = []
  #first = 0

  sent(sentMs: number, bytesEach: number): void {
    const last = this.#runs.at(-1)
    if (last?.sentMs === sentMs && last.bytesEach === bytesEach && last.records > 0) last.records += 1
    else this.#runs.push({ sentMs, bytesEach, records: 1 })
  }

  /** The `records` oldest have an outcome. */
  done(records: number, each: (records: number, bytes: number, sentMs: number) => void): void {
    let left = records
    for (let run = this.#runs[this.#first]; left > 0 && run !== undefined; run = this.#runs[this.#first]) {
      const taken = Math.min(left, run.records)
      run.records -= taken
      left -= taken
      if (run.records === 0) this.#first += 1
      each(taken, taken * run.bytesEach, run.sentMs)
    }
    if (this.#first < 1024 || this.#first * 2 < this.#runs.length) return
    this.#runs = this.#runs.slice(this.#first)
    this.#first = 0
  }
}
