/**
 * Tells the controller in which log directory each replica of this broker lies (KIP-858), whenever the metadata says
 * otherwise: after the creation of a topic on a broker with several directories, after a move, after a start with a
 * replica elsewhere. The controller needs it to know what a failed directory takes with it.
 *
 * Reports are sent one after the other, each with all that is then known to differ; what is refused is told again by the
 * next change of the topic, or the next start.
 */
import { errorName } from '../base/error-codes.ts'
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import { directoriesSupported } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import { AssignReplicasToDirsRequest } from '../protocol/generated/assign-replicas-to-dirs.ts'
import type { LogManager } from '../storage/log-manager.ts'

export interface DirectoryAssignmentsOptions {
  readonly nodeId: number
  readonly logger: Logger
  readonly logs: LogManager
  readonly controller: Pick<ControllerApi, 'assignReplicasToDirs'>
  readonly image: () => MetadataImage
  readonly brokerEpoch: () => number
}

export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions
  /** Names of topics to look at. */
  readonly #suspects = new Set<string>()
  #isReporting = false

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options
    options.logs.onMoved(({ topicPartition: { topic } }) => this.check([topic]))
  }

  checkAll(): void {
    this.check([...this.#options.image().topics.all()].map(({ name }) => name))
  }

  /** Reports what of these topics lies elsewhere than the metadata says. */
  check(topics: Iterable<string>): void {
    for (const topic of topics) this.#suspects.add(topic)
    if (!this.#isReporting) void this.#report()
  }

  async #report(): Promise<void> {
    this.#isReporting = true
    try {
      await this.#reportAll()
    } finally {
      this.#isReporting = false
    }
  }

  async #reportAll(): Promise<void> {
    const { nodeId, logger, controller, image, brokerEpoch } = this.#options
    // A report is a change of the metadata, after which its topics are looked at again: nothing differs then.
    while (this.#suspects.size > 0) {
      const names = [...this.#suspects]
      this.#suspects.clear()
      if (!directoriesSupported(image().features.metadataVersion)) return
      const directories = this.#elsewhere(names)
      if (directories.size === 0) continue
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
      try {
        const { errorCode = 0 } = await controller.assignReplicasToDirs(request, { apiVersion: 0, clientHost: null })
        if (errorCode !== 0) logger.warn(`The controller refused where replicas lie: ${errorName(errorCode)}`)
      } catch (error) {
        logger.warn('The controller could not be told where replicas lie', error)
      }
    }
  }

  /** By directory, then topic id: partitions. */
  #elsewhere(names: readonly string[]): Map<Uuid, Map<Uuid, number[]>> {
    const found = new Map<Uuid, Map<Uuid, number[]>>()
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

  *#misplaced({ name, partitions }: TopicImage): Generator<readonly [number, Uuid]> {
    const { nodeId, logs } = this.#options
    for (const [index, { replicas, directories }] of partitions.entries()) {
      const at = replicas.indexOf(nodeId)
      const actual = at < 0 ? null : logs.directoryOf(name, index)
      if (actual !== null && directories[at] !== actual.id) yield [index, actual.id]
    }
  }
}
