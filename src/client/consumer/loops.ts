/** The two forms of reading in a loop: batch by batch, and record by record. Leaving a loop early is told to the source. */
import type { ConsumedRecord } from './consumed-record.ts'
import type { RecordBatchView } from './record-batch-view.ts'
import type { RecordSource } from './record-source.ts'

type Poll<K, V> = () => Promise<RecordBatchView<K, V> | null>

const DONE = { done: true, value: undefined } as const

export class BatchLoop<K, V> implements AsyncIterator<RecordBatchView<K, V>, undefined> {
  readonly #source: RecordSource<K, V>
  readonly #poll: Poll<K, V>

  constructor(source: RecordSource<K, V>, poll: Poll<K, V>) {
    this.#source = source
    this.#poll = poll
  }

  async next(): Promise<IteratorResult<RecordBatchView<K, V>, undefined>> {
    const batch = await this.#poll()
    return batch === null ? DONE : { done: false, value: batch }
  }

  return(): Promise<IteratorResult<RecordBatchView<K, V>, undefined>> {
    this.#source.leave(null)
    return Promise.resolve(DONE)
  }
}

export class RecordLoop<K, V> implements AsyncIterator<ConsumedRecord<K, V>, undefined> {
  readonly #source: RecordSource<K, V>
  readonly #poll: Poll<K, V>
  /** The user is alive. */
  readonly #touch: () => void
  #records: Iterator<ConsumedRecord<K, V>, undefined> | null = null
  #batch: RecordBatchView<K, V> | null = null
  /** Behind the record in hand. */
  #nextOffset = -1

  constructor(source: RecordSource<K, V>, poll: Poll<K, V>, touch: () => void) {
    this.#source = source
    this.#poll = poll
    this.#touch = touch
  }

  next(): Promise<IteratorResult<ConsumedRecord<K, V>, undefined>> {
    this.#touch()
    if (this.#nextOffset >= 0) {
      this.#source.doneTo(this.#nextOffset)
      // Others wait for the partition: they get the rest.
      if (this.#source.isWantedBack) {
        this.#source.cutShort(this.#nextOffset)
        this.#records = null
      }
    }
    try {
      const result = this.#stepped()
      return result === null ? this.#further() : Promise.resolve(result)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  return(): Promise<IteratorResult<ConsumedRecord<K, V>, undefined>> {
    this.#source.leave(this.#nextOffset >= 0 ? this.#nextOffset : null)
    this.#records = null
    return Promise.resolve(DONE)
  }

  /** The next of the batch in hand; null if it is read. */
  #stepped(): IteratorResult<ConsumedRecord<K, V>, undefined> | null {
    if (this.#records === null || this.#isTaken()) return null
    const result = this.#records.next()
    if (result.done === true) return null
    this.#nextOffset = result.value.offset + 1
    return result
  }

  /** The partition was sought elsewhere, or is somebody else's: the rest of the batch is not wanted. */
  #isTaken(): boolean {
    return !this.#source.isCurrent(this.#batch!)
  }

  async #further(): Promise<IteratorResult<ConsumedRecord<K, V>, undefined>> {
    for (;;) {
      const batch = await this.#poll()
      this.#batch = batch
      this.#nextOffset = -1
      if (batch === null) return DONE
      this.#records = batch[Symbol.iterator]()
      const result = this.#stepped()
      if (result !== null) return result
    }
  }
}
