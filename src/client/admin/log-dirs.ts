/** Where replicas lie on the disks of brokers (KIP-113): each broker is asked about its own. */
import { clampInt64 } from '../../base/int64.ts'
import { AlterReplicaLogDirs } from '../../protocol/generated/alter-replica-log-dirs.ts'
import { DescribeLogDirs, type DescribeLogDirsResponse } from '../../protocol/generated/describe-log-dirs.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { byId, byName, byReplica, byTopic, type TopicPartition, type TopicPartitionReplica } from './admin-types.ts'
import { Outcomes } from './outcomes.ts'
import { routeBy } from './routes.ts'

export interface ReplicaInfo extends TopicPartition {
  readonly size: number
  /** Offsets that it is behind: of the high watermark, or of the replica that it will replace. */
  readonly offsetLag: number
  /** It is being copied here and will replace the one in another directory. */
  readonly isFuture: boolean
}

export interface LogDirDescription {
  readonly replicas: readonly ReplicaInfo[]
  /** Bytes of the volume; null: a broker before 3.3 does not tell. */
  readonly totalBytes: number | null
  readonly usableBytes: number | null
  /** It gets no new replicas (KIP-1066). */
  readonly isCordoned: boolean
}

/** By directory. One that is offline is the error KAFKA_STORAGE_ERROR. */
export type LogDirs = Outcomes<string, LogDirDescription>

export async function describeLogDirs(
  client: NetworkClient,
  brokers: readonly number[],
  options: CallOptions = {},
): Promise<Outcomes<number, LogDirs>> {
  return askByKey<number, LogDirs>(
    client,
    {
      name: 'describeLogDirs',
      keys: brokers,
      textOf: byId,
      route: routeBy((id) => id),
      ask: async (node, ids) => {
        const dirs = await askLogDirs(node, null)
        return ids.map((id) => [id, dirs] as const)
      },
    },
    options,
  )
}

async function askLogDirs(node: AdminNode, partitions: readonly TopicPartition[] | null): Promise<LogDirs> {
  const topics =
    partitions === null
      ? null
      : byTopic(partitions).map(([topic, items]) => ({ topic, partitions: items.map(({ partition }) => partition) }))
  const answer = await node.ask(DescribeLogDirs, { topics })
  throwOnError(answer.errorCode)
  // Before version 3 a refusal is an answer without directories, which no broker has.
  if (answer.results.length === 0) throwOnError(ERROR_CODES.CLUSTER_AUTHORIZATION_FAILED)
  return new Outcomes<string, LogDirDescription>(
    byName,
    answer.results.map((result) => [result.logDir, errorOf(result.errorCode) ?? logDir(result)]),
  )
}

function logDir(told: DescribeLogDirsResponse.DescribeLogDirsResult): LogDirDescription {
  const totalBytes = clampInt64(told.totalBytes)
  const usableBytes = clampInt64(told.usableBytes)
  return {
    replicas: told.topics.flatMap(({ name, partitions }) => {
      return partitions.map((one) => ({
        topic: name,
        partition: one.partitionIndex,
        size: clampInt64(one.partitionSize),
        offsetLag: clampInt64(one.offsetLag),
        isFuture: one.isFutureKey,
      }))
    }),
    totalBytes: totalBytes < 0 ? null : totalBytes,
    usableBytes: usableBytes < 0 ? null : usableBytes,
    isCordoned: told.isCordoned,
  }
}

export interface ReplicaLogDirInfo {
  /** Null: the broker has no such replica, or its directory is offline. */
  readonly currentReplicaLogDir: string | null
  /** -1 without one. */
  readonly currentReplicaOffsetLag: number
  /** Null: it is not being moved. */
  readonly futureReplicaLogDir: string | null
  readonly futureReplicaOffsetLag: number
}

export async function describeReplicaLogDirs(
  client: NetworkClient,
  replicas: readonly TopicPartitionReplica[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartitionReplica, ReplicaLogDirInfo>> {
  return askByKey<TopicPartitionReplica, ReplicaLogDirInfo>(
    client,
    {
      name: 'describeReplicaLogDirs',
      keys: replicas,
      textOf: byReplica,
      route: routeBy(({ brokerId }) => brokerId),
      ask: async (node, keys) => {
        const dirs = await askLogDirs(node, keys)
        return keys.map((key) => [key, replicaInfo(key, dirs)] as const)
      },
    },
    options,
  )
}

/** @throws the error of a directory that is not merely offline. */
function replicaInfo({ topic, partition }: TopicPartition, dirs: LogDirs): ReplicaLogDirInfo {
  let current: readonly [string, ReplicaInfo] | null = null
  let future: readonly [string, ReplicaInfo] | null = null
  for (const [path, dir] of dirs) {
    if (dir instanceof Error) continue
    for (const replica of dir.replicas) {
      if (replica.topic !== topic || replica.partition !== partition) continue
      if (replica.isFuture) future = [path, replica]
      else current = [path, replica]
    }
  }
  return {
    currentReplicaLogDir: current?.[0] ?? null,
    currentReplicaOffsetLag: current?.[1].offsetLag ?? -1,
    futureReplicaLogDir: future?.[0] ?? null,
    futureReplicaOffsetLag: future?.[1].offsetLag ?? -1,
  }
}

export interface ReplicaMove extends TopicPartitionReplica {
  /** The absolute path of one of the broker's log.dirs. */
  readonly logDir: string
}

/** A replica that does not exist yet is made there, and the error is REPLICA_NOT_AVAILABLE. */
export async function alterReplicaLogDirs(
  client: NetworkClient,
  moves: readonly ReplicaMove[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartitionReplica, void>> {
  const wanted = new Map(moves.map((move) => [byReplica(move), move.logDir]))
  return askByKey<TopicPartitionReplica, void>(
    client,
    {
      name: 'alterReplicaLogDirs',
      keys: moves.map(({ topic, partition, brokerId }) => ({ topic, partition, brokerId })),
      textOf: byReplica,
      route: routeBy(({ brokerId }) => brokerId),
      ask: async (node, keys) => {
        const brokerId = keys[0]?.brokerId ?? -1
        const paths = new Map<string, TopicPartitionReplica[]>()
        for (const key of keys) {
          const path = wanted.get(byReplica(key))!
          paths.set(path, [...(paths.get(path) ?? []), key])
        }
        const dirs = [...paths].map(([path, items]) => ({
          path,
          topics: byTopic(items).map(([name, parts]) => ({
            name,
            partitions: parts.map(({ partition }) => partition),
          })),
        }))
        const answer = await node.ask(AlterReplicaLogDirs, { dirs })
        return answer.results.flatMap(({ topicName, partitions }) => {
          return partitions.map(({ partitionIndex, errorCode }) => {
            return [{ topic: topicName, partition: partitionIndex, brokerId }, errorOf(errorCode) ?? undefined] as const
          })
        })
      },
    },
    options,
  )
}
