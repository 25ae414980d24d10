/**
 * AlterReplicaLogDirs v0-2 (KIP-113): moves replicas of this broker to other log directories. The answer says that a move
 * has begun; DescribeLogDirs tells how far it is.
 *
 * A directory that isn't configured is LOG_DIR_NOT_FOUND, an offline one KAFKA_STORAGE_ERROR, on either side. A partition
 * without a log here is REPLICA_NOT_AVAILABLE, and will be created there if it ever comes; one that does not exist is
 * UNKNOWN_TOPIC_OR_PARTITION.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  AlterReplicaLogDirs,
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
} from '../../protocol/generated/alter-replica-log-dirs.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

type PartitionResult = Init<AlterReplicaLogDirsResponse.AlterReplicaLogDirPartitionResult>

export const alterReplicaLogDirsHandler = handler(AlterReplicaLogDirs, {
  handle: async (services, request) => {
    const topics = new Map<string, PartitionResult[]>()
    for (const { path, topic, partition } of moves(request)) {
      const rows = topics.get(topic) ?? []
      topics.set(topic, rows)
      rows.push({ partitionIndex: partition, errorCode: await move(services, topic, partition, path) })
    }
    return { results: [...topics].map(([topicName, partitions]) => ({ topicName, partitions })) }
  },
})

function* moves({ dirs }: AlterReplicaLogDirsRequest): Generator<{ path: string; topic: string; partition: number }> {
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      for (const partition of partitions) yield { path, topic: name, partition }
    }
  }
}

async function move(services: Services, topic: string, partition: number, path: string): Promise<number> {
  try {
    await services.logs.moveTo(topic, partition, path)
    return ERROR_CODES.NONE
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const exists = services.image().topics.partition(topic, partition) !== null
    if (error.code === 'REPLICA_NOT_AVAILABLE' && !exists) return ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION
    return error.errno
  }
}
