/**
 * What a produced batch is checked against, and what comes out of the check: the common ground of validator.ts (magic 2),
 * old-messages.ts (magic 0 and 1) and record-errors.ts. The values are the topic's configuration and the request's version.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { Int64 } from '../base/int64.ts'
import { NO_TIMESTAMP, type Codec } from './batch.ts'
import { InvalidRecords } from './invalid-records.ts'

export type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface TopicCompression {
  /** compression.type of the topic. */
  readonly type: 'producer' | 'uncompressed' | Codec
  /** compression.gzip.level and its like; the codec's default when left out. */
  readonly gzipLevel?: number
  readonly lz4Level?: number
  readonly zstdLevel?: number
}

export interface ProduceOptions {
  readonly nowMs: number
  readonly timestampType: TimestampType
  /** message.timestamp.before.max.ms and …after.max.ms. */
  readonly beforeMaxMs: Int64
  readonly afterMaxMs: Int64
  /** cleanup.policy contains compact: every record needs a key. */
  readonly compactedTopic: boolean
  readonly compression: TopicCompression
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  /** Magic 0 and 1, which producers before 0.11 send (Produce v0-2). */
  readonly allowOldMagic: boolean
  /** Version of the Produce request. */
  readonly requestVersion: number
  /** Coordinators may write control batches; 'client' when left out. */
  readonly origin?: 'client' | 'coordinator'
  /** `topic-partition`, for error texts. */
  readonly topicPartition?: string
  /** What one batch may decompress to; `producedBytesMax` of its size when left out. */
  readonly decompressedBytesMax?: number
}

export interface ValidatedRecords {
  /** The input itself (patched) or a batch built anew. */
  readonly records: Buffer
  readonly recordCount: number
  readonly maxTimestamp: Int64
  /** Relative to the first offset that the log will assign: the last offset of the batch with `maxTimestamp`. */
  readonly shallowOffsetOfMaxTimestamp: number
  /** -1 unless the topic has log-append time. */
  readonly logAppendTimeMs: number
  /** Whether it was built anew, so that it is memory of its own. */
  readonly rebuilt: boolean
}

export function targetCodec(compression: TopicCompression, source: Codec): Codec {
  if (compression.type === 'producer') return source
  return compression.type === 'uncompressed' ? 'none' : compression.type
}

export function levelOf(compression: TopicCompression, codec: Codec): { level?: number } {
  const level =
    codec === 'gzip'
      ? compression.gzipLevel
      : codec === 'lz4'
        ? compression.lz4Level
        : codec === 'zstd'
          ? compression.zstdLevel
          : undefined
  return level === undefined ? {} : { level }
}

export function result(
  records: Buffer,
  options: ProduceOptions,
  recordCount: number,
  maxTimestamp: Int64,
  rebuilt: boolean,
): ValidatedRecords {
  return {
    records,
    recordCount,
    maxTimestamp,
    shallowOffsetOfMaxTimestamp: maxTimestamp === NO_TIMESTAMP ? -1 : recordCount - 1,
    logAppendTimeMs: options.timestampType === 'LogAppendTime' ? options.nowMs : -1,
    rebuilt,
  }
}

export function refuse(code: ErrorCode, options: ProduceOptions, detail: string): InvalidRecords {
  return new InvalidRecords(code, `${detail}${inPartition(options)}`)
}

/** The end of an error text. */
export function inPartition(options: ProduceOptions): string {
  return options.topicPartition === undefined ? '' : ` in topic partition ${options.topicPartition}`
}
