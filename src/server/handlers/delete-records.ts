/**
 * DeleteRecords v0-2: moves the start of a log; -1 stands for the high watermark. The records are gone for readers when the
 * answer comes, their segments with the next run of retention.
 */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  DeleteRecords,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from '../../protocol/generated/delete-records.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'
import { isInternal } from '../topic-names.ts'
import { notHosted } from '../not-hosted.ts'

const HIGH_WATERMARK = -1

export const deleteRecordsHandler = handler(DeleteRecords, {
  handle: (services, request) => ({
    topics: wantedOf(request).map(([name, partitions]) => ({
      name,
      partitions: partitions.map((partition) => answer(services, name, partition)),
    })),
  }),
})

/** Of a partition that is named twice the last counts; a topic without partitions isn't answered. */
function wantedOf({ topics }: DeleteRecordsRequest): [string, DeleteRecordsRequest.DeleteRecordsPartition[]][] {
  const wanted = new Map<string, Map<number, DeleteRecordsRequest.DeleteRecordsPartition>>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const known = wanted.get(name) ?? new Map<number, DeleteRecordsRequest.DeleteRecordsPartition>()
    wanted.set(name, known)
    for (const partition of partitions) known.set(partition.partitionIndex, partition)
  }
  return [...wanted].map(([name, partitions]) => [name, [...partitions.values()]])
}

function answer(
  services: Services,
  topic: string,
  { partitionIndex, offset }: DeleteRecordsRequest.DeleteRecordsPartition,
): Init<DeleteRecordsResponse.DeleteRecordsPartitionResult> {
  try {
    const hosted = services.replicas.partition(topic, partitionIndex)
    if (hosted === null) throw notHosted(services, topic, partitionIndex)
    if (isInternal(topic))
      throw new KafkaError('INVALID_TOPIC_EXCEPTION', `records of internal topic ${topic} are its coordinator's`)
    const log = hosted.leaderLog()
    // With neither policy nothing is ever deleted but by this request.
    if (log.config.compact && !log.config.delete) {
      throw new KafkaError('POLICY_VIOLATION', `${topic} is not configured with delete in its cleanup.policy`)
    }
    const wanted = clampInt64(offset)
    log.deleteRecordsBefore(wanted === HIGH_WATERMARK ? log.highWatermark : wanted)
    return { partitionIndex, lowWatermark: log.startOffset }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, lowWatermark: -1, errorCode: error.errno }
  }
}
