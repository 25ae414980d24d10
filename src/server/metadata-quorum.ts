/** The metadata log with this node's settings. */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DEFAULT_TIMING, type QuorumOptions } from '../quorum/quorum-options.ts'
import { STATIC_KRAFT_VERSIONS } from '../raft/voters.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import type { LogDirectory } from '../storage/log-directory.ts'
import type { World } from '../world/world.ts'

/** @throws OperationalError DISK_FAILED. */
export function metadataDirectory(directories: LogDirectories, config: BrokerConfig): LogDirectory {
  const found = directories.live.find(({ path }) => path === config.metadataLogDir)
  if (found !== undefined) return found
  throw new OperationalError('DISK_FAILED', `The metadata log directory ${config.metadataLogDir} can't be read.`)
}

/** What doesn't depend on the node's role. */
export function quorumOptions(
  { disk, clock, random }: World,
  config: BrokerConfig,
  logger: Logger,
  directory: LogDirectory,
): Omit<QuorumOptions, 'mayVote' | 'endpoints' | 'bootstrapServers' | 'channel'> {
  const [listenerName = 'CONTROLLER'] = config.controllerListenerNames
  return {
    disk,
    clock,
    random,
    logger,
    logDirectory: directory.path,
    nodeId: config.nodeId,
    directoryId: directory.id,
    staticVoters: config.quorumVoters.map(({ id, host, port }) => {
      const endpoints = [{ name: listenerName, host, port }]
      return { id, directoryId: ZERO_UUID, endpoints, kraftVersions: STATIC_KRAFT_VERSIONS }
    }),
    listenerName,
    autoJoin: config.quorumAutoJoinEnable,
    timing: {
      ...DEFAULT_TIMING,
      electionTimeoutMs: config.quorumElectionTimeoutMs,
      electionBackoffMaxMs: config.quorumElectionBackoffMaxMs,
      fetchTimeoutMs: config.quorumFetchTimeoutMs,
      requestTimeoutMs: config.quorumRequestTimeoutMs,
      retryBackoffMs: config.quorumRetryBackoffMs,
    },
    logConfig: {
      ...config.topicDefaults,
      compact: false,
      delete: false,
      retentionMs: -1,
      retentionBytes: -1,
      segmentBytes: config.metadataLogSegmentBytes,
      segmentMs: config.metadataLogSegmentMs,
      maxMessageBytes: config.metadataLogSegmentBytes,
      preallocate: false,
    },
    snapshots: {
      recordBytesMax: config.metadataLogMaxRecordBytesBetweenSnapshots,
      intervalMs: config.metadataLogMaxSnapshotIntervalMs,
      retentionBytes: config.metadataMaxRetentionBytes,
      retentionMs: config.metadataMaxRetentionMs,
    },
  }
}
