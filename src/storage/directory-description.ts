/** What DescribeLogDirs tells of each log directory. */
import type { Uuid } from '../base/uuid.ts'
import type { Disk } from '../world/world.ts'
import type { LogDirectory } from './log-directory.ts'
import type { LogReplica, LogReplicas } from './log-replicas.ts'

export interface DirectoryDescription {
  readonly path: string
  /** Null if its disk failed before its identity was read. */
  readonly id: Uuid | null
  /** An offline directory has no partitions, and -1 for its space. */
  readonly isOffline: boolean
  readonly totalBytes: number
  readonly usableBytes: number
  readonly partitions: readonly PartitionDescription[]
}

export interface PartitionDescription {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
  /** Current: how far the log's end is behind the high watermark. Future: behind the current log's end; -1 if there is none. */
  readonly offsetLag: number
  readonly isFuture: boolean
}

export function describeDirectories(
  disk: Disk,
  directories: readonly LogDirectory[],
  offlinePaths: readonly string[],
  replicas: LogReplicas,
): Promise<DirectoryDescription[]> {
  const offline = (path: string, id: Uuid | null): DirectoryDescription => {
    return { path, id, isOffline: true, totalBytes: -1, usableBytes: -1, partitions: [] }
  }
  return Promise.all([
    ...directories.map(async (directory) => {
      if (directory.isOffline) return offline(directory.path, directory.id)
      const space = await disk.space(directory.path).catch(() => ({ total: -1, usable: -1 }))
      if (directory.isOffline) return offline(directory.path, directory.id)
      return {
        path: directory.path,
        id: directory.id,
        isOffline: false,
        totalBytes: space.total,
        usableBytes: space.usable,
        partitions: replicas.in(directory).map((replica) => describePartition(replica, replicas)),
      }
    }),
    ...offlinePaths.map((path) => Promise.resolve(offline(path, null))),
  ])
}

function describePartition({ log, isFuture }: LogReplica, replicas: LogReplicas): PartitionDescription {
  const { topic, partition } = log.topicPartition
  const current = replicas.get(topic, partition)
  let offsetLag = Math.max(log.highWatermark - log.writtenEnd, 0)
  if (isFuture) offsetLag = current === null ? -1 : current.log.writtenEnd - log.writtenEnd
  return { topic, partition, sizeBytes: log.sizeBytes, offsetLag, isFuture }
}
