/**
 * The partitions of an open transaction: batches of one may be sent when the coordinator knows that it takes part.
 *
 * Before transaction.version 2 the producer asks (AddPartitionsToTxn); each partition is new, then asked for, then in. From
 * then on the partition's leader asks, and it is in at once. An abort gives up the new ones; what was asked for stays.
 */
import type { PartitionQueue } from './partition-queue.ts'

export class TransactionPartitions {
  readonly #new = new Set<PartitionQueue>()
  readonly #asked = new Set<PartitionQueue>()
  readonly #in = new Set<PartitionQueue>()

  get hasNew(): boolean {
    return this.#new.size > 0
  }

  get isEmpty(): boolean {
    return this.#in.size === 0
  }

  has(queue: PartitionQueue): boolean {
    return this.#in.has(queue)
  }

  /** A record of the transaction is for it. True: it is in now. */
  appended(queue: PartitionQueue, mustAsk: boolean): boolean {
    if (this.#in.has(queue)) return false
    if (!mustAsk) {
      this.#in.add(queue)
      return true
    }
    if (!this.#asked.has(queue)) this.#new.add(queue)
    return false
  }

  /** The new ones, which are asked for from here on. */
  ask(): readonly PartitionQueue[] {
    const partitions = [...this.#new]
    this.#new.clear()
    for (const queue of partitions) this.#asked.add(queue)
    return partitions
  }

  /** The coordinator has them. */
  added(partitions: readonly PartitionQueue[]): void {
    for (const queue of partitions) {
      this.#asked.delete(queue)
      this.#in.add(queue)
    }
  }

  giveUpNew(): void {
    this.#new.clear()
  }

  /** The transaction has ended. */
  clear(): void {
    this.#new.clear()
    this.#asked.clear()
    this.#in.clear()
  }
}
