/** The time in which a connection gets nothing done, because its client exceeded a quota (KIP-219). */
import type { Clock, Timer } from '../world/world.ts'

export class Mute {
  readonly #clock: Clock
  #timer: Timer | null = null
  #untilMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isOn(): boolean {
    return this.#timer !== null
  }

  /** Lasts until `muteMs` from now, or as long as it did if that is longer; `over` runs then. */
  start(muteMs: number, over: () => void): void {
    const untilMs = this.#clock.monotonicMs() + muteMs
    if (this.#timer !== null && untilMs <= this.#untilMs) return
    this.end()
    this.#untilMs = untilMs
    this.#timer = this.#clock.at(untilMs, over)
  }

  end(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
