/** Something changed: whoever waits looks again. Several may wait, each for its own time at most. */
import type { Clock } from '../world/world.ts'
import { pause } from './call.ts'

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
    if (timeoutMs === null || timeoutMs === Infinity) await raised
    else {
      const over = new AbortController()
      await Promise.race([raised, pause(this.#clock, timeoutMs, over.signal).catch(() => {})])
      over.abort(new Error('no longer waited for'))
    }
    this.#waiting.delete(resume)
    signal?.removeEventListener('abort', aborted)
  }
}
