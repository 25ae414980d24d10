/**
 * From a record to its partition's queue: bytes, partition, memory. What can't be queued yet waits here in order, per topic: for
 * the topic's metadata, for memory, or for a partition that the topic does not have; not longer than max.block.ms.
 */
import { KafkaError } from '../../base/errors.ts'
import { ClientError } from '../errors.ts'
import { inWords, isPlain } from '../expected.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Accumulator } from './accumulator.ts'
import { batchBytesMax } from './batch-buffer.ts'
import type { DeliverySink, FlushToken } from './producer-batch.ts'
import type { ProducerOptions, ResolvedProducerOptions } from './producer-options.ts'
import type { ProducerRecord } from './producer-record.ts'
import { FieldWriter, headerBytes } from './record-bytes.ts'
import type { PendingRecord, TopicQueues } from './topic-queues.ts'
import type { TransactionManager } from './transaction-manager.ts'

/** Differences of two times below it are exact. */
const TIMESTAMP_END = 2 ** 51

export interface RecordIntakeOptions<Key, Value> {
  readonly network: NetworkClient
  readonly accumulator: Accumulator
  readonly transactions: TransactionManager | null
  readonly options: ResolvedProducerOptions
  readonly serdes: Pick<ProducerOptions<Key, Value>, 'key' | 'value'>
  readonly wake: () => void
  /** A record that waited could not be queued. `isAwaited`: its sender was told. */
  readonly failed: (topic: string, partition: number, error: Error, isAwaited: boolean) => void
}

export class RecordIntake<Key, Value> {
  readonly #network: NetworkClient
  readonly #accumulator: Accumulator
  readonly #transactions: TransactionManager | null
  readonly #options: ResolvedProducerOptions
  readonly #wake: () => void
  readonly #failed: RecordIntakeOptions<Key, Value>['failed']
  readonly #key: FieldWriter
  readonly #value: FieldWriter
  /** Topics with records that wait. */
  readonly #waiting = new Set<TopicQueues>()
  /** To be asked for in the next turn. */
  #toAsk: TopicQueues[] = []
  #interest = new Set<string>()
  #idleCheckMs = Infinity
  readonly #wallMs: () => number
  readonly #monotonicMs: () => number

  constructor(options: RecordIntakeOptions<Key, Value>) {
    this.#network = options.network
    this.#accumulator = options.accumulator
    this.#transactions = options.transactions
    this.#options = options.options
    this.#wake = options.wake
    this.#failed = options.failed
    this.#key = new FieldWriter('key', options.serdes.key as never)
    this.#value = new FieldWriter('value', options.serdes.value as never)
    const { clock } = options.network.world
    this.#wallMs = () => clock.wallMs()
    this.#monotonicMs = () => clock.monotonicMs()
  }

