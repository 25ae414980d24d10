/**
 * The state of one partition log that its parts share: segments, both ends, the bounds that others move.
 *
 * Everything that changes files runs in the lane; `assignedEnd`, producers and the indexes' newest entries run ahead of
 * `writtenEnd`, which is all that anybody outside may see.
 */
import type { Logger } from '../base/logger.ts'
import type { LogConfig } from '../config/log-config.ts'
import type { Clock, Disk, Random, Timer } from '../world/world.ts'
import { putFile } from './atomic-file.ts'
import { formatEpochCheckpoint } from './checkpoint-file.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LoadedLog } from './log-loader.ts'
import { newSegment } from './log-loader.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import { DELETED, EPOCH_CHECKPOINT, type LogPlace } from './segment-files.ts'
import type { LogTail } from './tail-cache.ts'

export interface LogWorld {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly place: LogPlace
}

/** Indexes of inactive segments that stay in memory after a lookup. */
const LOADED_INDEXES_MAX = 4

export class LogState {
  readonly world: LogWorld
  config: LogConfig
  /** Ascending by base, never empty; the last one takes the appends. */
  segments: Segment[]
  readonly epochs: LeaderEpochCache
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly tail: LogTail | null
  startOffset: number
  assignedEnd: number
  writtenEnd: number
  highWatermark: number
  recoveryPoint: number
  /** Not null while producers are worked out anew: transactions that are open may be missing, so nobody sees past it. */
  stableBound: number | null = null
  /** Puts recoveryPoint where the next start finds it: before what was flushed is cut. */
  storeRecoveryPoint: () => Promise<void> = () => Promise.resolve()
  /** File position of the batch at an offset: where sequential readers go on. */
  readonly nextPositions = new Map<number, number>()
  /** Counts truncations and deletions: a read that overlaps one starts anew. */
  cuts = 0
  /** Counts files made and renamed; below it those up to #syncedEntries survive a power loss. */
  #changedEntries: number
  #syncedEntries = 0
  /** The end that a clean start found. */
  readonly #cleanEnd: number | null
  /** An epoch was assigned that no file has; it must be there before a record of it is. */
  epochsUnsaved = false
  /** Counts segments whose files got their final size. */
  finished = 0
  readonly #recent: Segment[] = []
  readonly #timers = new Set<Timer>()
  /** Renamed, but readers may still be in their files. */
  readonly #closeLater = new Set<Segment>()

  constructor(world: LogWorld, config: LogConfig, loaded: LoadedLog, tail: LogTail | null, highWatermark: number) {
    this.world = world
    this.config = config
    this.segments = loaded.segments
    this.epochs = loaded.epochs
    this.producers = loaded.producers
    this.snapshots = loaded.snapshots
    this.tail = tail
    this.startOffset = loaded.startOffset
    this.assignedEnd = this.writtenEnd = loaded.endOffset
    this.recoveryPoint = loaded.recoveryPoint
    this.#changedEntries = loaded.hasNewEntries ? 1 : 0
    this.#cleanEnd = loaded.hasNewEntries ? null : loaded.endOffset
    this.highWatermark = Math.min(Math.max(highWatermark, this.startOffset), this.writtenEnd)
    this.producers.onHighWatermark(this.highWatermark)
  }

  /** What read_committed readers may see: the high watermark or the first transaction that is open above the log start. */
  get lastStableOffset(): number {
    const { highWatermark, stableBound, startOffset } = this
    if (stableBound !== null) return Math.min(highWatermark, stableBound)
    const unstable = this.producers.firstUnstableOffset
    return unstable === null ? highWatermark : Math.min(highWatermark, Math.max(unstable, startOffset))
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1]!
  }

  /** Index of the segment that would hold `offset`; -1 below the first. */
  segmentAt(offset: number): number {
    let low = 0
    let high = this.segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.segments[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  newSegment(baseOffset: number): Segment {
    return newSegment({ ...this.world, config: this.config }, baseOffset)
  }

  /** Its index was loaded for a lookup: keeps the memory of such indexes bounded. */
  usedIndex(segment: Segment): void {
    if (segment === this.active || this.#recent.includes(segment)) return
    this.#recent.push(segment)
    if (this.#recent.length <= LOADED_INDEXES_MAX) return
    const oldest = this.#recent.shift()
    if (oldest === undefined || oldest === this.active) return
    oldest.offsetIndex.file.unload()
    oldest.timeIndex.file.unload()
  }

  /** Everything is as a clean shutdown left it. */
  get isUntouched(): boolean {
    const { cuts, finished, active } = this
    if (cuts > 0 || finished > 0 || active.isPreallocated) return false
    return this.#cleanEnd === this.assignedEnd && this.recoveryPoint === this.assignedEnd
  }

  /** Files were made or renamed: `syncEntries` has something to do. */
  entriesChanged(): void {
    this.#changedEntries++
  }

  /** What was made and renamed so far survives a power loss afterwards, also for those who ask while it is under way. */
  async syncEntries(): Promise<void> {
    const changes = this.#changedEntries
    if (changes <= this.#syncedEntries) return
    await this.world.disk.syncDirectory(this.world.place.directory)
    this.#syncedEntries = Math.max(this.#syncedEntries, changes)
  }

  /** Durable with the next flush: until then recovery finds the epochs of what was appended in the batches. */
  async writeEpochs(): Promise<void> {
    const { disk, place } = this.world
    this.epochsUnsaved = false
    const text = formatEpochCheckpoint(this.epochs.entries)
    try {
      await putFile(disk, `${place.directory}/${EPOCH_CHECKPOINT}`, Buffer.from(text, 'utf8'))
    } catch (error) {
      this.epochsUnsaved = true
      throw error
    }
    this.entriesChanged()
  }

  /** Renames the files of segments that left the list; they go for good after file.delete.delay.ms. */
  async discard(segments: readonly Segment[]): Promise<void> {
    this.cuts++
    const { clock, logger } = this.world
    const renamed: Segment[] = []
    for (const segment of segments) {
      this.snapshots.forget(segment.baseOffset)
      if (segment.isCreated) {
        await segment.rename(DELETED)
        renamed.push(segment)
      } else await segment.remove()
    }
    this.entriesChanged()
    if (renamed.length === 0) return
    const timer = clock.at(clock.monotonicMs() + this.config.fileDeleteDelayMs, () => {
      this.#timers.delete(timer)
      for (const segment of renamed) {
        // What cannot be removed now goes at the next start.
        segment
          .removeRenamed(DELETED)
          .catch((error: unknown) => logger.warn(`${segment.path('.log')}.deleted stays`, error))
        this.#closeLater.delete(segment)
      }
    })
    this.#timers.add(timer)
    for (const segment of renamed) this.#closeLater.add(segment)
  }

  /** Lets go of all files and timers. */
  async closeFiles(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.tail?.clear()
    for (const segment of [...this.segments, ...this.#closeLater]) await segment.close()
  }
}
