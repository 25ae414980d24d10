/**
 * A classic group (JoinGroup, SyncGroup): its members and its place in the rebalance. All of this is soft state: what
 * survives is the last GroupMetadataValue, from which `restore` makes the group anew after a load.
 *
 * Empty → PreparingRebalance → CompletingRebalance → Stable. Invariants: a group with members has a leader that is one
 * of them, and a protocol type; an instance id names one member; the generation never goes back while the group lives;
 * only in PreparingRebalance is a join held, only in CompletingRebalance a sync.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { assert, KafkaError } from '../../base/errors.ts'
import type { Int64 } from '../../base/int64.ts'
import type { JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { GroupMetadataValue } from '../../protocol/generated/group-group-metadata.ts'
import { inHashMapOrder } from '../../base/java-hash.ts'
import { Member, NO_ASSIGNMENT, type JoinReply, type MemberProtocol } from './member.ts'
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from './subscription.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export class ClassicGroup {
  readonly type = 'Classic'
  readonly id: string
  readonly members = new Map<string, Member>()
  /** Member ids handed out with MEMBER_ID_REQUIRED that have not joined yet. */
  readonly pendingJoins = new Set<string>()
  /** Members of this generation that have not synced yet. */
  readonly pendingSyncs = new Set<string>()
  generation = 0
  /** Null for a simple group: it only holds offsets. */
  protocolType: string | null = null
  protocol: string | null = null
  leader: string | null = null
  /** -1: not known (records of old versions). */
  stateSinceMs: Int64
  /** Null: not known, as for members that are no consumers. */
  topics: ReadonlySet<string> | null = null
  /** Somebody joined since the initial rebalance was last delayed. */
  newMemberAdded = false
  #state: ClassicState = 'Empty'
  #previousState: ClassicState | null = null
  #awaitingJoin = 0
  readonly #memberByInstance = new Map<string, string>()

  constructor(id: string, nowMs: number) {
    this.id = id
    this.stateSinceMs = nowMs
  }

  get state(): ClassicState {
    return this.#state
  }

  get previousState(): ClassicState | null {
    return this.#previousState
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoin
  }

  get isSimple(): boolean {
    return this.protocolType === null && this.#state === 'Empty' && this.pendingJoins.size === 0
  }

  get hasAllMembersJoined(): boolean {
    return this.#awaitingJoin === this.members.size && this.pendingJoins.size === 0
  }

  /** The longest that a member wants to have for joining. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.members.values()) longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }

  transitionTo(state: ClassicState, nowMs: number): void {
    this.#previousState = this.#state
    this.#state = state
    this.stateSinceMs = nowMs
  }

  memberOfInstance(instanceId: string): Member | null {
    return this.members.get(this.#memberByInstance.get(instanceId) ?? '') ?? null
  }

  /** The member that a request speaks for. @throws KafkaError UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID */
  memberOf(memberId: string, instanceId: string | null): Member {
    if (instanceId !== null) {
      const holder = this.#memberByInstance.get(instanceId)
      if (holder === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID', `no member has instance id ${instanceId}`)
      if (holder !== memberId)
        throw new KafkaError('FENCED_INSTANCE_ID', `another member has instance id ${instanceId}`)
    }
    const member = this.members.get(memberId)
    if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID', `${memberId} is not in group ${this.id}`)
    return member
  }

  /** Whether a member with these protocols can be in the group with all others. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0
    return this.protocolType === protocolType && protocols.some(({ name }) => this.#supportedByAll(name))
  }

  add(member: Member, reply: JoinReply | null): void {
    if (member.instanceId !== null) {
      assert(!this.#memberByInstance.has(member.instanceId), 'an instance id names one member')
      this.#memberByInstance.set(member.instanceId, member.id)
    }
    if (this.members.size === 0) this.protocolType = member.protocolType
    this.leader ??= member.id
    this.members.set(member.id, member)
    this.pendingJoins.delete(member.id)
    this.hold(member, reply)
  }

  /** A member, pending or not. Its held requests must have been answered. */
  remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member !== undefined) {
      this.hold(member, null)
      this.members.delete(memberId)
      if (member.instanceId !== null) this.#memberByInstance.delete(member.instanceId)
    }
    if (this.leader === memberId) this.leader = this.members.keys().next().value ?? null
    this.pendingJoins.delete(memberId)
    this.pendingSyncs.delete(memberId)
  }

  /** A static member that restarted: the same member in all but its id. */
  replace(old: Member, newId: string): Member {
    assert(old.instanceId !== null, 'only static members are replaced')
    this.hold(old, null)
    this.members.delete(old.id)
    const member = new Member({ ...snapshotOf(old), id: newId })
    this.members.set(newId, member)
    this.#memberByInstance.set(old.instanceId, newId)
    if (this.leader === old.id) this.leader = newId
    return member
  }

  /** Sets or takes back the held join of a member. */
  hold(member: Member, reply: JoinReply | null): void {
    this.#awaitingJoin += (reply === null ? 0 : 1) - (member.joinReply === null ? 0 : 1)
    member.joinReply = reply
  }

  /** Makes sure that the leader has joined this time; false if there is nobody who could lead. */
  electJoinedLeader(): boolean {
    const leader = this.leader === null ? undefined : this.members.get(this.leader)
    if (leader === undefined) return false
    if (leader.joinReply !== null) return true
    for (const member of this.members.values()) {
      if (member.joinReply === null) continue
      this.leader = member.id
      return true
    }
    return false
  }

  /** The protocol that most members prefer among those that all support. */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const member of this.members.values())
      for (const { name } of member.protocols) if (this.#supportedByAll(name)) candidates.add(name)
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const vote = member.vote(candidates)
      if (vote !== null) votes.set(vote, (votes.get(vote) ?? 0) + 1)
    }
    // Where several have the most votes the first in the order of Java's HashMap wins, as in Kafka.
    let best: string | null = null
    for (const name of inHashMapOrder([...votes.keys()]))
      if (best === null || (votes.get(name) ?? 0) > (votes.get(best) ?? 0)) best = name
    assert(best !== null, 'all members of a group have a protocol in common')
    return best
  }

  startNextGeneration(nowMs: number): void {
    this.generation++
    this.protocol = this.members.size === 0 ? null : this.selectProtocol()
    this.topics = subscribedTopics(this)
    this.transitionTo(this.members.size === 0 ? 'Empty' : 'CompletingRebalance', nowMs)
    this.pendingSyncs.clear()
  }

  /** What the leader is told: everybody's metadata for the protocol that was chosen. */
  membersForLeader(): JoinGroupResponse.JoinGroupResponseMember[] {
    return [...this.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      metadata: member.metadataOf(this.protocol) ?? NO_ASSIGNMENT,
    }))
  }

  isSubscribedTo(topic: string): boolean {
    return this.topics === null ? this.protocolType === CONSUMER_PROTOCOL_TYPE : this.topics.has(topic)
  }

  /** The group as it is persisted, with these assignments; a member that has none gets an empty one. */
  toRecord(assignments: ReadonlyMap<string, Buffer>): GroupMetadataValue {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocol: this.protocol,
      leader: this.leader,
      currentStateTimestamp: this.stateSinceMs,
      members: [...this.members.values()].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadataOf(this.protocol) ?? NO_ASSIGNMENT,
        assignment: assignments.get(member.id) ?? NO_ASSIGNMENT,
      })),
    }
  }

  /** The group as of its last record. A rebalance that was under way is forgotten: its members will ask again. */
  restore(value: GroupMetadataValue): void {
    for (const id of [...this.members.keys()]) this.remove(id)
    this.generation = value.generation
    this.protocol = value.protocol
    this.leader = value.leader
    for (const member of value.members) {
      this.add(
        new Member({
          id: member.memberId,
          instanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
          sessionTimeoutMs: member.sessionTimeout,
          protocolType: value.protocolType,
          protocols: [{ name: value.protocol ?? '', metadata: member.subscription }],
          assignment: member.assignment,
        }),
        null,
      )
    }
    this.protocolType = value.protocolType === '' ? null : value.protocolType
    this.topics = subscribedTopics(this)
    this.#previousState = null
    this.#state = value.members.length === 0 ? 'Empty' : 'Stable'
    this.stateSinceMs = value.currentStateTimestamp
  }

  /** The write that the group rests on is lost: who waits may look for it again. */
  abandon(cause: ErrorCode): void {
    for (const member of this.members.values()) {
      member.joinReply?.fail(cause)
      member.syncReply?.fail(cause)
    }
  }

  #supportedByAll(protocol: string): boolean {
    for (const member of this.members.values()) if (member.metadataOf(protocol) === null) return false
    return true
  }
}

function snapshotOf(member: Member): ConstructorParameters<typeof Member>[0] {
  const { id, instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs } = member
  const { protocolType, protocols, assignment } = member
  return {
    id,
    instanceId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocolType,
    protocols,
    assignment,
  }
}