  /** Records that wait to be queued. */
  get waitingCount(): number {
    let count = 0
    for (const { pending, beyond } of this.#waiting) count += pending.length + beyond.length
    return count
  }

  /**
   * Takes one record. `mayWait`: its sender waits for it, so that it may stay outside of the memory.
   * @throws ClientError SERIALIZATION_FAILED, INVALID_ARGUMENT, BUFFER_FULL; KafkaError MESSAGE_TOO_LARGE
   */
  take(record: ProducerRecord<Key, Value>, sink: DeliverySink | null, slot: number, mayWait: boolean): void {
    this.#transactions?.checkAppend()
    const key = this.#key
    const value = this.#value
    if (record === undefined || record === null || record.value === undefined) checkRecord(record)
    const topic = this.#accumulator.topic(record.topic, this.#monotonicMs)
    key.write(record.key, record.topic)
    value.write(record.value, record.topic)
    const headers = record.headers === undefined ? null : headerBytes(record.headers)
    const bytes = batchBytesMax(key.length, value.length, headers === null ? 0 : headers.length)
    if (bytes > this.#options.maxRequestBytes || bytes > this.#options.bufferBytes) throw this.#tooLarge(bytes)
    const timestamp = record.timestamp === undefined ? this.#wallMs() : checkedTimestamp(record.timestamp)
    const partition = record.partition === undefined ? -1 : checkedPartition(record.partition)
    if (topic.metadata !== null && topic.pending.length === 0 && partition < topic.count) {
      const chosen = partition >= 0 ? partition : this.#chosen(topic, key.bytes, key.length, value.bytes, value.length)
      const queue = this.#accumulator.append(
        topic,
        chosen,
        timestamp,
        key.bytes,
        key.length,
        value.bytes,
        value.length,
        headers,
        sink,
        slot,
        this.#monotonicMs,
      )
      if (queue !== null) {
        this.#transactions?.appended(queue)
        return
      }
    }
    this.#wait(topic, {
      timestamp,
      key: key.kept(),
      value: value.kept(),
      headers,
      partition,
      sink,
      slot,
      deadlineMs: this.#monotonicMs() + this.#options.maxBlockMs,
      reservedBytes: mayWait ? 0 : bytes,
      flushes: null,
    })
  }

  /** Each turn of the sender: what can be queued now is. Returns when the next one's time is over, monotonic. */
  turn(nowMs: number): number {
    if (this.#toAsk.length > 0) this.#ask()
    let nextMs = this.#dropIdle(nowMs)
    let isExhausted = false
    for (const topic of this.#waiting) {
      if (topic.metadata !== null) {
        this.#queueAll(topic, topic.beyond, nowMs)
        isExhausted = !this.#queueAll(topic, topic.pending, nowMs) || isExhausted
      }
      for (const list of [topic.pending, topic.beyond]) {
        this.#expire(topic, list, nowMs)
        if (list.length > 0) nextMs = Math.min(nextMs, list[0]!.deadlineMs)
      }
      if (topic.beyond.length > 0) this.#network.refreshSoon()
      if (topic.pending.length === 0 && topic.beyond.length === 0) this.#waiting.delete(topic)
    }
    if (isExhausted) this.#accumulator.isExhausted = true
    return nextMs
  }

  /** Runs `done` when all that waits now is queued or has failed. */
  whenQueued(done: () => void): void {
    const token: FlushToken = { left: this.waitingCount, done }
    if (token.left === 0) done()
    for (const { pending, beyond } of this.#waiting) {
      for (const record of [...pending, ...beyond]) (record.flushes ??= []).push(token)
    }
  }

  failAll(error: Error): void {
    for (const topic of this.#waiting) this.#failTopic(topic, error)
    this.#waiting.clear()
  }

  /** Metadata of the topic is kept fresh from now on. */
  addInterest(name: string): void {
    if (this.#interest.has(name)) return
    this.#interest = new Set(this.#interest).add(name)
    this.#setInterest()
  }

  #chosen(
    topic: TopicQueues,
    key: Uint8Array | null,
    keyBytes: number,
    value: Uint8Array | null,
    valueBytes: number,
  ): number {
    const partition = topic.choose(key, keyBytes, value, valueBytes)
    if (partition === -1 || (Number.isInteger(partition) && partition >= 0 && partition < topic.count)) return partition
    throw new ClientError(
      'INVALID_ARGUMENT',
      `The partitioner chose partition ${partition} of ${topic.name}, which has ${topic.count}.`,
    )
  }

  #wait(topic: TopicQueues, record: PendingRecord): void {
    if (record.reservedBytes > 0) {
      const isForMemory = topic.metadata !== null && record.partition < topic.count
      if (isForMemory || !this.#accumulator.pool.reserve(record.reservedBytes)) {
        throw new ClientError(
          'BUFFER_FULL',
          `Records that wait for their delivery fill the memory of ${this.#options.bufferBytes} bytes: await drained() when post returns false.`,
        )
      }
    }
    this.#waiting.add(topic)
    if (topic.metadata !== null && record.partition >= topic.count) topic.beyond.push(record)
    else topic.pending.push(record)
    if (topic.metadata === null && !topic.isAsked) {
      topic.isAsked = true
      this.#toAsk.push(topic)
    }
    this.#wake()
  }

  /** False: memory is full. */
  #queueAll(topic: TopicQueues, list: PendingRecord[], nowMs: number): boolean {
    let done = 0
    let hasRoom = true
    for (; done < list.length; done++) {
      const record = list[done]!
      if (record.deadlineMs <= nowMs) break
      if (record.partition >= topic.count) {
        if (list === topic.beyond) break
        topic.beyond.push(record)
        continue
      }
      if (!this.#queueOne(topic, record)) {
        hasRoom = false
        break
      }
    }
    list.splice(0, done)
    return hasRoom
  }

  #queueOne(topic: TopicQueues, record: PendingRecord): boolean {
    const { timestamp, key, value, headers, partition, sink, slot } = record
    const keyBytes = key?.length ?? -1
    const valueBytes = value?.length ?? -1
    try {
      // Its own reservation makes room for it.
      this.#accumulator.pool.release(record.reservedBytes)
      const chosen = partition >= 0 ? partition : this.#chosen(topic, key, keyBytes, value, valueBytes)
      this.#transactions?.checkAppend()
      const queue = this.#accumulator.append(
        topic,
        chosen,
        timestamp,
        key,
        keyBytes,
        value,
        valueBytes,
        headers,
        sink,
        slot,
        this.#monotonicMs,
      )
      if (queue === null) {
        this.#accumulator.pool.reserve(record.reservedBytes)
        return false
      }
      this.#transactions?.appended(queue)
    } catch (error) {
      this.#fail(topic, { ...record, reservedBytes: 0 }, error instanceof Error ? error : new Error(String(error)))
      return true
    }
    this.#settled(record)
    return true
  }

  #expire(topic: TopicQueues, list: PendingRecord[], nowMs: number): void {
    let expired = 0
    while (expired < list.length && list[expired]!.deadlineMs <= nowMs) expired++
    if (expired === 0) return
    for (const record of list.splice(0, expired)) {
      const { maxBlockMs } = this.#options
      const reason =
        record.partition >= topic.count && topic.metadata !== null
          ? `Partition ${record.partition} of topic ${topic.name}, which has ${topic.count}, did not appear in ${maxBlockMs} ms.`
          : topic.metadata === null
            ? `Topic ${topic.name} did not appear in ${maxBlockMs} ms.`
            : `No memory became free in ${maxBlockMs} ms.`
      this.#fail(
        topic,
        record,
        new ClientError(
          topic.metadata !== null && record.partition < topic.count ? 'BUFFER_FULL' : 'TIMED_OUT',
          reason,
        ),
      )
    }
  }

  #failTopic(topic: TopicQueues, error: Error): void {
    const records = [...topic.pending.splice(0), ...topic.beyond.splice(0)]
    for (const record of records) this.#fail(topic, record, error)
  }

  #fail(topic: TopicQueues, record: PendingRecord, error: Error): void {
    this.#accumulator.pool.release(record.reservedBytes)
    this.#transactions?.fail(error)
    record.sink?.failed(record.slot, error)
    this.#failed(topic.name, record.partition, error, record.sink !== null)
    this.#settled(record)
  }

  #settled(record: PendingRecord): void {
    for (const token of record.flushes ?? []) if (--token.left === 0) token.done()
  }

  #ask(): void {
    const topics = this.#toAsk
    this.#toAsk = []
    this.#interest = new Set([...this.#interest, ...topics.map(({ name }) => name)])
    this.#setInterest()
    for (const topic of topics) void this.#askFor(topic)
  }

  async #askFor(topic: TopicQueues): Promise<void> {
    try {
      await this.#network.topic(topic.name, { timeoutMs: this.#options.maxBlockMs })
      topic.update(this.#network.metadata)
    } catch (error) {
      this.#failTopic(topic, error instanceof Error ? error : new Error(String(error)))
    }
    topic.isAsked = false
    if (topic.metadata === null && topic.pending.length > 0) {
      topic.isAsked = true
      this.#toAsk.push(topic)
    }
    this.#wake()
  }

  #setInterest(): void {
    this.#network.setInterest(this.#interest, { mayCreateTopics: true })
    if (this.#idleCheckMs === Infinity) this.#idleCheckMs = this.#monotonicMs() + this.#options.metadataMaxIdleMs / 2
  }

  /** Topics that get no records are no longer asked for. */
  #dropIdle(nowMs: number): number {
    if (nowMs < this.#idleCheckMs) return this.#idleCheckMs
    const { metadataMaxIdleMs } = this.#options
    const kept = new Set<string>()
    for (const name of this.#interest) {
      const topic = this.#accumulator.topics.get(name)
      if (topic === undefined) continue
      const isBusy = this.#waiting.has(topic) || topic.isAsked || topic.queues.some((queue) => !queue.isIdle)
      if (isBusy || topic.usedMs + metadataMaxIdleMs > nowMs) kept.add(name)
      else topic.metadata = null
    }
    if (kept.size < this.#interest.size) {
      this.#interest = kept
      this.#network.setInterest(kept, { mayCreateTopics: true })
    }
    this.#idleCheckMs = kept.size === 0 ? Infinity : nowMs + metadataMaxIdleMs / 2
    return this.#idleCheckMs
  }

  #tooLarge(bytes: number): KafkaError {
    const { maxRequestBytes, bufferBytes } = this.#options
    const limit = bytes > maxRequestBytes ? `maxRequestBytes, ${maxRequestBytes}` : `bufferBytes, ${bufferBytes}`
    return new KafkaError('MESSAGE_TOO_LARGE', `The record takes ${bytes} bytes, more than ${limit}.`)
  }
}

