/**
 * The records that one answer brought for one partition, as they came: entries of any magic in the memory of the answer.
 *
 * `readFetched` looks at the entries' headers only: it checks checksums, leaves out control batches and, under
 * read_committed, what was aborted, and says where the next fetch begins. Records are neither decompressed nor read before
 * somebody asks for them. The first entry may begin before the offset that was asked for; `visit` leaves those records out.
 * KIP-98 defines the list of aborted transactions: by producer, from its first offset to its marker.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import { KafkaError } from '../../base/errors.ts'
import { clampInt64, type Int64 } from '../../base/int64.ts'
import { baseOffset, isControl, isTransactional, lastOffset, leaderEpoch, nextOffset } from '../../records/batch.ts'
import { producerId, recordCount } from '../../records/batch.ts'
import { BatchCursor, entryLastOffset, isEntryCrcValid } from '../../records/batches.ts'
import { readControlKey } from '../../records/control.ts'
import { RecordCursor } from '../../records/record-reader.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export interface AbortedTransaction {
  readonly producerId: Int64
  readonly firstOffset: Int64
}

export interface ReadFetchedOptions {
  /** Where the fetch was asked to begin. */
  readonly offset: number
  /** Null: nothing is left out (read_uncommitted). */
  readonly aborted: readonly AbortedTransaction[] | null
  readonly checksCrc: boolean
}

export interface FetchedRecords {
  readonly bytes: Buffer
  /** Where the entries begin that hold records to hand out. */
  readonly entries: readonly number[]
  /** Records below are not to be handed out. */
  readonly fromOffset: number
  /** One past the last entry, handed out or not. */
  readonly nextOffset: number
  /** Of the last entry; -1 for magic 0 and 1. */
  readonly leaderEpoch: number
  /** Bytes of all whole entries. */
  readonly size: number
  /**
   * How many records are handed out, as headers and offsets tell it: those of an entry that compaction thinned out and that
   * begins before `fromOffset`, and those of magic 0 and 1, only nearly.
   */
  readonly recordCount: number
}

/** @throws KafkaError CORRUPT_MESSAGE naming partition and offset. */
export function readFetched(
  place: TopicPartition,
  bytes: Buffer,
  { offset, aborted, checksCrc }: ReadFetchedOptions,
): FetchedRecords {
  const entries: number[] = []
  const filter = aborted === null || aborted.length === 0 ? null : new AbortedFilter(aborted)
  const cursor = new BatchCursor().reset(bytes)
  let next = offset
  let epoch = -1
  let count = 0
  try {
    while (cursor.next()) {
      const { at, size, magic } = cursor
      const last = entryLastOffset(bytes, at)
      if (last < offset && magic >= 2) continue
      if (checksCrc && !isEntryCrcValid(bytes, at, size)) throw new MalformedError('the checksum is wrong')
      const before = next
      next = Math.max(next, last + 1)
      if (magic < 2) {
        if (last >= offset) entries.push(at)
        count += next - before
        continue
      }
      epoch = leaderEpoch(bytes, at)
      if (isControl(bytes, at)) filter?.marker(bytes, at)
      else if (filter?.isAborted(bytes, at) !== true && recordCount(bytes, at) > 0) {
        entries.push(at)
        count += Math.min(recordCount(bytes, at), next - before)
      }
    }
  } catch (error) {
    throw corrupt(place, next, error)
  }
  const size = cursor.position
  return { bytes, entries, fromOffset: offset, nextOffset: next, leaderEpoch: epoch, size, recordCount: count }
}

/** Which entries of a run belong to aborted transactions; entries must come in their order. */
class AbortedFilter {
  /** By first offset, the last one first. */
  readonly #waiting: AbortedTransaction[]
  readonly #current = new Set<Int64>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = aborted.toSorted((one, other) => clampInt64(other.firstOffset) - clampInt64(one.firstOffset))
  }

  isAborted(bytes: Buffer, at: number): boolean {
    this.#advance(lastOffset(bytes, at))
    return isTransactional(bytes, at) && this.#current.has(producerId(bytes, at))
  }

  marker(bytes: Buffer, at: number): void {
    this.#advance(lastOffset(bytes, at))
    const cursor = new RecordCursor().open(bytes, at)
    if (cursor.next() && readControlKey(cursor.key()) === 'ABORT') this.#current.delete(producerId(bytes, at))
  }

  #advance(offset: number): void {
    for (let next = this.#waiting.at(-1); next !== undefined; next = this.#waiting.at(-1)) {
      if (clampInt64(next.firstOffset) > offset) return
      this.#current.add(next.producerId)
      this.#waiting.pop()
    }
  }
}

/** Steps through the records of `fetched` that are to be handed out; the same cursor each time. */
export class FetchedCursor {
  readonly record = new RecordCursor()
  readonly #place: TopicPartition
  readonly #fetched: FetchedRecords
  #entry = -1

  constructor(place: TopicPartition, fetched: FetchedRecords) {
    this.#place = place
    this.#fetched = fetched
  }

  /** Of the entry that the current record is in; -1 for magic 0 and 1. */
  get entryAt(): number {
    return this.#fetched.entries[this.#entry] ?? 0
  }

  /** @throws KafkaError CORRUPT_MESSAGE for content that is not what its header says. */
  next(): boolean {
    const { bytes, entries, fromOffset } = this.#fetched
    const { record } = this
    try {
      for (;;) {
        if (this.#entry >= 0 && record.next()) {
          if (record.offset >= fromOffset) return true
          continue
        }
        const at = entries[this.#entry + 1]
        if (at === undefined) return false
        this.#entry++
        record.open(bytes, at)
      }
    } catch (error) {
      throw corrupt(this.#place, baseOffset(bytes, this.entryAt), error)
    }
  }
}

/** How many records are handed out. Counted from headers where those tell. */
export function countRecords(place: TopicPartition, fetched: FetchedRecords): number {
  const { bytes, entries, fromOffset } = fetched
  let count = 0
  for (const at of entries) {
    const isWhole = bytes[at + 16] === 2 && baseOffset(bytes, at) >= fromOffset && nextOffset(bytes, at) > fromOffset
    if (isWhole) count += recordCount(bytes, at)
    else {
      const cursor = new FetchedCursor(place, { ...fetched, entries: [at] })
      while (cursor.next()) count++
    }
  }
  return count
}

function corrupt(place: TopicPartition, offset: number, error: unknown): unknown {
  if (!(error instanceof MalformedError)) return error
  return new KafkaError(
    'CORRUPT_MESSAGE',
    `What was fetched from ${keyOf(place)} at offset ${offset} is not intact: ${error.message}. To go on behind it, seek past it.`,
  )
}
