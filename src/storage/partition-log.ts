/**
 * One partition directory: the log of one replica.
 */
import type { Uuid } from '../base/uuid.ts'
import { InvariantError } from '../base/errors.ts'
import type { LogConfig } from '../config/log-config.ts'
import type {
  AbortedTransaction,
  ActiveProducer,
  AppendOptions,
  Appended,
  EpochEnd,
  LogRead,
  PartitionLogOptions,
  TimestampedOffset,
} from './log-surface.ts'
import type { TopicPartition } from './topic-partition.ts'

export type * from './log-surface.ts'

const absent = (): never => {
  throw new InvariantError('the body arrives with the next commit')
}

export class PartitionLog {
  /** Loads or creates the directory. @throws OperationalError LOG_CORRUPT | DISK_FAILED, DiskError. */
  static open(_options: PartitionLogOptions): Promise<PartitionLog> {
    return absent()
  }

  get directory(): string {
    return absent()
  }
  get topicPartition(): TopicPartition {
    return absent()
  }
  get topicId(): Uuid | null {
    return absent()
  }
  get config(): LogConfig {
    return absent()
  }
  /** First offset still readable. */
  get startOffset(): number {
    return absent()
  }
  /** The offset that the next record gets. */
  get assignedEnd(): number {
    return absent()
  }
  /** All below it is in the page cache; the only end that anybody else may see. */
  get writtenEnd(): number {
    return absent()
  }
  get highWatermark(): number {
    return absent()
  }
  get lastStableOffset(): number {
    return absent()
  }
  /** All below it survives a power loss. */
  get recoveryPoint(): number {
    return absent()
  }
  get sizeBytes(): number {
    return absent()
  }
  get segmentCount(): number {
    return absent()
  }
  /** -1 while no epoch is known. */
  get latestEpoch(): number {
    return absent()
  }
  /** Clock.monotonicMs of the last flush, for flush.ms. */
  get lastFlushMs(): number {
    return absent()
  }

  setConfig(_config: LogConfig): void {
    absent()
  }
  setTopicId(_id: Uuid): void {
    absent()
  }
  /** The directory was renamed (delete, promotion of a future log): only paths change. */
  setDirectory(_directory: string): void {
    absent()
  }
  append(_records: Buffer, _options: AppendOptions): Appended {
    return absent()
  }
  onWritten(_listener: (writtenEnd: number) => void): void {
    absent()
  }
  onFailed(_listener: (error: Error) => void): void {
    absent()
  }
  setHighWatermark(_offset: number): void {
    absent()
  }
  read(
    _fromOffset: number,
    _limitOffset: number,
    _maxBytes: number,
    _minOneBatch: boolean,
  ): LogRead | Promise<LogRead> {
    return absent()
  }
  /** Every batch entry below writtenEnd from the one holding `fromOffset` on; `visit` returns false to stop. */
  scan(_fromOffset: number, _visit: (bytes: Buffer, at: number, size: number) => boolean | void): Promise<void> {
    return absent()
  }
  offsetForTimestamp(_timestampMs: number, _limitOffset?: number): Promise<TimestampedOffset | null> {
    return absent()
  }
  maxTimestampOffset(): Promise<TimestampedOffset | null> {
    return absent()
  }
  endOffsetForEpoch(_epoch: number): EpochEnd {
    return absent()
  }
  /** Epoch of the record at the log start, for ListOffsets EARLIEST; -1 if unknown. */
  startEpoch(): number {
    return absent()
  }
  /** A new leader's epoch begins at assignedEnd; on disk when it resolves. */
  assignEpoch(_epoch: number): Promise<void> {
    return absent()
  }
  abortedTransactions(_fromOffset: number, _upperOffset: number): Promise<AbortedTransaction[]> {
    return absent()
  }
  activeProducers(): ActiveProducer[] {
    return absent()
  }
  /** DeleteRecords: moves the start, at most to the high watermark. @throws KafkaError OFFSET_OUT_OF_RANGE. */
  deleteRecordsBefore(_offset: number): void {
    absent()
  }
  /** Retention by time, size and start offset; resolves to the number of segments deleted. */
  deleteOldSegments(_nowMs: number): Promise<number> {
    return absent()
  }
  removeExpiredProducers(_nowMs: number): void {
    absent()
  }
  truncateTo(_end: number): Promise<void> {
    return absent()
  }
  truncateFullyAndStartAt(_offset: number): Promise<void> {
    return absent()
  }
  /** Resolves to the new recovery point. */
  flush(): Promise<number> {
    return absent()
  }
  /** Flushes, writes the producer snapshot, trims the files. */
  close(): Promise<void> {
    return absent()
  }
  /** Lets go of the files without writing anything: what a killed process leaves. */
  closeHard(): Promise<void> {
    return absent()
  }
}
