/** The slice of the broker's settings that its group coordinator works with. */
import type { BrokerConfig } from '../config/broker-config.ts'
import type { GroupCoordinatorConfig } from '../coordinators/group/group-config.ts'
import { CODECS } from '../records/batch.ts'

export function groupSettings(config: BrokerConfig, offsetsTopicPartitions: number): GroupCoordinatorConfig {
  return {
    offsetsTopicPartitions,
    offsetsTopicCodec: CODECS[config.offsetsTopicCompressionCodec] ?? 'none',
    minSessionTimeoutMs: config.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: config.groupMaxSessionTimeoutMs,
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    maxGroupSize: config.groupMaxSize,
    offsetMetadataMaxLength: config.offsetMetadataMaxBytes,
    writeTimeoutMs: config.offsetsCommitTimeoutMs,
    offsetsRetentionMs: config.offsetsRetentionMinutes * 60_000,
    offsetsRetentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
    appendLingerMs: config.groupCoordinatorAppendLingerMs,
  }
}
