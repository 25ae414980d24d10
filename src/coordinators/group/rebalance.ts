/**
 * The rebalance of a classic group: who starts it, when it is complete, and its timers. Every request kind that changes
 * the members comes here.
 *
 * Timers of a group: `join-G` (the rebalance ends whether or not all have joined), `sync-G` (whoever has not synced is
 * removed), `heartbeat-G-M` (session of a member). A timer finds its group by name when it ends, since the group may be
 * gone or another one by then.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import type { ClassicGroup } from './classic-group.ts'
import { NO_ASSIGNMENT, type Member } from './member.ts'
import { decision, errno, type GroupDecision, type GroupEnvironment } from './requests.ts'
import type { GroupState } from './group-state.ts'

/** Kafka's fixed limit for the first join of a member, whose session does not run yet. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000

const joinKey = (groupId: string): string => `join-${groupId}`
const syncKey = (groupId: string): string => `sync-${groupId}`
const heartbeatKey = (groupId: string, memberId: string): string => `heartbeat-${groupId}-${memberId}`

export class Rebalance {
  readonly #environment: GroupEnvironment

  constructor(environment: GroupEnvironment) {
    this.#environment = environment
  }

  /** After a join, leave or expiry: a rebalance begins, or the one that runs may be complete. */
  prepareOrComplete(group: ClassicGroup, reason: string, into: GroupDecision, nowMs: number): void {
    if (group.state === 'PreparingRebalance') this.completeIfAllJoined(group, into, nowMs)
    else this.prepare(group, reason, into, nowMs)
  }

  prepare(group: ClassicGroup, reason: string, into: GroupDecision, nowMs: number): void {
    if (group.state === 'CompletingRebalance') this.propagateError(group, 'REBALANCE_IN_PROGRESS', into)
    group.pendingSyncs.clear()
    into.cancel(syncKey(group.id))
    const isInitial = group.state === 'Empty'
    group.transitionTo('PreparingRebalance', nowMs)
    this.#environment.logger.info(
      `Preparing to rebalance group ${group.id} in state ${group.state} with old generation ${group.generation} (reason: ${reason})`,
    )
    if (isInitial) {
      // More members are likely to come: they get time to.
      const delayMs = this.#environment.config.current.initialRebalanceDelayMs
      this.#delayInitial(group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0), into)
    } else if (group.hasAllMembersJoined) this.complete(group, into, nowMs)
    else this.#scheduleJoinEnd(group, into)
  }

  /** The initial rebalance always waits for its delay. */
  completeIfAllJoined(group: ClassicGroup, into: GroupDecision, nowMs: number): void {
    if (group.state === 'PreparingRebalance' && group.previousState !== 'Empty' && group.hasAllMembersJoined)
      this.complete(group, into, nowMs)
  }

  /** The next generation begins with those who have joined, and with static members whether they did or not. */
  complete(group: ClassicGroup, into: GroupDecision, nowMs: number): void {
    into.cancel(joinKey(group.id))
    for (const member of [...group.members.values()]) {
      if (member.joinReply !== null || member.isStatic) continue
      group.remove(member.id)
      into.cancel(heartbeatKey(group.id, member.id))
    }
    if (group.members.size > 0 && !group.electJoinedLeader()) {
      // Only static members that have not joined: wait until one does or their sessions end.
      this.#scheduleJoinEnd(group, into)
      return
    }
    group.startNextGeneration(nowMs)
    if (group.state === 'Empty') {
      this.#environment.logger.info(`Group ${group.id} with generation ${group.generation} is now empty`)
      into.append({ kind: 'classic', groupId: group.id, value: group.toRecord(new Map()) })
      return
    }
    this.#environment.logger.info(
      `Stabilized group ${group.id} generation ${group.generation} with ${group.members.size} members`,
    )
    for (const member of group.members.values()) {
      this.answerJoin(group, member, into)
      this.keepAlive(group, member, into)
      member.isNew = false
      group.pendingSyncs.add(member.id)
    }
    const { generation } = group
    into.schedule(syncKey(group.id), group.rebalanceTimeoutMs, (state, now) =>
      this.#onSyncEnd(state, group.id, generation, now),
    )
  }

  /** Answers the held join of a member with the generation that it is in now. */
  answerJoin(group: ClassicGroup, member: Member, into: GroupDecision): void {
    if (member.joinReply === null) return
    into.answerAtOnce(member.joinReply, {
      errorCode: 0,
      generationId: group.generation,
      protocolType: group.protocolType,
      protocolName: group.protocol,
      leader: group.leader ?? '',
      memberId: member.id,
      members: group.leader === member.id ? group.membersForLeader() : [],
    })
    group.hold(member, null)
  }

  /** The member's session begins anew. */
  keepAlive(group: ClassicGroup, member: Member, into: GroupDecision, timeoutMs = member.sessionTimeoutMs): void {
    this.watch(group.id, member.id, timeoutMs, into)
  }

  watch(groupId: string, memberId: string, timeoutMs: number, into: GroupDecision): void {
    into.schedule(heartbeatKey(groupId, memberId), timeoutMs, (state, nowMs) =>
      this.#onSessionEnd(state, groupId, memberId, nowMs),
    )
  }

  unwatch(groupId: string, memberId: string, into: GroupDecision): void {
    into.cancel(heartbeatKey(groupId, memberId))
  }

  /** Takes a member out. Its held requests are answered so that a client that is still there joins again. */
  removeMember(group: ClassicGroup, member: Member, into: GroupDecision): void {
    if (member.joinReply !== null)
      into.answerAtOnce(member.joinReply, { memberId: '', errorCode: errno('UNKNOWN_MEMBER_ID') })
    if (member.syncReply !== null) into.answerAtOnce(member.syncReply, { errorCode: errno('UNKNOWN_MEMBER_ID') })
    member.syncReply = null
    group.remove(member.id)
  }

  /** Members awaiting their assignment get this error instead and lose the assignment they had. */
  propagateError(group: ClassicGroup, code: ErrorCode, into: GroupDecision): void {
    for (const member of group.members.values()) {
      member.assignment = NO_ASSIGNMENT
      if (member.syncReply === null) continue
      into.answerAtOnce(member.syncReply, { errorCode: errno(code), protocolType: null, protocolName: null })
      member.syncReply = null
      this.keepAlive(group, member, into)
    }
  }

  #delayInitial(group: ClassicGroup, delayMs: number, remainingMs: number, into: GroupDecision): void {
    into.schedule(joinKey(group.id), delayMs, (state, nowMs) => {
      const next = decision()
      const now = state.classic(group.id)
      if (now === null || now.state !== 'PreparingRebalance') return next
      if (now.newMemberAdded && remainingMs !== 0) {
        now.newMemberAdded = false
        const nextDelayMs = Math.min(this.#environment.config.current.initialRebalanceDelayMs, remainingMs)
        this.#delayInitial(now, nextDelayMs, Math.max(remainingMs - delayMs, 0), next)
      } else this.complete(now, next, nowMs)
      return next
    })
  }

  #scheduleJoinEnd(group: ClassicGroup, into: GroupDecision): void {
    into.schedule(joinKey(group.id), group.rebalanceTimeoutMs, (state, nowMs) => {
      const next = decision()
      const now = state.classic(group.id)
      if (now?.state === 'PreparingRebalance') this.complete(now, next, nowMs)
      return next
    })
  }

  #onSessionEnd(state: GroupState, groupId: string, memberId: string, nowMs: number): GroupDecision {
    const next = decision()
    const group = state.classic(groupId)
    if (group === null) return next
    const member = group.members.get(memberId)
    if (group.pendingJoins.has(memberId)) {
      group.remove(memberId)
      if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) this.complete(group, next, nowMs)
    } else if (member !== undefined && !member.isHeld) {
      this.#environment.logger.info(`Member ${memberId} in group ${groupId} has failed, removing it from the group`)
      this.removeMember(group, member, next)
      if (group.state === 'Stable' || group.state === 'CompletingRebalance')
        this.prepare(group, `removing member ${memberId} on heartbeat expiration`, next, nowMs)
      else if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) this.complete(group, next, nowMs)
    }
    return next
  }

  #onSyncEnd(state: GroupState, groupId: string, generation: number, nowMs: number): GroupDecision {
    const next = decision()
    const group = state.classic(groupId)
    if (group === null || group.generation !== generation || group.pendingSyncs.size === 0) return next
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return next
    const late = [...group.pendingSyncs]
    for (const memberId of late) {
      group.remove(memberId)
      this.unwatch(groupId, memberId, next)
    }
    this.prepare(group, `removing ${late.join(', ')} on pending sync request expiration`, next, nowMs)
    return next
  }
}
