/**
 * Time and timers of the machine.
 *
 * Timers keep the process alive, as a socket does: a client between two attempts to connect has nothing else, and must not
 * end silently in the middle of an await. Whoever starts a timer cancels it when it closes.
 */
import type { Clock, Timer } from '../world.ts'

/** The longest delay setTimeout takes; longer ones are armed again when it has passed. */
const DELAY_MAX_MS = 0x7fffffff

class NodeTimer implements Timer {
  readonly #deadlineMs: number
  readonly #task: () => void
  #handle: NodeJS.Timeout | null = null

  constructor(deadlineMs: number, task: () => void) {
    this.#deadlineMs = deadlineMs
    this.#task = task
    this.#arm()
  }

  cancel(): void {
    if (this.#handle !== null) clearTimeout(this.#handle)
    this.#handle = null
  }

  #arm(): void {
    const delayMs = Math.ceil(this.#deadlineMs - performance.now())
    this.#handle = setTimeout(this.#fire, Math.min(Math.max(delayMs, 0), DELAY_MAX_MS))
  }

  readonly #fire = (): void => {
    // The loop's own clock has whole milliseconds and may run ahead of ours: never be early.
    if (performance.now() < this.#deadlineMs) {
      this.#arm()
      return
    }
    this.#handle = null
    this.#task()
  }
}

export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  at: (deadlineMs, task) => new NodeTimer(deadlineMs, task),
  soon: (task) => void setImmediate(task),
}
