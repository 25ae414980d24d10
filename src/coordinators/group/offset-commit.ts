/**
 * OffsetCommit v0-10. v1 has a timestamp per partition, v2-4 a retention time (which makes the offset expire on its own),
 * v6 leader epochs, v7 static members, v10 topic ids.
 *
 * Topics have been found by the caller: what arrives here is committed, except for metadata that is too long. A commit
 * counts as a heartbeat of its member.
 */
import { clampInt64, type Int64 } from '../../base/int64.ts'
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/generated/offset-commit.ts'
import type { Reply } from '../runtime/reply.ts'
import type { ClassicGroup } from './classic-group.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { GroupState } from './group-state.ts'
import type { Rebalance } from './rebalance.ts'
import {
  decision,
  errno,
  type GroupDecision,
  type GroupEnvironment,
  type GroupRequestContext,
  type TopicRef,
} from './requests.ts'

/** First version that says GROUP_ID_NOT_FOUND; older clients know ILLEGAL_GENERATION. */
const GROUP_NOT_FOUND_FROM = 9
const UNSET = -1

type Topic = OffsetCommitRequest['topics'][number]

export interface TopicToCommit {
  readonly topic: TopicRef
  readonly partitions: Topic['partitions']
}

export interface OffsetsToCommit {
  readonly context: GroupRequestContext
  readonly request: OffsetCommitRequest
  readonly topics: readonly TopicToCommit[]
  readonly reply: Reply<Init<OffsetCommitResponse>>
  readonly nowMs: number
}

export function offsetCommit(
  state: GroupState,
  commit: OffsetsToCommit,
  rebalance: Rebalance,
  environment: GroupEnvironment,
): GroupDecision {
  const { request, context, topics, reply, nowMs } = commit
  const into = decision()
  const group = state.groups.get(request.groupId)
  if (group instanceof ForeignGroup) validateForeign(group, request.generationIdOrMemberEpoch)
  else if (group === null) validateAbsent(request, context.apiVersion)
  else {
    validateClassic(group, request)
    const member = group.members.get(request.memberId)
    if (member !== undefined && group.state !== 'Empty') rebalance.keepAlive(group, member, into)
  }
  // A group that isn't there is created by its first offset: a simple group.
  const retentionMs = clampInt64(request.retentionTimeMs)
  const expireTimestamp: Int64 = retentionMs === UNSET ? UNSET : nowMs + retentionMs
  const metadataMax = environment.config.current.offsetMetadataMaxLength
  const answered = topics.map(({ topic, partitions }) => ({
    name: topic.name,
    topicId: topic.id,
    partitions: partitions.map((partition) => {
      const { partitionIndex, committedMetadata, commitTimestamp } = partition
      if ((committedMetadata?.length ?? 0) > metadataMax)
        return { partitionIndex, errorCode: errno('OFFSET_METADATA_TOO_LARGE') }
      into.append({
        kind: 'offset',
        groupId: request.groupId,
        topic: topic.name,
        partition: partitionIndex,
        value: {
          offset: partition.committedOffset,
          leaderEpoch: partition.committedLeaderEpoch,
          metadata: committedMetadata ?? '',
          commitTimestamp: commitTimestamp === UNSET ? nowMs : commitTimestamp,
          expireTimestamp,
          topicId: expireTimestamp === UNSET ? topic.id : ZERO_UUID,
        },
      })
      return { partitionIndex, errorCode: 0 }
    }),
  }))
  return into.answer(reply, { topics: answered })
}

function validateAbsent(request: OffsetCommitRequest, apiVersion: number): void {
  if (request.generationIdOrMemberEpoch < 0) return
  const code = apiVersion >= GROUP_NOT_FOUND_FROM ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION'
  throw new KafkaError(code, `Group ${request.groupId} not found.`)
}

function validateClassic(group: ClassicGroup, request: OffsetCommitRequest): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = request
  // Admin clients and consumers that assign partitions themselves may commit while nobody else does.
  if (generation < 0 && group.state === 'Empty') return
  if (generation < 0 && memberId === '' && groupInstanceId === null)
    throw new KafkaError('UNKNOWN_MEMBER_ID', `group ${group.id} has members`)
  group.memberOf(memberId, groupInstanceId)
  if (generation !== group.generation)
    throw new KafkaError('ILLEGAL_GENERATION', `group ${group.id} is at generation ${group.generation}`)
  // The member knows of the new generation but not of its assignment in it.
  if (group.state === 'CompletingRebalance')
    throw new KafkaError('REBALANCE_IN_PROGRESS', `group ${group.id} awaits its assignment`)
}

/** @throws KafkaError UNKNOWN_MEMBER_ID */
export function validateForeign(group: ForeignGroup, generationId: number): void {
  if (generationId < 0 && group.state === 'Empty') return
  throw new KafkaError('UNKNOWN_MEMBER_ID', `members of ${group.type} groups are not served`)
}
