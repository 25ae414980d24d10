/** The logs of a node, loaded with what the metadata says of their topics. */
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { LogDirectories } from '../storage/log-directories.ts'
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
): Promise<LogManager> {
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
    isKnown: ({ topicId, topicPartition: { topic, partition }, assignedEnd }) => {
      // The id is written before the first record: a log without one that is empty can be taken over by its name.
      const isEmpty = topicId === null && assignedEnd === 0
      const known = topicId !== null ? image.topics.byId(topicId) : isEmpty ? image.topics.byName(topic) : null
      return known?.partitions[partition]?.replicas.includes(config.nodeId) === true
    },
  })
}
