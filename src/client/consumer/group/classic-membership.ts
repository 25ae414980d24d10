/**
 * A member of a classic group: JoinGroup, SyncGroup, heartbeats, LeaveGroup (KIP-62, 345, 429, 800).
 *
 * One loop joins again whenever a rebalance is due. Before it joins it gives away what it must: all if the protocol is eager,
 * after the assignment what it lost if it is cooperative; the heartbeats of the last generation go on meanwhile, so the user
 * has the whole rebalance timeout to finish. Heartbeats rest only while a join is held by the coordinator.
 * A generation that the coordinator does not know any more is lost: nothing is committed, and the member begins anew.
 */
import { KafkaError } from '../../../base/errors.ts'
import type { JoinGroupResponse } from '../../../protocol/generated/join-group.ts'
import type { Timer } from '../../../world/world.ts'
import { backoffMs, inTime, pause, type CallOptions } from '../../call.ts'
import type { Coordinator } from '../../coordinator.ts'
import { errorOf, isRetriable } from '../../errors.ts'
import type { NetworkClient } from '../../network-client.ts'
import type { GroupIdentity } from '../committer.ts'
import type { ConsumerSettings } from '../consumer-options.ts'
import { keyOf, type TopicPartition } from '../topic-partition.ts'
import type { MemberAssignment, PartitionAssignor } from './assignors/assignor.ts'
import { ClassicRequests } from './classic-requests.ts'
import { LeaderAssignment } from './leader-assignment.ts'
import type { LeaveMode, MemberHost, Membership } from './membership.ts'
import { readAssignment, writeSubscription } from './subscription-codec.ts'

/** A coordinator keeps no more of it (KIP-800). */
const REASON_LENGTH_MAX = 255

export type ClassicSettings = Pick<
  ConsumerSettings<unknown, unknown>,
  | 'assignors'
  | 'groupInstanceId'
  | 'heartbeatIntervalMs'
  | 'maxPollIntervalMs'
  | 'rack'
  | 'sessionTimeoutMs'
  | 'requestTimeoutMs'
>

export class ClassicMembership implements Membership {
  readonly #network: NetworkClient
  readonly #coordinator: Coordinator
  readonly #requests: ClassicRequests
  readonly #groupId: string
  readonly #settings: ClassicSettings
  readonly #host: MemberHost
  readonly #leading: LeaderAssignment
  readonly #isCooperative: boolean
  #memberId = ''
  #generation = -1
  #runs = false
  #rejoins = false
  #reason = 'the consumer subscribed'
  /** The generation is not ours any more. */
  #isLost = false
  /** Another consumer has our place for good. */
  #fenced: KafkaError | null = null
  /** Why the heartbeats ended: neither time nor joining again helps, and the user must be told. */
  #refusal: Error | null = null
  /** From the join's sending to the assignment: no heartbeat is due. */
  #isJoining = false
  #resume: (() => void) | null = null
  #heartbeatTimer: Timer | null = null
  #failures = 0
  /** What was subscribed when the member joined last. */
  #joinedTopics = ''
  readonly #leaving = new AbortController()
  readonly #stopWatching: () => void

  constructor(
    network: NetworkClient,
    coordinator: Coordinator,
    groupId: string,
    settings: ClassicSettings,
    host: MemberHost,
  ) {
    this.#network = network
    this.#coordinator = coordinator
    this.#requests = new ClassicRequests(coordinator, groupId, settings)
    this.#groupId = groupId
    this.#settings = settings
    this.#host = host
    this.#leading = new LeaderAssignment(network, host)
    this.#isCooperative = settings.assignors.every(({ isCooperative }) => isCooperative)
    this.#stopWatching = network.metadata.onChange(() => this.#noticeMetadata())
  }

