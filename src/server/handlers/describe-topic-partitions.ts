/**
 * DescribeTopicPartitions v0 (KIP-966): topics and their partitions page by page, with eligible leader replicas. Topics come
 * in the order of their names; the cursor names the next partition to show.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import { isTopicName } from '../../controller/topic-name.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import { hasOnlineDirectory } from '../../metadata/online-directories.ts'
import type { TopicImage } from '../../metadata/topics-image.ts'
import type { Init } from '../../protocol/codec.ts'
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from '../../protocol/generated/describe-topic-partitions.ts'
import { TOPIC_OPERATIONS } from '../authorized-operations.ts'
import { isLive } from '../endpoints.ts'
import { handler } from '../handler.ts'
import { isInternal } from '../topic-names.ts'

type TopicAnswer = Init<DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic>

export const describeTopicPartitionsHandler = handler(DescribeTopicPartitions, {
  handle: (services, request) => {
    const image = services.image()
    const { cursor } = request
    if (cursor !== null && cursor.partitionIndex < 0) {
      throw new KafkaError('INVALID_REQUEST', 'DescribeTopicPartitionsRequest cursor partition must be valid')
    }
    if (cursor !== null && request.topics.length > 0 && !request.topics.some(({ name }) => name === cursor.topicName)) {
      throw new KafkaError('INVALID_REQUEST', `the topics must contain that of the cursor: ${cursor.topicName}`)
    }
    const limit = Math.max(1, Math.min(request.responsePartitionLimit, services.config().maxRequestPartitionSizeLimit))
    return page(image, namesFrom(image, request), cursor, limit)
  },
  failed: ({ topics }, error) => ({ topics: topics.map(({ name }) => ({ name, errorCode: error.errno })) }),
})

function namesFrom(image: MetadataImage, { topics, cursor }: DescribeTopicPartitionsRequest): string[] {
  const asked = topics.length === 0 ? [...image.topics.names()] : [...new Set(topics.map(({ name }) => name))]
  return asked.filter((name) => cursor === null || name >= cursor.topicName).sort()
}

function page(
  image: MetadataImage,
  names: readonly string[],
  cursor: DescribeTopicPartitionsRequest['cursor'],
  limit: number,
): Init<DescribeTopicPartitionsResponse> {
  const topics: TopicAnswer[] = []
  let left = limit
  for (const name of names) {
    const start = cursor !== null && cursor.topicName === name ? cursor.partitionIndex : 0
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: start } }
    const topic = image.topics.byName(name)
    if (topic === null) {
      topics.push({
        errorCode: isTopicName(name) ? ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION : ERROR_CODES.INVALID_TOPIC_EXCEPTION,
        name,
        topicId: ZERO_UUID,
        isInternal: isInternal(name),
        topicAuthorizedOperations: TOPIC_OPERATIONS,
      })
      continue
    }
    const end = Math.min(topic.partitions.length, start + left)
    topics.push(describe(image, topic, start, end))
    left -= Math.max(0, end - start)
    if (end < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: end } }
  }
  return { topics }
}

function describe(image: MetadataImage, topic: TopicImage, start: number, end: number): TopicAnswer {
  const live = (id: number): boolean => isLive(image, id)
  return {
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternal(topic.name),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
    partitions: topic.partitions.slice(start, end).map((partition, at) => {
      const hasLeader = partition.leader >= 0 && live(partition.leader)
      return {
        errorCode: hasLeader ? ERROR_CODES.NONE : ERROR_CODES.LEADER_NOT_AVAILABLE,
        partitionIndex: start + at,
        leaderId: hasLeader ? partition.leader : -1,
        leaderEpoch: partition.leaderEpoch,
        replicaNodes: partition.replicas,
        isrNodes: partition.isr,
        eligibleLeaderReplicas: partition.elr,
        lastKnownElr: partition.lastKnownElr,
        offlineReplicas: partition.replicas.filter((id) => !live(id) || !hasOnlineDirectory(image, partition, id)),
      }
    }),
  }
}
