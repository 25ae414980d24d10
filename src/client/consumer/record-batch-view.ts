/**
 * What a consumer hands out: the records that one answer brought for one partition, and views of single records.
 *
 * A batch makes nothing per record by itself. Its iterator makes one small view per record, which may be kept; `forEach`
 * moves one view over all of them, which may not. Keys and values are deserialised when they are first asked for, so that a
 * record that cannot be read costs only whoever reads it, and may be skipped. Bytes are views of the answer's memory.
 */
import { clampInt64 } from '../../base/int64.ts'
import { hasLogAppendTime, leaderEpoch, magic } from '../../records/batch.ts'
import { entryHasLogAppendTime } from '../../records/batches.ts'
import type { RecordCursor } from '../../records/record-reader.ts'
import type { RecordHeader } from '../../records/record.ts'
import { readHeaders } from '../../records/record-reader.ts'
import type { CallOptions } from '../call.ts'
import { ClientError } from '../errors.ts'
import type { Serde } from '../serde.ts'
import { FetchedCursor, countRecords, type FetchedRecords } from './fetched-records.ts'
import { keyOf } from './topic-partition.ts'

export interface Deserializers<K, V> {
  readonly key: Pick<Serde<K>, 'deserialize'>
  readonly value: Pick<Serde<V>, 'deserialize'>
}

export interface CommitDetail extends CallOptions {
  /** Kept beside the offset; the broker allows 4,096 bytes by default. */
  readonly metadata?: string
}

/** What a batch needs of the consumer that handed it out. */
export interface BatchOwner<K, V> extends Deserializers<K, V> {
  /** Commits `offset`, the next to read, of the batch's partition, and takes all below as finished. */
  commit(batch: RecordBatchView<K, V>, offset: number, leaderEpoch: number, detail: CommitDetail): Promise<void>
}

/** Not yet deserialised. */
const UNREAD = Symbol('unread')

export class ConsumedRecord<K, V> {
  readonly #batch: RecordBatchView<K, V>
  #bytes!: Buffer
  #entryAt = 0
  #keyAt = 0
  #keyBytes = -1
  #valueAt = 0
  #valueBytes = -1
  #headersAt = 0
  #headerCount = 0
  #end = 0
  #key: K | null | typeof UNREAD = UNREAD
  #value: V | null | typeof UNREAD = UNREAD
  #offset = 0
  #timestamp = -1

  constructor(batch: RecordBatchView<K, V>) {
    this.#batch = batch
  }

  /** @internal */
  moveTo(cursor: RecordCursor, entryAt: number): this {
    this.#bytes = cursor.bytes
    this.#entryAt = entryAt
    this.#keyAt = cursor.keyAt
    this.#keyBytes = cursor.keyBytes
    this.#valueAt = cursor.valueAt
    this.#valueBytes = cursor.valueBytes
    this.#headersAt = cursor.headersAt
    this.#headerCount = cursor.headerCount
    this.#end = cursor.recordEnd
    this.#offset = cursor.offset
    this.#timestamp = typeof cursor.timestamp === 'number' ? cursor.timestamp : clampInt64(cursor.timestamp)
    this.#key = UNREAD
    this.#value = UNREAD
    return this
  }

  get topic(): string {
    return this.#batch.topic
  }

  get partition(): number {
    return this.#batch.partition
  }

  get offset(): number {
    return this.#offset
  }

  /** Milliseconds since 1970; -1 if it has none. */
  get timestamp(): number {
    return this.#timestamp
  }

  /** Whether `timestamp` is the producer's or the broker's. */
  get timestampType(): 'CreateTime' | 'LogAppendTime' {
    return this.#batch.hasLogAppendTime(this.#entryAt) ? 'LogAppendTime' : 'CreateTime'
  }

  /** Of the leader that appended it; -1 where brokers don't tell (before 0.11). */
  get leaderEpoch(): number {
    return this.#batch.leaderEpochAt(this.#entryAt)
  }

