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

export interface Assignment {
  /** -1: none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
}

/**
 * What became of the last stable offset when the high watermark moved: it is, and was, at the high watermark; it stands
 * still before an open transaction; it moved from or to such a place, by more or fewer bytes than the high watermark did.
 */
export type StableMove = 'along' | 'still' | 'otherwise'

/** Told about a partition that moved: more is readable, or it can't be read here any more. */
export interface PartitionWatcher {
  /** `bytes` more became readable up to the high watermark. */
  readable(bytes: number, stable: StableMove): void
  /** Leadership, log or topic went away: look again. */
  changed(): void
}

interface CommitWaiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: KafkaError) => void
}

/** Who does not know the leader's epoch says -1; every other number is compared, negative ones too. */
const UNKNOWN_EPOCH = -1

export class Partition {
  readonly topic: string
  readonly index: number
  readonly topicId: Uuid | null
  readonly #nodeId: number
  /** Null while its directory is offline. */
  #log: PartitionLog | null
  #assignment: Assignment
  /** Where the log ended when we became leader of this epoch: until the high watermark is there, it may be too low to tell. */
  #epochStartOffset = 0
  #deleted = false
  readonly #watchers = new Set<PartitionWatcher>()
  readonly #commitWaiters: CommitWaiter[] = []
  #countedEnd: number
  #countedBytes: number

  constructor(
    identity: { readonly topic: string; readonly index: number; readonly topicId: Uuid | null },
    nodeId: number,
    log: PartitionLog | null,
    assignment: Assignment,
  ) {
    this.topic = identity.topic
    this.index = identity.index
    this.topicId = identity.topicId
    this.#nodeId = nodeId
    this.#log = log
    this.#assignment = assignment
    this.#countedEnd = log?.highWatermark ?? 0
    this.#countedBytes = log?.sizeBytes ?? 0
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
    this.#countedBytes = log.sizeBytes
    this.#follow(log)
  }

  get name(): string {
    return `${this.topic}-${this.index}`
  }

  get assignment(): Assignment {
    return this.#assignment
  }

  get isLeader(): boolean {
    return this.#assignment.leader === this.#nodeId && !this.#deleted
  }

  get leaderEpoch(): number {
    return this.#assignment.leaderEpoch
  }

  /** Null while offline. */
  get log(): PartitionLog | null {
    return this.#log
  }

