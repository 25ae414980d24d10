/**
 * One simulated run, whatever is simulated: its world, its counters and event log, its time, and how a part says that
 * something is wrong; and what is told of it when it is over.
 */
import type { SeededRandom } from './seeded-random.ts'
import type { SeededWorld } from './seeded-world.ts'

/** A promise does not hold. */
export class SimFailure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SimFailure'
  }
}

export interface SimOutcome<Counter extends string = string> {
  readonly seed: number
  /** Null: everything held. */
  readonly error: unknown
  readonly hash: string
  readonly events: number
  readonly virtualMs: number
  readonly counters: ReadonlyMap<Counter, number>
  /** The event log: what happened, oldest first. */
  readonly lines: readonly string[]
}

export interface SimulateOptions {
  readonly quick: boolean
  /** Learns how to end the run from outside: for promises that nobody caught. */
  readonly onStart?: (fail: (error: unknown) => void) => void
}

export class SimRun<Counter extends string> {
  readonly world: SeededWorld
  readonly counters = new Map<Counter, number>()
  readonly lines: string[] = []
  /** No new faults; what was broken is mended. */
  healedAtMs: number | null = null
  /** Workloads finish what they began, and end. */
  stopping = false
  /** Lines kept of the event log; older ones are dropped. */
  readonly #linesMax: number
  #fail: (error: unknown) => void = () => {}
  /** Rejects when something is wrong. */
  readonly failed: Promise<never>

  constructor(world: SeededWorld, linesMax: number) {
    this.world = world
    this.#linesMax = linesMax
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.failed.catch(() => undefined)
  }

  get nowMs(): number {
    return this.world.elapsedMs()
  }

  random(name: string): SeededRandom {
    return this.world.choices.fork(name)
  }

  sometimes(what: Counter): void {
    this.counters.set(what, (this.counters.get(what) ?? 0) + 1)
  }

  note(who: string, what: string): void {
    this.lines.push(`${this.nowMs.toFixed(3).padStart(11)} ${who.padEnd(12)} ${what}`)
    if (this.lines.length > this.#linesMax) this.lines.splice(0, this.#linesMax / 2)
  }

  /** Ends the run. */
  fail(error: unknown): void {
    if (error instanceof Error) this.note('FAILED', error.message)
    this.#fail(error)
  }

  check(holds: boolean, rule: () => string): asserts holds {
    if (holds) return
    const failure = new SimFailure(rule())
    this.fail(failure)
    throw failure
  }

  sleep(ms: number): Promise<void> {
    const { clock } = this.world.node('observer').world
    return new Promise((resolve) => void clock.at(clock.monotonicMs() + ms, resolve))
  }

  /** Drives the story until it ends, or something is wrong. */
  async play(story: () => Promise<void>): Promise<SimOutcome<Counter>> {
    let error: unknown = null
    try {
      await this.world.run(() => Promise.race([this.failed, story()]))
    } catch (cause) {
      error = cause
    }
    const { seed, trace } = this.world
    const { counters, lines } = this
    return { seed, error, hash: trace.hash, events: trace.events, virtualMs: this.nowMs, counters, lines }
  }
}
