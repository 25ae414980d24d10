/**
 * One partition as the producer sees it: batches that wait, batches on the wire, and the sequence numbers of an idempotent
 * producer. It holds state; accumulator, sender and transaction manager decide.
 *
 * `tracked` are the batches that have a sequence number and no outcome yet, in the order of those numbers, whether they are
 * on the wire or back in the queue.
 */
import { NO_SEQUENCE, decrementSequence, incrementSequence } from '../../records/batch.ts'
import type { Int64 } from '../../base/int64.ts'
import type { ProducerIdentity } from './batch-buffer.ts'
import type { ProducerBatch } from './producer-batch.ts'

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** The first is sent next; records go into the last. */
  readonly batches: ProducerBatch[] = []
  /** Requests with them wait for an answer. */
  readonly onTheWire: ProducerBatch[] = []
  readonly tracked: ProducerBatch[] = []
  /** -1: none, or unknown. */
  leader = -1
  leaderEpoch = -1
  /** Nothing more is sent until what is on the wire is answered (max.in.flight 1). */
  isMuted = false
  /** Of the numbers below; -1 before the first batch. */
  producerId: Int64 = -1
  producerEpoch = -1
  nextSequence = 0
  /** Batches that were given numbers. */
  assigned = 0
  /** -1: none. */
  lastAckedSequence = NO_SEQUENCE
  lastAckedOffset = -1
  /** The number behind a batch whose fate is unknown; -1: there is none. */
  unresolvedSequence = NO_SEQUENCE

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get isIdle(): boolean {
    return this.batches.length === 0 && this.onTheWire.length === 0
  }

  hasIdentity({ producerId, producerEpoch }: ProducerIdentity): boolean {
    return this.producerId === producerId && this.producerEpoch === producerEpoch
  }

  /** Forgets all numbers. */
  resetSequences(): void {
    this.producerId = -1
    this.producerEpoch = -1
    this.nextSequence = 0
    this.lastAckedSequence = NO_SEQUENCE
    this.lastAckedOffset = -1
    this.unresolvedSequence = NO_SEQUENCE
    this.tracked.length = 0
  }

  /** Numbers begin at 0 under this identity, those of batches without an outcome first. */
  startSequencesAtBeginning(identity: ProducerIdentity): void {
    let sequence = 0
    for (const batch of this.tracked) {
      batch.resetIdentity(identity, sequence)
      sequence += batch.count
    }
    this.producerId = identity.producerId
    this.producerEpoch = identity.producerEpoch
    this.nextSequence = sequence
    this.lastAckedSequence = NO_SEQUENCE
  }

  /** A batch with these numbers was never written: those behind it move up. */
  closeGap(failed: ProducerBatch): void {
    this.nextSequence = decrementSequence(this.nextSequence, failed.count)
    for (const batch of this.tracked) {
      if (batch.producerEpoch !== failed.producerEpoch || batch.baseSequence < failed.baseSequence) continue
      batch.resetIdentity(batch, decrementSequence(batch.baseSequence, failed.count))
    }
  }

  acked(sequence: number): void {
    if (!this.isAcked(sequence)) this.lastAckedSequence = sequence
  }

  /** This number, or one behind it, was acknowledged. Also after the numbers have wrapped. */
  isAcked(sequence: number): boolean {
    if (this.lastAckedSequence === NO_SEQUENCE) return false
    const ahead = this.lastAckedSequence - sequence
    return (ahead >= 0 && ahead < 0x4000_0000) || ahead < -0x4000_0000
  }

  /** `sequence` is the one behind the last that was acknowledged. */
  isNextSequence(sequence: number): boolean {
    return this.lastAckedSequence === NO_SEQUENCE
      ? sequence === 0
      : sequence === incrementSequence(this.lastAckedSequence, 1)
  }

  untrack(batch: ProducerBatch): void {
    remove(this.tracked, batch)
  }

  /** Back into the queue: before those behind it in order, and before all that have no number yet. */
  putBack(batch: ProducerBatch): void {
    if (!batch.hasSequence) {
      this.batches.unshift(batch)
      return
    }
    const rank = this.tracked.indexOf(batch)
    const place = this.batches.findIndex((other) => !other.hasSequence || this.tracked.indexOf(other) > rank)
    this.batches.splice(place < 0 ? this.batches.length : place, 0, batch)
  }
}

export function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item)
  if (index >= 0) list.splice(index, 1)
}
