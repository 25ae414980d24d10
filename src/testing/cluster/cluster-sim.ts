/**
 * What the parts of one simulated cluster share: the world, the nodes, what is true, the counters, the event log, and how a
 * part says that something is wrong. Workloads, faults and checks know this and nothing of each other.
 */
import type { SeededRandom } from '../seeded-random.ts'
import type { SeededWorld } from '../seeded-world.ts'
import { ClusterNode } from './cluster-node.ts'
import type { Counter } from './counters.ts'
import { RecordTruth } from './record-truth.ts'
import { BROKER_PORT, type ClusterSettings } from './settings.ts'

/** A promise of the cluster does not hold. */
export class SimFailure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SimFailure'
  }
}

/** Lines kept of the event log; older ones are dropped. */
const LINES_MAX = 6000
/** After the last fault, everything must be served again within this. */
export const HEAL_MS_MAX = 90_000

export class ClusterSim {
  readonly world: SeededWorld
  readonly settings: ClusterSettings
  readonly counters = new Map<Counter, number>()
  readonly lines: string[] = []
  readonly nodes: readonly ClusterNode[]
  readonly records: RecordTruth
  /** What the operator was told of topics, or what he was told nothing certain of. */
  readonly topics = new Map<string, 'there' | 'gone' | 'perhaps'>()
  /** No new faults; what was broken is mended. */
  healedAtMs: number | null = null
  /** Workloads finish what they began, and end. */
  stopping = false
  /** Faults that are under way now. */
  faultsUnderWay = 0
  #fail: (error: unknown) => void = () => {}
  /** Rejects when something is wrong. */
  readonly failed: Promise<never>

  constructor(world: SeededWorld, settings: ClusterSettings) {
    this.world = world
    this.settings = settings
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.failed.catch(() => undefined)
    this.records = new RecordTruth(this)
    this.nodes = settings.nodes.map((node) => new ClusterNode(this, node))
  }

  get nowMs(): number {
    return this.world.elapsedMs()
  }

  get brokers(): readonly ClusterNode[] {
    return this.nodes.filter(({ isBroker }) => isBroker)
  }

  get bootstrap(): string[] {
    return this.brokers.map(({ name }) => `${name}:${BROKER_PORT}`)
  }

  random(name: string): SeededRandom {
    return this.world.choices.fork(name)
  }

  sometimes(what: Counter): void {
    this.counters.set(what, (this.counters.get(what) ?? 0) + 1)
  }

  note(who: string, what: string): void {
    this.lines.push(`${this.nowMs.toFixed(3).padStart(11)} ${who.padEnd(10)} ${what}`)
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

  /** Every partition is led, and all its replicas are in sync, as all brokers see it. */
  get isCalm(): boolean {
    return this.unrest === null
  }

  /** What is not yet as it should be; null: nothing. */
  get unrest(): string | null {
    for (const node of this.nodes) if (!node.isUp) return `${node.name} is down`
    for (const { name, inside } of this.brokers) {
      const image = inside?.services.image()
      if (image === undefined) return `${name} is down`
      for (const topic of image.topics.all()) {
        for (const [index, { leader, isr, replicas }] of topic.partitions.entries()) {
          if (leader < 0) return `${topic.name}-${index} has no leader at ${name}`
          if (isr.length < replicas.length)
            return `${topic.name}-${index} has in sync [${isr}] of [${replicas}] at ${name}`
        }
      }
      for (const id of this.brokers.map((broker) => broker.id)) {
        if (image.cluster.brokers.get(id)?.fenced !== false) return `broker ${id} is fenced at ${name}`
      }
    }
    return null
  }

  /** False: not within that time. */
  async waitFor(holds: () => boolean, withinMs: number): Promise<boolean> {
    const untilMs = this.nowMs + withinMs
    while (!holds()) {
      if (this.nowMs > untilMs) return false
      await this.sleep(100)
    }
    return true
  }
}
