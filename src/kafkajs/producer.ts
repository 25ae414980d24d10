/**
 * kafkajs's producer. One of the client's producers for each pair of acks and compression that calls name, because kafkajs
 * chooses those per call; what is sent with one pair keeps its order. Batches go out at once: kafkajs does not linger.
 */
import { Producer as ClientProducer } from '../client/producer/producer.ts'
import type { ProducerRecord as ClientRecord, RecordMetadata as Written } from '../client/producer/producer-record.ts'
import type { Codec } from '../records/batch.ts'
import { CompressionTypes } from './constants.ts'
import type { Connection } from './connection.ts'
import { mapped } from './error-mapping.ts'
import { KafkaJSError, KafkaJSNonRetriableError, KafkaJSProtocolError } from './errors.ts'
import {
  Instrumentation,
  type InstrumentationEvent,
  type RemoveInstrumentationEventListener,
} from './instrumentation.ts'
import type { Logger } from './logger.ts'
import { keyBytes, type ICustomPartitioner, type PartitionerArgs } from './partitioners.ts'
import type { RequestPayload, RequestTimeoutPayload } from './request-events.ts'
import { budgetMs, type RetryOptions } from './retry.ts'
import type {
  IHeaders,
  Message,
  Offsets,
  PartitionMetadata,
  ProducerBatch,
  ProducerRecord,
  RecordMetadata,
} from './types.ts'

export interface ProducerConfig {
  createPartitioner?: ICustomPartitioner
  retry?: RetryOptions
  metadataMaxAge?: number
  allowAutoTopicCreation?: boolean
  idempotent?: boolean
  transactionalId?: string
  transactionTimeout?: number
  maxInFlightRequests?: number
}

export const PRODUCER_EVENTS = {
  CONNECT: 'producer.connect',
  DISCONNECT: 'producer.disconnect',
  REQUEST: 'producer.network.request',
  REQUEST_TIMEOUT: 'producer.network.request_timeout',
} as const
export type ProducerEvents = typeof PRODUCER_EVENTS

/** By event name. */
export interface ProducerPayloads {
  'producer.connect': null
  'producer.disconnect': null
  'producer.network.request': RequestPayload
  'producer.network.request_timeout': RequestTimeoutPayload
}

export interface Sender {
  send(record: ProducerRecord): Promise<RecordMetadata[]>
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>
}

export interface Transaction extends Sender {
  sendOffsets(offsets: Offsets & { consumerGroupId: string }): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
  isActive(): boolean
}

export interface ProducerParts {
  readonly connection: Connection
  readonly logger: Logger
  readonly createPartitioner: ICustomPartitioner
}

const CODECS: Readonly<Record<number, Codec>> = {
  [CompressionTypes.None]: 'none',
  [CompressionTypes.GZIP]: 'gzip',
  [CompressionTypes.Snappy]: 'snappy',
  [CompressionTypes.LZ4]: 'lz4',
  [CompressionTypes.ZSTD]: 'zstd',
}
/** What kafkajs has no limit for: a record is as large as the broker takes, and many wait. */
const REQUEST_BYTES_MAX = 100 * 1024 * 1024
const BUFFER_BYTES = 256 * 1024 * 1024

type Bytes = string | Uint8Array

export class Producer implements Sender {
  readonly events: ProducerEvents = PRODUCER_EVENTS
  readonly #connection: Connection
  readonly #config: ProducerConfig
  readonly #logger: Logger
  readonly #instrumentation: Instrumentation
  readonly #partition: (args: PartitionerArgs) => number
  readonly #producers = new Map<string, ClientProducer<Bytes, Bytes>>()
  #transactional: ClientProducer<Bytes, Bytes> | null = null
  /** By `topic-partition`: where its log began when a broker last answered. */
  readonly #logStarts = new Map<string, number>()
  #isInTransaction = false
  #state: 'connected' | 'disconnecting' | 'disconnected' = 'disconnected'

