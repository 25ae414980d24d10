/**
 * Produce v0-13: record batches in, offsets out.
 *
 * v0-1 carry magic 0, v2 magic 1 (both stored as magic 2, as every log since Kafka 3.0); v3 brings magic 2 and
 * transactional ids, v7 zstd, v8 errors per record, v10 the current leader, v13 topic ids. acks=0 is never answered: an
 * error closes the connection, which is how the client learns. Each partition has its own error; partitions are appended
 * when the handler returns, so the next request of the connection may start before the answer. The first batch of a
 * transaction in a partition is appended when its coordinator has confirmed it (from v12 on: has added it), and what is
 * behind it on the connection waits for that (KIP-890).
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/generated/produce.ts'
import { refusalOfShape } from '../../records/produce-shape.ts'
import { InvalidRecords, validateProduce } from '../../records/validator.ts'
import type { Partition } from '../../replication/partition.ts'
import type { Verified } from '../../replication/transaction-verification.ts'
import { nodeEndpoints } from '../endpoints.ts'
import { CLOSE, handler, NO_ANSWER, type Handled, type RequestContext } from '../handler.ts'
import { awaitCommit, produceOptions } from '../leader-append.ts'
import type { Services } from '../services.ts'
import { isInternal } from '../topic-names.ts'
import { notHosted } from '../not-hosted.ts'
import {
  ADDS_PARTITION_FROM,
  refusalOfEntriesBehind,
  refusalOfFirstEntries,
  topicNameOf,
  TOPIC_IDS_FROM,
  transactionOf,
  wantedOf,
  type PartitionRequest,
} from '../produce-request.ts'

type PartitionAnswer = Init<ProduceResponse.PartitionProduceResponse>
type TopicAnswer = Init<ProduceResponse.TopicProduceResponse>

/** The one client that may write to internal topics (Kafka's own rule). */
const ADMIN_CLIENT = '__admin_client'
const NOT_VERIFIED_YET: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
])
/** With these Kafka doesn't say where the log starts. */
const WITHOUT_LOG_START: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'NOT_LEADER_OR_FOLLOWER',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'KAFKA_STORAGE_ERROR',
  'INVALID_REQUIRED_ACKS',
  'INVALID_TOPIC_EXCEPTION',
  'UNSUPPORTED_COMPRESSION_TYPE',
])
const NO_RECORDS = Buffer.alloc(0)

export const produceHandler = handler(Produce, {
  pipelined: true,
  counts: 'produced bytes',
  handle: (services, request, context) => {
    const refusal = refusalOfFirstEntries(request) ?? refusalOfEntriesBehind(services, request, context)
    if (refusal !== null && request.acks === 0) return CLOSE
    if (refusal !== null) throw refusal
    const wanted = wantedOf(request)
    const append = (verified: Verified | null): Promise<Handled<ProduceResponse>> => {
      const work: ProduceWork = { services, request, context, verified, writes: [] }
      const topics = wanted.map((topic) => appendTopic(work, topic))
      // What waits for followers from here on must not keep them, or others, from being heard.
      if (request.acks === -1) void Promise.allSettled(work.writes).then(() => context.letGo())
      return finish(work, topics)
    }
    const transaction = request.transactionalId === null ? null : transactionOf(services, request, wanted, context)
    if (transaction === 'several producers') {
      if (request.acks === 0) return CLOSE
      throw new KafkaError('INVALID_PRODUCER_ID_MAPPING', 'Transactional records contained more than one producer ID')
    }
    if (transaction === null) return append(null)
    const { verification } = services
    const verified =
      transaction.support === 'adds-partition'
        ? verification.verifyPatiently(transaction)
        : verification.verify(transaction)
    if (!(verified instanceof Promise)) return append(verified)
    context.holdNext()
    return verified.then(append)
  },
  failed: (request, error) => ({
    responses: wantedOf(request).map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        ...failure(index, error),
        errorMessage: error.code === 'CORRUPT_MESSAGE' ? error.message : null,
      })),
    })),
  }),
})

/** What the partitions of one request have in common. */
interface ProduceWork {
  readonly services: Services
  readonly request: ProduceRequest
  readonly context: RequestContext
  /** Null: no batch is part of a transaction. */
  readonly verified: Verified | null
  /** Of all that was appended and is waited for. */
  readonly writes: Promise<void>[]
}

interface PendingTopic {
  readonly name: string
  readonly topicId: ProduceRequest.TopicProduceData['topicId']
  readonly partitions: readonly (PartitionAnswer | Promise<PartitionAnswer>)[]
}

async function finish(
  { services, request, context }: ProduceWork,
  topics: readonly PendingTopic[],
): Promise<Handled<ProduceResponse>> {
  const responses: TopicAnswer[] = []
  let failed = false
  const leaders = new Set<number>()
  for (const { name, topicId, partitions } of topics) {
    const partitionResponses = await Promise.all(partitions)
    for (const { errorCode, currentLeader } of partitionResponses) {
      if (errorCode !== undefined && errorCode !== 0) failed = true
      if (currentLeader?.leaderId !== undefined) leaders.add(currentLeader.leaderId)
    }
    responses.push({ name, topicId, partitionResponses })
  }
  if (request.acks === 0) return failed ? CLOSE : NO_ANSWER
  return { responses, nodeEndpoints: nodeEndpoints(services.image(), leaders, context.listener) }
}

