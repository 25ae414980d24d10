/**
 * One partition directory: the log of one replica, as its leader, its follower, a coordinator or the quorum uses it.
 *
 * Two ends: an append assigns offsets up to `assignedEnd` at once and queues the write; `writtenEnd` follows when the
 * write is in the page cache, and is all that readers, followers and waiting requests may see. Truncation, roll, deletion
 * and close take their turn behind the writes. This is the conductor: what is done stands in `log-appender.ts`,
 * `log-reader.ts`, `log-flusher.ts`, `log-truncation.ts`, `log-retention.ts`; what they share in `log-state.ts`; who may when
 * in `log-gate.ts`. Knows nothing of replicas: high watermark and epochs are given to it.
 */
import type { Retainable } from '../base/retainable.ts'
import { SILENT } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Int64 } from '../base/int64.ts'
import type { LogConfig } from '../config/log-config.ts'
import { abortedTransactions } from './aborted-transactions.ts'
import { LogAppender } from './log-appender.ts'
import { LogEpochs } from './log-epochs.ts'
import { LogFlusher, finishLog } from './log-flusher.ts'
import { LogGate } from './log-gate.ts'
import { loadLog } from './log-loader.ts'
import { LogReader } from './log-reader.ts'
import { LogRetention } from './log-retention.ts'
import { LogRoller } from './log-roller.ts'
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
import { startAnewAt, truncateLog } from './log-truncation.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionMetadataFile } from './partition-metadata-file.ts'
import { ReadMemory } from './read-memory.ts'
import { LogTail } from './tail-cache.ts'
import { findMaxTimestamp, findOffsetForTimestamp } from './time-lookups.ts'
import { topicPartitionName, type TopicPartition } from './topic-partition.ts'

export type * from './log-surface.ts'

const sharedReadMemory = new ReadMemory()

export class PartitionLog {
  readonly topicPartition: TopicPartition
  readonly #options: PartitionLogOptions
  readonly #name: string
  readonly #state: LogState
  readonly #metadata: PartitionMetadataFile
  readonly #gate: LogGate
  readonly #reader: LogReader
  readonly #flusher: LogFlusher
  readonly #appender: LogAppender
  readonly #retention: LogRetention
  readonly #epochs: LogEpochs
  #renaming: Promise<void> = Promise.resolve()

