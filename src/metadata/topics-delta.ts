/**
 * Replays topic and partition records on a TopicsImage. Touches only the topics that records name; a topic's partitions
 * are copied once per delta. Merge rules of PartitionChangeRecord: null fields mean unchanged, leader -2 means unchanged,
 * any stated leader (the same one too) starts a new leader epoch, each record a new partition epoch.
 */
import { OperationalError } from '../base/errors.ts'
import { DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED, type Uuid } from '../base/uuid.ts'
import type { PartitionChangeRecord } from '../protocol/generated/partition-change-record.ts'
import type { PartitionRecord } from '../protocol/generated/partition-record.ts'
import type { PartitionImage, TopicImage, TopicsImage } from './topics-image.ts'

const NO_LEADER_CHANGE = -2
const NO_BROKERS: readonly number[] = []

export interface TopicChange {
  /** Null: created. The same name with another id is a deletion and a creation. */
  readonly before: TopicImage | null
  readonly after: TopicImage
  /** Numbers of the partitions that are new or differ. */
  readonly partitions: ReadonlySet<number>
}

interface OpenTopic {
  readonly before: TopicImage | null
  readonly id: Uuid
  readonly name: string
  readonly partitions: PartitionImage[]
  readonly changed: Set<number>
}

export class TopicsDelta {
  readonly #image: TopicsImage
  readonly #open = new Map<Uuid, OpenTopic>()
  readonly #deleted = new Map<Uuid, TopicImage>()

  constructor(image: TopicsImage) {
    this.#image = image
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#deleted.size === 0
  }

  createTopic(name: string, id: Uuid): void {
    this.#open.set(id, { before: null, id, name, partitions: [], changed: new Set() })
  }

