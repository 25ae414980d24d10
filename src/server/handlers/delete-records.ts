/**
 * DeleteRecords v0-2: moves the start of a log; -1 stands for the high watermark. The records are gone for readers of every
 * replica that is up when the answer comes, their segments with the next run of retention. If a replica takes longer than the
 * request's time, the answer is REQUEST_TIMED_OUT; its records go nevertheless.
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
  handle: async (services, request) => ({
    topics: await Promise.all(
      wantedOf(request).map(async ([name, partitions]) => ({
        name,
        partitions: await Promise.all(
          partitions.map((partition) => answer(services, name, partition, request.timeoutMs)),
        ),
      })),
    ),
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

async function answer(
  services: Services,
  topic: string,
  { partitionIndex, offset }: DeleteRecordsRequest.DeleteRecordsPartition,
  timeoutMs: number,
): Promise<Init<DeleteRecordsResponse.DeleteRecordsPartitionResult>> {
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
    const before = wanted === HIGH_WATERMARK ? log.highWatermark : wanted
    log.deleteRecordsBefore(before)
    const lowWatermark = hosted.lowWatermark(log)
    if (lowWatermark >= before) return { partitionIndex, lowWatermark }
    return await hosted.whenDeleted(before, timeoutMs).then(
      () => ({ partitionIndex, lowWatermark: hosted.lowWatermark(log) }),
      (error: KafkaError) => ({
        partitionIndex,
        // Where it stood when the wait began.
        lowWatermark: error.code === 'REQUEST_TIMED_OUT' ? lowWatermark : -1,
        errorCode: error.errno,
      }),
    )
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, lowWatermark: -1, errorCode: error.errno }
  }
}
