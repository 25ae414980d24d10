/**
 * A view of one record: where its parts lie in the answer's memory. It may be moved on to the next record, if whoever made it
 * says so. Keys and values are deserialised when they are first asked for.
 */
import { clampInt64 } from '../../base/int64.ts'
import type { RecordCursor } from '../../records/record-reader.ts'
import type { RecordHeader } from '../../records/record.ts'
import { readHeaders } from '../../records/record-reader.ts'
import type { CommitDetail, RecordBatchView } from './record-batch-view.ts'

/** What is handed out in place of a record's key or value; what is left out stays as it came. */
export interface RecordChange<K, V> {
  readonly key?: K | null
  readonly value?: V | null
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

  /** @internal What an interceptor put in place of key and value. */
  override(change: RecordChange<K, V>): this {
    if (change.key !== undefined) this.#key = change.key
    if (change.value !== undefined) this.#value = change.value
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
