/**
 * One partition directory: the log of one replica, as its leader, its follower, a coordinator or the quorum uses it.
 *
 * Two ends: an append assigns offsets up to `assignedEnd` at once and queues the write; `writtenEnd` follows when the
 * write is in the page cache, and is all that readers, followers and waiting requests may see. Truncation, roll, deletion
 * and close take their turn behind the writes. After a write that failed the log is cut back to writtenEnd and everything
 * queued is refused; if that fails too, or the disk is broken, the owner is told (`onFailed`) to take the directory
 * offline. Knows nothing of replicas: high watermark and epochs are given to it.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { clampInt64, type Int64 } from '../base/int64.ts'
import type { LogConfig } from '../config/log-config.ts'
import { baseOffset, hasLogAppendTime, leaderEpoch, magic, maxTimestamp } from '../records/batch.ts'
import { BatchCursor, entryLastOffset, entryMaxTimestamp } from '../records/batches.ts'
import { DiskError } from '../world/world.ts'
import { AppendScan } from './append-scan.ts'
import {
  countDeletable,
  createSegment,
  deleteOldest,
  finishFiles,
  finishLog,
  startAnewAt,
  syncBelow,
  truncateLog,
} from './log-changes.ts'
import { replaceFile } from './atomic-file.ts'
import { batchesOf, wholeBatches } from './follower-append.ts'
import { together } from './bounded.ts'
import { loadLog } from './log-loader.ts'
import { findAborted, findAbortedInMemory, findMaxTimestamp, findOffsetForTimestamp } from './log-lookups.ts'
import { LogReader } from './log-reader.ts'
import { LogState } from './log-state.ts'
import type {
  AbortedTransaction,
  ActiveProducer,
  AppendOptions,
  Appended,
  EpochEnd,
  LogRead,
  PartitionLogOptions,
  TimestampedOffset,
  TransactionalAppend,
  VerificationGuard,
} from './log-surface.ts'
import { OpenFiles } from './open-files.ts'
import type { ProducerBatch } from './producer-state.ts'
import { ReadMemory } from './read-memory.ts'
import { RELATIVE_OFFSET_MAX, type Segment } from './segment.ts'
import { PARTITION_METADATA } from './segment-files.ts'
import { LogTail } from './tail-cache.ts'
import { topicPartitionName, type TopicPartition } from './topic-partition.ts'
import { WriteLane, storageError, type QueuedWrite } from './write-lane.ts'

export type * from './log-surface.ts'

/** A larger append to an idle log goes through the thread pool. */
const WRITE_NOW_BYTES_MAX = 64 * 1024
const SCAN_BYTES = 1 << 20
const DONE = Promise.resolve()

const sharedReadMemory = new ReadMemory()

export class PartitionLog {
  readonly topicPartition: TopicPartition
  readonly #options: PartitionLogOptions
  readonly #state: LogState
  readonly #lane: WriteLane
  readonly #reader: LogReader
  readonly #scan = new AppendScan()
  readonly #cursor = new BatchCursor()
  readonly #writtenListeners: ((writtenEnd: number) => void)[] = []
  readonly #failedListeners: ((error: Error) => void)[] = []
  #topicId: Uuid | null
  /** partition.metadata is on disk, or its write is queued. */
  #isIdStored: boolean
  /** Why appends are refused, or null: repair, truncation, failure, close. */
  #refusal: string | null = null
  #exclusive = 0
  #failure: Error | null = null
  #isClosed = false
  #isNotifying = false
  #preparing: Segment | null = null
  #flushing: Promise<number> | null = null
  #renaming: Promise<void> = DONE
  #lastFlushMs: number

