/**
 * What a consumer hands out: the records that one answer brought for one partition, and views of single records.
 *
 * A batch makes nothing per record by itself. Its iterator makes one small view per record, which may be kept; `forEach`
 * moves one view over all of them, which may not. Keys and values are deserialised when they are first asked for, so that a
 * record that cannot be read costs only whoever reads it, and may be skipped. Bytes are views of the answer's memory.
 */
import { hasLogAppendTime, leaderEpoch, magic } from '../../records/batch.ts'
import { entryHasLogAppendTime } from '../../records/batches.ts'
import type { CallOptions } from '../call.ts'
import { ClientError } from '../errors.ts'
import type { Serde } from '../serde.ts'
import { ConsumedRecord, type RecordChange } from './consumed-record.ts'
import { FetchedCursor, countRecords, type FetchedRecords } from './fetched-records.ts'
import { RecordColumns } from './record-columns.ts'
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
  /** By offset, what `filter` and `map` made of records; null: not handed out. */
  readonly #changes: ReadonlyMap<number, RecordChange<K, V> | null> | null
  #length: number | null = null

  constructor(
    place: { readonly topic: string; readonly partition: number; readonly highWatermark: number },
    fetched: FetchedRecords,
    owner: BatchOwner<K, V>,
    changes: ReadonlyMap<number, RecordChange<K, V> | null> | null = null,
  ) {
    this.topic = place.topic
    this.partition = place.partition
    this.highWatermark = place.highWatermark
    this.nextOffset = fetched.nextOffset
    this.fetched = fetched
    this.#owner = owner
    this.#changes = changes
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
    return (this.#length ??= this.#count())
  }

  /** One view per record, made as the loop goes on. Throws KafkaError CORRUPT_MESSAGE for what is not intact. */
  [Symbol.iterator](): Iterator<ConsumedRecord<K, V>, undefined> {
    return this.#changes === null ? new ViewIterator(this) : new ChangedIterator(this, this.#changes)
  }

  /** The same view for each record: nothing is made per record, and `record` must not be kept. */
  forEach(visit: (record: ConsumedRecord<K, V>) => void): void {
    const cursor = new FetchedCursor(this, this.fetched)
    const view = new ConsumedRecord(this)
    const changes = this.#changes
    if (changes === null) while (cursor.next()) visit(view.moveTo(cursor.record, cursor.entryAt))
    else {
      while (cursor.next()) {
        const change = changes.get(cursor.record.offset)
        if (change !== null) visit(view.moveTo(cursor.record, cursor.entryAt).override(change ?? {}))
      }
    }
  }

  /**
   * Offsets, times, keys, values and headers by number, in typed arrays where they are numbers: read at once, without an object
   * per record. Throws KafkaError CORRUPT_MESSAGE for what is not intact.
   */
  columns(): RecordColumns<K, V> {
    return new RecordColumns(this, this.length, new FetchedCursor(this, this.fetched), this.#changes)
  }

  /** The same batch without the records for which `keep` is false; they are finished with the batch nevertheless. For interceptors. */
  filter(keep: (record: ConsumedRecord<K, V>) => boolean): RecordBatchView<K, V> {
    const changes = new Map(this.#changes)
    this.forEach((record) => {
      if (!keep(record)) changes.set(record.offset, null)
    })
    return this.#changed(changes)
  }

  /** The same batch with keys and values that `change` puts in place of those that came; bytes stay. For interceptors. */
  map(change: (record: ConsumedRecord<K, V>) => RecordChange<K, V>): RecordBatchView<K, V> {
    const changes = new Map(this.#changes)
    this.forEach((record) => changes.set(record.offset, { ...changes.get(record.offset), ...change(record) }))
    return this.#changed(changes)
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

  #changed(changes: ReadonlyMap<number, RecordChange<K, V> | null>): RecordBatchView<K, V> {
    return new RecordBatchView(this, this.fetched, this.#owner, changes)
  }

  #count(): number {
    let count = countRecords(this, this.fetched)
    for (const change of this.#changes?.values() ?? []) if (change === null) count--
    return count
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

class ChangedIterator<K, V> implements Iterator<ConsumedRecord<K, V>, undefined> {
  readonly #records: ViewIterator<K, V>
  readonly #changes: ReadonlyMap<number, RecordChange<K, V> | null>

  constructor(batch: RecordBatchView<K, V>, changes: ReadonlyMap<number, RecordChange<K, V> | null>) {
    this.#records = new ViewIterator(batch)
    this.#changes = changes
  }

  next(): IteratorResult<ConsumedRecord<K, V>, undefined> {
    for (;;) {
      const result = this.#records.next()
      if (result.done === true) return result
      const change = this.#changes.get(result.value.offset)
      if (change === null) continue
      if (change !== undefined) result.value.override(change)
      return result
    }
  }
}