  get identity(): GroupIdentity {
    const { groupInstanceId } = this.#settings
    const isChanging = this.#isJoining
    return { memberId: this.#memberId, epoch: this.#generation, groupInstanceId, protocol: 'classic', isChanging }
  }

  wake(): void {
    if (this.#leaving.signal.aborted) return
    if (this.#fenced !== null) {
      this.#host.failed(this.#fenced)
      return
    }
    if (this.#runs) {
      this.#noticeMetadata()
      return
    }
    void this.#run()
  }

  enforceRebalance(reason: string): void {
    if (this.#runs) this.#rejoin(reason.slice(0, REASON_LENGTH_MAX))
  }

  unknownMember(): void {
    this.#isLost = true
    this.#rejoin('a commit was refused')
  }

  async leave(mode: LeaveMode, { timeoutMs, signal }: CallOptions): Promise<void> {
    this.#leaving.abort(new Error('the member leaves'))
    this.#stopWatching()
    this.#stopHeartbeats()
    this.#resume?.()
    const { groupInstanceId } = this.#settings
    const memberId = this.#memberId
    const leaves = mode === 'leave' || (mode === 'default' && groupInstanceId === null)
    this.#memberId = ''
    this.#generation = -1
    if (!leaves || memberId === '') return
    try {
      signal?.throwIfAborted()
      const { clock } = this.#network.world
      const left = this.#requests.leave(memberId, groupInstanceId, timeoutMs)
      await (timeoutMs === undefined ? left : inTime(clock, timeoutMs, 'Leaving the group', left))
    } catch (error) {
      this.#network.options.logger.debug(`leaving group ${this.#groupId}: ${String(error)}`)
    }
  }

  /** Joins, and joins again, until the member leaves or fails for good. */
  async #run(): Promise<void> {
    const { signal } = this.#leaving
    this.#runs = true
    try {
      while (!signal.aborted) {
        try {
          await this.#rebalance()
          this.#failures = 0
          await this.#untilRejoin()
          if (!this.#host.isOverdue()) continue
          await this.#leaveOverdue()
          // Who came back meanwhile waits already, and does not wake us again.
          if (this.#host.isOverdue()) return
        } catch (error) {
          if (signal.aborted) return
          if (!(await this.#recovers(error as Error))) return
        }
      }
    } finally {
      this.#runs = false
    }
  }

  /** False if the member can't go on. */
  async #recovers(error: Error): Promise<boolean> {
    this.#coordinator.noticed(error)
    const code = error instanceof KafkaError ? error.code : ''
    if (code === 'MEMBER_ID_REQUIRED') return true
    this.#host.rebalanceFailed(error)
    if (code === 'UNKNOWN_MEMBER_ID' || code === 'ILLEGAL_GENERATION') this.#isLost = true
    else if (!isRetriable(error) && code !== 'REBALANCE_IN_PROGRESS') {
      this.#stopHeartbeats()
      // Whom a heartbeat was refused is a member still, and commits as such before it joins again.
      if (this.#isJoining || code === 'FENCED_INSTANCE_ID') this.#generation = -1
      this.#isJoining = false
      if (code === 'FENCED_INSTANCE_ID') {
        this.#fenced = error as KafkaError
        await this.#host.lose(this.#host.owned())
      }
      this.#host.failed(error)
      return false
    }
    this.#failures += 1
    const { retries, world } = this.#network
    const waitMs = backoffMs(retries.backoff, this.#failures, world.random)
    await pause(world.clock, waitMs, this.#leaving.signal).catch(() => {})
    return true
  }

  async #rebalance(): Promise<void> {
    this.#host.rebalanceBegan()
    await this.#giveAway()
    this.#rejoins = false
    const joined = await this.#join()
    const { leader, memberId, generationId } = joined
    this.#memberId = memberId
    const assignor = this.#assignorOf(joined.protocolName)
    const isLeader = leader === memberId && !joined.skipAssignment
    const assignments = isLeader ? await this.#leading.assign(assignor, joined.members) : []
    const assignment = await this.#sync(generationId, assignor, assignments)
    this.#leaving.signal.throwIfAborted()
    this.#generation = generationId
    this.#isJoining = false
    this.#beat()
    assignor.assigned?.(assignment, generationId)
    await this.#take(assignment.partitions)
    this.#host.rebalanceEnded()
    this.#noticeMetadata()
  }

  /** Before joining: what is lost, or what an eager member must not keep. */
  async #giveAway(): Promise<void> {
    const owned = this.#host.owned()
    if (this.#isLost) {
      this.#stopHeartbeats()
      this.#isLost = false
      this.#generation = -1
      this.#memberId = ''
      if (owned.length > 0) await this.#host.lose(owned)
    } else if (!this.#isCooperative && owned.length > 0) await this.#host.revoke(owned)
    else {
      const topics = new Set(this.#host.topics())
      const unsubscribed = owned.filter(({ topic }) => !topics.has(topic))
      if (unsubscribed.length > 0) await this.#host.revoke(unsubscribed)
    }
    this.#leaving.signal.throwIfAborted()
    // The wait may have been long enough for the generation to be lost.
    if (this.#isLost) await this.#giveAway()
  }

  async #take(partitions: readonly TopicPartition[]): Promise<void> {
    const owned = this.#host.owned()
    const before = new Set(owned.map(keyOf))
    const now = new Set(partitions.map(keyOf))
    const gone = owned.filter((partition) => !now.has(keyOf(partition)))
    if (gone.length > 0) {
      await this.#host.revoke(gone)
      if (this.#isLost) return
    }
    this.#leaving.signal.throwIfAborted()
    await this.#host.assign(partitions.filter((partition) => !before.has(keyOf(partition))))
    // Others may have them only after everybody joined once more without them.
    if (gone.length > 0) this.#rejoin('partitions were given away')
  }

  async #join(): Promise<JoinGroupResponse> {
    const topics = [...this.#host.topics()]
    this.#joinedTopics = topics.toSorted().join('\n')
    this.#leading.forget()
    const answer = await this.#requests.join(() => {
      this.#isJoining = true
      this.#refusal = null
      this.#stopHeartbeats()
      return {
        memberId: this.#memberId,
        protocols: this.#settings.assignors.map((assignor) => ({
          name: assignor.name,
          metadata: this.#subscription(assignor, topics),
        })),
        reason: this.#reason,
      }
    })
    const error = errorOf(answer.errorCode, `Joining group ${this.#groupId} failed.`)
    if (error?.code === 'MEMBER_ID_REQUIRED') this.#memberId = answer.memberId
    if (error !== null) throw named(error)
    return answer
  }

  #subscription(assignor: PartitionAssignor, topics: readonly string[]): Buffer {
    const { rack, groupInstanceId } = this.#settings
    return writeSubscription({
      topics,
      userData: assignor.userData?.(topics) ?? null,
      ownedPartitions: this.#host.owned(),
      generationId: this.#generation,
      rackId: rack === '' ? null : rack,
      groupInstanceId,
    })
  }

  #assignorOf(name: string | null): PartitionAssignor {
    const assignor = this.#settings.assignors.find((one) => one.name === name)
    if (assignor !== undefined) return assignor
    throw new KafkaError(
      'INCONSISTENT_GROUP_PROTOCOL',
      `The coordinator chose ${name}, which this consumer does not have.`,
    )
  }

  async #sync(
    generationId: number,
    { name: protocolName }: PartitionAssignor,
    assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
  ): Promise<MemberAssignment> {
    const answer = await this.#requests.sync({ memberId: this.#memberId, generationId, protocolName, assignments })
    const error = errorOf(answer.errorCode, `Synchronising with group ${this.#groupId} failed.`)
    if (error !== null) throw named(error)
    return readAssignment(answer.assignment)
  }

  #rejoin(reason: string): void {
    this.#reason = reason
    this.#rejoins = true
    this.#resume?.()
  }

