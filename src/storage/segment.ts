/**
 * One segment of a log: the `.log` file and its three indexes.
 *
 * Sizes are kept for both ends of a log: `assignedBytes` counts what was handed to the write queue, `writtenBytes` what
 * is in the file. Indexes, largest timestamp and byte counters are those of the assigned side; entries for records that
 * are not written yet cannot be met by readers, who stay below writtenEnd. Files of an inactive segment are opened and
 * read when somebody asks.
 */
import { OperationalError } from '../base/errors.ts'
import type { Int64 } from '../base/int64.ts'
import { NO_TIMESTAMP, baseOffset } from '../records/batch.ts'
import { entryLastOffset, entryMaxTimestamp } from '../records/batches.ts'
import type { Disk, DiskFile } from '../world/world.ts'
import { forEachBounded, together } from './bounded.ts'
import { scanFile } from './file-scan.ts'
import { SegmentFile } from './open-files.ts'
import { OffsetIndex } from './offset-index.ts'
import { SEGMENT_SUFFIXES, pathOf, type LogPlace, type SegmentSuffix } from './segment-files.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

/** Largest distance of an offset from its segment's base: it is an int32 in the indexes. */
export const RELATIVE_OFFSET_MAX = 0x7fff_ffff

export interface SegmentOptions {
  readonly disk: Disk
  readonly place: LogPlace
  readonly baseOffset: number
  readonly jitterMs: number
  readonly createdMs: number
}

export class Segment {
  readonly baseOffset: number
  readonly jitterMs: number
  readonly offsetIndex: OffsetIndex
  readonly timeIndex: TimeIndex
  readonly transactionIndex: TransactionIndex
  assignedBytes = 0
  writtenBytes = 0
  /** Since the last index entry. */
  bytesSinceIndexEntry = 0
  /** -1: none of the records has one. Only valid once `knowsTimes`. */
  maxTimestamp: Int64 = NO_TIMESTAMP
  /** Last offset of the batch that has it. */
  offsetOfMaxTimestamp: number
  knowsTimes = false
  /** The offset index was opened or built. */
  knowsOffsets = false
  /** Largest timestamp of the first batch: what rolls by time compare with. Null: no batch yet, or not read. */
  firstBatchTimestamp: Int64 | null = null
  /** When this object was made: stands in where records have no timestamps. */
  createdMs: number
  /** Its files exist. False between the roll in memory and that on disk. */
  isCreated = false
  /** The index files have their full size, as those of an active segment must. */
  isPreallocated = false
  readonly #disk: Disk
  readonly #place: LogPlace
  /** Open when it is used. */
  readonly #file: SegmentFile
  #isLogPreallocated = false
  /** Deleted: its name may not be opened again, that would make a new file. */
  #isGone = false
  #modifiedMs: number | null = null

  constructor(options: SegmentOptions) {
    this.#disk = options.disk
    this.#place = options.place
    this.baseOffset = options.baseOffset
    this.jitterMs = options.jitterMs
    this.createdMs = options.createdMs
    this.offsetOfMaxTimestamp = options.baseOffset
    this.#file = new SegmentFile(options.place.openFiles, options.disk, () => this.path('.log'))
    this.offsetIndex = new OffsetIndex(options.disk, options.place, options.baseOffset)
    this.timeIndex = new TimeIndex(options.disk, options.place, options.baseOffset)
    this.transactionIndex = new TransactionIndex(options.disk, options.place, options.baseOffset)
  }

  get isGone(): boolean {
    return this.#isGone
  }

