/**
 * Offsets that groups have committed: listed, set and taken back at the groups' coordinators. Streams groups keep theirs in
 * the same way.
 */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64, type Int64 } from '../../base/int64.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { OffsetDelete } from '../../protocol/generated/offset-delete.ts'
import { OffsetFetch } from '../../protocol/generated/offset-fetch.ts'
import type { CallOptions } from '../call.ts'
import { checkOffsets } from '../consumer/topic-partition.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { byName, byPartition, byTopic, type TopicPartition } from './admin-types.ts'
import { isCoordinatorPassing, isOffsetsPassing } from './group-types.ts'
import { Outcomes } from './outcomes.ts'
import { routeToCoordinators } from './routes.ts'

export interface OffsetAndMetadata {
  readonly offset: number
  readonly metadata: string
  /** Of the last record before `offset`; null where it is not known. */
  readonly leaderEpoch: number | null
}

export interface GroupOffsetsSpec {
  readonly groupId: string
  /** All that have an offset if left out; brokers from 0.10.2. */
  readonly partitions?: readonly TopicPartition[]
}

export interface ListGroupOffsetsOptions extends CallOptions {
  /** Waits for transactions that hold offsets back; brokers before 2.5 do not know it and are asked without. */
  readonly requireStable?: boolean
}

/** For clients that commit -1 and -2 and mean an end of the log by it, as kafkajs does; Java's takes both for none. */
interface SpecOfAny extends GroupOffsetsSpec {
  readonly negative?: 'told'
}

/** The offset of each partition; null: none is committed. */
export type CommittedOffsets = Outcomes<TopicPartition, OffsetAndMetadata | null>

export async function listGroupOffsets(
  client: NetworkClient,
  name: 'listConsumerGroupOffsets' | 'listStreamsGroupOffsets',
  specs: readonly SpecOfAny[],
  options: ListGroupOffsetsOptions = {},
): Promise<Outcomes<string, CommittedOffsets>> {
  const { requireStable = false } = options
  const wanted = new Map(specs.map((spec) => [spec.groupId, spec]))
  return askByKey<string, CommittedOffsets>(
    client,
    {
      name,
      keys: specs.map(({ groupId }) => groupId),
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, groupIds) => {
        const asked = groupIds.map((groupId) => wanted.get(groupId)!)
        if (node.versions.find(OffsetFetch, { min: 8 }) !== null) return fetchTogether(node, asked, requireStable)
        return Promise.all(asked.map((spec) => fetchAlone(node, spec, requireStable)))
      },
    },
    options,
  )
}

function topicsOf({ partitions }: GroupOffsetsSpec): { name: string; partitionIndexes: number[] }[] | null {
  if (partitions === undefined) return null
  return byTopic(partitions).map(([name, items]) => ({
    name,
    partitionIndexes: items.map(({ partition }) => partition),
  }))
}

/** From version 8 (Kafka 3.0) many groups in one request. Version 10 names topics by ids, which nobody gave us. */
async function fetchTogether(
  node: AdminNode,
  specs: readonly SpecOfAny[],
  requireStable: boolean,
): Promise<(readonly [string, CommittedOffsets | Error])[]> {
  const groups = specs.map((spec) => ({ groupId: spec.groupId, topics: topicsOf(spec) }))
  const answer = await node.ask(OffsetFetch, { groups, requireStable }, { versions: { min: 8, max: 9 } })
  const told = new Set(specs.filter(({ negative }) => negative === 'told').map(({ groupId }) => groupId))
  return answer.groups.map(({ groupId, errorCode, topics }) => {
    return [groupId, errorOf(errorCode) ?? committed(topics, told.has(groupId))]
  })
}

async function fetchAlone(
  node: AdminNode,
  spec: SpecOfAny,
  requireStable: boolean,
): Promise<readonly [string, CommittedOffsets | Error]> {
  const version = node.versions.choose(OffsetFetch, { max: 7 })
  if (spec.partitions === undefined && version < 2) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `The broker only supports OffsetFetchRequest v${version}, but we need v2 or newer to request all topic partitions.`,
    )
  }
  const request = { groupId: spec.groupId, topics: topicsOf(spec), requireStable: requireStable && version >= 7 }
  const answer = await node.ask(OffsetFetch, request, { versions: { max: version } })
  // Before version 2 the group's error stands at every partition.
  const code = answer.errorCode === 0 ? (version < 2 ? groupErrorOf(answer.topics) : 0) : answer.errorCode
  return [spec.groupId, errorOf(code) ?? committed(answer.topics, spec.negative === 'told')]
}

