/**
 * LeaveGroup v0-5: one member in v0-2, several from v3 on, each with an error of its own; v5 has reasons. An admin may
 * remove static members by instance id with an empty member id. One rebalance for all of them.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Init } from '../../protocol/codec.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/generated/leave-group.ts'
import type { Reply } from '../runtime/reply.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupState } from './group-state.ts'
import type { Rebalance } from './rebalance.ts'
import { decision, errno, type GroupDecision } from './requests.ts'

/** First version that names several members. */
export const LEAVE_SEVERAL_FROM = 3

export function leaveGroup(
  state: GroupState,
  request: LeaveGroupRequest,
  apiVersion: number,
  reply: Reply<Init<LeaveGroupResponse>>,
  rebalance: Rebalance,
  nowMs: number,
): GroupDecision {
  const into = decision()
  const leaving =
    apiVersion >= LEAVE_SEVERAL_FROM
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null, reason: null }]
  const group = state.classic(request.groupId)
  const members = leaving.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: group === null ? errno('UNKNOWN_MEMBER_ID') : remove(group, memberId, groupInstanceId, rebalance, into),
  }))
  const left = members.filter(({ errorCode }) => errorCode === 0).map(({ memberId }) => memberId)
  if (group !== null && left.length > 0) {
    const reason = `explicit LeaveGroup request for (${left.join(', ')}) members`
    if (group.state === 'PreparingRebalance') rebalance.completeIfAllJoined(group, into, nowMs)
    else if (group.state !== 'Empty') rebalance.prepare(group, reason, into, nowMs)
  }
  return into.answer(
    reply,
    apiVersion >= LEAVE_SEVERAL_FROM ? { errorCode: 0, members } : { errorCode: members[0]?.errorCode ?? 0 },
  )
}

/** The member's error code. */
function remove(
  group: ClassicGroup,
  memberId: string,
  instanceId: string | null,
  rebalance: Rebalance,
  into: GroupDecision,
): number {
  if (memberId !== '' && group.pendingJoins.has(memberId)) {
    group.remove(memberId)
    rebalance.unwatch(group.id, memberId, into)
    return 0
  }
  try {
    const byInstance = memberId === '' && instanceId !== null ? group.memberOfInstance(instanceId) : null
    const member = byInstance ?? group.memberOf(memberId, memberId === '' ? null : instanceId)
    rebalance.removeMember(group, member, into)
    rebalance.unwatch(group.id, member.id, into)
    return 0
  } catch (error) {
    if (error instanceof KafkaError) return error.errno
    throw error
  }
}
