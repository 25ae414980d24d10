/**
 * Topics with their partitions, by name or id.
 *
 * By name through DescribeTopicPartitions (KIP-966), page by page, so that a topic of 100,000 partitions doesn't make an
 * answer of as many; brokers before 3.8, and ids, through Metadata.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from '../../protocol/generated/describe-topic-partitions.ts'
import { Metadata, type MetadataResponse } from '../../protocol/generated/metadata.ts'
import type { CallOptions } from '../call.ts'
import { errorOf } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { authorizedOperations, byName, type AclOperation, type Node } from './admin-types.ts'
import { describeCluster } from './cluster.ts'
import type { Outcomes } from './outcomes.ts'
import { askMetadata, routeTo } from './routes.ts'
import type { TopicCollection } from './topics.ts'

export interface TopicPartitionInfo {
  readonly partition: number
  /** Null: none just now. */
  readonly leader: Node | null
  readonly replicas: readonly Node[]
  readonly isr: readonly Node[]
  /** KIP-966. Null: the broker does not tell. */
  readonly elr: readonly Node[] | null
  readonly lastKnownElr: readonly Node[] | null
}

export interface TopicDescription {
  readonly name: string
  /** Null: a broker before 2.8 does not tell. */
  readonly topicId: Uuid | null
  readonly isInternal: boolean
  /** In the order of their numbers. */
  readonly partitions: readonly TopicPartitionInfo[]
  /** Null unless asked for. */
  readonly authorizedOperations: readonly AclOperation[] | null
}

export interface DescribeTopicsOptions extends CallOptions {
  readonly includeAuthorizedOperations?: boolean
  /** Partitions that one answer may have. 2000 if left out. */
  readonly partitionSizeLimitPerResponse?: number
}

export async function describeTopics(
  client: NetworkClient,
  topics: TopicCollection,
  options: DescribeTopicsOptions = {},
): Promise<Outcomes<string, TopicDescription>> {
  const common = { textOf: byName, route: routeTo<string>('any') }
  if ('ids' in topics) {
    return askByKey<string, TopicDescription>(
      client,
      {
        ...common,
        name: 'describeTopicsWithIds',
        keys: topics.ids,
        ask: (node, ids) => describeByIds(node, ids as readonly Uuid[], options),
      },
      options,
    )
  }
  return askByKey<string, TopicDescription>(
    client,
    {
      ...common,
      name: 'describeTopics',
      keys: topics,
      ask: async (node, names) => {
        if (node.versions.find(DescribeTopicPartitions) === null) return describeByNames(node, names, options)
        const cluster = await describeCluster(client, { timeoutMs: node.timeoutMs })
        const nodes = new Map(cluster.nodes.map(({ isFenced: _, ...one }) => [one.id, one]))
        return describePages(node, names, nodes, options)
      },
    },
    options,
  )
}

async function describePages(
  node: AdminNode,
  names: readonly string[],
  nodes: ReadonlyMap<number, Node>,
  { partitionSizeLimitPerResponse = 2000, includeAuthorizedOperations = false }: DescribeTopicsOptions,
): Promise<[string, TopicDescription | Error][]> {
  const outcomes = new Map<string, TopicDescription | Error>()
  // The broker goes through topics by name, and a cursor says where it stopped.
  let rest = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
  let cursor: DescribeTopicPartitionsRequest.Cursor | null = null
  while (rest.length > 0) {
    const answer: DescribeTopicPartitionsResponse = await node.ask(DescribeTopicPartitions, {
      topics: rest.map((name) => ({ name })),
      responsePartitionLimit: partitionSizeLimitPerResponse,
      cursor,
    })
    for (const topic of answer.topics) {
      const name = topic.name ?? ''
      const error = errorOf(topic.errorCode)
      const before = outcomes.get(name)
      const page = error ?? pageOf(topic, nodes, includeAuthorizedOperations)
      if (page instanceof Error || before === undefined || before instanceof Error) outcomes.set(name, page)
      else outcomes.set(name, { ...before, partitions: [...before.partitions, ...page.partitions] })
    }
    const next: DescribeTopicPartitionsResponse.Cursor | null = answer.nextCursor
    if (next === null) break
    const at = rest.indexOf(next.topicName)
    // A cursor that stands still would never end.
    if (at < 0 || (at === 0 && cursor !== null && next.partitionIndex <= cursor.partitionIndex)) break
    rest = rest.slice(at)
    cursor = { topicName: next.topicName, partitionIndex: next.partitionIndex }
  }
  return [...outcomes]
}

