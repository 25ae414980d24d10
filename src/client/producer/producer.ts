/**
 * The producer: takes records, tells what became of them, and keeps Java's promises. A record is written once and in order by
 * default, or its failure is told; every promise settles by the delivery timeout.
 *
 *     const { partition, offset } = await producer.send({ topic, key, value })
 *     if (!producer.post({ topic, key, value })) await producer.drained()
 *
 * It wires what the other files of this folder do: record-intake.ts (bytes and partitions), accumulator.ts (batches), sender.ts
 * (requests), transaction-manager.ts (identity and transactions).
 */
import { abortable } from '../../base/abortable.ts'
import { KafkaError } from '../../base/errors.ts'
import { MetricsRegistry } from '../../metrics/registry.ts'
import { inTime, type CallOptions } from '../call.ts'
import type { EventChannel } from '../client-events.ts'
import type { ResolvedClientOptions } from '../client-options.ts'
import type { PartitionMetadata } from '../cluster-metadata.ts'
import { CALL_OPTIONS, checkArguments, checkOptions, exactly } from '../check-options.ts'
import { ClientError } from '../errors.ts'
import { NetworkClient, type ClientWorld } from '../network-client.ts'
import { Accumulator } from './accumulator.ts'
import { NOWHERE, type BatchPlace } from './batch-outcomes.ts'
import { OneDelivery, ManyDeliveries } from './deliveries.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { ProducerMetrics } from './producer-metrics.ts'
import {
  resolveProducerOptions,
  type ProducerInterceptor,
  type ProducerOptions,
  type ResolvedProducerOptions,
} from './producer-options.ts'
import type { ConsumerGroupMetadata } from '../consumer/consumer.ts'
import { checkOffsets } from '../consumer/topic-partition.ts'
import { PRODUCER_REJECTS } from './producer-arguments.ts'
import type { Delivery, ProducerRecord, RecordMetadata, TopicPartitionOffset } from './producer-record.ts'
import { RecordIntake } from './record-intake.ts'
import { Sender } from './sender.ts'
import { TransactionManager } from './transaction-manager.ts'

/** After so many bytes `post` lets the loop turn, so that requests go out while more is posted. */
const TURN_BYTES_MAX = 1 << 20
/**
 * While more waits to be sent, `drained` does not resolve at once: what is written far ahead has left the caches when it is sent.
 * For so long at most, so that one node that takes nothing does not stop what goes to others.
 */
const AHEAD_BYTES_MAX = 2 << 20
const AHEAD_MS_MAX = 50
/** Shares of the memory: `post` returns false from the first on, `drained` resolves below the second. */
const FULL_SHARE = 0.75
const DRAINED_SHARE = 0.5

/** What may be done inside of a transaction. */
export type Transaction<Key, Value> = Pick<
  Producer<Key, Value>,
  'send' | 'sendAll' | 'post' | 'drained' | 'sendOffsets'
>

