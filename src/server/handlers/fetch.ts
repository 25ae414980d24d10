/**
 * Fetch v0-18: whole batches from an offset on, waiting for them if asked to.
 *
 * v0-1 get magic 0 and v2-3 magic 1 (converted down), v4 and later what is stored; v3 bounds the whole answer, v4 brings
 * isolation, v7 sessions (KIP-227), v9 leader epochs, v11 reads from followers (KIP-392), v12 diverging epochs, v13 topic ids,
 * v15 the epoch of a broker that replicates, v16 the current leader's address. A replica (id ≥ 0) reads to the end of the log, from
 * the leader only, and tells by what it asks for how far it is.
 */
import { ByteWriter } from '../../base/byte-writer.ts'
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import type { Init } from '../../protocol/codec.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/generated/fetch.ts'
import { fetchRecords } from '../../replication/fetch.ts'
import type { FetchLimits, FetchResult, FetchTarget } from '../../replication/partition-read.ts'
import { RACK_AWARE_SELECTOR } from '../../config/replica-selectors.ts'
import { replicaInRack } from '../../replication/replica-selector.ts'
import { endpointOf, nodeEndpoints } from '../endpoints.ts'
import { replicaOf, type FetchContext, type SessionPartition } from '../fetch-sessions.ts'
import { FROM_FOLLOWERS_VERSION, partitionAnswer, type PartitionAnswer } from '../fetched-partition.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import { notHosted } from '../not-hosted.ts'

type TopicAnswer = { topic: string; topicId: SessionPartition['topicId']; partitions: PartitionAnswer[] }

const READ_COMMITTED = 1
/** In front of a message. */
const SIZE_BYTES = 4
/**
 * What one answer carries at most, whatever the consumer would take: unlike Kafka's, which leaves files to the kernel, an
 * answer lies in memory while it is sent. The partitions behind come first the next time.
 */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024

