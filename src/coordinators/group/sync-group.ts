/**
 * SyncGroup v0-5: members fetch their assignment; the leader brings everybody's. v3 has static members, v5 names the
 * protocol type and protocol.
 *
 * Held in CompletingRebalance until the leader's assignment is committed; only then the group is Stable.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { SyncGroupRequest } from '../../protocol/generated/sync-group.ts'
import { answerToWriteError } from '../runtime/write-errors.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupState } from './group-state.ts'
import { NO_ASSIGNMENT, type Member, type SyncReply } from './member.ts'
import type { Rebalance } from './rebalance.ts'
import { decision, errno, type GroupDecision, type GroupEnvironment, type GroupRequestContext } from './requests.ts'

const PROTOCOL_REQUIRED_FROM = 5

export function refuseSync(context: GroupRequestContext, request: SyncGroupRequest): ErrorCode | null {
  const names = request.protocolType !== null && request.protocolName !== null
  if (context.apiVersion >= PROTOCOL_REQUIRED_FROM && !names) return 'INCONSISTENT_GROUP_PROTOCOL'
  return request.groupId === '' ? 'INVALID_GROUP_ID' : null
}

export function syncGroup(
  state: GroupState,
  request: SyncGroupRequest,
  reply: SyncReply,
  rebalance: Rebalance,
  environment: GroupEnvironment,
): GroupDecision {
  const into = decision()
  const group = state.classic(request.groupId)
  if (group === null || group.state === 'Empty') return refuse(into, reply, 'UNKNOWN_MEMBER_ID')
  let member: Member
  try {
    member = validate(group, request)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return refuse(into, reply, error.code)
  }
  switch (group.state) {
    case 'PreparingRebalance':
      return refuse(into, reply, 'REBALANCE_IN_PROGRESS')
    case 'Stable':
      group.pendingSyncs.delete(member.id)
      return into.answerAtOnce(reply, {
        errorCode: 0,
        protocolType: group.protocolType,
        protocolName: group.protocol,
        assignment: member.assignment,
      })
    case 'CompletingRebalance':
      group.pendingSyncs.delete(member.id)
      // A client that repeats a sync has given up on the one before.
      if (member.syncReply !== null) refuse(into, member.syncReply, 'REBALANCE_IN_PROGRESS')
      member.syncReply = reply
      if (group.leader === member.id) assign(group, request, rebalance, environment, into)
  }
  return into
}

function validate(group: ClassicGroup, request: SyncGroupRequest): Member {
  const member = group.memberOf(request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generation)
    throw new KafkaError('ILLEGAL_GENERATION', `group ${group.id} is at generation ${group.generation}`)
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocol))
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', `group ${group.id} uses ${group.protocol}`)
  return member
}

function differs(asked: string | null, actual: string | null): boolean {
  return asked !== null && actual !== null && asked !== actual
}

function assign(
  group: ClassicGroup,
  request: SyncGroupRequest,
  rebalance: Rebalance,
  environment: GroupEnvironment,
  into: GroupDecision,
): void {
  const { generation, leader } = group
  const assignments = new Map<string, Buffer>()
  for (const { memberId, assignment } of request.assignments) assignments.set(memberId, Buffer.from(assignment))
  into.append({ kind: 'classic', groupId: group.id, value: group.toRecord(assignments) })
  into.whenSettled((error, nowMs) => {
    const next = decision()
    // The group may have moved on meanwhile.
    if (group.state !== 'CompletingRebalance' || group.generation !== generation) return next
    if (error !== null) {
      rebalance.propagateError(group, answerToWriteError(error), next)
      rebalance.prepare(group, `error ${error} when storing the assignment of leader ${leader}`, next, nowMs)
      return next
    }
    environment.logger.debug(`Assignment of leader ${leader} for group ${group.id} generation ${generation} is stored`)
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.id) ?? NO_ASSIGNMENT
      if (member.syncReply === null) continue
      next.answerAtOnce(member.syncReply, {
        errorCode: 0,
        protocolType: group.protocolType,
        protocolName: group.protocol,
        assignment: member.assignment,
      })
      member.syncReply = null
      rebalance.keepAlive(group, member, next)
    }
    group.transitionTo('Stable', nowMs)
    return next
  })
}

function refuse(into: GroupDecision, reply: SyncReply, code: ErrorCode): GroupDecision {
  return into.answerAtOnce(reply, { errorCode: errno(code) })
}