/**
 * Of a record without a value, which hardly anybody means: what is none at all, and names of other clients, whose values would
 * be passed over.
 */
function checkRecord(record: unknown): void {
  if (!isPlain(record)) {
    throw new ClientError(
      'INVALID_ARGUMENT',
      `A record must be an object with topic and value, and is ${inWords(record)}.`,
    )
  }
  const unknown = Object.keys(record).find((name) => !RECORD_FIELDS.includes(name))
  if (unknown === undefined) return
  const hint = unknown === 'messages' ? 'send takes one record, and sendAll a list of them' : 'give null for no value'
  throw new ClientError(
    'INVALID_ARGUMENT',
    `The record has no value, but ${unknown}, which is none of ${RECORD_FIELDS.join(', ')}: ${hint}.`,
  )
}

const RECORD_FIELDS: readonly string[] = ['topic', 'key', 'value', 'headers', 'timestamp', 'partition']

function checkedTimestamp(timestamp: number): number {
  if (Number.isInteger(timestamp) && timestamp >= 0 && timestamp < TIMESTAMP_END) return timestamp
  throw new ClientError(
    'INVALID_ARGUMENT',
    `timestamp must be whole milliseconds since 1970, and is ${inWords(timestamp)}.`,
  )
}

function checkedPartition(partition: number): number {
  if (Number.isInteger(partition) && partition >= 0) return partition
  throw new ClientError('INVALID_ARGUMENT', `partition must be a whole number from 0 on, and is ${inWords(partition)}.`)
}
