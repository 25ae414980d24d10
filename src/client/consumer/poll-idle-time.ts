/**
 * The share of its time that a program waits in `poll`: near 1 it could take more, near 0 it is the one that is waited for.
 * Looks back over the window before and the one that runs, thirty seconds each. Takes the time as an argument.
 */
const WINDOW_MS = 30_000

export class PollIdleTime {
  /** Monotonic; null: no poll is in work. */
  #beganMs: number | null = null
  #windowMs: number | null = null
  #idleMs = 0
  #before = { idleMs: 0, spanMs: 0 }

  began(nowMs: number): void {
    this.#windowMs ??= nowMs
    const spanMs = nowMs - this.#windowMs
    if (spanMs >= WINDOW_MS) {
      this.#before = { idleMs: this.#idleMs, spanMs }
      this.#idleMs = 0
      this.#windowMs = nowMs
    }
    this.#beganMs = nowMs
  }

  ended(nowMs: number): void {
    if (this.#beganMs !== null) this.#idleMs += nowMs - this.#beganMs
    this.#beganMs = null
  }

  /** 0 to 1; NaN before the first poll has taken any time. */
  ratio(nowMs: number): number {
    if (this.#windowMs === null) return NaN
    const waitingMs = this.#beganMs === null ? 0 : nowMs - this.#beganMs
    const { idleMs, spanMs } = this.#before
    return (idleMs + this.#idleMs + waitingMs) / (spanMs + nowMs - this.#windowMs)
  }
}
