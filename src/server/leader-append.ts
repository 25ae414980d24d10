/** What all appends of a leader share, be they a producer's or a transaction's markers: the topic's rules, and acks=all. */
import { unclampInt64 } from '../base/int64.ts'
import type { LogConfig } from '../config/log-config.ts'
import type { ProduceOptions } from '../records/produce-options.ts'
import type { Partition } from '../replication/partition.ts'

/** Resolves when every in-sync replica has all below `end`. Rejects with KafkaError, REQUEST_TIMED_OUT among them. */
export async function awaitCommit(timeoutMs: number, hosted: Partition, end: number): Promise<void> {
  const log = hosted.log
  if (log === null || log.highWatermark < end) await hosted.whenCommitted(end, timeoutMs)
  if (hosted.log !== null) hosted.checkInSyncReplicas(hosted.log, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND')
}

/** `requestVersion` is that of Produce. */
export function produceOptions(
  config: LogConfig,
  requestVersion: number,
  nowMs: number,
  topicPartition: string,
): ProduceOptions {
  return {
    nowMs,
    timestampType: config.messageTimestampType,
    // They are told to who is out of them.
    beforeMaxMs: unclampInt64(config.messageTimestampBeforeMaxMs),
    afterMaxMs: unclampInt64(config.messageTimestampAfterMaxMs),
    compactedTopic: config.compact,
    compression: {
      type: config.compressionType,
      gzipLevel: config.compressionGzipLevel,
      lz4Level: config.compressionLz4Level,
      zstdLevel: config.compressionZstdLevel,
    },
    maxMessageBytes: config.maxMessageBytes,
    segmentBytes: config.segmentBytes,
    allowOldMagic: true,
    requestVersion,
    topicPartition,
  }
}
