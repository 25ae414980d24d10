/**
 * Topic configuration: which overrides a topic may have, and the LogConfig that they make over the broker's defaults.
 *
 * `validateTopicConfig` is what the controller asks before it writes a ConfigRecord. `topicLogConfig` takes what the
 * metadata log already holds, maybe written by another release, and never throws.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import { readConfigValue } from './config-key.ts'
import { ConfigError, parseConfigValue, type ConfigValue } from './config-value.ts'
import { DEFAULT_LOG_CONFIG, type CompressionType, type LogConfig } from './log-config.ts'
import { TOPIC_KEYS_READ, TOPIC_TABLE } from './tables.ts'

/** Where the default of a topic key comes from: broker keys in the order of precedence, with the factor to the topic's unit. */
export interface BrokerSynonym {
  readonly key: string
  readonly factor: number
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

function from(...keys: readonly (string | readonly [string, number])[]): readonly BrokerSynonym[] {
  return keys.map((key) => (typeof key === 'string' ? { key, factor: 1 } : { key: key[0], factor: key[1] }))
}

/** Topic keys that are not here have no broker key: their defaults are fixed. */
export const TOPIC_SYNONYMS: ReadonlyMap<string, readonly BrokerSynonym[]> = new Map([
  ['cleanup.policy', from('log.cleanup.policy')],
  ['compression.gzip.level', from('compression.gzip.level')],
  ['compression.lz4.level', from('compression.lz4.level')],
  ['compression.type', from('compression.type')],
  ['compression.zstd.level', from('compression.zstd.level')],
  ['delete.retention.ms', from('log.cleaner.delete.retention.ms')],
  ['file.delete.delay.ms', from('log.segment.delete.delay.ms')],
  ['flush.messages', from('log.flush.interval.messages')],
  ['flush.ms', from('log.flush.interval.ms', 'log.flush.scheduler.interval.ms')],
  ['index.interval.bytes', from('log.index.interval.bytes')],
  ['local.retention.bytes', from('log.local.retention.bytes')],
  ['local.retention.ms', from('log.local.retention.ms')],
  ['max.compaction.lag.ms', from('log.cleaner.max.compaction.lag.ms')],
  ['max.message.bytes', from('message.max.bytes')],
  ['message.timestamp.after.max.ms', from('log.message.timestamp.after.max.ms')],
  ['message.timestamp.before.max.ms', from('log.message.timestamp.before.max.ms')],
  ['message.timestamp.type', from('log.message.timestamp.type')],
  ['min.cleanable.dirty.ratio', from('log.cleaner.min.cleanable.ratio')],
  ['min.compaction.lag.ms', from('log.cleaner.min.compaction.lag.ms')],
  ['min.insync.replicas', from('min.insync.replicas')],
  ['preallocate', from('log.preallocate')],
  ['retention.bytes', from('log.retention.bytes')],
  ['retention.ms', from('log.retention.ms', ['log.retention.minutes', MINUTE_MS], ['log.retention.hours', HOUR_MS])],
  ['segment.bytes', from('log.segment.bytes')],
  ['segment.index.bytes', from('log.index.size.max.bytes')],
  ['segment.jitter.ms', from('log.roll.jitter.ms', ['log.roll.jitter.hours', HOUR_MS])],
  ['segment.ms', from('log.roll.ms', ['log.roll.hours', HOUR_MS])],
  ['unclean.leader.election.enable', from('unclean.leader.election.enable')],
])

type Patch = Partial<LogConfig>

/** What each topic key changes. `remote.log.delete.on.disable` is read by nobody but the validation. */
const PATCHES: ReadonlyMap<string, (value: ConfigValue) => Patch> = new Map<string, (value: ConfigValue) => Patch>([
  [
    'cleanup.policy',
    (value) => ({ compact: texts(value).includes('compact'), delete: texts(value).includes('delete') }),
  ],
  ['compression.gzip.level', (value) => ({ compressionGzipLevel: number(value) })],
  ['compression.lz4.level', (value) => ({ compressionLz4Level: number(value) })],
  ['compression.type', (value) => ({ compressionType: compression(value) })],
  ['compression.zstd.level', (value) => ({ compressionZstdLevel: number(value) })],
  ['delete.retention.ms', (value) => ({ deleteRetentionMs: number(value) })],
  ['file.delete.delay.ms', (value) => ({ fileDeleteDelayMs: number(value) })],
  ['flush.messages', (value) => ({ flushMessages: number(value) })],
  ['flush.ms', (value) => ({ flushMs: number(value) })],
  ['follower.replication.throttled.replicas', (value) => ({ followerReplicationThrottledReplicas: texts(value) })],
  ['index.interval.bytes', (value) => ({ indexIntervalBytes: number(value) })],
  ['internal.segment.bytes', (value) => (value === null ? {} : { segmentBytes: number(value) })],
  ['leader.replication.throttled.replicas', (value) => ({ leaderReplicationThrottledReplicas: texts(value) })],
  ['local.retention.bytes', (value) => ({ localRetentionBytes: number(value) })],
  ['local.retention.ms', (value) => ({ localRetentionMs: number(value) })],
  ['max.compaction.lag.ms', (value) => ({ maxCompactionLagMs: number(value) })],
  ['max.message.bytes', (value) => ({ maxMessageBytes: number(value) })],
  ['message.timestamp.after.max.ms', (value) => ({ messageTimestampAfterMaxMs: number(value) })],
  ['message.timestamp.before.max.ms', (value) => ({ messageTimestampBeforeMaxMs: number(value) })],
  [
    'message.timestamp.type',
    (value) => ({ messageTimestampType: value === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime' }),
  ],
  ['min.cleanable.dirty.ratio', (value) => ({ minCleanableDirtyRatio: number(value) })],
  ['min.compaction.lag.ms', (value) => ({ minCompactionLagMs: number(value) })],
  ['min.insync.replicas', (value) => ({ minInsyncReplicas: number(value) })],
  ['preallocate', (value) => ({ preallocate: value === true })],
  ['remote.log.copy.disable', (value) => ({ remoteLogCopyDisable: value === true })],
  ['remote.storage.enable', (value) => ({ remoteStorageEnable: value === true })],
  ['retention.bytes', (value) => ({ retentionBytes: Math.max(number(value), -1) })],
  ['retention.ms', (value) => ({ retentionMs: Math.max(number(value), -1) })],
  ['segment.bytes', (value) => ({ segmentBytes: number(value) })],
  ['segment.index.bytes', (value) => ({ segmentIndexBytes: number(value) })],
  ['segment.jitter.ms', (value) => ({ segmentJitterMs: number(value) })],
  ['segment.ms', (value) => ({ segmentMs: number(value) })],
  ['unclean.leader.election.enable', (value) => ({ uncleanLeaderElectionEnable: value === true })],
])

const COMPRESSION_TYPES: readonly CompressionType[] = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']

function compression(value: ConfigValue): CompressionType {
  return COMPRESSION_TYPES.find((type) => type === value) ?? 'producer'
}

function texts(value: ConfigValue): readonly string[] {
  return typeof value === 'object' && value !== null ? value : []
}

function number(value: ConfigValue): number {
  return typeof value === 'number' || typeof value === 'bigint' ? clampInt64(value) : 0
}

/** The first broker key of a topic key that has a value, in the topic's unit. */
export function topicDefaultValue(topicKey: string, broker: ReadonlyMap<string, ConfigValue>): ConfigValue {
  const synonyms = TOPIC_SYNONYMS.get(topicKey)
  if (!synonyms) return TOPIC_TABLE.get(topicKey)?.default ?? null
  for (const { key, factor } of synonyms) {
    const value = broker.get(key) ?? null
    if (value === null) continue
    if (factor === 1 || (typeof value !== 'number' && typeof value !== 'bigint')) return value
    // A negative number of hours or minutes means no limit, not minus so many hours.
    return value < 0 ? -1 : number(value) * factor
  }
  return null
}

/** What topics without overrides get from this broker's keys. */
export function topicDefaults(broker: ReadonlyMap<string, ConfigValue>): LogConfig {
  let config = DEFAULT_LOG_CONFIG
  for (const topicKey of TOPIC_SYNONYMS.keys()) {
    const value = topicDefaultValue(topicKey, broker)
    if (value !== null) config = { ...config, ...PATCHES.get(topicKey)?.(value) }
  }
  return config
}

/**
 * The settings of a topic's logs. An override that cannot be read (it was written by another release) is reported and
 * leaves the default in force; one that is merely out of this release's range is obeyed.
 */
export function topicLogConfig(
  defaults: LogConfig,
  overrides: ReadonlyMap<string, string>,
  onUnreadable: (key: string, reason: string) => void = () => {},
): LogConfig {
  let config = defaults
  for (const [name, raw] of [...overrides].sort(internalLast)) {
    const patch = PATCHES.get(name)
    const key = TOPIC_TABLE.get(name)
    if (!patch || !key) continue
    try {
      config = { ...config, ...patch(parseConfigValue(name, key.type, raw)) }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      onUnreadable(name, error.message)
    }
  }
  return config
}

/** internal.segment.bytes wins over segment.bytes. */
function internalLast([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return Number(left.startsWith('internal.')) - Number(right.startsWith('internal.'))
}

export interface TopicRules {
  /** The broker's values by broker key (`BrokerConfig.values`). */
  readonly broker: ReadonlyMap<string, ConfigValue>
  readonly remoteStorageSystemEnable: boolean
}

/**
 * Refuses overrides that Kafka refuses, in its words.
 * @throws KafkaError INVALID_CONFIG
 */
export function validateTopicConfig(overrides: ReadonlyMap<string, string>, rules: TopicRules): void {
  try {
    checkTopicConfig(overrides, rules)
  } catch (error) {
    throw error instanceof ConfigError ? new KafkaError('INVALID_CONFIG', error.message) : error
  }
}

function checkTopicConfig(overrides: ReadonlyMap<string, string>, rules: TopicRules): void {
  const values = new Map<string, ConfigValue>()
  for (const name of overrides.keys()) {
    if (!TOPIC_TABLE.has(name)) throw new ConfigError(`Unknown topic config name: ${name}`)
  }
  for (const key of TOPIC_KEYS_READ) {
    const raw = overrides.get(key.name)
    values.set(key.name, raw === undefined ? topicDefaultValue(key.name, rules.broker) : readConfigValue(key, raw))
  }
  const value = (name: string): ConfigValue => values.get(name) ?? null
  const [minLag, maxLag] = [value('min.compaction.lag.ms'), value('max.compaction.lag.ms')]
  if (minLag !== null && maxLag !== null && minLag > maxLag) {
    throw new ConfigError(
      `conflict topic config setting min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`,
    )
  }
  if (value('remote.storage.enable') === true) checkRemoteStorage(value, rules)
}

function checkRemoteStorage(value: (name: string) => ConfigValue, rules: TopicRules): void {
  if (!rules.remoteStorageSystemEnable) {
    const consequence = 'Topic cannot be configured with remote log storage.'
    throw new ConfigError(`Tiered Storage functionality is disabled in the broker. ${consequence}`)
  }
  if (texts(value('cleanup.policy')).includes('compact')) {
    const only = 'cleanup.policy=delete or cleanup.policy being an empty list.'
    throw new ConfigError(`Remote log storage only supports topics with ${only}`)
  }
  for (const [local, total] of [
    ['local.retention.ms', 'retention.ms'],
    ['local.retention.bytes', 'retention.bytes'],
  ] as const) {
    const [localLimit, limit] = [number(value(local)), number(value(total))]
    if (limit === -1 || localLimit === -2) continue
    if (localLimit === -1) {
      throw ConfigError.invalid(local, localLimit, `Value must not be -1 as ${total} value is set as ${limit}.`)
    }
    if (localLimit > limit) {
      throw ConfigError.invalid(local, localLimit, `Value must not be more than ${total} property value: ${limit}`)
    }
  }
}
