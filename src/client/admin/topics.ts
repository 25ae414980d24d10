/**
 * Topics made, deleted, given more partitions, and listed. describe-topics.ts describes them, configs.ts has their settings.
 *
 * What changes topics goes to the controller, or to the broker that stands for it. A quota for such changes (KIP-599) is
 * waited for, unless `retryOnQuotaViolation` is false.
 */
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import { CreatePartitions } from '../../protocol/generated/create-partitions.ts'
import { CreateTopics, type CreateTopicsResponse } from '../../protocol/generated/create-topics.ts'
import { DeleteTopics } from '../../protocol/generated/delete-topics.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import type { CallOptions } from '../call.ts'
import { errorOf } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey } from './admin-call.ts'
import { byName, checkUnique } from './admin-types.ts'
import type { ConfigEntry } from './config-entry.ts'
import type { Outcomes } from './outcomes.ts'
import { createdConfigEntry } from './read-config-entry.ts'
import { routeTo } from './routes.ts'

export interface NewTopic {
  readonly name: string
  /** The broker's default (num.partitions) if left out; brokers from 2.4. */
  readonly numPartitions?: number
  /** The broker's default if left out; brokers from 2.4. */
  readonly replicationFactor?: number
  /** Replicas by partition, the preferred leader first. In place of the two numbers. */
  readonly replicasAssignments?: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string>>
}

export interface TopicCreated {
  readonly topicId: Uuid
  /** Null below: a broker before 2.4 does not tell, or the caller may not describe the topic's configs. */
  readonly numPartitions: number | null
  readonly replicationFactor: number | null
  readonly configs: readonly ConfigEntry[] | null
}

export interface ChangeTopicsOptions extends CallOptions {
  /** The broker checks, and changes nothing. False if left out. */
  readonly validateOnly?: boolean
  /** Waits while a quota forbids the change. True if left out. */
  readonly retryOnQuotaViolation?: boolean
}

function isPassing({ retryOnQuotaViolation = true }: ChangeTopicsOptions): (error: Error) => boolean {
  return (error) => error instanceof KafkaError && error.code === 'THROTTLING_QUOTA_EXCEEDED' && retryOnQuotaViolation
}

export async function createTopics(
  client: NetworkClient,
  topics: readonly NewTopic[],
  options: ChangeTopicsOptions = {},
): Promise<Outcomes<string, TopicCreated>> {
  const { validateOnly = false } = options
  const wanted = new Map(topics.map((topic) => [topic.name, topic]))
  checkUnique(
    'Topic',
    topics.map(({ name }) => name),
  )
  const question = {
    name: 'createTopics',
    keys: topics.map(({ name }) => name),
    textOf: byName,
    route: routeTo<string>('controller'),
    isPassing: isPassing(options),
  }
  return askByKey<string, TopicCreated>(
    client,
    {
      ...question,
      ask: async (node, names) => {
        const asked = names.map((name) => creatableTopic(wanted.get(name)!))
        // Numbers that are left to the broker are -1, which it knows from version 4 on (KIP-464).
        const hasDefaults = asked.some(({ numPartitions, replicationFactor, assignments }) => {
          return assignments.length === 0 && (numPartitions < 0 || replicationFactor < 0)
        })
        const version = node.versions.choose(CreateTopics)
        if (hasDefaults && version < 4) {
          throw new KafkaError(
            'UNSUPPORTED_VERSION',
            'Creating topics with default partitions/replication factor are only supported in CreateTopicRequest version 4+. ' +
              'The following topics need values for partitions and replicas: ' +
              `[${asked
                .filter(({ assignments }) => assignments.length === 0)
                .map(({ name }) => name)
                .join(', ')}]`,
          )
        }
        if (validateOnly && version < 1) {
          throw new KafkaError(
            'UNSUPPORTED_VERSION',
            'validateOnly is not supported in version 0 of CreateTopicsRequest',
          )
        }
        const answer = await node.ask(CreateTopics, { topics: asked, timeoutMs: node.timeoutMs, validateOnly })
        return answer.topics.map((topic) => [
          topic.name,
          errorOf(topic.errorCode, topic.errorMessage) ?? created(topic),
        ])
      },
    },
    options,
  )
}

