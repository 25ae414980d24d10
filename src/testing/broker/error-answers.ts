/**
 * How each API says that something went wrong with everything in a request. Most handlers know it themselves (`failed`); here are
 * those whose handlers never fail as a whole, and those where clients expect the error at another place.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import type { KafkaError } from '../../base/errors.ts'
import type { Api, Init } from '../../protocol/codec.ts'
import { ApiVersions } from '../../protocol/generated/api-versions.ts'
import { DeleteRecords } from '../../protocol/generated/delete-records.ts'
import { DescribeConfigs } from '../../protocol/generated/describe-configs.ts'
import { DescribeProducers } from '../../protocol/generated/describe-producers.ts'
import { DescribeTopicPartitions } from '../../protocol/generated/describe-topic-partitions.ts'
import { Fetch, type FetchRequest } from '../../protocol/generated/fetch.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Metadata, type MetadataResponse } from '../../protocol/generated/metadata.ts'
import { OffsetFetch } from '../../protocol/generated/offset-fetch.ts'
import { OffsetForLeaderEpoch } from '../../protocol/generated/offset-for-leader-epoch.ts'
import { Produce, type ProduceRequest } from '../../protocol/generated/produce.ts'
import { CLOSE, type Handled, type Handler } from '../../server/handler.ts'

interface Answering {
  readonly key: number
  // A method, so that a table can hold those of all types.
  answer(request: unknown, error: KafkaError, version: number): Handled<object>
}

interface AnsweringOf<Request, Response> {
  readonly key: number
  answer(request: Request, error: KafkaError, version: number): Init<Response> & object
}

function answering<Request, Response>(
  { key }: Api<Request, Response>,
  answer: (request: Request, error: KafkaError, version: number) => Init<Response> & object,
): AnsweringOf<Request, Response> {
  return { key, answer }
}

const ANSWERS: ReadonlyMap<number, Answering> = new Map(
  [
    answering(ApiVersions, (_request, { errno }) => ({ errorCode: errno, apiKeys: [] })),
    answering(Fetch, ({ topics }, { code, errno }) => {
      if (OF_SESSIONS.has(code)) return { errorCode: errno }
      return {
        responses: topics.map(({ topic, topicId, partitions }) => ({
          topic,
          topicId,
          partitions: partitions.map(({ partition }) => ({
            partitionIndex: partition,
            errorCode: errno,
            highWatermark: -1,
            records: Buffer.alloc(0),
          })),
        })),
      }
    }),
    answering(ListOffsets, ({ topics }, { errno }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: errno })),
      })),
    })),
    answering(OffsetFetch, ({ groups, topics }, { errno }, version) => {
      if (version >= 8) return { groups: groups.map(({ groupId }) => ({ groupId, errorCode: errno })) }
      if (version >= 2) return { errorCode: errno }
      return {
        topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: -1,
            metadata: '',
            errorCode: errno,
          })),
        })),
      }
    }),
    answering(OffsetForLeaderEpoch, ({ topics }, { errno }) => ({
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode: errno })),
      })),
    })),
    answering(DeleteRecords, ({ topics }, { errno }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode: errno })),
      })),
    })),
    answering(DescribeConfigs, ({ resources }, { errno, message }) => ({
      results: resources.map(({ resourceType, resourceName }) => ({
        errorCode: errno,
        errorMessage: message,
        resourceType,
        resourceName,
      })),
    })),
    answering(DescribeProducers, ({ topics }, { errno, message }) => ({
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: errno,
          errorMessage: message,
        })),
      })),
    })),
    answering(DescribeTopicPartitions, ({ topics }, { errno }) => ({
      topics: topics.map(({ name }) => ({ name, errorCode: errno })),
    })),
  ].map((entry: Answering) => [entry.key, entry]),
)

/** Of a fetch session as a whole; all other codes of Fetch are said of partitions. */
const OF_SESSIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
  'UNSUPPORTED_VERSION',
])
const FETCH_SESSION_ID_NOT_FOUND = 70

/**
 * A fetch inside of a session does not name its partitions, so no error can be said of them. It is told that the session is
 * unknown, as after a restart; the client then names all of them, and that request meets the fault.
 */
export function mustNotCount({ api }: Handler<never>, request: unknown, code: ErrorCode): Handled<object> | null {
  if (api.key !== Fetch.key || !isFetch(request) || OF_SESSIONS.has(code)) return null
  return request.sessionId !== 0 && request.sessionEpoch > 0 ? { errorCode: FETCH_SESSION_ID_NOT_FOUND } : null
}

/** @throws the error itself where the handler knows how its answer says it. */
export async function errorAnswer(
  handler: Handler<never>,
  request: unknown,
  version: number,
  error: KafkaError,
  proceed: () => Handled<object> | Promise<Handled<object>>,
): Promise<Handled<object>> {
  const { api } = handler
  if (api.key === Metadata.key) return metadataWith(await proceed(), error)
  if (api.key === Produce.key && isProduce(request) && request.acks === 0) return CLOSE
  const known = ANSWERS.get(api.key)
  if (known !== undefined) return known.answer(request, error, version)
  throw error
}

/** The brokers stay: a client that knows none can't ask again. */
function metadataWith(answer: Handled<object>, { errno }: KafkaError): Handled<object> {
  if (!isMetadata(answer)) return answer
  const topics = (answer.topics ?? []).map((topic) => ({ ...topic, errorCode: errno, partitions: [] }))
  return { ...answer, topics }
}

function isMetadata(answer: Handled<object>): answer is Init<MetadataResponse> {
  return typeof answer === 'object' && 'topics' in answer
}

function isFetch(request: unknown): request is FetchRequest {
  return typeof request === 'object' && request !== null && 'sessionEpoch' in request
}

function isProduce(request: unknown): request is ProduceRequest {
  return typeof request === 'object' && request !== null && 'acks' in request
}
