/**
 * Which partitions a broker leads, is in sync or eligible for, and which are without leader, with another than the preferred one, or
 * on the move: so that a heartbeat or the end of a broker costs what it concerns, not a walk over every partition.
 *
 * Derived from the appended topics and nothing else: it follows each change (`advance`), and is made anew (`follow`) when the topics
 * it is asked for are others than those that it knows, after lost writes or a fail-over.
 */
import type { Uuid } from '../base/uuid.ts'
import type { MetadataDelta } from '../metadata/delta.ts'
import { TopicsImage, type PartitionImage, type TopicImage } from '../metadata/topics-image.ts'
import { NO_LEADER } from './partition-changes.ts'
import { isReassigning } from './reassigned-replicas.ts'

export interface FoundTopic {
  readonly topic: TopicImage
  /** Their numbers. */
  readonly partitions: readonly number[]
}

type Partitions = Map<Uuid, Set<number>>

/** Partitions by a number: of a broker, or -1 where there is only one list. */
class PartitionLists {
  readonly #lists = new Map<number, Partitions>()

  add(key: number, topicId: Uuid, partitionId: number): void {
    let partitions = this.#lists.get(key)
    if (partitions === undefined) this.#lists.set(key, (partitions = new Map()))
    const ids = partitions.get(topicId)
    if (ids === undefined) partitions.set(topicId, new Set([partitionId]))
    else ids.add(partitionId)
  }

  remove(key: number, topicId: Uuid, partitionId: number): void {
    const partitions = this.#lists.get(key)
    const ids = partitions?.get(topicId)
    if (partitions === undefined || ids === undefined) return
    ids.delete(partitionId)
    if (ids.size === 0) partitions.delete(topicId)
    if (partitions.size === 0) this.#lists.delete(key)
  }

  has(key: number): boolean {
    return this.#lists.has(key)
  }

  *find(key: number, topics: TopicsImage): IterableIterator<FoundTopic> {
    for (const [id, partitions] of this.#lists.get(key) ?? []) {
      const topic = topics.byId(id)
      if (topic !== null) yield { topic, partitions: [...partitions] }
    }
  }
}

const ALL = -1

interface Lists {
  readonly leaders: PartitionLists
  readonly inSync: PartitionLists
  readonly eligible: PartitionLists
  readonly imbalanced: PartitionLists
  readonly reassigning: PartitionLists
}

const noLists = (): Lists => ({
  leaders: new PartitionLists(),
  inSync: new PartitionLists(),
  eligible: new PartitionLists(),
  imbalanced: new PartitionLists(),
  reassigning: new PartitionLists(),
})

export class PartitionIndex {
  #topics: TopicsImage = TopicsImage.EMPTY
  #lists: Lists = noLists()

  static of(topics: TopicsImage): PartitionIndex {
    return new PartitionIndex().follow(topics)
  }

  /** Of `topics`: at once if they are the known ones. */
  follow(topics: TopicsImage): this {
    if (topics === this.#topics) return this
    this.#topics = topics
    this.#lists = noLists()
    for (const topic of topics.all()) {
      for (const [partitionId, partition] of topic.partitions.entries()) this.#add(topic.id, partitionId, partition)
    }
    return this
  }

  /** By what a delta changed, if it is one of the known topics. */
  advance(delta: MetadataDelta, after: TopicsImage): void {
    if (delta.base.topics !== this.#topics) return
    this.#topics = after
    for (const topic of delta.deletedTopics()) {
      for (const [partitionId, partition] of topic.partitions.entries()) this.#remove(topic.id, partitionId, partition)
    }
    for (const { before, after: topic, partitions } of delta.changedTopics()) {
      for (const partitionId of partitions) {
        const old = before?.partitions[partitionId]
        if (old !== undefined) this.#remove(topic.id, partitionId, old)
        const partition = topic.partitions[partitionId]
        if (partition !== undefined) this.#add(topic.id, partitionId, partition)
      }
    }
  }

  hasLeaderships(brokerId: number): boolean {
    return this.#lists.leaders.has(brokerId)
  }

  inSyncOn(brokerId: number): IterableIterator<FoundTopic> {
    return this.#lists.inSync.find(brokerId, this.#topics)
  }

  eligibleOn(brokerId: number): IterableIterator<FoundTopic> {
    return this.#lists.eligible.find(brokerId, this.#topics)
  }

  get hasLeaderless(): boolean {
    return this.#lists.leaders.has(NO_LEADER)
  }

  leaderless(): IterableIterator<FoundTopic> {
    return this.#lists.leaders.find(NO_LEADER, this.#topics)
  }

  get hasImbalanced(): boolean {
    return this.#lists.imbalanced.has(ALL)
  }

  /** Led by another than their first replica, or by nobody. */
  imbalanced(): IterableIterator<FoundTopic> {
    return this.#lists.imbalanced.find(ALL, this.#topics)
  }

  reassigning(): IterableIterator<FoundTopic> {
    return this.#lists.reassigning.find(ALL, this.#topics)
  }

  #add(topicId: Uuid, partitionId: number, partition: PartitionImage): void {
    visit(this.#lists, partition, (lists, key) => lists.add(key, topicId, partitionId))
  }

  #remove(topicId: Uuid, partitionId: number, partition: PartitionImage): void {
    visit(this.#lists, partition, (lists, key) => lists.remove(key, topicId, partitionId))
  }
}

/** The lists that a partition belongs to. */
function visit(lists: Lists, partition: PartitionImage, each: (list: PartitionLists, key: number) => void): void {
  const { leader, isr, elr, replicas, addingReplicas, removingReplicas } = partition
  each(lists.leaders, leader)
  for (const id of isr) each(lists.inSync, id)
  for (const id of elr) each(lists.eligible, id)
  if (leader !== replicas[0]) each(lists.imbalanced, ALL)
  if (isReassigning(addingReplicas, removingReplicas)) each(lists.reassigning, ALL)
}
