/**
 * The one pass over the headers of an append: offsets and epoch are patched where the log assigns them, and what the roll
 * and the indexes need is summed up. One scan object per log, filled anew by each append.
 */
import { KafkaError } from '../base/errors.ts'
import type { Int64 } from '../base/int64.ts'
import {
  BATCH_HEADER_BYTES,
  ENTRY_PREFIX_BYTES,
  NO_TIMESTAMP,
  baseOffset,
  entryBytes,
  lastOffsetDelta,
  magic,
  setBaseOffset,
  setLeaderEpoch,
} from '../records/batch.ts'
import { entryLastOffset, entryMaxTimestamp } from '../records/batches.ts'

export class AppendScan {
  firstOffset = 0
  lastOffset = 0
  maxTimestamp: Int64 = NO_TIMESTAMP
  batches = 0

  /** Whole magic 2 batches get `startOffset` and what follows. @throws KafkaError CORRUPT_MESSAGE. */
  assign(records: Buffer, startOffset: number, epoch: number): void {
    this.#reset(startOffset)
    let offset = startOffset
    for (let at = 0; at < records.length;) {
      const size = checkedSize(records, at)
      if (magic(records, at) !== 2)
        throw new KafkaError('CORRUPT_MESSAGE', `Cannot append a batch of magic ${magic(records, at)}`)
      setBaseOffset(records, at, offset)
      setLeaderEpoch(records, at, epoch)
      offset += lastOffsetDelta(records, at) + 1
      this.#count(records, at)
      at += size
    }
    this.lastOffset = offset - 1
  }

  /** Batches of any magic that carry their offsets, none below `startOffset`. @throws KafkaError CORRUPT_MESSAGE. */
  accept(records: Buffer, startOffset: number): void {
    this.#reset(startOffset)
    let next = startOffset
    for (let at = 0; at < records.length;) {
      const size = checkedSize(records, at)
      // The base of a compressed old message is only known inside: its last offset stands in.
      const first = baseOffset(records, at)
      if (first < next) {
        throw new KafkaError('CORRUPT_MESSAGE', `Append of offset ${first} to a log that ends at ${next}`)
      }
      if (at === 0) this.firstOffset = first
      next = entryLastOffset(records, at) + 1
      this.#count(records, at)
      at += size
    }
    this.lastOffset = next - 1
  }

  #reset(startOffset: number): void {
    this.firstOffset = startOffset
    this.lastOffset = startOffset - 1
    this.maxTimestamp = NO_TIMESTAMP
    this.batches = 0
  }

  #count(records: Buffer, at: number): void {
    const timestamp = entryMaxTimestamp(records, at)
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    this.batches++
  }
}

function checkedSize(records: Buffer, at: number): number {
  const left = records.length - at
  if (left >= ENTRY_PREFIX_BYTES) {
    const size = entryBytes(records, at)
    const sizeMin = magic(records, at) >= 2 ? BATCH_HEADER_BYTES : 26
    if (size >= sizeMin && size <= left) return size
  }
  throw new KafkaError('CORRUPT_MESSAGE', `Append of ${records.length} bytes that do not end with a whole batch`)
}
