/**
 * The group coordinator of one broker: classic groups and committed offsets, with transactions too (KIP-62, KIP-98, KIP-345,
 * KIP-394, KIP-447, KIP-496), kept in `__consumer_offsets`. Finds the partition of a group, lets the decider of each request kind decide there, and gives
 * errors the form of each API and version. Deciders are in the files named after their API.
 *
 * Left to the caller: authorisation (it asks for what is allowed and adds the denied parts), throttling, FindCoordinator.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import type { Init } from '../../protocol/codec.ts'
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '../../protocol/generated/delete-groups.ts'
import type { DescribeGroupsRequest, DescribeGroupsResponse } from '../../protocol/generated/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../protocol/generated/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/generated/leave-group.ts'
import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/generated/list-groups.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/generated/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/generated/offset-delete.ts'
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/generated/offset-fetch.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../protocol/generated/txn-offset-commit.ts'
import type { Clock, Random } from '../../world/world.ts'
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts'
import type { MarkerWrite } from '../runtime/decision.ts'
import { partitionOfKey } from '../runtime/partition-of-key.ts'
import type { PartitionWriter } from '../runtime/partition-writer.ts'
import { answerToWriteError } from '../runtime/write-errors.ts'
import { deleteGroups, type DeletedGroup } from './delete-groups.ts'
import { describeGroup } from './describe-groups.ts'
import { forgetDeleted } from './expiry.ts'
import type { GroupCoordinatorConfig } from './group-config.ts'
import type { GroupRecord } from './group-records.ts'
import type { GroupState } from './group-state.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup, refuseJoin, toJoin } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { listGroups } from './list-groups.ts'
import { groupShards } from './loaded-groups.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch, type OffsetsToFetch } from './offset-fetch.ts'
import {
  commitError,
  findTopicsOfTxn,
  findTopicsToCommit,
  findTopicsToDelete,
  groupsToFetch,
  mergeTopics,
  SEVERAL_GROUPS_FROM,
  toGroup,
  toSingleGroup,
  type FetchedGroup,
} from './offset-topics.ts'
import { Rebalance } from './rebalance.ts'
import { decision, errno, type GroupEnvironment, type GroupRequestContext } from './requests.ts'
import { refuseSync, syncGroup } from './sync-group.ts'
import { txnOffsetCommit } from './txn-offset-commit.ts'

const OFFSETS_TOPIC = '__consumer_offsets'
/** First version of TxnOffsetCommit whose clients know COORDINATOR_LOAD_IN_PROGRESS. */
const LOADING_KNOWN_FROM = 2

export type { GroupRequestContext } from './requests.ts'

export interface GroupCoordinatorOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly writer: PartitionWriter
  readonly config: GroupCoordinatorConfig
}

/**
 * Every method of a request resolves, never rejects: errors are inside the answer, per group, topic or partition as the
 * API has it. Some resolve late: a join is held until its rebalance is complete. A request is read before the method
 * returns, and what is kept of it is copied: its memory may be received into again.
 */
export class GroupCoordinator {
  readonly #runtime: CoordinatorRuntime<GroupState, GroupRecord>
  readonly #environment: GroupEnvironment & { config: { current: GroupCoordinatorConfig } }
  readonly #rebalance: Rebalance
  /** Of `__consumer_offsets`: what is set until the topic is there, then what it was created with, by whomever. */
  #partitions: number
  readonly #writer: PartitionWriter
  #image: MetadataImage | null = null
  #closed = false