export class Producer<Key, Value> implements AsyncDisposable {
  /** Counters, gauges and histograms under the names of Java's client. */
  readonly metrics = new MetricsRegistry()
  readonly #options: ResolvedProducerOptions
  readonly #network: NetworkClient
  readonly #accumulator: Accumulator
  readonly #transactions: TransactionManager | null
  readonly #intake: RecordIntake<Key, Value>
  readonly #sender: Sender
  readonly #interceptors: readonly ProducerInterceptor[]
  readonly #onDelivery: ((delivery: Delivery) => void) | null
  readonly #sent: EventChannel
  readonly #failedEvent: EventChannel
  #drainWaiters: (() => void)[] = []
  /** Monotonic: how long they wait for what is ahead. */
  #drainUntilMs = 0
  /** Posted records that failed since the last flush. */
  #lost: { records: number; readonly first: Error } | null = null
  #closing: Promise<void> | null = null
  #isClosed = false

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(world: ClientWorld, client: ResolvedClientOptions, options: ProducerOptions<Key, Value> = {}) {
    this.#options = resolveProducerOptions(options as ProducerOptions<never, never>, client.requestTimeoutMs)
    const { idempotence, transactionalId, transactionTimeoutMs } = this.#options
    this.#network = new NetworkClient(world, client)
    const network = this.#network
    this.#accumulator = new Accumulator(this.#options, network.retries.backoff, world.random)
    const wake = (): void => this.#sender.wake()
    this.#transactions = idempotence
      ? new TransactionManager({ network, wake, transactionalId, transactionTimeoutMs })
      : null
    const metrics = new ProducerMetrics(this.metrics, client.clientId, {
      bufferTotalBytes: () => this.#options.bufferBytes,
      bufferAvailableBytes: () => this.#accumulator.pool.availableBytes,
      requestsInFlight: () => this.#sender.inFlight,
      recordsWaiting: () => this.#intake.waitingCount,
    })
    const parts = { network, accumulator: this.#accumulator, transactions: this.#transactions, options: this.#options }
    this.#sender = new Sender({
      ...parts,
      metrics,
      ended: (batch, place, error) => this.#ended(batch, place, error),
      eachTurn: (nowMs) => this.#turn(nowMs),
    })
    this.#intake = new RecordIntake<Key, Value>({
      ...parts,
      serdes: options,
      wake,
      failed: (topic, partition, error, isAwaited) => {
        if (!isAwaited) this.#lose(1, error)
        this.#tell({ topic, partition, baseOffset: -1, records: 1, logAppendTimeMs: -1, logStartOffset: -1, error })
      },
    })
    this.#interceptors = options.interceptors ?? []
    this.#onDelivery = options.onDelivery ?? null
    this.#sent = client.events('klamm:producer:send')
    this.#failedEvent = client.events('klamm:producer:error')
    network.metadata.onChange(() => {
      this.#accumulator.update(network.metadata)
      wake()
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Sends one record. Rejects with KafkaError as the broker refused it, or ClientError TIMED_OUT (delivery timeout),
   * BUFFER_FULL (no memory in max.block.ms), SERIALIZATION_FAILED, CLOSED. A signal ends the waiting, not the sending.
   */
  send(record: ProducerRecord<Key, Value>, call: CallOptions = NO_CALL): Promise<RecordMetadata> {
    const sent = new Promise<RecordMetadata>((resolve, reject) => {
      if (call !== NO_CALL) checkOptions('send', CALL, call)
      this.#take(record, new OneDelivery(resolve, reject), 0, true)
    })
    return this.#limited(sent, call, 'Sending a record')
  }

  /** Sends many, in order. Rejects with the first record's error, once all have an outcome. */
  sendAll(records: readonly ProducerRecord<Key, Value>[], call: CallOptions = NO_CALL): Promise<RecordMetadata[]> {
    const sent = new Promise<RecordMetadata[]>((resolve, reject) => {
      const deliveries = new ManyDeliveries(records.length, resolve, reject)
      records.forEach((record, slot) => {
        try {
          this.#take(record, deliveries, slot, true)
        } catch (error) {
          deliveries.failed(slot, error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
    return this.#limited(sent, call, `Sending ${records.length} records`)
  }

  /**
   * Sends one record without a promise for it. The record is always taken; false asks to await `drained` before the next
   * one, because memory fills or the loop should turn. Failures go to `onDelivery`, or else `flush` rejects.
   * @throws ClientError BUFFER_FULL if that was not done and memory is full, SERIALIZATION_FAILED, CLOSED
   */
  post(record: ProducerRecord<Key, Value>): boolean {
    this.#take(record, null, 0, false)
    const accumulator = this.#accumulator
    const isFull = accumulator.pool.usedBytes > this.#options.bufferBytes * FULL_SHARE
    if (!isFull && accumulator.newBytes < TURN_BYTES_MAX) return true
    if (isFull) accumulator.isExhausted = true
    this.#sender.wake()
    return false
  }

  /** Resolves when there is room for more. */
  drained(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#sender.wake()
    if (this.#drainWaiters.length === 0) this.#drainUntilMs = this.#network.world.clock.monotonicMs() + AHEAD_MS_MAX
    return new Promise((resolve) => this.#drainWaiters.push(resolve))
  }

  /**
   * Sends what waits at once, and resolves when every record of before has an outcome. Rejects with ClientError DELIVERY_FAILED
   * if posted records failed since the last flush; not if there is an `onDelivery`, which was told.
   */
  async flush(call: CallOptions = NO_CALL): Promise<void> {
    await this.#limited(this.#settle(), call, 'Flushing')
    this.#throwLost()
  }

  /** The partitions of a topic, and who leads them. The topic may be made by asking, as by sending. */
  async partitionsFor(topic: string, call: CallOptions = NO_CALL): Promise<readonly PartitionMetadata[]> {
    this.#checkOpen()
    this.#intake.addInterest(topic)
    const { partitions } = await this.#network.topic(topic, { timeoutMs: this.#options.maxBlockMs, ...call })
    return partitions
  }

  /** Gets the producer's id and fences whoever had the transactional id before. `beginTransaction` does it if need be. */
  async initTransactions(call: CallOptions = NO_CALL): Promise<void> {
    const transactions = this.#checkTransactional()
    await this.#bounded(transactions.initTransactions(), call, 'Getting a producer id')
  }

  async beginTransaction(call: CallOptions = NO_CALL): Promise<void> {
    const transactions = this.#checkTransactional()
    if (transactions.state === 'UNINITIALIZED' || transactions.state === 'INITIALIZING')
      await this.initTransactions(call)
    transactions.beginTransaction()
  }

  /** Sends what waits, and makes it visible. After an error it can't, `abortTransaction` is what is left. */
  async commitTransaction(call: CallOptions = NO_CALL): Promise<void> {
    const transactions = this.#checkTransactional()
    // What waits for metadata belongs to the transaction.
    const commit = this.#queued().then(() => transactions.commitTransaction())
    await this.#bounded(commit, call, 'Committing a transaction')
  }

  /** Takes back what was sent. Records that were not sent yet fail with ClientError ABORTED. */
  async abortTransaction(call: CallOptions = NO_CALL): Promise<void> {
    const transactions = this.#checkTransactional()
    this.#intake.failAll(new ClientError('ABORTED', 'The transaction was aborted before the record was sent.'))
    await this.#bounded(transactions.abortTransaction(), call, 'Aborting a transaction')
  }

  /** Commits offsets of a consumer with the transaction: `consumer.groupMetadata()` says in whose name. */
  async sendOffsets(
    offsets: readonly TopicPartitionOffset[],
    group: ConsumerGroupMetadata,
    call: CallOptions = NO_CALL,
  ): Promise<void> {
    const transactions = this.#checkTransactional()
    if (checkOffsets(offsets).length === 0) return
    await this.#bounded(transactions.sendOffsets(offsets, group), call, 'Committing offsets in a transaction')
  }

  /**
   * Runs `work` in a transaction: commits when it resolves, aborts when it rejects, and rejects as it does. One at a time.
   */
  async transaction<T>(
    work: (transaction: Transaction<Key, Value>) => Promise<T>,
    call: CallOptions = NO_CALL,
  ): Promise<T> {
    await this.beginTransaction(call)
    try {
      const result = await work(this)
      await this.commitTransaction(call)
      return result
    } catch (error) {
      const transactions = this.#transactions!
      // A commit whose time is over goes on: what it comes to is not known, and calling it again tells.
      if (transactions.state === 'IN_TRANSACTION' || transactions.state === 'ABORTABLE_ERROR') {
        await this.abortTransaction(call).catch((failure: unknown) => {
          this.#network.options.logger.warn(`transaction not aborted: ${String(failure)}`)
        })
      }
      throw error
    }
  }

  /**
   * Sends what waits, aborts an open transaction, and ends. What has no outcome after `timeoutMs` (the delivery timeout if
   * left out) fails with ClientError CLOSED. Idempotent. Rejects as `flush` does.
   */
  close({ timeoutMs = this.#options.deliveryTimeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #take(
    given: ProducerRecord<Key, Value>,
    sink: OneDelivery | ManyDeliveries | null,
    slot: number,
    mayWait: boolean,
  ): void {
    if (this.#closing !== null) this.#checkOpen()
    const record = this.#interceptors.length === 0 ? given : this.#intercepted(given)
    try {
      this.#intake.take(record, sink, slot, mayWait)
    } catch (error) {
      // A record of the transaction is lost, whether its sender looks at that or not.
      if (error instanceof KafkaError && this.#transactions?.state === 'IN_TRANSACTION') this.#transactions.fail(error)
      throw error
    }
    if (this.#accumulator.hasNews) this.#sender.wake()
  }

  #intercepted(record: ProducerRecord<Key, Value>): ProducerRecord<Key, Value> {
    let intercepted = record as unknown as ProducerRecord<never, never>
    for (const interceptor of this.#interceptors) {
      try {
        intercepted = interceptor.onSend?.(intercepted) ?? intercepted
      } catch (error) {
        this.#network.options.logger.warn(`interceptor: ${String(error)}`)
      }
    }
    return intercepted
  }

  #turn(nowMs: number): number {
    this.#accumulator.isExhausted = false
    const { usedBytes, limitBytes } = this.#accumulator.pool
    const nextMs = this.#intake.turn(nowMs)
    if (this.#drainWaiters.length === 0) return nextMs
    if (usedBytes > limitBytes * DRAINED_SHARE) {
      this.#accumulator.isExhausted = true
      return nextMs
    }
    if (usedBytes - this.#sender.wireBytes > AHEAD_BYTES_MAX && nowMs < this.#drainUntilMs) {
      return Math.min(nextMs, this.#drainUntilMs)
    }
    const waiters = this.#drainWaiters
    this.#drainWaiters = []
    for (const resolve of waiters) resolve()
    return nextMs
  }

  #ended({ queue, count, awaited }: ProducerBatch, place: BatchPlace, error: Error | null): void {
    if (error !== null && awaited < count) this.#lose(count - awaited, error)
    const { topic, partition } = queue
    const { baseOffset, logAppendTimeMs, logStartOffset } = place
    this.#tell({ topic, partition, baseOffset, records: count, logAppendTimeMs, logStartOffset, error })
  }

  #lose(records: number, error: Error): void {
    // A transaction that lost a record can't be committed: that tells.
    if (this.#onDelivery !== null || this.#transactions?.isTransactional === true) return
    if (this.#lost === null) this.#lost = { records, first: error }
    else this.#lost.records += records
  }

  #tell(delivery: Delivery): void {
    const channel = delivery.error === null ? this.#sent : this.#failedEvent
    if (channel.hasSubscribers) channel.publish({ clientId: this.#network.options.clientId, ...delivery })
    if (this.#onDelivery === null && this.#interceptors.length === 0) return
    for (const listener of [this.#onDelivery, ...this.#interceptors.map((each) => each.onDelivery?.bind(each))]) {
      try {
        listener?.(delivery)
      } catch (error) {
        this.#network.options.logger.warn(`onDelivery: ${String(error)}`)
      }
    }
  }

  #throwLost(): void {
    const lost = this.#lost
    this.#lost = null
    if (lost === null) return
    const { records, first } = lost
    throw new ClientError('DELIVERY_FAILED', `${records} posted record(s) were not delivered. ${first.message}`, {
      cause: first,
    })
  }

  /** All that waits to be queued is. */
  #queued(): Promise<void> {
    return new Promise((resolve) => this.#intake.whenQueued(resolve))
  }

  /** All that is there has an outcome. */
  async #settle(): Promise<void> {
    const sender = this.#sender
    sender.hurry()
    sender.wake()
    try {
      await this.#queued()
      await new Promise<void>((resolve) => this.#accumulator.whenComplete(resolve))
    } finally {
      sender.hurryEnded()
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    const { clock } = this.#network.world
    const transactions = this.#transactions
    const inOrder = async (): Promise<void> => {
      await this.#settle()
      if (transactions?.hasOngoingTransaction !== true) return
      if (transactions.state === 'COMMITTING_TRANSACTION') await transactions.commitTransaction()
      else await transactions.abortTransaction()
    }
    try {
      if (timeoutMs > 0) await inTime(clock, timeoutMs, 'Closing the producer', inOrder())
    } catch (error) {
      this.#network.options.logger.warn(`producer not closed in order: ${String(error)}`)
    }
    this.#isClosed = true
    const reason = new ClientError('CLOSED', 'The producer was closed before the record was delivered.')
    this.#intake.failAll(reason)
    transactions?.close(reason)
    for (const batch of this.#accumulator.abort(reason, 'all')) this.#ended(batch, NOWHERE, reason)
    this.#sender.stop()
    this.#network.close()
    for (const resolve of this.#drainWaiters.splice(0)) resolve()
    this.#throwLost()
  }

  #limited<T>(work: Promise<T>, { timeoutMs, signal }: CallOptions, what: string): Promise<T> {
    const stoppable = signal === undefined ? work : abortable(work, signal)
    return timeoutMs === undefined ? stoppable : inTime(this.#network.world.clock, timeoutMs, what, stoppable)
  }

  /** By max.block.ms if nothing else is said. */
  #bounded<T>(work: Promise<T>, call: CallOptions, what: string): Promise<T> {
    this.#sender.wake()
    return this.#limited(work, { timeoutMs: this.#options.maxBlockMs, ...call }, what)
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new ClientError('CLOSED', 'The producer is closed.')
  }

  #checkTransactional(): TransactionManager {
    this.#checkOpen()
    const transactions = this.#transactions
    if (transactions?.isTransactional === true) return transactions
    throw new ClientError('ILLEGAL_STATE', 'This needs a transactionalId: give the producer one.')
  }
}

const NO_CALL: CallOptions = {}
const CALL = exactly(CALL_OPTIONS)

checkArguments<keyof typeof PRODUCER_REJECTS>(Producer.prototype, PRODUCER_REJECTS, 'rejects')
