/**
 * A producer's id and epoch, and the sequence numbers that batches have under them, by partition (KIP-98, KIP-360, KIP-854):
 * which batch gets which, what an outcome means for those behind it, and when a partition begins anew.
 *
 * Invariants: a number that may have been written is never given to another record under the same epoch; batches of a partition
 * are sent so that the broker, which remembers the last five, can tell each one again.
 */
import type { KafkaError } from '../../base/errors.ts'
import { NO_SEQUENCE, incrementSequence } from '../../records/batch.ts'
import { isRetriable } from '../errors.ts'
import type { ProducerIdentity } from './batch-buffer.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'

const NO_IDENTITY: ProducerIdentity = { producerId: -1, producerEpoch: -1 }
const EPOCH_MAX = 32_767
/** Of each producer and partition, by a broker. */
const REMEMBERED_BATCHES = 5

export interface SequenceNumbersOptions {
  readonly isTransactional: boolean
  /** A partition can only go on under the next epoch. */
  readonly bumpWanted: () => void
}

export class SequenceNumbers {
  readonly #isTransactional: boolean
  readonly #bumpWanted: () => void
  #identity = NO_IDENTITY
  /** Every partition that has numbers. */
  readonly #numbered = new Set<PartitionQueue>()
  /** With batches that were given up and whose fate is unknown. */
  readonly #unresolved = new Set<PartitionQueue>()
  /** Whose numbers begin anew under the next epoch. */
  readonly #toRewrite = new Set<PartitionQueue>()

  constructor({ isTransactional, bumpWanted }: SequenceNumbersOptions) {
    this.#isTransactional = isTransactional
    this.#bumpWanted = bumpWanted
  }

  get identity(): ProducerIdentity {
    return this.#identity
  }

  get hasIdentity(): boolean {
    return this.#identity.producerId !== -1
  }

