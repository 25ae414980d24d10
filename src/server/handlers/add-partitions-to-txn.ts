/**
 * AddPartitionsToTxn v0-5: up to v3 from a client, for its one transaction; from v4 on from leaders of partitions, for
 * several, which are added or only asked about (KIP-890).
 *
 * A partition that doesn't exist refuses them all: the others are not attempted.
 */
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import type { ProducerOfRequest } from '../../coordinators/transaction/requests.ts'
import { AddPartitionsToTxn, type AddPartitionsToTxnRequest } from '../../protocol/generated/add-partitions-to-txn.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'
import { forOlderClients } from './init-producer-id.ts'

type Topics = readonly AddPartitionsToTxnRequest.AddPartitionsToTxnTopic[]
interface TopicResult {
  readonly name: string
  readonly resultsByPartition: readonly { readonly partitionIndex: number; readonly partitionErrorCode: number }[]
}

const BROKERS_FROM = 4
const FENCED_FROM = 2

export const addPartitionsToTxnHandler = handler(AddPartitionsToTxn, {
  handle: async (services, request, { apiVersion }) => {
    if (apiVersion < BROKERS_FROM) {
      const producer = {
        transactionalId: request.v3AndBelowTransactionalId,
        producerId: request.v3AndBelowProducerId,
        producerEpoch: request.v3AndBelowProducerEpoch,
      }
      const results = await add(services, producer, eachOnce(request.v3AndBelowTopics), 0)
      const resultsByTopicV3AndBelow = results.map(({ name, resultsByPartition }) => ({
        name,
        resultsByPartition: resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => ({
          partitionIndex,
          partitionErrorCode: forOlderClients(partitionErrorCode, apiVersion, FENCED_FROM),
        })),
      }))
      // Without any partition the topics come back as they were named.
      const isEmpty = request.v3AndBelowTopics.every(({ partitions }) => partitions.length === 0)
      const named = request.v3AndBelowTopics.map(({ name }) => ({ name, resultsByPartition: [] }))
      return { resultsByTopicV3AndBelow: isEmpty ? named : resultsByTopicV3AndBelow }
    }
    const resultsByTransaction = await Promise.all(
      request.transactions.map(async ({ transactionalId, topics, verifyOnly, ...producer }) => {
        const asked = { transactionalId, ...producer }
        const once = eachOnce(topics)
        const topicResults = verifyOnly ? verify(services, asked, once) : await add(services, asked, once, 2)
        return { transactionalId, topicResults }
      }),
    )
    return { resultsByTransaction }
  },
  failed: ({ v3AndBelowTopics }, error, version) =>
    version < BROKERS_FROM
      ? { resultsByTopicV3AndBelow: resultsOf(v3AndBelowTopics, () => error.code) }
      : { errorCode: error.errno },
})

/** Each partition once, each topic that has any. */
function eachOnce(topics: Topics): Topics {
  const merged = new Map<string, Set<number>>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const known = merged.get(name) ?? new Set()
    merged.set(name, known)
    for (const partition of partitions) known.add(partition)
  }
  return [...merged].map(([name, partitions]) => ({ name, partitions: [...partitions] }))
}

async function add(
  services: Services,
  producer: ProducerOfRequest,
  topics: Topics,
  clientVersion: number,
): Promise<TopicResult[]> {
  const missing = missingOf(services, topics)
  if (missing !== null) return missing
  const partitions = new Map(topics.map(({ name, partitions: indexes }) => [name, new Set(indexes)]))
  const code = await services.transactions.addPartitions(producer, partitions, clientVersion)
  return resultsOf(topics, () => code)
}

function verify(services: Services, producer: ProducerOfRequest, topics: Topics): TopicResult[] {
  return (
    missingOf(services, topics) ??
    resultsOf(topics, (topic, partition) => services.transactions.verify(producer, topic, partition))
  )
}

/** Null if all partitions exist. */
function missingOf(services: Services, topics: Topics): TopicResult[] | null {
  const known = services.image().topics
  const exists = (topic: string, index: number): boolean => known.partition(topic, index) !== null
  if (topics.every(({ name, partitions }) => partitions.every((index) => exists(name, index)))) return null
  return resultsOf(topics, (topic, index) =>
    exists(topic, index) ? 'OPERATION_NOT_ATTEMPTED' : 'UNKNOWN_TOPIC_OR_PARTITION',
  )
}

function resultsOf(topics: Topics, codeOf: (topic: string, partition: number) => ErrorCode): TopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: ERROR_CODES[codeOf(name, partitionIndex)],
    })),
  }))
}
