/** Share groups (KIP-932): described, and where they start reading listed, set and taken back. Brokers from 4.1. */
import { clampInt64 } from '../../base/int64.ts'
import { AlterShareGroupOffsets } from '../../protocol/generated/alter-share-group-offsets.ts'
import { DeleteShareGroupOffsets } from '../../protocol/generated/delete-share-group-offsets.ts'
import { DescribeShareGroupOffsets } from '../../protocol/generated/describe-share-group-offsets.ts'
import { ShareGroupDescribe } from '../../protocol/generated/share-group-describe.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey } from './admin-call.ts'
import {
  authorizedOperations,
  byName,
  byPartition,
  byTopic,
  type AclOperation,
  type Node,
  type TopicPartition,
} from './admin-types.ts'
import { partitionsOf, type DescribeGroupsOptions } from './describe-groups.ts'
import { groupState, isCoordinatorPassing, isOffsetsPassing, type GroupState } from './group-types.ts'
import { Outcomes } from './outcomes.ts'
import { routeToCoordinators } from './routes.ts'

export interface ShareMemberDescription {
  readonly memberId: string
  readonly rackId: string | null
  readonly clientId: string
  readonly host: string
  readonly memberEpoch: number
  readonly subscribedTopicNames: readonly string[]
  readonly assignment: readonly TopicPartition[]
}

export interface ShareGroupDescription {
  readonly groupId: string
  readonly members: readonly ShareMemberDescription[]
  readonly state: GroupState
  readonly coordinator: Node | null
  readonly groupEpoch: number
  readonly targetAssignmentEpoch: number
  readonly authorizedOperations: readonly AclOperation[] | null
}

export async function describeShareGroups(
  client: NetworkClient,
  groupIds: readonly string[],
  options: DescribeGroupsOptions = {},
): Promise<Outcomes<string, ShareGroupDescription>> {
  const { includeAuthorizedOperations = false } = options
  return askByKey<string, ShareGroupDescription>(
    client,
    {
      name: 'describeShareGroups',
      keys: groupIds,
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, ids) => {
        const answer = await node.ask(ShareGroupDescribe, { groupIds: ids, includeAuthorizedOperations })
        return answer.groups.map((group) => [
          group.groupId,
          errorOf(group.errorCode, group.errorMessage) ?? {
            groupId: group.groupId,
            members: group.members.map((member) => ({
              memberId: member.memberId,
              rackId: member.rackId,
              clientId: member.clientId,
              host: member.clientHost,
              memberEpoch: member.memberEpoch,
              subscribedTopicNames: member.subscribedTopicNames,
              assignment: partitionsOf(member.assignment),
            })),
            state: groupState(group.groupState),
            coordinator: node.node,
            groupEpoch: group.groupEpoch,
            targetAssignmentEpoch: group.assignmentEpoch,
            authorizedOperations: authorizedOperations(group.authorizedOperations),
          },
        ])
      },
    },
    options,
  )
}

export interface SharePartitionOffset {
  readonly startOffset: number
  readonly leaderEpoch: number | null
  /** Records that wait; null: the broker does not tell. */
  readonly lag: number | null
}

export interface ShareGroupOffsetsSpec {
  readonly groupId: string
  /** All that the group has if left out. */
  readonly partitions?: readonly TopicPartition[]
}

export async function listShareGroupOffsets(
  client: NetworkClient,
  specs: readonly ShareGroupOffsetsSpec[],
  options: CallOptions = {},
): Promise<Outcomes<string, Outcomes<TopicPartition, SharePartitionOffset | null>>> {
  const wanted = new Map(specs.map((spec) => [spec.groupId, spec.partitions]))
  return askByKey<string, Outcomes<TopicPartition, SharePartitionOffset | null>>(
    client,
    {
      name: 'describeShareGroupOffsets',
      keys: specs.map(({ groupId }) => groupId),
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, groupIds) => {
        const groups = groupIds.map((groupId) => {
          const partitions = wanted.get(groupId)
          const topics = partitions === undefined ? null : byTopic(partitions)
          return {
            groupId,
            topics:
              topics?.map(([topicName, items]) => ({
                topicName,
                partitions: items.map(({ partition }) => partition),
              })) ?? null,
          }
        })
        const answer = await node.ask(DescribeShareGroupOffsets, { groups })
        return answer.groups.map((group) => {
          const entries = group.topics.flatMap(({ topicName, partitions }) => {
            return partitions.map((one): [TopicPartition, SharePartitionOffset | null | Error] => {
              const startOffset = clampInt64(one.startOffset)
              const lag = clampInt64(one.lag)
              const told = {
                startOffset,
                leaderEpoch: one.leaderEpoch < 0 ? null : one.leaderEpoch,
                lag: lag < 0 ? null : lag,
              }
              const error = errorOf(one.errorCode, one.errorMessage)
              return [{ topic: topicName, partition: one.partitionIndex }, error ?? (startOffset < 0 ? null : told)]
            })
          })
          const error = errorOf(group.errorCode, group.errorMessage)
          return [group.groupId, error ?? new Outcomes(byPartition, entries)]
        })
      },
    },
    options,
  )
}

export interface ShareOffset extends TopicPartition {
  readonly startOffset: number
}

export async function alterShareGroupOffsets(
  client: NetworkClient,
  groupId: string,
  offsets: readonly ShareOffset[],
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, void>> {
  const wanted = new Map(offsets.map((one) => [byPartition(one), one.startOffset]))
  return askByKey<TopicPartition, void>(
    client,
    {
      name: 'alterShareGroupOffsets',
      keys: offsets.map(({ topic, partition }) => ({ topic, partition })),
      textOf: byPartition,
      route: routeToCoordinators('GROUP', () => groupId),
      isPassing: isOffsetsPassing,
      ask: async (node, keys) => {
        const topics = byTopic(keys).map(([topicName, items]) => ({
          topicName,
          partitions: items.map((key) => ({
            partitionIndex: key.partition,
            startOffset: wanted.get(byPartition(key))!,
          })),
        }))
        const answer = await node.ask(AlterShareGroupOffsets, { groupId, topics })
        const error = errorOf(answer.errorCode, answer.errorMessage)
        if (error !== null) return keys.map((key) => [key, error] as const)
        return answer.responses.flatMap(({ topicName, partitions }) => {
          return partitions.map(
            ({ partitionIndex, errorCode, errorMessage }) =>
              [{ topic: topicName, partition: partitionIndex }, errorOf(errorCode, errorMessage) ?? undefined] as const,
          )
        })
      },
    },
    options,
  )
}

/** By topic: all partitions of it. */
export async function deleteShareGroupOffsets(
  client: NetworkClient,
  groupId: string,
  topics: readonly string[],
  options: CallOptions = {},
): Promise<Outcomes<string, void>> {
  return askByKey<string, void>(
    client,
    {
      name: 'deleteShareGroupOffsets',
      keys: topics,
      textOf: byName,
      route: routeToCoordinators('GROUP', () => groupId),
      isPassing: isOffsetsPassing,
      ask: async (node, names) => {
        const request = { groupId, topics: names.map((topicName) => ({ topicName })) }
        const answer = await node.ask(DeleteShareGroupOffsets, request)
        throwOnError(answer.errorCode, answer.errorMessage)
        return answer.responses.map(({ topicName, errorCode, errorMessage }) => [
          topicName,
          errorOf(errorCode, errorMessage) ?? undefined,
        ])
      },
    },
    options,
  )
}
