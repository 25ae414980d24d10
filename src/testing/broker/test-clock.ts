/**
 * The time of a test broker: it goes on by itself, stands while paused, and jumps when told to.
 *
 * A jump is what a machine knows that slept: wall and monotonic clock stand later at once, then everything that became due
 * runs, in the order of its deadlines, each with all that it sets off in the broker before the next. What a timer sets anew
 * counts from the new time: a periodic task runs once however many periods were jumped over.
 */
import { nodeClock } from '../../world/node/clock.ts'
import type { Clock, Timer } from '../../world/world.ts'
import type { TestProcess } from './test-process.ts'

interface SetTimer {
  readonly deadlineMs: number
  readonly process: TestProcess
  readonly run: () => void
}

/** Turns of the loop without an operation under way after which nothing more follows. */
const IDLE_TURNS = 4
const TURNS_MAX = 100_000

export class TestClock {
  /** What is added to the machine's monotonic time. */
  #aheadMs = 0
  #standsAtMs: number | null = null
  readonly #wallAtZeroMs: number
  readonly #timers = new Set<SetTimer>()
  #armed: { readonly timer: Timer; readonly deadlineMs: number } | null = null
  /** Jumps come one after the other. */
  #jumps: Promise<void> = Promise.resolve()
  /** Whether operations are under way that will end without time going on. */
  readonly #isBusy: () => boolean

  /** @internal */
  constructor(startMs: number | null, isBusy: () => boolean) {
    this.#wallAtZeroMs = (startMs ?? nodeClock.wallMs()) - nodeClock.monotonicMs()
    this.#isBusy = isBusy
  }

  /** Milliseconds since 1970, as the broker sees them. */
  now(): number {
    return Math.floor(this.#wallAtZeroMs + this.#monotonicMs())
  }

  get isPaused(): boolean {
    return this.#standsAtMs !== null
  }

  /** Time stands: no timer of the broker runs, but what clients ask for is still done. */
  pause(): void {
    this.#standsAtMs ??= this.#monotonicMs()
    this.#disarm()
  }

  /** Time goes on from where it stood. */
  resume(): void {
    if (this.#standsAtMs === null) return
    this.#aheadMs = this.#standsAtMs - nodeClock.monotonicMs()
    this.#standsAtMs = null
    this.#arm()
  }

  /** Jumps ahead and resolves when all that became due has been done. Also while paused. */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time can't go back: advance(${ms})`)
    this.#jumps = this.#jumps.then(() => this.#jump(ms))
    return this.#jumps
  }

  /** @internal The clock that one run of the broker gets; it dies with the run. */
  of(process: TestProcess): Clock {
    return {
      monotonicMs: () => this.#monotonicMs(),
      wallMs: () => this.now(),
      at: (deadlineMs, run) => this.#set({ deadlineMs, process, run }),
      soon: (run) =>
        nodeClock.soon(() => {
          if (process.isAlive) run()
        }),
    }
  }

  /** @internal Forgets the timers of a run that has ended. */
  ended(process: TestProcess): void {
    for (const timer of this.#timers) if (timer.process === process) this.#timers.delete(timer)
    if (this.#timers.size === 0) this.#disarm()
  }

  #monotonicMs(): number {
    return this.#standsAtMs ?? nodeClock.monotonicMs() + this.#aheadMs
  }

  #set(timer: SetTimer): Timer {
    if (!timer.process.isAlive) return { cancel() {} }
    this.#timers.add(timer)
    if (this.#armed === null || timer.deadlineMs < this.#armed.deadlineMs) this.#arm()
    return {
      cancel: () => {
        this.#timers.delete(timer)
        if (this.#timers.size === 0) this.#disarm()
      },
    }
  }

  async #jump(ms: number): Promise<void> {
    const wasPaused = this.isPaused
    this.pause()
    await this.#settled()
    const nowMs = this.#monotonicMs() + ms
    this.#standsAtMs = nowMs
    for (let due = this.#first(); due !== null && due.deadlineMs <= nowMs; due = this.#first()) {
      this.#run(due)
      await this.#settled()
    }
    if (!wasPaused) this.resume()
  }

  /** Everything that runs without time going on has run. */
  async #settled(): Promise<void> {
    let idle = 0
    for (let turns = 0; idle < IDLE_TURNS && turns < TURNS_MAX; turns++) {
      await new Promise<void>((resolve) => nodeClock.soon(resolve))
      idle = this.#isBusy() ? 0 : idle + 1
    }
  }

  #run(timer: SetTimer): void {
    this.#timers.delete(timer)
    timer.run()
  }

  #first(): SetTimer | null {
    let first: SetTimer | null = null
    for (const timer of this.#timers) if (first === null || timer.deadlineMs < first.deadlineMs) first = timer
    return first
  }

  #arm(): void {
    this.#disarm()
    if (this.isPaused) return
    const first = this.#first()
    if (first === null) return
    const { deadlineMs } = first
    const timer = nodeClock.at(deadlineMs - this.#aheadMs, () => {
      this.#armed = null
      for (let due = this.#first(); due !== null && due.deadlineMs <= this.#monotonicMs(); due = this.#first()) {
        this.#run(due)
        if (this.isPaused) return
      }
      this.#arm()
    })
    this.#armed = { timer, deadlineMs }
  }

  #disarm(): void {
    this.#armed?.timer.cancel()
    this.#armed = null
  }
}
