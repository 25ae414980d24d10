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
import { NO_TIMESTAMP, baseOffset, leaderEpoch, magic } from '../records/batch.ts'
import { entryLastOffset, entryMaxTimestamp, isEntryCrcValid } from '../records/batches.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import { nameOf, parentOf } from './atomic-file.ts'
import { readEpochCheckpoint, writeEpochCheckpoint } from './checkpoint-file.ts'
import { scanFile, type EntryVisitor } from './file-scan.ts'
import { repairFiles } from './leftovers.ts'
import { LeaderEpochCache } from './leader-epoch-cache.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import { newSegment } from './log-segments.ts'
import { RELATIVE_OFFSET_MAX, type Segment } from './segment.ts'
import { DELETED, EPOCH_CHECKPOINT, parseFileName, type LogPlace } from './segment-files.ts'

/** The active segment's indexes are made anew from headers up to this size, not read. */
const INDEXED_ANEW_BYTES_MAX = 1 << 16

export interface LoadOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly place: LogPlace
  readonly config: LogConfig
  readonly cleanShutdown: boolean
  readonly recoveryPoint: number
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
  const loader = new Loader(options, new LeaderEpochCache(storedEpochs ?? []), snapshotOffsets(names))
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
  const segments = await loader.openSegments(names)
  let endOffset = options.cleanShutdown ? null : await loader.recover(segments)
  const last = segments[segments.length - 1]
  if (last !== undefined) endOffset ??= await loader.findEnd(last, segments)
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
  /** Files in the directory when it was opened. */
  #names: ReadonlySet<string> = new Set()
  #epochsChanged = false
  #hasNewEntries: boolean

  constructor(options: LoadOptions, epochs: LeaderEpochCache, snapshots: readonly number[]) {
    this.#options = options
    this.#epochs = epochs
    this.#hasNewEntries = !options.cleanShutdown
    this.#snapshots = new ProducerSnapshots({ ...options, expirationMs: options.producerIdExpirationMs }, snapshots)
  }

  async openSegments(names: readonly string[]): Promise<Segment[]> {
    const { disk, place, logger } = this.#options
    const present = (this.#names = new Set(names))
    const bases: number[] = []
    for (const name of names) {
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
        await this.#recoverSegment(segment, segments, new ProducerState())
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
      const recovered = await this.#recoverSegment(segment, segments.slice(0, index + 1), state)
      endOffset = recovered.endOffset
      const next = segments[index + 1]
      // A power loss can bring back what a truncation had cut, under a segment that was begun afterwards: the two have
      // offsets in common, and only what was never flushed can be in such a place.
      const overlaps = next !== undefined && next.baseOffset < endOffset
      if (recovered.truncatedBytes === 0 && !overlaps) continue
      logger.warn(
        recovered.truncatedBytes === 0
          ? `${place.directory}: segment ${segment.baseOffset} ends at ${endOffset}, above the base of the next one: the rest is dropped`
          : `${place.directory}: cut ${recovered.truncatedBytes} bytes at the end of segment ${segment.baseOffset} (${recovered.reason}); the log ends at ${endOffset}`,
      )
      await this.discard(segments.splice(index + 1))
    }
    return endOffset
  }

  async #recoverSegment(
    segment: Segment,
    segmentsToIt: readonly Segment[],
    state: ProducerState,
  ): Promise<{ readonly endOffset: number; readonly truncatedBytes: number; readonly reason: string }> {
    const { config } = this.#options
    if (state.endOffset !== segment.baseOffset || segment.baseOffset === 0) {
      this.#snapshots.forgetAbove(segment.baseOffset)
      await this.#snapshots.rebuild(state, segmentsToIt, this.#options.logStartOffset, segment.baseOffset, false)
    }
    const size = segment.writtenBytes
    const path = segment.path('.log')
    segment.offsetIndex.file.truncate(0)
    segment.timeIndex.file.truncate(0)
    segment.knowsOffsets = segment.knowsTimes = true
    segment.transactionIndex.reset(this.#names.has(nameOf(segment.path('.txnindex'))))
    segment.maxTimestamp = NO_TIMESTAMP
    segment.offsetOfMaxTimestamp = segment.baseOffset
    let endOffset = segment.baseOffset
    let indexedAt = 0
    const visit: EntryVisitor = (bytes, at, entrySize, position) => {
      if (!isEntryCrcValid(bytes, at, entrySize)) return false
      const lastOffset = entryLastOffset(bytes, at)
      if (lastOffset < segment.baseOffset || lastOffset - segment.baseOffset > RELATIVE_OFFSET_MAX) {
        throw new OperationalError('LOG_CORRUPT', `${path}: offset ${lastOffset} does not fit into the segment`)
      }
      // Old pages among new ones can be whole batches of other offsets.
      if ((magic(bytes, at) < 2 ? lastOffset : baseOffset(bytes, at)) < endOffset) return false
      const timestamp = entryMaxTimestamp(bytes, at)
      if (segment.firstBatchTimestamp === null) segment.firstBatchTimestamp = timestamp
      if (segment.index(lastOffset, timestamp, position, indexedAt, config.indexIntervalBytes)) indexedAt = position
      endOffset = lastOffset + 1
      if (magic(bytes, at) < 2) return true
      if (leaderEpoch(bytes, at) > this.#epochs.latestEpoch) {
        this.#epochsChanged = this.#epochs.assign(leaderEpoch(bytes, at), baseOffset(bytes, at)) || this.#epochsChanged
      }
      const completed = state.apply(bytes, at)
      if (completed === null) return true
      const lastStableOffset = state.lastStableOffsetAfter(completed)
      state.complete(completed)
      if (!completed.aborted) return true
      return segment.transactionIndex.add({ ...completed, lastStableOffset }).then(() => true)
    }
    const { position, corruption } = await segment.use((file) => scanFile(file, 0, size, true, visit))
    const truncatedBytes = size - position
    if (truncatedBytes > 0) await segment.cutFile(position)
    segment.assignedBytes = segment.writtenBytes = position
    segment.finish()
    await segment.saveIndexes()
    state.endOffset = endOffset
    await this.#snapshots.takeUnsynced(state)
    return {
      endOffset,
      truncatedBytes,
      reason: corruption ?? 'a batch is torn, goes back, or its checksum does not match',
    }
  }

  /** The end of the last whole batch; a torn tail behind it is cut off, else the next append would hide behind it. */
  async findEnd(segment: Segment, segments: readonly Segment[]): Promise<number> {
    const intervalBytes = this.#options.config.indexIntervalBytes
    const isSmall = segment.writtenBytes <= INDEXED_ANEW_BYTES_MAX && !segment.knowsOffsets && !segment.knowsTimes
    // One read of the log tells more than the reads of two indexes.
    if (isSmall) segment.knowsTimes = true
    else if (!segment.knowsOffsets) await segment.offsetIndex.file.open()
    segment.knowsOffsets = true
    let endOffset = segment.baseOffset
    let indexedAt = 0
    if (segment.writtenBytes === 0) return endOffset
    const index = segment.offsetIndex
    const isIndexed = !isSmall && index.file.count > 0
    const from = isIndexed ? index.lastPosition : 0
    // Appends would go on at an offset that was given before if the scan began anywhere but at a batch.
    if (from < 0 || from >= segment.writtenBytes) return this.#endWithoutIndex(segment, segments)
    let first: number | null = null
    const visit: EntryVisitor = (bytes, at, _size, place) => {
      if (place === 0) segment.firstBatchTimestamp = entryMaxTimestamp(bytes, at)
      endOffset = entryLastOffset(bytes, at) + 1
      first ??= endOffset - 1
      if (isSmall && segment.index(endOffset - 1, entryMaxTimestamp(bytes, at), place, indexedAt, intervalBytes))
        indexedAt = place
      return true
    }
    const { position, corruption } = await segment.use((file) =>
      scanFile(file, from, segment.writtenBytes, false, visit),
    )
    if (isSmall) segment.finish()
    if (isIndexed && (first === null || first > index.lastOffset || endOffset <= index.lastOffset)) {
      return this.#endWithoutIndex(segment, segments)
    }
    if (position < segment.writtenBytes) {
      this.#options.logger.warn(
        `${segment.path('.log')}: cut ${segment.writtenBytes - position} bytes after a clean shutdown (${corruption ?? 'torn tail'})`,
      )
      await segment.cutFile(position)
      segment.assignedBytes = segment.writtenBytes = position
    }
    return endOffset
  }

  /** After a clean shutdown whose index says what the log does not. */
  async #endWithoutIndex(segment: Segment, segments: readonly Segment[]): Promise<number> {
    const { logger } = this.#options
    const path = segment.path('.log')
    logger.warn(`${path}: its offset index names no batch of it: recovering the segment and rebuilding its indexes`)
    const { endOffset, truncatedBytes, reason } = await this.#recoverSegment(segment, segments, new ProducerState())
    if (truncatedBytes > 0) logger.warn(`${path}: cut ${truncatedBytes} bytes after a clean shutdown (${reason})`)
    return endOffset
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
    if (this.#epochs.truncateFromEnd(endOffset)) this.#epochsChanged = true
    if (this.#epochs.truncateFromStart(startOffset)) this.#epochsChanged = true
    if (this.#epochsChanged) await writeEpochCheckpoint(disk, epochPath, this.#epochs.entries)
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
