/**
 * The part of the broker's configuration that group coordination reads, named as Kafka's keys.
 */
import type { Codec } from '../../records/batch.ts'

export interface GroupCoordinatorConfig {
  /** `offsets.topic.num.partitions` at the creation of the topic: must never change. */
  readonly offsetsTopicPartitions: number
  /** `offsets.topic.compression.codec` */
  readonly offsetsTopicCodec: Codec
  /** `group.min.session.timeout.ms` */
  readonly minSessionTimeoutMs: number
  /** `group.max.session.timeout.ms` */
  readonly maxSessionTimeoutMs: number
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number
  /** `group.max.size` */
  readonly maxGroupSize: number
  /** `offset.metadata.max.bytes`, counted in UTF-16 units as Kafka does. */
  readonly offsetMetadataMaxLength: number
  /** `offsets.commit.timeout.ms` */
  readonly writeTimeoutMs: number
  /** `offsets.retention.minutes` in milliseconds */
  readonly offsetsRetentionMs: number
  /** `offsets.retention.check.interval.ms` */
  readonly offsetsRetentionCheckIntervalMs: number
  /** `group.coordinator.append.linger.ms`; -1: everything decided in one turn of the loop goes into one batch. */
  readonly appendLingerMs: number
}

/** Read anew for each request, so that a dynamic change takes effect at once. */
export interface GroupConfigSource {
  readonly current: GroupCoordinatorConfig
}

/** Kafka's defaults, except for the number of partitions, which a caller must know. */
export const GROUP_CONFIG_DEFAULTS: GroupCoordinatorConfig = {
  offsetsTopicPartitions: 50,
  offsetsTopicCodec: 'none',
  minSessionTimeoutMs: 6000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 3000,
  maxGroupSize: 2_147_483_647,
  offsetMetadataMaxLength: 4096,
  writeTimeoutMs: 5000,
  offsetsRetentionMs: 10_080 * 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  appendLingerMs: -1,
}
