/**
 * What the parts of one simulated cluster share beside the run: the nodes, what is true, and whether all is as it should be.
 * Workloads, faults and checks know this and nothing of each other.
 */
import type { PartitionImage } from '../../metadata/topics-image.ts'
import type { SeededWorld } from '../seeded-world.ts'
import { SimRun } from '../sim-run.ts'
import { ClusterNode } from './cluster-node.ts'
import type { Counter } from './counters.ts'
import { ReplicaPlaces } from './replica-places.ts'
import { RecordTruth } from './record-truth.ts'
import { TransactionTruth } from './transaction-truth.ts'
import { BROKER_PORT, CONTROLLER_PORT, type ClusterSettings } from './settings.ts'

const LINES_MAX = 6000
/** After the last fault, everything must be served again within this. */
export const HEAL_MS_MAX = 90_000

export class ClusterSim extends SimRun<Counter> {
  readonly settings: ClusterSettings
  readonly nodes: readonly ClusterNode[]
  readonly records: RecordTruth
  readonly transactions: TransactionTruth
  readonly places: ReplicaPlaces
  /** What the operator was told of topics, or what he was told nothing certain of. */
  readonly topics = new Map<string, 'there' | 'gone' | 'perhaps'>()
  /** Faults that are under way now. */
  faultsUnderWay = 0
  /** Some replica's disk: no other's then. */
  isRotting = false

  constructor(world: SeededWorld, settings: ClusterSettings) {
    super(world, LINES_MAX)
    this.settings = settings
    this.records = new RecordTruth(this)
    this.transactions = new TransactionTruth(this)
    this.places = new ReplicaPlaces(this)
    this.nodes = settings.nodes.map((node) => new ClusterNode(this, node))
  }

  get brokers(): readonly ClusterNode[] {
    return this.nodes.filter(({ isBroker }) => isBroker)
  }

  get controllers(): readonly ClusterNode[] {
    return this.nodes.filter(({ isController }) => isController)
  }

  get bootstrapControllers(): string[] {
    return this.controllers.map(({ name }) => `${name}:${CONTROLLER_PORT}`)
  }

  /** Of static voters. */
  get voterAddresses(): string[] {
    return this.controllers.map(({ id, name }) => `${id}@${name}:${CONTROLLER_PORT}`)
  }

  get bootstrap(): string[] {
    return this.brokers.map(({ name }) => `${name}:${BROKER_PORT}`)
  }

  /** That clients write to. */
  get partitions(): { topic: string; partition: number }[] {
    return this.settings.topics.flatMap(({ name: topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    )
  }

  /** As some broker sees it; null: none is up, or there is no such partition. */
  assignment(topic: string, partition: number): PartitionImage | null {
    for (const { inside } of this.brokers) {
      const found = inside?.services.image().topics.byName(topic)?.partitions[partition]
      if (found !== undefined) return found
    }
    return null
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
