/**
 * JoinGroup v0-9. v1 has a rebalance timeout of its own, v4 makes a new member come back with the id it was given
 * (KIP-394), v5 has static members (KIP-345), v7 protocol type in the answer, v8 reasons, v9 `skipAssignment` (KIP-814).
 *
 * The answer is held until the rebalance is complete. It is given at once only for errors, for a member that missed its
 * answer, and for a static member that came back without changing anything.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { JoinGroupRequest } from '../../protocol/generated/join-group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { GroupState } from './group-state.ts'
import { Member, NO_ASSIGNMENT, type JoinReply, type MemberProtocol } from './member.ts'
import { NEW_MEMBER_JOIN_TIMEOUT_MS, type Rebalance } from './rebalance.ts'
import {
  decision,
  errno,
  javaUuid,
  type GroupDecision,
  type GroupEnvironment,
  type GroupRequestContext,
} from './requests.ts'

/** First version whose new dynamic members must come back with the id they are given. */
const MEMBER_ID_REQUIRED_FROM = 4
/** First version that can tell a leader to leave the assignment as it is. */
const SKIP_ASSIGNMENT_FROM = 9

/** What a join needs beyond the group: a request taken out of the receive buffer. */
export interface Join {
  readonly context: GroupRequestContext
  readonly request: JoinGroupRequest
  readonly protocols: readonly MemberProtocol[]
  readonly rebalanceTimeoutMs: number
  readonly reply: JoinReply
  readonly nowMs: number
}

/** The error of a request that is wrong whatever the group is. */
export function refuseJoin(request: JoinGroupRequest, environment: GroupEnvironment): ErrorCode | null {
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = environment.config.current
  if (request.groupId === '') return 'INVALID_GROUP_ID'
  if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs)
    return 'INVALID_SESSION_TIMEOUT'
  return null
}

/** Copies what is kept: the request lies in memory that is received into again. */
export function toJoin(context: GroupRequestContext, request: JoinGroupRequest, reply: JoinReply, nowMs: number): Join {
  const protocols = request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
  const rebalanceTimeoutMs = context.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
  return { context, request, protocols, rebalanceTimeoutMs, reply, nowMs }
}

export function joinGroup(
  state: GroupState,
  join: Join,
  rebalance: Rebalance,
  environment: GroupEnvironment,
): GroupDecision {
  const into = decision()
  const { request, reply, nowMs } = join
  const { groupId, memberId } = request
  const existing = state.groups.get(groupId)
  if (existing instanceof ForeignGroup) return refuse(into, reply, '', 'INCONSISTENT_GROUP_PROTOCOL')
  if (existing === null && memberId !== '') return refuse(into, reply, memberId, 'UNKNOWN_MEMBER_ID')
  const group = existing ?? state.create(groupId, nowMs)

  if (!acceptsMember(group, memberId, environment.config.current.maxGroupSize)) {
    const member = group.members.get(memberId)
    if (member !== undefined) rebalance.removeMember(group, member, into)
    else group.remove(memberId)
    refuse(into, reply, '', 'GROUP_MAX_SIZE_REACHED')
  } else if (!group.supports(request.protocolType, join.protocols)) {
    refuse(into, reply, memberId, 'INCONSISTENT_GROUP_PROTOCOL')
  } else if (memberId === '') joinAsNew(group, join, rebalance, environment, into)
  else joinAsKnown(group, join, rebalance, into)

  if (existing === null && into.records.length === 0) {
    // The group exists from its first record on; a member may be in it, but of a generation nobody knows of yet.
    into.append({
      kind: 'classic',
      groupId,
      value: {
        protocolType: '',
        generation: 0,
        protocol: null,
        leader: null,
        currentStateTimestamp: group.stateSinceMs,
        members: [],
      },
    })
  }
  return into
}

