/**
 * What the parts of one partition log share: its offsets, segments, epochs, producers and the names of its files, each an
 * object that keeps its own rules.
 *
 * Everything that changes files runs in the lane; `assignedEnd`, producers and the indexes' newest entries run ahead of
 * `writtenEnd`, which is all that anybody outside may see.
 */
import type { Logger } from '../base/logger.ts'
import type { LogConfig } from '../config/log-config.ts'
import { DeletedSegments } from './deleted-segments.ts'
import { DirectoryEntries } from './directory-entries.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import { LeaderEpochFile } from './leader-epoch-file.ts'
import type { LoadedLog } from './log-loader.ts'
import { LogOffsets } from './log-offsets.ts'
import { LogSegments, newSegment, type SegmentWorld } from './log-segments.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import type { LogTail } from './tail-cache.ts'

export interface LogWorld extends SegmentWorld {
  readonly logger: Logger
}

export class LogState {
  readonly world: LogWorld
  config: LogConfig
  readonly offsets: LogOffsets
  readonly segments: LogSegments
  readonly epochs: LeaderEpochCache
  readonly epochFile: LeaderEpochFile
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly tail: LogTail | null
  readonly entries: DirectoryEntries
  /** Puts the recovery point where the next start finds it: before what was flushed is cut. */
  storeRecoveryPoint: () => Promise<void> = () => Promise.resolve()
  readonly #deleted: DeletedSegments
  /** The end that a clean start found. */
  readonly #cleanEnd: number | null

  constructor(world: LogWorld, config: LogConfig, loaded: LoadedLog, tail: LogTail | null, highWatermark: number) {
    const { disk, clock, logger, place } = world
    this.world = world
    this.config = config
    this.epochs = loaded.epochs
    this.producers = loaded.producers
    this.snapshots = loaded.snapshots
    this.tail = tail
    this.offsets = new LogOffsets(loaded.producers, loaded, highWatermark)
    this.segments = new LogSegments(loaded.segments)
    this.entries = new DirectoryEntries(disk, place, loaded.hasNewEntries)
    this.epochFile = new LeaderEpochFile(disk, place, loaded.epochs, this.entries)
    this.#deleted = new DeletedSegments(clock, logger, this.entries, loaded.snapshots)
    this.#cleanEnd = loaded.hasNewEntries ? null : loaded.endOffset
  }

  /** Everything is as a clean shutdown left it. */
  get isUntouched(): boolean {
    const { cuts, finished, active } = this.segments
    if (cuts > 0 || finished > 0 || active.isPreallocated) return false
    const { assignedEnd, recoveryPoint } = this.offsets
    return this.#cleanEnd === assignedEnd && recoveryPoint === assignedEnd
  }

  /** In memory, and not in the list yet. */
  newSegment(baseOffset: number): Segment {
    return newSegment(this.world, this.config, baseOffset)
  }

  async createFiles(segment: Segment): Promise<void> {
    const { preallocate, segmentBytes, segmentIndexBytes } = this.config
    await segment.create(preallocate, segmentBytes, segmentIndexBytes)
    this.entries.changed()
  }

  /** The files of a segment that takes no more records get their final size. */
  async finishFiles(segment: Segment): Promise<void> {
    // Retention may have come first, and taken it.
    if (segment.isGone) return
    await segment.saveIndexes()
    await segment.trimLog()
    this.segments.countFinished()
  }

  /** Of segments that left the list. */
  discard(segments: readonly Segment[]): Promise<void> {
    return this.#deleted.discard(segments, this.config.fileDeleteDelayMs)
  }

  /** Lets go of all files and timers. */
  async closeFiles(): Promise<void> {
    this.tail?.clear()
    await this.#deleted.close()
    for (const segment of this.segments.all) await segment.close()
  }
}