function appendTopic(work: ProduceWork, topic: ProduceRequest.TopicProduceData): PendingTopic {
  const { services, context } = work
  const byId = context.apiVersion >= TOPIC_IDS_FROM
  const name = topicNameOf(services, topic, context.apiVersion)
  const partitions = topic.partitionData.map((partition): PartitionAnswer | Promise<PartitionAnswer> => {
    if (name === null) {
      return failure(partition.index, new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.'))
    }
    try {
      return appendPartition(work, name, partition)
    } catch (error) {
      return answerError(work, name, partition.index, error)
    }
  })
  return { name: topic.name, topicId: byId ? topic.topicId : ZERO_UUID, partitions }
}

/** Everything up to the append happens before this returns: order between requests is the order of their arrival. */
function appendPartition(
  work: ProduceWork,
  topic: string,
  { index, records }: PartitionRequest,
): PartitionAnswer | Promise<PartitionAnswer> {
  const { services, request, context, verified } = work
  const hosted = services.replicas.partition(topic, index)
  if (hosted === null) throw notHosted(services, topic, index)
  const misshapen = refusalOfShape(records ?? NO_RECORDS, context.apiVersion)
  if (misshapen !== null) return failure(index, misshapen)
  const unverified = verified?.errors.get(hosted)
  if (unverified !== undefined) return verificationFailure(index, unverified, context)
  if (request.acks < -1 || request.acks > 1) {
    throw new KafkaError('INVALID_REQUIRED_ACKS', `acks ${request.acks}, which must be -1, 0 or 1`)
  }
  if (isInternal(topic) && context.clientId !== ADMIN_CLIENT) {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Cannot append to internal topic ${topic}`)
  }
  const log = hosted.leaderLog()
  if (request.acks === -1) hosted.checkInSyncReplicas(log, 'NOT_ENOUGH_REPLICAS')
  const options = produceOptions(log.config, context.apiVersion, services.clock.wallMs(), hosted.name)
  const valid = validateProduce(records ?? NO_RECORDS, options)
  // Producers before 0.11 may send a partition without a message.
  if (valid.recordCount === 0) return { index, baseOffset: -1, logStartOffset: log.startOffset }
  const appended = hosted.append(log, valid.records, {
    origin: 'client',
    memory: valid.rebuilt ? null : context.memory,
    ...services.verification.proof(verified?.guards.get(hosted)),
  })
  const logAppendTimeMs = appended.duplicate ? appended.logAppendTimeMs : valid.logAppendTimeMs
  const answer: PartitionAnswer = {
    index,
    baseOffset: appended.firstOffset,
    logAppendTimeMs,
    logStartOffset: appended.startOffset,
  }
  if (request.acks === 0) {
    // Nobody waits for the write; a failed one takes the directory offline, which is reported there.
    appended.written.catch(() => undefined)
    return answer
  }
  work.writes.push(appended.written)
  return settle(work, hosted, appended, answer)
}

async function settle(
  work: ProduceWork,
  hosted: Partition,
  appended: { readonly lastOffset: number; readonly written: Promise<void> },
  answer: PartitionAnswer,
): Promise<PartitionAnswer> {
  const { request } = work
  try {
    await appended.written
    if (request.acks === -1) await awaitCommit(request.timeoutMs, hosted, appended.lastOffset + 1)
    return answer
  } catch (error) {
    return answerError(work, hosted.topic, hosted.index, error)
  }
}

/** Clients send again what is not verified yet, and ask nobody for the metadata for it. */
function verificationFailure(index: number, error: KafkaError, { apiVersion }: RequestContext): PartitionAnswer {
  const isRetried =
    NOT_VERIFIED_YET.has(error.code) || (error.code === 'CONCURRENT_TRANSACTIONS' && apiVersion < ADDS_PARTITION_FROM)
  if (isRetried) {
    const errorMessage = `Unable to verify the partition has been added to the transaction. Underlying error: ${error.code}`
    return { ...failure(index, new KafkaError('NOT_ENOUGH_REPLICAS', errorMessage)), errorMessage }
  }
  const errorMessage = error.code === 'INVALID_TXN_STATE' ? 'Partition was not added to the transaction' : null
  return { ...failure(index, error), errorMessage }
}

function failure(index: number, error: KafkaError): PartitionAnswer {
  return {
    index,
    errorCode: error.errno,
    baseOffset: -1,
    logStartOffset: -1,
    recordErrors: recordErrorsOf(error),
    errorMessage: error instanceof InvalidRecords ? error.answerText : null,
  }
}

function recordErrorsOf(error: KafkaError): Init<ProduceResponse.BatchIndexAndErrorMessage>[] {
  if (!(error instanceof InvalidRecords)) return []
  return error.recordErrors.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message }))
}

function answerError(
  { services, context }: ProduceWork,
  topic: string,
  index: number,
  error: unknown,
): PartitionAnswer {
  if (!(error instanceof KafkaError)) throw error
  const log = WITHOUT_LOG_START.has(error.code) ? null : (services.replicas.partition(topic, index)?.log ?? null)
  const answer = { ...failure(index, error), logStartOffset: log === null ? -1 : log.startOffset }
  if (error.code !== 'NOT_LEADER_OR_FOLLOWER' || context.apiVersion < 10) return answer
  const partition = services.image().topics.partition(topic, index)
  if (partition === null) return answer
  return { ...answer, currentLeader: { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch } }
}
