/**
 * The values that a partition log takes and gives: plain data, shared by its callers and its parts.
 */
import type { LogConfig } from '../config/log-config.ts'
import type { Logger } from '../base/logger.ts'
import type { Int64 } from '../base/int64.ts'
import type { Retainable } from '../base/retainable.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import type { OpenFiles } from './open-files.ts'
import type { TailCache } from './tail-cache.ts'
import type { TopicPartition } from './topic-partition.ts'
import type { VerificationGuard } from './verification-state.ts'

export type { TransactionalAppend, VerificationGuard } from './verification-state.ts'

export interface PartitionLogOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** Draws the jitter of segment rolls. */
  readonly random: Random
  readonly logger: Logger
  /** Full path of the partition directory; created when missing. */
  readonly directory: string
  readonly topicPartition: TopicPartition
  /** Null while nobody knows it; written to partition.metadata before the first record. */
  readonly topicId: Uuid | null
  readonly config: LogConfig
  /** False: every segment from the recovery point on is checked. The metadata log always passes false. */
  readonly cleanShutdown: boolean
  /** Offsets of the directory's checkpoints; 0 where there is none. */
  readonly recoveryPoint: number
  /** `recoveryPoint` is what its last process said, 0 if the log is younger than the checkpoint. Left out: false, the checkpoint may be gone. */
  readonly knowsRecoveryPoint?: boolean
  readonly logStartOffset: number
  readonly highWatermark?: number
  readonly producerIdExpirationMs: number
  /** True: who opens the log syncs the parent, for many new directories at once. */
  readonly ownerSyncsParent?: boolean
  /** Shared by all logs of a node; null: every read goes to the file. */
  readonly tailCache: TailCache | null
  /** Shared by all logs of a node; left out: this log's files stay open. */
  readonly openFiles?: OpenFiles
}

/** Who appends. Clients get every check, coordinators all but sequences, replication and raft none. */
export type AppendOrigin = 'client' | 'coordinator' | 'replication' | 'raft'

export interface AppendOptions {
  /** Leader epoch, patched into each batch unless the origin is `replication` or `raft`. */
  readonly epoch: number
  readonly origin: AppendOrigin
  /** The memory that holds the records, retained until nothing here refers to it. Null: the log owns the buffer from now on. */
  readonly memory?: Retainable | null
  /** Of the coordinator that sends a marker, 0 if not told. From 2 on it must carry a higher epoch than the data. */
  readonly transactionVersion?: number
  /**
   * What a transactional batch that begins a transaction must have been verified by: the log compares it with its own. Null:
   * nobody was asked. Left out: nobody has to be.
   */
  readonly verification?: VerificationGuard | null
}

export interface Appended {
  readonly firstOffset: number
  readonly lastOffset: number
  /** The producer sent this batch before: offsets are those of the original, and nothing was written. */
  readonly duplicate: boolean
  /** -1 unless the batch has LogAppendTime; of the original for a duplicate. */
  readonly logAppendTimeMs: number
  /** Log start at the time of the append. */
  readonly startOffset: number
  /**
   * Resolves when writtenEnd has passed lastOffset. Rejects with KafkaError KAFKA_STORAGE_ERROR if the write failed. A
   * duplicate of a batch in flight has the original's.
   */
  readonly written: Promise<void>
}

/** Whole batches in the order of their offsets. */
export interface LogRead {
  readonly pieces: Buffer[]
  readonly bytes: number
  /** Where the next read continues; the fetch offset itself if nothing was read. */
  readonly nextOffset: number
  /** Gives the memory back; once, after the last use of `pieces`. */
  release(): void
}

/** `offset` of a record, its timestamp, and the leader epoch of its batch (-1 for old formats). */
export interface TimestampedOffset {
  readonly offset: number
  readonly timestamp: Int64
  readonly epoch: number
}

export interface EpochEnd {
  readonly epoch: number
  readonly endOffset: number
}

export interface AbortedTransaction {
  readonly producerId: Int64
  readonly firstOffset: number
}

/** What DescribeProducers shows. */
export interface ActiveProducer {
  readonly producerId: Int64
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: Int64
  readonly coordinatorEpoch: number
  /** -1: no open transaction. */
  readonly currentTxnStartOffset: number
}
