/**
 * The coordinator of one group behind a ScriptedCluster, for both protocols: joins and syncs are held, members expire, older
 * generations and epochs are refused, as brokers do. What is committed is kept, and told to `onCommit`.
 *
 * It can be moved to another node, with all it knows; the node before then answers NOT_COORDINATOR. Of KIP-848 it has names
 * and a simple assignor; no patterns.
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
} from '../../protocol/generated/consumer-group-heartbeat.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { Heartbeat } from '../../protocol/generated/heartbeat.ts'
import { JoinGroup, type JoinGroupRequest, type JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import { LeaveGroup } from '../../protocol/generated/leave-group.ts'
import { OffsetCommit, type OffsetCommitRequest } from '../../protocol/generated/offset-commit.ts'
import {
  OffsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from '../../protocol/generated/offset-fetch.ts'
import { SyncGroup, type SyncGroupRequest, type SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import type { Timer, World } from '../../world/world.ts'
import type { ScriptedCluster } from './scripted-cluster.ts'

interface ClassicMember {
  readonly instanceId: string | null
  protocols: JoinGroupRequest['protocols']
  sessionMs: number
  rebalanceMs: number
  assignment: Buffer
  join: ((answer: Init<JoinGroupResponse>) => void) | null
  sync: ((answer: Init<SyncGroupResponse>) => void) | null
  session: Timer | null
}

interface ModernMember {
  epoch: number
  previousEpoch: number
  topics: readonly string[]
  /** What it may have, by `topic-partition`. */
  assigned: Set<string>
  /** Told to give away and not yet given away. */
  revoking: Set<string>
  instanceId: string | null
  session: Timer | null
}

const CLASSIC_DELAY_MS = 100
/** Versions of OffsetCommit and OffsetFetch that name topics by id. */
const IDS_FROM = 10
const MODERN_SESSION_MS = 45_000
const MODERN_INTERVAL_MS = 1000

export class ScriptedGroup {
  node = 1
  /** `topic-partition` to what is committed. */
  readonly offsets = new Map<
    string,
    { readonly offset: number; readonly leaderEpoch: number; readonly metadata: string }
  >()
  onCommit: ((key: string, offset: number, memberId: string) => void) | null = null
  rebalances = 0
  readonly #world: World
  readonly #cluster: ScriptedCluster
  readonly #classic = new Map<string, ClassicMember>()
  readonly #modern = new Map<string, ModernMember>()
  #phase: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  #generation = 0
  #leader = ''
  #protocol = ''
  #timer: Timer | null = null
  #made = 0
  #groupEpoch = 0
  #target = new Map<string, Set<string>>()

