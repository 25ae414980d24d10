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
    // Of a partition that is named twice the last directory counts.
    const paths = new Map<string, Map<number, string>>()
    for (const { path, topic, partition } of moves(request)) {
      const known = paths.get(topic) ?? new Map<number, string>()
      paths.set(topic, known.set(partition, path))
    }
    const results: Init<AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult>[] = []
    for (const [topicName, byPartition] of paths) {
      const partitions: PartitionResult[] = []
      for (const [partitionIndex, path] of byPartition) {
        partitions.push({ partitionIndex, errorCode: await move(services, topicName, partitionIndex, path) })
      }
      results.push({ topicName, partitions })
    }
    return { results }
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