  constructor({ connection, logger, createPartitioner }: ProducerParts, config: ProducerConfig) {
    this.#connection = connection
    this.#config = config
    this.#logger = logger
    this.#instrumentation = new Instrumentation(Object.values(PRODUCER_EVENTS), connection.world.clock, logger)
    connection.watchRequests(PRODUCER_EVENTS, this.#instrumentation)
    this.#partition = createPartitioner()
    if (config.idempotent === true && connection.policy.retries < 1) {
      throw new KafkaJSNonRetriableError('An idempotent producer needs retries: leave them out, or give 1 or more.')
    }
  }

  async connect(): Promise<void> {
    await this.#connection.connect()
    this.#state = 'connected'
    this.#instrumentation.emit(PRODUCER_EVENTS.CONNECT)
  }

  /** Sends what is under way, then closes. */
  async disconnect(): Promise<void> {
    if (this.#state === 'connected') this.#state = 'disconnecting'
    const producers = [...this.#producers.values(), ...(this.#transactional === null ? [] : [this.#transactional])]
    this.#producers.clear()
    this.#transactional = null
    this.#isInTransaction = false
    await Promise.all(producers.map((producer) => producer.close()))
    this.#connection.disconnect()
    this.#state = 'disconnected'
    this.#instrumentation.emit(PRODUCER_EVENTS.DISCONNECT)
  }

  isIdempotent(): boolean {
    return this.#config.idempotent === true
  }

  logger(): Logger {
    return this.#logger
  }

  on<Name extends keyof ProducerPayloads>(
    eventName: Name,
    listener: (event: InstrumentationEvent<ProducerPayloads[Name]>) => void,
  ): RemoveInstrumentationEventListener<Name> {
    return this.#instrumentation.on(eventName, listener)
  }

  async send({ topic, messages, ...how }: ProducerRecord): Promise<RecordMetadata[]> {
    return this.sendBatch({ ...how, topicMessages: [{ topic, messages }] })
  }

  async sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]> {
    const { acks = -1, compression = CompressionTypes.None } = batch
    this.#check(batch, this.isIdempotent())
    return this.#send(batch, () => this.#producerOf(acks, compression))
  }

  /** One at a time. Rejects with KafkaJSNonRetriableError without a transactionalId. */
  async transaction(): Promise<Transaction> {
    const { transactionalId } = this.#config
    if (transactionalId === undefined || transactionalId === '') {
      throw new KafkaJSNonRetriableError('A transaction needs a transactionalId: give the producer one.')
    }
    this.#checkConnected()
    if (this.#isInTransaction) {
      throw new KafkaJSNonRetriableError('A transaction is under way: end it by commit or abort before the next.')
    }
    this.#isInTransaction = true
    const producer = (this.#transactional ??= this.#made({ transactionalId, acks: -1, codec: 'none' }))
    try {
      await this.#mapped(() => producer.beginTransaction())
    } catch (error) {
      this.#isInTransaction = false
      throw error
    }
    return this.#transactionOf(producer)
  }

  #transactionOf(producer: ClientProducer<Bytes, Bytes>): Transaction {
    let hasEnded = false
    const isActive = (): boolean => !hasEnded && this.#isInTransaction
    const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!isActive()) throw new KafkaJSNonRetriableError('The transaction has ended: begin another.')
      return work()
    }
    const ending = async (end: () => Promise<void>): Promise<void> => {
      await this.#mapped(end)
      hasEnded = true
      this.#isInTransaction = false
    }
    const sendBatch = (batch: ProducerBatch): Promise<RecordMetadata[]> => {
      return guarded(async () => {
        this.#check(batch, true)
        return this.#send(batch, () => producer)
      })
    }
    return {
      isActive,
      sendBatch,
      send: ({ topic, messages, ...how }) => sendBatch({ ...how, topicMessages: [{ topic, messages }] }),
      sendOffsets: ({ consumerGroupId, topics }) =>
        guarded(() => {
          const offsets = topics.flatMap(({ topic, partitions }) => {
            return partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) }))
          })
          const group = { groupId: consumerGroupId, generationId: -1, memberId: '', groupInstanceId: null }
          return this.#mapped(() => producer.sendOffsets(offsets, group))
        }),
      commit: () => guarded(() => ending(() => producer.commitTransaction())),
      abort: () => guarded(() => ending(() => producer.abortTransaction())),
    }
  }

  #check({ acks = -1, compression, topicMessages = [] }: ProducerBatch, isIdempotent: boolean): void {
    if (isIdempotent && acks !== -1) {
      throw new KafkaJSNonRetriableError(`An idempotent producer needs acks -1, and acks is ${acks}.`)
    }
    if (compression !== undefined && CODECS[compression] === undefined) {
      throw new KafkaJSNonRetriableError(`compression ${String(compression)} is none of CompressionTypes.`)
    }
    for (const { topic, messages } of topicMessages) {
      if (typeof topic !== 'string' || topic === '') throw new KafkaJSNonRetriableError(`Invalid topic: ${topic}`)
      if (!Array.isArray(messages)) throw new KafkaJSNonRetriableError(`The messages for ${topic} are no array.`)
      const bad = messages.find(({ value }) => value === undefined)
      if (bad !== undefined) {
        throw new KafkaJSNonRetriableError(`A message for ${topic} has no value: ${JSON.stringify(bad)}`)
      }
    }
    this.#checkConnected()
  }

  #checkConnected(): void {
    if (this.#state === 'disconnecting') throw new KafkaJSNonRetriableError('The producer is disconnecting.')
    if (this.#state === 'disconnected') throw new KafkaJSError('The producer is disconnected: call connect first.')
  }

  async #send(
    { topicMessages = [] }: ProducerBatch,
    producerOf: () => ClientProducer<Bytes, Bytes>,
  ): Promise<RecordMetadata[]> {
    return this.#mapped(async () => {
      const producer = producerOf()
      const records: ClientRecord[] = []
      for (const { topic, messages } of topicMessages) {
        const partitionMetadata = await this.#partitionsOf(producer, topic)
        for (const message of messages) records.push(this.#recordOf(topic, message, partitionMetadata))
      }
      if (records.length === 0) return []
      return metadataOf(records, await producer.sendAll(records), this.#logStarts)
    })
  }

  #recordOf(topic: string, message: Message, partitionMetadata: PartitionMetadata[]): ClientRecord {
    const { key, value, headers, timestamp } = message
    const partition = this.#partition({ topic, partitionMetadata, message })
    if (!partitionMetadata.some(({ partitionId }) => partitionId === partition)) {
      throw new KafkaJSNonRetriableError(`Topic ${topic} has no partition ${String(partition)}.`)
    }
    return {
      topic,
      partition,
      key: key === undefined || key === null ? null : keyBytes(key),
      value: value === null ? null : keyBytes(value),
      headers: pairsOf(headers),
      timestamp: timestamp === undefined ? this.#connection.world.clock.wallMs() : Number(timestamp),
    }
  }

  async #partitionsOf(producer: ClientProducer<Bytes, Bytes>, topic: string): Promise<PartitionMetadata[]> {
    if (this.#config.allowAutoTopicCreation === false) await this.#checkExists(topic)
    const partitions = await producer.partitionsFor(topic)
    return partitions.map(({ partition, leader, replicas, isr, offlineReplicas }) => ({
      partitionErrorCode: 0,
      partitionId: partition,
      leader,
      replicas: [...replicas],
      isr: [...isr],
      offlineReplicas: [...offlineReplicas],
    }))
  }

  /** Asked without the wish that it be made. */
  async #checkExists(topic: string): Promise<void> {
    const { network } = this.#connection
    if (network.metadata.topic(topic) !== null) return
    network.setInterest(new Set([...network.metadata.topics.keys(), topic]))
    await network.refresh()
    if (network.metadata.topic(topic) !== null) return
    const message = `Topic ${topic} does not exist, and allowAutoTopicCreation is false.`
    throw new KafkaJSProtocolError({ message, type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3, retriable: true })
  }

  #producerOf(acks: number, compression: number): ClientProducer<Bytes, Bytes> {
    const key = `${acks}/${compression}`
    let producer = this.#producers.get(key)
    if (producer === undefined) {
      producer = this.#made({ acks, codec: CODECS[compression]! })
      this.#producers.set(key, producer)
    }
    return producer
  }

  #made({
    acks,
    codec,
    transactionalId,
  }: {
    readonly acks: number
    readonly codec: Codec
    readonly transactionalId?: string
  }): ClientProducer<Bytes, Bytes> {
    const { world, options, policy } = this.#connection
    const { maxInFlightRequests, transactionTimeout } = this.#config
    const isIdempotent = this.isIdempotent() || transactionalId !== undefined
    const budget = budgetMs(policy, options.requestTimeoutMs)
    return new ClientProducer<Bytes, Bytes>(world, options, {
      acks: acks as 0 | 1 | -1,
      compression: codec,
      idempotence: isIdempotent,
      lingerMs: 0,
      onDelivery: ({ topic, partition, logStartOffset }) => {
        if (logStartOffset >= 0) this.#logStarts.set(keyOf(topic, partition), logStartOffset)
      },
      maxInFlight: Math.min(maxInFlightRequests ?? 5, isIdempotent ? 5 : 0x7fff_ffff),
      maxRequestBytes: REQUEST_BYTES_MAX,
      bufferBytes: BUFFER_BYTES,
      maxBlockMs: Math.min(budget, 0x7fff_ffff),
      deliveryTimeoutMs: Math.min(budget, 0x7fff_ffff),
      ...(isIdempotent ? {} : { retries: Math.min(policy.retries, 0x7fff_ffff) }),
      ...(transactionalId === undefined ? {} : { transactionalId }),
      ...(transactionalId === undefined || transactionTimeout === undefined
        ? {}
        : { transactionTimeoutMs: transactionTimeout }),
    })
  }

  #mapped<T>(work: () => Promise<T>): Promise<T> {
    return mapped(this.#connection.policy, work)
  }
}

/** A list is a header that is there several times. */
function pairsOf(headers: IHeaders = {}): (readonly [string, Bytes | null])[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    return (Array.isArray(value) ? value : [value]).map((one) => {
      return [name, one === undefined || one === null ? null : keyBytes(one)] as const
    })
  })
}

/** One for each partition: where its first record of this call is. */
function metadataOf(
  records: readonly ClientRecord[],
  written: readonly Written[],
  logStarts: ReadonlyMap<string, number>,
): RecordMetadata[] {
  const firsts = new Map<string, RecordMetadata>()
  written.forEach(({ topic, partition, offset, timestamp }, index) => {
    const key = keyOf(topic, partition)
    if (firsts.has(key) || offset < 0) return
    // The broker's time comes back where the topic is set to log-append time; else the record's own.
    const logAppendTime = timestamp === records[index]!.timestamp ? '-1' : String(timestamp)
    const placed = { topicName: topic, partition, errorCode: 0, baseOffset: String(offset), logAppendTime }
    const logStart = logStarts.get(key)
    firsts.set(key, logStart === undefined ? placed : { ...placed, logStartOffset: String(logStart) })
  })
  return [...firsts.values()]
}

function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`
}
