/** The logs of a node, loaded with what the metadata says of their topics. */
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import type { ByteQuota } from '../metrics/byte-quota.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { LogManager } from '../storage/log-manager.ts'
import { TailCache } from '../storage/tail-cache.ts'
import type { DynamicConfigs } from './dynamic-configs.ts'
import type { NodeOptions } from './node-options.ts'

/** Bytes that were written last, kept for readers at the tail. */
const TAIL_CACHE_BYTES = 32 * 1024 * 1024
/** Disk operations of one directory under way while loading or closing: below the size of the thread pool. */
const DISK_OPERATIONS_MAX = 3

export async function loadLogs(
  { world, config, logger, tailCacheBytes, poison }: NodeOptions,
  directories: LogDirectories,
  configs: DynamicConfigs,
  image: MetadataImage,
  moveQuota: ByteQuota,
): Promise<LogManager> {
  const replicaOf = ({ topicId, topicPartition: { topic, partition }, assignedEnd }: PartitionLog) => {
    // The id is written before the first record: a log without one that is empty can be taken over by its name.
    const isEmpty = topicId === null && assignedEnd === 0
    const known = topicId !== null ? image.topics.byId(topicId) : isEmpty ? image.topics.byName(topic) : null
    const found = known?.partitions[partition]
    const at = found?.replicas.indexOf(config.nodeId) ?? -1
    return at < 0 ? null : { directoryId: found?.directories[at] ?? null }
  }
  const topicConfigs = new Map(
    [...image.configs.all()]
      .filter(({ type }) => type === CONFIG_RESOURCE.TOPIC)
      .map(({ name }) => [name, configs.topicConfig(image, name)]),
  )
  return LogManager.load({
    ...world,
    logger,
    directories: { ...directories, live: directories.live.filter(({ path }) => config.logDirs.includes(path)) },
    defaultConfig: configs.current.topicDefaults,
    topicConfigs,
    producerIdExpirationMs: config.producerIdExpirationMs,
    tailCache: new TailCache(tailCacheBytes ?? TAIL_CACHE_BYTES, poison ?? false),
    intervals: {
      recoveryPointCheckpointMs: config.logFlushOffsetCheckpointIntervalMs,
      logStartCheckpointMs: config.logFlushStartOffsetCheckpointIntervalMs,
      highWatermarkCheckpointMs: config.replicaHighWatermarkCheckpointIntervalMs,
      initialDelayMs: config.logInitialTaskDelayMs,
      retentionCheckMs: config.logRetentionCheckIntervalMs,
      flushSchedulerMs: config.logFlushSchedulerIntervalMs,
      producerExpirationCheckMs: config.producerIdExpirationCheckIntervalMs,
    },
    inFlightMax: DISK_OPERATIONS_MAX,
    isKnown: (log) => replicaOf(log) !== null,
    assignedDirectory: (log) => replicaOf(log)?.directoryId ?? null,
    moveLimits: {
      quota: moveQuota,
      lanes: Math.max(1, config.numReplicaAlterLogDirsThreads ?? config.logDirs.length),
      pauseMs: config.replicaFetchBackoffMs,
    },
  })
}
