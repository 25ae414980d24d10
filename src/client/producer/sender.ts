/**
 * Sends batches: looks at the queues when something has changed or a time has come, sends to each node what request-filler.ts
 * puts together for it, and takes answers to batch-outcomes.ts, which knows what they mean.
 *
 * One look is synchronous. There is one timer, for whatever comes first: a batch has lingered, a pause is over, a time limit is
 * reached. Between a request and its answer its batches belong to the wire: their bytes are not touched.
 */
import { KafkaError, OperationalError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/generated/produce.ts'
import type { BrokerConnection } from '../../rpc/broker-connection.ts'
import type { Timer } from '../../world/world.ts'
import { ClientError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Accumulator } from './accumulator.ts'
import { BatchOutcomes, NOWHERE, type BatchOutcomesOptions } from './batch-outcomes.ts'
import { NodeChannel } from './node-channel.ts'
import { remove } from './partition-queue.ts'
import { produceMessage, produceVersions, readProduce, type ProduceContext } from './produce-request.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { ProducerMetrics } from './producer-metrics.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import { RequestFiller } from './request-filler.ts'
import type { TransactionManager } from './transaction-manager.ts'

export interface SenderOptions extends BatchOutcomesOptions {
  /** The producer's own work in each look: it returns when it wants the next one, monotonic. */
  readonly eachTurn: (nowMs: number) => number
}

export class Sender {
  readonly #network: NetworkClient
  readonly #accumulator: Accumulator
  readonly #transactions: TransactionManager | null
  readonly #options: ResolvedProducerOptions
  readonly #metrics: ProducerMetrics
  readonly #ended: SenderOptions['ended']
  readonly #eachTurn: SenderOptions['eachTurn']
  readonly #channels = new Map<number, NodeChannel>()
  #timer: { readonly timer: Timer; readonly atMs: number } | null = null
  #isWoken = false
  #isStopped = false
  readonly #filler: RequestFiller
  inFlight = 0
  readonly #outcomes: BatchOutcomes
  readonly #context: ProduceContext

  constructor({ network, accumulator, transactions, options, metrics, ended, eachTurn }: SenderOptions) {
    // What waits for the end of a batch may have been looked at before it: batches behind it, a commit, records without memory.
    this.#ended = (...outcome) => {
      ended(...outcome)
      this.wake()
    }
    this.#outcomes = new BatchOutcomes({ network, accumulator, transactions, options, metrics, ended: this.#ended })
    this.#filler = new RequestFiller({
      accumulator,
      transactions,
      options,
      metrics,
      sealFailed: (batch, error) => this.#outcomes.fail(batch, error, null, true),
    })
    this.#context = { network, options, transactions }
    this.#network = network
    this.#accumulator = accumulator
    this.#transactions = transactions
    this.#options = options
    this.#metrics = metrics
    this.#eachTurn = eachTurn
  }

  /** Has a look in a later turn of the loop. */
  readonly wake = (): void => {
    if (this.#isWoken || this.#isStopped) return
    this.#isWoken = true
    this.#network.world.clock.soon(this.#turn)
  }

  /** A flush or close begins: whatever waits is sent at once, until as many have ended. */
  hurry(): void {
    this.#filler.hurries += 1
  }

  hurryEnded(): void {
    this.#filler.hurries -= 1
  }

  /** Memory of batches that are on the wire. */
  get wireBytes(): number {
    return this.#outcomes.wireBytes
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.timer.cancel()
    this.#timer = null
  }

  readonly #turn = (): void => {
    this.#isWoken = false
    if (this.#isStopped) return
    const accumulator = this.#accumulator
    const nowMs = this.#network.world.clock.monotonicMs()
    accumulator.hasNews = false
    accumulator.newBytes = 0
    let nextMs = this.#eachTurn(nowMs)
    if (this.#stepTransactions(nowMs)) {
      nextMs = Math.min(nextMs, this.#expire(nowMs))
      nextMs = Math.min(nextMs, this.#sendReady(nowMs))
    }
    this.#wakeAt(Math.min(nextMs, this.#transactions?.nextStepMs ?? Infinity))
  }

  /** False: nothing may be sent. */
  #stepTransactions(nowMs: number): boolean {
    const transactions = this.#transactions
    if (transactions === null) return true
    const reason = transactions.takeAuthorizationError()
    if (reason !== null) this.#abort(reason, 'all')
    else if (transactions.abortReason !== null) this.#abort(transactions.abortReason, 'unsent')
    transactions.step(this.#accumulator.incomplete.size > 0, nowMs)
    if (!transactions.isFatal) return true
    this.#abort(transactions.lastError!, 'all')
    return false
  }

  #abort(error: Error, which: 'all' | 'unsent'): void {
    if (this.#accumulator.incomplete.size === 0) return
    for (const batch of this.#accumulator.abort(error, which)) this.#ended(batch, NOWHERE, error)
  }

  /** Ends batches whose time is over. Returns when the next one's is. */
  #expire(nowMs: number): number {
    const { deliveryTimeoutMs } = this.#options
    let nextMs = Infinity
    let expired: ProducerBatch[] | null = null
    for (const queue of this.#accumulator.active) {
      for (const list of [queue.onTheWire, queue.batches]) {
        for (const batch of list) {
          if (batch.isDone) continue // on the wire beyond its time
          const atMs = batch.createdMs + deliveryTimeoutMs
          if (atMs > nowMs) {
            if (atMs < nextMs) nextMs = atMs
            break
          }
          expired ??= []
          expired.push(batch)
        }
      }
    }
    for (const batch of expired ?? []) {
      const { topic, partition } = batch.queue
      remove(batch.queue.batches, batch)
      batch.buffer.close()
      const cause = batch.lastError ?? this.#channels.get(batch.queue.leader)?.lastError ?? null
      const error = new ClientError(
        'TIMED_OUT',
        `${batch.count} record(s) for ${topic}-${partition} were not delivered in ${Math.round(nowMs - batch.createdMs)} ms.` +
          (cause === null ? '' : ` ${cause.message}`),
        { cause },
      )
      this.#transactions?.markUnresolved(batch)
      this.#outcomes.fail(batch, error, null, false)
    }
    return expired === null ? nextMs : Math.min(nextMs, this.#expire(nowMs))
  }

  /** Sends what is ready. Returns when something else will be. */
  #sendReady(nowMs: number): number {
    let nextMs = Infinity
    const ready: NodeChannel[] = []
    const used: NodeChannel[] = []
    let hasUnknownLeader = false
    for (const queue of this.#accumulator.active) {
      const [first] = queue.batches
      if (first === undefined) continue
      if (queue.leader < 0) {
        hasUnknownLeader = true
        continue
      }
      const channel = this.#channel(queue.leader)
      if (channel.queues.length === 0) used.push(channel)
      channel.queues.push(queue)
      if (channel.isReady || queue.isMuted) continue
      const waitMs = this.#filler.waitMs(queue, first, nowMs)
      if (waitMs > 0) nextMs = Math.min(nextMs, nowMs + waitMs)
      else {
        channel.isReady = true
        ready.push(channel)
      }
    }
    if (hasUnknownLeader) this.#network.refreshSoon()
    for (const channel of ready) nextMs = Math.min(nextMs, this.#sendTo(channel, nowMs))
    this.#tellLoad()
    for (const channel of used) {
      channel.queues.length = 0
      channel.isReady = false
    }
    return nextMs
  }

  /** As many requests as the node takes now. */
  #sendTo(channel: NodeChannel, nowMs: number): number {
    channel.readyMs = nowMs
    const connection = channel.connection(nowMs)
    if (connection === null) return channel.retryMs
    if (channel.throttledUntilMs > nowMs) return channel.throttledUntilMs
    while (channel.inFlight < this.#options.maxInFlight) {
      channel.drainedMs = nowMs
      const batches = this.#filler.drain(channel, nowMs)
      if (batches.length === 0) break
      this.#send(channel, connection, batches, nowMs)
      if (!this.#filler.hasMore(channel, nowMs)) break
    }
    return Infinity
  }

  #send(channel: NodeChannel, connection: BrokerConnection, batches: readonly ProducerBatch[], nowMs: number): void {
    const { acks } = this.#options
    let records = 0
    let bytes = 0
    for (const batch of batches) {
      this.#outcomes.sent(batch)
      records += batch.count
      bytes += batch.buffer.end
      this.#metrics.batchSize.record(batch.buffer.end)
    }
    this.#metrics.recordsPerRequest.record(records)
    this.#metrics.outgoingBytes.count += bytes
    const versions = produceVersions(this.#context, batches)
    channel.inFlight += 1
    this.inFlight += 1
    if (acks === 0) {
      this.#post(channel, connection, batches, versions)
      return
    }
    const message = (version: number): Init<ProduceRequest> => produceMessage(this.#context, batches, version)
    const answered = connection.exchange(Produce, message, readProduce, { versions })
    answered.then(
      (answer) => this.#answered(channel, batches, answer, nowMs),
      (error: unknown) => this.#lost(channel, batches, error),
    )
  }

  /** Without acknowledgement a record is delivered when the kernel has it. */
  #post(
    channel: NodeChannel,
    connection: BrokerConnection,
    batches: readonly ProducerBatch[],
    versions: { min: number; max: number },
  ): void {
    const sent = (): void => {
      channel.inFlight -= 1
      this.inFlight -= 1
      for (const batch of batches) {
        this.#outcomes.back(batch)
        this.#outcomes.complete(batch)
      }
      this.wake()
    }
    try {
      connection.post(Produce, (version) => produceMessage(this.#context, batches, version), { versions }, sent)
    } catch (error) {
      this.#lost(channel, batches, error)
    }
  }

  #answered(channel: NodeChannel, batches: readonly ProducerBatch[], answer: ProduceResponse, sentMs: number): void {
    channel.inFlight -= 1
    this.inFlight -= 1
    const nowMs = this.#network.world.clock.monotonicMs()
    this.#metrics.requestLatency.record(nowMs - sentMs)
    if (answer.throttleTimeMs > 0) {
      channel.throttledUntilMs = nowMs + answer.throttleTimeMs
      this.#metrics.throttleTime.record(answer.throttleTimeMs)
    }
    let next = 0
    for (const { name, topicId, partitionResponses } of answer.responses) {
      for (const part of partitionResponses) {
        const matches = ({ queue, isOnTheWire, topicId: sentId }: ProducerBatch): boolean =>
          isOnTheWire &&
          queue.partition === part.index &&
          (topicId === ZERO_UUID ? queue.topic === name : sentId === topicId)
        // Answers come in the order of the request, as a rule.
        const expected = batches[next++]
        const batch = expected !== undefined && matches(expected) ? expected : batches.find(matches)
        if (batch !== undefined) this.#outcomes.partAnswered(batch, part, answer, nowMs)
      }
    }
    for (const batch of batches) {
      if (!batch.isOnTheWire) continue
      this.#outcomes.refused(
        batch,
        new KafkaError('NETWORK_EXCEPTION', 'The broker did not answer for the partition.'),
        null,
        nowMs,
      )
    }
    this.wake()
  }

  /** The connection is gone, or the request could not be sent. */
  #lost(channel: NodeChannel, batches: readonly ProducerBatch[], error: unknown): void {
    channel.inFlight -= 1
    this.inFlight -= 1
    const nowMs = this.#network.world.clock.monotonicMs()
    const reason = error instanceof Error ? error : new Error(String(error))
    const failure =
      error instanceof OperationalError
        ? new KafkaError('NETWORK_EXCEPTION', `Node ${channel.nodeId}: ${reason.message}`)
        : reason
    for (const batch of batches) this.#outcomes.refused(batch, failure, null, nowMs)
    this.#network.refreshSoon()
    this.wake()
  }

  /** Tells the sticky partitioners how long the queues are. */
  #tellLoad(): void {
    const { adaptivePartitioning, partitionAvailabilityTimeoutMs } = this.#options
    if (!adaptivePartitioning) return
    for (const topic of this.#accumulator.topics.values()) {
      if (!topic.isSticky || topic.count < 2 || topic.queues.length < topic.count) continue
      const queues: { partition: number; length: number }[] = []
      for (const { partition, leader, batches } of topic.queues) {
        if (leader < 0 || batches === undefined) continue
        const channel = partitionAvailabilityTimeoutMs > 0 ? this.#channels.get(leader) : undefined
        if (channel !== undefined && channel.readyMs - channel.drainedMs > partitionAvailabilityTimeoutMs) continue
        queues.push({ partition, length: batches.length })
      }
      topic.sticky.setLoad(queues, topic.count)
    }
  }

  #channel(nodeId: number): NodeChannel {
    let channel = this.#channels.get(nodeId)
    if (channel === undefined) {
      channel = new NodeChannel(nodeId, this.#network, this.wake)
      this.#channels.set(nodeId, channel)
    }
    return channel
  }

  /** At most one timer, for the sooner of what is planned and `atMs`. */
  #wakeAt(atMs: number): void {
    if (this.#isStopped || atMs === Infinity) return
    if (this.#timer !== null) {
      if (this.#timer.atMs <= atMs) return
      this.#timer.timer.cancel()
    }
    const timer = this.#network.world.clock.at(atMs, () => {
      this.#timer = null
      this.#turn()
    })
    this.#timer = { timer, atMs }
  }
}
