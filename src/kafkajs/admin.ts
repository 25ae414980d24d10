/**
 * kafkajs's admin: all of its methods, each by the client's own families of calls. This file checks what it is given and
 * translates; what one call wants of several keys fails as a whole if one of them does, as in kafkajs.
 */
import { deleteGroups, listGroups } from '../client/admin/groups.ts'
import { commitForGroup, listGroupOffsets } from '../client/admin/group-offsets.ts'
import { deleteRecords, listOffsets, type OffsetSpec } from '../client/admin/offsets.ts'
import * as partitions from '../client/admin/partitions.ts'
import * as topics from '../client/admin/topics.ts'
import { describeCluster } from '../client/admin/cluster.ts'
import { describeTopics, type TopicPartitionInfo } from '../client/admin/describe-topics.ts'
import { byTopic, type TopicPartition } from '../client/consumer/topic-partition.ts'
import { pause } from '../client/call.ts'
import { KafkaError } from '../base/errors.ts'
import { createAcls, deleteAcls, describeAcls } from './acls.ts'
import * as types from './admin-types.ts'
import { alterConfigs, describeConfigs, resourceOf } from './configs.ts'
import type { Connection } from './connection.ts'
import { describeGroups } from './describe-groups.ts'
import { asKafkaJS, mapped, protocolReason } from './error-mapping.ts'
import {
  KafkaJSAggregateError,
  KafkaJSAlterPartitionReassignmentsError,
  KafkaJSCreateTopicError,
  KafkaJSDeleteGroupsError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSProtocolError,
} from './errors.ts'
import {
  Instrumentation,
  type InstrumentationEvent,
  type RemoveInstrumentationEventListener,
} from './instrumentation.ts'
import type { Logger } from './logger.ts'
import { allTopics } from './topics.ts'
import type { GroupDescriptions, PartitionMetadata, SeekEntry, TopicPartitions } from './types.ts'

export interface AdminParts {
  readonly connection: Connection
  readonly logger: Logger
}

/** Between two looks at whether a new topic has its leaders. */
const LEADER_PAUSE_MS = 100
const LEADER_WAIT_MS = 30_000
/** What kafkajs commits, and means by it. */
const ENDS = [
  ['-1', 'latest'],
  ['-2', 'earliest'],
] as const
const RUNNING: ReadonlySet<string> = new Set(['Stable', 'PreparingRebalance', 'CompletingRebalance'])

export class Admin {
  readonly events: types.AdminEvents = types.ADMIN_EVENTS
  readonly #connection: Connection
  readonly #logger: Logger
  readonly #instrumentation: Instrumentation

