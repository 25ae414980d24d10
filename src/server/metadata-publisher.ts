/**
 * Brings each committed change of the metadata into force on this broker, in order: settings, logs and leadership first,
 * then the image that clients see, then the coordinators. So whatever a client can see can be used. Until the metadata knows
 * this process, it leads nothing: see former-incarnation.ts.
 */
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts'
import type { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import type { MetadataDelta } from '../metadata/delta.ts'
import type { MetadataImage, QuotaEntity } from '../metadata/image.ts'
import type { TopicChange } from '../metadata/topics-delta.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { LogManager } from '../storage/log-manager.ts'
import { CompactionNotice } from './compaction-notice.ts'
import type { DynamicConfigs } from './dynamic-configs.ts'
import { changesOfRegistration, isRegistered, withoutLeader } from './former-incarnation.ts'
import type { ReplicationQuotas } from './replication-quotas.ts'
import { CONSUMER_OFFSETS, TRANSACTION_STATE } from './topic-names.ts'

/** In one log line. */
const NAMED_TOPICS_MAX = 5

export interface MetadataPublisherOptions {
  readonly nodeId: number
  /** Of this process. */
  readonly incarnationId: Uuid
  readonly logger: Logger
  readonly configs: DynamicConfigs
  readonly quotas: ReplicationQuotas
  /** What follows the quotas of clients and addresses. */
  readonly clientQuotas: readonly { follow(quotas: Iterable<QuotaEntity>): void }[]
  readonly logs: LogManager
  readonly replicas: ReplicaManager
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  /** Told of each image that clients are shown. */
  readonly shown: (image: MetadataImage) => void
}

/** What leads a partition of an internal topic, and so coordinates what belongs there. */
interface Elected {
  onElected(partition: number, leaderEpoch: number): Promise<void>
  onResigned(partition: number): void
}

export class MetadataPublisher {
  readonly #options: MetadataPublisherOptions
  readonly #compaction: CompactionNotice
  readonly #coordinators: readonly (readonly [string, Elected])[]
  #image: MetadataImage
  #isRegistered = false
  #hasFailed = false
  #queue: Promise<void> = Promise.resolve()

  constructor(image: MetadataImage, options: MetadataPublisherOptions) {
    this.#options = options
    this.#compaction = new CompactionNotice(options.logger)
    this.#image = image
    this.#coordinators = [
      [CONSUMER_OFFSETS, options.groups],
      [TRANSACTION_STATE, options.transactions],
    ]
  }

  /** What clients are shown. */
  get image(): MetadataImage {
    return this.#image
  }

  /** The image that the node started from: every topic in it is new to this process, none is new to the disk. */
  async start(): Promise<void> {
    const { replicas, groups, nodeId } = this.#options
    const topics = [...this.#image.topics.all()].map((topic) => withoutLeader(topic, nodeId))
    await replicas.load(topics)
    this.#lookForCompacted(
      topics.map(({ name }) => name),
      this.#image,
    )
    groups.onMetadataImage(this.#image)
  }

  /** Queues the next committed change. A failure leaves this node behind the cluster for good: it is `failed`, once, and follows no more. */
  follow(delta: MetadataDelta, image: MetadataImage, failed: (error: unknown) => void): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#hasFailed) return
      try {
        await this.#publish(delta, image)
      } catch (error) {
        this.#hasFailed = true
        failed(error)
      }
    })
  }

  /** Resolves when everything that was followed so far is in force. */
  settled(): Promise<void> {
    return this.#queue
  }

  async #publish(delta: MetadataDelta, image: MetadataImage): Promise<void> {
    const { replicas, groups } = this.#options
    this.#applyConfigs(delta, image)
    if (delta.quotasChanged) for (const one of this.#options.clientQuotas) one.follow(image.quotas.values())
    const changes = this.#changedTopics(delta, image)
    const deleted = delta.deletedTopics()
    for (const [topic, coordinator] of this.#coordinators)
      if (deleted.some(({ name }) => name === topic)) this.#resignAll(coordinator, topic)
    await replicas.apply(deleted, changes)
    this.#image = image
    this.#tellOfCreated(changes.flatMap(({ before, after }) => (before === null ? [after] : [])))
    groups.onMetadataImage(image)
    this.#options.shown(image)
    for (const [name, coordinator] of this.#coordinators) {
      const change = changes.find(({ after }) => after.name === name)
      if (change !== undefined) this.#elect(coordinator, change.before, change.after, change.partitions)
    }
  }

  #changedTopics(delta: MetadataDelta, image: MetadataImage): readonly TopicChange[] {
    const { nodeId, incarnationId } = this.#options
    const changes = delta.changedTopics()
    if (this.#isRegistered) return changes
    this.#isRegistered = isRegistered(image, nodeId, incarnationId)
    if (this.#isRegistered) return changesOfRegistration(changes, image, nodeId)
    return changes.map((change) => ({ ...change, after: withoutLeader(change.after, nodeId) }))
  }

  #tellOfCreated(topics: readonly TopicImage[]): void {
    if (topics.length === 0) return
    const count = topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
    const named = topics.slice(0, NAMED_TOPICS_MAX).map(({ name }) => name)
    const more = topics.length > named.length ? ` and ${topics.length - named.length} more` : ''
    this.#options.logger.info(
      `Created ${named.join(', ')}${more}: ${count} ${count === 1 ? 'partition' : 'partitions'}`,
    )
  }

  #applyConfigs(delta: MetadataDelta, image: MetadataImage): void {
    const { configs, quotas, logs } = this.#options
    const changedTopics = new Set<string>()
    for (const { type, name } of delta.changedConfigs()) if (type === CONFIG_RESOURCE.TOPIC) changedTopics.add(name)
    if (configs.follow(image)) {
      quotas.follow(configs.sources.dynamic)
      logs.setDefaultConfig(configs.current.topicDefaults)
      for (const { type, name } of image.configs.all()) if (type === CONFIG_RESOURCE.TOPIC) changedTopics.add(name)
    }
    for (const topic of changedTopics) {
      const hasOverrides = image.configs.get(CONFIG_RESOURCE.TOPIC, topic).size > 0
      logs.setTopicConfig(topic, hasOverrides ? configs.topicConfig(image, topic) : null)
    }
    const created = delta.changedTopics().flatMap(({ before, after }) => (before === null ? [after.name] : []))
    this.#lookForCompacted(new Set([...changedTopics, ...created]), image)
  }

  #lookForCompacted(topics: Iterable<string>, image: MetadataImage): void {
    const { configs } = this.#options
    const existing = [...topics].filter((name) => image.topics.byName(name) !== null)
    this.#compaction.look(existing.map((name) => ({ name, config: configs.topicConfig(image, name) })))
  }

  #elect(coordinator: Elected, before: TopicImage | null, after: TopicImage, partitions: Iterable<number>): void {
    const { nodeId, logger } = this.#options
    for (const index of partitions) {
      const was = before?.partitions[index]
      const now = after.partitions[index]
      if (now?.leader === nodeId) {
        if (was?.leader === nodeId && was.leaderEpoch === now.leaderEpoch) continue
        coordinator.onElected(index, now.leaderEpoch).catch((error: unknown) => {
          logger.error(`Loading ${after.name}-${index} failed`, error)
        })
      } else if (was?.leader === nodeId) coordinator.onResigned(index)
    }
  }

  #resignAll(coordinator: Elected, topic: string): void {
    const before = this.#image.topics.byName(topic)
    for (const index of before?.partitions.keys() ?? []) coordinator.onResigned(index)
  }
}
