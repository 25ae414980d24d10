/** Sends a stream to a broker, one request after the other, and keeps what was answered. */
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { WriteTxnMarkers } from '../../src/protocol/generated/write-txn-markers.ts'
import { isTransactional } from '../../src/records/batch.ts'
import type { ClientConnection } from '../../src/rpc/client-connection.ts'
import type { StreamMarker, StreamRequest, StreamTopic } from './produce-stream.ts'

/** What a broker said of one batch: the part that does not depend on its clock. */
export interface BatchAnswer {
  readonly partition: string
  readonly errorCode: number
  readonly baseOffset: string
}

const CREATE_TOPICS_VERSION = 7
/** Before transactions v2, whose batches only a coordinator lets in. */
const PRODUCE_VERSION = 9
const WRITE_TXN_MARKERS_VERSION = 2
const LIST_OFFSETS_VERSION = 7
const LED_TRIES_MAX = 3000
const TIMEOUT_MS = 30_000

export async function createTopics(client: ClientConnection, wanted: readonly StreamTopic[]): Promise<void> {
  const { topics } = await client.request(CreateTopics, CREATE_TOPICS_VERSION, {
    topics: wanted.map(({ name, partitions, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: TIMEOUT_MS,
  })
  for (const { name, errorCode, errorMessage } of topics) {
    if (errorCode !== 0) throw new Error(`topic ${name}: error ${errorCode}: ${errorMessage}`)
  }
}

export async function sendRequests(
  client: ClientConnection,
  topics: readonly StreamTopic[],
  requests: readonly StreamRequest[],
): Promise<BatchAnswer[]> {
  for (const topic of topics) await untilLed(client, topic)
  const answers: BatchAnswer[] = []
  for (const { acks, batches, markers } of requests) {
    if (markers !== undefined) {
      answers.push(...(await sendMarkers(client, markers)))
      continue
    }
    const names = [...new Set(batches.map(({ topic }) => topic))]
    const inTransaction = batches.some(({ records }) => isTransactional(records, 0))
    const { responses } = await client.request(Produce, PRODUCE_VERSION, {
      transactionalId: inTransaction ? 'stream' : null,
      acks,
      timeoutMs: TIMEOUT_MS,
      topicData: names.map((name) => ({
        name,
        partitionData: batches
          .filter(({ topic }) => topic === name)
          .map(({ partition, records }) => ({ index: partition, records: Buffer.from(records) })),
      })),
    })
    // Kafka answers in an order of its own.
    for (const { topic, partition } of batches) {
      const answer = responses
        .find(({ name }) => name === topic)
        ?.partitionResponses.find((row) => row.index === partition)
      const { errorCode = -1, baseOffset = -1 } = answer ?? {}
      answers.push({ partition: `${topic}-${partition}`, errorCode, baseOffset: String(baseOffset) })
    }
  }
  return answers
}

async function sendMarkers(client: ClientConnection, markers: readonly StreamMarker[]): Promise<BatchAnswer[]> {
  const answered = await client.request(WriteTxnMarkers, WRITE_TXN_MARKERS_VERSION, {
    markers: markers.map((marker) => ({
      producerId: marker.producerId,
      producerEpoch: marker.producerEpoch,
      transactionResult: marker.committed,
      coordinatorEpoch: marker.coordinatorEpoch,
      transactionVersion: marker.transactionVersion,
      topics: [...new Set(marker.partitions.map(({ topic }) => topic))].map((name) => ({
        name,
        partitionIndexes: marker.partitions.filter(({ topic }) => topic === name).map(({ partition }) => partition),
      })),
    })),
  })
  return answered.markers
    .flatMap(({ producerId, topics }) =>
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => ({
          partition: `${name}-${partitionIndex}, marker of ${producerId}`,
          errorCode,
          baseOffset: '',
        })),
      ),
    )
    .sort((left, right) => (left.partition < right.partition ? -1 : 1))
}

/** Kafka answers CreateTopics before its broker has followed. */
export async function untilLed(
  client: ClientConnection,
  { name, partitions }: Pick<StreamTopic, 'name' | 'partitions'>,
): Promise<void> {
  for (let tries = 0; tries < LED_TRIES_MAX; tries++) {
    const { topics } = await client.request(ListOffsets, LIST_OFFSETS_VERSION, {
      replicaId: -1,
      topics: [
        { name, partitions: Array.from({ length: partitions }, (_, at) => ({ partitionIndex: at, timestamp: -1 })) },
      ],
    })
    if (topics[0]?.partitions.every(({ errorCode }) => errorCode === 0) === true) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${name} has no leader`)
}
