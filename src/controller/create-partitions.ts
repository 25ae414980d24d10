/** CreatePartitions: more partitions for existing topics, placed or assigned; each topic of the request stands for itself. */
import { KafkaError } from '../base/errors.ts'
import type { Init } from '../protocol/codec.ts'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/generated/create-partitions.ts'
import { partitionRecord } from '../metadata/image-records.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import { placedPartitions } from './create-topics.ts'
import { NO_ERROR, RECORDS_MAX, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'
import { UNBOUNDED, type MutationQuota } from './mutation-quota.ts'
import { newPartition, validateAssignment } from './new-partitions.ts'
import { placeReplicas } from './replica-placer.ts'

type Topic = CreatePartitionsRequest.CreatePartitionsTopic

export function createPartitions(
  state: ControllerState,
  request: CreatePartitionsRequest,
  mutations: MutationQuota = UNBOUNDED,
): Decision<Init<CreatePartitionsResponse>> {
  const records: MetadataRecord[] = []
  const results: Init<CreatePartitionsResponse.CreatePartitionsTopicResult>[] = []
  const counts = new Map<string, number>()
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const topic of request.topics) {
    const { name } = topic
    const count = counts.get(name)
    if (count === undefined) continue
    if (count > 1) counts.delete(name)
    const made = attempt(() => {
      if (count > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
      return addPartitions(state, topic, RECORDS_MAX - records.length, mutations)
    })
    if (made instanceof KafkaError) results.push({ name, ...errorFields(made.code, made.message) })
    else {
      records.push(...made)
      results.push({ name, ...NO_ERROR })
    }
  }
  return { records: request.validateOnly ? [] : records, answer: { results } }
}

/** @throws KafkaError */
function addPartitions(
  state: ControllerState,
  request: Topic,
  countMax: number,
  mutations: MutationQuota,
): MetadataRecord[] {
  const { image, random } = state
  const topic = image.topics.byName(request.name)
  // Kafka says no more than the code.
  if (topic === null) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', '')
  const before = topic.partitions.length
  if (request.count === before) throw new KafkaError('INVALID_PARTITIONS', `Topic already has ${before} partition(s).`)
  if (request.count < before) {
    const detail = `The topic ${request.name} currently has ${before} partition(s); ${request.count} would not be an increase.`
    throw new KafkaError('INVALID_PARTITIONS', detail)
  }
  const additional = request.count - before
  if (additional > countMax) {
    throw new KafkaError('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
  }
  mutations.record(additional)
  const factor = topic.partitions[0]?.replicas.length ?? 1
  const brokers = [...image.cluster.brokers.values()]
  const partitions =
    request.assignments === null
      ? placedPartitions(image.cluster, placeReplicas(brokers, additional, factor, random))
      : assigned(state, request.assignments, additional, before, factor)
  return partitions.map((partition, index) =>
    partitionRecord(topic.id, before + index, partition, image.features.metadataVersion),
  )
}

function assigned(
  { image: { cluster } }: ControllerState,
  assignments: NonNullable<Topic['assignments']>,
  additional: number,
  firstId: number,
  factor: number,
): PartitionImage[] {
  if (assignments.length !== additional) {
    const detail = `Attempted to add ${additional} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
  }
  return assignments.map(({ brokerIds }, index) => {
    validateAssignment(cluster, brokerIds, factor)
    const partition = newPartition(cluster, brokerIds)
    if (partition !== null) return partition
    const where = `partition ${firstId + index} are fenced or in controlled shutdown.`
    const detail = `All brokers specified in the manual partition assignment for ${where}`
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
  })
}
