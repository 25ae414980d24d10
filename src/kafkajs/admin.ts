/**
 * kafkajs's admin: all of its methods, each by the client's own families of calls. This file checks what it is given and
 * translates; what one call wants of several keys fails as a whole if one of them does, as in kafkajs.
 */
import { deleteGroups, listGroups } from '../client/admin/groups.ts'
import { deleteRecords } from '../client/admin/offsets.ts'
import * as partitions from '../client/admin/partitions.ts'
import * as topics from '../client/admin/topics.ts'
import { describeCluster } from '../client/admin/cluster.ts'
import { describeTopics } from '../client/admin/describe-topics.ts'
import { byTopic } from '../client/consumer/topic-partition.ts'
import { KafkaError } from '../base/errors.ts'
import { createAcls, deleteAcls, describeAcls } from './acls.ts'
import * as types from './admin-types.ts'
import { checkGroup, checkList, checkName, checkNames } from './checks.ts'
import { alterConfigs, describeConfigs, resourceOf } from './configs.ts'
import type { Connection } from './connection.ts'
import { describeGroups } from './describe-groups.ts'
import { asKafkaJS, mapped, protocolReason } from './error-mapping.ts'
import {
  KafkaJSAggregateError,
  KafkaJSAlterPartitionReassignmentsError,
  KafkaJSDeleteGroupsError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSProtocolError,
} from './errors.ts'
import { fetchOffsets, resolveOffsets, setOffsets, type TopicOffsets } from './group-offsets.ts'
import {
  Instrumentation,
  type InstrumentationEvent,
  type RemoveInstrumentationEventListener,
} from './instrumentation.ts'
import type { Logger } from './logger.ts'
import { fetchTopicOffsets, fetchTopicOffsetsByTimestamp, partitionsOf } from './topic-offsets.ts'
import { createTopics, leadersKnown, partitionMetadata } from './new-topics.ts'
import { allTopics } from './topics.ts'
import type { GroupDescriptions, SeekEntry, TopicPartitions } from './types.ts'

export interface AdminParts {
  readonly connection: Connection
  readonly logger: Logger
}

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
      const isMade = await createTopics(this.#network, wanted, call)
      if (isMade && waitForLeaders && !validateOnly) {
        const names = wanted.map(({ topic }) => topic)
        await leadersKnown(this.#network, this.#connection.world.clock, names)
      }
      return isMade
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
    return this.#mapped(() => fetchTopicOffsets(this.#network, topic))
  }

  /** The end of a partition in which nothing is as late. */
  async fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<SeekEntry[]> {
    checkName(topic)
    return this.#mapped(() => fetchTopicOffsetsByTimestamp(this.#network, topic, timestamp))
  }

  /**
   * -1 where nothing is committed. With `resolveOffsets` a partition that is at -1 is set to its end, and one at -2 to its
   * beginning.
   */
  async fetchOffsets(options: {
    groupId: string
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<TopicOffsets[]> {
    const { groupId } = options
    checkGroup(groupId)
    const names = checkList('topics', options.topics ?? [])
    return this.#mapped(async () => {
      const fetched = await fetchOffsets(this.#network, groupId, names)
      if (options.resolveOffsets === true) await resolveOffsets(this.#network, groupId, fetched)
      return fetched
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
    await this.#mapped(() => setOffsets(this.#network, groupId, topic, wanted))
  }

  /** To -1, or with `earliest` to -2. */
  async resetOffsets(options: { groupId: string; topic: string; earliest?: boolean }): Promise<void> {
    const { groupId, topic, earliest = false } = options
    checkGroup(groupId)
    checkName(topic)
    const ids = await this.#mapped(() => partitionsOf(this.#network, topic))
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
}
