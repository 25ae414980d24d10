/** Records of __remote_log_metadata as Kafka prints them: the toString of its classes. */
import { MalformedError } from '../../base/byte-reader.ts'
import type { RemoteLogSegmentMetadataRecord } from '../../protocol/generated/remote-log-segment-metadata-record.ts'
import { REMOTE_LOG_RECORD_NAMES, REMOTE_LOG_RECORDS } from '../../protocol/generated/remote-log-records.ts'
import { readFramedHead, readFramedMessage } from '../../protocol/record-framing.ts'

const SEGMENT_STATES = [
  'COPY_SEGMENT_STARTED',
  'COPY_SEGMENT_FINISHED',
  'DELETE_SEGMENT_STARTED',
  'DELETE_SEGMENT_FINISHED',
]
const PARTITION_STATES = ['DELETE_PARTITION_MARKED', 'DELETE_PARTITION_STARTED', 'DELETE_PARTITION_FINISHED']

/** @throws MalformedError */
export function remoteLogRecordText(value: Buffer): string {
  const head = readFramedHead(value)
  switch (REMOTE_LOG_RECORD_NAMES.get(head.id)) {
    case 'RemoteLogSegmentMetadataRecord': {
      const record = readFramedMessage(REMOTE_LOG_RECORDS.RemoteLogSegmentMetadataRecord.codec, value, head)
      return classText('RemoteLogSegmentMetadata', [
        ['remoteLogSegmentId', segmentId(record.remoteLogSegmentId)],
        ['startOffset', record.startOffset],
        ['endOffset', record.endOffset],
        ['brokerId', record.brokerId],
        ['maxTimestampMs', record.maxTimestampMs],
        ['eventTimestampMs', record.eventTimestampMs],
        ['segmentLeaderEpochs', epochs(record.segmentLeaderEpochs)],
        ['segmentSizeInBytes', record.segmentSizeInBytes],
        ['customMetadata', customMetadata(record.customMetadata)],
        ['state', SEGMENT_STATES[record.remoteLogSegmentState] ?? 'null'],
        ['txnIdxEmpty', record.txnIndexEmpty],
      ])
    }
    case 'RemoteLogSegmentMetadataUpdateRecord': {
      const record = readFramedMessage(REMOTE_LOG_RECORDS.RemoteLogSegmentMetadataUpdateRecord.codec, value, head)
      return classText('RemoteLogSegmentMetadataUpdate', [
        ['remoteLogSegmentId', segmentId(record.remoteLogSegmentId)],
        ['customMetadata', customMetadata(record.customMetadata)],
        ['state', SEGMENT_STATES[record.remoteLogSegmentState] ?? 'null'],
        ['eventTimestampMs', record.eventTimestampMs],
        ['brokerId', record.brokerId],
      ])
    }
    case 'RemotePartitionDeleteMetadataRecord': {
      const record = readFramedMessage(REMOTE_LOG_RECORDS.RemotePartitionDeleteMetadataRecord.codec, value, head)
      return classText('RemotePartitionDeleteMetadata', [
        ['topicPartition', partition(record.topicIdPartition)],
        ['state', PARTITION_STATES[record.remotePartitionDeleteState] ?? 'null'],
        ['eventTimestampMs', record.eventTimestampMs],
        ['brokerId', record.brokerId],
      ])
    }
    case 'RemoteLogSegmentMetadataSnapshotRecord': {
      const record = readFramedMessage(REMOTE_LOG_RECORDS.RemoteLogSegmentMetadataSnapshotRecord.codec, value, head)
      return classText('RemoteLogSegmentMetadataSnapshot', [
        ['segmentId', record.segmentId],
        ['startOffset', record.startOffset],
        ['endOffset', record.endOffset],
        ['maxTimestampMs', record.maxTimestampMs],
        ['segmentLeaderEpochs', epochs(record.segmentLeaderEpochs)],
        ['segmentSizeInBytes', record.segmentSizeInBytes],
        ['customMetadata', customMetadata(record.customMetadata)],
        ['state', SEGMENT_STATES[record.remoteLogSegmentState] ?? 'null'],
        ['txnIdxEmpty', record.txnIndexEmpty],
      ])
    }
    case undefined:
      throw new MalformedError(`Unknown api key ${head.id}`)
  }
}

function classText(name: string, fields: readonly (readonly [string, unknown])[]): string {
  return `${name}{${fields.map(([field, value]) => `${field}=${String(value)}`).join(', ')}}`
}

function segmentId({ topicIdPartition, id }: RemoteLogSegmentMetadataRecord.RemoteLogSegmentIdEntry): string {
  return classText('RemoteLogSegmentId', [
    ['topicIdPartition', partition(topicIdPartition)],
    ['id', id],
  ])
}

function partition(entry: RemoteLogSegmentMetadataRecord.TopicIdPartitionEntry): string {
  return `${entry.id}:${entry.name}-${entry.partition}`
}

function epochs(entries: readonly RemoteLogSegmentMetadataRecord.SegmentLeaderEpochEntry[]): string {
  const sorted = [...entries].sort((one, other) => one.leaderEpoch - other.leaderEpoch)
  return `{${sorted.map(({ leaderEpoch, offset }) => `${leaderEpoch}=${offset}`).join(', ')}}`
}

function customMetadata(bytes: Buffer | null): string {
  return bytes === null ? 'Optional.empty' : `Optional[CustomMetadata{${bytes.length} bytes}]`
}
