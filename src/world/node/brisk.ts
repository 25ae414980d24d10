/**
 * Small operations of a disk on the caller's thread, while somebody has asked for that: a hop to a thread and back costs ten
 * times what the page cache takes to answer, and opening thousands of logs is nothing but such operations.
 *
 * Bounded both ways: after TURN_MS_MAX in one turn of the loop threads are asked again, so that everybody else gets theirs, and
 * for a while when the disk turns out slow, so that several wait for it at once. Syncs never come here, nor do renames and
 * removals, which wait for the file system's journal while others sync.
 */
import { toDiskError } from './disk-errors.ts'

/** For which nobody else is served. */
const TURN_MS_MAX = 5
/** The page cache answers in less. */
const SLOW_MS = 2
/** A disk is slow if so many operations are behind its last slow one at most: one alone may be somebody else's time slice. */
const SLOW_APART = 8
/** Threads are asked for so many times as long as the slow operation took. */
const SLOW_REST = 4
/** What is copied in a fraction of TURN_MS_MAX. */
export const BRISK_BYTES_MAX = 64 * 1024

export interface BriskTime {
  nowMs(): number
  /** Runs the task in the next turn of the loop. */
  nextTurn(task: () => void): void
}

const NODE_TIME: BriskTime = {
  nowMs: () => performance.now(),
  nextTurn: (task) => void setImmediate(task),
}

export function nodeBrisk(): Brisk {
  return new Brisk(NODE_TIME)
}

export class Brisk {
  readonly #time: BriskTime
  #asked = 0
  /** In this turn of the loop. */
  #spentMs = 0
  #sinceSlow = SLOW_APART
  #refuseUntilMs = 0

  constructor(time: BriskTime) {
    this.#time = time
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#asked++
    try {
      return await work()
    } finally {
      this.#asked--
    }
  }

  /** Whether an operation may `run` now. */
  get isOn(): boolean {
    if (this.#asked === 0 || this.#spentMs >= TURN_MS_MAX) return false
    return this.#refuseUntilMs === 0 || this.#time.nowMs() >= this.#refuseUntilMs
  }

  /** Rejects with a DiskError. */
  run<T>(path: string, operation: () => T): Promise<T> {
    const startedMs = this.#time.nowMs()
    try {
      return Promise.resolve(operation())
    } catch (error) {
      return Promise.reject(toDiskError(path, error))
    } finally {
      this.#took(startedMs)
    }
  }

  #took(startedMs: number): void {
    if (this.#spentMs === 0) {
      this.#time.nextTurn(() => {
        this.#spentMs = 0
      })
    }
    const nowMs = this.#time.nowMs()
    const tookMs = nowMs - startedMs
    this.#spentMs += tookMs
    const isSlow = tookMs > SLOW_MS
    this.#refuseUntilMs = isSlow && this.#sinceSlow < SLOW_APART ? nowMs + tookMs * SLOW_REST : 0
    this.#sinceSlow = isSlow ? 0 : this.#sinceSlow + 1
  }
}