  constructor({ clock, random, logger, writer, config }: GroupCoordinatorOptions) {
    this.#environment = { random, logger, config: { current: config } }
    this.#rebalance = new Rebalance(this.#environment)
    this.#partitions = config.offsetsTopicPartitions
    this.#writer = writer
    this.#runtime = new CoordinatorRuntime({
      coordinator: groupShards(this.#environment, this.#rebalance),
      writer,
      clock,
      logger,
      settings: () => {
        const { offsetsTopicCodec, appendLingerMs, writeTimeoutMs } = this.#environment.config.current
        return { codec: offsetsTopicCodec, baseSequence: 0, lingerMs: appendLingerMs, writeTimeoutMs }
      },
    })
  }

  /** What is decided from now on is decided by this configuration; the number of partitions can't change. */
  setConfig(config: GroupCoordinatorConfig): void {
    this.#environment.config.current = config
  }

  /** Leader of `__consumer_offsets`-`partition` now: loads it; its groups answer COORDINATOR_LOAD_IN_PROGRESS until then. Resolves when loaded or given up. */
  async onElected(partition: number, leaderEpoch: number): Promise<void> {
    const before = this.#image?.topics
    await this.#runtime.load(partition, leaderEpoch)
    const after = this.#image?.topics
    // Topics that were deleted while it was loading.
    if (before !== undefined && after !== undefined && before !== after)
      this.#runtime.writeAlone(partition, (state) => forgetDeleted(state, before, after))
  }

  /** No longer leader (also: the topic was deleted). Held requests answer NOT_COORDINATOR. */
  onResigned(partition: number): void {
    this.#runtime.unload(partition)
  }

  /** Each new image, after the replica manager has taken it: removes offsets of deleted topics, maps topic ids. */
  onMetadataImage(image: MetadataImage): void {
    const before = this.#image?.topics
    this.#image = image
    const after = image.topics
    this.#partitions = after.byName(OFFSETS_TOPIC)?.partitions.length ?? this.#partitions
    if (before === undefined || before === after) return
    this.#runtime.writeAll((state) => forgetDeleted(state, before, after))
  }

  /** `__consumer_offsets` partition of a group: whose leader FindCoordinator answers. */
  partitionOf(groupId: string): number {
    return partitionOfKey(groupId, this.#partitions)
  }

  /** Answers everything that is held with NOT_COORDINATOR and stops all timers. */
  close(): void {
    this.#closed = true
    this.#runtime.close()
  }

  async joinGroup(context: GroupRequestContext, request: JoinGroupRequest): Promise<Init<JoinGroupResponse>> {
    const { memberId } = request
    const refused = this.#closed ? 'COORDINATOR_NOT_AVAILABLE' : refuseJoin(request, this.#environment)
    const response: Init<JoinGroupResponse> =
      refused !== null
        ? { memberId, errorCode: errno(refused) }
        : await this.#runtime.write<Init<JoinGroupResponse>>(
            this.partitionOf(request.groupId),
            (code) => ({ errorCode: errno(answerToWriteError(code)) }),
            (state, reply, nowMs) =>
              joinGroup(state, toJoin(context, request, reply, nowMs), this.#rebalance, this.#environment),
          )
    // No protocol: null where the version can say so.
    const { protocolName = null } = response
    if (context.apiVersion < 7) return { ...response, protocolName: protocolName ?? '' }
    // Where null can be said, the empty name is not.
    return { ...response, protocolName: protocolName === '' ? null : protocolName }
  }

  async syncGroup(context: GroupRequestContext, request: SyncGroupRequest): Promise<Init<SyncGroupResponse>> {
    const refused = this.#closed ? 'COORDINATOR_NOT_AVAILABLE' : refuseSync(context, request)
    if (refused !== null) return { errorCode: errno(refused) }
    return this.#runtime.write<Init<SyncGroupResponse>>(
      this.partitionOf(request.groupId),
      (code) => ({ errorCode: errno(answerToWriteError(code)) }),
      (state, reply) => syncGroup(state, request, reply, this.#rebalance, this.#environment),
    )
  }

  async heartbeat(_context: GroupRequestContext, request: HeartbeatRequest): Promise<Init<HeartbeatResponse>> {
    const refused = this.#refuse(request.groupId)
    if (refused !== null) return { errorCode: errno(refused) }
    return this.#runtime.write<Init<HeartbeatResponse>>(
      this.partitionOf(request.groupId),
      // While the group is loaded nobody can know better: the member stays.
      (code) => ({ errorCode: code === 'COORDINATOR_LOAD_IN_PROGRESS' ? 0 : errno(answerToWriteError(code)) }),
      (state, reply) => heartbeat(state, request, reply, this.#rebalance),
    )
  }

  async leaveGroup(context: GroupRequestContext, request: LeaveGroupRequest): Promise<Init<LeaveGroupResponse>> {
    const refused = this.#refuse(request.groupId)
    if (refused !== null) return { errorCode: errno(refused) }
    return this.#runtime.write<Init<LeaveGroupResponse>>(
      this.partitionOf(request.groupId),
      (code) => ({ errorCode: errno(answerToWriteError(code)) }),
      (state, reply, nowMs) => leaveGroup(state, request, context.apiVersion, reply, this.#rebalance, nowMs),
    )
  }

  async offsetCommit(context: GroupRequestContext, request: OffsetCommitRequest): Promise<Init<OffsetCommitResponse>> {
    const { found, missing } = findTopicsToCommit(request, context.apiVersion, this.#image)
    if (found.length === 0) return { topics: missing }
    const failed = (code: ErrorCode): Init<OffsetCommitResponse> => commitError(found, answerToWriteError(code))
    const { topics = [] } = this.#closed
      ? failed('COORDINATOR_NOT_AVAILABLE')
      : await this.#runtime.write<Init<OffsetCommitResponse>>(
          this.partitionOf(request.groupId),
          failed,
          (state, reply, nowMs) =>
            offsetCommit(state, { context, request, topics: found, reply, nowMs }, this.#rebalance, this.#environment),
        )
    return { topics: mergeTopics(missing, topics) }
  }

  async txnOffsetCommit(
    context: GroupRequestContext,
    request: TxnOffsetCommitRequest,
  ): Promise<Init<TxnOffsetCommitResponse>> {
    const { found, missing } = findTopicsOfTxn(request, this.#image)
    if (found.length === 0) return { topics: missing }
    const { groupId, transactionalId, producerId, producerEpoch } = request
    const failed = (code: ErrorCode): Init<TxnOffsetCommitResponse> => ({
      topics: found.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errno(answerToTxnError(code, context.apiVersion)),
        })),
      })),
    })
    const refused = this.#refuse(groupId)
    const partition = this.partitionOf(groupId)
    const commit = async (): Promise<Init<TxnOffsetCommitResponse>> => {
      const question = { transactionalId, producerId, producerEpoch, apiVersion: context.apiVersion }
      try {
        const verification = await this.#writer.verify(partition, question)
        const transaction = { producerId, producerEpoch, verification }
        return await this.#runtime.write<Init<TxnOffsetCommitResponse>>(partition, failed, (state, reply, nowMs) =>
          txnOffsetCommit(state, { request, topics: found, transaction, reply, nowMs }, this.#environment),
        )
      } catch (error) {
        return failed(codeOfKafka(error))
      }
    }
    const { topics = [] } = refused !== null ? failed(refused) : await commit()
    return { topics: mergeTopics(missing, topics) }
  }

  /**
   * A transaction with offsets in that partition of `__consumer_offsets` was decided: they become committed, or vanish.
   * Resolves to NONE when the marker is committed.
   */
  async completeTransaction(partition: number, marker: MarkerWrite): Promise<ErrorCode> {
    if (this.#closed) return 'COORDINATOR_NOT_AVAILABLE'
    return this.#runtime.write<ErrorCode>(
      partition,
      (code) => code,
      (_state, reply) => {
        const into = decision()
        into.marker = marker
        return into.answer(reply, 'NONE')
      },
    )
  }

  async offsetFetch(context: GroupRequestContext, request: OffsetFetchRequest): Promise<Init<OffsetFetchResponse>> {
    const { apiVersion } = context
    const asked = groupsToFetch(request, apiVersion, this.#image)
    const fetched = await Promise.all(asked.map(({ fetch }) => this.#fetchGroup(fetch)))
    const [first] = asked
    const [single] = fetched
    if (apiVersion < SEVERAL_GROUPS_FROM && first !== undefined && single !== undefined)
      return toSingleGroup(single, first.fetch, apiVersion)
    const groups = asked.flatMap((group, at) => {
      const result = fetched[at]
      return result === undefined ? [] : [toGroup(result, group, apiVersion, this.#image)]
    })
    return { groups }
  }

  async offsetDelete(_context: GroupRequestContext, request: OffsetDeleteRequest): Promise<Init<OffsetDeleteResponse>> {
    const { found, missing } = findTopicsToDelete(request, this.#image)
    const refused = this.#refuse(request.groupId)
    if (refused !== null) return { errorCode: errno(refused) }
    const response = await this.#runtime.write<Init<OffsetDeleteResponse>>(
      this.partitionOf(request.groupId),
      (code) => ({ errorCode: errno(answerToWriteError(code)) }),
      (state, reply) => offsetDelete(state, { ...request, topics: found }, reply),
    )
    if ((response.errorCode ?? 0) !== 0) return response
    return { errorCode: 0, topics: mergeTopics(missing, response.topics ?? []) }
  }

  async listGroups(_context: GroupRequestContext, request: ListGroupsRequest): Promise<Init<ListGroupsResponse>> {
    if (this.#closed) return { errorCode: errno('COORDINATOR_NOT_AVAILABLE') }
    try {
      return { errorCode: 0, groups: this.#runtime.readAll((state) => listGroups(state, request)).flat() }
    } catch (error) {
      return { errorCode: errno(codeOfKafka(error)) }
    }
  }

  async describeGroups(
    context: GroupRequestContext,
    request: DescribeGroupsRequest,
  ): Promise<Init<DescribeGroupsResponse>> {
    const groups = request.groups.map((groupId): Init<DescribeGroupsResponse.DescribedGroup> => {
      if (this.#closed) return { groupId, errorCode: errno('COORDINATOR_NOT_AVAILABLE') }
      try {
        return this.#runtime.read(this.partitionOf(groupId), (state) =>
          describeGroup(state, groupId, context.apiVersion),
        )
      } catch (error) {
        return { groupId, errorCode: errno(codeOfKafka(error)) }
      }
    })
    return { groups }
  }

  async deleteGroups(_context: GroupRequestContext, request: DeleteGroupsRequest): Promise<Init<DeleteGroupsResponse>> {
    const byPartition = new Map<number, string[]>()
    for (const groupId of new Set(request.groupsNames)) {
      const partition = this.partitionOf(groupId)
      const others = byPartition.get(partition)
      if (others === undefined) byPartition.set(partition, [groupId])
      else others.push(groupId)
    }
    const writes = [...byPartition].map(([partition, groupIds]) => {
      const failed = (code: ErrorCode): DeletedGroup[] =>
        groupIds.map((groupId) => ({ groupId, errorCode: errno(answerToWriteError(code)) }))
      if (this.#closed) return failed('COORDINATOR_NOT_AVAILABLE')
      return this.#runtime.write<DeletedGroup[]>(partition, failed, (state, reply) =>
        deleteGroups(state, groupIds, reply, this.#environment),
      )
    })
    return { results: (await Promise.all(writes)).flat() }
  }

  async #fetchGroup(fetch: OffsetsToFetch): Promise<FetchedGroup> {
    if (this.#closed) return { error: 'COORDINATOR_NOT_AVAILABLE', topics: [] }
    const partition = this.partitionOf(fetch.groupId)
    const failed = (code: ErrorCode): FetchedGroup => ({ error: answerToFetchError(code), topics: [] })
    if (fetch.requireStable)
      return this.#runtime.write<FetchedGroup>(partition, failed, (state, reply) =>
        decision().answer(reply, { error: null, topics: offsetFetch(state, fetch) }),
      )
    try {
      return { error: null, topics: this.#runtime.read(partition, (state) => offsetFetch(state, fetch)) }
    } catch (error) {
      return failed(codeOfKafka(error))
    }
  }

  #refuse(groupId: string): ErrorCode | null {
    if (this.#closed) return 'COORDINATOR_NOT_AVAILABLE'
    return groupId === '' ? 'INVALID_GROUP_ID' : null
  }
}

/** Producers before 2.3 don't expect to be told that the coordinator is loading. */
function answerToTxnError(code: ErrorCode, apiVersion: number): ErrorCode {
  const answer = answerToWriteError(code)
  return answer === 'COORDINATOR_LOAD_IN_PROGRESS' && apiVersion < LOADING_KNOWN_FROM
    ? 'COORDINATOR_NOT_AVAILABLE'
    : answer
}

/** Consumers that fetch offsets don't expect to be told to wait for the coordinator. */
function answerToFetchError(code: ErrorCode): ErrorCode {
  const answer = answerToWriteError(code)
  return answer === 'COORDINATOR_NOT_AVAILABLE' ? 'NOT_COORDINATOR' : answer
}

function codeOfKafka(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.code
  throw error
}
