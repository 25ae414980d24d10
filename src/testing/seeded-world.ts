/**
 * A World that follows from one number: every completion is an event in virtual time, in an order that the seed chooses.
 * One seed run twice gives the same `trace.hash`.
 *
 *     const world = new SeededWorld(7)
 *     await world.run(async () => { … world.disk … })
 *
 * `run` takes one real task of the loop per event, so that all microtasks of an event have run before the next. The
 * world is that of its first machine; `node(name)` gives others on the same network.
 */
import { assert } from '../base/errors.ts'
import type { Clock, Compute, Disk, Network, Random, World } from '../world/world.ts'
import { forbidRealTime } from './real-time-ban.ts'
import { SeededNetwork } from './seeded-network.ts'
import { SeededNode } from './seeded-node.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimEvents } from './sim-events.ts'
import { SimTrace } from './sim-trace.ts'

export interface SeededWorldOptions {
  /** A run that needs more virtual time than this fails. An hour when left out. */
  readonly virtualMsMax?: number
  /** Clocks of machines differ by up to this, and run up to 100 ppm fast or slow. Zero: all are right. 500 when left out. */
  readonly clockSkewMs?: number
}

export class SeededWorld implements World {
  readonly seed: number
  readonly trace = new SimTrace()
  readonly network: Network
  /** Partitions, latencies and breaks. */
  readonly net: SeededNetwork
  /** For the choices of a test itself. */
  readonly choices: SeededRandom
  readonly #events: SimEvents
  readonly #random: SeededRandom
  readonly #nodes = new Map<string, SeededNode>()
  readonly #virtualUsMax: number
  readonly #clockSkewMs: number
  #driving = false
  /** Runs after each event and all that followed from it: what must hold always is checked here. */
  afterEvent: (() => void) | null = null

  constructor(seed: number, options: SeededWorldOptions = {}) {
    this.seed = seed
    this.#virtualUsMax = (options.virtualMsMax ?? 3_600_000) * 1000
    this.#clockSkewMs = options.clockSkewMs ?? 500
    this.#random = new SeededRandom(seed)
    this.choices = this.#random.fork('choices')
    this.#events = new SimEvents(this.#random.fork('events'), this.trace)
    this.net = new SeededNetwork(this.#events, this.#random.fork('network'))
    this.network = {
      listen: (address, accept) => this.main.world.network.listen(address, accept),
      connect: (address, signal) => this.main.world.network.connect(address, signal),
    }
    this.node('main')
  }

  /** The first machine: the one that `clock`, `disk` and the others belong to. */
  get main(): SeededNode {
    return this.node('main')
  }

  get clock(): Clock {
    return this.main.world.clock
  }

  get random(): Random {
    return this.main.world.random
  }

  get disk(): Disk {
    return this.main.world.disk
  }

  get compute(): Compute {
    return this.main.world.compute
  }

  /** The machine of this name; made when it is first asked for. */
  node(name: string): SeededNode {
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const random = this.#random.fork(name)
    const skewMs = this.#clockSkewMs
    const skew = {
      offsetMs: skewMs === 0 ? 0 : random.between(-skewMs, skewMs),
      driftPpm: skewMs === 0 ? 0 : random.between(-100, 100),
    }
    const node = new SeededNode(name, `10.0.0.${this.#nodes.size + 1}`, this.#events, random, this.net, skew)
    this.#nodes.set(name, node)
    return node
  }

  /** Milliseconds of virtual time since the start. */
  elapsedMs(): number {
    return this.#events.nowUs / 1000
  }

  /** Runs events until `task` has ended. Fails when none is left while it still waits. */
  async run<T>(task: (world: this) => Promise<T>): Promise<T> {
    return this.#driven(async () => {
      let settled = false
      const outcome = task(this)
      const settle = (): void => {
        settled = true
      }
      outcome.then(settle, settle)
      let isFirst = true
      await eachTurn(() => {
        if (!isFirst) this.afterEvent?.()
        isFirst = false
        if (settled) return false
        if (this.#events.nowUs > this.#virtualUsMax) throw this.#failure('more virtual time has passed than allowed')
        if (!this.#events.step()) throw this.#failure('no event is left, and the task still waits: a deadlock')
        return true
      })
      return outcome
    })
  }

  /** Runs all events of the next `ms` of virtual time. */
  async advance(ms: number): Promise<void> {
    if (this.#driving) {
      // Inside `run`, which drives already.
      await new Promise<void>((resolve) => this.#events.schedule(ms * 1000, 'advance', null, resolve))
      return
    }
    await this.#driven(async () => {
      const endUs = this.#events.nowUs + Math.round(ms * 1000)
      await eachTurn(() => {
        const nextUs = this.#events.nextUs()
        return nextUs !== null && nextUs <= endUs && this.#events.step()
      })
      this.#events.nowUs = Math.max(this.#events.nowUs, endUs)
    })
  }

  async #driven<T>(drive: () => Promise<T>): Promise<T> {
    assert(!this.#driving, 'one run at a time drives a simulation')
    this.#driving = true
    const permit = forbidRealTime()
    try {
      return await drive()
    } catch (error) {
      if (error instanceof Error && !error.message.startsWith('seed ')) {
        error.message = `seed ${this.seed}, at ${this.elapsedMs()} ms: ${error.message}`
      }
      throw error
    } finally {
      permit()
      this.#driving = false
    }
  }

  #failure(what: string): Error {
    const lines = this.trace.tail().map((line) => `\n  ${line}`)
    return new Error(
      `seed ${this.seed}: ${what}, at ${this.elapsedMs()} ms, after ${this.trace.events} events:${lines.join('')}`,
    )
  }
}

/** So many tasks are queued at a time: a round of the loop costs several times what a task does. */
const TURNS_PER_ROUND = 64

/**
 * Calls `turn` until it answers false, each time as a task of its own: everything that promises can still do without an
 * event has happened before the next. Rejects with what it throws.
 */
function eachTurn(turn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false
    const one = (): void => {
      if (isOver) return
      try {
        isOver = !turn()
        if (isOver) resolve()
      } catch (error) {
        isOver = true
        reject(error)
      }
    }
    const round = (): void => {
      if (isOver) return
      for (let count = 0; count < TURNS_PER_ROUND; count++) setImmediate(one)
      setImmediate(round)
    }
    round()
  })
}