  constructor(world: World, cluster: ScriptedCluster) {
    this.#world = world
    this.#cluster = cluster
    cluster.on(FindCoordinator, ({ coordinatorKeys, key }, { version }) =>
      version >= 4
        ? { coordinators: coordinatorKeys.map((one) => ({ key: one, nodeId: this.node, host: 'x', port: 1 })) }
        : { nodeId: this.node, host: key, port: 1 },
    )
    cluster.on(JoinGroup, (request, { node, version }) => this.#here(node) ?? this.#join(request, version))
    cluster.on(SyncGroup, (request, { node }) => this.#here(node) ?? this.#sync(request))
    cluster.on(
      Heartbeat,
      ({ memberId, generationId }, { node }) => this.#here(node) ?? this.#beat(memberId, generationId),
    )
    cluster.on(LeaveGroup, ({ memberId, members }, { node }) => {
      if (this.#here(node) !== null) return this.#here(node)!
      for (const id of [memberId, ...members.map((member) => member.memberId)]) this.#remove(id)
      return {}
    })
    cluster.on(OffsetCommit, (request, { node, version }) => this.#commit(request, node, version))
    cluster.on(OffsetFetch, (request, { node, version }) => this.#fetch(request, node, version))
    cluster.on(ConsumerGroupHeartbeat, (request, { node }) => this.#here(node) ?? this.#modernBeat(request))
  }

  get memberIds(): string[] {
    return [...this.#classic.keys(), ...this.#modern.keys()]
  }

  /** Of members of the classic protocol. */
  get instanceIds(): (string | null)[] {
    return [...this.#classic.values()].map(({ instanceId }) => instanceId)
  }

  get phase(): string {
    return this.#phase
  }

  /** As if its session had run out. */
  expel(memberId: string): void {
    this.#remove(memberId)
    this.#removeModern(memberId)
  }

  #here(node: number): { readonly errorCode: number } | null {
    return node === this.node ? null : { errorCode: ERROR_CODES.NOT_COORDINATOR }
  }

  #at(ms: number, task: () => void): Timer {
    const { clock } = this.#world
    return clock.at(clock.monotonicMs() + ms, task)
  }

  // Classic.

  #join(request: JoinGroupRequest, version: number): Init<JoinGroupResponse> | Promise<Init<JoinGroupResponse>> {
    let { memberId } = request
    const instanceId = request.groupInstanceId
    if (memberId === '' && instanceId !== null) {
      const replaced = [...this.#classic].find(([, member]) => member.instanceId === instanceId)
      if (replaced !== undefined) {
        replaced[1].join?.({ errorCode: ERROR_CODES.FENCED_INSTANCE_ID })
        replaced[1].session?.cancel()
        this.#classic.delete(replaced[0])
        this.#replaced.add(replaced[0])
      }
    }
    if (this.#replaced.has(memberId)) return { errorCode: ERROR_CODES.FENCED_INSTANCE_ID }
    if (memberId === '') {
      memberId = `member-${++this.#made}`
      if (version >= 4 && instanceId === null) return { errorCode: ERROR_CODES.MEMBER_ID_REQUIRED, memberId }
    } else if (!this.#classic.has(memberId) && !/^member-/.test(memberId)) {
      return { errorCode: ERROR_CODES.UNKNOWN_MEMBER_ID }
    } else if (!this.#classic.has(memberId) && this.#expelled.has(memberId)) {
      return { errorCode: ERROR_CODES.UNKNOWN_MEMBER_ID }
    }
    const before = this.#classic.get(memberId)
    const { protocols, sessionTimeoutMs, rebalanceTimeoutMs } = request
    before?.join?.({ errorCode: ERROR_CODES.REBALANCE_IN_PROGRESS })
    const member: ClassicMember = {
      instanceId,
      protocols,
      sessionMs: sessionTimeoutMs,
      rebalanceMs: version === 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      assignment: before?.assignment ?? Buffer.alloc(0),
      join: null,
      sync: null,
      session: before?.session ?? null,
    }
    this.#classic.set(memberId, member)
    member.session?.cancel()
    return new Promise((resolve) => {
      member.join = resolve
      this.#prepare()
    })
  }

  readonly #expelled = new Set<string>()
  /** Static members in whose place another has come. */
  readonly #replaced = new Set<string>()

  #prepare(): void {
    if (this.#phase !== 'preparing') {
      const wasEmpty = this.#phase === 'empty'
      this.#phase = 'preparing'
      for (const [id, member] of this.#classic) {
        member.sync?.({ errorCode: ERROR_CODES.REBALANCE_IN_PROGRESS })
        member.sync = null
        if (member.join === null) this.#touch(id)
      }
      const waitMs = wasEmpty
        ? CLASSIC_DELAY_MS
        : Math.max(...[...this.#classic.values()].map((one) => one.rebalanceMs), 1)
      this.#timer?.cancel()
      this.#timer = this.#at(waitMs, () => this.#complete())
      if (wasEmpty) return
    }
    const isInitial = this.#generation === 0
    if (!isInitial && [...this.#classic.values()].every((member) => member.join !== null)) this.#complete()
  }

  #complete(): void {
    this.#timer?.cancel()
    for (const [id, member] of this.#classic) {
      if (member.join !== null || member.instanceId !== null) continue
      member.session?.cancel()
      this.#classic.delete(id)
      this.#expelled.add(id)
    }
    this.#generation += 1
    this.rebalances += 1
    const joined = [...this.#classic].filter(([, { join }]) => join !== null)
    if (joined.length === 0) {
      this.#phase = this.#classic.size === 0 ? 'empty' : 'stable'
      return
    }
    if (!joined.some(([id]) => id === this.#leader)) this.#leader = joined[0]![0]
    const names = joined[0]![1].protocols.map(({ name }) => name)
    this.#protocol =
      names.find((name) => joined.every(([, { protocols }]) => protocols.some((one) => one.name === name))) ?? ''
    this.#phase = 'completing'
    const members = joined.map(([memberId, { protocols, instanceId }]) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata: protocols.find(({ name }) => name === this.#protocol)?.metadata ?? Buffer.alloc(0),
    }))
    for (const [memberId, member] of joined) {
      const isLeader = memberId === this.#leader
      const answer = member.join!
      member.join = null
      this.#touch(memberId)
      answer({
        generationId: this.#generation,
        protocolType: 'consumer',
        protocolName: this.#protocol,
        leader: this.#leader,
        memberId,
        members: isLeader ? members : [],
      })
    }
  }

  #checked(memberId: string, generation: number): ErrorCode | null {
    if (this.#replaced.has(memberId)) return 'FENCED_INSTANCE_ID'
    if (!this.#classic.has(memberId)) return 'UNKNOWN_MEMBER_ID'
    return generation === this.#generation ? null : 'ILLEGAL_GENERATION'
  }

  #sync(request: SyncGroupRequest): Init<SyncGroupResponse> | Promise<Init<SyncGroupResponse>> {
    const { memberId, generationId, assignments } = request
    const error = this.#checked(memberId, generationId)
    if (error !== null) return { errorCode: ERROR_CODES[error] }
    const member = this.#classic.get(memberId)!
    this.#touch(memberId)
    if (this.#phase === 'preparing') return { errorCode: ERROR_CODES.REBALANCE_IN_PROGRESS }
    const named = { protocolType: 'consumer', protocolName: this.#protocol }
    if (this.#phase === 'stable') return { ...named, assignment: member.assignment }
    if (memberId === this.#leader) {
      for (const one of this.#classic.values()) one.assignment = Buffer.alloc(0)
      for (const one of assignments) {
        const assigned = this.#classic.get(one.memberId)
        if (assigned !== undefined) assigned.assignment = one.assignment
      }
      this.#phase = 'stable'
      for (const one of this.#classic.values()) {
        one.sync?.({ ...named, assignment: one.assignment })
        one.sync = null
      }
      return { ...named, assignment: member.assignment }
    }
    return new Promise((resolve) => (member.sync = resolve))
  }

  #beat(memberId: string, generation: number): { errorCode: number } {
    const error = this.#checked(memberId, generation)
    if (error !== null) return { errorCode: ERROR_CODES[error] }
    this.#touch(memberId)
    return { errorCode: this.#phase === 'preparing' ? ERROR_CODES.REBALANCE_IN_PROGRESS : 0 }
  }

  #touch(memberId: string): void {
    const member = this.#classic.get(memberId)
    if (member === undefined) return
    member.session?.cancel()
    member.session = this.#at(member.sessionMs, () => {
      if (member.join === null && member.sync === null) this.#remove(memberId)
    })
  }

  #remove(memberId: string): void {
    const member = this.#classic.get(memberId)
    if (member === undefined) return
    member.session?.cancel()
    member.join?.({ errorCode: ERROR_CODES.UNKNOWN_MEMBER_ID })
    member.sync?.({ errorCode: ERROR_CODES.UNKNOWN_MEMBER_ID })
    this.#classic.delete(memberId)
    this.#expelled.add(memberId)
    if (this.#classic.size > 0 || this.#phase !== 'empty') this.#prepare()
    if (this.#classic.size === 0) this.#complete()
  }

  // Offsets.

  #commit(request: OffsetCommitRequest, node: number, version: number) {
    const { memberId, generationIdOrMemberEpoch: epoch, topics } = request
    const error = node === this.node ? this.#refusesCommit(memberId, epoch) : 'NOT_COORDINATOR'
    return {
      topics: topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
          if (error !== null) return { partitionIndex, errorCode: ERROR_CODES[error] }
          const [key] =
            version < IDS_FROM ? [`${name}-${partitionIndex}`] : this.#keysOf({ topicId, partitions: [partitionIndex] })
          if (key === undefined) return { partitionIndex, errorCode: ERROR_CODES.UNKNOWN_TOPIC_ID }
          const offset = clampInt64(committedOffset)
          this.offsets.set(key, { offset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata ?? '' })
          this.onCommit?.(key, offset, memberId)
          return { partitionIndex }
        }),
      })),
    }
  }

  #refusesCommit(memberId: string, epoch: number): ErrorCode | null {
    const modern = this.#modern.get(memberId)
    if (modern !== undefined) return modern.epoch === epoch ? null : 'STALE_MEMBER_EPOCH'
    if (epoch < 0 && memberId === '' && this.#classic.size + this.#modern.size === 0) return null
    const error = this.#checked(memberId, epoch)
    if (error !== null) return error
    this.#touch(memberId)
    return this.#phase === 'completing' ? 'REBALANCE_IN_PROGRESS' : null
  }

  #fetch(request: OffsetFetchRequest, node: number, version: number): Init<OffsetFetchResponse> {
    const outcome = (topics: readonly { name: string; topicId?: Uuid; partitionIndexes: readonly number[] }[] | null) =>
      (topics ?? []).map(({ name, topicId = ZERO_UUID, partitionIndexes }) => ({
        name,
        topicId,
        partitions: partitionIndexes.map((partitionIndex) => {
          const [key] =
            version < IDS_FROM ? [`${name}-${partitionIndex}`] : this.#keysOf({ topicId, partitions: [partitionIndex] })
          const committed = key === undefined ? undefined : this.offsets.get(key)
          const committedLeaderEpoch = version >= 5 ? (committed?.leaderEpoch ?? -1) : -1
          return {
            partitionIndex,
            committedOffset: committed?.offset ?? -1,
            committedLeaderEpoch,
            metadata: committed?.metadata ?? '',
            errorCode: key === undefined ? ERROR_CODES.UNKNOWN_TOPIC_ID : 0,
          }
        }),
      }))
    const errorCode = this.#here(node)?.errorCode ?? 0
    if (version < 8) return { errorCode: version >= 2 ? errorCode : 0, topics: outcome(request.topics) }
    return {
      groups: request.groups.map(({ groupId, topics }) => ({
        groupId,
        errorCode,
        topics: errorCode === 0 ? outcome(topics) : [],
      })),
    }
  }

  // KIP-848.

  #modernBeat(request: ConsumerGroupHeartbeatRequest): Init<ConsumerGroupHeartbeatResponse> {
    const { memberId, memberEpoch, subscribedTopicNames, topicPartitions, instanceId } = request
    const refused = (code: ErrorCode) => ({ errorCode: ERROR_CODES[code], errorMessage: code })
    if (memberEpoch < 0) {
      this.#removeModern(memberId)
      return { memberId, memberEpoch }
    }
    let member = this.#modern.get(memberId)
    if (memberEpoch > 0 && member === undefined) return refused('UNKNOWN_MEMBER_ID')
    const told = topicPartitions === null ? null : new Set(topicPartitions.flatMap((one) => this.#keysOf(one)))
    if (member === undefined) {
      member = {
        epoch: 0,
        previousEpoch: 0,
        topics: [],
        assigned: new Set(),
        revoking: new Set(),
        instanceId,
        session: null,
      }
      this.#modern.set(memberId, member)
      this.#retarget()
    } else if (memberEpoch > member.epoch) return refused('FENCED_MEMBER_EPOCH')
    else if (memberEpoch > 0 && memberEpoch < member.epoch) {
      const assigned = member.assigned
      const isLostAnswer =
        memberEpoch === member.previousEpoch && told !== null && [...told].every((key) => assigned.has(key))
      if (!isLostAnswer) return refused('FENCED_MEMBER_EPOCH')
    }
    if (subscribedTopicNames !== null && subscribedTopicNames.join() !== member.topics.join()) {
      member.topics = subscribedTopicNames
      this.#retarget()
    }
    // Whoever joins has nothing.
    if (memberEpoch === 0) member.revoking.clear()
    this.#touchModern(memberId, member)
    const before = [...member.assigned].toSorted().join()
    const isFull = memberEpoch === 0 || (told !== null && subscribedTopicNames !== null)
    this.#advance(memberId, member, told)
    const after = [...member.assigned].toSorted().join()
    const assignment = isFull || before !== after ? { topicPartitions: this.#idsOf(member.assigned) } : null
    return { memberId, memberEpoch: member.epoch, heartbeatIntervalMs: MODERN_INTERVAL_MS, assignment }
  }

  /** One step towards the target. */
  #advance(memberId: string, member: ModernMember, told: ReadonlySet<string> | null): void {
    if (told !== null) for (const key of member.revoking) if (!told.has(key)) member.revoking.delete(key)
    const target = this.#target.get(memberId) ?? new Set()
    for (const key of member.assigned) {
      if (target.has(key)) continue
      member.assigned.delete(key)
      member.revoking.add(key)
    }
    if (told !== null) for (const key of member.revoking) if (!told.has(key)) member.revoking.delete(key)
    if (member.revoking.size > 0) return
    const taken = new Set<string>()
    for (const [id, other] of this.#modern) {
      if (id !== memberId) for (const key of [...other.assigned, ...other.revoking]) taken.add(key)
    }
    for (const key of target) if (!taken.has(key)) member.assigned.add(key)
    if (member.epoch === this.#groupEpoch) return
    member.previousEpoch = member.epoch
    member.epoch = this.#groupEpoch
  }

  #retarget(): void {
    this.#groupEpoch += 1
    this.rebalances += 1
    this.#target = new Map([...this.#modern.keys()].map((id) => [id, new Set()]))
    const ids = [...this.#modern.keys()].toSorted()
    let turn = 0
    for (const [name, { leaders }] of this.#cluster.topics) {
      const subscribers = ids.filter((id) => this.#modern.get(id)!.topics.includes(name))
      if (subscribers.length === 0) continue
      for (const partition of leaders.keys())
        this.#target.get(subscribers[turn++ % subscribers.length]!)!.add(`${name}-${partition}`)
    }
  }

  #touchModern(memberId: string, member: ModernMember): void {
    member.session?.cancel()
    member.session = this.#at(MODERN_SESSION_MS, () => this.#removeModern(memberId))
  }

  #removeModern(memberId: string): void {
    const member = this.#modern.get(memberId)
    if (member === undefined) return
    member.session?.cancel()
    this.#modern.delete(memberId)
    this.#retarget()
  }

  #keysOf({ topicId, partitions }: { readonly topicId: Uuid; readonly partitions: readonly number[] }): string[] {
    for (const [name, { id }] of this.#cluster.topics) {
      if (id === topicId) return partitions.map((partition) => `${name}-${partition}`)
    }
    return []
  }

  #idsOf(keys: ReadonlySet<string>): { topicId: Uuid; partitions: number[] }[] {
    return [...this.#cluster.topics].flatMap(([name, { id, leaders }]) => {
      const partitions = [...leaders.keys()].filter((partition) => keys.has(`${name}-${partition}`))
      return partitions.length === 0 ? [] : [{ topicId: id, partitions }]
    })
  }
}