  /**
   * Loads or creates the directory.
   * @throws OperationalError LOG_CORRUPT: the directory contradicts itself or the topic id. DiskError as it comes.
   */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const place = { directory: options.directory, openFiles: options.openFiles ?? new OpenFiles(Infinity) }
    const loaded = await loadLog({ ...options, place })
    const metadata = await PartitionMetadataFile.open(options.disk, place, loaded.names, options.topicId)
    const tail = options.tailCache === null ? null : new LogTail(options.tailCache)
    const world = {
      disk: options.disk,
      clock: options.clock,
      random: options.random,
      logger: options.logger ?? SILENT,
      place,
    }
    const state = new LogState(world, options.config, loaded, tail, options.highWatermark ?? 0)
    return new PartitionLog(options, state, metadata)
  }

  private constructor(options: PartitionLogOptions, state: LogState, metadata: PartitionMetadataFile) {
    const { topic, partition } = (this.topicPartition = options.topicPartition)
    const name = (this.#name = topicPartitionName(topic, partition))
    this.#options = options
    this.#state = state
    this.#metadata = metadata
    const gate = (this.#gate = new LogGate({
      name,
      logger: state.world.logger,
      writtenEnd: () => state.offsets.writtenEnd,
      written: (writes) => this.#appender.written(writes),
      repair: () => {
        this.#appender.forgetQueued()
        return truncateLog(state, state.offsets.writtenEnd)
      },
    }))
    const reader = (this.#reader = new LogReader(state, sharedReadMemory, (error) => gate.fail(error)))
    const flusher = (this.#flusher = new LogFlusher(state, gate, reader))
    const roller = new LogRoller(state, gate.lane, flusher)
    this.#appender = new LogAppender({ name, state, gate, roller, flusher, metadata })
    this.#retention = new LogRetention(state, gate, reader, roller)
    this.#epochs = new LogEpochs(state, gate, metadata)
  }

  get directory(): string {
    return this.#state.world.place.directory
  }

  get topicId(): Uuid | null {
    return this.#metadata.topicId
  }

  get config(): LogConfig {
    return this.#state.config
  }

  /** First offset still readable. */
  get startOffset(): number {
    return this.#state.offsets.start
  }

  /** The offset that the next record gets. */
  get assignedEnd(): number {
    return this.#state.offsets.assignedEnd
  }

  /** All below it is in the page cache; the only end that anybody else may see. */
  get writtenEnd(): number {
    return this.#state.offsets.writtenEnd
  }

  get highWatermark(): number {
    return this.#state.offsets.highWatermark
  }

  /** What read_committed readers may see: the high watermark or the first transaction that is open above the log start. */
  get lastStableOffset(): number {
    return this.#state.offsets.lastStable
  }

  /** All below it survives a power loss. */
  get recoveryPoint(): number {
    return this.#state.offsets.recoveryPoint
  }

  get sizeBytes(): number {
    return this.#state.segments.writtenBytes
  }

  get segmentCount(): number {
    return this.#state.segments.all.length
  }

  /** Whether the log start lies inside or behind the first segment, so that a checkpoint must remember it. */
  get firstSegmentOffset(): number {
    return this.#state.segments.first.baseOffset
  }

  /** Where each segment begins and when it was written last: what ListOffsets v0 answers from. */
  segmentStarts(): Promise<{ readonly baseOffset: number; readonly modifiedMs: number }[]> {
    return Promise.all(
      this.#state.segments.all.map(async (segment) => ({
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
    return this.#flusher.lastFlushMs
  }

  setConfig(config: LogConfig): void {
    this.#state.config = config
  }

  /** Written to partition.metadata before the next record. @throws OperationalError LOG_CORRUPT if another one is stored. */
  setTopicId(id: Uuid): void {
    this.#metadata.set(id)
  }

  /** The directory was renamed by its owner while the log was at rest: only paths change. */
  setDirectory(directory: string): void {
    this.#state.world.place.directory = directory
  }

  /** Renames the directory behind the writes that wait; what is appended and flushed meanwhile waits for `sync`. */
  renameDirectory(directory: string, sync: () => Promise<void>): Promise<void> {
    this.#renaming = this.#gate.inOrder(async () => {
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
    return this.#appender.append(records, options)
  }

  /**
   * Appends what a leader answered, as it is: see wholeBatches. Offsets may leave gaps, where the leader's log is compacted.
   * A roll happens between the same batches as in the leader's log, if its segments begin alike.
   * `written` is as of `append`, of the last batch; `memory` too.
   * @throws KafkaError CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR, RECORD_LIST_TOO_LARGE for a batch larger than a segment. What
   * is in front of the batch that throws is appended.
   */
  appendAsFollower(records: Buffer, leaderEpoch: number, memory: Retainable | null = null): Appended | null {
    return this.#appender.appendAsFollower(records, leaderEpoch, memory)
  }

  /** Resolves when nothing is under way that was queued before: written, or cut back after a write that failed. */
  settled(): Promise<void> {
    return this.#gate.settled()
  }

  onWritten(listener: (writtenEnd: number) => void): void {
    this.#appender.onWritten(listener)
  }

  /** The directory must go offline; called once. */
  onFailed(listener: (error: Error) => void): void {
    this.#gate.onFailed(listener)
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
    this.#state.offsets.raiseHighWatermark(offset)
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
  scan(fromOffset: number, visit: (bytes: Buffer, at: number, size: number) => boolean | void): Promise<void> {
    return this.#reader.scan(fromOffset, visit)
  }

  /** The first record with at least that timestamp, below `limitOffset`. */
  offsetForTimestamp(timestampMs: Int64, limitOffset: number = this.writtenEnd): Promise<TimestampedOffset | null> {
    return this.#reader.guard(() => findOffsetForTimestamp(this.#state, timestampMs, limitOffset))
  }

  maxTimestampOffset(): Promise<TimestampedOffset | null> {
    return this.#reader.guard(() => findMaxTimestamp(this.#state))
  }

  endOffsetForEpoch(epoch: number): EpochEnd {
    return this.#epochs.endOffsetFor(epoch)
  }

  /** Epoch of the log start, for ListOffsets EARLIEST; -1 if unknown. */
  startEpoch(): number {
    return this.#epochs.startEpoch()
  }

  /** A new leader's epoch begins at assignedEnd: in the file when it resolves, and in any case before the next record is. */
  assignEpoch(epoch: number): Promise<void> {
    return this.#epochs.assign(epoch)
  }

  /**
   * Aborted transactions that have records in [fromOffset, upperOffset), and perhaps some more. At once if no file has to be
   * read.
   * @throws KafkaError OFFSET_OUT_OF_RANGE if the range was deleted meanwhile: what was read of it must not be used.
   */
  abortedTransactions(fromOffset: number, upperOffset: number): AbortedTransaction[] | Promise<AbortedTransaction[]> {
    return abortedTransactions(this.#state, this.#reader, this.#name, fromOffset, upperOffset)
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
    this.#retention.deleteRecordsBefore(offset, this.#name)
  }

  /** Retention by time, size and log start; resolves to the number of segments that went. */
  deleteOldSegments(nowMs: number): Promise<number> {
    return this.#retention.deleteOldSegments(nowMs)
  }

  removeExpiredProducers(nowMs: number): void {
    this.#state.producers.removeExpired(nowMs, this.#options.producerIdExpirationMs)
  }

  /** Batches from the one that holds `end` on go; at or above the end only epochs change. */
  truncateTo(end: number): Promise<void> {
    return this.#gate.change(() => truncateLog(this.#state, end))
  }

  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#gate.change(() => startAnewAt(this.#state, offset))
  }

  /** What is written becomes durable; resolves to the recovery point. A flush that fails is not tried again. */
  async flush(): Promise<number> {
    await this.#renaming.catch(() => undefined)
    return this.#flusher.flush()
  }

  /** Flushes, writes the producer snapshot, trims the files: what a clean shutdown leaves. */
  async close(): Promise<void> {
    if (this.#gate.isClosed) return
    try {
      if (this.#gate.hasFailed) return
      await this.#gate.change(async () => {
        // Kafka takes a log without an id for a stray one, also if it is empty.
        const id = this.#metadata.claim()
        if (id !== null) await this.#metadata.store(id)
        await finishLog(this.#state)
      })
    } finally {
      await this.closeHard()
    }
  }

  /** Lets go of the files as they are: what a killed process leaves. */
  async closeHard(): Promise<void> {
    if (this.#gate.isClosed) return
    await this.#gate.close()
    await this.#reader.close()
    await this.#state.closeFiles()
  }
}
