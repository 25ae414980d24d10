/**
 * Opens a partition directory: what a crash in the middle of a roll, a deletion or a cleaning left behind is put right,
 * unflushed segments are checked batch by batch, and producer state and leader epochs are brought to the log's end.
 *
 * After a clean shutdown nothing is scanned but the tail of the last segment behind its last index entry. After any other
 * one every segment from the recovery point on is checked: the first bad batch ends the log, its file is cut there, and
 * all later segments are deleted. Offsets missing between two segments end nothing, as in Kafka: a cleaner may have left
 * that hole. Indexes and snapshots are built anew. The order of the passes matters.
 */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { LogConfig } from '../config/log-config.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import { parentOf } from './atomic-file.ts'
import { readEpochCheckpoint, writeEpochCheckpoint } from './checkpoint-file.ts'
import { repairFiles } from './leftovers.ts'
import { LeaderEpochCache } from './leader-epoch-cache.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import { findEnd } from './log-end.ts'
import { newSegment } from './log-segments.ts'
import type { Segment } from './segment.ts'
import { SegmentRecovery, type RecoveredSegment } from './segment-recovery.ts'
import { DELETED, EPOCH_CHECKPOINT, parseFileName, type LogPlace } from './segment-files.ts'

export interface LoadOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly place: LogPlace
  readonly config: LogConfig
  readonly cleanShutdown: boolean
  readonly recoveryPoint: number
  readonly knowsRecoveryPoint?: boolean
  readonly logStartOffset: number
  readonly producerIdExpirationMs: number
  readonly ownerSyncsParent?: boolean
}

export interface LoadedLog {
  /** Files in the directory when it was opened. */
  readonly names: readonly string[]
  /** Ascending, at least one. */
  readonly segments: Segment[]
  readonly epochs: LeaderEpochCache
  readonly producers: ProducerState
  readonly snapshots: ProducerSnapshots
  readonly startOffset: number
  readonly endOffset: number
  readonly recoveryPoint: number
  /** Files were made or renamed, or may have been by a process that died, and the directory was not synced. */
  readonly hasNewEntries: boolean
}

/** Holds no file, whether it loads or fails. */
export async function loadLog(options: LoadOptions): Promise<LoadedLog> {
  const { disk, place } = options
  const listed = await disk.list(place.directory)
  if (listed === null) {
    await disk.makeDirectory(place.directory)
    if (options.ownerSyncsParent !== true) await disk.syncDirectory(parentOf(place.directory))
  }
  const names = await repairFiles(disk, place, options.logger, listed ?? [])
  const epochPath = `${place.directory}/${EPOCH_CHECKPOINT}`
  const storedEpochs = names.includes(EPOCH_CHECKPOINT) ? await readEpochCheckpoint(disk, epochPath) : null
  if (storedEpochs === null) await disk.writeFile(epochPath, Buffer.alloc(0))
  const loader = new Loader(options, new LeaderEpochCache(storedEpochs ?? []), names)
  try {
    return await load(loader, options, epochPath, names)
  } finally {
    await loader.letGo()
  }
}

async function load(
  loader: Loader,
  options: LoadOptions,
  epochPath: string,
  names: readonly string[],
): Promise<LoadedLog> {
  const { place } = options
  const segments = await loader.openSegments()
  let endOffset = options.cleanShutdown ? null : await loader.recover(segments)
  const last = segments[segments.length - 1]
  if (last !== undefined) endOffset ??= await findEnd(last, options, () => loader.recoverLast(last, segments))
  if (endOffset !== null && endOffset < options.logStartOffset && last !== undefined) {
    options.logger.warn(
      `${place.directory}: log end ${endOffset} is below the log start ${options.logStartOffset}: starting anew there`,
    )
    await loader.discard(segments.splice(0))
  }
  if (segments.length === 0) {
    segments.push(await loader.begin())
    endOffset = options.logStartOffset
  }
  return loader.complete(segments, endOffset ?? options.logStartOffset, epochPath, names)
}