  /** A newer assignment; older and equal ones are ignored. */
  assign(assignment: Assignment): void {
    const before = this.#assignment
    if (assignment.partitionEpoch <= before.partitionEpoch && assignment.leaderEpoch <= before.leaderEpoch) return
    this.#assignment = assignment
    this.#lead(before)
    if (!this.isLeader) this.#failWaiters('NOT_LEADER_OR_FOLLOWER', `no longer the leader of ${this.name}`)
    for (const watcher of [...this.#watchers]) watcher.changed()
  }

  #lead(before: Assignment | null): void {
    const log = this.#log
    if (log === null || !this.isLeader) return
    if (before === null || before.leaderEpoch !== this.#assignment.leaderEpoch || before.leader !== this.#nodeId) {
      this.#epochStartOffset = log.assignedEnd
      // In force at once; only its checkpoint is on the way.
      log.assignEpoch(this.#assignment.leaderEpoch).catch(() => this.goOffline())
    }
    this.#advanceHighWatermark()
  }

  /** The log of a partition that this broker leads. @throws KafkaError as Kafka's partition checks do, in their order. */
  leaderLog(currentLeaderEpoch = UNKNOWN_EPOCH): PartitionLog {
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
    if (!this.isLeader) throw new KafkaError('NOT_LEADER_OR_FOLLOWER', `not the leader of ${this.name}`)
    return this.#log
  }

  /** @throws KafkaError NOT_ENOUGH_REPLICAS when an append with acks=all could not be safe. */
  checkInSyncReplicas(log: PartitionLog, tooFew: 'NOT_ENOUGH_REPLICAS' | 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'): void {
    const { isr, replicas } = this.#assignment
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

  /** Resolves when the high watermark has reached `offset`; rejects when it can't any more. */
  whenCommitted(offset: number): Promise<void> {
    if (this.#log !== null && this.#log.highWatermark >= offset) return Promise.resolve()
    // Whoever comes behind the change of leadership must not wait for what no longer moves.
    const gone = this.#whyNotLed()
    if (gone !== null) return Promise.reject(gone)
    return new Promise((resolve, reject) => this.#commitWaiters.push({ offset, resolve, reject }))
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

  /** Whole batches from the one that holds `fetchOffset`, up to the isolation's limit. */
  read(
    log: PartitionLog,
    fetchOffset: number,
    readCommitted: boolean,
    maxBytes: number,
    minOneBatch: boolean,
  ): LogRead | Promise<LogRead> {
    return log.read(fetchOffset, readCommitted ? log.lastStableOffset : log.highWatermark, maxBytes, minOneBatch)
  }

  /** See PartitionLog.startVerification. @throws KafkaError INVALID_PRODUCER_EPOCH and those of `leaderLog`. */
  startVerification(append: TransactionalAppend): VerificationGuard | null {
    return this.leaderLog().startVerification(append)
  }

  /** The log while this broker follows the leader of that epoch; null when it doesn't any more, or its disk failed. */
  followedLog(leaderEpoch: number): PartitionLog | null {
    const { leader } = this.#assignment
    return this.#deleted || leader === this.#nodeId || leaderEpoch !== this.leaderEpoch ? null : this.#log
  }

  /** The log was cut as a follower: who reads here looks again. */
  wasCut(log: PartitionLog): void {
    this.#countedEnd = log.highWatermark
    this.#countedBytes = log.sizeBytes
    for (const watcher of [...this.#watchers]) watcher.changed()
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers.add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers.delete(watcher)
  }

  /** The log directory failed. */
  goOffline(): void {
    if (this.#log === null) return
    this.#log = null
    this.#failWaiters('KAFKA_STORAGE_ERROR', `the log directory of ${this.name} failed`)
    for (const watcher of [...this.#watchers]) watcher.changed()
  }

  /** The topic is gone, or this broker no longer holds a replica. */
  remove(): void {
    this.#deleted = true
    this.#failWaiters('NOT_LEADER_OR_FOLLOWER', `${this.name} is no longer hosted here`)
    for (const watcher of [...this.#watchers]) watcher.changed()
  }

  #written(): void {
    if (this.isLeader) this.#advanceHighWatermark()
  }

  /** Followers are not served yet: an in-sync replica elsewhere holds the high watermark where it is. */
  #advanceHighWatermark(): void {
    const log = this.#log
    if (log === null || this.#assignment.isr.some((id) => id !== this.#nodeId)) return
    this.raiseHighWatermark(log, log.writtenEnd)
  }

  /** As far as the log is written, and never down. */
  raiseHighWatermark(log: PartitionLog, offset: number): void {
    if (offset <= log.highWatermark && log.highWatermark === this.#countedEnd) return
    const stableBefore = log.lastStableOffset
    const wasAlong = stableBefore === log.highWatermark
    log.setHighWatermark(offset)
    const { lastStableOffset, highWatermark } = log
    const isAlong = wasAlong && lastStableOffset === highWatermark
    const stable = isAlong ? 'along' : lastStableOffset === stableBefore ? 'still' : 'otherwise'
    const bytes = Math.max(0, log.sizeBytes - this.#countedBytes)
    this.#countedBytes = log.sizeBytes
    this.#countedEnd = highWatermark
    this.#completeWaiters(highWatermark)
    for (const watcher of [...this.#watchers]) watcher.readable(bytes, stable)
  }

  #completeWaiters(highWatermark: number): void {
    const waiters = this.#commitWaiters
    // Appends of one leader are in offset order, and so are the waiters of them.
    let done = 0
    while (done < waiters.length && waiters[done]!.offset <= highWatermark) waiters[done++]!.resolve()
    if (done > 0) waiters.splice(0, done)
  }

  #failWaiters(code: 'NOT_LEADER_OR_FOLLOWER' | 'KAFKA_STORAGE_ERROR', detail: string): void {
    for (const waiter of this.#commitWaiters.splice(0)) waiter.reject(new KafkaError(code, detail))
  }
}
