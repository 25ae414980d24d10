/**
 * `<base>.timeindex`: (largest timestamp so far, offset - base of the batch that had it), 12 bytes each.
 *
 * Timestamps ascend strictly. One slot is reserved, so that the last entry can always be added when the segment ends.
 */
import { readInt64, writeInt64, type Int64 } from '../base/int64.ts'
import { NO_TIMESTAMP } from '../records/batch.ts'
import type { Disk } from '../world/world.ts'
import { IndexFile } from './index-file.ts'
import type { LogPlace } from './segment-files.ts'

const ENTRY_BYTES = 12

export class TimeIndex {
  readonly file: IndexFile
  readonly #baseOffset: number

  constructor(disk: Disk, place: LogPlace, baseOffset: number) {
    this.file = new IndexFile(disk, place, baseOffset, '.timeindex', ENTRY_BYTES)
    this.#baseOffset = baseOffset
  }

  isFull(maxBytes: number): boolean {
    return this.file.count >= Math.floor(maxBytes / ENTRY_BYTES) - 1
  }

  get lastTimestamp(): Int64 {
    const last = this.file.lastEntry()
    return last === null ? NO_TIMESTAMP : readInt64(last, 0)
  }

  get lastOffset(): number {
    const last = this.file.lastEntry()
    return last === null ? this.#baseOffset : this.#baseOffset + last.readInt32BE(8)
  }

  /** Adds nothing unless `timestamp` is larger than the last entry's. */
  maybeAdd(timestamp: Int64, offset: number): void {
    if (timestamp <= this.lastTimestamp) return
    const at = this.file.append()
    writeInt64(this.file.bytes, at, timestamp)
    this.file.bytes.writeInt32BE(offset - this.#baseOffset, at + 8)
  }

  /** Offset of the greatest entry with a timestamp at or below `target`; the base without one. Must be loaded. */
  lookup(target: Int64): number {
    let low = 0
    let high = this.file.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (readInt64(this.file.bytes, middle * ENTRY_BYTES) <= target) low = middle + 1
      else high = middle
    }
    return low === 0 ? this.#baseOffset : this.#baseOffset + this.file.bytes.readInt32BE((low - 1) * ENTRY_BYTES + 8)
  }

  /** Drops entries at or above `offset`; the index must be loaded. */
  truncateTo(offset: number): void {
    const relative = offset - this.#baseOffset
    let keep = this.file.count
    while (keep > 0 && this.file.bytes.readInt32BE((keep - 1) * ENTRY_BYTES + 8) >= relative) keep--
    this.file.truncate(keep)
  }
}
