/** Topics as kafkajs makes them and shows where their partitions are. */
import { KafkaError } from '../base/errors.ts'
import { describeTopics, type TopicPartitionInfo } from '../client/admin/describe-topics.ts'
import * as topics from '../client/admin/topics.ts'
import { pause } from '../client/call.ts'
import type { NetworkClient } from '../client/network-client.ts'
import type { Clock } from '../world/world.ts'
import type { ITopicConfig } from './admin-types.ts'
import { checkList } from './checks.ts'
import { protocolReason } from './error-mapping.ts'
import { KafkaJSAggregateError, KafkaJSCreateTopicError, KafkaJSNonRetriableError } from './errors.ts'
import type { PartitionMetadata } from './types.ts'

/** Between two looks at whether a new topic has its leaders. */
const LEADER_PAUSE_MS = 100
const LEADER_WAIT_MS = 30_000

/** False if all of them were there. Rejects with KafkaJSAggregateError of KafkaJSCreateTopicError. */
export async function createTopics(
  network: NetworkClient,
  wanted: readonly ITopicConfig[],
  options: topics.ChangeTopicsOptions,
): Promise<boolean> {
  const errors = [...(await topics.createTopics(network, wanted.map(newTopic), options)).errors()].map(
    ([topic, error]) => {
      if (!(error instanceof KafkaError)) throw error
      return new KafkaJSCreateTopicError(protocolReason(error), topic)
    },
  )
  if (errors.length === 0) return true
  if (errors.every(({ type }) => type === 'TOPIC_ALREADY_EXISTS')) return false
  throw new KafkaJSAggregateError('Some topics were not created', errors)
}

/** Resolves when every partition has a leader. */
export async function leadersKnown(network: NetworkClient, clock: Clock, names: readonly string[]): Promise<void> {
  const deadlineMs = clock.monotonicMs() + LEADER_WAIT_MS
  for (;;) {
    const described = [...(await describeTopics(network, names))]
    const isReady = described.every(([, topic]) => {
      return !(topic instanceof Error) && topic.partitions.every(({ leader }) => leader !== null)
    })
    if (isReady) return
    if (clock.monotonicMs() > deadlineMs) {
      throw new KafkaJSNonRetriableError(`${names.join(', ')} have no leaders after ${LEADER_WAIT_MS} ms.`)
    }
    await pause(clock, LEADER_PAUSE_MS)
  }
}

export function partitionMetadata({ partition, leader, replicas, isr }: TopicPartitionInfo): PartitionMetadata {
  return {
    partitionErrorCode: leader === null ? 5 : 0,
    partitionId: partition,
    leader: leader?.id ?? -1,
    replicas: replicas.map(({ id }) => id),
    isr: isr.map(({ id }) => id),
    offlineReplicas: replicas.filter(({ port }) => port < 0).map(({ id }) => id),
  }
}

function newTopic({
  topic,
  numPartitions,
  replicationFactor,
  replicaAssignment,
  configEntries,
}: ITopicConfig): topics.NewTopic {
  const assigned = replicaAssignment?.toSorted((a, b) => a.partition - b.partition).map(({ replicas }) => replicas)
  const configs = Object.fromEntries(
    checkList(`configEntries of ${topic}`, configEntries ?? []).map(({ name, value }) => {
      if (typeof name === 'string' && typeof value === 'string') return [name, value]
      throw new KafkaJSNonRetriableError(`name and value of a setting of ${topic} must be text.`)
    }),
  )
  const isAssigned = assigned !== undefined && assigned.length > 0
  return {
    name: topic,
    configs,
    ...(isAssigned ? { replicasAssignments: assigned } : {}),
    ...(isAssigned || numPartitions === undefined || numPartitions < 0 ? {} : { numPartitions }),
    ...(isAssigned || replicationFactor === undefined || replicationFactor < 0 ? {} : { replicationFactor }),
  }
}
