/**
 * `<base>.index`: (offset - base, file position) of some batches, 8 bytes each.
 *
 * An entry says: the batch that starts at `position` has last offset `offset`. Both ascend strictly. Lookup gives a lower
 * bound to scan from; no entry means the start of the file.
 */
import type { Disk } from '../world/world.ts'
import { IndexFile } from './index-file.ts'
import type { LogPlace } from './segment-files.ts'

const ENTRY_BYTES = 8

export class OffsetIndex {
  readonly file: IndexFile
  readonly #baseOffset: number

  constructor(disk: Disk, place: LogPlace, baseOffset: number) {
    this.file = new IndexFile(disk, place, baseOffset, '.index', ENTRY_BYTES)
    this.#baseOffset = baseOffset
  }

  isFull(maxBytes: number): boolean {
    return this.file.count >= Math.floor(maxBytes / ENTRY_BYTES)
  }

  get lastPosition(): number {
    return this.file.lastEntry()?.readInt32BE(4) ?? 0
  }

  get lastOffset(): number {
    const last = this.file.lastEntry()
    return last === null ? this.#baseOffset : this.#baseOffset + last.readInt32BE(0)
  }

  add(offset: number, position: number): void {
    const at = this.file.append()
    this.file.bytes.writeInt32BE(offset - this.#baseOffset, at)
    this.file.bytes.writeInt32BE(position, at + 4)
  }

  /** Position of the greatest entry with an offset at or below `target`; the index must be loaded. */
  lookup(target: number): number {
    const at = this.#floor(target)
    return at < 0 ? 0 : this.file.bytes.readInt32BE(at * ENTRY_BYTES + 4)
  }

  /** Offset of the first entry at or after `position`, or null; the index must be loaded. */
  offsetFrom(position: number): number | null {
    let low = 0
    let high = this.file.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.file.bytes.readInt32BE(middle * ENTRY_BYTES + 4) < position) low = middle + 1
      else high = middle
    }
    return low === this.file.count ? null : this.#baseOffset + this.file.bytes.readInt32BE(low * ENTRY_BYTES)
  }

  /** Drops entries at or above `offset`; the index must be loaded. */
  truncateTo(offset: number): void {
    let keep = this.#floor(offset)
    if (keep >= 0 && this.file.bytes.readInt32BE(keep * ENTRY_BYTES) + this.#baseOffset === offset) keep--
    this.file.truncate(keep + 1)
  }

  #floor(target: number): number {
    const relative = target - this.#baseOffset
    let low = 0
    let high = this.file.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.file.bytes.readInt32BE(middle * ENTRY_BYTES) <= relative) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