  /** Null if it has none. @throws ClientError DESERIALIZATION_FAILED naming the record's place. */
  get key(): K | null {
    if (this.#key === UNREAD) this.#key = this.#batch.deserialize('key', this.keyBytes, this.#offset)
    return this.#key
  }

  /** Null for a tombstone. @throws ClientError DESERIALIZATION_FAILED naming the record's place. */
  get value(): V | null {
    if (this.#value === UNREAD) this.#value = this.#batch.deserialize('value', this.valueBytes, this.#offset)
    return this.#value
  }

  /** The key as it came. */
  get keyBytes(): Buffer | null {
    return this.#keyBytes < 0 ? null : this.#bytes.subarray(this.#keyAt, this.#keyAt + this.#keyBytes)
  }

  /** The value as it came. */
  get valueBytes(): Buffer | null {
    return this.#valueBytes < 0 ? null : this.#bytes.subarray(this.#valueAt, this.#valueAt + this.#valueBytes)
  }

  /** In their order, repetitions included. */
  get headers(): readonly RecordHeader[] {
    return readHeaders(this.#bytes, this.#headersAt, this.#end, this.#headerCount)
  }

  /** The last header of this name; undefined if there is none. */
  header(name: string): Buffer | null | undefined {
    return this.headers.findLast(({ key }) => key === name)?.value
  }

  /**
   * Commits up to and with this record; it and those before it count as finished. Rejects as `Consumer.commit` does.
   */
  commit(detail: CommitDetail = {}): Promise<void> {
    return this.#batch.commitTo(this.#offset + 1, this.leaderEpoch, detail)
  }
}

export class RecordBatchView<K, V> implements Iterable<ConsumedRecord<K, V>> {
  readonly topic: string
  readonly partition: number
  /** The offset behind the last record: where consuming goes on. */
  readonly nextOffset: number
  /** Of the partition when the records were fetched; -1 where unknown. */
  readonly highWatermark: number
  /** @internal */
  readonly fetched: FetchedRecords
  readonly #owner: BatchOwner<K, V>
  #length: number | null = null

  constructor(
    place: { readonly topic: string; readonly partition: number; readonly highWatermark: number },
    fetched: FetchedRecords,
    owner: BatchOwner<K, V>,
  ) {
    this.topic = place.topic
    this.partition = place.partition
    this.highWatermark = place.highWatermark
    this.nextOffset = fetched.nextOffset
    this.fetched = fetched
    this.#owner = owner
  }

  /** Bytes as fetched, compressed ones as such. */
  get sizeBytes(): number {
    return this.fetched.size
  }

  /** Of the last record; -1 where brokers don't tell. */
  get leaderEpoch(): number {
    return this.fetched.leaderEpoch
  }

  /** Records in it. */
  get length(): number {
    return (this.#length ??= countRecords(this, this.fetched))
  }

  /** One view per record, made as the loop goes on. Throws KafkaError CORRUPT_MESSAGE for what is not intact. */
  [Symbol.iterator](): Iterator<ConsumedRecord<K, V>, undefined> {
    return new ViewIterator(this)
  }

  /** The same view for each record: nothing is made per record, and `record` must not be kept. */
  forEach(visit: (record: ConsumedRecord<K, V>) => void): void {
    const cursor = new FetchedCursor(this, this.fetched)
    const view = new ConsumedRecord(this)
    while (cursor.next()) visit(view.moveTo(cursor.record, cursor.entryAt))
  }

  /** Commits the whole batch, which then counts as finished. Rejects as `Consumer.commit` does. */
  commit(detail: CommitDetail = {}): Promise<void> {
    return this.commitTo(this.nextOffset, this.leaderEpoch, detail)
  }

  /** @internal */
  commitTo(offset: number, epoch: number, detail: CommitDetail): Promise<void> {
    return this.#owner.commit(this, offset, epoch, detail)
  }

  /** @internal */
  hasLogAppendTime(entryAt: number): boolean {
    const { bytes } = this.fetched
    return magic(bytes, entryAt) >= 2 ? hasLogAppendTime(bytes, entryAt) : entryHasLogAppendTime(bytes, entryAt)
  }

  /** @internal */
  leaderEpochAt(entryAt: number): number {
    const { bytes } = this.fetched
    return magic(bytes, entryAt) >= 2 ? leaderEpoch(bytes, entryAt) : -1
  }

  /** @internal */
  deserialize<Part extends 'key' | 'value'>(
    part: Part,
    bytes: Buffer | null,
    offset: number,
  ): (Part extends 'key' ? K : V) | null
  deserialize(part: 'key' | 'value', bytes: Buffer | null, offset: number): K | V | null {
    if (bytes === null) return null
    try {
      return this.#owner[part].deserialize(bytes, this.topic)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new ClientError(
        'DESERIALIZATION_FAILED',
        `The ${part} of ${keyOf(this)} at offset ${offset} cannot be read: ${reason}`,
        { cause },
      )
    }
  }
}

class ViewIterator<K, V> implements Iterator<ConsumedRecord<K, V>, undefined> {
  readonly #batch: RecordBatchView<K, V>
  readonly #cursor: FetchedCursor

  constructor(batch: RecordBatchView<K, V>) {
    this.#batch = batch
    this.#cursor = new FetchedCursor(batch, batch.fetched)
  }

  next(): IteratorResult<ConsumedRecord<K, V>, undefined> {
    const cursor = this.#cursor
    if (!cursor.next()) return { done: true, value: undefined }
    return { done: false, value: new ConsumedRecord(this.#batch).moveTo(cursor.record, cursor.entryAt) }
  }
}
