/**
 * What the leader of a replicated partition knows and decides: its followers' progress, how far the high watermark may go,
 * who should be in sync.
 *
 * The high watermark may go to the least end of the *maximal* in-sync replicas: those that are committed, those that
 * are asked for, and those that are fast enough to be in sync soon. So whoever may become the leader by a change that is under way has everything
 * below it. With fewer in-sync replicas than min.insync.replicas it stands still (KIP-966). At most one change of the ISR
 * is under way; until it is answered, replicas that are to leave count, and replicas that are to come count too.
 */
import { KafkaError } from '../base/errors.ts'
import type { Clock } from '../world/world.ts'
import type { ErrorCode } from '../base/error-codes.ts'
import type { Uuid } from '../base/uuid.ts'
import { FollowerProgress, type FollowerFetch } from './follower-progress.ts'
import type { IsrAnswer, IsrQueue } from './isr-changes.ts'
import type { Assignment } from './partition.ts'

/** What the metadata says of brokers. */
export interface BrokerStates {
  /** Null: not registered, or fenced. */
  liveEpoch(brokerId: number): number | null
  isShuttingDown(brokerId: number): boolean
}

/** What partitions of one broker share. */
export interface PartitionContext {
  readonly nodeId: number
  readonly clock: Clock
  readonly brokers: BrokerStates
  readonly isrChanges: IsrQueue
  /** replica.lag.time.max.ms */
  readonly lagTimeMaxMs: () => number
}

/** A change of the ISR that was asked for and not answered. */
export interface PendingIsr {
  readonly kind: 'expand' | 'shrink'
  readonly isr: readonly number[]
}

/** A change that was decided; null: it was not made, and never will be. */
export type DecidedIsr = { readonly isr: readonly number[]; readonly partitionEpoch: number } | null

const UNKNOWN_BROKER_EPOCH = -1
/** The controller knows better than the leader that asked: the change stays under way until the metadata tells. */
const METADATA_WILL_TELL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'FENCED_LEADER_EPOCH',
  'INVALID_UPDATE_VERSION',
  'NEW_LEADER_ELECTED',
])
/**
 * INVALID_REQUEST: of a replica that the partition just lost. The change that took it away may be known here but for the replicas,
 * so the metadata has no later one to tell.
 */
const NOT_MADE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'OPERATION_NOT_ATTEMPTED',
  'INELIGIBLE_REPLICA',
  'INVALID_REQUEST',
])

export class LeaderState {
  readonly #context: PartitionContext
  readonly #partition: { readonly topic: string; readonly index: number; readonly topicId: Uuid | null }
  readonly #onIsr: (change: DecidedIsr) => void
  #isOver = false
  /** The other replicas. */
  #followers: readonly FollowerProgress[] = []
  #assignment: Assignment
  #pending: PendingIsr | null = null

  /** Of a broker that did not lead before: nothing is known of followers. */
  constructor(
    context: PartitionContext,
    partition: { readonly topic: string; readonly index: number; readonly topicId: Uuid | null },
    assignment: Assignment,
    logEnd: number,
    onIsr: (change: DecidedIsr) => void,
  ) {
    this.#context = context
    this.#partition = partition
    this.#onIsr = onIsr
    this.#assignment = assignment
    this.#assign(assignment)
    this.#restart(logEnd, true)
  }

  get pending(): PendingIsr | null {
    return this.#pending
  }

  get followers(): readonly FollowerProgress[] {
    return this.#followers
  }

