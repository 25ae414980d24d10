/**
 * DescribeLogDirs v0-5 (KIP-113): log directories, the partitions in them, their sizes and how far behind they are. v4 tells
 * the volume's space; an offline directory answers KAFKA_STORAGE_ERROR.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  DescribeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from '../../protocol/generated/describe-log-dirs.ts'
import type { PartitionDescription } from '../../storage/directory-description.ts'
import { handler } from '../handler.ts'

export const describeLogDirsHandler = handler(DescribeLogDirs, {
  handle: async (services, request): Promise<Init<DescribeLogDirsResponse>> => {
    const directories = await services.logs.describe()
    return {
      results: directories.map(({ path, isOffline, totalBytes, usableBytes, partitions }) => ({
        errorCode: isOffline ? ERROR_CODES.KAFKA_STORAGE_ERROR : 0,
        logDir: path,
        topics: byTopic(partitions.filter((partition) => isAsked(request, partition))),
        totalBytes,
        usableBytes,
      })),
    }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})

function isAsked({ topics }: DescribeLogDirsRequest, { topic, partition }: PartitionDescription): boolean {
  return topics === null || topics.some((asked) => asked.topic === topic && asked.partitions.includes(partition))
}

function byTopic(partitions: readonly PartitionDescription[]): Init<DescribeLogDirsResponse.DescribeLogDirsTopic>[] {
  const topics = new Map<string, Init<DescribeLogDirsResponse.DescribeLogDirsPartition>[]>()
  for (const { topic, partition, sizeBytes, offsetLag, isFuture } of partitions) {
    const rows = topics.get(topic) ?? []
    rows.push({ partitionIndex: partition, partitionSize: sizeBytes, offsetLag, isFutureKey: isFuture })
    topics.set(topic, rows)
  }
  return [...topics].map(([name, rows]) => ({ name, partitions: rows }))
}
