/**
 * TxnOffsetCommit v0-5: offsets that are committed with a transaction and wait for its marker. v2 has leader epochs, v3 the
 * member and its generation (KIP-447), v4 clients that know TRANSACTION_ABORTABLE, v5 leaves it to the coordinator to add
 * the group's partition to the transaction (KIP-890).
 *
 * The transaction was verified by the caller. Unlike OffsetCommit the state of the group isn't looked at, and a commit is no
 * heartbeat: the producer that sends it isn't the member.
 */
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../protocol/generated/txn-offset-commit.ts'
import type { TransactionalWrite } from '../runtime/decision.ts'
import type { Reply } from '../runtime/reply.ts'
import type { ClassicGroup } from './classic-group.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { GroupState } from './group-state.ts'
import { validateForeign } from './offset-commit.ts'
import { decision, errno, type GroupDecision, type GroupEnvironment } from './requests.ts'

export interface TxnOffsetsToCommit {
  readonly request: TxnOffsetCommitRequest
  /** Those that exist. */
  readonly topics: readonly TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic[]
  readonly transaction: TransactionalWrite
  readonly reply: Reply<Init<TxnOffsetCommitResponse>>
  readonly nowMs: number
}

export function txnOffsetCommit(
  state: GroupState,
  commit: TxnOffsetsToCommit,
  environment: GroupEnvironment,
): GroupDecision {
  const { request, topics, transaction, reply, nowMs } = commit
  const { groupId } = request
  const group = state.groups.get(groupId)
  if (group instanceof ForeignGroup) validateForeign(group, request.generationId)
  else if (group !== null) validateClassic(group, request)
  else if (request.generationId >= 0) throw new KafkaError('ILLEGAL_GENERATION', `Group ${groupId} not found.`)
  const into = decision()
  into.transaction = transaction
  const metadataMax = environment.config.current.offsetMetadataMaxLength
  const answered = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
      if ((committedMetadata?.length ?? 0) > metadataMax)
        return { partitionIndex, errorCode: errno('OFFSET_METADATA_TOO_LARGE') }
      into.append({
        kind: 'offset',
        groupId,
        topic: name,
        partition: partitionIndex,
        value: {
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata: committedMetadata ?? '',
          commitTimestamp: nowMs,
          expireTimestamp: -1,
          topicId: ZERO_UUID,
        },
      })
      return { partitionIndex, errorCode: 0 }
    }),
  }))
  return into.answer(reply, { topics: answered })
}

function validateClassic(group: ClassicGroup, request: TxnOffsetCommitRequest): void {
  const { memberId, groupInstanceId, generationId } = request
  if (generationId < 0 && (group.state === 'Empty' || (memberId === '' && groupInstanceId === null))) return
  group.memberOf(memberId, groupInstanceId)
  if (generationId !== group.generation)
    throw new KafkaError('ILLEGAL_GENERATION', `group ${group.id} is at generation ${group.generation}`)
}