interface ToldTopic {
  readonly name: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: Int64
    readonly committedLeaderEpoch: number
    readonly metadata: string | null
    readonly errorCode: number
  }[]
}

function groupErrorOf(topics: readonly ToldTopic[]): number {
  for (const { partitions } of topics) {
    for (const { errorCode } of partitions) {
      const error = errorOf(errorCode)
      if (error !== null && (isCoordinatorPassing(error) || error.code === 'GROUP_AUTHORIZATION_FAILED'))
        return errorCode
    }
  }
  return 0
}

function committed(topics: readonly ToldTopic[], isNegativeTold: boolean): CommittedOffsets {
  const entries = topics.flatMap(({ name, partitions }) => {
    return partitions.map((one): [TopicPartition, OffsetAndMetadata | null | Error] => {
      const offset = clampInt64(one.committedOffset)
      const leaderEpoch = one.committedLeaderEpoch < 0 ? null : one.committedLeaderEpoch
      const told = offset < 0 && !isNegativeTold ? null : { offset, metadata: one.metadata ?? '', leaderEpoch }
      return [{ topic: name, partition: one.partitionIndex }, errorOf(one.errorCode) ?? told]
    })
  })
  return new Outcomes(byPartition, entries)
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
  readonly metadata?: string
  readonly leaderEpoch?: number | null
}

/** Sets offsets of a group without members. */
export async function alterGroupOffsets(
  client: NetworkClient,
  name: 'alterConsumerGroupOffsets' | 'alterStreamsGroupOffsets',
  groupId: string,
  offsets: readonly OffsetToCommit[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, void>> {
  return commitForGroup(client, name, groupId, checkOffsets(offsets), options)
}

/** The same of numbers that nobody looks at: brokers take negative ones, too. */
export async function commitForGroup(
  client: NetworkClient,
  name: string,
  groupId: string,
  offsets: readonly OffsetToCommit[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, void>> {
  const wanted = new Map(offsets.map((one) => [byPartition(one), one]))
  return askByKey<TopicPartition, void>(
    client,
    {
      name,
      keys: offsets.map(({ topic, partition }) => ({ topic, partition })),
      textOf: byPartition,
      route: routeToCoordinators('GROUP', () => groupId),
      isPassing: isOffsetsPassing,
      ask: async (node, keys) => {
        const topics = byTopic(keys).map(([topic, items]) => ({
          name: topic,
          partitions: items.map((key) => {
            const { offset, metadata = '', leaderEpoch } = wanted.get(byPartition(key))!
            return {
              partitionIndex: key.partition,
              committedOffset: offset,
              committedMetadata: metadata,
              committedLeaderEpoch: leaderEpoch ?? -1,
            }
          }),
        }))
        const answer = await node.ask(OffsetCommit, { groupId, topics }, { versions: { max: 9 } })
        return answer.topics.flatMap(({ name: topic, partitions }) => {
          return partitions.map(({ partitionIndex, errorCode }) => [
            { topic, partition: partitionIndex },
            errorOf(errorCode) ?? undefined,
          ])
        })
      },
    },
    options,
  )
}

/** Takes back offsets of partitions that the group is not subscribed to; brokers from 2.4. */
export async function deleteGroupOffsets(
  client: NetworkClient,
  name: 'deleteConsumerGroupOffsets' | 'deleteStreamsGroupOffsets',
  groupId: string,
  partitions: readonly TopicPartition[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, void>> {
  return askByKey<TopicPartition, void>(
    client,
    {
      name,
      keys: partitions,
      textOf: byPartition,
      route: routeToCoordinators('GROUP', () => groupId),
      isPassing: isCoordinatorPassing,
      ask: async (node, keys) => {
        const topics = byTopic(keys).map(([topic, items]) => ({
          name: topic,
          partitions: items.map(({ partition }) => ({ partitionIndex: partition })),
        }))
        const answer = await node.ask(OffsetDelete, { groupId, topics })
        throwOnError(answer.errorCode)
        return answer.topics.flatMap(({ name: topic, partitions: told }) => {
          return told.map(({ partitionIndex, errorCode }) => [
            { topic, partition: partitionIndex },
            errorOf(errorCode) ?? undefined,
          ])
        })
      },
    },
    options,
  )
}