  path(suffix: SegmentSuffix): string {
    return pathOf(this.#place, this.baseOffset, suffix)
  }

  /** For an operation that begins in this turn; null: the file has to be acquired. */
  get fileNow(): DiskFile | null {
    return this.#file.now
  }

  /**
   * The log file, open until `release`.
   * @throws OperationalError LOG_CORRUPT if the segment was deleted and its file isn't open.
   */
  acquire(): DiskFile | Promise<DiskFile> {
    if (this.#isGone && !this.#file.isOpen) {
      return Promise.reject(new OperationalError('LOG_CORRUPT', `${this.path('.log')}: the segment was deleted`))
    }
    return this.#file.acquire()
  }

  release(): void {
    this.#file.release()
  }

  async use<T>(work: (file: DiskFile) => Promise<T>): Promise<T> {
    const file = await this.acquire()
    try {
      return await work(file)
    } finally {
      this.release()
    }
  }

  /** Cuts the file, or extends it with zeros; sizes and indexes are the caller's business. */
  cutFile(bytes: number): Promise<void> {
    return this.use((file) => {
      this.willWrite()
      return file.truncate(bytes)
    })
  }

  /** To be said before a write begins, or in its turn. */
  willWrite(): void {
    this.#file.willWrite()
  }

  /** Makes the files of a new segment; leftovers of a failed attempt are emptied. */
  async create(preallocate: boolean, segmentBytes: number, indexBytes: number): Promise<void> {
    await this.#disk.writeFile(this.path('.log'), Buffer.alloc(0))
    this.willWrite()
    if (preallocate) await this.cutFile(segmentBytes)
    this.#isLogPreallocated = preallocate
    await this.preallocateIndexes(indexBytes)
    await this.#disk.remove(this.path('.txnindex'))
    this.transactionIndex.begin()
    this.knowsTimes = true
    this.knowsOffsets = true
    this.isCreated = true
  }

  /** The files of the first segment of a log that may not be written for long. */
  async createEmpty(): Promise<void> {
    const nothing = Buffer.alloc(0)
    const suffixes = ['.log', '.index', '.timeindex'] as const
    await forEachBounded(suffixes, suffixes.length, (suffix) => this.#disk.writeFile(this.path(suffix), nothing))
    this.transactionIndex.begin()
    this.knowsTimes = true
    this.knowsOffsets = true
    this.isCreated = true
  }

  async preallocateIndexes(indexBytes: number): Promise<void> {
    await together(
      () => this.offsetIndex.file.preallocate(indexBytes),
      () => this.timeIndex.file.preallocate(indexBytes),
    )
    this.isPreallocated = true
  }

  /**
   * Counts one batch that was assigned its offsets: index entries as Kafka 4.x adds them, one decision per batch.
   * The time entry goes with the offset entry, and only if its timestamp is larger than the last one's.
   */
  appendBatch(lastOffset: number, maxTimestamp: Int64, size: number, indexIntervalBytes: number): void {
    if (maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = maxTimestamp
      this.offsetOfMaxTimestamp = lastOffset
    }
    if (this.firstBatchTimestamp === null) this.firstBatchTimestamp = maxTimestamp
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      this.offsetIndex.add(lastOffset, this.assignedBytes)
      this.timeIndex.maybeAdd(this.maxTimestamp, this.offsetOfMaxTimestamp)
      this.bytesSinceIndexEntry = 0
    }
    this.assignedBytes += size
    this.bytesSinceIndexEntry += size
  }

  /** Counts a batch that is read from the file again; true: it got index entries. */
  index(lastOffset: number, timestamp: Int64, position: number, indexedAt: number, intervalBytes: number): boolean {
    if (timestamp > this.maxTimestamp) {
      this.maxTimestamp = timestamp
      this.offsetOfMaxTimestamp = lastOffset
    }
    if (position - indexedAt <= intervalBytes) return false
    this.offsetIndex.add(lastOffset, position)
    this.timeIndex.maybeAdd(this.maxTimestamp, this.offsetOfMaxTimestamp)
    return true
  }

  /** Largest timestamp from the time index: all that is known of a segment that was closed cleanly. */
  async loadTimes(): Promise<void> {
    if (this.knowsTimes) return
    await this.timeIndex.file.open()
    this.maxTimestamp = this.timeIndex.lastTimestamp
    this.offsetOfMaxTimestamp = this.timeIndex.lastOffset
    this.knowsTimes = true
  }

  /** For retention and lookups by time: the records' own largest timestamp, else when the file was last written. */
  async largestTimestamp(): Promise<Int64> {
    await this.loadTimes()
    return this.maxTimestamp >= 0 ? this.maxTimestamp : this.modifiedMs()
  }

  /** When the file was last written, as far as it was looked at: once, for a segment that records' own times don't date. */
  async modifiedMs(): Promise<number> {
    this.#modifiedMs ??= (await this.#disk.stat(this.path('.log')))?.modifiedMs ?? this.createdMs
    return Math.floor(this.#modifiedMs)
  }

  /** Where to start a scan for `offset`. */
  positionFor(offset: number): Promise<number> {
    return this.inOffsetIndex((index) => index.lookup(offset))
  }

  /** Looks in the turn in which the index is loaded: who reads elsewhere may have it unloaded by the next. */
  async inOffsetIndex<T>(look: (index: OffsetIndex) => T): Promise<T> {
    const { file } = this.offsetIndex
    if (!this.knowsOffsets) await file.open()
    this.knowsOffsets = true
    while (!file.isLoaded) await file.load()
    return look(this.offsetIndex)
  }

  /** As `inOffsetIndex`. */
  async inTimeIndex<T>(look: (index: TimeIndex) => T): Promise<T> {
    await this.loadTimes()
    const { file } = this.timeIndex
    while (!file.isLoaded) await file.load()
    return look(this.timeIndex)
  }

  /** Takes the zeros of a preallocated log file off. */
  async trimLog(): Promise<void> {
    if (this.#isLogPreallocated) await this.cutFile(this.writtenBytes)
    this.#isLogPreallocated = false
  }

  /** The segment takes no more records: its last time entry, and the final size of its files. */
  finish(): void {
    this.timeIndex.maybeAdd(this.maxTimestamp, this.offsetOfMaxTimestamp)
  }

  /** Everything that the indexes hold is in their files, which have their final size. */
  async saveIndexes(): Promise<void> {
    await this.offsetIndex.file.save()
    await this.timeIndex.file.save()
    this.isPreallocated = false
    await this.transactionIndex.save()
  }

  /** Cuts file and indexes before the batch that holds `offset`; nothing may be queued. Returns where the records end now. */
  async truncateTo(offset: number): Promise<number> {
    return this.use((file) => this.#truncateTo(file, offset))
  }

  async #truncateTo(file: DiskFile, offset: number): Promise<number> {
    const from = await this.positionFor(offset)
    let end = offset
    // Of what stays behind the last index entries: they know nothing of it.
    let largest: Int64 = NO_TIMESTAMP
    let offsetOfLargest = this.baseOffset
    const { position } = await scanFile(file, from, this.writtenBytes, false, (bytes, at) => {
      if (entryLastOffset(bytes, at) < offset) {
        const timestamp = entryMaxTimestamp(bytes, at)
        if (timestamp > largest) {
          largest = timestamp
          offsetOfLargest = entryLastOffset(bytes, at)
        }
        return true
      }
      end = Math.min(offset, baseOffset(bytes, at))
      return false
    })
    await this.inOffsetIndex((index) => index.truncateTo(end))
    await this.inTimeIndex((index) => index.truncateTo(end))
    await this.transactionIndex.truncateTo(end)
    await this.cutFile(position)
    this.assignedBytes = this.writtenBytes = position
    this.bytesSinceIndexEntry = 0
    if (this.maxTimestamp >= 0) {
      const isIndexed = this.timeIndex.lastTimestamp >= largest
      this.maxTimestamp = isIndexed ? this.timeIndex.lastTimestamp : largest
      this.offsetOfMaxTimestamp = isIndexed ? this.timeIndex.lastOffset : offsetOfLargest
    }
    if (position === 0) this.firstBatchTimestamp = null
    this.isPreallocated = false
    return end
  }

  /** Reads what rolls by time compare with. */
  async loadFirstBatchTimestamp(): Promise<void> {
    if (this.firstBatchTimestamp !== null || this.writtenBytes === 0) return
    const end = this.writtenBytes
    await this.use((file) =>
      scanFile(file, 0, end, false, (bytes, at) => {
        this.firstBatchTimestamp = entryMaxTimestamp(bytes, at)
        return false
      }),
    )
  }

  /** The log, and the indexes as far as they are saved. */
  async syncFiles(): Promise<void> {
    await this.#file.sync()
    await this.offsetIndex.file.sync()
    await this.timeIndex.file.sync()
    await this.transactionIndex.sync()
  }

  /** Renames every file that exists. */
  async rename(suffix: string): Promise<void> {
    this.#isGone = true
    for (const name of SEGMENT_SUFFIXES) {
      const path = this.path(name)
      if (name === '.log' || (await this.#disk.stat(path)) !== null) await this.#disk.rename(path, path + suffix)
    }
  }

  async removeRenamed(suffix: string): Promise<void> {
    await this.close()
    for (const name of SEGMENT_SUFFIXES) await this.#disk.remove(this.path(name) + suffix)
  }

  async remove(): Promise<void> {
    this.#isGone = true
    await this.close()
    for (const name of SEGMENT_SUFFIXES) await this.#disk.remove(this.path(name))
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
