/**
 * What may be done a second with bursts (Kafka's `TokenBucket`, KIP-599): a bucket fills at a rate up to so many seconds' worth,
 * and is emptied by what is done, below zero too. Who finds it below zero waits until it would be at zero.
 */
const INT_MAX = 0x7fff_ffff

export class TokenBucket {
  readonly #burstSeconds: number
  #tokens = 0
  #filledMs = -Infinity

  constructor(burstSeconds: number) {
    this.#burstSeconds = burstSeconds
  }

  take(tokens: number, perSecond: number, nowMs: number): void {
    this.#tokens = this.level(perSecond, nowMs) - tokens
  }

  /** A bucket that nobody looked at yet is full. */
  level(perSecond: number, nowMs: number): number {
    const full = perSecond * this.#burstSeconds
    const filled = this.#tokens + (perSecond * Math.max(0, nowMs - this.#filledMs)) / 1000
    this.#tokens = Math.min(full, filled)
    this.#filledMs = nowMs
    return this.#tokens
  }

  /** Whole milliseconds until the level is zero; 0: it isn't below. */
  throttleMs(perSecond: number, nowMs: number): number {
    const level = this.level(perSecond, nowMs)
    if (!(level < 0)) return 0
    return Math.min(Math.round((-level / perSecond) * 1000), INT_MAX)
  }
}
