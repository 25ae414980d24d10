/** DeleteTopics: by name (v0-5), or by name or id (v6). A topic's configuration goes with it. */
import { KafkaError } from '../base/errors.ts'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/generated/delete-topics.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'
import { UNBOUNDED, type MutationQuota } from './mutation-quota.ts'

/** Older ones have no code for topics that may not be deleted. */
const DISABLED_VERSION = 3

interface Wanted {
  readonly name: string | null
  readonly topicId: Uuid
}

export function deleteTopics(
  state: ControllerState,
  request: DeleteTopicsRequest,
  apiVersion: number,
  mutations: MutationQuota = UNBOUNDED,
): Decision<Init<DeleteTopicsResponse>> {
  const wanted: readonly Wanted[] =
    apiVersion >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  const responses: Init<DeleteTopicsResponse.DeletableTopicResult>[] = []
  const ids = new Map<Uuid, number>()
  const names = new Map<string, number>()
  for (const topic of wanted) {
    const { name, topicId } = topic
    const refusal = attempt(() => checkOne(state, topic, apiVersion))
    if (refusal instanceof KafkaError) responses.push(refused(name, topicId, refusal))
    else if (name === null) ids.set(topicId, (ids.get(topicId) ?? 0) + 1)
    else names.set(name, (names.get(name) ?? 0) + 1)
  }
  const deleted = new Map<Uuid, TopicImage>()
  for (const [topicId, count] of ids) {
    const found = attempt(() => findById(state, topicId, count))
    if (found instanceof KafkaError) responses.push(refused(null, topicId, found))
    else deleted.set(topicId, found)
  }
  for (const [name, count] of names) {
    const found = attempt(() => findByName(state, name, count))
    if (found instanceof KafkaError) responses.push(refused(name, ZERO_UUID, found))
    else if (ids.has(found.id)) {
      // Named by id too: neither counts, and the id gets no answer of its own.
      deleted.delete(found.id)
      const detail = 'The provided topic name maps to an ID that was already supplied.'
      responses.push(refused(name, found.id, new KafkaError('INVALID_REQUEST', detail)))
    } else deleted.set(found.id, found)
  }
  const records: MetadataRecord[] = []
  for (const { name, id, partitions } of deleted.values()) {
    const refusal = attempt(() => mutations.record(partitions.length))
    if (refusal instanceof KafkaError) responses.push(refused(name, id, refusal))
    else {
      responses.push({ name, topicId: id, ...NO_ERROR })
      records.push(metadataRecord('RemoveTopicRecord', 0, { topicId: id }))
    }
  }
  return { records, answer: { responses } }
}

function refused(
  name: string | null,
  topicId: Uuid,
  error: KafkaError,
): Init<DeleteTopicsResponse.DeletableTopicResult> {
  return { name, topicId, ...errorFields(error.code, error.message) }
}

/** Whether the request names one topic here. @throws KafkaError */
function checkOne({ settings }: ControllerState, { name, topicId }: Wanted, apiVersion: number): void {
  const byId = topicId !== ZERO_UUID
  if (!settings.deleteTopicEnable) {
    throw apiVersion < DISABLED_VERSION
      ? new KafkaError('INVALID_REQUEST', 'This version does not support topic deletion.')
      : new KafkaError('TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.')
  }
  if (name === null && !byId) throw new KafkaError('INVALID_REQUEST', 'Neither topic name nor id were specified.')
  if (name !== null && byId) {
    throw new KafkaError('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  }
}

/** @throws KafkaError */
function findById({ image }: ControllerState, topicId: Uuid, count: number): TopicImage {
  if (count > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic id.')
  const topic = image.topics.byId(topicId)
  if (topic === null) throw new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
  return topic
}

/** @throws KafkaError */
function findByName({ image }: ControllerState, name: string, count: number): TopicImage {
  if (count > 1) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
  const topic = image.topics.byName(name)
  if (topic === null) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  }
  return topic
}
