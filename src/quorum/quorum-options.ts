/** What a quorum is opened with and to whom it hands what it finds; and how the metadata log's directory is opened. */
import type { Logger } from '../base/logger.ts'
import { METADATA_TOPIC_ID, type Uuid } from '../base/uuid.ts'
import type { LogConfig } from '../config/log-config.ts'
import type { RaftTiming } from '../raft/raft-io.ts'
import type { HostPort, Voter, VoterEndpoint } from '../raft/voters.ts'
import { PartitionLog } from '../storage/partition-log.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import type { RaftChannel } from './raft-channel.ts'
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
  /** controller.quorum.voters; empty if it isn't set. Only a log of kraft.version 0 asks for them. */
  readonly staticVoters: readonly Voter[]
  /** False: a broker, which only observes. */
  readonly mayVote: boolean
  /** controller.quorum.auto.join.enable */
  readonly autoJoin: boolean
  /** Own controller listeners; empty: the voters' records keep what they say of this node. */
  readonly endpoints: readonly VoterEndpoint[]
  /** The listener on which controllers speak to each other: the first of controller.listener.names. */
  readonly listenerName: string
  /** controller.quorum.bootstrap.servers */
  readonly bootstrapServers: readonly HostPort[]
  readonly timing: RaftTiming
  /** To other nodes. */
  readonly channel: RaftChannel
  /** Segment settings; retention must be off: snapshots decide what may go. */
  readonly logConfig: LogConfig
  readonly snapshots: SnapshotPolicy
  /** Opens the partition log; left out in production. */
  readonly openLog?: (directory: string) => Promise<MetadataLogStore>
}

/**
 * Gets what the log holds, in order: a snapshot, then the batches behind it; later perhaps another snapshot from the
 * leader. Of the only voter's own log everything at once when it is opened, else what is committed, as it is.
 */
export interface LoadSink {
  snapshot(content: SnapshotContent, provenance: { offset: number; epoch: number; timestampMs: number }): void
  /** Data batches and control batches. */
  batch(bytes: Buffer, at: number): void
}

export const DEFAULT_TIMING: RaftTiming = {
  electionTimeoutMs: 1000,
  electionBackoffMaxMs: 1000,
  fetchTimeoutMs: 2000,
  requestTimeoutMs: 2000,
  retryBackoffMs: 20,
  fetchMaxWaitMs: 500,
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
    knowsRecoveryPoint: true,
    logStartOffset: 0,
    producerIdExpirationMs: 86_400_000,
    tailCache: null,
  })
}
