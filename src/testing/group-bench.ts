/**
 * A group coordinator on logs in memory with a clock that stands: what its tests share. Requests are built with the
 * defaults of their schema, in the newest version unless a test says otherwise.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { Uuid } from '../base/uuid.ts'
import { SILENT, type Logger } from '../base/logger.ts'
import { GROUP_CONFIG_DEFAULTS, type GroupCoordinatorConfig } from '../coordinators/group/group-config.ts'
import { GroupCoordinator } from '../coordinators/group/group-coordinator.ts'
import type { MarkerWrite } from '../coordinators/runtime/decision.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import { TopicsImage, type PartitionImage } from '../metadata/topics-image.ts'
import type { Init } from '../protocol/codec.ts'
import { DeleteGroupsRequest } from '../protocol/generated/delete-groups.ts'
import { DescribeGroupsRequest } from '../protocol/generated/describe-groups.ts'
import { HeartbeatRequest } from '../protocol/generated/heartbeat.ts'
import { JoinGroupRequest, type JoinGroupResponse } from '../protocol/generated/join-group.ts'
import { LeaveGroupRequest } from '../protocol/generated/leave-group.ts'
import { ListGroupsRequest } from '../protocol/generated/list-groups.ts'
import { OffsetCommitRequest } from '../protocol/generated/offset-commit.ts'
import { OffsetDeleteRequest } from '../protocol/generated/offset-delete.ts'
import { OffsetFetchRequest } from '../protocol/generated/offset-fetch.ts'
import { SyncGroupRequest, type SyncGroupResponse } from '../protocol/generated/sync-group.ts'
import { TxnOffsetCommitRequest } from '../protocol/generated/txn-offset-commit.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryCoordinatorLog } from './memory-coordinator-log.ts'
import { SeededRandom } from './seeded-random.ts'

export const GROUP = 'g'

/** A subscription of the consumer protocol, version 0. */
export function subscription(...topics: string[]): Buffer {
  const parts = topics.map((topic) => {
    const name = Buffer.from(topic)
    const length = Buffer.alloc(2)
    length.writeInt16BE(name.length)
    return Buffer.concat([length, name])
  })
  const count = Buffer.alloc(4)
  count.writeInt32BE(topics.length)
  return Buffer.concat([Buffer.alloc(2), count, ...parts, Buffer.from([255, 255, 255, 255])])
}

export const RANGE = [{ name: 'range', metadata: subscription('t1') }]

const PARTITION: PartitionImage = {
  replicas: [1],
  directories: [],
  isr: [1],
  leader: 1,
  leaderEpoch: 0,
  partitionEpoch: 0,
  addingReplicas: [],
  removingReplicas: [],
  leaderRecoveryState: 0,
  elr: [],
  lastKnownElr: [],
}

/** The promise's value, or null while it is pending. */
export interface Watched<T> {
  readonly value: T | null
  readonly isDone: boolean
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: { value: T | null; isDone: boolean } = { value: null, isDone: false }
  void promise.then((value) => {
    watched.value = value
    watched.isDone = true
  })
  return watched
}

export class GroupBench {
  readonly clock = new ManualClock()
  readonly log: MemoryCoordinatorLog
  readonly coordinator: GroupCoordinator
  readonly config: GroupCoordinatorConfig

  constructor(
    config: Partial<GroupCoordinatorConfig> = {},
    options: { log?: MemoryCoordinatorLog; logger?: Logger; seed?: number } = {},
  ) {
    this.config = { ...GROUP_CONFIG_DEFAULTS, offsetsTopicPartitions: 1, ...config }
    this.log = options.log ?? new MemoryCoordinatorLog()
    this.coordinator = new GroupCoordinator({
      clock: this.clock,
      random: new SeededRandom(options.seed ?? 1),
      logger: options.logger ?? SILENT,
      writer: this.log,
      config: this.config,
    })
    this.setTopics('t1', 't2')
  }

  /** Loaded and serving. */
  static async start(
    config: Partial<GroupCoordinatorConfig> = {},
    options: { log?: MemoryCoordinatorLog; logger?: Logger; seed?: number } = {},
  ): Promise<GroupBench> {
    const bench = new GroupBench(config, options)
    for (let partition = 0; partition < bench.config.offsetsTopicPartitions; partition++)
      await bench.coordinator.onElected(partition, 1)
    return bench
  }

  setTopics(...names: string[]): void {
    const partitions = Array.from({ length: 8 }, () => PARTITION)
    const topics = names.map((name) => [name, { name, id: topicId(name), partitions }] as const)
    const image: MetadataImage = { ...EMPTY_IMAGE, topics: TopicsImage.EMPTY.with(new Map(topics)) }
    this.coordinator.onMetadataImage(image)
  }

  join(fields: Init<JoinGroupRequest> = {}, apiVersion = 9): Promise<Init<JoinGroupResponse>> {
    const request = JoinGroupRequest.make({
      groupId: GROUP,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: RANGE,
      ...fields,
    })
    return this.coordinator.joinGroup(context(apiVersion), request)
  }

  sync(fields: Init<SyncGroupRequest>, apiVersion = 5): Promise<Init<SyncGroupResponse>> {
    const names = apiVersion >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
    return this.coordinator.syncGroup(
      context(apiVersion),
      SyncGroupRequest.make({ groupId: GROUP, ...names, ...fields }),
    )
  }

  async heartbeat(fields: Init<HeartbeatRequest>): Promise<number> {
    const request = HeartbeatRequest.make({ groupId: GROUP, ...fields })
    return (await this.coordinator.heartbeat(context(4), request)).errorCode ?? 0
  }

