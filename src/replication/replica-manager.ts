/**
 * All partitions that this broker hosts, kept in step with the metadata: opens logs for new replicas, follows leadership,
 * deletes what was deleted.
 *
 * It takes neutral assignments, so that a LeaderAndIsr request can feed it as well as an image. `apply` resolves when every
 * log of a change is open: the image is published after that, so that a topic that a client can see can be used.
 */
import { KafkaError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { directoryOf } from '../metadata/online-directories.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'
import { forEachBounded } from '../storage/bounded.ts'
import type { CreateOptions, LogManager } from '../storage/log-manager.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import type { PartitionContext } from './leader-state.ts'
import { Partition, type Assignment } from './partition.ts'
import type { Followers } from './replica-fetchers.ts'

export interface ReplicaManagerOptions {
  readonly context: PartitionContext
  readonly logs: LogManager
  readonly logger: Logger
  readonly followers: Followers
}

/** A topic as it is now, and which of its partitions differ from before. */
export interface ChangedTopic {
  readonly after: TopicImage
  /** Numbers of the partitions that are new or differ. */
  readonly partitions: Iterable<number>
}

/** Logs opened at the same time when a change brings many. */
const OPENING_MAX = 16

export class ReplicaManager {
  readonly #options: ReplicaManagerOptions
  readonly #topics = new Map<string, (Partition | undefined)[]>()

  constructor(options: ReplicaManagerOptions) {
    this.#options = options
    const { logs } = options
    logs.onMoved((log) => {
      const { topic, partition } = log.topicPartition
      this.partition(topic, partition)?.moved(log)
    })
    logs.onDirectoryFailed(({ partitions }) => {
      for (const { topic, partition } of partitions) this.partition(topic, partition)?.goOffline()
    })
  }

  /** Null: not hosted here. */
  partition(topic: string, index: number): Partition | null {
    return this.#topics.get(topic)?.[index] ?? null
  }

  *partitions(): IterableIterator<Partition> {
    for (const topic of this.#topics.values())
      for (const partition of topic) if (partition !== undefined) yield partition
  }

  partitionsOf(topic: string): readonly Partition[] {
    return (this.#topics.get(topic) ?? []).filter((partition) => partition !== undefined)
  }

  /** Followers that have been behind for too long leave the ISR of what is led here. */
  shrinkIsrs(): void {
    for (const partition of this.partitions()) partition.shrinkIsr()
  }

  /** The topics that the node starts with: a replica without a log may have one in a directory that is offline. */
  load(topics: readonly TopicImage[]): Promise<void> {
    return this.#follow(
      topics.map((after) => ({ after, partitions: after.partitions.keys() })),
      false,
    )
  }

  /** Topics that were deleted (as they were) first, then those created or changed. */
  async apply(deleted: readonly TopicImage[], changed: readonly ChangedTopic[]): Promise<void> {
    for (const topic of deleted) await this.#remove(topic)
    await this.#follow(changed, true)
  }

  /** `isNew`: replicas that come here had no log here before. */
  async #follow(changed: readonly ChangedTopic[], isNew: boolean): Promise<void> {
    const opening: (() => Promise<void>)[] = []
    for (const { after, partitions } of changed) {
      for (const index of partitions) {
        const image = after.partitions[index]
        if (image !== undefined) this.#followOne(after, index, image, isNew, opening)
      }
    }
    await forEachBounded(opening, OPENING_MAX, (open) => open())
  }

  #followOne(
    topic: TopicImage,
    index: number,
    image: PartitionImage,
    isNew: boolean,
    opening: (() => Promise<void>)[],
  ): void {
    const hosted = image.replicas.includes(this.#options.context.nodeId)
    const partition = this.partition(topic.name, index)
    const assignment = assignmentOf(image)
    if (partition !== null) {
      opening.push(() => (hosted ? this.#assign(partition, assignment) : this.#removePartition(partition)))
    } else if (hosted) {
      const directoryId = directoryOf(image, this.#options.context.nodeId)
      opening.push(() => this.#host(topic, index, assignment, { topicId: topic.id, isNew, directoryId }))
    }
  }

  /**
   * A change of the leader or its epoch ends what was followed before: a leader's epoch begins where the last append of its
   * predecessor ended, and a new leader may disagree with the old one. Changes of the ISR disturb nobody.
   */
  async #assign(partition: Partition, assignment: Assignment): Promise<void> {
    const { followers } = this.#options
    const before = partition.assignment
    const isSameEpoch = assignment.leader === before.leader && assignment.leaderEpoch === before.leaderEpoch
    if (!isSameEpoch && !partition.isLeader) await followers.remove(partition)
    partition.assign(assignment)
    if (!isSameEpoch) this.#followLeader(partition)
  }

  #followLeader(partition: Partition): void {
    const { leader } = partition.assignment
    if (leader >= 0 && !partition.isLeader && partition.log !== null) this.#options.followers.add(partition)
  }

  async #host(topic: TopicImage, index: number, assignment: Assignment, options: CreateOptions): Promise<void> {
    let log: PartitionLog | null = null
    try {
      log = await this.#options.logs.getOrCreate(topic.name, index, options)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#options.logger.error(`the log of ${topic.name}-${index} could not be opened`, error)
    }
    this.#put(topic, index, log, assignment)
  }

  #put(topic: TopicImage, index: number, log: PartitionLog | null, assignment: Assignment): void {
    const identity = { topic: topic.name, index, topicId: topic.id }
    const partitions = this.#topics.get(topic.name) ?? []
    const partition = new Partition(identity, this.#options.context, log, assignment)
    partitions[index] = partition
    this.#topics.set(topic.name, partitions)
    this.#followLeader(partition)
  }

  async #remove(topic: TopicImage): Promise<void> {
    for (const partition of this.partitionsOf(topic.name)) await this.#removePartition(partition)
    this.#topics.delete(topic.name)
  }

  async #removePartition(partition: Partition): Promise<void> {
    partition.remove()
    delete this.#topics.get(partition.topic)?.[partition.index]
    await this.#options.followers.remove(partition)
    try {
      await this.#options.logs.delete(partition.topic, partition.index)
    } catch (error) {
      this.#options.logger.error(`the log of ${partition.name} could not be deleted`, error)
    }
  }
}

function assignmentOf(image: PartitionImage): Assignment {
  const { leader, leaderEpoch, partitionEpoch, isr, replicas } = image
  return { leader, leaderEpoch, partitionEpoch, isr, replicas }
}