function pageOf(
  topic: DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic,
  nodes: ReadonlyMap<number, Node>,
  withOperations: boolean,
): TopicDescription {
  return {
    name: topic.name ?? '',
    topicId: topic.topicId === ZERO_UUID ? null : topic.topicId,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map((partition) => ({
      partition: partition.partitionIndex,
      leader: nodes.get(partition.leaderId) ?? null,
      replicas: nodesOf(partition.replicaNodes, nodes),
      isr: nodesOf(partition.isrNodes, nodes),
      elr: partition.eligibleLeaderReplicas === null ? null : nodesOf(partition.eligibleLeaderReplicas, nodes),
      lastKnownElr: partition.lastKnownElr === null ? null : nodesOf(partition.lastKnownElr, nodes),
    })),
    authorizedOperations: withOperations ? authorizedOperations(topic.topicAuthorizedOperations) : null,
  }
}

function nodesOf(ids: readonly number[], nodes: ReadonlyMap<number, Node>): Node[] {
  return ids.map((id) => nodes.get(id) ?? { id, host: '', port: -1, rack: null })
}

async function describeByNames(
  node: AdminNode,
  names: readonly string[],
  { includeAuthorizedOperations = false }: DescribeTopicsOptions,
): Promise<[string, TopicDescription | Error][]> {
  const answer = await askMetadata(node, {
    topics: names.map((name) => ({ name })),
    includeTopicAuthorizedOperations: includeAuthorizedOperations,
  })
  const told = new Map(answer.topics.map((topic) => [topic.name, topic]))
  return names.map((name) => {
    const topic = told.get(name)
    if (topic === undefined) return [name, new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${name} not found.`)]
    return [name, errorOf(topic.errorCode) ?? description(topic, answer)]
  })
}

async function describeByIds(
  node: AdminNode,
  ids: readonly Uuid[],
  { includeAuthorizedOperations = false }: DescribeTopicsOptions,
): Promise<[Uuid, TopicDescription | Error][]> {
  // Ids may be asked for from version 12 on: before, a broker would take the empty name.
  node.versions.choose(Metadata, { min: 12 })
  const answer = await askMetadata(node, {
    topics: ids.map((topicId) => ({ topicId, name: null })),
    includeTopicAuthorizedOperations: includeAuthorizedOperations,
  })
  const told = new Map(answer.topics.map((topic) => [topic.topicId, topic]))
  return ids.map((id) => {
    const topic = told.get(id)
    if (topic === undefined || topic.errorCode === ERROR_CODES.UNKNOWN_TOPIC_ID) {
      return [id, new KafkaError('UNKNOWN_TOPIC_ID', `TopicId ${id} not found.`)]
    }
    return [id, errorOf(topic.errorCode) ?? description(topic, answer)]
  })
}

function description(topic: MetadataResponse.MetadataResponseTopic, answer: MetadataResponse): TopicDescription {
  const nodes = new Map(answer.brokers.map(({ nodeId: id, host, port, rack }) => [id, { id, host, port, rack }]))
  const partitions = topic.partitions.map((partition) => ({
    partition: partition.partitionIndex,
    leader: nodes.get(partition.leaderId) ?? null,
    replicas: nodesOf(partition.replicaNodes, nodes),
    isr: nodesOf(partition.isrNodes, nodes),
    elr: null,
    lastKnownElr: null,
  }))
  return {
    name: topic.name ?? '',
    topicId: topic.topicId === ZERO_UUID ? null : topic.topicId,
    isInternal: topic.isInternal,
    partitions: partitions.toSorted((one, other) => one.partition - other.partition),
    authorizedOperations: authorizedOperations(topic.topicAuthorizedOperations),
  }
}
