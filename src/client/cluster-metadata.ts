/**
 * What a client knows of its cluster: nodes, topics, leaders. A plain cache without I/O; network-client.ts fills it.
 *
 * A leader never goes back to an older epoch, unless the topic was made anew (another id), as in Java's client (KIP-320):
 * brokers learn of an election at different times, and an old one may be asked after a new one.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import { errorName } from '../base/error-codes.ts'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { MetadataResponse } from '../protocol/generated/metadata.ts'

export interface ClusterNode {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface PartitionMetadata {
  readonly partition: number
  /** -1: none. */
  readonly leader: number
  /** -1: the broker doesn't tell. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  /** ZERO_UUID: the broker doesn't tell. */
  readonly id: Uuid
  readonly isInternal: boolean
  /** By index; a partition that the answer left out is undefined. */
  readonly partitions: readonly PartitionMetadata[]
}

export class ClusterMetadata {
  #nodes = new Map<number, ClusterNode>()
  #topics = new Map<string, TopicMetadata>()
  /** Why a topic that was asked for is not there. */
  #errors = new Map<string, ErrorCode>()
  #nameOfId = new Map<Uuid, string>()
  #clusterId: string | null = null
  #controllerId = -1
  readonly #listeners = new Set<() => void>()

  get nodes(): ReadonlyMap<number, ClusterNode> {
    return this.#nodes
  }

  get topics(): ReadonlyMap<string, TopicMetadata> {
    return this.#topics
  }

  get clusterId(): string | null {
    return this.#clusterId
  }

  /** -1: unknown. */
  get controllerId(): number {
    return this.#controllerId
  }

  topic(name: string): TopicMetadata | null {
    return this.#topics.get(name) ?? null
  }

  /** Why `topic` is null; null also for a topic that was never asked for. */
  errorOf(name: string): ErrorCode | null {
    return this.#errors.get(name) ?? null
  }

  nameOf(id: Uuid): string | null {
    return this.#nameOfId.get(id) ?? null
  }

  partition(topic: string, partition: number): PartitionMetadata | null {
    return this.#topics.get(topic)?.partitions[partition] ?? null
  }

  /** The node that leads; null while none is known. */
  leader(topic: string, partition: number): ClusterNode | null {
    const known = this.partition(topic, partition)
    return known === null ? null : (this.#nodes.get(known.leader) ?? null)
  }

  /** Runs after each change. Returns the way to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Of an answer about the topics `asked`, or about all. Topics that are not in it are gone. */
  apply(answer: MetadataResponse, asked: ReadonlySet<string> | 'all'): void {
    if (answer.brokers.length > 0) {
      this.#nodes = new Map(
        answer.brokers.map(({ nodeId, host, port, rack }) => [nodeId, { id: nodeId, host, port, rack }]),
      )
    }
    this.#clusterId = answer.clusterId ?? this.#clusterId
    this.#controllerId = answer.controllerId
    const before = this.#topics
    const topics = new Map<string, TopicMetadata>()
    const errors = new Map<string, ErrorCode>()
    if (asked !== 'all') {
      for (const [name, topic] of before) if (!asked.has(name)) topics.set(name, topic)
      for (const [name, error] of this.#errors) if (!asked.has(name)) errors.set(name, error)
    }
    for (const topic of answer.topics) {
      const name = topic.name ?? this.nameOf(topic.topicId)
      if (name === null) continue
      const error = topic.errorCode === 0 ? null : (errorName(topic.errorCode) ?? 'UNKNOWN_SERVER_ERROR')
      const known = before.get(name)
      if (error === null || topic.partitions.length > 0) topics.set(name, topicOf(name, topic, known))
      // Nobody leads just now, or the broker is being told: what was known may still be right.
      else if (known !== undefined && error === 'LEADER_NOT_AVAILABLE') topics.set(name, known)
      if (error !== null) errors.set(name, error)
    }
    this.#topics = topics
    this.#errors = errors
    this.#nameOfId = new Map()
    for (const { id, name } of topics.values()) if (id !== ZERO_UUID) this.#nameOfId.set(id, name)
    this.#changed()
  }

  /** Forgets topics that are of no interest any more. */
  retain(interest: ReadonlySet<string> | 'all'): void {
    if (interest === 'all') return
    for (const [name, { id }] of this.#topics) {
      if (interest.has(name)) continue
      this.#topics.delete(name)
      this.#nameOfId.delete(id)
    }
    for (const name of this.#errors.keys()) if (!interest.has(name)) this.#errors.delete(name)
  }

  /** What an answer about nodes alone tells. */
  applyNodes(nodes: readonly ClusterNode[], clusterId: string, controllerId: number): void {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]))
    this.#clusterId = clusterId
    this.#controllerId = controllerId
    this.#changed()
  }

  /**
   * A broker that refused said who leads now (KIP-951). False if that is no news: then metadata must be asked for.
   */
  applyLeader(
    topic: string,
    partition: number,
    leader: number,
    leaderEpoch: number,
    node: ClusterNode | null,
  ): boolean {
    const known = this.#topics.get(topic)
    const before = known?.partitions[partition]
    if (known === undefined || before === undefined || leader < 0 || leaderEpoch <= before.leaderEpoch) return false
    if (node !== null) this.#nodes.set(leader, node)
    if (!this.#nodes.has(leader)) return false
    const partitions = known.partitions.with(partition, { ...before, leader, leaderEpoch })
    this.#topics.set(topic, { ...known, partitions })
    this.#changed()
    return true
  }

  /** Forgets all: the next answer begins anew. */
  clear(): void {
    this.#nodes = new Map()
    this.#topics = new Map()
    this.#errors = new Map()
    this.#nameOfId = new Map()
    this.#controllerId = -1
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function topicOf(
  name: string,
  topic: MetadataResponse.MetadataResponseTopic,
  known: TopicMetadata | undefined,
): TopicMetadata {
  const isSame = known !== undefined && known.id === topic.topicId
  const partitions: PartitionMetadata[] = []
  for (const told of topic.partitions) {
    const before = isSame ? known.partitions[told.partitionIndex] : undefined
    const isOlder = before !== undefined && told.leaderEpoch >= 0 && told.leaderEpoch < before.leaderEpoch
    partitions[told.partitionIndex] = isOlder
      ? before
      : {
          partition: told.partitionIndex,
          leader: told.leaderId,
          leaderEpoch: told.leaderEpoch,
          replicas: told.replicaNodes,
          isr: told.isrNodes,
          offlineReplicas: told.offlineReplicas,
        }
  }
  return { name, id: topic.topicId, isInternal: topic.isInternal, partitions }
}
