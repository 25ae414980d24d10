/** What a Produce request says of batches that are sealed, by version, and how its answer is read. */
import type { ByteReader } from '../../base/byte-reader.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import { readResponse } from '../../protocol/frames.ts'
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/generated/produce.ts'
import { downConvert } from '../../records/convert.ts'
import type { NetworkClient } from '../network-client.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { TransactionManager } from './transaction-manager.ts'

const MAGIC_2_VERSION = 3
const ZSTD_VERSION = 7
const TRANSACTION_V1_VERSION_MAX = 11
const TOPIC_ID_VERSION = 13
/** What of a producer a request depends on. */
export interface ProduceContext {
  readonly network: NetworkClient
  readonly options: ResolvedProducerOptions
  /** Null: neither idempotent nor transactional. */
  readonly transactions: TransactionManager | null
}

/** Versions that say what is meant. */
export function produceVersions(
  { options, transactions, network }: ProduceContext,
  batches: readonly ProducerBatch[],
): { min: number; max: number } {
  const min = options.compression === 'zstd' ? ZSTD_VERSION : transactions === null ? 0 : MAGIC_2_VERSION
  if (transactions?.isTransactional === true && !transactions.isVersion2)
    return { min, max: TRANSACTION_V1_VERSION_MAX }
  const { metadata } = network
  const hasIds = batches.every(({ queue }) => (metadata.topic(queue.topic)?.id ?? ZERO_UUID) !== ZERO_UUID)
  return { min, max: hasIds ? TOPIC_ID_VERSION : TOPIC_ID_VERSION - 1 }
}

/** One batch of each partition at most: older ones are written down to what the version has. */
export function produceMessage(
  { options, transactions, network }: ProduceContext,
  batches: readonly ProducerBatch[],
  version: number,
): Init<ProduceRequest> {
  const topicData: {
    name: string
    topicId: typeof ZERO_UUID
    partitionData: { index: number; records: Buffer | Buffer[] }[]
  }[] = []
  for (const batch of batches) {
    const { queue, buffer } = batch
    let topic = topicData.at(-1)
    if (topic?.name !== queue.topic) topic = topicData.find(({ name }) => name === queue.topic)
    if (topic === undefined) {
      const topicId = version >= TOPIC_ID_VERSION ? network.metadata.topic(queue.topic)!.id : ZERO_UUID
      topic = { name: queue.topic, topicId, partitionData: [] }
      topicData.push(topic)
    }
    batch.topicId = topic.topicId
    const bytes = buffer.bytes.subarray(0, buffer.end)
    const records = version >= MAGIC_2_VERSION ? bytes : downConvert(bytes, version === 2 ? 1 : 0)
    topic.partitionData.push({ index: queue.partition, records })
  }
  const transactionalId = transactions?.transactionalId ?? null
  return { transactionalId, acks: options.acks, timeoutMs: network.options.requestTimeoutMs, topicData }
}

export function readProduce(reader: ByteReader, version: number): ProduceResponse {
  return readResponse(Produce, version, reader)
}