  leave(fields: Init<LeaveGroupRequest>, apiVersion = 5): ReturnType<GroupCoordinator['leaveGroup']> {
    return this.coordinator.leaveGroup(context(apiVersion), LeaveGroupRequest.make({ groupId: GROUP, ...fields }))
  }

  /** Commits one offset; the error code of its partition. */
  async commit(
    offset: number,
    fields: Init<OffsetCommitRequest> = {},
    apiVersion = 9,
    partition: Init<OffsetCommitRequest.OffsetCommitRequestPartition> = {},
  ): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '', ...partition }]
    const topics = [{ name: 't1', topicId: topicId('t1'), partitions }]
    const request = OffsetCommitRequest.make({ groupId: GROUP, topics, ...fields })
    const response = await this.coordinator.offsetCommit(context(apiVersion), request)
    return response.topics?.[0]?.partitions?.[0]?.errorCode ?? 0
  }

  /** Commits one offset with a transaction; the error code of its partition. */
  async commitInTransaction(
    offset: number,
    fields: Init<TxnOffsetCommitRequest> = {},
    apiVersion = 5,
    partition: Init<TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition> = {},
  ): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '', ...partition }]
    const request = TxnOffsetCommitRequest.make({
      transactionalId: 'x',
      groupId: GROUP,
      producerId: 7,
      topics: [{ name: 't1', partitions }],
      ...fields,
    })
    const response = await this.coordinator.txnOffsetCommit(context(apiVersion), request)
    return response.topics?.[0]?.partitions?.[0]?.errorCode ?? 0
  }

  endTransaction(committed: boolean, fields: Partial<MarkerWrite> = {}): Promise<ErrorCode> {
    const marker = { producerId: 7, producerEpoch: 0, coordinatorEpoch: 0, transactionVersion: 1, committed, ...fields }
    return this.coordinator.completeTransaction(0, marker)
  }

  /** The committed offset of one partition; -1 if there is none, null if there was an error. */
  async fetch(partitionIndex = 0, requireStable = false, name = 't1', groupId = GROUP): Promise<number | null> {
    const groups = [{ groupId, topics: [{ name, partitionIndexes: [partitionIndex] }] }]
    const request = OffsetFetchRequest.make({ groups, requireStable })
    const response = await this.coordinator.offsetFetch(context(9), request)
    const group = response.groups?.[0]
    const found = group?.topics?.[0]?.partitions?.[0]
    if ((group?.errorCode ?? 0) !== 0 || found === undefined || (found.errorCode ?? 0) !== 0) return null
    return Number(found.committedOffset)
  }

  async list(fields: Init<ListGroupsRequest> = {}): Promise<string[]> {
    const response = await this.coordinator.listGroups(context(5), ListGroupsRequest.make(fields))
    if ((response.errorCode ?? 0) !== 0) return [`error ${response.errorCode}`]
    return (response.groups ?? [])
      .map((group) => `${group.groupId} ${group.protocolType} ${group.groupState} ${group.groupType}`)
      .toSorted()
  }

  async describe(
    groupId = GROUP,
    apiVersion = 6,
  ): Promise<NonNullable<Awaited<ReturnType<GroupCoordinator['describeGroups']>>['groups']>[number]> {
    const request = DescribeGroupsRequest.make({ groups: [groupId] })
    const response = await this.coordinator.describeGroups(context(apiVersion), request)
    const group = response.groups?.[0]
    if (group === undefined) throw new Error('nothing described')
    return group
  }

  async delete(...groupsNames: string[]): Promise<number[]> {
    const response = await this.coordinator.deleteGroups(context(2), DeleteGroupsRequest.make({ groupsNames }))
    return (response.results ?? []).map(({ errorCode }) => errorCode ?? 0)
  }

  deleteOffset(partitionIndex: number, name = 't1'): ReturnType<GroupCoordinator['offsetDelete']> {
    const request = OffsetDeleteRequest.make({ groupId: GROUP, topics: [{ name, partitions: [{ partitionIndex }] }] })
    return this.coordinator.offsetDelete(context(0), request)
  }

  /** A member that has joined alone or with others who join at the same time: id by client, all in Stable. */
  async stableGroup(...instanceIds: (string | null)[]): Promise<{ ids: string[]; generation: number; leader: string }> {
    const joins: Promise<Init<JoinGroupResponse>>[] = []
    for (const groupInstanceId of instanceIds) {
      if (groupInstanceId !== null) joins.push(this.join({ groupInstanceId }))
      else {
        const required = watch(this.join())
        await this.clock.advance(0)
        joins.push(this.join({ memberId: required.value?.memberId ?? '' }))
      }
    }
    await this.clock.advance(this.config.initialRebalanceDelayMs * 3)
    const joined = await Promise.all(joins)
    const ids = joined.map(({ memberId }) => memberId ?? '')
    const leader = joined[0]?.leader ?? ''
    const generation = joined[0]?.generationId ?? -1
    const assignments = ids.map((memberId) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) }))
    const syncs = ids.map((memberId) =>
      this.sync({ memberId, generationId: generation, assignments: memberId === leader ? assignments : [] }),
    )
    await this.clock.advance(0)
    await Promise.all(syncs)
    return { ids, generation, leader }
  }
}

export function context(apiVersion: number): { apiVersion: number; clientId: string; clientAddress: string } {
  return { apiVersion, clientId: 'client', clientAddress: '127.0.0.1' }
}

export function topicId(name: string): Uuid {
  const id: string = Buffer.from(name.padEnd(16, '.')).toString('base64url')
  return id as Uuid
}

/** What a promise is by now; null while it waits. */
export async function soon<T>(bench: GroupBench, promise: Promise<T>): Promise<T | null> {
  const watched = watch(promise)
  await bench.clock.advance(0)
  return watched.value
}
