/**
 * Metadata v0-13: brokers, topics, who leads what.
 *
 * v0 takes an empty list for all topics, later versions null (and an empty list for none). Topics that are asked for by name
 * and do not exist are created if the broker and, from v4, the request allow it; until they are there they answer
 * UNKNOWN_TOPIC_OR_PARTITION, or LEADER_NOT_AVAILABLE to be asked again. v10 has a place for ids but refuses them; from v12 a
 * request with an id is read by ids alone. In KRaft the "controller" is any live broker: old clients send it admin requests, and it forwards them.
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import { isTopicName } from '../../controller/topic-name.ts'
import type { MetadataImage } from '../../metadata/image.ts'
import { hasOnlineDirectory } from '../../metadata/online-directories.ts'
import type { PartitionImage, TopicImage } from '../../metadata/topics-image.ts'
import type { Init } from '../../protocol/codec.ts'
import { Metadata, type MetadataRequest, type MetadataResponse } from '../../protocol/generated/metadata.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED, TOPIC_OPERATIONS } from '../authorized-operations.ts'
import { isLive, liveEndpoints } from '../endpoints.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import { mapInSlices } from '../slices.ts'
import { isInternal } from '../topic-names.ts'

/** The first version that serves ids and topics without a name. */
const TOPIC_IDS_VERSION = 12

type TopicAnswer = Init<MetadataResponse.MetadataResponseTopic>

export const metadataHandler = handler(Metadata, {
  handle: async (services, request, context) => {
    const version = context.apiVersion
    refuseNameless(request, version)
    const missing = await createMissing(services, request, context)
    const image = services.image()
    const endpoints = liveEndpoints(image, context.listener)
    const controller = endpoints.length === 0 ? -1 : endpoints[services.random.below(endpoints.length)]!.id
    return {
      brokers: endpoints.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: services.clusterId,
      controllerId: controller,
      topics: await mapInSlices(services.clock, wantedTopics(image, request, version, missing), (topic) =>
        isFound(topic) ? describe(image, topic, request, version, context.listener) : topic,
      ),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    }
  },
  failed: ({ topics }, error, version) => ({
    topics: (topics ?? []).map(({ name, topicId }) => ({ name: name ?? '', topicId, errorCode: error.errno })),
    errorCode: version >= 13 ? error.errno : 0,
  }),
})

/** @throws KafkaError INVALID_REQUEST */
function refuseNameless(request: MetadataRequest, version: number): void {
  const { topics } = request
  if (topics === null) return
  if (version >= TOPIC_IDS_VERSION) {
    if (asksByIds(request) || topics.every(({ name }) => name !== null)) return
    throw new KafkaError('INVALID_REQUEST', 'a topic is asked for by its name or by its id')
  }
  if (topics.some(({ name, topicId }) => name === null || topicId !== ZERO_UUID)) {
    throw new KafkaError('INVALID_REQUEST', `topics are asked for by id from version ${TOPIC_IDS_VERSION} on`)
  }
}

/** One id among the topics, and names don't count. */
const asksByIds = ({ topics }: MetadataRequest): boolean =>
  topics !== null && topics.some(({ topicId }) => topicId !== ZERO_UUID)

/** What became of the names that were asked for and did not exist. */
async function createMissing(
  services: Services,
  request: MetadataRequest,
  context: RequestContext,
): Promise<ReadonlyMap<string, ErrorCode>> {
  if (request.topics === null || (context.apiVersion < 4 ? false : !request.allowAutoTopicCreation)) return new Map()
  if (asksByIds(request)) return new Map()
  const image = services.image()
  const names = request.topics.flatMap(({ name }) =>
    name === null || image.topics.byName(name) !== null ? [] : [name],
  )
  if (names.length === 0) return new Map()
  // Nothing but a quota asks on whose behalf.
  return context.meter === null ? services.autoTopics.create(names) : services.autoTopics.create(names, context)
}

function isFound(topic: TopicImage | TopicAnswer): topic is TopicImage {
  return 'id' in topic
}

function wantedTopics(
  image: MetadataImage,
  request: MetadataRequest,
  version: number,
  missing: ReadonlyMap<string, ErrorCode>,
): (TopicImage | TopicAnswer)[] {
  if (request.topics === null || (version === 0 && request.topics.length === 0)) return [...image.topics.all()]
  const byIds = asksByIds(request)
  const seen = new Set<string>()
  const found: (TopicImage | TopicAnswer)[] = []
  for (const { name, topicId } of request.topics) {
    if (byIds) {
      if (topicId === ZERO_UUID || seen.has(topicId)) continue
      seen.add(topicId)
      found.push(image.topics.byId(topicId) ?? { errorCode: ERROR_CODES.UNKNOWN_TOPIC_ID, name: null, topicId })
      continue
    }
    if (name === null || seen.has(name)) continue
    seen.add(name)
    const code = missing.get(name) ?? (isTopicName(name) ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION')
    found.push(
      image.topics.byName(name) ?? {
        errorCode: ERROR_CODES[code],
        name,
        topicId: ZERO_UUID,
        isInternal: isInternal(name),
        topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED,
      },
    )
  }
  return found
}

function describe(
  image: MetadataImage,
  topic: TopicImage,
  request: MetadataRequest,
  version: number,
  listener: string,
): TopicAnswer {
  return {
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternal(topic.name),
    partitions: topic.partitions.map((partition, index) =>
      describePartition(image, partition, index, version, listener),
    ),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED,
  }
}

function describePartition(
  image: MetadataImage,
  partition: PartitionImage,
  index: number,
  version: number,
  listener: string,
): Init<MetadataResponse.MetadataResponsePartition> {
  const live = (id: number): boolean => isLive(image, id)
  const hasLeader = partition.leader >= 0 && live(partition.leader)
  // v0 clients cannot do with replicas that are not in the list of brokers.
  const shown = (ids: readonly number[]): readonly number[] => (version === 0 ? ids.filter(live) : ids)
  const leaderListens =
    hasLeader && image.cluster.brokers.get(partition.leader)?.listeners.some(({ name }) => name === listener) === true
  const code: ErrorCode = !hasLeader
    ? 'LEADER_NOT_AVAILABLE'
    : leaderListens
      ? 'NONE'
      : version >= 6
        ? 'LISTENER_NOT_FOUND'
        : 'LEADER_NOT_AVAILABLE'
  return {
    errorCode: ERROR_CODES[code],
    partitionIndex: index,
    leaderId: hasLeader ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: shown(partition.replicas),
    isrNodes: shown(partition.isr),
    offlineReplicas: partition.replicas.filter((id) => !live(id) || !hasOnlineDirectory(image, partition, id)),
  }
}
