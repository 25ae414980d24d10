/**
 * A member of a share group (KIP-932): heartbeats say what is subscribed to, and answers which partitions to read. Nothing is
 * revoked in steps: partitions are shared. A member that is fenced or forgotten joins again.
 */
import { KafkaError } from '../../base/errors.ts'
import { uuidFromRandom, type Uuid } from '../../base/uuid.ts'
import { ShareGroupHeartbeat } from '../../protocol/generated/share-group-heartbeat.ts'
import type { Timer } from '../../world/world.ts'
import { backoffMs, type CallOptions } from '../call.ts'
import type { Coordinator } from '../coordinator.ts'
import { errorOf, isRetriable } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'

const INTERVAL_MS = 5000
/** Coordinators assign some time after a join: who has nothing yet asks sooner, at pauses that double. */
const FIRST_INTERVAL_MS = 200
const LEAVE_EPOCH = -1

export interface ShareMemberHost {
  topics(): readonly string[]
  /** By topic id. */
  assigned(partitions: ReadonlyMap<Uuid, readonly number[]>): void
  failed(error: Error): void
  /** A heartbeat was answered, which was sent at `sentMs` (monotonic). */
  heartbeat(sentMs: number): void
}

export class ShareMembership {
  readonly memberId: string
  readonly #network: NetworkClient
  readonly #coordinator: Coordinator
  readonly #groupId: string
  readonly #rack: string
  readonly #host: ShareMemberHost
  #epoch = 0
  #runs = false
  #isSending = false
  #isDue = false
  #told: string | null = null
  #timer: Timer | null = null
  #intervalMs = INTERVAL_MS
  #failures = 0
  /** Heartbeats since the join that brought nothing; null: something came. */
  #emptyAnswers: number | null = 0
  #isLeaving = false

  constructor(network: NetworkClient, coordinator: Coordinator, groupId: string, rack: string, host: ShareMemberHost) {
    this.#network = network
    this.#coordinator = coordinator
    this.#groupId = groupId
    this.#rack = rack
    this.#host = host
    let id: Uuid | null = null
    while (id === null) id = uuidFromRandom(network.world.random.bytes(16))
    this.memberId = id
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Joins, or says that the subscription changed. */
  wake(): void {
    if (this.#isLeaving || (this.#runs && this.#told === this.#subscription())) return
    this.#runs = true
    if (this.#isSending) this.#isDue = true
    else void this.#heartbeat()
  }

  /** Never rejects. */
  async leave({ timeoutMs }: CallOptions): Promise<void> {
    this.#isLeaving = true
    this.#timer?.cancel()
    if (this.#epoch === 0) return
    const message = { groupId: this.#groupId, memberId: this.memberId, memberEpoch: LEAVE_EPOCH }
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    await this.#coordinator.request(ShareGroupHeartbeat, message, options).catch(() => {})
  }

  #subscription(): string {
    return this.#host.topics().toSorted().join('\n')
  }

  async #heartbeat(): Promise<void> {
    this.#timer?.cancel()
    this.#isSending = true
    this.#isDue = false
    let nextMs = INTERVAL_MS
    try {
      nextMs = await this.#send()
      this.#failures = 0
    } catch (error) {
      nextMs = this.#failed(error as Error)
    }
    this.#isSending = false
    if (this.#isLeaving || !this.#runs) return
    if (this.#isDue && this.#failures === 0) {
      void this.#heartbeat()
      return
    }
    const { clock } = this.#network.world
    this.#timer = clock.at(clock.monotonicMs() + nextMs, () => void this.#heartbeat())
  }

  async #send(): Promise<number> {
    const subscription = this.#subscription()
    const isJoining = this.#epoch === 0
    const says = isJoining || subscription !== this.#told
    const message = {
      groupId: this.#groupId,
      memberId: this.memberId,
      memberEpoch: this.#epoch,
      rackId: isJoining && this.#rack !== '' ? this.#rack : null,
      subscribedTopicNames: says ? this.#host.topics().toSorted() : null,
    }
    this.#told = subscription
    const sentMs = this.#network.world.clock.monotonicMs()
    const answer = await this.#coordinator.request(ShareGroupHeartbeat, message)
    this.#host.heartbeat(sentMs)
    const error = errorOf(answer.errorCode, answer.errorMessage)
    if (error !== null) throw error
    if (this.#isLeaving) return INTERVAL_MS
    this.#epoch = answer.memberEpoch
    if (answer.heartbeatIntervalMs > 0) this.#intervalMs = answer.heartbeatIntervalMs
    if (answer.assignment !== null) {
      this.#emptyAnswers = answer.assignment.topicPartitions.length === 0 ? (this.#emptyAnswers ?? 0) : null
      this.#host.assigned(
        new Map(answer.assignment.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions])),
      )
    }
    if (this.#emptyAnswers === null) return this.#intervalMs
    return Math.min(this.#intervalMs, FIRST_INTERVAL_MS * 2 ** Math.min(this.#emptyAnswers++, 10))
  }

  /** Milliseconds until the next heartbeat. */
  #failed(error: Error): number {
    this.#coordinator.noticed(error)
    this.#told = null
    const code = error instanceof KafkaError ? error.code : ''
    const isForgotten = code === 'GROUP_ID_NOT_FOUND' && this.#epoch > 0
    if (code === 'FENCED_MEMBER_EPOCH' || code === 'UNKNOWN_MEMBER_ID' || isForgotten) {
      this.#epoch = 0
      this.#host.assigned(new Map())
      return 0
    }
    if (!isRetriable(error)) {
      this.#runs = false
      this.#epoch = 0
      if (!this.#isLeaving) this.#host.failed(error)
      return 0
    }
    this.#failures += 1
    return backoffMs(this.#network.retries.backoff, this.#failures, this.#network.world.random)
  }
}
