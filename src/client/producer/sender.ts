/**
 * Sends batches: looks at the queues when something has changed or a time has come, puts what is ready into one request per
 * node, and does with each answer what it means.
 *
 * One look is synchronous. There is one timer, for whatever comes first: a batch has lingered, a pause is over, a time limit is
 * reached. Between a request and its answer its batches belong to the wire: their bytes are not touched.
 */
import type { ByteReader } from '../../base/byte-reader.ts'
import { errorName } from '../../base/error-codes.ts'
import { KafkaError, OperationalError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import { readResponse } from '../../protocol/frames.ts'
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/generated/produce.ts'
import type { BrokerConnection } from '../../rpc/broker-connection.ts'
import type { Timer } from '../../world/world.ts'
import { ClientError, isRetriable } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Accumulator } from './accumulator.ts'
import { downConvert } from '../../records/convert.ts'
import { NodeChannel } from './node-channel.ts'
import { remove, type PartitionQueue } from './partition-queue.ts'
import { recordErrors, type ProducerBatch } from './producer-batch.ts'
import type { ProducerMetrics } from './producer-metrics.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { TransactionManager } from './transaction-manager.ts'

/** Versions that say what is meant. */
const MAGIC_2_VERSION = 3
const ZSTD_VERSION = 7
const TRANSACTION_V1_VERSION_MAX = 11
const TOPIC_ID_VERSION = 13
/** Metadata is out of date. */
const STALE: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'LISTENER_NOT_FOUND',
  'NETWORK_EXCEPTION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
])

export interface SenderOptions {
  readonly network: NetworkClient
  readonly accumulator: Accumulator
  /** Null: neither idempotent nor transactional. */
  readonly transactions: TransactionManager | null
  readonly options: ResolvedProducerOptions
  readonly metrics: ProducerMetrics
  /** A batch has ended. */
  readonly ended: (batch: ProducerBatch, baseOffset: number, logAppendTimeMs: number, error: Error | null) => void
  /** The producer's own work in each look: it returns when it wants the next one, monotonic. */
  readonly eachTurn: (nowMs: number) => number
}

