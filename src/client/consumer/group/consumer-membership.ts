/**
 * A member of a group of the new protocol (KIP-848): one heartbeat does it all. The coordinator says what the member should
 * have; the member gives away, says so, takes what came, says so.
 *
 * Heartbeats go on while the user finishes what must be given away. What was said last is what the coordinator may count on:
 * partitions stay in `topicPartitions` until they are given away. A member that is fenced or forgotten has lost its
 * partitions and begins anew at epoch 0.
 */
import { KafkaError } from '../../../base/errors.ts'
import { uuidFromRandom, type Uuid } from '../../../base/uuid.ts'
import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatResponse,
} from '../../../protocol/generated/consumer-group-heartbeat.ts'
import type { Timer } from '../../../world/world.ts'
import { backoffMs, inTime, type CallOptions } from '../../call.ts'
import type { Coordinator } from '../../coordinator.ts'
import { errorOf, isRetriable } from '../../errors.ts'
import type { NetworkClient } from '../../network-client.ts'
import type { GroupIdentity } from '../committer.ts'
import type { ConsumerSettings } from '../consumer-options.ts'
import { byTopic, keyOf, type TopicPartition } from '../topic-partition.ts'
import type { LeaveMode, MemberHost, Membership } from './membership.ts'

const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1
/** A static member that comes back. */
const LEAVE_FOR_NOW_EPOCH = -2
const INTERVAL_MS = 5000
/** Coordinators assign some time after a join: who has nothing yet asks sooner, at pauses that double. */
const FIRST_INTERVAL_MS = 200

export type ModernSettings = Pick<
  ConsumerSettings<unknown, unknown>,
  'groupInstanceId' | 'remoteAssignor' | 'maxPollIntervalMs' | 'rack'
>

type Target = ReadonlyMap<Uuid, readonly number[]>

export class ConsumerMembership implements Membership {
  readonly #network: NetworkClient
  readonly #coordinator: Coordinator
  readonly #groupId: string
  readonly #settings: ModernSettings
  readonly #host: MemberHost
  /** The cluster does not have the protocol after all. */
  readonly #unsupported: (error: KafkaError) => void
  readonly #memberId: string
  #epoch = JOIN_EPOCH
  #isJoined = false
  #runs = false
  #isSending = false
  #isDue = false
  #timer: Timer | null = null
  #intervalMs = INTERVAL_MS
  #failures = 0
  /** Heartbeats since the join that brought nothing. */
  #emptyAnswers = 0
  /** What the coordinator was told last; null: it must be told all. */
  #told: { readonly subscription: string; readonly owned: string } | null = null
  #target: Target | null = null
  #isReconciling = false
  /** Changes when the partitions are lost: what is being reconciled then counts no more. */
  #life = 0
  #isLeaving = false
  #dead: KafkaError | null = null
  readonly #stopWatching: () => void

  constructor(
    network: NetworkClient,
    coordinator: Coordinator,
    groupId: string,
    settings: ModernSettings,
    host: MemberHost,
    unsupported: (error: KafkaError) => void,
  ) {
    this.#network = network
    this.#coordinator = coordinator
    this.#groupId = groupId
    this.#settings = settings
    this.#host = host
    this.#unsupported = unsupported
    this.#memberId = memberIdOf(network)
    this.#stopWatching = network.metadata.onChange(() => {
      if (!this.#runs) return
      if (this.#target !== null) this.#reconcile()
      if (this.#told !== null && this.#told.subscription !== this.#subscription()) this.#heartbeatNow()
    })
  }

  get identity(): GroupIdentity {
    const epoch = this.#isJoined ? this.#epoch : -1
    const { groupInstanceId } = this.#settings
    return { memberId: this.#memberId, epoch, groupInstanceId, protocol: 'consumer', isChanging: false }
  }

  wake(): void {
    if (this.#isLeaving) return
    if (this.#dead !== null) {
      this.#host.failed(this.#dead)
      return
    }
    if (this.#runs) {
      if (this.#told !== null && this.#told.subscription !== this.#subscription()) this.#heartbeatNow()
      return
    }
    this.#runs = true
    this.#heartbeatNow()
  }

  /** The coordinator alone decides when: as Java's client, this only says so. */
  enforceRebalance(): void {
    this.#network.options.logger.warn(
      `Members of group ${this.#groupId} can't enforce a rebalance in the protocol of KIP-848.`,
    )
  }

  unknownMember(): void {
    void this.#lost()
  }

  async leave(mode: LeaveMode, { timeoutMs }: CallOptions): Promise<void> {
    this.#isLeaving = true
    this.#stopWatching()
    this.#timer?.cancel()
    const wasJoined = this.#isJoined
    this.#isJoined = false
    this.#life++
    const isStatic = this.#settings.groupInstanceId !== null
    if (!wasJoined || (mode === 'remain' && !isStatic)) return
    const epoch = isStatic && mode !== 'leave' ? LEAVE_FOR_NOW_EPOCH : LEAVE_EPOCH
    await this.#sendLeave(epoch, timeoutMs)
  }

  async #sendLeave(memberEpoch: number, timeoutMs: number | undefined): Promise<void> {
    const { groupInstanceId } = this.#settings
    const message = { groupId: this.#groupId, memberId: this.#memberId, memberEpoch, instanceId: groupInstanceId }
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    try {
      const left = this.#coordinator.request(ConsumerGroupHeartbeat, message, options)
      const { clock } = this.#network.world
      await (timeoutMs === undefined ? left : inTime(clock, timeoutMs, 'Leaving the group', left))
    } catch (error) {
      this.#network.options.logger.debug(`leaving group ${this.#groupId}: ${String(error)}`)
    }
  }

  #heartbeatNow(): void {
    if (this.#isSending) this.#isDue = true
    else void this.#heartbeat()
  }

  #heartbeatIn(ms: number): void {
    this.#timer?.cancel()
    const { clock } = this.#network.world
    this.#timer = clock.at(clock.monotonicMs() + ms, () => {
      this.#timer = null
      this.#heartbeatNow()
    })
  }

