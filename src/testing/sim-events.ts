/**
 * The events of a simulation, in virtual time. Everything that completes later is an event here; of events at the same
 * microsecond the seed chooses the order. Time moves only from event to event.
 */
import type { SeededRandom } from './seeded-random.ts'
import type { SimTrace } from './sim-trace.ts'

/** A process of the simulation. Its events vanish with it. */
export interface SimProcess {
  alive: boolean
  /** Nothing of it runs before that moment: it was stopped, and will go on. */
  pausedUntilUs?: number
}

export interface SimEvent {
  atUs: number
  readonly order: number
  readonly name: string
  readonly process: SimProcess | null
  /** Null once it ran or was cancelled. Answers a number for the trace. */
  task: (() => number | void) | null
}

export class SimEvents {
  nowUs = 0
  readonly trace: SimTrace
  readonly #random: SeededRandom
  /** A binary heap: the next event is first. */
  #heap: SimEvent[] = []
  #cancelled = 0

  constructor(random: SeededRandom, trace: SimTrace) {
    this.#random = random
    this.trace = trace
  }

  schedule(delayUs: number, name: string, process: SimProcess | null, task: () => number | void): SimEvent {
    const atUs = this.nowUs + Math.max(0, Math.round(delayUs))
    const event: SimEvent = { atUs, order: this.#random.uint32(), name, process, task }
    this.#heap.push(event)
    this.#rise(this.#heap.length - 1)
    return event
  }

  /** Names of what a process still has to come: timers that it did not cancel, operations that did not end. */
  pendingOf(process: SimProcess): string[] {
    return this.#heap.flatMap(({ task, process: owner, name }) => (task !== null && owner === process ? [name] : []))
  }

  cancel(event: SimEvent): void {
    if (event.task === null) return
    event.task = null
    this.#cancelled += 1
    if (this.#cancelled > 1000 && this.#cancelled > this.#heap.length / 2) this.#sweep()
  }

  /** When the next event is due; null when there is none. */
  nextUs(): number | null {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined) return null
      if (first.task !== null && first.process?.alive !== false) return first.atUs
      if (first.task === null) this.#cancelled -= 1
      this.#removeFirst()
    }
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    if (this.nextUs() === null) return false
    const event = this.#heap[0]
    if (event === undefined || event.task === null) return false
    this.#removeFirst()
    const resumesUs = event.process?.pausedUntilUs ?? 0
    if (resumesUs > event.atUs) {
      event.atUs = resumesUs
      this.#heap.push(event)
      this.#rise(this.#heap.length - 1)
      return true
    }
    this.nowUs = event.atUs
    const task = event.task
    event.task = null
    const detail = task()
    this.trace.record(event.atUs, event.name, detail ?? 0)
    return true
  }

  #sweep(): void {
    const live = this.#heap.filter((event) => event.task !== null)
    this.#heap = []
    this.#cancelled = 0
    for (const event of live) {
      this.#heap.push(event)
      this.#rise(this.#heap.length - 1)
    }
  }

  #rise(from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#isBefore(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      let least = index
      if (left < heap.length && this.#isBefore(left, least)) least = left
      if (left + 1 < heap.length && this.#isBefore(left + 1, least)) least = left + 1
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #isBefore(a: number, b: number): boolean {
    const one = this.#heap[a]
    const other = this.#heap[b]
    if (one === undefined || other === undefined) return false
    return one.atUs < other.atUs || (one.atUs === other.atUs && one.order < other.order)
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const one = heap[a]
    const other = heap[b]
    if (one === undefined || other === undefined) return
    heap[a] = other
    heap[b] = one
  }
}
