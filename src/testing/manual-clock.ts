/**
 * A clock that stands until it is told to go: for unit tests of what waits. Timers run in the order of their deadlines,
 * those of one deadline in the order in which they were set; between two of them all promises that are ready run.
 */
import type { Clock, Timer } from '../world/world.ts'

interface Task {
  readonly deadlineMs: number
  readonly sequence: number
  readonly run: () => void
}

/** 2026-01-01T00:00:00Z */
const WALL_START_MS = 1_767_225_600_000

export class ManualClock implements Clock {
  #nowMs = 0
  #sequence = 0
  readonly #tasks = new Set<Task>()

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return WALL_START_MS + this.#nowMs
  }

  at(deadlineMs: number, run: () => void): Timer {
    const task = { deadlineMs, sequence: this.#sequence++, run }
    this.#tasks.add(task)
    return { cancel: () => void this.#tasks.delete(task) }
  }

  soon(run: () => void): void {
    this.at(this.#nowMs, run)
  }

  /** Timers that are set, and turns of the loop that wait. */
  get pendingCount(): number {
    return this.#tasks.size
  }

  /** Runs everything that is due within `ms` from now, at its time, and what that starts. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.#tasks.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.deadlineMs)
      next.run()
      await settle()
    }
    this.#nowMs = endMs
  }

  #next(endMs: number): Task | null {
    let first: Task | null = null
    for (const task of this.#tasks) {
      if (task.deadlineMs > endMs) continue
      if (first === null || task.deadlineMs < first.deadlineMs) first = task
    }
    return first
  }
}

/** Lets all promises that are ready run, and those that they make ready. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