function joinAsNew(
  group: ClassicGroup,
  join: Join,
  rebalance: Rebalance,
  environment: GroupEnvironment,
  into: GroupDecision,
): void {
  const { request, context, reply } = join
  const instanceId = request.groupInstanceId
  const newId = `${instanceId ?? context.clientId ?? ''}-${javaUuid(environment.random)}`
  if (instanceId !== null) {
    const before = group.memberOfInstance(instanceId)
    if (before === null) addMember(group, newId, join, rebalance, into)
    else replaceStatic(group, before, newId, join, rebalance, into)
  } else if (context.apiVersion >= MEMBER_ID_REQUIRED_FROM) {
    group.pendingJoins.add(newId)
    rebalance.watch(group.id, newId, request.sessionTimeoutMs, into)
    into.answer(reply, { memberId: newId, errorCode: errno('MEMBER_ID_REQUIRED') })
  } else addMember(group, newId, join, rebalance, into)
}

function joinAsKnown(group: ClassicGroup, join: Join, rebalance: Rebalance, into: GroupDecision): void {
  const { request, protocols, reply } = join
  const { memberId, groupInstanceId } = request
  if (group.pendingJoins.has(memberId)) {
    // Ids are only handed out to dynamic members: with an instance id this is somebody else's.
    if (groupInstanceId !== null) refuse(into, reply, '', 'UNKNOWN_SERVER_ERROR')
    else addMember(group, memberId, join, rebalance, into)
    return
  }
  let member: Member
  try {
    member = group.memberOf(memberId, groupInstanceId)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    into.answerAtOnce(reply, { memberId, errorCode: error.errno, protocolType: null, protocolName: null })
    return
  }
  const isUnchanged = member.supportsSame(protocols)
  switch (group.state) {
    case 'PreparingRebalance':
      return rejoin(group, member, join, rebalance, `member ${memberId} is joining`, into)
    case 'CompletingRebalance':
      // It may have missed its answer: it gets it again.
      if (!isUnchanged) rejoin(group, member, join, rebalance, `updating metadata for member ${memberId}`, into)
      else answerCurrent(group, memberId, reply, group.leader === memberId, into)
      return
    case 'Stable':
      // A leader that joins again wants a new assignment, for topics that changed.
      if (group.leader === memberId) rejoin(group, member, join, rebalance, `leader ${memberId} re-joining`, into)
      else if (!isUnchanged) rejoin(group, member, join, rebalance, `updating metadata for member ${memberId}`, into)
      else answerCurrent(group, memberId, reply, false, into)
      return
    case 'Empty':
      refuse(into, reply, memberId, 'UNKNOWN_MEMBER_ID')
  }
}

function addMember(group: ClassicGroup, id: string, join: Join, rebalance: Rebalance, into: GroupDecision): void {
  const { request, context, protocols, reply, nowMs } = join
  const member = new Member({
    id,
    instanceId: request.groupInstanceId,
    clientId: context.clientId ?? '',
    clientHost: `/${context.clientAddress}`,
    rebalanceTimeoutMs: join.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocolType: request.protocolType,
    protocols,
    assignment: NO_ASSIGNMENT,
  })
  member.isNew = true
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
  group.add(member, reply)
  // It has no id yet, so it sends no heartbeats, and we don't see when it goes away while its join is held: if it is
  // still there when this time is over it asks again.
  rebalance.keepAlive(group, member, into, NEW_MEMBER_JOIN_TIMEOUT_MS)
  rebalance.prepareOrComplete(group, `adding new member ${id}; client reason: ${reasonOf(request)}`, into, nowMs)
}

function rejoin(
  group: ClassicGroup,
  member: Member,
  join: Join,
  rebalance: Rebalance,
  reason: string,
  into: GroupDecision,
): void {
  update(group, member, join, into)
  rebalance.prepareOrComplete(group, `${reason}; client reason: ${reasonOf(join.request)}`, into, join.nowMs)
}

function update(group: ClassicGroup, member: Member, join: Join, into: GroupDecision): void {
  member.protocols = join.protocols
  member.rebalanceTimeoutMs = join.rebalanceTimeoutMs
  member.sessionTimeoutMs = join.request.sessionTimeoutMs
  // A client that repeats a join has given up on the one before.
  if (member.joinReply !== null && member.joinReply !== join.reply)
    into.answerAtOnce(member.joinReply, { memberId: member.id, errorCode: errno('UNKNOWN_MEMBER_ID') })
  group.hold(member, join.reply)
}

