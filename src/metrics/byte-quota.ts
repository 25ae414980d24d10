/**
 * A bound on bytes a second: whoever moves bytes asks first whether it is exceeded, moves them, and counts them then. So it is
 * kept on average, and a single move may overshoot; nobody is told how long to wait.
 */
import { SimpleRate } from './simple-rate.ts'

export interface QuotaWindows {
  readonly windowMs: number
  readonly windows: number
}

export class ByteQuota {
  readonly #rate: SimpleRate
  readonly #nowMs: () => number
  /** Infinity: no bound. */
  bytesPerSecondMax = Infinity

  /** @param nowMs never goes back */
  constructor(nowMs: () => number, { windowMs, windows }: QuotaWindows) {
    this.#nowMs = nowMs
    this.#rate = new SimpleRate(windowMs, windows)
  }

  record(bytes: number): void {
    this.#rate.record(bytes, this.#nowMs())
  }

  get isExceeded(): boolean {
    return this.bytesPerSecondMax !== Infinity && this.#rate.perSecond(this.#nowMs()) > this.bytesPerSecondMax
  }
}
