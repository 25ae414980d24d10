/**
 * What one request counts towards its client's quotas, and how long the client is muted for it. Made only where some client is bounded.
 *
 * Time is what the request takes of the loop: from the frame to where its handler returns or first waits, and the encoding of
 * the answer, which counts for the next request. What a handler does when it goes on can't be told from what others do.
 */
import type { QuotaRate } from '../../metrics/quota-rate.ts'
import type { Clock } from '../../world/world.ts'
import type { HeldBy } from './client-bounds.ts'

export type Bounded = HeldBy<QuotaRate> | null

export interface MeteredClient {
  readonly produced: Bounded
  readonly fetched: Bounded
  readonly time: Bounded
}

/** The bounds that a node configures. */
export interface MeterLimits {
  /** Nobody waits longer for the time that requests took. */
  readonly timeThrottleMsMax: number
  /** Within a bound on bytes so many seconds' worth may come at once. */
  readonly burstSeconds: number
}

export class RequestMeter {
  readonly #clock: Clock
  readonly #client: MeteredClient
  readonly #limits: MeterLimits
  readonly #requestBytes: number
  #tookMs = 0
  #isExempt = false
  #isSettled = false
  #throttleMs = 0

  constructor(clock: Clock, client: MeteredClient, limits: MeterLimits, requestBytes: number) {
    this.#clock = clock
    this.#client = client
    this.#limits = limits
    this.#requestBytes = requestBytes
  }

  /** What the request was answered with says so; 0: not at all. */
  get throttleMs(): number {
    return this.#throttleMs
  }

  /** The client may have to wait after any of its requests. */
  get isBounded(): boolean {
    const { produced, fetched, time } = this.#client
    return produced !== null || fetched !== null || time !== null
  }

  /** More in one answer would be held back whenever it comes. */
  get fetchedBytesMax(): number {
    const { fetched } = this.#client
    if (fetched === null) return Infinity
    // A bound that is no number lets a fetch have its one batch.
    return Math.trunc(fetched.perSecondMax * this.#limits.burstSeconds) || 0
  }

  /** Runs a part of the request's work. */
  takes<Result>(work: () => Result): Result {
    const { time } = this.#client
    if (time === null) return work()
    const startMs = this.#clock.monotonicMs()
    try {
      return work()
    } finally {
      const tookMs = this.#clock.monotonicMs() - startMs
      if (!this.#isSettled) this.#tookMs += tookMs
      else if (!this.#isExempt) time.measure.record(percent(tookMs), this.#clock.monotonicMs())
    }
  }

  /** Brokers that replicate, and what coordinators tell each other, wait for nobody's quota. */
  exempt(): void {
    this.#isExempt = true
  }

  /** A Produce has been handled. @param hasAnswer false with acks=0, which counts no time */
  produced(hasAnswer: boolean): void {
    const bytes = recorded(this.#client.produced, this.#requestBytes, this.#clock.monotonicMs())
    this.settle(bytes, hasAnswer)
  }

  /**
   * A Fetch would be answered with so many bytes; who is throttled gets none of them, so they don't count.
   * @returns for how long; 0: not throttled
   */
  fetched(answerBytes: number): number {
    const nowMs = this.#clock.monotonicMs()
    const { fetched } = this.#client
    this.settle(recorded(fetched, answerBytes, nowMs))
    if (this.#throttleMs > 0) fetched?.measure.record(-answerBytes, nowMs)
    return this.#throttleMs
  }

  /** The request has been handled: the longest of all waits counts. Once only. */
  settle(throttleMs: number, countsTime = true): void {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#isExempt) return
    const nowMs = this.#clock.monotonicMs()
    const timeMs = countsTime ? recorded(this.#client.time, percent(this.#tookMs), nowMs) : 0
    this.#throttleMs = Math.max(throttleMs, Math.min(timeMs, this.#limits.timeThrottleMsMax))
  }
}

/** Of a second. */
const percent = (ms: number): number => ms / 10

/** Milliseconds to wait for it. */
function recorded(bounded: Bounded, value: number, nowMs: number): number {
  if (bounded === null) return 0
  bounded.measure.record(value, nowMs)
  return bounded.measure.throttleMs(bounded.perSecondMax, nowMs)
}
