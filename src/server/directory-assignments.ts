/**
 * Tells the controller in which log directory each replica of this broker lies (KIP-858), whenever the metadata says
 * otherwise: after the creation of a topic on a broker with several directories, before and after a move, after a start with
 * a replica elsewhere. The controller needs it to know what a failed directory takes with it.
 *
 * A move claims its target before the replica is served from there, and goes on when the metadata has it. Reports are sent one
 * after the other, each with all that is then known to differ; what fails or is refused is told again, later and later.
 */
import { errorName } from '../base/error-codes.ts'
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { directoriesSupported } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import {
  AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
} from '../protocol/generated/assign-replicas-to-dirs.ts'
import type { LogManager, ReplicaName, ReplicaPlaces } from '../storage/log-manager.ts'
import { topicPartitionName } from '../storage/topic-partition.ts'
import type { Clock, Timer } from '../world/world.ts'

export interface DirectoryAssignmentsOptions {
  readonly nodeId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly logs: Pick<LogManager, 'directoryOf' | 'onMoved' | 'onDirectoryFailed'>
  readonly controller: Pick<ControllerApi, 'assignReplicasToDirs'>
  readonly image: () => MetadataImage
  readonly brokerEpoch: () => number
}

/** What the metadata is to say, though the replica lies elsewhere or nowhere now. */
interface Claim {
  readonly topicId: Uuid | null
  readonly directoryId: Uuid
  /** The metadata has it. Of a move that was given up nothing more is to be kept then. */
  readonly agreed: () => void
}

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 30_000

