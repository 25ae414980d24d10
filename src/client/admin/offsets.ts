/** Offsets of partitions by time, and records deleted up to one: both answered by the partition's leader. */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { DeleteRecords } from '../../protocol/generated/delete-records.ts'
import { ListOffsets, type ListOffsetsResponse } from '../../protocol/generated/list-offsets.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, isRetriable } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { byPartition, byTopic, type TopicPartition } from './admin-types.ts'
import type { Outcomes } from './outcomes.ts'
import { routeToLeaders } from './routes.ts'

/**
 * Which offset: of the first record (`earliest`), the next to come (`latest`), the record with the largest timestamp
 * (`maxTimestamp`), the first on the broker's own disk (`earliestLocal`), the last in the remote tier (`latestTiered`), the
 * first that waits for it (`earliestPendingUpload`), or the first not older than `timestamp` (ms since 1970).
 */
export type OffsetSpec = NamedOffset | { readonly timestamp: number }

export type NamedOffset = keyof typeof SPECS

/** The number that stands for each in a request, and the version that knows it. */
const SPECS = {
  latest: { timestamp: -1, version: 0 },
  earliest: { timestamp: -2, version: 0 },
  maxTimestamp: { timestamp: -3, version: 7 },
  earliestLocal: { timestamp: -4, version: 8 },
  latestTiered: { timestamp: -5, version: 9 },
  earliestPendingUpload: { timestamp: -6, version: 11 },
} as const

export const NAMED_OFFSETS = Object.keys(SPECS) as NamedOffset[]

export interface PartitionOffsetSpec extends TopicPartition {
  readonly spec: OffsetSpec
}

export interface ListedOffset {
  /** -1: there is no such record. */
  readonly offset: number
  /** Of the record, in ms since 1970; -1 where the answer is not about a record. */
  readonly timestamp: number
  /** Null: the broker does not tell. */
  readonly leaderEpoch: number | null
}

export interface ListOffsetsOptions extends CallOptions {
  /** With `read_committed` `latest` is the end of what is decided. `read_uncommitted` if left out. */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed'
}

export async function listOffsets(
  client: NetworkClient,
  partitions: readonly PartitionOffsetSpec[],
  options: ListOffsetsOptions = {},
): Promise<Outcomes<TopicPartition, ListedOffset>> {
  const isCommitted = options.isolationLevel === 'read_committed'
  const wanted = new Map(partitions.map((one) => [byPartition(one), one.spec]))
  return askByKey<TopicPartition, ListedOffset>(
    client,
    {
      name: 'listOffsets',
      keys: partitions.map(({ topic, partition }) => ({ topic, partition })),
      textOf: byPartition,
      route: routeToLeaders('fail'),
      isPassing: isRetriable,
      ask: async (node, keys) => {
        const asked = keys.map((key) => ({ ...key, spec: wanted.get(byPartition(key))! }))
        const versionOf = ({ spec }: PartitionOffsetSpec): number => {
          return Math.max(isCommitted ? 2 : 0, typeof spec === 'string' ? SPECS[spec].version : 1)
        }
        const known = node.versions.choose(ListOffsets)
        const served = asked.filter((one) => versionOf(one) <= known)
        const refused = asked.filter((one) => versionOf(one) > known)
        const answers = served.length === 0 ? [] : await askOffsets(node, served, isCommitted)
        return [
          ...answers,
          ...refused.map(({ topic, partition, spec }) => [{ topic, partition }, tooOld(spec, known)] as const),
        ]
      },
    },
    options,
  )
}

function tooOld(spec: OffsetSpec, version: number): KafkaError {
  const what = typeof spec === 'string' ? `'${spec}'` : 'offsets by timestamp'
  return new KafkaError('UNSUPPORTED_VERSION', `The broker's ListOffsets, version ${version}, does not know ${what}.`)
}

async function askOffsets(
  node: AdminNode,
  partitions: readonly PartitionOffsetSpec[],
  isCommitted: boolean,
): Promise<(readonly [TopicPartition, ListedOffset | Error])[]> {
  const topics = byTopic(partitions).map(([name, items]) => ({
    name,
    partitions: items.map(({ partition, spec }) => ({
      partitionIndex: partition,
      timestamp: typeof spec === 'string' ? SPECS[spec].timestamp : spec.timestamp,
    })),
  }))
  const request = { replicaId: -1, isolationLevel: isCommitted ? 1 : 0, topics, timeoutMs: node.timeoutMs }
  const answer = await node.ask(ListOffsets, request)
  return answer.topics.flatMap(({ name, partitions: told }) => {
    return told.map((one) => [{ topic: name, partition: one.partitionIndex }, listedOffset(one)] as const)
  })
}

function listedOffset(told: ListOffsetsResponse.ListOffsetsPartitionResponse): ListedOffset | Error {
  const error = errorOf(told.errorCode)
  if (error !== null) return error
  // Version 0 (before 0.10.1) gives a list of one.
  const offset = told.oldStyleOffsets[0] ?? told.offset
  return {
    offset: clampInt64(offset),
    timestamp: clampInt64(told.timestamp),
    leaderEpoch: told.leaderEpoch < 0 ? null : told.leaderEpoch,
  }
}

export interface RecordsToDelete extends TopicPartition {
  /** Records below go. -1: all up to the high watermark. */
  readonly beforeOffset: number
}

export interface DeletedRecords {
  /** The first offset that is left. */
  readonly lowWatermark: number
}

export async function deleteRecords(
  client: NetworkClient,
  partitions: readonly RecordsToDelete[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, DeletedRecords>> {
  const wanted = new Map(partitions.map((one) => [byPartition(one), one.beforeOffset]))
  return askByKey<TopicPartition, DeletedRecords>(
    client,
    {
      name: 'deleteRecords',
      keys: partitions.map(({ topic, partition }) => ({ topic, partition })),
      textOf: byPartition,
      route: routeToLeaders('wait'),
      isPassing: isRetriable,
      ask: async (node, keys) => {
        const topics = byTopic(keys).map(([name, items]) => ({
          name,
          partitions: items.map((key) => ({ partitionIndex: key.partition, offset: wanted.get(byPartition(key))! })),
        }))
        const answer = await node.ask(DeleteRecords, { topics, timeoutMs: node.timeoutMs })
        return answer.topics.flatMap(({ name, partitions: told }) => {
          return told.map((one) => [
            { topic: name, partition: one.partitionIndex },
            errorOf(one.errorCode) ?? { lowWatermark: clampInt64(one.lowWatermark) },
          ])
        })
      },
    },
    options,
  )
}