  constructor({ connection, logger }: AdminParts) {
    this.#connection = connection
    this.#logger = logger
    this.#instrumentation = new Instrumentation(Object.values(types.ADMIN_EVENTS), connection.world.clock, logger)
    connection.watchRequests(types.ADMIN_EVENTS, this.#instrumentation)
  }

  async connect(): Promise<void> {
    await this.#connection.connect()
    this.#instrumentation.emit(types.ADMIN_EVENTS.CONNECT)
  }

  async disconnect(): Promise<void> {
    this.#connection.disconnect()
    this.#instrumentation.emit(types.ADMIN_EVENTS.DISCONNECT)
    await Promise.resolve()
  }

  logger(): Logger {
    return this.#logger
  }

  on<Name extends keyof types.AdminPayloads>(
    eventName: Name,
    listener: (event: InstrumentationEvent<types.AdminPayloads[Name]>) => void,
  ): RemoveInstrumentationEventListener<Name> {
    return this.#instrumentation.on(eventName, listener)
  }

  listTopics(): Promise<string[]> {
    return this.#mapped(() => allTopics(this.#network))
  }

  /** True if they were made; false if all of them were there. Rejects with KafkaJSAggregateError of KafkaJSCreateTopicError. */
  async createTopics(options: {
    validateOnly?: boolean
    /** True if left out. */
    waitForLeaders?: boolean
    /** Milliseconds. */
    timeout?: number
    topics: types.ITopicConfig[]
  }): Promise<boolean> {
    const { validateOnly = false, waitForLeaders = true, timeout } = options
    const wanted = checkList('topics', options.topics)
    checkNames(wanted.map(({ topic }) => topic))
    return this.#mapped(async () => {
      const call = timeout === undefined ? { validateOnly } : { validateOnly, timeoutMs: timeout }
      const errors = [...(await topics.createTopics(this.#network, wanted.map(newTopic), call)).errors()].map(
        ([topic, error]) => {
          if (!(error instanceof KafkaError)) throw error
          return new KafkaJSCreateTopicError(protocolReason(error), topic)
        },
      )
      if (errors.length > 0) {
        if (errors.every(({ type }) => type === 'TOPIC_ALREADY_EXISTS')) return false
        throw new KafkaJSAggregateError('Some topics were not created', errors)
      }
      if (waitForLeaders && !validateOnly) await this.#waitForLeaders(wanted.map(({ topic }) => topic))
      return true
    })
  }

  async deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void> {
    const names = checkList('topics', options.topics)
    checkNames(names)
    const call = options.timeout === undefined ? {} : { timeoutMs: options.timeout }
    await this.#mapped(async () => (await topics.deleteTopics(this.#network, names, call)).all())
  }

  async createPartitions(options: {
    validateOnly?: boolean
    timeout?: number
    topicPartitions: types.ITopicPartitionConfig[]
  }): Promise<boolean> {
    const { validateOnly = false, timeout } = options
    const wanted = checkList('topicPartitions', options.topicPartitions, 1)
    checkNames(wanted.map(({ topic }) => topic))
    const call = timeout === undefined ? { validateOnly } : { validateOnly, timeoutMs: timeout }
    await this.#mapped(async () => {
      const asked = wanted.map(({ topic, count, assignments }) => {
        return { topic, totalCount: count, ...(assignments === undefined ? {} : { newAssignments: assignments }) }
      })
      return (await topics.createPartitions(this.#network, asked, call)).all()
    })
    return true
  }

  /** All topics if none are named. */
  async fetchTopicMetadata(options: { topics?: string[] } = {}): Promise<{ topics: types.ITopicMetadata[] }> {
    const named = options.topics ?? []
    for (const topic of named) checkName(topic)
    return this.#mapped(async () => {
      const names = named.length > 0 ? named : await allTopics(this.#network)
      const described = (await describeTopics(this.#network, names)).all()
      return {
        topics: [...described].map(([name, topic]) => ({ name, partitions: topic.partitions.map(partitionMetadata) })),
      }
    })
  }

  describeCluster(): Promise<{
    brokers: { nodeId: number; host: string; port: number }[]
    controller: number | null
    clusterId: string
  }> {
    return this.#mapped(async () => {
      const { nodes, controller, clusterId } = await describeCluster(this.#network)
      return {
        brokers: nodes.map(({ id, host, port }) => ({ nodeId: id, host, port })),
        controller: controller?.id ?? null,
        clusterId: clusterId ?? '',
      }
    })
  }

  async fetchTopicOffsets(topic: string): Promise<(SeekEntry & { high: string; low: string })[]> {
    checkName(topic)
    return this.#mapped(async () => {
      const ids = await this.#partitionsOf(topic)
      const [low, high] = await Promise.all([this.#ends(topic, ids, 'earliest'), this.#ends(topic, ids, 'latest')])
      return ids.map((partition) => {
        const end = String(high.get(partition))
        return { partition, offset: end, high: end, low: String(low.get(partition)) }
      })
    })
  }

  /** The end of a partition in which nothing is as late. */
  async fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<SeekEntry[]> {
    checkName(topic)
    return this.#mapped(async () => {
      const ids = await this.#partitionsOf(topic)
      // Programs give the text of a message's timestamp, too.
      const spec = timestamp === undefined ? 'latest' : { timestamp: Number(timestamp) }
      const [found, high] = await Promise.all([this.#ends(topic, ids, spec), this.#ends(topic, ids, 'latest')])
      return ids.map((partition) => {
        const offset = found.get(partition)!
        return { partition, offset: String(offset >= 0 ? offset : high.get(partition)) }
      })
    })
  }

  /**
   * -1 where nothing is committed. With `resolveOffsets` a partition that is at -1 is set to its end, and one at -2 to its
   * beginning.
   */
  async fetchOffsets(options: {
    groupId: string
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<{ topic: string; partitions: types.FetchOffsetsPartition[] }[]> {
    const { groupId, resolveOffsets = false } = options
    checkGroup(groupId)
    const names = checkList('topics', options.topics ?? [])
    return this.#mapped(async () => {
      const asked: TopicPartition[] = []
      for (const topic of names) {
        for (const partition of await this.#partitionsOf(topic)) asked.push({ topic, partition })
      }
      const negative = 'told' as const
      const spec = names.length === 0 ? { groupId, negative } : { groupId, negative, partitions: asked }
      const outcomes = await listGroupOffsets(this.#network, 'listConsumerGroupOffsets', [spec])
      const offsets = [...outcomes.get(groupId).all()].map(([{ topic, partition }, committed]) => ({
        topic,
        partition,
        offset: String(committed?.offset ?? -1),
        metadata: committed === null || committed.metadata === '' ? null : committed.metadata,
      }))
      const grouped = [...byTopic(offsets)].map(([topic, parts]) => ({
        topic,
        partitions: parts.map(({ partition, offset, metadata }) => ({ partition, offset, metadata })),
      }))
      if (!resolveOffsets) return grouped
      for (const { topic, partitions: parts } of grouped) {
        for (const [offset, spec] of ENDS) {
          const open = parts.filter((part) => part.offset === offset)
          if (open.length === 0) continue
          const ids = open.map(({ partition }) => partition)
          const found = await this.#ends(topic, ids, spec)
          for (const part of open) part.offset = String(found.get(part.partition))
        }
        await this.setOffsets({ groupId, topic, partitions: parts })
      }
      return grouped
    })
  }

  /**
   * Of a group that nobody is in. -1 and -2 are committed as they are, as kafkajs does: whoever reads on then begins where
   * `fromBeginning` says.
   */
  async setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void> {
    const { groupId, topic } = options
    checkGroup(groupId)
    checkName(topic)
    const wanted = checkList('partitions', options.partitions, 1)
    await this.#mapped(async () => {
      const { groups } = await describeGroups(this.#network, [groupId])
      const { state } = groups[0]!
      if (RUNNING.has(state)) {
        throw new KafkaJSNonRetriableError(`The group ${groupId} has members (${state}): stop them first.`)
      }
      const offsets = wanted.map(({ partition, offset }) => {
        const number = Number(offset)
        if (!Number.isSafeInteger(number)) throw new KafkaJSNonRetriableError(`Invalid offset: ${String(offset)}`)
        return { topic, partition, offset: number }
      })
      return (await commitForGroup(this.#network, 'setOffsets', groupId, offsets)).all()
    })
  }

  /** To -1, or with `earliest` to -2. */
  async resetOffsets(options: { groupId: string; topic: string; earliest?: boolean }): Promise<void> {
    const { groupId, topic, earliest = false } = options
    checkGroup(groupId)
    checkName(topic)
    const ids = await this.#mapped(() => this.#partitionsOf(topic))
    const offset = earliest ? '-2' : '-1'
    await this.setOffsets({ groupId, topic, partitions: ids.map((partition) => ({ partition, offset })) })
  }

  async describeConfigs(options: {
    resources: types.ResourceConfigQuery[]
    includeSynonyms?: boolean
  }): Promise<types.DescribeConfigResponse> {
    const resources = checkList('resources', options.resources, 1)
    resources.forEach(resourceOf)
    return this.#mapped(() => describeConfigs(this.#network, resources, options.includeSynonyms ?? false))
  }

  /** Replaces the settings of each resource: what is not named goes back to its default. */
  async alterConfigs(options: {
    validateOnly?: boolean
    resources: types.IResourceConfig[]
  }): Promise<{ resources: { errorCode: number; errorMessage: null; resourceType: number; resourceName: string }[] }> {
    const resources = checkList('resources', options.resources, 1)
    resources.forEach(resourceOf)
    for (const { configEntries } of resources) {
      for (const { name, value } of checkList('configEntries', configEntries)) {
        if (typeof name === 'string' && typeof value === 'string') continue
        throw new KafkaJSNonRetriableError(
          `name and value of a setting must be text: ${String(name)}=${String(value)}.`,
        )
      }
    }
    return this.#mapped(() => alterConfigs(this.#network, resources, options.validateOnly ?? false))
  }

  listGroups(): Promise<{ groups: types.GroupOverview[] }> {
    return this.#mapped(async () => {
      const listed = (await listGroups(this.#network)).all()
      return { groups: listed.map(({ groupId, protocol }) => ({ groupId, protocolType: protocol })) }
    })
  }

  async describeGroups(groupIds: string[]): Promise<GroupDescriptions> {
    return this.#mapped(() => describeGroups(this.#network, checkList('groupIds', groupIds)))
  }

  /** Rejects with KafkaJSDeleteGroupsError. */
  async deleteGroups(groupIds: string[]): Promise<types.DeleteGroupsResult[]> {
    const ids = checkList('groupIds', groupIds)
    return this.#mapped(async () => {
      const outcomes = await deleteGroups(this.#network, 'deleteConsumerGroups', ids)
      const failed = [...outcomes.errors()].map(([groupId, failure]) => {
        const error = this.#errorOf(failure)
        return { groupId, errorCode: error instanceof KafkaJSProtocolError ? error.code : -1, error }
      })
      if (failed.length > 0) throw new KafkaJSDeleteGroupsError('Some groups were not deleted', failed)
      return ids.map((groupId) => ({ groupId, errorCode: 0 }))
    })
  }

  /** Below each offset; -1 is the end. Rejects with KafkaJSDeleteTopicRecordsError. */
  async deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void> {
    const { topic } = options
    checkName(topic)
    const wanted = checkList('partitions', options.partitions, 1)
    await this.#mapped(async () => {
      const asked = wanted.map(({ partition, offset }) => ({ topic, partition, beforeOffset: Number(offset) }))
      const failed = [...(await deleteRecords(this.#network, asked)).errors()].map(([{ partition }, error]) => {
        const { offset } = wanted.find((one) => one.partition === partition)!
        return { partition, offset, error: this.#errorOf(error) }
      })
      if (failed.length > 0) throw new KafkaJSDeleteTopicRecordsError({ partitions: failed })
    })
  }

  async describeAcls(filter: types.AclFilter): Promise<types.DescribeAclResponse> {
    return this.#mapped(() => describeAcls(this.#network, filter))
  }

  async createAcls(options: { acl: types.AclEntry[] }): Promise<boolean> {
    const entries = checkList('acl', options.acl, 1)
    await this.#mapped(() => createAcls(this.#network, entries))
    return true
  }

  async deleteAcls(options: { filters: types.AclFilter[] }): Promise<types.DeleteAclResponse> {
    const filters = checkList('filters', options.filters, 1)
    return this.#mapped(() => deleteAcls(this.#network, filters))
  }

  /** Rejects with KafkaJSAggregateError of KafkaJSAlterPartitionReassignmentsError. */
  async alterPartitionReassignments(options: {
    topics: types.PartitionReassignment[]
    timeout?: number
  }): Promise<void> {
    const wanted = checkList('topics', options.topics, 1)
    checkNames(wanted.map(({ topic }) => topic))
    const asked = wanted.flatMap(({ topic, partitionAssignment }) => {
      return partitionAssignment.map(({ partition, replicas }) => ({ topic, partition, targetReplicas: replicas }))
    })
    const call = options.timeout === undefined ? {} : { timeoutMs: options.timeout }
    await this.#mapped(async () => {
      const outcomes = await partitions.alterPartitionReassignments(this.#network, asked, call)
      const errors = [...outcomes.errors()].map(([{ topic, partition }, error]) => {
        if (!(error instanceof KafkaError)) throw error
        return new KafkaJSAlterPartitionReassignmentsError(protocolReason(error), topic, partition)
      })
      if (errors.length > 0) throw new KafkaJSAggregateError('Some partitions were not reassigned', errors)
    })
  }

  /** Of all topics if none are named. */
  async listPartitionReassignments(
    options: { topics?: TopicPartitions[]; timeout?: number } = {},
  ): Promise<types.ListPartitionReassignmentsResponse> {
    if (options.topics !== undefined) checkNames(checkList('topics', options.topics).map(({ topic }) => topic))
    const asked = options.topics?.flatMap(({ topic, partitions: ids }) => {
      return checkList(`partitions of ${topic}`, ids).map((partition) => ({ topic, partition }))
    })
    const call = options.timeout === undefined ? {} : { timeoutMs: options.timeout }
    return this.#mapped(async () => {
      const moves = (await partitions.listPartitionReassignments(this.#network, asked ?? null, call)).all()
      const found = [...moves].map(([place, { replicas, addingReplicas, removingReplicas }]) => ({
        ...place,
        replicas: [...replicas],
        addingReplicas: [...addingReplicas],
        removingReplicas: [...removingReplicas],
      }))
      return {
        topics: [...byTopic(found)].map(([topic, parts]) => ({
          topic,
          partitions: parts.map(({ partition, replicas, addingReplicas, removingReplicas }) => {
            return { partitionIndex: partition, replicas, addingReplicas, removingReplicas }
          }),
        })),
      }
    })
  }

  get #network(): Connection['network'] {
    return this.#connection.network
  }

  /** Connects if need be. */
  #mapped<T>(work: () => Promise<T>): Promise<T> {
    return mapped(this.#connection.policy, async () => {
      await this.#connection.connect()
      return work()
    })
  }

  #errorOf(error: unknown): KafkaJSError {
    const own = asKafkaJS(error, this.#connection.policy)
    return own instanceof KafkaJSError ? own : new KafkaJSError(own)
  }

  async #partitionsOf(topic: string): Promise<number[]> {
    const described = (await describeTopics(this.#network, [topic])).get(topic)
    return described.partitions.map(({ partition }) => partition)
  }

  async #ends(topic: string, ids: readonly number[], spec: OffsetSpec): Promise<Map<number, number>> {
    const found = await listOffsets(
      this.#network,
      ids.map((partition) => ({ topic, partition, spec })),
    )
    return new Map([...found.all()].map(([{ partition }, { offset }]) => [partition, offset]))
  }

  async #waitForLeaders(names: readonly string[]): Promise<void> {
    const { clock } = this.#connection.world
    const deadlineMs = clock.monotonicMs() + LEADER_WAIT_MS
    for (;;) {
      const described = [...(await describeTopics(this.#network, names))]
      const isReady = described.every(([, topic]) => {
        return !(topic instanceof Error) && topic.partitions.every(({ leader }) => leader !== null)
      })
      if (isReady) return
      if (clock.monotonicMs() > deadlineMs) {
        throw new KafkaJSNonRetriableError(`${names.join(', ')} have no leaders after ${LEADER_WAIT_MS} ms.`)
      }
      await pause(clock, LEADER_PAUSE_MS)
    }
  }
}

function newTopic({
  topic,
  numPartitions,
  replicationFactor,
  replicaAssignment,
  configEntries,
}: types.ITopicConfig): topics.NewTopic {
  const assigned = replicaAssignment?.toSorted((a, b) => a.partition - b.partition).map(({ replicas }) => replicas)
  const configs = Object.fromEntries(
    checkList(`configEntries of ${topic}`, configEntries ?? []).map(({ name, value }) => {
      if (typeof name === 'string' && typeof value === 'string') return [name, value]
      throw new KafkaJSNonRetriableError(`name and value of a setting of ${topic} must be text.`)
    }),
  )
  const isAssigned = assigned !== undefined && assigned.length > 0
  return {
    name: topic,
    configs,
    ...(isAssigned ? { replicasAssignments: assigned } : {}),
    ...(isAssigned || numPartitions === undefined || numPartitions < 0 ? {} : { numPartitions }),
    ...(isAssigned || replicationFactor === undefined || replicationFactor < 0 ? {} : { replicationFactor }),
  }
}

function partitionMetadata({ partition, leader, replicas, isr }: TopicPartitionInfo): PartitionMetadata {
  return {
    partitionErrorCode: leader === null ? 5 : 0,
    partitionId: partition,
    leader: leader?.id ?? -1,
    replicas: replicas.map(({ id }) => id),
    isr: isr.map(({ id }) => id),
    offlineReplicas: replicas.filter(({ port }) => port < 0).map(({ id }) => id),
  }
}

function checkList<T>(name: string, list: T[], least = 0): T[] {
  if (Array.isArray(list) && list.length >= least) return list
  throw new KafkaJSNonRetriableError(`${name} must be an array${least > 0 ? ' that is not empty' : ''}.`)
}

function checkName(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw new KafkaJSNonRetriableError(`Invalid topic: ${String(topic)}`)
}

function checkNames(names: readonly unknown[]): void {
  for (const name of names) checkName(name)
  if (new Set(names).size < names.length) throw new KafkaJSNonRetriableError('A topic is named twice.')
}

function checkGroup(groupId: unknown): void {
  if (typeof groupId === 'string' && groupId !== '') return
  throw new KafkaJSNonRetriableError(`Invalid groupId: ${String(groupId)}`)
}