export class DirectoryAssignments implements ReplicaPlaces {
  readonly #options: DirectoryAssignmentsOptions
  /** Names of topics to look at. */
  readonly #suspects = new Set<string>()
  /** Those of reports that failed since. */
  readonly #later = new Set<string>()
  readonly #claims = new Map<string, Claim>()
  #phase: 'waiting' | 'running' | 'closed' = 'waiting'
  #isReporting = false
  #retry: Timer | null = null
  #retryMs = RETRY_MS_MIN

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options
    options.logs.onMoved(({ topicPartition: { topic, partition } }) => {
      this.#claims.delete(topicPartitionName(topic, partition))
      this.check([topic])
    })
    // The controller may not have heard yet that they lay there: it would wait for a leader that can't serve.
    options.logs.onDirectoryFailed(({ id, partitions }) => {
      for (const replica of partitions) this.#tellOnce(replica, id)
      this.check(new Set(partitions.map(({ topic }) => topic)))
    })
  }

  /** The broker is registered. Looks at all topics. */
  start(): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'running'
    this.check([...this.#options.image().topics.all()].map(({ name }) => name))
  }

  close(): void {
    this.#phase = 'closed'
    this.#retry?.cancel()
  }

  /** Reports what of these topics lies elsewhere than the metadata says. */
  check(topics: Iterable<string>): void {
    for (const topic of topics) this.#suspects.add(topic)
    if (!this.#isReporting && this.#phase === 'running') void this.#report()
  }

  claim({ topic, partition, topicId }: ReplicaName, directoryId: Uuid): Promise<void> {
    return new Promise((agreed) => {
      this.#claims.set(topicPartitionName(topic, partition), { topicId, directoryId, agreed })
      this.check([topic])
    })
  }

  /** Also where that directory is offline: the controller is to know what is lost with it. */
  disclaim(replica: ReplicaName, directoryId: Uuid): void {
    this.#tellOnce(replica, directoryId)
    this.check([replica.topic])
  }

  #tellOnce({ topic, partition, topicId }: ReplicaName, directoryId: Uuid): void {
    const name = topicPartitionName(topic, partition)
    this.#claims.set(name, { topicId, directoryId, agreed: () => this.#claims.delete(name) })
  }

  async #report(): Promise<void> {
    this.#isReporting = true
    try {
      // A report is a change of the metadata, after which its topics are looked at again: nothing differs then. No wait
      // between the last look and the end: what is suspected meanwhile would stay so.
      while (this.#suspects.size > 0 && this.#phase === 'running') {
        const names = [...this.#suspects]
        this.#suspects.clear()
        const directories = this.#elsewhere(names)
        if (directories.size > 0) await this.#tell(names, directories)
      }
    } finally {
      this.#isReporting = false
    }
  }

  async #tell(names: readonly string[], directories: ReadonlyMap<Uuid, ReadonlyMap<Uuid, number[]>>): Promise<void> {
    const { nodeId, controller, brokerEpoch } = this.#options
    const request = AssignReplicasToDirsRequest.make({
      brokerId: nodeId,
      brokerEpoch: brokerEpoch(),
      directories: [...directories].map(([id, topics]) => ({
        id,
        topics: [...topics].map(([topicId, partitions]) => ({
          topicId,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
        })),
      })),
    })
    const problem = await controller
      .assignReplicasToDirs(request, { apiVersion: 0, clientHost: null })
      .then(refusalIn, (error: unknown) => (error instanceof Error ? error.message : String(error)))
    if (problem === null) this.#retryMs = RETRY_MS_MIN
    else this.#reportLater(names, problem)
  }

  #reportLater(topics: readonly string[], problem: string): void {
    if (this.#phase !== 'running') return
    const { clock, logger } = this.#options
    logger.warn(`The controller did not take where replicas lie, it is told again in ${this.#retryMs} ms: ${problem}`)
    for (const topic of topics) this.#later.add(topic)
    this.#retry?.cancel()
    this.#retry = clock.at(clock.monotonicMs() + this.#retryMs, () => {
      const again = [...this.#later]
      this.#later.clear()
      this.check(again)
    })
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX)
  }

  /** By directory, then topic id: partitions. Nothing where the metadata knows no directories, and whatever is claimed is right. */
  #elsewhere(names: readonly string[]): Map<Uuid, Map<Uuid, number[]>> {
    const found = new Map<Uuid, Map<Uuid, number[]>>()
    if (!directoriesSupported(this.#options.image().features.metadataVersion)) {
      for (const { agreed } of [...this.#claims.values()]) agreed()
      return found
    }
    for (const name of names) {
      const topic = this.#options.image().topics.byName(name)
      if (topic === null) continue
      for (const [index, directory] of this.#misplaced(topic)) {
        const topics = found.get(directory) ?? new Map<Uuid, number[]>()
        found.set(directory, topics)
        topics.set(topic.id, [...(topics.get(topic.id) ?? []), index])
      }
    }
    return found
  }

  *#misplaced({ id, name, partitions }: TopicImage): Generator<readonly [number, Uuid]> {
    const { nodeId, logs } = this.#options
    for (const [index, { replicas, directories }] of partitions.entries()) {
      const at = replicas.indexOf(nodeId)
      if (at < 0) {
        this.#claims.delete(topicPartitionName(name, index))
        continue
      }
      const claim = this.#claimOf(name, index, id)
      const wanted = claim?.directoryId ?? logs.directoryOf(name, index)?.id ?? null
      if (wanted !== null && directories[at] !== wanted) yield [index, wanted]
      else claim?.agreed()
    }
  }

  /** One of a topic that was deleted since counts no more. */
  #claimOf(topic: string, index: number, topicId: Uuid): Claim | null {
    const name = topicPartitionName(topic, index)
    const claim = this.#claims.get(name)
    if (claim === undefined) return null
    if (claim.topicId === topicId) return claim
    this.#claims.delete(name)
    return null
  }
}

/** Null: all was taken. Refusals of single partitions are of such that are deleted or moved away, which is news on its way. */
function refusalIn({
  errorCode = 0,
}: {
  readonly errorCode?: AssignReplicasToDirsResponse['errorCode']
}): string | null {
  return errorCode === 0 ? null : (errorName(errorCode) ?? `error ${errorCode}`)
}