type PartitionAnswer = ProduceResponse.PartitionProduceResponse

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
  /** Flushes and closes that are under way: whatever waits is sent at once. */
  hurries = 0
  inFlight = 0
  /** Memory of batches that are on the wire. */
  wireBytes = 0

  constructor({ network, accumulator, transactions, options, metrics, ended, eachTurn }: SenderOptions) {
    this.#network = network
    this.#accumulator = accumulator
    this.#transactions = transactions
    this.#options = options
    this.#metrics = metrics
    this.#ended = ended
    this.#eachTurn = eachTurn
  }

  /** Has a look in a later turn of the loop. */
  readonly wake = (): void => {
    if (this.#isWoken || this.#isStopped) return
    this.#isWoken = true
    this.#network.world.clock.soon(this.#turn)
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
    for (const batch of this.#accumulator.abort(error, which)) this.#ended(batch, -1, -1, error)
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
      this.#fail(batch, error, null, false)
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
      const waitMs = this.#waitMs(queue, first, nowMs)
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

  /** Milliseconds until the first batch of `queue` may be sent; 0: now. */
  #waitMs(queue: PartitionQueue, first: ProducerBatch, nowMs: number): number {
    first.seeLeader(queue.leaderEpoch)
    const backoffMs = this.#accumulator.backoffLeftMs(first, nowMs)
    if (backoffMs > 0) return backoffMs
    if (queue.batches.length > 1 || first.buffer.isFull || this.hurries > 0 || first.attempts > 0) return 0
    if (this.#accumulator.isExhausted) return 0
    if (this.#transactions?.isCompleting === true) return 0
    return Math.max(first.createdMs + this.#options.lingerMs - nowMs, 0)
  }

  /** As many requests as the node takes now. */
  #sendTo(channel: NodeChannel, nowMs: number): number {
    channel.readyMs = nowMs
    const connection = channel.connection(nowMs)
    if (connection === null) return channel.retryMs
    if (channel.throttledUntilMs > nowMs) return channel.throttledUntilMs
    while (channel.inFlight < this.#options.maxInFlight) {
      channel.drainedMs = nowMs
      const batches = this.#drain(channel, nowMs)
      if (batches.length === 0) break
      this.#send(channel, connection, batches, nowMs)
      // Lingering batches went along with the first; for their own sake only full ones go.
      if (
        !channel.queues.some((queue) => queue.batches.length > 0 && this.#waitMs(queue, queue.batches[0]!, nowMs) === 0)
      )
        break
    }
    return Infinity
  }

  /** The first batch of each of the node's partitions, as many as a request holds, ready to be sent. */
  #drain(channel: NodeChannel, nowMs: number): ProducerBatch[] {
    const { queues } = channel
    const { maxRequestBytes } = this.#options
    const transactions = this.#transactions
    const batches: ProducerBatch[] = []
    let bytes = 0
    const start = channel.turn % queues.length
    for (let index = 0; index < queues.length; index++) {
      const place = (start + index) % queues.length
      const queue = queues[place]!
      const [first] = queue.batches
      if (first === undefined || queue.isMuted) continue
      first.seeLeader(queue.leaderEpoch)
      if (this.#accumulator.backoffLeftMs(first, nowMs) > 0) continue
      if (batches.length > 0 && bytes + first.buffer.size > maxRequestBytes) {
        channel.turn = place
        break
      }
      if (transactions?.mustHold(queue, first) === true) continue
      queue.batches.shift()
      first.buffer.close()
      transactions?.assign(first)
      if (first.attempts === 0) this.#metrics.recordQueueTime.record(nowMs - first.createdMs)
      if (!this.#seal(first)) continue
      if (this.#options.compression !== 'none' && first.attempts === 0) {
        this.#accumulator.topics.get(queue.topic)!.observeCompression(first.buffer.compressionRatio)
      }
      bytes += first.buffer.size
      batches.push(first)
    }
    return batches
  }

  /** False: its records can't be compressed, and have failed. */
  #seal(batch: ProducerBatch): boolean {
    try {
      batch.seal()
      return true
    } catch (error) {
      this.#fail(batch, error instanceof Error ? error : new Error(String(error)), null, true)
      return false
    }
  }

  #send(channel: NodeChannel, connection: BrokerConnection, batches: readonly ProducerBatch[], nowMs: number): void {
    const { acks, maxInFlight } = this.#options
    let records = 0
    let bytes = 0
    for (const batch of batches) {
      batch.isOnTheWire = true
      batch.queue.onTheWire.push(batch)
      if (maxInFlight === 1) batch.queue.isMuted = true
      records += batch.count
      bytes += batch.buffer.end
      this.wireBytes += batch.buffer.bytes.length
      this.#metrics.batchSize.record(batch.buffer.end)
    }
    this.#metrics.recordsPerRequest.record(records)
    this.#metrics.outgoingBytes.count += bytes
    const versions = this.#versionsFor(batches)
    channel.inFlight += 1
    this.inFlight += 1
    if (acks === 0) {
      this.#post(channel, connection, batches, versions)
      return
    }
    const message = (version: number): Init<ProduceRequest> => this.#message(batches, version)
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
        this.#back(batch)
        this.#complete(batch, -1, -1)
      }
      this.wake()
    }
    try {
      connection.post(Produce, (version) => this.#message(batches, version), { versions }, sent)
    } catch (error) {
      this.#lost(channel, batches, error)
    }
  }

  #versionsFor(batches: readonly ProducerBatch[]): { min: number; max: number } {
    const transactions = this.#transactions
    const min = this.#options.compression === 'zstd' ? ZSTD_VERSION : transactions === null ? 0 : MAGIC_2_VERSION
    if (transactions?.isTransactional === true && !transactions.isVersion2)
      return { min, max: TRANSACTION_V1_VERSION_MAX }
    const { metadata } = this.#network
    const hasIds = batches.every(({ queue }) => (metadata.topic(queue.topic)?.id ?? ZERO_UUID) !== ZERO_UUID)
    return { min, max: hasIds ? TOPIC_ID_VERSION : TOPIC_ID_VERSION - 1 }
  }

  #message(batches: readonly ProducerBatch[], version: number): Init<ProduceRequest> {
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
        const topicId = version >= TOPIC_ID_VERSION ? this.#network.metadata.topic(queue.topic)!.id : ZERO_UUID
        topic = { name: queue.topic, topicId, partitionData: [] }
        topicData.push(topic)
      }
      batch.topicId = topic.topicId
      const bytes = buffer.bytes.subarray(0, buffer.end)
      const records = version >= MAGIC_2_VERSION ? bytes : downConvert(bytes, version === 2 ? 1 : 0)
      topic.partitionData.push({ index: queue.partition, records })
    }
    const transactionalId = this.#transactions?.transactionalId ?? null
    return { transactionalId, acks: this.#options.acks, timeoutMs: this.#network.options.requestTimeoutMs, topicData }
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
        if (batch !== undefined) this.#partAnswered(batch, part, answer, nowMs)
      }
    }
    for (const batch of batches) {
      if (!batch.isOnTheWire) continue
      this.#refused(
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
    for (const batch of batches) this.#refused(batch, failure, null, nowMs)
    this.#network.refreshSoon()
    this.wake()
  }

  #partAnswered(batch: ProducerBatch, part: PartitionAnswer, answer: ProduceResponse, nowMs: number): void {
    if (part.errorCode === 0) {
      this.#back(batch)
      this.#complete(batch, clampInt64(part.baseOffset), clampInt64(part.logAppendTimeMs))
      return
    }
    const { topic, partition } = batch.queue
    const code = errorName(part.errorCode) ?? 'UNKNOWN_SERVER_ERROR'
    const { leaderId, leaderEpoch } = part.currentLeader
    if ((code === 'NOT_LEADER_OR_FOLLOWER' || code === 'FENCED_LEADER_EPOCH') && leaderId >= 0 && leaderEpoch >= 0) {
      const endpoint = answer.nodeEndpoints.find(({ nodeId }) => nodeId === leaderId)
      const node =
        endpoint === undefined ? null : { id: leaderId, host: endpoint.host, port: endpoint.port, rack: endpoint.rack }
      this.#network.metadata.applyLeader(topic, partition, leaderId, leaderEpoch, node)
    }
    const detail = part.errorMessage ?? `${topic}-${partition}: the broker answered ${code}.`
    this.#refused(batch, new KafkaError(code, detail), part, nowMs)
  }

  #refused(batch: ProducerBatch, error: Error, part: PartitionAnswer | null, nowMs: number): void {
    this.#back(batch)
    if (batch.isDone) {
      // Its time was over before the answer came.
      this.#accumulator.completed(batch)
      return
    }
    const code = error instanceof KafkaError ? error.code : null
    if (code === 'MESSAGE_TOO_LARGE' && batch.count > 1) {
      this.#metrics.batchSplit.count += 1
      this.#accumulator.splitAndPutBack(batch)
      this.#accumulator.completed(batch)
      return
    }
    if (code === 'DUPLICATE_SEQUENCE_NUMBER') this.#complete(batch, -1, -1)
    else if (this.#canRetry(batch, error, part, nowMs)) {
      this.#metrics.recordRetry.count += batch.count
      this.#accumulator.putBack(batch, nowMs, error)
    } else {
      const errorOf = part === null || !(error instanceof KafkaError) ? null : recordErrors(error, part.recordErrors)
      this.#fail(batch, error, errorOf, batch.attempts < this.#options.retries)
    }
    if (code !== null && STALE.has(code)) this.#network.refreshSoon()
  }

  #canRetry(batch: ProducerBatch, error: Error, part: PartitionAnswer | null, nowMs: number): boolean {
    if (!(error instanceof KafkaError)) return false
    if (batch.createdMs + this.#options.deliveryTimeoutMs <= nowMs || batch.attempts >= this.#options.retries)
      return false
    if (this.#transactions === null) return isRetriable(error)
    return this.#transactions.canRetry(batch, error, part === null ? -1 : clampInt64(part.logStartOffset))
  }

  /** A batch comes back from the wire. */
  #back(batch: ProducerBatch): void {
    batch.isOnTheWire = false
    this.wireBytes -= batch.buffer.bytes.length
    remove(batch.queue.onTheWire, batch)
    if (this.#options.maxInFlight === 1) batch.queue.isMuted = false
  }

  #complete(batch: ProducerBatch, baseOffset: number, logAppendTimeMs: number): void {
    this.#transactions?.completed(batch, baseOffset)
    if (batch.complete(baseOffset, logAppendTimeMs)) {
      this.#metrics.recordSend.count += batch.count
      this.#ended(batch, baseOffset, logAppendTimeMs, null)
    }
    this.#accumulator.completed(batch)
  }

  #fail(batch: ProducerBatch, error: Error, errorOf: ((index: number) => Error) | null, mayAdjust: boolean): void {
    if (batch.fail(error, errorOf)) {
      this.#metrics.recordError.count += batch.count
      this.#transactions?.failed(batch, error, mayAdjust)
      this.#ended(batch, -1, -1, error)
    }
    this.#accumulator.completed(batch)
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

function readProduce(reader: ByteReader, version: number): ProduceResponse {
  return readResponse(Produce, version, reader)
}