export const fetchHandler = handler(Fetch, {
  handle: async (services, request, context) => {
    const { topics } = services.image()
    const session = services.fetchSessions.open(request, context.apiVersion, (id) => topics.byId(id)?.name ?? null)
    const targets = session.partitions.map((partition) => targetOf(services, partition, context))
    const { replicaId, replicaEpoch } = replicaOf(request, context.apiVersion)
    if (replicaId >= 0) context.meter?.exempt()
    const quotaBytesMax = replicaId >= 0 ? Infinity : (context.meter?.fetchedBytesMax ?? Infinity)
    const results = await fetchRecords(
      services.clock,
      targets,
      {
        maxWaitMs: request.maxWaitMs,
        minBytes: Math.min(request.minBytes, quotaBytesMax),
        maxBytes: Math.min(
          quotaBytesMax,
          request.maxBytes,
          services.config().fetchMaxBytes,
          Math.max(ANSWER_BYTES_MAX, request.minBytes),
        ),
        reach: replicaId >= 0 ? 'log end' : request.isolationLevel === READ_COMMITTED ? 'stable' : 'committed',
        replicaId,
        replicaEpoch: clampInt64(replicaEpoch),
        quota: replicaId >= 0 ? services.replicationQuota : null,
        choose: chooserFor(services, request, replicaId, context),
        leaderOnly: replicaId >= 0 || context.apiVersion < FROM_FOLLOWERS_VERSION,
        minOneBatch: context.apiVersion >= 3,
      },
      services.fileReads,
      (waiting) => services.onClosed(context.connectionId, () => waiting.cancel()),
    )
    for (const result of results) if (result.release !== null) context.afterSend(result.release)
    const { meter } = context
    if (meter === null) return answer(services, session, results, context, replicaId)
    return meter.takes(() => answer(services, session, results, context, replicaId))
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})

function targetOf(services: Services, wanted: SessionPartition, context: RequestContext): FetchTarget {
  const { partition: index, fetchOffset, maxBytes, currentLeaderEpoch, lastFetchedEpoch, replicaStartOffset } = wanted
  const found = locate(services, wanted, context)
  const partition = found instanceof KafkaError ? null : services.replicas.partition(found, index)
  const error = found instanceof KafkaError ? found : partition === null ? notHosted(services, found, index) : null
  return {
    partition,
    error,
    fetchOffset,
    maxBytes,
    currentLeaderEpoch,
    lastFetchedEpoch,
    logStartOffset: replicaStartOffset,
  }
}

/** Null: everybody reads here. */
function chooserFor(
  services: Services,
  { rackId }: FetchRequest,
  replicaId: number,
  { apiVersion, listener }: RequestContext,
): FetchLimits['choose'] {
  if (services.config().replicaSelectorClass !== RACK_AWARE_SELECTOR) return null
  if (replicaId >= 0 || apiVersion < FROM_FOLLOWERS_VERSION || rackId === '') return null
  const { brokers } = services.image().cluster
  const rackOf = (id: number): string | null => {
    const broker = brokers.get(id)
    return broker === undefined || broker.fenced ? null : (endpointOf(broker, listener)?.rack ?? null)
  }
  return (partition, fetchOffset) =>
    replicaInRack(rackId, services.nodeId, partition.followersWith(fetchOffset), rackOf)
}

/** The topic's name, or why there is none. */
function locate(services: Services, wanted: SessionPartition, context: RequestContext): string | KafkaError {
  if (context.apiVersion < 13) return wanted.topic
  const { topics } = services.image()
  const name = topics.byId(wanted.topicId)?.name
  if (name !== undefined) return name
  if (wanted.topic === '') return new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
  // The session remembers the name of a topic that was deleted since.
  return topics.partition(wanted.topic, wanted.partition) === null
    ? new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
    : new KafkaError('INCONSISTENT_TOPIC_ID', 'The topic was made anew since the session began.')
}

/** Nothing at all to a consumer whose client has fetched too much: then its session goes on as if it had not asked. */
function answer(
  services: Services,
  session: FetchContext,
  results: readonly FetchResult[],
  context: RequestContext,
  replicaId: number,
): Init<FetchResponse> {
  const full = bodyOf(services, session, results, context, replicaId)
  const meter = replicaId >= 0 ? null : context.meter
  const throttleTimeMs = meter?.fetched(sizeOf(full, context.apiVersion)) ?? 0
  if (throttleTimeMs > 0) return { sessionId: session.withheld(), throttleTimeMs }
  tell(session, results)
  return full
}

/** The session notes what its client is told. */
function tell(session: FetchContext, results: readonly FetchResult[]): void {
  for (const [at, partition] of session.partitions.entries()) {
    const result = results[at]
    if (result === undefined || !isTold(session, partition, result)) continue
    // After an error the next good answer is news, whatever it says.
    partition.highWatermark = result.error === null ? result.highWatermark : -1
    partition.logStartOffset = result.logStartOffset
    session.answered(partition, result.bytes > 0)
  }
}

function bodyOf(
  services: Services,
  session: FetchContext,
  results: readonly FetchResult[],
  context: RequestContext,
  replicaId: number,
): Init<FetchResponse> {
  const byTopic = new Map<string, TopicAnswer>()
  const leaders = new Set<number>()
  for (const [at, partition] of session.partitions.entries()) {
    const result = results[at]
    if (result === undefined || !isTold(session, partition, result)) continue
    const key = context.apiVersion >= 13 ? partition.topicId : partition.topic
    let topic = byTopic.get(key)
    if (topic === undefined) {
      topic = { topic: partition.topic, topicId: partition.topicId, partitions: [] }
      byTopic.set(key, topic)
    }
    topic.partitions.push(partitionAnswer(services, partition, result, context, leaders))
  }
  const responses = [...byTopic.values()]
  if (replicaId >= 0) recordThrottled(services, responses, context.apiVersion)
  return {
    sessionId: session.sessionId,
    responses,
    // Followers know where brokers are.
    nodeEndpoints: replicaId >= 0 ? [] : nodeEndpoints(services.image(), leaders, context.listener),
  }
}

/** What the answer has of throttled partitions counts, as it is sent, whether it could have been held back or not. */
function recordThrottled(
  { replicas, replicationQuota }: Services,
  topics: readonly TopicAnswer[],
  version: number,
): void {
  const throttled: TopicAnswer[] = []
  for (const topic of topics) {
    const partitions = topic.partitions.filter(({ partitionIndex = 0 }) => {
      const partition = replicas.partition(topic.topic, partitionIndex)
      return partition !== null && replicationQuota.isThrottled(partition)
    })
    if (partitions.length > 0) throttled.push({ ...topic, partitions })
  }
  if (throttled.length === 0) return
  replicationQuota.bytes.record(sizeOf({ responses: throttled }, version))
}

/** As it is sent, without its header. */
function sizeOf(answer: Init<FetchResponse>, version: number): number {
  const writer = new ByteWriter()
  Fetch.response.write(writer, Fetch.response.make(answer), version)
  return SIZE_BYTES + writer.length
}

function isTold({ incremental }: FetchContext, partition: SessionPartition, result: FetchResult): boolean {
  return !incremental || isNews(partition, result)
}

function isNews(partition: SessionPartition, result: FetchResult): boolean {
  return (
    result.bytes > 0 ||
    result.error !== null ||
    result.divergingEpoch !== null ||
    result.preferredReplica >= 0 ||
    result.highWatermark !== partition.highWatermark ||
    result.logStartOffset !== partition.logStartOffset
  )
}