  /** Led on, with a newer assignment: it overrules what was asked for. */
  update(assignment: Assignment, logEnd: number): void {
    const isNewEpoch = assignment.leaderEpoch !== this.#assignment.leaderEpoch
    if (assignment.partitionEpoch !== this.#assignment.partitionEpoch || isNewEpoch) this.#pending = null
    this.#assign(assignment)
    if (isNewEpoch) this.#restart(logEnd, false)
  }

  #assign(assignment: Assignment): void {
    this.#assignment = assignment
    this.#followers = assignment.replicas
      .filter((id) => id !== this.#context.nodeId)
      .map((id) => this.follower(id) ?? new FollowerProgress(id))
  }

  #restart(logEnd: number, isNewLeader: boolean): void {
    const nowMs = this.#context.clock.monotonicMs()
    for (const follower of this.#followers) {
      follower.restart(nowMs, logEnd, this.#assignment.isr.includes(follower.id), isNewLeader)
    }
  }

  /** Null: no replica of the partition. */
  follower(id: number): FollowerProgress | null {
    return this.#followers.find((follower) => follower.id === id) ?? null
  }

  /** Members of the ISR that is committed, or of the larger one that is asked for. */
  get maximalIsr(): readonly number[] {
    return this.#pending?.kind === 'expand' ? this.#pending.isr : this.#assignment.isr
  }

  /** How far the high watermark may go; a lower offset than it has holds it where it is. */
  committableEnd(logEnd: number, minInsyncReplicas: number): number {
    const { isr, replicas } = this.#assignment
    if (isr.length < Math.min(minInsyncReplicas, replicas.length)) return 0
    const { clock, lagTimeMaxMs } = this.#context
    const { maximalIsr } = this
    let end = logEnd
    for (const follower of this.#followers) {
      if (follower.endOffset >= end) continue
      const counts =
        maximalIsr.includes(follower.id) ||
        (follower.isCaughtUp(logEnd, clock.monotonicMs(), lagTimeMaxMs()) && this.#isEligible(follower))
      if (counts) end = follower.endOffset
    }
    return end
  }

  /** @throws KafkaError NOT_LEADER_OR_FOLLOWER for a former incarnation of the broker. */
  fetched(follower: FollowerProgress, fetch: FollowerFetch): void {
    const live = this.#context.brokers.liveEpoch(follower.id)
    if (fetch.brokerEpoch !== UNKNOWN_BROKER_EPOCH && live !== null && live > fetch.brokerEpoch) {
      throw new KafkaError(
        'NOT_LEADER_OR_FOLLOWER',
        `broker ${follower.id} fetches with its epoch ${fetch.brokerEpoch}, now ${live}`,
      )
    }
    follower.fetched(fetch)
  }

  /** The larger ISR, if the follower has come far enough; null: nothing to ask for. */
  expandedBy(follower: FollowerProgress, highWatermark: number, epochStartOffset: number): PendingIsr | null {
    const { isr } = this.#assignment
    if (this.#pending !== null || isr.includes(follower.id)) return null
    if (follower.endOffset < highWatermark || follower.endOffset < epochStartOffset) return null
    return this.#isEligible(follower) ? { kind: 'expand', isr: [...isr, follower.id] } : null
  }

  /** The ISR without followers that have been behind for too long; null: nothing to ask for. */
  shrunk(logEnd: number): PendingIsr | null {
    if (this.#pending !== null) return null
    const { nodeId, clock, lagTimeMaxMs } = this.#context
    const nowMs = clock.monotonicMs()
    const { isr } = this.#assignment
    const left = isr.filter(
      (id) => id === nodeId || (this.follower(id)?.isCaughtUp(logEnd, nowMs, lagTimeMaxMs()) ?? false),
    )
    return left.length === isr.length ? null : { kind: 'shrink', isr: left }
  }

  /** Asks for a change, which from here on is under way. */
  ask(pending: PendingIsr): void {
    this.#pending = pending
    const { topic, topicId, index } = this.#partition
    const { leaderEpoch, partitionEpoch } = this.#assignment
    const isr = pending.isr.map((brokerId) => ({ brokerId, brokerEpoch: this.#brokerEpochOf(brokerId) }))
    this.#context.isrChanges.submit({
      proposal: { topic, topicId, partition: index, leaderEpoch, partitionEpoch, before: this.#assignment.isr, isr },
      isWanted: () => this.#pending === pending && !this.#isOver,
      settle: (answer) => this.#pending === pending && !this.#isOver && this.#settle(answer),
    })
  }

  /** This broker leads the partition no more: answers that are under way change nothing. */
  end(): void {
    this.#isOver = true
  }

  /** True: ask again. */
  #settle(answer: IsrAnswer): boolean {
    if (answer.error !== null) {
      if (METADATA_WILL_TELL.has(answer.error)) return false
      if (!NOT_MADE.has(answer.error)) return true
      this.#pending = null
      this.#onIsr(null)
      return false
    }
    const { leaderEpoch, partitionEpoch, isr } = answer
    const before = this.#assignment
    if (leaderEpoch !== before.leaderEpoch || partitionEpoch < before.partitionEpoch) return false
    this.#pending = null
    this.#onIsr({ isr, partitionEpoch })
    return false
  }

  /** -1 where a member has not told; null for this broker. */
  #brokerEpochOf(id: number): number | null {
    if (id === this.#context.nodeId) return null
    return this.follower(id)?.brokerEpoch ?? UNKNOWN_BROKER_EPOCH
  }

  /** The least start of the logs of all replicas that are up, `logStart` being that of the leader's. */
  lowWatermark(logStart: number): number {
    let lowest = logStart
    for (const { id, startOffset } of this.#followers) {
      if (startOffset < lowest && this.#context.brokers.liveEpoch(id) !== null) lowest = startOffset
    }
    return lowest
  }

  /** A broker that the controller would take into the ISR. */
  #isEligible(follower: FollowerProgress): boolean {
    const { brokers } = this.#context
    const live = brokers.liveEpoch(follower.id)
    if (live === null || brokers.isShuttingDown(follower.id)) return false
    const told = follower.brokerEpoch
    return told !== null && (told === UNKNOWN_BROKER_EPOCH || told === live)
  }
}
