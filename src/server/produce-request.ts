/**
 * What a Produce request asks for, looked at before any of its partitions is: whether it can be one at all, which partitions it
 * names, and the transaction that its batches are part of.
 */
import { KafkaError } from '../base/errors.ts'
import type { Int64 } from '../base/int64.ts'
import type { ProduceRequest } from '../protocol/generated/produce.ts'
import * as batch from '../records/batch.ts'
import { malformedEntry, ONE_BATCH_VERSION, refusalOfShape } from '../records/produce-shape.ts'
import type { Partition } from '../replication/partition.ts'
import type { TransactionOfRequest } from '../replication/transaction-verification.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

export type PartitionRequest = ProduceRequest.PartitionProduceData

export const TOPIC_IDS_FROM = 13
/** Clients of transactions v2, which leave it to the leader to add the partition to the transaction. */
export const ADDS_PARTITION_FROM = 12
/** Clients know TRANSACTION_ABORTABLE. */
const ABORTABLE_FROM = 11
/** A message of magic 0 without key and value. */
const SMALLEST_ENTRY_BYTES = 14
const MAGIC_MAX = 2

export function topicNameOf(
  services: Services,
  topic: ProduceRequest.TopicProduceData,
  version: number,
): string | null {
  if (version < TOPIC_IDS_FROM) return topic.name
  return services.image().topics.byId(topic.topicId)?.name ?? null
}

/** The transaction that the request's batches are part of; null if none is. */
export function transactionOf(
  services: Services,
  { transactionalId }: ProduceRequest,
  wanted: readonly ProduceRequest.TopicProduceData[],
  { apiVersion }: RequestContext,
): TransactionOfRequest | 'several producers' | null {
  const partitions = new Map<Partition, number>()
  let producer: { readonly producerId: Int64; readonly producerEpoch: number } | null = null
  for (const topic of wanted) {
    const name = topicNameOf(services, topic, apiVersion)
    for (const { index, records } of topic.partitionData) {
      const hosted = name === null ? null : services.replicas.partition(name, index)
      if (hosted === null || records === null || refusalOfShape(records, apiVersion) !== null) continue
      if (!isTransactionalBatch(records) || batch.producerId(records, 0) === batch.NO_PRODUCER_ID) continue
      const found = { producerId: batch.producerId(records, 0), producerEpoch: batch.producerEpoch(records, 0) }
      producer ??= found
      if (found.producerId !== producer.producerId || found.producerEpoch !== producer.producerEpoch)
        return 'several producers'
      partitions.set(hosted, batch.baseSequence(records, 0))
    }
  }
  if (producer === null || transactionalId === null) return null
  const support =
    apiVersion >= ADDS_PARTITION_FROM ? 'adds-partition' : apiVersion >= ABORTABLE_FROM ? 'abortable' : 'old-errors'
  return { transactionalId, ...producer, support, partitions }
}

/**
 * Why no partition of the request is looked at: the first batch of one is none. (Kafka asks them all whether they are
 * transactional.)
 */
export function refusalOfFirstEntries({ topicData, transactionalId }: ProduceRequest): KafkaError | null {
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (records === null || records.length < batch.LOG_OVERHEAD_BYTES) continue
      const size = batch.entryBytes(records, 0) - batch.LOG_OVERHEAD_BYTES
      if (size < SMALLEST_ENTRY_BYTES) {
        const detail = `Record size ${size} is less than the minimum record overhead (${SMALLEST_ENTRY_BYTES})`
        return new KafkaError('CORRUPT_MESSAGE', detail)
      }
      if (records.length < batch.ENTRY_PREFIX_BYTES) continue
      const magic = batch.magic(records, 0)
      if (magic === MAGIC_MAX && transactionalId === null && isTransactionalBatch(records)) {
        return new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'Transactional Id authorization failed.')
      }
      if (magic < 0 || magic > MAGIC_MAX) {
        return new KafkaError('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`)
      }
    }
  }
  return null
}

/**
 * The same for entries behind the first one, which old producers may send: Kafka looks through them all for transactional
 * batches, in partitions that exist. From version 3 on a second batch is refused for its partition before.
 */
export function refusalOfEntriesBehind(
  services: Services,
  { topicData }: ProduceRequest,
  { apiVersion }: RequestContext,
): KafkaError | null {
  if (apiVersion >= ONE_BATCH_VERSION) return null
  for (const { name, partitionData } of topicData) {
    for (const { index, records } of partitionData) {
      if (records === null || services.image().topics.partition(name, index) === null) continue
      const malformed = malformedEntry(records)
      if (malformed !== null) return new KafkaError('CORRUPT_MESSAGE', malformed)
    }
  }
  return null
}

const isTransactionalBatch = (records: Buffer): boolean =>
  records.length >= batch.BATCH_HEADER_BYTES && batch.isTransactional(records, 0)

/** Of a partition that is named twice the last counts, in the place of the first; a topic without any isn't answered. */
export function wantedOf({ topicData }: ProduceRequest): readonly ProduceRequest.TopicProduceData[] {
  const [only] = topicData
  if (only !== undefined && topicData.length === 1 && only.partitionData.length === 1) return topicData
  const wanted = new Map<
    string,
    { readonly topic: ProduceRequest.TopicProduceData; readonly partitions: Map<number, PartitionRequest> }
  >()
  for (const topic of topicData) {
    if (topic.partitionData.length === 0) continue
    const key = `${topic.topicId} ${topic.name}`
    const known = wanted.get(key) ?? { topic, partitions: new Map<number, PartitionRequest>() }
    wanted.set(key, known)
    for (const partition of topic.partitionData) known.partitions.set(partition.index, partition)
  }
  return [...wanted.values()].map(({ topic, partitions }) => ({ ...topic, partitionData: [...partitions.values()] }))
}