  async #untilRejoin(): Promise<void> {
    while (!this.#rejoins && !this.#isLost && !this.#leaving.signal.aborted && !this.#host.isOverdue()) {
      if (this.#refusal !== null) throw this.#refusal
      await new Promise<void>((resolve) => (this.#resume = resolve))
      this.#resume = null
    }
  }

  /** The user takes too long: the others get the partitions. The next poll joins again. */
  async #leaveOverdue(): Promise<void> {
    const { groupInstanceId, maxPollIntervalMs } = this.#settings
    this.#network.options.logger.warn(
      `Nothing was asked for in ${maxPollIntervalMs} ms: the consumer leaves group ${this.#groupId} until it is. Ask for less at a time, or raise maxPollIntervalMs.`,
    )
    this.#stopHeartbeats()
    const memberId = this.#memberId
    this.#memberId = ''
    this.#generation = -1
    this.#rejoins = false
    await this.#host.lose(this.#host.owned())
    if (groupInstanceId === null) await this.#requests.leave(memberId, null, undefined).catch(() => {})
  }

  #beat(): void {
    this.#stopHeartbeats()
    const { clock } = this.#network.world
    const generation = this.#generation
    this.#heartbeatTimer = clock.at(clock.monotonicMs() + this.#settings.heartbeatIntervalMs, () => {
      this.#heartbeatTimer = null
      if (!this.#host.isOverdue()) {
        void this.#heartbeat(generation)
        return
      }
      // Of a rebalance that is not over yet nobody leaves, and when it is the user may be back.
      this.#beat()
      this.#resume?.()
    })
  }

  #stopHeartbeats(): void {
    this.#heartbeatTimer?.cancel()
    this.#heartbeatTimer = null
  }

  async #heartbeat(generationId: number): Promise<void> {
    let failure: Error | null = null
    const sentMs = this.#network.world.clock.monotonicMs()
    try {
      const error = await this.#requests.heartbeat(this.#memberId, generationId)
      this.#host.heartbeat(sentMs)
      if (error !== null) this.#coordinator.noticed(error)
      failure = error === null ? null : named(error)
    } catch (error) {
      failure = error as Error
      this.#network.options.logger.debug(`heartbeat to group ${this.#groupId}: ${String(error)}`)
    }
    if (this.#generation !== generationId || this.#isJoining || this.#leaving.signal.aborted) return
    const code = failure instanceof KafkaError ? failure.code : ''
    if (code === 'UNKNOWN_MEMBER_ID' || code === 'ILLEGAL_GENERATION') {
      this.#isLost = true
      this.#rejoin(`a heartbeat was answered ${code}`)
      return
    }
    if (code === 'REBALANCE_IN_PROGRESS') {
      if (!this.#rejoins) this.#rejoin('the group rebalances')
    } else if (failure !== null && !isRetriable(failure)) {
      this.#refusal = failure
      this.#resume?.()
      return
    }
    if (this.#heartbeatTimer === null) this.#beat()
  }

  /** Subscribed topics changed, or the leader's assignment is out of date. */
  #noticeMetadata(): void {
    if (this.#generation < 0) return
    if ([...this.#host.topics()].toSorted().join('\n') !== this.#joinedTopics) this.#rejoin('the subscription changed')
    else if (this.#leading.isOutdated) this.#rejoin('topics of the group changed')
  }
}

function named(error: KafkaError): KafkaError {
  return new KafkaError(error.code, `${error.message} ${error.code}${HINTS[error.code] ?? ''}`)
}

const HINTS: Readonly<Record<string, string>> = {
  FENCED_INSTANCE_ID: ': another consumer with the same groupInstanceId has taken its place.',
  INCONSISTENT_GROUP_PROTOCOL: ': the other members of the group have none of its assignors.',
  GROUP_AUTHORIZATION_FAILED: ': the principal may not READ the group.',
  INVALID_SESSION_TIMEOUT:
    ': sessionTimeoutMs must lie between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers.',
  GROUP_MAX_SIZE_REACHED: ': the group is full (group.max.size of the brokers).',
}
