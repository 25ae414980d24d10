/** The promises of `send` and `sendAll`: resolved when the batch with the record ends. */
import type { PartitionQueue } from './partition-queue.ts'
import type { DeliverySink } from './producer-batch.ts'
import type { RecordMetadata } from './producer-record.ts'

export class OneDelivery implements DeliverySink {
  readonly #resolve: (metadata: RecordMetadata) => void
  readonly #reject: (error: Error) => void

  constructor(resolve: (metadata: RecordMetadata) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  delivered(_slot: number, { topic, partition }: PartitionQueue, offset: number, timestamp: number): void {
    this.#resolve({ topic, partition, offset, timestamp })
  }

  failed(_slot: number, error: Error): void {
    this.#reject(error)
  }
}

/** Slots are indexes. */
export class ManyDeliveries implements DeliverySink {
  readonly #results: RecordMetadata[]
  readonly #resolve: (metadata: RecordMetadata[]) => void
  readonly #reject: (error: Error) => void
  #left: number
  /** Of the first slot that failed. */
  #failure: { readonly slot: number; readonly error: Error } | null = null

  constructor(count: number, resolve: (metadata: RecordMetadata[]) => void, reject: (error: Error) => void) {
    this.#results = Array.from({ length: count })
    this.#left = count
    this.#resolve = resolve
    this.#reject = reject
    if (count === 0) resolve([])
  }

  delivered(slot: number, { topic, partition }: PartitionQueue, offset: number, timestamp: number): void {
    this.#results[slot] = { topic, partition, offset, timestamp }
    this.#settled()
  }

  failed(slot: number, error: Error): void {
    if (this.#failure === null || slot < this.#failure.slot) this.#failure = { slot, error }
    this.#settled()
  }

  #settled(): void {
    if (--this.#left > 0) return
    if (this.#failure === null) this.#resolve(this.#results)
    else this.#reject(this.#failure.error)
  }
}
