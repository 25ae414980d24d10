/**
 * CreateTopics. Each topic of the request stands for itself; later ones see neither names nor partitions of earlier ones
 * but through the checks for duplicates. All records of one request go into one atomic batch. v1 adds validateOnly, v4 and
 * later allow -1 for the broker's defaults, v5 answers with what was made, v7 with the topic id.
 */
import { KafkaError, assert } from '../base/errors.ts'
import { uuidFromRandom, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/generated/create-topics.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { partitionRecord } from '../metadata/image-records.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import type { Random } from '../world/world.ts'
import { NO_ERROR, RECORDS_MAX, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'
import { UNBOUNDED, type MutationQuota } from './mutation-quota.ts'
import { newPartition, validateAssignment } from './new-partitions.ts'
import { placeReplicas } from './replica-placer.ts'
import { collidingTopic, validateTopicName } from './topic-name.ts'

type Topic = CreateTopicsRequest.CreatableTopic
type Result = Init<CreateTopicsResponse.CreatableTopicResult>

const METADATA_TOPIC = '__cluster_metadata'
const DEFAULT = -1

export function createTopics(
  state: ControllerState,
  request: CreateTopicsRequest,
  mutations: MutationQuota = UNBOUNDED,
): Decision<Init<CreateTopicsResponse>> {
  const records: MetadataRecord[] = []
  const topics: Result[] = []
  const counts = new Map<string, number>()
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1)
  // What is refused by its name alone does not count.
  const partitions = request.topics
    .filter(({ name }) => counts.get(name) === 1 && name !== METADATA_TOPIC)
    .reduce((sum, topic) => sum + requestedPartitions(state, topic), 0)
  if (partitions > RECORDS_MAX) {
    // Of the whole request: each topic is answered as often as it is named.
    const detail = 'Excessively large number of partitions per request.'
    const answer = request.topics.map(({ name }) => ({ name, ...errorFields('POLICY_VIOLATION', detail) }))
    return { records: [], answer: { topics: answer } }
  }
  for (const topic of request.topics) {
    const count = counts.get(topic.name)
    if (count === undefined) continue
    if (count > 1) counts.delete(topic.name)
    const made = attempt(() => {
      if (count > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
      if (topic.name === METADATA_TOPIC) {
        throw new KafkaError('INVALID_REQUEST', `Creation of internal topic ${METADATA_TOPIC} is prohibited.`)
      }
      return createTopic(state, topic, mutations)
    })
    if (made instanceof KafkaError) topics.push({ name: topic.name, ...errorFields(made.code, made.message) })
    else {
      records.push(...made.records)
      topics.push(made.result)
    }
  }
  return { records: request.validateOnly ? [] : records, answer: { topics } }
}

function requestedPartitions(state: ControllerState, topic: Topic): number {
  if (topic.assignments.length > 0) return topic.assignments.length
  return topic.numPartitions === DEFAULT ? state.settings.defaultPartitions : Math.max(topic.numPartitions, 0)
}

/** @throws KafkaError */
function createTopic(
  state: ControllerState,
  topic: Topic,
  mutations: MutationQuota,
): { records: MetadataRecord[]; result: Result } {
  const { image, rules } = state
  const { name } = topic
  validateTopicName(name)
  if (image.topics.byName(name) !== null)
    throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  const colliding = collidingTopic(image, name)
  if (colliding !== null) {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${colliding}`)
  }
  const nulls = topic.configs.filter((config) => config.value === null).map((config) => config.name)
  if (nulls.length > 0) {
    throw new KafkaError('INVALID_CONFIG', `Null value not supported for topic configs: ${nulls.join(',')}`)
  }
  const overrides = new Map(topic.configs.map((config) => [config.name, config.value ?? '']))
  rules.validate(CONFIG_RESOURCE.TOPIC, name, overrides)
  const partitions = topic.assignments.length > 0 ? assigned(state, topic) : placed(state, topic)
  mutations.record(partitions.length)
  const topicId = randomTopicId(state.random)
  const level = image.features.metadataVersion
  const records = [metadataRecord('TopicRecord', 0, { name, topicId })]
  for (const [key, value] of overrides) {
    const resource = { resourceType: CONFIG_RESOURCE.TOPIC, resourceName: name }
    records.push(metadataRecord('ConfigRecord', 0, { ...resource, name: key, value }))
  }
  for (const [partitionId, partition] of partitions.entries()) {
    records.push(partitionRecord(topicId, partitionId, partition, level))
  }
  const result = {
    name,
    topicId,
    ...NO_ERROR,
    numPartitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? DEFAULT,
    configs: rules.effectiveTopicConfigs(overrides, image),
  }
  return { records, result }
}

function assigned(state: ControllerState, topic: Topic): PartitionImage[] {
  const { cluster } = state.image
  if (topic.replicationFactor !== DEFAULT) {
    const detail = 'A manual partition assignment was specified, but replication factor was not set to -1.'
    throw new KafkaError('INVALID_REQUEST', detail)
  }
  if (topic.numPartitions !== DEFAULT) {
    const detail = 'A manual partition assignment was specified, but numPartitions was not set to -1.'
    throw new KafkaError('INVALID_REQUEST', detail)
  }
  const partitions = new Map<number, PartitionImage>()
  let replicationFactor: number | null = null
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (partitions.has(partitionIndex)) {
      const detail = `Found multiple manual partition assignments for partition ${partitionIndex}`
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
    }
    validateAssignment(cluster, brokerIds, replicationFactor)
    replicationFactor = brokerIds.length
    const partition = newPartition(cluster, brokerIds)
    if (partition === null) {
      const where = `partition ${partitionIndex} are fenced or in controlled shutdown.`
      const detail = `All brokers specified in the manual partition assignment for ${where}`
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
    }
    partitions.set(partitionIndex, partition)
  }
  return Array.from({ length: partitions.size }, (_, partitionId) => {
    const partition = partitions.get(partitionId)
    if (partition !== undefined) return partition
    const detail = 'partitions should be a consecutive 0-based integer sequence'
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
  })
}

function placed(state: ControllerState, topic: Topic): PartitionImage[] {
  const { image, settings, random } = state
  if (topic.replicationFactor < DEFAULT || topic.replicationFactor === 0) {
    const detail = 'Replication factor must be larger than 0, or -1 to use the default value.'
    throw new KafkaError('INVALID_REPLICATION_FACTOR', detail)
  }
  if (topic.numPartitions < DEFAULT || topic.numPartitions === 0) {
    const detail = 'Number of partitions was set to an invalid non-positive value.'
    throw new KafkaError('INVALID_PARTITIONS', detail)
  }
  const count = requestedPartitions(state, topic)
  const factor = topic.replicationFactor === DEFAULT ? settings.defaultReplicationFactor : topic.replicationFactor
  return placedPartitions(image.cluster, placeReplicas([...image.cluster.brokers.values()], count, factor, random))
}

/** @throws KafkaError INVALID_REPLICATION_FACTOR */
export function placedPartitions(
  cluster: ControllerState['image']['cluster'],
  lists: readonly (readonly number[])[],
): PartitionImage[] {
  return lists.map((replicas) => {
    const partition = newPartition(cluster, replicas)
    if (partition !== null) return partition
    const detail = `Unable to replicate the partition ${replicas.length} time(s): All brokers are currently fenced or in controlled shutdown.`
    throw new KafkaError('INVALID_REPLICATION_FACTOR', detail)
  })
}

function randomTopicId(random: Random): Uuid {
  for (let attempts = 0; attempts < 1000; attempts++) {
    const id = uuidFromRandom(random.bytes(16))
    if (id !== null) return id
  }
  assert(false, 'random bytes are random')
}
