/** Leaders elected and replicas moved: what the controller does to partitions. */
import { KafkaError } from '../../base/errors.ts'
import { AlterPartitionReassignments } from '../../protocol/generated/alter-partition-reassignments.ts'
import { ElectLeaders } from '../../protocol/generated/elect-leaders.ts'
import { ListPartitionReassignments } from '../../protocol/generated/list-partition-reassignments.ts'
import type { CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey, type AdminNode } from './admin-call.ts'
import { byPartition, byTopic, Codes, type TopicPartition } from './admin-types.ts'
import { Outcomes } from './outcomes.ts'
import { routeTo } from './routes.ts'

/** PREFERRED: the first replica. UNCLEAN: any that lives, and records may be lost. */
export type ElectionType = 'PREFERRED' | 'UNCLEAN'
const ELECTION_TYPES = new Codes<ElectionType>({ PREFERRED: 0, UNCLEAN: 1 })

/**
 * Of all partitions if `partitions` is null: then the outcomes have those where something was tried. A leader that is right
 * already is the error ELECTION_NOT_NEEDED.
 */
export async function electLeaders(
  client: NetworkClient,
  electionType: ElectionType,
  partitions: readonly TopicPartition[] | null,
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, void>> {
  if (partitions === null) {
    return ask(client, { name: 'electLeaders', target: 'controller' }, options, async (node) => {
      return new Outcomes(byPartition, await elect(node, electionType, null))
    })
  }
  return askByKey<TopicPartition, void>(
    client,
    {
      name: 'electLeaders',
      keys: partitions,
      textOf: byPartition,
      route: routeTo('controller'),
      ask: (node, keys) => elect(node, electionType, keys),
    },
    options,
  )
}

async function elect(
  node: AdminNode,
  electionType: ElectionType,
  partitions: readonly TopicPartition[] | null,
): Promise<(readonly [TopicPartition, undefined | Error])[]> {
  if (electionType !== 'PREFERRED' && node.versions.choose(ElectLeaders) === 0) {
    throw new KafkaError('UNSUPPORTED_VERSION', 'API Version 0 only supports PREFERRED election type')
  }
  const topicPartitions =
    partitions === null
      ? null
      : byTopic(partitions).map(([topic, items]) => ({ topic, partitions: items.map(({ partition }) => partition) }))
  const request = { electionType: ELECTION_TYPES.code(electionType), topicPartitions, timeoutMs: node.timeoutMs }
  const answer = await node.ask(ElectLeaders, request)
  throwOnError(answer.errorCode)
  return answer.replicaElectionResults.flatMap(({ topic, partitionResult }) => {
    return partitionResult.map(({ partitionId, errorCode, errorMessage }) => {
      return [{ topic, partition: partitionId }, errorOf(errorCode, errorMessage) ?? undefined] as const
    })
  })
}

export interface PartitionReassignmentWish extends TopicPartition {
  /** Where its replicas shall be, the preferred leader first. Null: a move that is under way is called off. */
  readonly targetReplicas: readonly number[] | null
}

export interface AlterReassignmentsOptions extends CallOptions {
  /** Whether there may be more or fewer replicas than now (KIP-860). True if left out; false needs brokers from 4.1. */
  readonly allowReplicationFactorChange?: boolean
}

export async function alterPartitionReassignments(
  client: NetworkClient,
  reassignments: readonly PartitionReassignmentWish[],
  options: AlterReassignmentsOptions = {},
): Promise<Outcomes<TopicPartition, void>> {
  const { allowReplicationFactorChange = true } = options
  const wanted = new Map(reassignments.map((one) => [byPartition(one), one.targetReplicas]))
  return askByKey<TopicPartition, void>(
    client,
    {
      name: 'alterPartitionReassignments',
      fromControllers: true,
      keys: reassignments.map(({ topic, partition }) => ({ topic, partition })),
      textOf: byPartition,
      route: routeTo('controller'),
      ask: async (node, keys) => {
        if (!allowReplicationFactorChange && node.versions.choose(AlterPartitionReassignments) < 1) {
          throw new KafkaError(
            'UNSUPPORTED_VERSION',
            'The broker does not support the AllowReplicationFactorChange option for the AlterPartitionReassignments ' +
              'API. Consider re-sending the request without the option or updating the server version',
          )
        }
        const topics = byTopic(keys).map(([name, items]) => ({
          name,
          partitions: items.map((key) => ({
            partitionIndex: key.partition,
            replicas: wanted.get(byPartition(key)) ?? null,
          })),
        }))
        const request = { topics, timeoutMs: node.timeoutMs, allowReplicationFactorChange }
        const answer = await node.ask(AlterPartitionReassignments, request)
        throwOnError(answer.errorCode, answer.errorMessage)
        return answer.responses.flatMap(({ name, partitions }) => {
          return partitions.map(({ partitionIndex, errorCode, errorMessage }) => {
            return [{ topic: name, partition: partitionIndex }, errorOf(errorCode, errorMessage) ?? undefined] as const
          })
        })
      },
    },
    options,
  )
}

export interface PartitionReassignment {
  /** All of them, those that come and those that go. */
  readonly replicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

/** Those that move now; of all partitions if `partitions` is null. */
export async function listPartitionReassignments(
  client: NetworkClient,
  partitions: readonly TopicPartition[] | null,
  options: CallOptions = {},
): Promise<Outcomes<TopicPartition, PartitionReassignment>> {
  const question = { name: 'listPartitionReassignments', target: 'controller', fromControllers: true } as const
  return ask(client, question, options, async (node) => {
    const topics =
      partitions === null
        ? null
        : byTopic(partitions).map(([name, items]) => ({
            name,
            partitionIndexes: items.map(({ partition }) => partition),
          }))
    const answer = await node.ask(ListPartitionReassignments, { topics, timeoutMs: node.timeoutMs })
    throwOnError(answer.errorCode, answer.errorMessage)
    const entries = answer.topics.flatMap(({ name, partitions: told }) => {
      return told.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => {
        return [
          { topic: name, partition: partitionIndex },
          { replicas, addingReplicas, removingReplicas },
        ] as const
      })
    })
    return new Outcomes<TopicPartition, PartitionReassignment>(byPartition, entries)
  })
}
