/**
 * Background work of the log layer that repeats: checkpoints, retention, flushes. One run at a time: the next is
 * scheduled when the last has ended, so slow disks stretch the interval and never pile work up.
 */
import type { Clock, Timer } from '../world/world.ts'

export interface PeriodicTask {
  readonly firstMs: number
  readonly everyMs: number
  /** Must not reject: what goes wrong is its own affair. */
  run(): Promise<void>
}

export class PeriodicTasks {
  readonly #clock: Clock
  readonly #timers = new Map<PeriodicTask, Timer>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Intervals beyond what a timer can wait for (Kafka's "never") are not scheduled. */
  start(task: PeriodicTask): void {
    if (task.everyMs < INTERVAL_MS_MAX) this.#schedule(task, task.firstMs)
  }

  /** Resolves when the runs under way have ended; none begins any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await Promise.all(this.#running)
  }

  #schedule(task: PeriodicTask, delayMs: number): void {
    if (this.#stopped) return
    const timer = this.#clock.at(this.#clock.monotonicMs() + delayMs, () => {
      const run = task.run().finally(() => {
        this.#running.delete(run)
        this.#schedule(task, task.everyMs)
      })
      this.#running.add(run)
    })
    this.#timers.set(task, timer)
  }
}

/** Some 285 years; `Long.MAX_VALUE` milliseconds are more. */
const INTERVAL_MS_MAX = 9e12
