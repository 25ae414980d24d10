/** DeleteTopics: by name (v0-5), or by name or id (v6). A topic's configuration goes with it. */
import { KafkaError } from '../base/errors.ts'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/generated/delete-topics.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import { NO_ERROR, attempt, errorFields, type ControllerState, type Decision } from './decision.ts'

interface Wanted {
  readonly name: string | null
  readonly topicId: Uuid
}

export function deleteTopics(
  state: ControllerState,
  request: DeleteTopicsRequest,
  apiVersion: number,
): Decision<Init<DeleteTopicsResponse>> {
  const wanted: readonly Wanted[] =
    apiVersion >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  const records: MetadataRecord[] = []
  const responses: Init<DeleteTopicsResponse.DeletableTopicResult>[] = []
  const counts = new Map<string, number>()
  for (const topic of wanted) counts.set(keyOf(topic), (counts.get(keyOf(topic)) ?? 0) + 1)
  const deleted = new Set<Uuid>()
  for (const topic of wanted) {
    const count = counts.get(keyOf(topic))
    if (count === undefined) continue
    // Who names both is refused each time.
    if (count > 1 && (topic.name === null || topic.topicId === ZERO_UUID)) counts.delete(keyOf(topic))
    const found = attempt(() => find(state, topic, count, deleted))
    if (found instanceof KafkaError) {
      responses.push({ name: topic.name, topicId: topic.topicId, ...errorFields(found.code, found.message) })
    } else {
      deleted.add(found.id)
      records.push(metadataRecord('RemoveTopicRecord', 0, { topicId: found.id }))
      responses.push({ name: found.name, topicId: found.id, ...NO_ERROR })
    }
  }
  return { records, answer: { responses } }
}

const keyOf = (topic: Wanted): string => `${topic.name ?? ''}/${topic.topicId}`

/** @throws KafkaError */
function find(state: ControllerState, wanted: Wanted, count: number, deleted: ReadonlySet<Uuid>): TopicImage {
  const { image, settings } = state
  const { name, topicId } = wanted
  const byId = topicId !== ZERO_UUID
  if (!settings.deleteTopicEnable) throw new KafkaError('TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.')
  if (name === null && !byId) throw new KafkaError('INVALID_REQUEST', 'Neither topic name nor id were specified.')
  if (name !== null && byId)
    throw new KafkaError('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  if (count > 1) throw new KafkaError('INVALID_REQUEST', byId ? 'Duplicate topic id.' : 'Duplicate topic name.')
  const topic = byId ? image.topics.byId(topicId) : image.topics.byName(name ?? '')
  if (topic === null) {
    throw byId
      ? new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
      : new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  }
  if (deleted.has(topic.id)) {
    throw new KafkaError('INVALID_REQUEST', 'The provided topic name maps to an ID that was already supplied.')
  }
  return topic
}
