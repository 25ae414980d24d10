/**
 * What a share consumer hands out: records of one partition that are its own until they are acknowledged or their lock runs
 * out. Views, as those of a consumer; of what was fetched only the acquired records are seen.
 */
import { ClientError } from '../errors.ts'
import { FetchedCursor } from '../consumer/fetched-records.ts'
import { ConsumedRecord } from '../consumer/consumed-record.ts'
import type { RecordBatchView } from '../consumer/record-batch-view.ts'
import { keyOf } from '../consumer/topic-partition.ts'
import type { RecordHeader } from '../../records/record.ts'
import { Acknowledgements, GAP, TYPE_CODES, type AcknowledgeType } from './acknowledgements.ts'

export interface AcquiredRange {
  readonly firstOffset: number
  readonly lastOffset: number
  /** How often these were handed to anybody, this time included. */
  readonly deliveryCount: number
}

/** What a batch needs of its consumer. */
export interface ShareBatchOwner {
  /** Resolves when the lock runs anew. */
  renew(batch: { readonly topic: string; readonly partition: number }, offset: number): Promise<void>
}

export class ShareRecord<K, V> {
  readonly deliveryCount: number
  readonly #record: ConsumedRecord<K, V>
  readonly #batch: ShareBatch<K, V>

  constructor(batch: ShareBatch<K, V>, record: ConsumedRecord<K, V>, deliveryCount: number) {
    this.#batch = batch
    this.#record = record
    this.deliveryCount = deliveryCount
  }

  get topic(): string {
    return this.#record.topic
  }

  get partition(): number {
    return this.#record.partition
  }

  get offset(): number {
    return this.#record.offset
  }

  /** Milliseconds since 1970; -1 if it has none. */
  get timestamp(): number {
    return this.#record.timestamp
  }

  /** @throws ClientError DESERIALIZATION_FAILED naming the record's place. */
  get key(): K | null {
    return this.#record.key
  }

  /** @throws ClientError DESERIALIZATION_FAILED naming the record's place. */
  get value(): V | null {
    return this.#record.value
  }

  get keyBytes(): Buffer | null {
    return this.#record.keyBytes
  }

  get valueBytes(): Buffer | null {
    return this.#record.valueBytes
  }

  get headers(): readonly RecordHeader[] {
    return this.#record.headers
  }

  header(name: string): Buffer | null | undefined {
    return this.#record.header(name)
  }

  /** Goes to the broker with the next poll or commit. `accept` if left out. */
  acknowledge(type: AcknowledgeType = 'accept'): void {
    this.#batch.acknowledge(this.offset, type)
  }

  /** Begins the lock anew, for work that takes longer; resolves when the broker has done it. Brokers from 4.2. */
  renew(): Promise<void> {
    return this.#batch.renew(this.offset)
  }
}

export class ShareBatch<K, V> implements Iterable<ShareRecord<K, V>> {
  readonly topic: string
  readonly partition: number
  /** Milliseconds from the fetch on until others get what is not acknowledged. 0: the broker doesn't tell. */
  readonly lockTimeoutMs: number
  readonly ranges: readonly AcquiredRange[]
  readonly #view: RecordBatchView<K, V>
  readonly #owner: ShareBatchOwner
  readonly #types = new Map<number, number>()
  /** Told to the broker already. */
  readonly #sent = new Set<number>()
  #present: readonly number[] | null = null

  constructor(
    view: RecordBatchView<K, V>,
    ranges: readonly AcquiredRange[],
    lockTimeoutMs: number,
    owner: ShareBatchOwner,
  ) {
    this.#view = view
    this.topic = view.topic
    this.partition = view.partition
    this.ranges = ranges
    this.lockTimeoutMs = lockTimeoutMs
    this.#owner = owner
  }

  get length(): number {
    return this.#offsets().length
  }

  *[Symbol.iterator](): IterableIterator<ShareRecord<K, V>> {
    const cursor = new FetchedCursor(this, this.#view.fetched)
    while (cursor.next()) {
      const range = this.#rangeOf(cursor.record.offset)
      if (range === undefined) continue
      const record = new ConsumedRecord(this.#view).moveTo(cursor.record, cursor.entryAt)
      yield new ShareRecord(this, record, range.deliveryCount)
    }
  }

  /** Every record that has no answer yet. */
  acknowledgeAll(type: AcknowledgeType = 'accept'): void {
    for (const offset of this.#offsets()) {
      if (!this.#types.has(offset) && !this.#sent.has(offset)) this.#types.set(offset, TYPE_CODES[type])
    }
  }

  /** @throws ClientError ILLEGAL_STATE for a record that was not acquired with this batch, or was told of already. */
  acknowledge(offset: number, type: AcknowledgeType): void {
    this.#check(offset)
    this.#types.set(offset, TYPE_CODES[type])
  }

  async renew(offset: number): Promise<void> {
    this.#check(offset)
    await this.#owner.renew(this, offset)
  }

  /** @internal Records without an answer. */
  get openCount(): number {
    return this.#offsets().filter((offset) => !this.#types.has(offset) && !this.#sent.has(offset)).length
  }

  /** @internal What was answered since the last time; with `isDone` also offsets at which there is no record. */
  take(isDone: boolean): Acknowledgements {
    const taken = new Acknowledgements()
    for (const [offset, type] of this.#types) {
      taken.set(offset, type)
      this.#sent.add(offset)
    }
    this.#types.clear()
    if (!isDone) return taken
    const present = new Set(this.#offsets())
    for (const { firstOffset, lastOffset } of this.ranges) {
      for (let offset = firstOffset; offset <= lastOffset; offset++) {
        if (present.has(offset) || this.#sent.has(offset)) continue
        taken.set(offset, GAP)
        this.#sent.add(offset)
      }
    }
    return taken
  }

  #check(offset: number): void {
    if (this.#rangeOf(offset) !== undefined && !this.#sent.has(offset)) return
    throw new ClientError('ILLEGAL_STATE', `Offset ${offset} of ${keyOf(this)} is not this consumer's to acknowledge.`)
  }

  #rangeOf(offset: number): AcquiredRange | undefined {
    return this.ranges.find(({ firstOffset, lastOffset }) => offset >= firstOffset && offset <= lastOffset)
  }

  /** Of acquired records that are there: logs have holes. */
  #offsets(): readonly number[] {
    if (this.#present !== null) return this.#present
    const present: number[] = []
    const cursor = new FetchedCursor(this, this.#view.fetched)
    while (cursor.next()) if (this.#rangeOf(cursor.record.offset) !== undefined) present.push(cursor.record.offset)
    this.#present = present
    return present
  }
}
