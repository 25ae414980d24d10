/**
 * One partition as this broker hosts it: its log, its place in the cluster, its high watermark.
 *
 * The assignment (leader, epochs, ISR) comes from outside as a neutral value, be it from an image of the metadata log or
 * from a LeaderAndIsr request. Invariants: only the leader of the current epoch appends client data; nobody but a replica
 * reads past the high watermark; the high watermark never passes the written end of any in-sync replica. A failed disk
 * takes the partition offline (KAFKA_STORAGE_ERROR) without touching the others.
 */
import { KafkaError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import type {
  Appended,
  AppendOptions,
  LogRead,
  TransactionalAppend,
  VerificationGuard,
} from '../storage/log-surface.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import type { FollowerProgress } from './follower-progress.ts'
import { LeaderState, type PartitionContext } from './leader-state.ts'
import { OffsetWaiters } from './offset-waiters.ts'
import { PartitionReaders, type PartitionWatcher, type Reach } from './partition-readers.ts'

export interface Assignment {
  /** -1: none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
}

/** A fetch of one of the partition's other replicas. */
export interface ReplicaFetch {
  readonly replicaId: number
  readonly brokerEpoch: number
  /** Everything below it is in the replica's log. */
  readonly offset: number
  readonly logStartOffset: number
}

/** Who does not know the leader's epoch says -1; every other number is compared, negative ones too. */
const UNKNOWN_EPOCH = -1
export class Partition {
  readonly topic: string
  readonly index: number
  readonly topicId: Uuid | null
  readonly #context: PartitionContext
  /** Null while its directory is offline. */
  #log: PartitionLog | null
  #assignment: Assignment
  /** Where the log ended when we became leader of this epoch: until the high watermark is there, it may be too low to tell. */
  #epochStartOffset = 0
  #deleted = false
  /** While this broker leads a partition that others replicate. */
  #leaderState: LeaderState | null = null
  readonly #readers: PartitionReaders
  readonly #commits = new OffsetWaiters()
  readonly #deletions = new OffsetWaiters()

  constructor(
    identity: { readonly topic: string; readonly index: number; readonly topicId: Uuid | null },
    context: PartitionContext,
    log: PartitionLog | null,
    assignment: Assignment,
  ) {
    this.topic = identity.topic
    this.index = identity.index
    this.topicId = identity.topicId
    this.#context = context
    this.#log = log
    this.#assignment = assignment
    this.#readers = new PartitionReaders(log)
    if (log !== null) this.#follow(log)
    this.#lead(null)
  }

  #follow(log: PartitionLog): void {
    log.onWritten(() => {
      if (this.#log === log) this.#written()
    })
    log.onFailed(() => {
      if (this.#log === log) this.goOffline()
    })
  }

  /** The replica moved to another log directory: from here on this log, equal to the one before, is the partition's. */
  moved(log: PartitionLog): void {
    if (this.#log === null || this.#deleted) return
    this.#log = log
    this.#readers.moved(log)
    this.#follow(log)
  }

  get name(): string {
    return `${this.topic}-${this.index}`
  }

  get assignment(): Assignment {
    return this.#assignment
  }

  get isLeader(): boolean {
    return this.#assignment.leader === this.#context.nodeId && !this.#deleted
  }

  get leaderEpoch(): number {
    return this.#assignment.leaderEpoch
  }

  /** Null while offline. */
  get log(): PartitionLog | null {
    return this.#log
  }

  /** A newer assignment; older ones are ignored. Of one as old as ours only the replicas can be news. */
  assign(assignment: Assignment): void {
    const before = this.#assignment
    const isOld = assignment.partitionEpoch <= before.partitionEpoch && assignment.leaderEpoch <= before.leaderEpoch
    if (isOld && (assignment.partitionEpoch < before.partitionEpoch || sameList(assignment.replicas, before.replicas)))
      return
    this.#assignment = isOld ? { ...before, replicas: assignment.replicas } : assignment
    this.#lead(before)
    if (!this.isLeader) this.#failWaiters('NOT_LEADER_OR_FOLLOWER', `no longer the leader of ${this.name}`)
    // A change of the ISR changes nothing for those who read.
    if (before.leader !== assignment.leader || before.leaderEpoch !== assignment.leaderEpoch) this.#readers.changed()
  }

  #lead(before: Assignment | null): void {
    const log = this.#log
    if (log === null || !this.isLeader) return this.#stopLeading()
    const assignment = this.#assignment
    if (before === null || before.leaderEpoch !== assignment.leaderEpoch || before.leader !== assignment.leader) {
      this.#epochStartOffset = log.assignedEnd
      // In force at once; only its checkpoint is on the way.
      log.assignEpoch(assignment.leaderEpoch).catch(() => this.goOffline())
    }
    if (assignment.replicas.length === 1) this.#stopLeading()
    else if (this.#leaderState === null)
      this.#leaderState = new LeaderState(this.#context, this, assignment, log.assignedEnd, (change) =>
        this.#onIsr(change),
      )
    else this.#leaderState.update(assignment, log.assignedEnd)
    this.#advanceHighWatermark()
    this.#completeDeletions(log)
  }

  /** Nothing of the followers counts any more. */
  #stopLeading(): void {
    this.#leaderState?.end()
    this.#leaderState = null
  }

  /** The log of a partition that this broker leads. @throws KafkaError as Kafka's partition checks do, in their order. */
  leaderLog(currentLeaderEpoch = UNKNOWN_EPOCH): PartitionLog {
    const log = this.localLog(currentLeaderEpoch)
    if (!this.isLeader) throw new KafkaError('NOT_LEADER_OR_FOLLOWER', `not the leader of ${this.name}`)
    return log
  }

  /** The log of a replica, whoever leads. @throws KafkaError as `leaderLog` does. */
  localLog(currentLeaderEpoch = UNKNOWN_EPOCH): PartitionLog {
    if (this.#deleted) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `${this.name} was deleted`)
    if (this.#log === null) throw new KafkaError('KAFKA_STORAGE_ERROR', `the log directory of ${this.name} is offline`)
    if (currentLeaderEpoch !== UNKNOWN_EPOCH && currentLeaderEpoch !== this.leaderEpoch) {
      throw currentLeaderEpoch < this.leaderEpoch
        ? new KafkaError('FENCED_LEADER_EPOCH', `epoch ${currentLeaderEpoch} of ${this.name}, now ${this.leaderEpoch}`)
        : new KafkaError(
            'UNKNOWN_LEADER_EPOCH',
            `epoch ${currentLeaderEpoch} of ${this.name}, here ${this.leaderEpoch}`,
          )
    }
    return this.#log
  }

  /** @throws KafkaError NOT_ENOUGH_REPLICAS when an append with acks=all could not be safe. */
  checkInSyncReplicas(log: PartitionLog, tooFew: 'NOT_ENOUGH_REPLICAS' | 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'): void {
    const { replicas } = this.#assignment
    // What is appended already is as safe as the change of the ISR that is under way makes it.
    const isr =
      tooFew === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' && this.#leaderState !== null
        ? this.#leaderState.maximalIsr
        : this.#assignment.isr
    const needed = Math.min(log.config.minInsyncReplicas, replicas.length)
    if (isr.length < needed) {
      throw new KafkaError(
        tooFew,
        `The size of the current ISR ${isr.length} is insufficient to satisfy the min.isr requirement of ${needed} for partition ${this.name}`,
      )
    }
  }

  /** Appends validated batches as the leader; see PartitionLog.append. */
  append(log: PartitionLog, records: Buffer, options: Omit<AppendOptions, 'epoch'>): Appended {
    return log.append(records, { ...options, epoch: this.leaderEpoch })
  }

  /** Resolves when the high watermark has reached `offset`; rejects when it can't any more, or after that time (null: any). */
  whenCommitted(offset: number, timeoutMs: number | null): Promise<void> {
    if (this.#log !== null && this.#log.highWatermark >= offset) return Promise.resolve()
    // Whoever comes behind the change of leadership must not wait for what no longer moves.
    const gone = this.#whyNotLed()
    if (gone !== null) return Promise.reject(gone)
    return this.#commits.wait(this.#context.clock, offset, timeoutMs)
  }

  /** The least start of the logs of all replicas that are up: nobody has what is below it. */
  lowWatermark(log: PartitionLog): number {
    return this.#leaderState?.lowWatermark(log.startOffset) ?? log.startOffset
  }

  /** Resolves when the low watermark has reached `offset`; rejects when it can't any more, or after that time. */
  whenDeleted(offset: number, timeoutMs: number): Promise<void> {
    const gone = this.#whyNotLed()
    if (gone !== null) return Promise.reject(gone)
    if (this.lowWatermark(this.#log!) >= offset) return Promise.resolve()
    return this.#deletions.wait(this.#context.clock, offset, timeoutMs)
  }

  #whyNotLed(): KafkaError | null {
    if (this.#log === null) return new KafkaError('KAFKA_STORAGE_ERROR', `the log directory of ${this.name} is offline`)
    return this.isLeader ? null : new KafkaError('NOT_LEADER_OR_FOLLOWER', `no longer the leader of ${this.name}`)
  }

  /** Where reads of a client end. @throws KafkaError OFFSET_NOT_AVAILABLE right after an election, while it isn't known. */
  latestOffset(log: PartitionLog, readCommitted: boolean): number {
    if (log.highWatermark < this.#epochStartOffset) {
      throw new KafkaError(
        'OFFSET_NOT_AVAILABLE',
        `the high watermark of ${this.name} has not reached this leader epoch`,
      )
    }
    return readCommitted ? log.lastStableOffset : log.highWatermark
  }

  /** Followers in sync that have the record at `offset`: a consumer may be sent to them. */
  followersWith(offset: number): readonly FollowerProgress[] {
    const { isr } = this.#assignment
    return (this.#leaderState?.followers ?? []).filter(
      ({ id, endOffset, startOffset }) => isr.includes(id) && startOffset <= offset && offset <= endOffset,
    )
  }

  /** @throws KafkaError if `replicaId` is no replica of the partition as it is known here. */
  checkReplica(replicaId: number, currentLeaderEpoch: number): void {
    const follower = this.#leaderState?.follower(replicaId) ?? null
    if (follower !== null) return
    throw new KafkaError(
      currentLeaderEpoch === UNKNOWN_EPOCH ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_LEADER_EPOCH',
      `broker ${replicaId} is no replica of ${this.name} that is known here`,
    )
  }

  /**
   * A replica fetches from an offset of the log: it may be in sync again, and the high watermark may move.
   * @throws KafkaError NOT_LEADER_OR_FOLLOWER for a former incarnation of its broker.
   */
  replicaFetched(log: PartitionLog, fetch: ReplicaFetch): void {
    const state = this.#leaderState
    const follower = state?.follower(fetch.replicaId) ?? null
    if (state === null || follower === null) return
    const { offset, logStartOffset, brokerEpoch } = fetch
    const nowMs = this.#context.clock.monotonicMs()
    state.fetched(follower, { offset, startOffset: logStartOffset, brokerEpoch, leaderEnd: log.writtenEnd, nowMs })
    const larger = state.expandedBy(follower, log.highWatermark, this.#epochStartOffset)
    if (larger !== null) state.ask(larger)
    // Also where it has nothing new: a replica that held the high watermark back may be gone since.
    this.#advanceHighWatermark()
    this.#completeDeletions(log)
  }

  /**
   * Followers that have been behind for too long leave the ISR. And what is waited for is looked at: one that held it back, though
   * not in sync, may have been fenced, or fewer in sync be enough now, and without a follower that fetches nobody tells.
   */
  shrinkIsr(): void {
    const state = this.#leaderState
    const log = this.#log
    if (state === null || log === null) return
    const smaller = state.shrunk(log.writtenEnd)
    if (smaller !== null) state.ask(smaller)
    this.#advanceHighWatermark()
    this.#completeDeletions(log)
  }

  /** The ISR that was asked for is decided; null: not as it was asked. */
  #onIsr(change: { readonly isr: readonly number[]; readonly partitionEpoch: number } | null): void {
    if (change !== null) this.#assignment = { ...this.#assignment, ...change }
    this.#lead(this.#assignment)
  }

  /** Whole batches from the one that holds `fetchOffset`, up to where the reader may read. */
  read(
    log: PartitionLog,
    fetchOffset: number,
    reach: Reach,
    maxBytes: number,
    minOneBatch: boolean,
  ): LogRead | Promise<LogRead> {
    return log.read(fetchOffset, reachOf(log, reach), maxBytes, minOneBatch)
  }

  /** See PartitionLog.startVerification. @throws KafkaError INVALID_PRODUCER_EPOCH and those of `leaderLog`. */
  startVerification(append: TransactionalAppend): VerificationGuard | null {
    return this.leaderLog().startVerification(append)
  }

  /** The log while this broker follows the leader of that epoch; null when it doesn't any more, or its disk failed. */
  followedLog(leaderEpoch: number): PartitionLog | null {
    const { leader } = this.#assignment
    return this.#deleted || leader === this.#context.nodeId || leaderEpoch !== this.leaderEpoch ? null : this.#log
  }

  /** The log was cut as a follower: who reads here looks again. */
  wasCut(log: PartitionLog): void {
    this.#readers.cut(log)
  }

  watch(watcher: PartitionWatcher, reach: Reach): void {
    this.#readers.watch(watcher, reach, this.#log)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#readers.unwatch(watcher)
  }

  /** The log directory failed. */
  goOffline(): void {
    if (this.#log === null) return
    this.#log = null
    this.#stopLeading()
    this.#failWaiters('KAFKA_STORAGE_ERROR', `the log directory of ${this.name} failed`)
    this.#readers.changed()
  }

  /** The topic is gone, or this broker no longer holds a replica. */
  remove(): void {
    this.#deleted = true
    this.#stopLeading()
    this.#failWaiters('NOT_LEADER_OR_FOLLOWER', `${this.name} is no longer hosted here`)
    this.#readers.changed()
  }

  #written(): void {
    if (this.#log !== null) this.#readers.written(this.#log)
    if (this.isLeader) this.#advanceHighWatermark()
  }

  #advanceHighWatermark(): void {
    const log = this.#log
    if (log === null) return
    const state = this.#leaderState
    const { writtenEnd } = log
    const end = state === null ? writtenEnd : state.committableEnd(writtenEnd, log.config.minInsyncReplicas)
    this.raiseHighWatermark(log, end)
  }

  /** As far as the log is written, and never down. */
  raiseHighWatermark(log: PartitionLog, offset: number): void {
    if (offset <= log.highWatermark && this.#readers.knows(log.highWatermark)) return
    const stableBefore = log.lastStableOffset
    const wasAlong = stableBefore === log.highWatermark
    log.setHighWatermark(offset)
    const { lastStableOffset, highWatermark } = log
    const isAlong = wasAlong && lastStableOffset === highWatermark
    this.#commits.reached(highWatermark)
    this.#readers.committed(log, isAlong ? 'along' : lastStableOffset === stableBefore ? 'still' : 'otherwise')
  }

  #completeDeletions(log: PartitionLog): void {
    if (!this.#deletions.isEmpty) this.#deletions.reached(this.lowWatermark(log))
  }

  #failWaiters(code: 'NOT_LEADER_OR_FOLLOWER' | 'KAFKA_STORAGE_ERROR', detail: string): void {
    this.#commits.fail(() => new KafkaError(code, detail))
    this.#deletions.fail(() => new KafkaError(code, detail))
  }
}

function reachOf(log: PartitionLog, reach: Reach): number {
  if (reach === 'log end') return log.writtenEnd
  return reach === 'stable' ? log.lastStableOffset : log.highWatermark
}

function sameList(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at])
}
