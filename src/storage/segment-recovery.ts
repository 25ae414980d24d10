/**
 * Recovery of one segment of a log that is loaded: its batches are checked one by one, the first that is no good ends it and is
 * cut off, and what is derived from them is built anew: indexes, aborted transactions, leader epochs, producers and their
 * snapshot.
 */
import { OperationalError } from '../base/errors.ts'
import { NO_TIMESTAMP, baseOffset, leaderEpoch, magic } from '../records/batch.ts'
import { entryLastOffset, entryMaxTimestamp, isEntryCrcValid } from '../records/batches.ts'
import { nameOf } from './atomic-file.ts'
import { scanFile, type EntryVisitor } from './file-scan.ts'
import { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LoadOptions } from './log-loader.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import { RELATIVE_OFFSET_MAX, type Segment } from './segment.ts'

export interface RecoveredSegment {
  readonly endOffset: number
  readonly truncatedBytes: number
  /** Why something was cut. */
  readonly reason: string
}

export class SegmentRecovery {
  readonly #options: LoadOptions
  readonly #epochs: LeaderEpochCache
  /** What the file tells of them. */
  readonly #toldEpochs: LeaderEpochCache
  readonly #snapshots: ProducerSnapshots
  /** Files in the directory when it was opened. */
  readonly #names: ReadonlySet<string>
  #epochsChanged = false

  constructor(
    options: LoadOptions,
    epochs: LeaderEpochCache,
    snapshots: ProducerSnapshots,
    names: ReadonlySet<string>,
  ) {
    this.#options = options
    this.#epochs = epochs
    this.#toldEpochs = new LeaderEpochCache(epochs.entries)
    this.#snapshots = snapshots
    this.#names = names
  }

  /** The file of the epochs must be written. */
  get epochsChanged(): boolean {
    return this.#epochsChanged
  }

  /** `state`: of the producers below the segment, if it is that far; it is brought to the segment's end. */
  async recover(segment: Segment, segmentsToIt: readonly Segment[], state: ProducerState): Promise<RecoveredSegment> {
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
      if (magic(bytes, at) >= 2 && !this.#followEpoch(leaderEpoch(bytes, at), baseOffset(bytes, at))) return false
      const timestamp = entryMaxTimestamp(bytes, at)
      if (segment.firstBatchTimestamp === null) segment.firstBatchTimestamp = timestamp
      if (segment.index(lastOffset, timestamp, position, indexedAt, config.indexIntervalBytes)) indexedAt = position
      endOffset = lastOffset + 1
      if (magic(bytes, at) < 2) return true
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
      reason: corruption ?? 'a batch is torn, goes back, is of an earlier leader, or its checksum does not match',
    }
  }

  /**
   * False: the batch is of an earlier leader than what is around it. A power loss can bring back a whole batch that had been
   * truncated. The leader would never be asked about it: the file of the epochs, written before any record of them, tells of the
   * one that took its place.
   *
   * Epochs begin anew below those of the log where a cluster's metadata were made anew for logs that stayed. The file, which then
   * has only the new ones, tells of that too.
   */
  #followEpoch(epoch: number, startOffset: number): boolean {
    if (epoch < 0) return true
    if (epoch < this.#epochs.epochFor(startOffset)) {
      const told = this.#toldEpochs.entryFor(startOffset)
      if (told === null || told.epoch !== epoch || told.startOffset <= this.#epochs.latestStartOffset) return false
      this.#epochsChanged = this.#epochs.assign(epoch, told.startOffset) || this.#epochsChanged
    } else if (epoch > this.#epochs.latestEpoch) {
      this.#epochsChanged = this.#epochs.assign(epoch, startOffset) || this.#epochsChanged
    }
    return true
  }
}
