/** A clock in virtual time, with a skew of its own. Timers are late by up to a millisecond, as real ones are. */
import type { Clock, Timer } from '../world/world.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimEvents, SimProcess } from './sim-events.ts'

/** How the clock of one machine is wrong. `offsetMs` may be changed while it runs: the wall clock jumps. */
export interface ClockSkew {
  offsetMs: number
  /** Microseconds that it gains in a second. */
  readonly driftPpm: number
}

/** 2026-01-01T00:00:00Z: where every simulation begins. */
const EPOCH_MS = 1_767_225_600_000

export class SeededClock implements Clock {
  readonly #events: SimEvents
  readonly #random: SeededRandom
  readonly #process: SimProcess
  readonly #skew: ClockSkew
  /** Of another process nothing follows from it. */
  readonly #startMs: number

  constructor(events: SimEvents, random: SeededRandom, process: SimProcess, skew: ClockSkew) {
    this.#events = events
    this.#random = random
    this.#process = process
    this.#skew = skew
    this.#startMs = random.below(1_000_000) - this.#elapsedMs()
  }

  monotonicMs(): number {
    return this.#startMs + this.#elapsedMs()
  }

  wallMs(): number {
    return Math.floor(EPOCH_MS + this.#skew.offsetMs + this.#elapsedMs())
  }

  at(deadlineMs: number, task: () => void): Timer {
    const delayUs = Math.max(0, deadlineMs - this.monotonicMs()) * 1000
    const lateUs = this.#random.below(1000)
    // A clock that gains comes to its deadline early; one that loses must not fire before it.
    const trueUs = Math.ceil(delayUs / (1 + this.#skew.driftPpm / 1e6)) + 1 + lateUs
    const event = this.#events.schedule(trueUs, 'timer', this.#process, task)
    return { cancel: () => this.#events.cancel(event) }
  }

  soon(task: () => void): void {
    this.#events.schedule(this.#random.below(5), 'soon', this.#process, task)
  }

  #elapsedMs(): number {
    return (this.#events.nowUs * (1 + this.#skew.driftPpm / 1e6)) / 1000
  }
}
