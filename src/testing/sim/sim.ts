/**
 * What the parts of one simulated run share: the world, the truth that checkers know, the counters, the event log, and
 * how a part says that something is wrong. Workloads, faults and checkers know this and nothing of each other.
 */
import type { SeededRandom } from '../seeded-random.ts'
import type { SeededWorld } from '../seeded-world.ts'
import { ChunkPool } from '../../rpc/chunk-pool.ts'
import type { Counter } from './counters.ts'
import type { GroupTruth } from './group-truth.ts'
import type { LogTruth } from './log-truth.ts'
import type { SimBroker } from './sim-broker.ts'
import type { Settings } from './settings.ts'
import type { TopicTruth } from './topic-truth.ts'

/** A promise of the broker does not hold. */
export class SimFailure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SimFailure'
  }
}

/** Lines kept of the event log; older ones are dropped. */
const LINES_MAX = 2000
/** After the last fault, everything must be served again within this. */
export const HEAL_MS_MAX = 60_000

export class Sim {
  readonly world: SeededWorld
  readonly settings: Settings
  readonly counters = new Map<Counter, number>()
  readonly pool = new ChunkPool({ freeBytesMax: 8 << 20, poison: true })
  readonly lines: string[] = []
  readonly topics: TopicTruth
  readonly logs: LogTruth
  readonly groups: GroupTruth
  broker: SimBroker
  /** No new faults; what was broken is mended. */
  healedAtMs: number | null = null
  /** Workloads finish what they began, and end. */
  stopping = false
  /** What is read from the disk may be wrong: observations do not count. */
  rotting = false
  #fail: (error: unknown) => void = () => {}
  /** Rejects when something is wrong. */
  readonly failed: Promise<never>

  constructor(world: SeededWorld, settings: Settings, parts: (sim: Sim) => SimParts) {
    this.world = world
    this.settings = settings
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.failed.catch(() => undefined)
    const { topics, logs, groups, broker } = parts(this)
    this.topics = topics
    this.logs = logs
    this.groups = groups
    this.broker = broker
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
    if (this.lines.length > LINES_MAX) this.lines.splice(0, LINES_MAX / 2)
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
}

export interface SimParts {
  readonly topics: TopicTruth
  readonly logs: LogTruth
  readonly groups: GroupTruth
  readonly broker: SimBroker
}
