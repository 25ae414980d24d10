/** What a quorum is opened with and to whom it hands what it finds; and how the metadata log's directory is opened. */
import type { Logger } from '../base/logger.ts'
import { METADATA_TOPIC_ID, type Uuid } from '../base/uuid.ts'
import type { LogConfig } from '../config/log-config.ts'
import { PartitionLog } from '../storage/partition-log.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import type { SnapshotContent } from './snapshot-files.ts'
import type { SnapshotPolicy } from './snapshot-store.ts'

export const METADATA_TOPIC = '__cluster_metadata'
export const METADATA_DIRECTORY = `${METADATA_TOPIC}-0`
export interface QuorumOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** metadata.log.dir: the log directory that holds `__cluster_metadata-0`. */
  readonly logDirectory: string
  readonly nodeId: number
  /** Of `logDirectory`. */
  readonly directoryId: Uuid
  /** Ids in controller.quorum.voters; empty if it isn't set. Only a log of kraft.version 0 asks for them. */
  readonly staticVoterIds: readonly number[]
  /** Segment settings; retention must be off: snapshots decide what may go. */
  readonly logConfig: LogConfig
  readonly snapshots: SnapshotPolicy
  /** Opens the partition log; left out in production. */
  readonly openLog?: (directory: string) => Promise<MetadataLogStore>
}

/** Gets everything that the directory holds, in order: first the newest snapshot, then the log behind it. */
export interface LoadSink {
  snapshot(content: SnapshotContent, provenance: { offset: number; epoch: number; timestampMs: number }): void
  /** Data batches and control batches. */
  batch(bytes: Buffer, at: number): void
}

export function openPartitionLog(options: QuorumOptions, directory: string): Promise<PartitionLog> {
  const { disk, clock, random, logger, logConfig } = options
  return PartitionLog.open({
    disk,
    clock,
    random,
    logger,
    directory,
    topicPartition: { topic: METADATA_TOPIC, partition: 0 },
    topicId: METADATA_TOPIC_ID,
    config: logConfig,
    cleanShutdown: false,
    recoveryPoint: 0,
    logStartOffset: 0,
    producerIdExpirationMs: 86_400_000,
    tailCache: null,
  })
}