function creatableTopic({
  name,
  numPartitions = -1,
  replicationFactor = -1,
  replicasAssignments,
  configs = {},
}: NewTopic) {
  const assignments = (replicasAssignments ?? []).map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
  return {
    name,
    // An assignment says both numbers; the request must not say them again.
    numPartitions: assignments.length > 0 ? -1 : numPartitions,
    replicationFactor: assignments.length > 0 ? -1 : replicationFactor,
    assignments,
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
}

function created(topic: CreateTopicsResponse.CreatableTopicResult): TopicCreated {
  const isTold = topic.topicConfigErrorCode === 0 && topic.numPartitions >= 0
  return {
    topicId: topic.topicId,
    numPartitions: isTold ? topic.numPartitions : null,
    replicationFactor: isTold ? topic.replicationFactor : null,
    configs: isTold ? (topic.configs ?? []).map(createdConfigEntry) : null,
  }
}

/** Topics by name, or by id (KIP-516). */
export type TopicCollection = readonly string[] | { readonly ids: readonly Uuid[] }

export async function deleteTopics(
  client: NetworkClient,
  topics: TopicCollection,
  options: Omit<ChangeTopicsOptions, 'validateOnly'> = {},
): Promise<Outcomes<string, void>> {
  const byTopicId = 'ids' in topics
  return askByKey<string, void>(
    client,
    {
      name: 'deleteTopics',
      keys: byTopicId ? topics.ids : topics,
      textOf: byName,
      route: routeTo('controller'),
      isPassing: isPassing(options),
      ask: async (node, keys) => {
        const timeoutMs = node.timeoutMs
        const isNew = node.versions.choose(DeleteTopics, byTopicId ? { min: 6 } : {}) >= 6
        const topicStates = keys.map((key) => (byTopicId ? { topicId: key as Uuid } : { name: key }))
        const answer = await node.ask(DeleteTopics, {
          timeoutMs,
          ...(isNew ? { topics: topicStates } : { topicNames: keys }),
        })
        return answer.responses.map(({ name, topicId, errorCode, errorMessage }) => {
          return [byTopicId ? topicId : (name ?? ''), errorOf(errorCode, errorMessage) ?? undefined]
        })
      },
    },
    options,
  )
}

export interface NewPartitions {
  readonly topic: string
  /** How many there shall be in all. */
  readonly totalCount: number
  /** Replicas of each new partition, the preferred leader first. The broker chooses if left out. */
  readonly newAssignments?: readonly (readonly number[])[]
}

export async function createPartitions(
  client: NetworkClient,
  newPartitions: readonly NewPartitions[],
  options: ChangeTopicsOptions = {},
): Promise<Outcomes<string, void>> {
  const { validateOnly = false } = options
  const wanted = new Map(newPartitions.map((one) => [one.topic, one]))
  checkUnique(
    'Topic',
    newPartitions.map(({ topic }) => topic),
  )
  return askByKey<string, void>(
    client,
    {
      name: 'createPartitions',
      keys: newPartitions.map(({ topic }) => topic),
      textOf: byName,
      route: routeTo('controller'),
      isPassing: isPassing(options),
      ask: async (node, names) => {
        const topics = names.map((name) => {
          const { totalCount, newAssignments } = wanted.get(name)!
          return {
            name,
            count: totalCount,
            assignments: newAssignments?.map((brokerIds) => ({ brokerIds })) ?? null,
          }
        })
        const answer = await node.ask(CreatePartitions, { topics, timeoutMs: node.timeoutMs, validateOnly })
        return answer.results.map(({ name, errorCode, errorMessage }) => {
          return [name, errorOf(errorCode, errorMessage) ?? undefined]
        })
      },
    },
    options,
  )
}

export interface TopicListing {
  readonly name: string
  /** Null: a broker before 2.8 does not tell. */
  readonly topicId: Uuid | null
  readonly isInternal: boolean
}

export interface ListTopicsOptions extends CallOptions {
  /** Kafka's own topics, too. False if left out. */
  readonly listInternal?: boolean
}

export async function listTopics(
  client: NetworkClient,
  options: ListTopicsOptions = {},
): Promise<readonly TopicListing[]> {
  const { listInternal = false } = options
  return ask(client, { name: 'listTopics', target: 'any' }, options, async (node) => {
    const answer = await node.ask(Metadata, { topics: null }, { versions: { min: 1 } })
    return answer.topics
      .map(({ name, topicId, isInternal }) => ({
        name: name ?? '',
        topicId: topicId === ZERO_UUID ? null : topicId,
        isInternal,
      }))
      .filter(({ isInternal }) => listInternal || !isInternal)
  })
}
