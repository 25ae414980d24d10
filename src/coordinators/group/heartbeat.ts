/** Heartbeat v0-4: keeps a member's session and tells it of a rebalance. v3 has static members. */
import { KafkaError } from '../../base/errors.ts'
import type { Init } from '../../protocol/codec.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../protocol/generated/heartbeat.ts'
import type { Reply } from '../runtime/reply.ts'
import type { GroupState } from './group-state.ts'
import type { Rebalance } from './rebalance.ts'
import { decision, errno, type GroupDecision } from './requests.ts'

export function heartbeat(
  state: GroupState,
  request: HeartbeatRequest,
  reply: Reply<Init<HeartbeatResponse>>,
  rebalance: Rebalance,
): GroupDecision {
  const into = decision()
  const group = state.classic(request.groupId)
  if (group === null) throw new KafkaError('UNKNOWN_MEMBER_ID', `Group ${request.groupId} not found.`)
  const member = group.memberOf(request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generation)
    throw new KafkaError('ILLEGAL_GENERATION', `group ${group.id} is at generation ${group.generation}`)
  // In CompletingRebalance too: a client starts to send heartbeats when it has its answer to the join.
  rebalance.keepAlive(group, member, into)
  return into.answer(reply, { errorCode: group.state === 'PreparingRebalance' ? errno('REBALANCE_IN_PROGRESS') : 0 })
}
