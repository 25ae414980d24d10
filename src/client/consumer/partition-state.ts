/**
 * Where a consumer is in one partition. Four offsets, never in another order:
 *
 *     finished ≤ position ≤ fetchOffset
 *
 * `fetchOffset` is where the next fetch begins, `position` what is handed out next, `finished` below what the user is done.
 * Only `finished` is committed by itself. Whatever moves the position (seek, reset, truncation) drops what was fetched and
 * begins a new incarnation: answers that were asked for before are not taken any more.
 */
import type { FetchedRecords } from './fetched-records.ts'
import type { OffsetSpec } from './offset-spec.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

/** An offset and what is known of it: the leader's epoch of the record before it (-1: unknown), as committed with it. */
export interface OffsetAndEpoch {
  readonly offset: number
  readonly leaderEpoch: number
}

export type PartitionPhase =
  /** The committed offset is to be asked for. */
  | 'unpositioned'
  /** An offset by `resetTo` is to be asked for. */
  | 'resetting'
  /** A new leader is to be asked whether it has what was read (KIP-320). */
  | 'validating'
  | 'positioned'
  /** An error that the user has been told of; a seek ends it. */
  | 'failed'

export interface Buffered {
  readonly fetched: FetchedRecords
  readonly highWatermark: number
  /** It was handed out before, and left unread. */
  readonly isAgain: boolean
}

export class PartitionState implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly key: string
  phase: PartitionPhase = 'unpositioned'
  resetTo: OffsetSpec | null = null
  fetchOffset = -1
  /** Epoch of the record before `fetchOffset`; -1: unknown. */
  fetchEpoch = -1
  position = -1
  positionEpoch = -1
  finished: OffsetAndEpoch | null = null
  /** What is known to be committed; null: nothing, or unknown. */
  committed: OffsetAndEpoch | null = null
  isPaused = false
  /** Being taken away, or not yet announced to the user: nothing is fetched or handed out. */
  isHeld = false
  /** Changes whenever what is being fetched is not wanted any more. */
  incarnation = 0
  /** Changes whenever the position was moved by something else than reading: what was handed out before says nothing now. */
  seeks = 0
  /** What is asked of this partition at most; grows where a broker can't send a larger batch whole (before 0.10.1). */
  fetchBytes = 0
  /** The leader's epoch for which the position is known to be good; -1: none told. */
  leaderEpoch = -1
  highWatermark = -1
  lastStableOffset = -1
  logStartOffset = -1
  /** A replica nearer than the leader (KIP-392), until `preferredUntilMs`. -1: none. */
  preferredReplica = -1
  preferredUntilMs = 0
  /** Monotonic: not asked about again before. */
  retryAtMs = 0
  failures = 0
  readonly buffered: Buffered[] = []
  bufferedBytes = 0

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
    this.key = keyOf(this)
  }

  /** Goes on at `offset`; what was fetched is dropped. */
  seek({ offset, leaderEpoch }: OffsetAndEpoch): void {
    this.drop()
    this.seeks++
    this.phase = 'positioned'
    this.resetTo = null
    this.fetchOffset = offset
    this.fetchEpoch = leaderEpoch
    this.position = offset
    this.positionEpoch = leaderEpoch
    this.finished = { offset, leaderEpoch }
    this.leaderEpoch = -1
    this.retryAtMs = 0
    this.failures = 0
  }

  /** The position follows from `to`, once a broker was asked. */
  reset(to: OffsetSpec): void {
    this.drop()
    this.seeks++
    this.phase = 'resetting'
    this.resetTo = to
    this.position = -1
    this.fetchOffset = -1
    this.finished = null
    this.retryAtMs = 0
    this.failures = 0
  }

  fail(): void {
    this.drop()
    this.phase = 'failed'
  }

  /** Forgets what was fetched or is being fetched; the next fetch begins at the position. */
  drop(): void {
    this.incarnation++
    this.buffered.length = 0
    this.bufferedBytes = 0
    this.fetchOffset = this.position
    this.fetchEpoch = this.positionEpoch
    this.preferredReplica = -1
  }

  /** Keeps what an answer brought. */
  add(fetched: FetchedRecords, highWatermark: number): void {
    this.buffered.push({ fetched, highWatermark, isAgain: false })
    this.bufferedBytes += fetched.size
    this.fetchOffset = fetched.nextOffset
    if (fetched.leaderEpoch >= 0) this.fetchEpoch = fetched.leaderEpoch
  }

  /** The oldest of what was kept; the position goes behind it. */
  take(): Buffered | null {
    const taken = this.buffered.shift()
    if (taken === undefined) return null
    const { fetched } = taken
    this.bufferedBytes -= fetched.size
    this.position = fetched.nextOffset
    if (fetched.leaderEpoch >= 0) this.positionEpoch = fetched.leaderEpoch
    return taken
  }

  /** Null while nothing is known of the partition's end, or of where the consumer is. */
  lag(isReadCommitted: boolean): number | null {
    const end = isReadCommitted ? this.lastStableOffset : this.highWatermark
    return end < 0 || this.position < 0 ? null : Math.max(end - this.position, 0)
  }

  /** Records between the log's start and the position: when it reaches 0, retention takes what was not read. Null if unknown. */
  get lead(): number | null {
    return this.logStartOffset < 0 || this.position < 0 ? null : Math.max(this.position - this.logStartOffset, 0)
  }
}
