/**
 * The records of a batch as columns: one pass over the batch writes offsets, times and places into typed arrays, and nothing is
 * made per record. For programs that look at some columns of many records, or build columns of their own.
 *
 * Records are numbered from 0 on, in their order. Bytes are views of the answer's memory, made when they are asked for; keys
 * and values are deserialised each time.
 */
import { clampInt64 } from '../../base/int64.ts'
import type { RecordHeader } from '../../records/record.ts'
import { readHeaders, type RecordCursor } from '../../records/record-reader.ts'
import type { RecordChange } from './consumed-record.ts'

/** What columns need of their batch. */
export interface ColumnsOwner<K, V> {
  deserialize<Part extends 'key' | 'value'>(
    part: Part,
    bytes: Buffer | null,
    offset: number,
  ): (Part extends 'key' ? K : V) | null
}

/** Places of one record, side by side in one array. */
const KEY_AT = 0
const KEY_BYTES = 1
const VALUE_AT = 2
const VALUE_BYTES = 3
const HEADERS_AT = 4
const HEADER_COUNT = 5
const END = 6
const MEMORY = 7
const FIELDS = 8

export class RecordColumns<K, V> {
  readonly length: number
  readonly offsets: Float64Array
  /** Milliseconds since 1970; -1 for a record that has none. */
  readonly timestamps: Float64Array
  readonly #owner: ColumnsOwner<K, V>
  readonly #places: Int32Array
  /** The answer itself, and what was decompressed of it. */
  readonly #memories: Buffer[] = []
  readonly #changes: ReadonlyMap<number, RecordChange<K, V> | null> | null

  /** @internal `cursor` stands before the first record; `length` counts those that `changes` does not leave out. */
  constructor(
    owner: ColumnsOwner<K, V>,
    length: number,
    cursor: { readonly record: RecordCursor; next(): boolean },
    changes: ReadonlyMap<number, RecordChange<K, V> | null> | null,
  ) {
    this.#owner = owner
    this.#changes = changes
    this.length = length
    this.offsets = new Float64Array(length)
    this.timestamps = new Float64Array(length)
    this.#places = new Int32Array(length * FIELDS)
    const { record } = cursor
    const places = this.#places
    for (let index = 0; cursor.next();) {
      if (changes !== null && changes.get(record.offset) === null) continue
      if (record.bytes !== this.#memories.at(-1)) this.#memories.push(record.bytes)
      this.offsets[index] = record.offset
      this.timestamps[index] = typeof record.timestamp === 'number' ? record.timestamp : clampInt64(record.timestamp)
      const at = index * FIELDS
      places[at + KEY_AT] = record.keyAt
      places[at + KEY_BYTES] = record.keyBytes
      places[at + VALUE_AT] = record.valueAt
      places[at + VALUE_BYTES] = record.valueBytes
      places[at + HEADERS_AT] = record.headersAt
      places[at + HEADER_COUNT] = record.headerCount
      places[at + END] = record.recordEnd
      places[at + MEMORY] = this.#memories.length - 1
      index++
    }
  }

  /** Null if it has none. @throws ClientError DESERIALIZATION_FAILED naming the record's place; RangeError for no such record. */
  key(index: number): K | null {
    const offset = this.#offsetOf(index)
    const changed = this.#changes?.get(offset)?.key
    return changed === undefined ? this.#owner.deserialize('key', this.keyBytes(index), offset) : changed
  }

  /** Null for a tombstone. @throws as `key` does. */
  value(index: number): V | null {
    const offset = this.#offsetOf(index)
    const changed = this.#changes?.get(offset)?.value
    return changed === undefined ? this.#owner.deserialize('value', this.valueBytes(index), offset) : changed
  }

  /** The key as it came. @throws RangeError for no such record. */
  keyBytes(index: number): Buffer | null {
    return this.#bytes(index, KEY_AT, KEY_BYTES)
  }

  /** The value as it came. @throws RangeError for no such record. */
  valueBytes(index: number): Buffer | null {
    return this.#bytes(index, VALUE_AT, VALUE_BYTES)
  }

  /** How long the value is; -1 for a tombstone. @throws RangeError for no such record. */
  valueLength(index: number): number {
    this.#offsetOf(index)
    return this.#places[index * FIELDS + VALUE_BYTES]!
  }

  /** In their order, repetitions included. @throws RangeError for no such record. */
  headers(index: number): readonly RecordHeader[] {
    this.#offsetOf(index)
    const at = index * FIELDS
    const places = this.#places
    return readHeaders(this.#memory(at), places[at + HEADERS_AT]!, places[at + END]!, places[at + HEADER_COUNT]!)
  }

  #bytes(index: number, atField: number, bytesField: number): Buffer | null {
    this.#offsetOf(index)
    const at = index * FIELDS
    const bytes = this.#places[at + bytesField]!
    if (bytes < 0) return null
    const start = this.#places[at + atField]!
    return this.#memory(at).subarray(start, start + bytes)
  }

  #memory(at: number): Buffer {
    return this.#memories[this.#places[at + MEMORY]!]!
  }

  #offsetOf(index: number): number {
    const offset = this.offsets[index]
    if (offset === undefined) throw new RangeError(`Record ${index} of ${this.length} does not exist.`)
    return offset
  }
}
