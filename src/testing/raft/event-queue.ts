/** Simulated time: tasks in the order of their moment, and of their making within one. */
interface Task {
  readonly atMs: number
  readonly number: number
  readonly run: () => void
}

export class EventQueue {
  #nowMs = 0
  #made = 0
  readonly #heap: Task[] = []

  get nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap
    heap.push({ atMs: this.#nowMs + Math.max(0, delayMs), number: this.#made++, run })
    for (let at = heap.length - 1; at > 0;) {
      const above = (at - 1) >> 1
      if (!isBefore(heap[at]!, heap[above]!)) break
      ;[heap[at], heap[above]] = [heap[above]!, heap[at]!]
      at = above
    }
  }

  /** Runs all that is due until `untilMs`; returns how many tasks ran. */
  run(untilMs: number): number {
    let count = 0
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop()
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
      count += 1
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
    return count
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    heap[0] = last
    for (let at = 0; ;) {
      const left = 2 * at + 1
      if (left >= heap.length) return
      const right = left + 1
      const least = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left
      if (!isBefore(heap[least]!, heap[at]!)) return
      ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
      at = least
    }
  }
}

function isBefore(left: Task, right: Task): boolean {
  return left.atMs !== right.atMs ? left.atMs < right.atMs : left.number < right.number
}