  async #heartbeat(): Promise<void> {
    if (this.#isLeaving || !this.#runs) return
    this.#timer?.cancel()
    this.#timer = null
    if (this.#host.isOverdue()) {
      await this.#leaveOverdue()
      return
    }
    this.#isSending = true
    this.#isDue = false
    const life = this.#life
    let nextMs = this.#intervalMs
    try {
      const answer = await this.#send()
      if (this.#life === life && !this.#isLeaving) this.#understand(answer)
      nextMs = this.#intervalMs
      if (this.#host.owned().length > 0 || this.#target !== null) this.#emptyAnswers = 0
      else nextMs = Math.min(nextMs, FIRST_INTERVAL_MS * 2 ** Math.min(this.#emptyAnswers++, 10))
      this.#failures = 0
    } catch (error) {
      if (!this.#isLeaving && this.#life === life) nextMs = await this.#failed(error as Error)
    } finally {
      this.#isSending = false
    }
    if (this.#isLeaving || !this.#runs) return
    if (this.#isDue && this.#failures === 0) void this.#heartbeat()
    else this.#heartbeatIn(nextMs)
  }

  async #send(): Promise<ConsumerGroupHeartbeatResponse> {
    const { groupInstanceId, remoteAssignor, maxPollIntervalMs, rack } = this.#settings
    const subscription = this.#subscription()
    const owned = this.#host.owned()
    const isJoining = this.#epoch === JOIN_EPOCH
    const told = isJoining ? null : this.#told
    const ownedText = owned.map(keyOf).toSorted().join('\n')
    const pattern = this.#host.pattern()
    const saysSubscription = told?.subscription !== subscription
    const names = pattern === null ? this.#host.topics().toSorted() : isJoining ? null : []
    const connection = await this.#coordinator.connection()
    const version = connection.versions.choose(ConsumerGroupHeartbeat, pattern === null ? {} : { min: 1 })
    this.#told = { subscription, owned: ownedText }
    const sentMs = this.#network.world.clock.monotonicMs()
    const answer = await this.#coordinator.request(
      ConsumerGroupHeartbeat,
      {
        groupId: this.#groupId,
        memberId: this.#memberId,
        memberEpoch: this.#epoch,
        instanceId: groupInstanceId,
        rackId: isJoining && rack !== '' ? rack : null,
        rebalanceTimeoutMs: told === null ? maxPollIntervalMs : -1,
        subscribedTopicNames: saysSubscription ? names : null,
        subscribedTopicRegex: saysSubscription && version >= 1 ? (pattern ?? (isJoining ? null : '')) : null,
        serverAssignor: told === null ? remoteAssignor : null,
        topicPartitions: told?.owned === ownedText ? null : this.#inIds(isJoining ? [] : owned),
      },
      { versions: { min: version, max: version } },
    )
    this.#host.heartbeat(sentMs)
    const error = errorOf(answer.errorCode, answer.errorMessage)
    if (error !== null) throw error
    return answer
  }

  /** Text that changes when the subscription does. */
  #subscription(): string {
    const pattern = this.#host.pattern()
    return pattern === null ? `names\n${this.#host.topics().toSorted().join('\n')}` : `pattern\n${pattern}`
  }

  #inIds(owned: readonly TopicPartition[]): { topicId: Uuid; partitions: number[] }[] {
    return [...byTopic(owned)].flatMap(([topic, parts]) => {
      const topicId = this.#network.metadata.topic(topic)?.id
      return topicId === undefined ? [] : [{ topicId, partitions: parts.map(({ partition }) => partition) }]
    })
  }

  #understand(answer: ConsumerGroupHeartbeatResponse): void {
    this.#epoch = answer.memberEpoch
    this.#isJoined = true
    if (answer.heartbeatIntervalMs > 0) this.#intervalMs = answer.heartbeatIntervalMs
    if (answer.assignment !== null) {
      this.#target = new Map(answer.assignment.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]))
    }
    this.#reconcile()
  }

  /** Milliseconds until the next heartbeat. */
  async #failed(error: Error): Promise<number> {
    this.#coordinator.noticed(error)
    // Whether the coordinator heard what was said is unknown.
    this.#told = null
    const code = error instanceof KafkaError ? error.code : ''
    const isForgotten = code === 'GROUP_ID_NOT_FOUND' && this.#epoch > JOIN_EPOCH
    if (code === 'FENCED_MEMBER_EPOCH' || code === 'UNKNOWN_MEMBER_ID' || isForgotten) {
      this.#host.rebalanceFailed(error)
      await this.#lost()
      return 0
    }
    if (code === 'UNSUPPORTED_VERSION' && !this.#isJoined && this.#host.pattern() === null) {
      this.#runs = false
      this.#isLeaving = true
      this.#stopWatching()
      this.#unsupported(error as KafkaError)
      return 0
    }
    if (isRetriable(error)) {
      this.#failures += 1
      const { retries, world } = this.#network
      return backoffMs(retries.backoff, this.#failures, world.random)
    }
    this.#runs = false
    if (code === 'FENCED_INSTANCE_ID') this.#dead = error as KafkaError
    await this.#lost()
    this.#host.failed(error)
    return 0
  }

  async #lost(): Promise<void> {
    this.#life++
    this.#isReconciling = false
    this.#epoch = JOIN_EPOCH
    this.#isJoined = false
    this.#told = null
    this.#target = null
    const owned = this.#host.owned()
    if (owned.length > 0) await this.#host.lose(owned)
    if (this.#runs) this.#heartbeatIn(0)
  }

  async #leaveOverdue(): Promise<void> {
    const { maxPollIntervalMs, groupInstanceId } = this.#settings
    this.#network.options.logger.warn(
      `Nothing was asked for in ${maxPollIntervalMs} ms: the consumer leaves group ${this.#groupId} until it is. Ask for less at a time, or raise maxPollIntervalMs.`,
    )
    this.#runs = false
    await this.#lost()
    // Who came back meanwhile joins by the same id, and must not leave behind that.
    if (!this.#runs) await this.#sendLeave(groupInstanceId === null ? LEAVE_EPOCH : LEAVE_FOR_NOW_EPOCH, undefined)
  }

  /** Brings what is owned to what should be; one at a time, and again if the target changed meanwhile. */
  #reconcile(): void {
    if (this.#isReconciling || this.#target === null) return
    const life = this.#life
    this.#isReconciling = true
    void this.#reconciled(life).then(
      () => {
        if (this.#life === life) this.#isReconciling = false
      },
      (error: unknown) => {
        if (this.#life !== life) return
        this.#isReconciling = false
        this.#host.failed(error as Error)
      },
    )
  }

  async #reconciled(life: number): Promise<void> {
    for (;;) {
      const target = this.#target
      if (target === null) return
      const { wanted, isComplete } = this.#resolve(target)
      const owned = this.#host.owned()
      const before = new Set(owned.map(keyOf))
      const now = new Set(wanted.map(keyOf))
      const gone = owned.filter((partition) => !now.has(keyOf(partition)))
      const come = wanted.filter((partition) => !before.has(keyOf(partition)))
      const isDone = gone.length === 0 && come.length === 0
      if (!isDone) this.#host.rebalanceBegan()
      if (gone.length > 0) await this.#host.revoke(gone)
      if (this.#life !== life) return
      if (!isDone) await this.#host.assign(come)
      if (this.#life !== life) return
      if (!isDone) {
        this.#host.rebalanceEnded()
        this.#heartbeatNow()
      }
      if (!isComplete) this.#network.refreshSoon()
      else if (this.#target === target) {
        this.#target = null
        return
      }
      if (this.#target === target) return
    }
  }

  /** By name, as far as names are known. */
  #resolve(target: Target): { wanted: TopicPartition[]; isComplete: boolean } {
    const wanted: TopicPartition[] = []
    let isComplete = true
    for (const [topicId, partitions] of target) {
      const topic = this.#network.metadata.nameOf(topicId)
      if (topic === null) isComplete = false
      else for (const partition of partitions) wanted.push({ topic, partition })
    }
    return { wanted, isComplete }
  }
}

function memberIdOf({ world }: NetworkClient): string {
  for (;;) {
    const id = uuidFromRandom(world.random.bytes(16))
    if (id !== null) return id
  }
}