  removeTopic(id: Uuid): void {
    const topic = this.#image.byId(id)
    if (!this.#open.delete(id) && topic === null) throw corrupt(`RemoveTopicRecord for topic ${id}, which isn't there`)
    if (topic !== null) this.#deleted.set(id, topic)
  }

  /** The name, for what else goes with the topic; null if there is none. */
  nameOf(id: Uuid): string | null {
    if (this.#deleted.has(id)) return null
    return this.#open.get(id)?.name ?? this.#image.byId(id)?.name ?? null
  }

  putPartition(record: PartitionRecord): void {
    const topic = this.#openTopic(record.topicId)
    const { partitionId } = record
    if (partitionId < 0 || partitionId > topic.partitions.length) {
      throw corrupt(`partition ${partitionId} of ${topic.name}, which has ${topic.partitions.length}`)
    }
    topic.partitions[partitionId] = partitionOf(record)
    topic.changed.add(partitionId)
  }

  changePartition(record: PartitionChangeRecord): void {
    const topic = this.#openTopic(record.topicId)
    const before = topic.partitions[record.partitionId]
    if (before === undefined)
      throw corrupt(`change of partition ${record.partitionId} of ${topic.name}, which isn't there`)
    topic.partitions[record.partitionId] = changedPartition(before, record)
    topic.changed.add(record.partitionId)
  }

  /** An empty name means every topic. */
  clearElr(name: string): void {
    const named = name === '' ? [...this.#image.all()] : [this.#image.byName(name)]
    const ids = new Set<Uuid>()
    for (const topic of named) if (topic !== null && !this.#deleted.has(topic.id)) ids.add(topic.id)
    for (const topic of this.#open.values()) if (name === '' || topic.name === name) ids.add(topic.id)
    for (const id of ids) {
      const partitions = this.#open.get(id)?.partitions ?? this.#image.byId(id)?.partitions ?? []
      partitions.forEach((before, partitionId) => {
        if (before.elr.length === 0 && before.lastKnownElr.length === 0) return
        const topic = this.#openTopic(id)
        const partitionEpoch = before.partitionEpoch + 1
        topic.partitions[partitionId] = { ...before, partitionEpoch, elr: NO_BROKERS, lastKnownElr: NO_BROKERS }
        topic.changed.add(partitionId)
      })
    }
  }

  changedTopics(): TopicChange[] {
    return [...this.#open.values()].map(({ before, id, name, partitions, changed }) => {
      return { before, after: { id, name, partitions }, partitions: changed }
    })
  }

  deletedTopics(): TopicImage[] {
    return [...this.#deleted.values()]
  }

  apply(changes: readonly TopicChange[]): TopicsImage {
    const byName = new Map<string, TopicImage | null>()
    for (const topic of this.#deleted.values()) byName.set(topic.name, null)
    for (const { after } of changes) byName.set(after.name, after)
    return this.#image.with(byName)
  }

  #openTopic(id: Uuid): OpenTopic {
    const open = this.#open.get(id)
    if (open !== undefined) return open
    const before = this.#deleted.has(id) ? null : this.#image.byId(id)
    if (before === null) throw corrupt(`record for a partition of topic ${id}, which isn't there`)
    const topic: OpenTopic = {
      before,
      id,
      name: before.name,
      partitions: before.partitions.slice(),
      changed: new Set(),
    }
    this.#open.set(id, topic)
    return topic
  }
}

const corrupt = (detail: string): OperationalError => new OperationalError('LOG_CORRUPT', `metadata log: ${detail}`)

function partitionOf(record: PartitionRecord): PartitionImage {
  const { replicas } = record
  return {
    replicas,
    // Before 3.7-IV2 (version 0) replicas had no directories on record.
    directories:
      record.directories.length === 0 && replicas.length > 0
        ? replicas.map(() => DIRECTORY_MIGRATING)
        : record.directories,
    isr: shared(record.isr, replicas),
    leader: record.leader,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    addingReplicas: shared(record.addingReplicas, replicas),
    removingReplicas: shared(record.removingReplicas, replicas),
    leaderRecoveryState: record.leaderRecoveryState === 1 ? 1 : 0,
    elr: shared(record.eligibleLeaderReplicas ?? NO_BROKERS, replicas),
    lastKnownElr: shared(record.lastKnownElr ?? NO_BROKERS, replicas),
  }
}

/** The partition after a change record; the controller's deciders look ahead with it too. */
export function changedPartition(before: PartitionImage, record: PartitionChangeRecord): PartitionImage {
  const replicas = record.replicas ?? before.replicas
  const leaderStated = record.leader !== NO_LEADER_CHANGE
  let directories = before.directories
  if (record.directories !== null && record.directories.length > 0) directories = record.directories
  else if (record.replicas !== null) directories = movedDirectories(before, record.replicas)
  return {
    replicas,
    directories,
    isr: shared(record.isr ?? before.isr, replicas),
    leader: leaderStated ? record.leader : before.leader,
    leaderEpoch: leaderStated ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    addingReplicas: shared(record.addingReplicas ?? before.addingReplicas, replicas),
    removingReplicas: shared(record.removingReplicas ?? before.removingReplicas, replicas),
    leaderRecoveryState: recoveryState(record.leaderRecoveryState, before.leaderRecoveryState),
    elr: shared(record.eligibleLeaderReplicas ?? before.elr, replicas),
    lastKnownElr: shared(record.lastKnownElr ?? before.lastKnownElr, replicas),
  }
}

function recoveryState(stated: number, before: 0 | 1): 0 | 1 {
  if (stated === -1) return before
  return stated === 1 ? 1 : 0
}

/** A replica keeps its directory when the list of replicas changes around it. */
function movedDirectories(before: PartitionImage, replicas: readonly number[]): Uuid[] {
  return replicas.map((replica) => before.directories[before.replicas.indexOf(replica)] ?? DIRECTORY_UNASSIGNED)
}

/** One array for equal lists of a partition, and one for all empty ones. */
function shared(list: readonly number[], replicas: readonly number[]): readonly number[] {
  if (list.length === 0) return NO_BROKERS
  return list.length === replicas.length && list.every((broker, index) => broker === replicas[index]) ? replicas : list
}
