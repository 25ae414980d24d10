/** Something changed: whoever waits looks again. Several may wait, each for its own time at most. */
import type { Clock } from '../world/world.ts'

export class Signal {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  raise(): void {
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }

  /** Resolves when it is raised next, after `timeoutMs` (null: never), or when `signal` aborts: that is for the caller to see. */
  async wait(timeoutMs: number | null, signal: AbortSignal | undefined): Promise<void> {
    let resume!: () => void
    const raised = new Promise<void>((resolve) => (resume = resolve))
    this.#waiting.add(resume)
    const aborted = (): void => resume()
    signal?.addEventListener('abort', aborted, { once: true })
    const isTimed = timeoutMs !== null && timeoutMs !== Infinity
    const timer = isTimed ? this.#clock.at(this.#clock.monotonicMs() + timeoutMs, resume) : null
    await raised
    timer?.cancel()
    this.#waiting.delete(resume)
    signal?.removeEventListener('abort', aborted)
  }
}