function snapshotOffsets(names: readonly string[]): number[] {
  const offsets: number[] = []
  for (const name of names) {
    const parsed = parseFileName(name)
    if (parsed?.suffix === '.snapshot') offsets.push(parsed.offset)
  }
  return offsets
}

class Loader {
  readonly #options: LoadOptions
  readonly #epochs: LeaderEpochCache
  readonly #snapshots: ProducerSnapshots
  readonly #opened: Segment[] = []
  readonly #names: ReadonlySet<string>
  readonly #recovery: SegmentRecovery
  #hasNewEntries: boolean

  /** `names`: of the files in the directory. */
  constructor(options: LoadOptions, epochs: LeaderEpochCache, names: readonly string[]) {
    this.#options = options
    this.#epochs = epochs
    this.#hasNewEntries = !options.cleanShutdown
    this.#snapshots = new ProducerSnapshots(
      { ...options, expirationMs: options.producerIdExpirationMs },
      snapshotOffsets(names),
    )
    this.#names = new Set(names)
    this.#recovery = new SegmentRecovery(options, epochs, this.#snapshots, this.#names)
  }

  async openSegments(): Promise<Segment[]> {
    const { disk, place, logger } = this.#options
    const present = this.#names
    const bases: number[] = []
    for (const name of present) {
      const parsed = parseFileName(name)
      if (parsed?.suffix === '.log') bases.push(parsed.offset)
    }
    bases.sort((left, right) => left - right)
    const checkedFrom = this.#options.cleanShutdown ? Infinity : (bases[this.#firstUnflushed(bases)] ?? Infinity)
    const segments: Segment[] = []
    for (const base of bases) {
      const segment = newSegment(this.#options, this.#options.config, base)
      segment.isCreated = true
      const stat = await disk.stat(segment.path('.log'))
      segment.assignedBytes = segment.writtenBytes = stat?.size ?? 0
      segments.push(segment)
      this.#opened.push(segment)
      const nameIn = (path: string): boolean => present.has(path.slice(place.directory.length + 1))
      let damage: string | null = null
      if (!nameIn(segment.path('.index'))) damage = 'its offset index is missing'
      if (!nameIn(segment.path('.timeindex'))) await disk.writeFile(segment.path('.timeindex'), Buffer.alloc(0))
      if (nameIn(segment.path('.txnindex'))) {
        try {
          await segment.transactionIndex.entries()
        } catch (error) {
          if (!(error instanceof OperationalError)) throw error
          damage = error.message
        }
      }
      // What `recover` checks anyway is not cut here, or it would not see where the log ends.
      if (damage !== null && base < checkedFrom) {
        logger.warn(`${segment.path('.log')}: recovering the segment and rebuilding its indexes, ${damage}`)
        await this.#recovery.recover(segment, segments, new ProducerState())
      }
    }
    return segments
  }

  /** Index of the segment that holds the recovery point. */
  #firstUnflushed(bases: readonly number[]): number {
    const { recoveryPoint } = this.#options
    return Math.max(
      0,
      bases.findLastIndex((base) => base <= recoveryPoint),
    )
  }

  /** Checks what was not flushed; the log's end, or null if there is nothing to check. */
  async recover(segments: Segment[]): Promise<number | null> {
    const { place, logger } = this.#options
    let index = this.#firstUnflushed(segments.map((segment) => segment.baseOffset))
    const state = new ProducerState()
    let endOffset: number | null = null
    for (; index < segments.length; index++) {
      const segment = segments[index]!
      const recovered = await this.#recovery.recover(segment, segments.slice(0, index + 1), state)
      endOffset = recovered.endOffset
      const next = segments[index + 1]
      // A power loss can bring back what a truncation had cut, under a segment that was begun afterwards: the two have
      // offsets in common, and only what was never flushed can be in such a place.
      const overlaps = next !== undefined && next.baseOffset < endOffset
      const isTorn = next !== undefined && this.#isTorn(endOffset, next.baseOffset)
      if (recovered.truncatedBytes === 0 && !overlaps && !isTorn) continue
      logger.warn(
        recovered.truncatedBytes === 0
          ? `${place.directory}: segment ${segment.baseOffset} ends at ${endOffset}, ${isTorn ? 'below' : 'above'} the base of the next one: the rest is dropped`
          : `${place.directory}: cut ${recovered.truncatedBytes} bytes at the end of segment ${segment.baseOffset} (${recovered.reason}); the log ends at ${endOffset}`,
      )
      await this.discard(segments.splice(index + 1))
    }
    return endOffset
  }

  /**
   * A power loss can take the end of a segment just behind a batch, and leave what was written into the next one: a log with such a
   * hole is not what its leader had. Missing offsets are well where a cleaner may have been (below the recovery point also
   * in topics that were compacted once), and where retention was about to delete what is in front of them.
   */
  #isTorn(endOffset: number, nextBase: number): boolean {
    const { knowsRecoveryPoint = false, config, logStartOffset } = this.#options
    if (!knowsRecoveryPoint || config.compact) return false
    return nextBase > Math.max(endOffset, logStartOffset, this.#epochs.entries[0]?.startOffset ?? 0)
  }

  /** After a clean shutdown. */
  recoverLast(last: Segment, segments: readonly Segment[]): Promise<RecoveredSegment> {
    return this.#recovery.recover(last, segments, new ProducerState())
  }

  /** Segments that the log no longer has: renamed first, so that a crash cannot leave half of one. */
  async discard(segments: readonly Segment[]): Promise<void> {
    this.#hasNewEntries = true
    for (const segment of segments) {
      await segment.rename(DELETED)
      this.#snapshots.forget(segment.baseOffset)
      await segment.removeRenamed(DELETED)
    }
  }

  /** The first segment of a log that has none. */
  async begin(): Promise<Segment> {
    const { config, logStartOffset } = this.#options
    const first = newSegment(this.#options, config, logStartOffset)
    this.#opened.push(first)
    // Index files get their full size with the first record: most new logs wait for it long.
    if (config.preallocate) await first.create(true, config.segmentBytes, config.segmentIndexBytes)
    else await first.createEmpty()
    this.#hasNewEntries = true
    return first
  }

  /** Descriptors are for logs that are used. */
  async letGo(): Promise<void> {
    for (const segment of this.#opened) await segment.close().catch(() => undefined)
  }

  async complete(
    segments: Segment[],
    endOffset: number,
    epochPath: string,
    names: readonly string[],
  ): Promise<LoadedLog> {
    const { disk, cleanShutdown } = this.#options
    const startOffset = Math.max(this.#options.logStartOffset, segments[0]!.baseOffset)
    const isCut = this.#epochs.truncateFromEnd(endOffset)
    const isBegunLater = this.#epochs.truncateFromStart(startOffset)
    if (isCut || isBegunLater || this.#recovery.epochsChanged)
      await writeEpochCheckpoint(disk, epochPath, this.#epochs.entries)
    await this.#snapshots.removeOutdated()
    await this.#snapshots.removeStray(segments)
    const producers = new ProducerState()
    await this.#snapshots.rebuild(producers, segments, startOffset, endOffset, cleanShutdown)
    const active = segments[segments.length - 1]!
    if (!active.knowsOffsets) await active.offsetIndex.file.open()
    active.knowsOffsets = true
    await active.loadTimes()
    await active.loadFirstBatchTimestamp()
    return {
      names,
      segments,
      epochs: this.#epochs,
      producers,
      snapshots: this.#snapshots,
      startOffset,
      endOffset,
      recoveryPoint: cleanShutdown ? endOffset : Math.min(this.#options.recoveryPoint, endOffset),
      hasNewEntries: this.#hasNewEntries,
    }
  }
}
