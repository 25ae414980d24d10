/**
 * Transactions of which a log has asked, or is asking, the coordinator whether this partition is in them (KIP-890).
 *
 * An entry lives from the question to the first batch of the transaction, or to a marker of its producer. Its guard is a new
 * object each time, so that an answer that comes late doesn't open a transaction that was ended meanwhile. Only in memory:
 * after a start everybody is asked again.
 */
import type { Int64 } from '../base/int64.ts'
import { isControl, producerEpoch } from '../records/batch.ts'

/** Proof that a question was asked for the transaction that is about to begin; compared by identity. */
export interface VerificationGuard {
  readonly producerId: Int64
}

export interface TransactionalAppend {
  readonly producerId: Int64
  readonly producerEpoch: number
  /** -1 where batches carry none, as those of a coordinator. */
  readonly baseSequence: number
  /** Transactions v2: the partition is added by the question, and each transaction has an epoch of its own. */
  readonly addsPartition: boolean
}

export interface VerificationEntry {
  readonly guard: VerificationGuard
  readonly startedMs: number
  readonly addsPartition: boolean
  epoch: number
  /** A batch above it would leave one behind for good that is still being verified, or was refused and is retried. */
  lowestSequence: number
}

export class VerificationState {
  readonly #entries = new Map<Int64, VerificationEntry>()

  get(producerId: Int64): VerificationEntry | null {
    return this.#entries.get(producerId) ?? null
  }

  start(append: TransactionalAppend, nowMs: number): VerificationGuard {
    const { producerId, producerEpoch: epoch, baseSequence, addsPartition } = append
    const entry = this.#entries.get(producerId)
    if (entry === undefined) {
      const guard = { producerId }
      this.#entries.set(producerId, {
        guard,
        startedMs: nowMs,
        addsPartition,
        epoch,
        lowestSequence: baseSequence,
      })
      return guard
    }
    if (epoch > entry.epoch || (epoch === entry.epoch && baseSequence < entry.lowestSequence)) {
      entry.epoch = epoch
      entry.lowestSequence = baseSequence
    }
    return entry.guard
  }

  /** A transactional batch was appended: there is a transaction now, or the one that was asked about is over. */
  onAppend(bytes: Buffer, at: number, producerId: Int64): void {
    const entry = this.#entries.get(producerId)
    if (entry === undefined) return
    // With transactions v2 a marker carries the epoch of the next transaction, which may have been asked about already.
    const isOfNext = entry.addsPartition && isControl(bytes, at) && producerEpoch(bytes, at) === entry.epoch
    if (!isOfNext) this.#entries.delete(producerId)
  }

  removeExpired(nowMs: number, expirationMs: number): void {
    for (const [id, { startedMs }] of this.#entries) if (nowMs - startedMs >= expirationMs) this.#entries.delete(id)
  }
}