  /** The broker gave the first, or one in place of one that is used up: what went wrong under it begins anew. */
  begin(identity: ProducerIdentity): void {
    this.#identity = identity
    if (!this.#isTransactional) this.#rewrite()
  }

  /** The broker gave the next one while nothing was out: all numbers begin anew. */
  replace(identity: ProducerIdentity): void {
    this.#identity = identity
    for (const queue of this.#numbered) queue.resetSequences()
    this.#numbered.clear()
    this.#unresolved.clear()
  }

  /** Takes the next epoch: without transactions nobody needs to be asked while epochs last. False: they are used up. */
  nextEpoch(): boolean {
    const { producerId, producerEpoch } = this.#identity
    if (producerEpoch === EPOCH_MAX) {
      this.#identity = NO_IDENTITY
      return false
    }
    this.#identity = { producerId, producerEpoch: producerEpoch + 1 }
    this.#rewrite()
    return true
  }

  /** The numbers of what is out forbid to send batches of `queue` now. `isVersion2`: of transactions (KIP-890). */
  mustHold(queue: PartitionQueue, first: ProducerBatch, isVersion2: boolean): boolean {
    const { tracked } = queue
    if (first.hasSequence) return tracked.length > 0 && tracked[0] !== first
    if (tracked.length > 0) {
      if (!queue.hasIdentity(this.#identity)) return true
      // A broker that knows nothing of a producer takes any number from it, unless transactions are of version 2: then a second
      // batch that overtakes a first one that was refused would be written before it. Java's client takes that risk.
      if (queue.lastAckedSequence === NO_SEQUENCE && !isVersion2) return true
      // The broker remembers the last five: the first without an outcome must stay among them.
      if (queue.assigned - tracked[0]!.rank >= REMEMBERED_BATCHES - 1) return true
    }
    return queue.unresolvedSequence !== NO_SEQUENCE
  }

  /** Gives a batch that is about to be sent its numbers, if it has none. */
  assign(batch: ProducerBatch): void {
    if (batch.hasSequence) return
    const { queue } = batch
    this.#numbered.add(queue)
    if (!queue.hasIdentity(this.#identity) && queue.tracked.length === 0)
      queue.startSequencesAtBeginning(this.#identity)
    batch.setIdentity(this.#identity, queue.nextSequence, this.#isTransactional)
    queue.nextSequence = incrementSequence(queue.nextSequence, batch.count)
    queue.assigned += 1
    batch.rank = queue.assigned
    queue.tracked.push(batch)
  }

  completed(batch: ProducerBatch, baseOffset: number): void {
    const { queue } = batch
    if (queue.hasIdentity(batch)) queue.acked(batch.lastSequence)
    if (baseOffset >= 0) queue.lastAckedOffset = Math.max(queue.lastAckedOffset, baseOffset + batch.count - 1)
    queue.untrack(batch)
  }

  /** A batch failed for good and is not tracked any more. @param mayAdjust it was not written, so that its numbers are free */
  failed(batch: ProducerBatch, code: KafkaError['code'] | null, mayAdjust: boolean): void {
    const { queue } = batch
    if (code === 'UNKNOWN_PRODUCER_ID') {
      queue.resetSequences()
      this.#unresolved.delete(queue)
    } else if ((mayAdjust || code === 'OUT_OF_ORDER_SEQUENCE_NUMBER') && batch.hasSequence) {
      if (this.#isTransactional) queue.closeGap(batch)
      // Java's client numbers the batches behind it anew at once. But it may be there, from an attempt whose answer was lost, and
      // so may those: they keep their numbers until the broker has said that they are not.
      else this.markUnresolved(batch)
    }
  }

  /** A batch was given up whose fate is unknown: it may have been written, or still be. */
  markUnresolved(batch: ProducerBatch): void {
    const { queue } = batch
    if (!batch.hasSequence || !queue.hasIdentity(batch) || queue.isAcked(batch.lastSequence)) return
    const next = incrementSequence(batch.lastSequence, 1)
    queue.unresolvedSequence =
      queue.unresolvedSequence === NO_SEQUENCE ? next : Math.max(queue.unresolvedSequence, next)
    this.#unresolved.add(queue)
  }

  /** Looks at partitions with unknown fates of which nothing is out any more. True if one of a transaction has a gap. */
  resolve(): boolean {
    let hasLost = false
    for (const queue of this.#unresolved) {
      if (queue.tracked.length > 0) continue
      this.#unresolved.delete(queue)
      queue.unresolvedSequence = NO_SEQUENCE
      if (queue.isNextSequence(queue.nextSequence)) continue
      if (this.#isTransactional) hasLost = true
      else this.#requestBump(queue)
    }
    return hasLost
  }

  /** Whether a batch is sent again after `error`; prepares its numbers for it. */
  canRetry(batch: ProducerBatch, error: KafkaError, logStartOffset: number): boolean {
    const { queue } = batch
    if (error.code === 'UNKNOWN_PRODUCER_ID') {
      if (logStartOffset === -1 || batch.hasBeenReset) return true
      if (queue.lastAckedOffset < logStartOffset) {
        // All that this producer wrote was deleted with the log's beginning.
        if (this.#isTransactional) queue.startSequencesAtBeginning(this.#identity)
        else this.#requestBump(queue)
        return true
      }
      if (this.#isTransactional) return false
      this.#requestBump(queue)
      return true
    }
    if (error.code === 'OUT_OF_ORDER_SEQUENCE_NUMBER') {
      // One before it has no outcome yet, or it was sent under its old number: again.
      if (batch.hasBeenReset || queue.tracked[0] !== batch) return true
      if (this.#isTransactional) return false
      // An attempt of it was lost, and nobody can tell what became of that: it may have been written and be forgotten (others
      // behind it are acknowledged), or still be on its way (one before it was given up). Written anew it could be there twice.
      const isGapOurs = queue.isAcked(batch.lastSequence) || queue.unresolvedSequence !== NO_SEQUENCE
      if (batch.mayBeWritten && isGapOurs) return false
      // All before it are settled, so that the gap is real: one of them was given up, or the broker has lost some.
      this.#requestBump(queue)
      return true
    }
    // Sent under the epoch of before.
    if (error.code === 'INVALID_PRODUCER_EPOCH' && batch.hasBeenReset && !this.#isTransactional) return true
    return isRetriable(error)
  }

  #requestBump(queue: PartitionQueue): void {
    this.#bumpWanted()
    this.#toRewrite.add(queue)
  }

  /** Partitions whose numbers went wrong begin anew under the new identity; the others do when nothing of them is out. */
  #rewrite(): void {
    for (const queue of this.#toRewrite) {
      queue.startSequencesAtBeginning(this.#identity)
      queue.unresolvedSequence = NO_SEQUENCE
      this.#unresolved.delete(queue)
    }
    this.#toRewrite.clear()
  }
}
