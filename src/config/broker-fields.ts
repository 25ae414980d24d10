/**
 * The broker keys that this release honours, as typed fields.
 *
 * A field stands here when, and only when, the server reads it (or a slice made of it): what is not here is named at
 * start as not supported yet. `BrokerConfig` is derived from this list. Topic defaults (log.*) are not fields but the
 * `topicDefaults` of the config.
 */
import { clampInt64 } from '../base/int64.ts'
import type { ConfigValue } from './config-value.ts'

export interface Field<T> {
  readonly key: string
  readonly read: (value: ConfigValue) => T
}

function number(key: string): Field<number> {
  return { key, read: numberOf }
}

function boolean(key: string): Field<boolean> {
  return { key, read: (value) => value === true }
}

function optionalText(key: string): Field<string | null> {
  return { key, read: (value) => (typeof value === 'string' && value !== '' ? value : null) }
}

function optionalNumber(key: string): Field<number | null> {
  return { key, read: (value) => (value === null ? null : numberOf(value)) }
}

function numberOf(value: ConfigValue): number {
  return typeof value === 'bigint' || typeof value === 'number' ? clampInt64(value) : 0
}

export const BROKER_FIELDS = {
  // Topics and partitions
  autoCreateTopicsEnable: boolean('auto.create.topics.enable'),
  deleteTopicEnable: boolean('delete.topic.enable'),
  defaultReplicationFactor: number('default.replication.factor'),
  numPartitions: number('num.partitions'),
  maxRequestPartitionSizeLimit: number('max.request.partition.size.limit'),

  // Sockets and requests
  connectionsMaxIdleMs: number('connections.max.idle.ms'),
  maxConnections: number('max.connections'),
  maxConnectionsPerIp: number('max.connections.per.ip'),
  socketListenBacklogSize: number('socket.listen.backlog.size'),
  socketRequestMaxBytes: number('socket.request.max.bytes'),
  fetchMaxBytes: number('fetch.max.bytes'),
  maxIncrementalFetchSessionCacheSlots: number('max.incremental.fetch.session.cache.slots'),

  // Membership
  brokerRack: optionalText('broker.rack'),
  brokerHeartbeatIntervalMs: number('broker.heartbeat.interval.ms'),
  brokerSessionTimeoutMs: number('broker.session.timeout.ms'),
  autoLeaderRebalanceEnable: boolean('auto.leader.rebalance.enable'),
  leaderImbalanceCheckIntervalSeconds: number('leader.imbalance.check.interval.seconds'),
  uncleanLeaderElectionIntervalMs: number('unclean.leader.election.interval.ms'),
  controlledShutdownEnable: boolean('controlled.shutdown.enable'),

  initialBrokerRegistrationTimeoutMs: number('initial.broker.registration.timeout.ms'),
  logDirFailureTimeoutMs: number('log.dir.failure.timeout.ms'),

  // The metadata quorum
  quorumAutoJoinEnable: boolean('controller.quorum.auto.join.enable'),
  quorumElectionTimeoutMs: number('controller.quorum.election.timeout.ms'),
  quorumElectionBackoffMaxMs: number('controller.quorum.election.backoff.max.ms'),
  quorumFetchTimeoutMs: number('controller.quorum.fetch.timeout.ms'),
  quorumRequestTimeoutMs: number('controller.quorum.request.timeout.ms'),
  quorumRetryBackoffMs: number('controller.quorum.retry.backoff.ms'),

  // The metadata log
  metadataLogSegmentBytes: number('metadata.log.segment.bytes'),
  metadataLogSegmentMs: number('metadata.log.segment.ms'),
  metadataMaxRetentionBytes: number('metadata.max.retention.bytes'),
  metadataMaxRetentionMs: number('metadata.max.retention.ms'),
  /** 0: no NoOp records. */
  metadataMaxIdleIntervalMs: number('metadata.max.idle.interval.ms'),
  metadataLogMaxRecordBytesBetweenSnapshots: number('metadata.log.max.record.bytes.between.snapshots'),
  metadataLogMaxSnapshotIntervalMs: number('metadata.log.max.snapshot.interval.ms'),

  // Replication
  numReplicaFetchers: number('num.replica.fetchers'),
  replicaFetchBackoffMs: number('replica.fetch.backoff.ms'),
  replicaFetchMaxBytes: number('replica.fetch.max.bytes'),
  replicaFetchMinBytes: number('replica.fetch.min.bytes'),
  replicaFetchResponseMaxBytes: number('replica.fetch.response.max.bytes'),
  replicaFetchWaitMaxMs: number('replica.fetch.wait.max.ms'),
  replicaSocketTimeoutMs: number('replica.socket.timeout.ms'),
  /** Null: as many as there are log directories. */
  numReplicaAlterLogDirsThreads: optionalNumber('num.replica.alter.log.dirs.threads'),
  replicationQuotaWindowNum: number('replication.quota.window.num'),
  replicationQuotaWindowSizeSeconds: number('replication.quota.window.size.seconds'),
  alterLogDirsReplicationQuotaWindowNum: number('alter.log.dirs.replication.quota.window.num'),
  alterLogDirsReplicationQuotaWindowSizeSeconds: number('alter.log.dirs.replication.quota.window.size.seconds'),

  // Quotas of clients
  quotaWindowNum: number('quota.window.num'),
  quotaWindowSizeSeconds: number('quota.window.size.seconds'),
  controllerQuotaWindowNum: number('controller.quota.window.num'),
  controllerQuotaWindowSizeSeconds: number('controller.quota.window.size.seconds'),

  // Log directories
  logFlushSchedulerIntervalMs: number('log.flush.scheduler.interval.ms'),
  logFlushOffsetCheckpointIntervalMs: number('log.flush.offset.checkpoint.interval.ms'),
  logFlushStartOffsetCheckpointIntervalMs: number('log.flush.start.offset.checkpoint.interval.ms'),
  logInitialTaskDelayMs: number('log.initial.task.delay.ms'),
  logRetentionCheckIntervalMs: number('log.retention.check.interval.ms'),
  replicaHighWatermarkCheckpointIntervalMs: number('replica.high.watermark.checkpoint.interval.ms'),
  replicaSelectorClass: optionalText('replica.selector.class'),
  replicaLagTimeMaxMs: number('replica.lag.time.max.ms'),
  producerIdExpirationMs: number('producer.id.expiration.ms'),
  producerIdExpirationCheckIntervalMs: number('producer.id.expiration.check.interval.ms'),

  // Classic groups and offsets
  groupInitialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
  groupMaxSessionTimeoutMs: number('group.max.session.timeout.ms'),
  groupMinSessionTimeoutMs: number('group.min.session.timeout.ms'),
  groupMaxSize: number('group.max.size'),
  /** -1: as long as there is work in the same turn. */
  groupCoordinatorAppendLingerMs: number('group.coordinator.append.linger.ms'),
  offsetMetadataMaxBytes: number('offset.metadata.max.bytes'),
  offsetsCommitTimeoutMs: number('offsets.commit.timeout.ms'),
  offsetsRetentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
  offsetsRetentionMinutes: number('offsets.retention.minutes'),
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  offsetsTopicCompressionCodec: number('offsets.topic.compression.codec'),
  offsetsTopicNumPartitions: number('offsets.topic.num.partitions'),
  offsetsTopicReplicationFactor: number('offsets.topic.replication.factor'),
  offsetsTopicSegmentBytes: number('offsets.topic.segment.bytes'),

  // Transactions
  transactionMaxTimeoutMs: number('transaction.max.timeout.ms'),
  transactionAbortTimedOutTransactionCleanupIntervalMs: number(
    'transaction.abort.timed.out.transaction.cleanup.interval.ms',
  ),
  transactionalIdExpirationMs: number('transactional.id.expiration.ms'),
  transactionRemoveExpiredTransactionCleanupIntervalMs: number(
    'transaction.remove.expired.transaction.cleanup.interval.ms',
  ),
  transactionStateLogMinIsr: number('transaction.state.log.min.isr'),
  transactionStateLogNumPartitions: number('transaction.state.log.num.partitions'),
  transactionStateLogReplicationFactor: number('transaction.state.log.replication.factor'),
  transactionStateLogSegmentBytes: number('transaction.state.log.segment.bytes'),
  transactionTwoPhaseCommitEnable: boolean('transaction.two.phase.commit.enable'),
  transactionPartitionVerificationEnable: boolean('transaction.partition.verification.enable'),
  addPartitionsToTxnRetryBackoffMs: number('add.partitions.to.txn.retry.backoff.ms'),
  addPartitionsToTxnRetryBackoffMaxMs: number('add.partitions.to.txn.retry.backoff.max.ms'),
  requestTimeoutMs: number('request.timeout.ms'),
} satisfies { readonly [field: string]: Field<ConfigValue> }

type Fields = typeof BROKER_FIELDS

/** One field a key; sizes in bytes, times in the unit of the name. */
export type BrokerFields = { readonly [F in keyof Fields]: ReturnType<Fields[F]['read']> }