  /**
   * Loads or creates the directory.
   * @throws OperationalError LOG_CORRUPT: the directory contradicts itself or the topic id. DiskError as it comes.
   */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const place = { directory: options.directory, openFiles: options.openFiles ?? new OpenFiles(Infinity) }
    const loaded = await loadLog({ ...options, place })
    const stored = loaded.names.includes(PARTITION_METADATA) ? await readTopicId(options) : null
    if (stored !== null && options.topicId !== null && stored !== options.topicId) {
      throw new OperationalError(
        'LOG_CORRUPT',
        `${options.directory}: topic id ${stored} in ${PARTITION_METADATA} does not match ${options.topicId}`,
      )
    }
    const tail = options.tailCache === null ? null : new LogTail(options.tailCache)
    const world = {
      disk: options.disk,
      clock: options.clock,
      random: options.random,
      logger: options.logger ?? SILENT,
      place,
    }
    const state = new LogState(world, options.config, loaded, tail, options.highWatermark ?? 0)
    return new PartitionLog(options, state, stored)
  }

  private constructor(options: PartitionLogOptions, state: LogState, storedId: Uuid | null) {
    this.topicPartition = options.topicPartition
    this.#options = options
    this.#state = state
    this.#topicId = storedId ?? options.topicId
    this.#isIdStored = storedId !== null
    this.#lastFlushMs = options.clock.monotonicMs()
    this.#reader = new LogReader(state, sharedReadMemory, (error) => this.#fail(error))
    this.#lane = new WriteLane({
      written: (writes) => this.#onWrites(writes),
      failed: (error) => this.#onWriteFailed(error),
    })
  }

  get directory(): string {
    return this.#state.world.place.directory
  }

  get topicId(): Uuid | null {
    return this.#topicId
  }

  get config(): LogConfig {
    return this.#state.config
  }

  /** First offset still readable. */
  get startOffset(): number {
    return this.#state.startOffset
  }

  /** The offset that the next record gets. */
  get assignedEnd(): number {
    return this.#state.assignedEnd
  }

  /** All below it is in the page cache; the only end that anybody else may see. */
  get writtenEnd(): number {
    return this.#state.writtenEnd
  }

  get highWatermark(): number {
    return this.#state.highWatermark
  }

  /** What read_committed readers may see: the high watermark or the first transaction that is open above the log start. */
  get lastStableOffset(): number {
    return this.#state.lastStableOffset
  }

  /** All below it survives a power loss. */
  get recoveryPoint(): number {
    return this.#state.recoveryPoint
  }

  get sizeBytes(): number {
    let bytes = 0
    for (const segment of this.#state.segments) bytes += segment.writtenBytes
    return bytes
  }

  get segmentCount(): number {
    return this.#state.segments.length
  }

  /** Whether the log start lies inside or behind the first segment, so that a checkpoint must remember it. */
  get firstSegmentOffset(): number {
    return this.#state.segments[0]?.baseOffset ?? this.#state.startOffset
  }

  /** Where each segment begins and when it was written last: what ListOffsets v0 answers from. */
  segmentStarts(): Promise<{ readonly baseOffset: number; readonly modifiedMs: number }[]> {
    return Promise.all(
      this.#state.segments.map(async (segment) => ({
        baseOffset: segment.baseOffset,
        modifiedMs: await segment.modifiedMs(),
      })),
    )
  }

  /** -1 while no epoch is known. */
  get latestEpoch(): number {
    return this.#state.epochs.latestEpoch
  }

  /** Where each epoch of the log began, ascending; the last may have no records yet. */
  get epochStarts(): readonly { readonly epoch: number; readonly startOffset: number }[] {
    return this.#state.epochs.entries
  }

  /** Clock.monotonicMs of the last flush, for flush.ms. */
  get lastFlushMs(): number {
    return this.#lastFlushMs
  }

  setConfig(config: LogConfig): void {
    this.#state.config = config
  }

  /** Written to partition.metadata before the next record. @throws OperationalError LOG_CORRUPT if another one is stored. */
  setTopicId(id: Uuid): void {
    if (this.#topicId === id) return
    if (this.#isIdStored) {
      throw new OperationalError('LOG_CORRUPT', `${this.directory}: holds topic id ${this.#topicId}, not ${id}`)
    }
    this.#topicId = id
  }

  /** The directory was renamed by its owner while the log was at rest: only paths change. */
  setDirectory(directory: string): void {
    this.#state.world.place.directory = directory
  }

  /** Renames the directory behind the writes that wait; what is appended and flushed meanwhile waits for `sync`. */
  renameDirectory(directory: string, sync: () => Promise<void>): Promise<void> {
    this.#renaming = this.#inOrder(async () => {
      // A flush in the background finds files by name.
      await this.#reader.alone(async () => {
        await this.#options.disk.rename(this.directory, directory)
        this.setDirectory(directory)
      })
      await sync()
    })
    return this.#renaming
  }

  /**
   * Assigns offsets (in place) and queues the write. `records` are whole batches that were validated; client and
   * coordinator appends of one producer hold one batch each.
   * @throws KafkaError RECORD_LIST_TOO_LARGE, those of the producer's state, KAFKA_STORAGE_ERROR while the log is out of order.
   */
  append(records: Buffer, options: AppendOptions): Appended {
    if (this.#refusal !== null) throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.#name()}: ${this.#refusal}`)
    const state = this.#state
    const scan = this.#scan
    if (options.origin === 'client' || options.origin === 'coordinator')
      scan.assign(records, state.assignedEnd, options.epoch)
    else scan.accept(records, state.assignedEnd)
    const { firstOffset, lastOffset } = scan
    if (records.length > state.config.segmentBytes) {
      throw new KafkaError(
        'RECORD_LIST_TOO_LARGE',
        `Message batch size is ${records.length} bytes in append to partition ${this.#name()}, which exceeds the maximum configured segment size of ${state.config.segmentBytes}.`,
      )
    }
    if (this.#mustRoll(records.length, lastOffset, scan.maxTimestamp)) this.#roll(firstOffset)
    const original = this.#checkProducers(records, options)
    if (original !== null) return this.#repeated(original)
    const segment = state.active
    const position = segment.assignedBytes
    this.#prepareFiles(segment)
    this.#apply(records, segment)
    state.assignedEnd = lastOffset + 1
    state.producers.endOffset = state.assignedEnd
    options.memory?.retain()
    const written = this.#write(segment, position, records, firstOffset, options)
    return {
      firstOffset,
      lastOffset,
      duplicate: false,
      logAppendTimeMs: records.length > 0 && hasLogAppendTime(records, 0) ? clampInt64(maxTimestamp(records, 0)) : -1,
      startOffset: state.startOffset,
      written,
    }
  }

  /**
   * Appends what a leader answered, as it is: see wholeBatches. Offsets may leave gaps, where the leader's log is compacted.
   * A roll happens between the same batches as in the leader's log, if its segments begin alike.
   * `written` is as of `append`, of the last batch.
   * @throws KafkaError CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR, RECORD_LIST_TOO_LARGE for a batch larger than a segment. What
   * is in front of the batch that throws is appended.
   */
  appendAsFollower(records: Buffer, leaderEpoch: number): Appended | null {
    const whole = wholeBatches(records, leaderEpoch, this.#name())
    if (whole.length === 0) return null
    const options: AppendOptions = { epoch: leaderEpoch, origin: 'replication' }
    const scan = this.#scan
    scan.accept(whole, this.#state.assignedEnd)
    if (
      whole.length <= this.#state.config.segmentBytes &&
      !this.#mustRoll(whole.length, scan.lastOffset, scan.maxTimestamp)
    ) {
      return this.append(whole, options)
    }
    let last: Appended | null = null
    for (const batch of batchesOf(whole)) {
      last = this.append(batch, options)
      // Who waits for the last one hears of it: a write that fails takes along what was queued behind it.
      last.written.catch(() => {})
    }
    return last
  }

  /** Resolves when nothing is under way that was queued before: written, or cut back after a write that failed. */
  settled(): Promise<void> {
    return this.#lane.isIdle ? DONE : this.#inOrder(async () => {})
  }

  #name(): string {
    return topicPartitionName(this.topicPartition.topic, this.topicPartition.partition)
  }

  /** By size, by the records' time, by full indexes, by distance of offsets. */
  #mustRoll(bytes: number, lastOffset: number, timestamp: Int64): boolean {
    const { config, active } = this.#state
    if (active.assignedBytes > config.segmentBytes - bytes) return true
    if (lastOffset - active.baseOffset > RELATIVE_OFFSET_MAX) return true
    if (active.assignedBytes === 0) return false
    if (active.offsetIndex.isFull(config.segmentIndexBytes) || active.timeIndex.isFull(config.segmentIndexBytes))
      return true
    const segmentMs = config.compact ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs
    const first = active.firstBatchTimestamp
    const ageMs =
      first !== null && first >= 0
        ? clampInt64(timestamp) - clampInt64(first)
        : this.#options.clock.wallMs() - active.createdMs
    return ageMs > segmentMs - active.jitterMs
  }

  #roll(newBase: number): void {
    const state = this.#state
    const old = state.active
    if (newBase <= old.baseOffset) return
    old.finish()
    state.producers.endOffset = newBase
    const snapshot = state.snapshots.prepare(state.producers)
    const segment = state.newSegment(newBase)
    state.segments.push(segment)
    this.#lane.before(async () => {
      await finishFiles(state, old)
      // A start trusts the files below the recovery point: they must not be overtaken by it.
      if (state.recoveryPoint >= newBase) await old.syncFiles()
      await createSegment(state, segment)
      if (snapshot !== null) await state.snapshots.write(snapshot, false)
      this.#flushBehind(newBase)
    })
  }

  /** What was rolled becomes durable while appends go on. */
  #flushBehind(end: number): void {
    const state = this.#state
    void this.#reader.guard(async () => {
      try {
        if (state.snapshots.offsets.includes(end)) await state.snapshots.sync(end)
        await syncBelow(state, end)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #checkProducers(records: Buffer, options: AppendOptions): ProducerBatch | null {
    const cursor = this.#cursor.reset(records)
    let original: ProducerBatch | null = null
    while (cursor.next()) {
      original ??= this.#state.producers.check(records, cursor.at, options)
    }
    return original
  }

  #repeated(original: ProducerBatch): Appended {
    return {
      firstOffset: original.lastOffset - original.offsetDelta,
      lastOffset: original.lastOffset,
      duplicate: true,
      logAppendTimeMs: clampInt64(original.timestamp),
      startOffset: this.#state.startOffset,
      written: this.#lane.fateOf(original.lastOffset) ?? DONE,
    }
  }

  /** What must be in the directory before records are: the topic's id, index files of full size. */
  #prepareFiles(segment: Segment): void {
    const id = this.#claimTopicId()
    if (id !== null) this.#lane.before(() => this.#storeTopicId(id))
    if (segment.isPreallocated || !segment.isCreated || this.#preparing === segment) return
    this.#preparing = segment
    this.#lane.before(async () => {
      this.#preparing = null
      await segment.preallocateIndexes(this.#state.config.segmentIndexBytes)
    })
  }

  /** The id, for whoever is going to store it; null if there is none or it is done. */
  #claimTopicId(): Uuid | null {
    if (this.#isIdStored) return null
    this.#isIdStored = this.#topicId !== null
    return this.#topicId
  }

  /** With its name: records whose topic nobody knows would stand in the way of a log of that name in another directory. */
  async #storeTopicId(id: Uuid): Promise<void> {
    const { disk, place } = this.#state.world
    try {
      await replaceFile(disk, `${place.directory}/${PARTITION_METADATA}`, Buffer.from(`version: 0\ntopic_id: ${id}`))
    } catch (error) {
      this.#isIdStored = false
      throw error
    }
  }

  #apply(records: Buffer, segment: Segment): void {
    const { epochs, producers, config } = this.#state
    let epochsChanged = false
    const cursor = this.#cursor.reset(records)
    while (cursor.next()) {
      const { at } = cursor
      segment.appendBatch(
        entryLastOffset(records, at),
        entryMaxTimestamp(records, at),
        cursor.size,
        config.indexIntervalBytes,
      )
      if (magic(records, at) < 2) {
        epochsChanged = epochs.clear() || epochsChanged
        continue
      }
      const batchEpoch = leaderEpoch(records, at)
      if (batchEpoch >= 0) epochsChanged = epochs.assign(batchEpoch, baseOffset(records, at)) || epochsChanged
      const completed = producers.apply(records, at)
      if (completed === null) continue
      const lastStableOffset = producers.lastStableOffsetAfter(completed)
      producers.complete(completed)
      if (!completed.aborted) continue
      this.#lane.before(async () => {
        await segment.transactionIndex.add({ ...completed, lastStableOffset })
        await segment.transactionIndex.save()
        // Perhaps its first: its name must last with the next flush.
        this.#state.entriesChanged()
      })
    }
    if (!epochsChanged && !this.#state.epochsUnsaved) return
    // Taken over: what is appended behind this need not write it again.
    this.#state.epochsUnsaved = false
    this.#lane.before(() => this.#state.writeEpochs())
  }

  #write(
    segment: Segment,
    position: number,
    records: Buffer,
    firstOffset: number,
    options: AppendOptions,
  ): Promise<void> {
    const state = this.#state
    const nextOffset = state.assignedEnd
    const memory = options.memory ?? null
    const file = segment.fileNow
    const mayWriteNow = records.length <= WRITE_NOW_BYTES_MAX && state.config.flushMessages === Number.MAX_SAFE_INTEGER
    if (file === null || !mayWriteNow || !this.#lane.isIdle) {
      return this.#lane.write(segment, position, records, firstOffset, nextOffset, memory)
    }
    let done = false
    try {
      segment.willWrite()
      done = file.writeNow([records], position)
    } catch (error) {
      memory?.release()
      this.#onWriteFailed(error)
      const failed = Promise.reject(storageError(error))
      failed.catch(() => {})
      return failed
    }
    if (!done) return this.#lane.write(segment, position, records, firstOffset, nextOffset, memory)
    this.#advance(segment, records, firstOffset, nextOffset, memory)
    this.#notifySoon()
    return DONE
  }

  #advance(
    segment: Segment,
    records: Buffer,
    firstOffset: number,
    nextOffset: number,
    memory: AppendOptions['memory'],
  ): void {
    const state = this.#state
    segment.writtenBytes += records.length
    state.writtenEnd = nextOffset
    if (state.tail !== null) state.tail.add(firstOffset, nextOffset, records, memory ?? null)
    else memory?.release()
  }

  #onWrites(writes: readonly QueuedWrite[]): Promise<Error | null> | void {
    for (const write of writes)
      this.#advance(write.segment, write.records, write.firstOffset, write.nextOffset, write.memory)
    const { config, recoveryPoint, writtenEnd } = this.#state
    if (writtenEnd - recoveryPoint < config.flushMessages) {
      this.#notify()
      return
    }
    return this.#flushNow().then(
      () => {
        this.#notify()
        return null
      },
      (error: unknown) => storageError(error),
    )
  }

  /** Listeners hear of a write that was made inside `append` when that has returned. */
  #notifySoon(): void {
    if (this.#isNotifying) return
    this.#isNotifying = true
    void DONE.then(() => {
      this.#isNotifying = false
      this.#notify()
    })
  }

  #notify(): void {
    for (const listener of this.#writtenListeners) listener(this.#state.writtenEnd)
  }

  #onWriteFailed(error: unknown): void {
    if (!(error instanceof DiskError) || error.code !== 'ENOSPC') return this.#fail(error)
    this.#refusal = 'the disk is full'
    this.#preparing = null
    this.#options.logger.error(
      `${this.#name()}: a write failed, the log is cut back to ${this.#state.writtenEnd}`,
      error,
    )
    this.#lane.first(async () => {
      try {
        await truncateLog(this.#state, this.#state.writtenEnd)
        if (this.#failure === null && !this.#isClosed)
          this.#refusal = this.#exclusive > 0 ? 'the log is being changed' : null
      } catch (cause) {
        this.#fail(cause)
      }
    })
  }

  /** The disk cannot be trusted any more: nothing is written, the owner takes the directory offline. */
  #fail(cause: unknown): void {
    if (this.#failure !== null || this.#isClosed) return
    const error = cause instanceof Error ? cause : new Error(String(cause))
    this.#failure = error
    this.#refusal = `the log directory failed: ${error.message}`
    this.#options.logger.error(`${this.#name()}: ${this.#refusal}`, error)
    void this.#lane.stop(storageError(error))
    for (const listener of this.#failedListeners) listener(error)
  }

  /** Runs behind the writes; appends are refused until it is done. */
  #change<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed || this.#failure !== null) return this.#inOrder(run)
    this.#exclusive++
    this.#refusal ??= 'the log is being changed'
    return this.#inOrder(run, () => {
      this.#exclusive--
      if (this.#exclusive === 0 && this.#failure === null && !this.#isClosed) this.#refusal = null
    })
  }

  /** Runs behind the writes, and before those that are queued next; its error takes the log offline. */
  #inOrder<T>(run: () => Promise<T>, ended: () => void = () => {}): Promise<T> {
    if (this.#isClosed || this.#failure !== null) {
      return Promise.reject(
        new KafkaError('KAFKA_STORAGE_ERROR', `${this.#name()}: ${this.#refusal ?? 'the log is closed'}`),
      )
    }
    let result: T
    const task = this.#lane.task(async () => {
      try {
        result = await run()
      } catch (error) {
        this.#fail(error)
        throw error
      } finally {
        ended()
      }
    })
    return task.then(() => result)
  }

  onWritten(listener: (writtenEnd: number) => void): void {
    this.#writtenListeners.push(listener)
  }

  /** The directory must go offline; called once. */
  onFailed(listener: (error: Error) => void): void {
    this.#failedListeners.push(listener)
  }

  /**
   * `store` puts recoveryPoint where the next start finds it. Called when a truncation is about to lower it: a start that
   * believed in the old one would not check what was appended in the place of what was cut.
   */
  onRecoveryPointLowered(store: () => Promise<void>): void {
    this.#state.storeRecoveryPoint = store
  }

  /** Clamped to what exists; never moves back by this. */
  setHighWatermark(offset: number): void {
    const state = this.#state
    const bounded = Math.min(offset, state.writtenEnd)
    if (bounded <= state.highWatermark) return
    state.highWatermark = bounded
    state.producers.onHighWatermark(bounded)
  }

  /**
   * Whole batches from the one that holds `fromOffset` on, below `limitOffset` and writtenEnd, up to `maxBytes`; with
   * `minOneBatch` the first one whatever its size. At once if the tail cache has it.
   * @throws KafkaError OFFSET_OUT_OF_RANGE below the start or beyond writtenEnd.
   */
  read(fromOffset: number, limitOffset: number, maxBytes: number, minOneBatch: boolean): LogRead | Promise<LogRead> {
    return this.#reader.read(fromOffset, limitOffset, maxBytes, minOneBatch)
  }

  /** A read from this offset on takes memory of its own: the tail cache does not have it. */
  readsFile(fromOffset: number): boolean {
    return this.#reader.readsFile(fromOffset)
  }

  /** Every entry below writtenEnd from the one that holds `fromOffset` on; `visit` returns false to stop. */
  async scan(fromOffset: number, visit: (bytes: Buffer, at: number, size: number) => boolean | void): Promise<void> {
    let offset = Math.max(fromOffset, this.startOffset)
    for (;;) {
      const read = await this.read(offset, this.writtenEnd, SCAN_BYTES, true)
      try {
        if (read.bytes === 0) return
        for (const piece of read.pieces) {
          const cursor = new BatchCursor().reset(piece)
          while (cursor.next()) if (visit(piece, cursor.at, cursor.size) === false) return
        }
        offset = read.nextOffset
      } finally {
        read.release()
      }
    }
  }

  /** The first record with at least that timestamp, below `limitOffset`. */
  offsetForTimestamp(timestampMs: Int64, limitOffset: number = this.writtenEnd): Promise<TimestampedOffset | null> {
    return this.#reader.guard(() => findOffsetForTimestamp(this.#state, timestampMs, limitOffset))
  }

  maxTimestampOffset(): Promise<TimestampedOffset | null> {
    return this.#reader.guard(() => findMaxTimestamp(this.#state))
  }

  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.#state.epochs.endOffsetFor(epoch, this.#state.writtenEnd)
  }

  /** Epoch of the log start, for ListOffsets EARLIEST; -1 if unknown. */
  startEpoch(): number {
    const first = this.#state.epochs.entries[0]
    return first !== undefined && first.startOffset <= this.startOffset ? first.epoch : -1
  }

  /**
   * A new leader's epoch begins at assignedEnd. In the file when it resolves, and in any case before the next record is: a node
   * that leads ten thousand partitions at once writes their files in turn, and who is written to doesn't wait for that.
   */
  assignEpoch(epoch: number): Promise<void> {
    const state = this.#state
    if (!state.epochs.assign(epoch, state.assignedEnd)) return DONE
    state.epochsUnsaved = true
    return state.world.place.openFiles.brief.take(() => this.#saveEpoch())
  }

  async #saveEpoch(): Promise<void> {
    const state = this.#state
    if (!state.epochsUnsaved || this.#isClosed || this.#failure !== null) return
    const id = this.#claimTopicId()
    await this.#inOrder(() =>
      together(
        async () => (state.epochsUnsaved ? state.writeEpochs() : undefined),
        async () => (id === null ? undefined : this.#storeTopicId(id)),
      ),
    )
  }

  /**
   * Aborted transactions that have records in [fromOffset, upperOffset), and perhaps some more. At once if no file has to be
   * read.
   * @throws KafkaError OFFSET_OUT_OF_RANGE if the range was deleted meanwhile: what was read of it must not be used.
   */
  abortedTransactions(fromOffset: number, upperOffset: number): AbortedTransaction[] | Promise<AbortedTransaction[]> {
    const state = this.#state
    const known = findAbortedInMemory(state, fromOffset, upperOffset)
    if (known !== null) return this.#unlessDeleted(known, fromOffset)
    return this.#reader
      .guard(() => findAborted(state, fromOffset, upperOffset))
      .then((found) => this.#unlessDeleted(found, fromOffset))
  }

  /** With a segment its transaction index goes. */
  #unlessDeleted<T>(found: T, fromOffset: number): T {
    if (fromOffset >= this.#state.startOffset) return found
    throw new KafkaError('OFFSET_OUT_OF_RANGE', `${this.#name()} begins at ${this.#state.startOffset} now`)
  }

  /**
   * Begins the verification of a transaction (KIP-890): with the guard the first batch may be appended once the coordinator has
   * confirmed it. Null: the transaction is open here already.
   * @throws KafkaError INVALID_PRODUCER_EPOCH.
   */
  startVerification(append: TransactionalAppend): VerificationGuard | null {
    return this.#state.producers.startVerification(append, this.#options.clock.wallMs())
  }

  activeProducers(): ActiveProducer[] {
    return this.#state.producers.activeProducers()
  }

  /** DeleteRecords: moves the start; files go with the next retention. @throws KafkaError OFFSET_OUT_OF_RANGE. */
  deleteRecordsBefore(offset: number): void {
    const state = this.#state
    if (offset < 0 || offset > state.highWatermark) {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `Cannot increment the log start offset to ${offset} of partition ${this.#name()} since it is larger than the high watermark ${state.highWatermark}`,
      )
    }
    if (offset <= state.startOffset) return
    state.startOffset = offset
    if (!state.epochs.truncateFromStart(offset) || this.#isClosed) return
    this.#lane.task(() => state.writeEpochs()).catch((error: unknown) => this.#fail(error))
  }

  /** Retention by time, size and log start; resolves to the number of segments that went. */
  async deleteOldSegments(nowMs: number): Promise<number> {
    const state = this.#state
    const found = await this.#reader.guard(() => countDeletable(state, nowMs))
    if (found === 0 || this.#refusal !== null) return 0
    // The active one too: another takes its place first, as at any roll, and appends go on there.
    if (found === state.segments.length) this.#roll(state.assignedEnd)
    return this.#inOrder(async () => {
      const count = Math.min(await countDeletable(state, nowMs), state.segments.length - 1)
      if (count > 0) await deleteOldest(state, count)
      return count
    })
  }

  removeExpiredProducers(nowMs: number): void {
    this.#state.producers.removeExpired(nowMs, this.#options.producerIdExpirationMs)
  }

  /** Batches from the one that holds `end` on go; at or above the end only epochs change. */
  truncateTo(end: number): Promise<void> {
    return this.#change(() => truncateLog(this.#state, end))
  }

  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#change(() => startAnewAt(this.#state, offset))
  }

  /** What is written becomes durable; resolves to the recovery point. A flush that fails is not tried again. */
  async flush(): Promise<number> {
    await this.#renaming.catch(() => undefined)
    while (this.#flushing !== null) await this.#flushing
    if (this.#state.recoveryPoint >= this.#state.writtenEnd || this.#isClosed) return this.#state.recoveryPoint
    this.#flushing = this.#flushNow().finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }

  async #flushNow(): Promise<number> {
    const state = this.#state
    try {
      await this.#reader.guard(() => syncBelow(state, state.writtenEnd))
    } catch (error) {
      this.#fail(error)
      throw storageError(error)
    }
    this.#lastFlushMs = this.#options.clock.monotonicMs()
    return state.recoveryPoint
  }

  /** Flushes, writes the producer snapshot, trims the files: what a clean shutdown leaves. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    try {
      if (this.#failure !== null) return
      await this.#change(async () => {
        // Kafka takes a log without an id for a stray one, also if it is empty.
        const id = this.#claimTopicId()
        if (id !== null) await this.#storeTopicId(id)
        await finishLog(this.#state)
      })
    } finally {
      await this.closeHard()
    }
  }

  /** Lets go of the files as they are: what a killed process leaves. */
  async closeHard(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#refusal = 'the log is closed'
    await this.#lane.stop(new KafkaError('KAFKA_STORAGE_ERROR', `${this.#name()}: the log is closed`))
    await this.#reader.close()
    await this.#state.closeFiles()
  }
}

async function readTopicId(options: PartitionLogOptions): Promise<Uuid | null> {
  const path = `${options.directory}/${PARTITION_METADATA}`
  const bytes = await options.disk.readFile(path)
  if (bytes === null) return null
  const match = /^version: 0\r?\ntopic_id: (\S+)\s*$/.exec(bytes.toString('utf8'))
  const id = match?.[1] === undefined ? null : parseUuid(match[1])
  if (id === null) throw new OperationalError('LOG_CORRUPT', `${path}: malformed`)
  return id
}
