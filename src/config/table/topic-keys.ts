/**
 * Keys of topics, groups, client metrics and quota entities: all of them dynamic. Columns: see `ConfigRow`. The order of
 * the first three is that in which Kafka reads values: of several bad ones the first is named.
 */
import { INT64_MAX } from '../../base/int64.ts'
import type { ConfigRow } from '../config-key.ts'

const MAX_LONG = INT64_MAX

export const TOPIC_KEYS: readonly ConfigRow[] = [
  ['segment.bytes', 'INT', 1_073_741_824, '[1048576,...]', 'MEDIUM', 'cluster-wide'],
  ['segment.ms', 'LONG', 604_800_000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['segment.jitter.ms', 'LONG', 0, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['segment.index.bytes', 'INT', 10_485_760, '[4,...]', 'MEDIUM', 'cluster-wide'],
  ['flush.messages', 'LONG', MAX_LONG, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['flush.ms', 'LONG', MAX_LONG, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['retention.bytes', 'LONG', -1, '', 'MEDIUM', 'cluster-wide'],
  ['retention.ms', 'LONG', 604_800_000, '[-1,...]', 'MEDIUM', 'cluster-wide'],
  ['max.message.bytes', 'INT', 1_048_588, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['index.interval.bytes', 'INT', 4096, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['delete.retention.ms', 'LONG', 86_400_000, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['min.compaction.lag.ms', 'LONG', 0, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['max.compaction.lag.ms', 'LONG', MAX_LONG, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['file.delete.delay.ms', 'LONG', 60_000, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['min.cleanable.dirty.ratio', 'DOUBLE', 0.5, '[0,...,1]', 'MEDIUM', 'cluster-wide'],
  ['cleanup.policy', 'LIST', ['delete'], '[compact, delete]', 'MEDIUM', 'cluster-wide', 'empty'],
  ['unclean.leader.election.enable', 'BOOLEAN', false, '', 'MEDIUM', 'cluster-wide'],
  ['min.insync.replicas', 'INT', 1, '[1,...]', 'MEDIUM', 'cluster-wide'],
  [
    'compression.type',
    'STRING',
    'producer',
    '[uncompressed, zstd, lz4, snappy, gzip, producer]',
    'MEDIUM',
    'cluster-wide',
  ],
  ['compression.gzip.level', 'INT', -1, '[1,...,9] or -1', 'MEDIUM', 'cluster-wide'],
  ['compression.lz4.level', 'INT', 9, '[1,...,17]', 'MEDIUM', 'cluster-wide'],
  ['compression.zstd.level', 'INT', 3, '[-131072,...,22]', 'MEDIUM', 'cluster-wide'],
  ['preallocate', 'BOOLEAN', false, '', 'MEDIUM', 'cluster-wide'],
  ['message.timestamp.type', 'STRING', 'CreateTime', '[CreateTime, LogAppendTime]', 'MEDIUM', 'cluster-wide'],
  ['message.timestamp.before.max.ms', 'LONG', MAX_LONG, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['message.timestamp.after.max.ms', 'LONG', 3_600_000, '[0,...]', 'MEDIUM', 'cluster-wide'],
  [
    'leader.replication.throttled.replicas',
    'LIST',
    [],
    '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
    'MEDIUM',
    'cluster-wide',
  ],
  [
    'follower.replication.throttled.replicas',
    'LIST',
    [],
    '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
    'MEDIUM',
    'cluster-wide',
  ],
  ['remote.storage.enable', 'BOOLEAN', false, '', 'MEDIUM', 'cluster-wide'],
  ['local.retention.ms', 'LONG', -2, '[-2,...]', 'MEDIUM', 'cluster-wide'],
  ['local.retention.bytes', 'LONG', -2, '[-2,...]', 'MEDIUM', 'cluster-wide'],
  ['remote.log.copy.disable', 'BOOLEAN', false, '', 'MEDIUM', 'cluster-wide'],
  ['remote.log.delete.on.disable', 'BOOLEAN', false, '', 'MEDIUM', 'cluster-wide'],
  ['internal.segment.bytes', 'INT', null, '', 'MEDIUM', 'cluster-wide', 'internal'],
]

export const GROUP_KEYS: readonly ConfigRow[] = [
  ['consumer.session.timeout.ms', 'INT', 45_000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['consumer.heartbeat.interval.ms', 'INT', 5000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['consumer.assignment.interval.ms', 'INT', 1000, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['share.session.timeout.ms', 'INT', 45_000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['share.heartbeat.interval.ms', 'INT', 5000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['share.record.lock.duration.ms', 'INT', 30_000, '[1000,...]', 'MEDIUM', 'cluster-wide'],
  ['share.delivery.count.limit', 'INT', 5, '[2,...]', 'MEDIUM', 'cluster-wide'],
  ['share.partition.max.record.locks', 'INT', 2000, '[100,...]', 'MEDIUM', 'cluster-wide'],
  [
    'share.auto.offset.reset',
    'STRING',
    'latest',
    '[latest, earliest, by_duration:PnDTnHnMn.nS]',
    'MEDIUM',
    'cluster-wide',
  ],
  [
    'share.isolation.level',
    'STRING',
    'read_uncommitted',
    '[read_committed, read_uncommitted]',
    'MEDIUM',
    'cluster-wide',
  ],
  ['share.renew.acknowledge.enable', 'BOOLEAN', true, '', 'MEDIUM', 'cluster-wide'],
  ['share.assignment.interval.ms', 'INT', 1000, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['streams.session.timeout.ms', 'INT', 45_000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['streams.heartbeat.interval.ms', 'INT', 5000, '[1,...]', 'MEDIUM', 'cluster-wide'],
  ['streams.num.standby.replicas', 'INT', 0, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['streams.initial.rebalance.delay.ms', 'INT', 3000, '[0,...]', 'MEDIUM', 'cluster-wide'],
  ['streams.assignment.interval.ms', 'INT', 1000, '[0,...]', 'MEDIUM', 'cluster-wide'],
]

export const CLIENT_METRICS_KEYS: readonly ConfigRow[] = [
  ['metrics', 'LIST', [], '', 'MEDIUM', 'cluster-wide', 'empty'],
  ['interval.ms', 'INT', 300_000, '', 'MEDIUM', 'cluster-wide'],
  ['match', 'LIST', [], '', 'MEDIUM', 'cluster-wide', 'empty'],
]

export const QUOTA_KEYS: readonly ConfigRow[] = [
  ['SCRAM-SHA-256', 'STRING', null, '', 'MEDIUM', 'cluster-wide'],
  ['SCRAM-SHA-512', 'STRING', null, '', 'MEDIUM', 'cluster-wide'],
  ['consumer_byte_rate', 'LONG', MAX_LONG, '', 'MEDIUM', 'cluster-wide'],
  ['controller_mutation_rate', 'DOUBLE', 2_147_483_647, '', 'MEDIUM', 'cluster-wide'],
  ['producer_byte_rate', 'LONG', MAX_LONG, '', 'MEDIUM', 'cluster-wide'],
  ['request_percentage', 'DOUBLE', 2_147_483_647, '', 'MEDIUM', 'cluster-wide'],
  ['connection_creation_rate', 'INT', 2_147_483_647, '[0,...]', 'MEDIUM', 'cluster-wide'],
]