/** A static member that restarted has lost its id: it takes the place of its former self, which is fenced. */
function replaceStatic(
  group: ClassicGroup,
  old: Member,
  newId: string,
  join: Join,
  rebalance: Rebalance,
  into: GroupDecision,
): void {
  const { request, context, reply, nowMs } = join
  const leaderBefore = group.leader
  fence(old, into)
  const member = group.replace(old, newId)
  rebalance.unwatch(group.id, old.id, into)
  rebalance.keepAlive(group, member, into)
  update(group, member, join, into)
  const reason = `static member ${newId} with instance id ${request.groupInstanceId} joined`

  if (group.state === 'CompletingRebalance') return rebalance.prepare(group, reason, into, nowMs)
  if (group.state !== 'Stable') return rebalance.completeIfAllJoined(group, into, nowMs)
  if (group.selectProtocol() !== group.protocol) return rebalance.prepareOrComplete(group, reason, into, nowMs)

  // Nothing changes for the others: the new id is persisted and the member goes on with its old assignment.
  const assignments = new Map([...group.members.values()].map(({ id, assignment }) => [id, assignment]))
  into.append({ kind: 'classic', groupId: group.id, value: group.toRecord(assignments) })
  into.whenSettled((error) => {
    const next = decision()
    if (group.members.get(newId) !== member || member.joinReply !== reply) return next
    if (error !== null) {
      const back = group.replace(member, old.id)
      back.protocols = old.protocols
      back.rebalanceTimeoutMs = old.rebalanceTimeoutMs
      back.sessionTimeoutMs = old.sessionTimeoutMs
      rebalance.unwatch(group.id, newId, next)
      rebalance.keepAlive(group, back, next)
      return next
    }
    const skips = context.apiVersion >= SKIP_ASSIGNMENT_FROM
    const leads = skips && group.leader === newId
    next.answerAtOnce(reply, {
      errorCode: 0,
      generationId: group.generation,
      protocolType: group.protocolType,
      protocolName: group.protocol,
      // An older client is told the id of its former self, so that it doesn't take itself for the leader.
      leader: (skips ? group.leader : leaderBefore) ?? '',
      skipAssignment: leads,
      memberId: newId,
      members: leads ? group.membersForLeader() : [],
    })
    group.hold(member, null)
    return next
  })
}

function fence(old: Member, into: GroupDecision): void {
  const errorCode = errno('FENCED_INSTANCE_ID')
  if (old.joinReply !== null)
    into.answerAtOnce(old.joinReply, { memberId: old.id, errorCode, protocolType: null, protocolName: null })
  if (old.syncReply !== null) into.answerAtOnce(old.syncReply, { errorCode, protocolType: null, protocolName: null })
}

function answerCurrent(
  group: ClassicGroup,
  memberId: string,
  reply: JoinReply,
  withMembers: boolean,
  into: GroupDecision,
): void {
  into.answerAtOnce(reply, {
    errorCode: 0,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocol,
    leader: group.leader ?? '',
    memberId,
    members: withMembers ? group.membersForLeader() : [],
  })
}

/** Members that are in stay in; others are accepted up to the limit, which counts those who joined this time. */
function acceptsMember(group: ClassicGroup, memberId: string, sizeMax: number): boolean {
  switch (group.state) {
    case 'Empty':
      return true
    case 'PreparingRebalance':
      return (group.members.get(memberId)?.joinReply ?? null) !== null || group.awaitingJoinCount < sizeMax
    case 'CompletingRebalance':
    case 'Stable':
      return group.members.has(memberId) || group.members.size < sizeMax
  }
}

function refuse(into: GroupDecision, reply: JoinReply, memberId: string, code: ErrorCode): GroupDecision {
  return into.answerAtOnce(reply, { memberId, errorCode: errno(code) })
}

function reasonOf(request: JoinGroupRequest): string {
  return request.reason === null || request.reason === '' ? 'not provided' : request.reason
}
