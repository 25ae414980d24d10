/**
 * The settings of one partition log: the topic's own overrides over the broker's defaults.
 *
 * A plain immutable value. Sizes are bytes, times milliseconds; a limit of Long.MAX_VALUE in Kafka is
 * `Number.MAX_SAFE_INTEGER` here (both mean: never). The storage layer knows no configuration keys, only this.
 */

export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
export type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface LogConfig {
  /** cleanup.policy contains `compact`. */
  readonly compact: boolean
  /** cleanup.policy contains `delete`. With both false (an empty list) nothing is ever deleted. */
  readonly delete: boolean
  /** `producer` keeps what the producer chose. */
  readonly compressionType: CompressionType
  /** 1-9 or -1 (the default of the codec). */
  readonly compressionGzipLevel: number
  readonly compressionLz4Level: number
  readonly compressionZstdLevel: number
  readonly deleteRetentionMs: number
  /** How long the files of a deleted segment stay, renamed. */
  readonly fileDeleteDelayMs: number
  readonly flushMessages: number
  readonly flushMs: number
  /** Bytes of log between two index entries. */
  readonly indexIntervalBytes: number
  readonly maxCompactionLagMs: number
  /** Largest batch, after compression, with its header. */
  readonly maxMessageBytes: number
  readonly messageTimestampAfterMaxMs: number
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampType: TimestampType
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly minInsyncReplicas: number
  readonly preallocate: boolean
  /** -1: no limit. */
  readonly retentionBytes: number
  /** -1: no limit. */
  readonly retentionMs: number
  readonly segmentBytes: number
  /** Size that an index file is preallocated to. */
  readonly segmentIndexBytes: number
  readonly segmentJitterMs: number
  readonly segmentMs: number
  readonly uncleanLeaderElectionEnable: boolean
  readonly followerReplicationThrottledReplicas: readonly string[]
  readonly leaderReplicationThrottledReplicas: readonly string[]
  readonly remoteStorageEnable: boolean
  readonly remoteLogCopyDisable: boolean
  /** -2: the same as retentionBytes. */
  readonly localRetentionBytes: number
  /** -2: the same as retentionMs. */
  readonly localRetentionMs: number
}

/** Kafka's defaults: those of a broker whose file sets nothing. */
export const DEFAULT_LOG_CONFIG: LogConfig = {
  compact: false,
  delete: true,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  deleteRetentionMs: 86_400_000,
  fileDeleteDelayMs: 60_000,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  indexIntervalBytes: 4096,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  maxMessageBytes: 1_048_588,
  messageTimestampAfterMaxMs: 3_600_000,
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampType: 'CreateTime',
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  minInsyncReplicas: 1,
  preallocate: false,
  retentionBytes: -1,
  retentionMs: 604_800_000,
  segmentBytes: 1_073_741_824,
  segmentIndexBytes: 10_485_760,
  segmentJitterMs: 0,
  segmentMs: 604_800_000,
  uncleanLeaderElectionEnable: false,
  followerReplicationThrottledReplicas: [],
  leaderReplicationThrottledReplicas: [],
  remoteStorageEnable: false,
  remoteLogCopyDisable: false,
  localRetentionBytes: -2,
  localRetentionMs: -2,
}
