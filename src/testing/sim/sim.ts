/**
 * What the parts of one simulated broker share beside the run: the truth that checkers know, and the broker. Workloads, faults
 * and checkers know this and nothing of each other.
 */
import type { SeededWorld } from '../seeded-world.ts'
import { SimRun } from '../sim-run.ts'
import { ChunkPool } from '../../rpc/chunk-pool.ts'
import type { Counter } from './counters.ts'
import type { GroupTruth } from './group-truth.ts'
import type { LogTruth } from './log-truth.ts'
import type { SimBroker } from './sim-broker.ts'
import type { Settings } from './settings.ts'
import type { TopicTruth } from './topic-truth.ts'

const LINES_MAX = 2000
/** After the last fault, everything must be served again within this. */
export const HEAL_MS_MAX = 60_000

export class Sim extends SimRun<Counter> {
  readonly settings: Settings
  readonly pool = new ChunkPool({ freeBytesMax: 8 << 20, poison: true })
  readonly topics: TopicTruth
  readonly logs: LogTruth
  readonly groups: GroupTruth
  broker: SimBroker
  /** What is read from the disk may be wrong: observations do not count. */
  rotting = false

  constructor(world: SeededWorld, settings: Settings, parts: (sim: Sim) => SimParts) {
    super(world, LINES_MAX)
    this.settings = settings
    const { topics, logs, groups, broker } = parts(this)
    this.topics = topics
    this.logs = logs
    this.groups = groups
    this.broker = broker
  }
}

export interface SimParts {
  readonly topics: TopicTruth
  readonly logs: LogTruth
  readonly groups: GroupTruth
  readonly broker: SimBroker
}
