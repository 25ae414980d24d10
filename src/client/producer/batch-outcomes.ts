/**
 * What becomes of batches that were sent: written, tried again, in parts, or failed for good; and what the transaction manager, the
 * metrics and the producer learn of it. A batch whose time was over is done, whatever its answer says.
 */
import { errorName } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import type { ProduceResponse } from '../../protocol/generated/produce.ts'
import { isRetriable } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Accumulator } from './accumulator.ts'
import { remove } from './partition-queue.ts'
import { recordErrors, type ProducerBatch } from './producer-batch.ts'
import type { ProducerMetrics } from './producer-metrics.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { TransactionManager } from './transaction-manager.ts'

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

type PartitionAnswer = ProduceResponse.PartitionProduceResponse

export interface BatchOutcomesOptions {
  readonly network: NetworkClient
  readonly accumulator: Accumulator
  /** Null: neither idempotent nor transactional. */
  readonly transactions: TransactionManager | null
  readonly options: ResolvedProducerOptions
  readonly metrics: ProducerMetrics
  /** A batch has ended. */
  readonly ended: (batch: ProducerBatch, place: BatchPlace, error: Error | null) => void
}

/** Where a batch is, as the broker tells it. */
export interface BatchPlace {
  readonly baseOffset: number
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
}

export const NOWHERE: BatchPlace = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }

export class BatchOutcomes {
  /** Memory of batches that are on the wire. */
  wireBytes = 0
  readonly #network: NetworkClient
  readonly #accumulator: Accumulator
  readonly #transactions: TransactionManager | null
  readonly #options: ResolvedProducerOptions
  readonly #metrics: ProducerMetrics
  readonly #ended: BatchOutcomesOptions['ended']

  constructor({ network, accumulator, transactions, options, metrics, ended }: BatchOutcomesOptions) {
    this.#network = network
    this.#accumulator = accumulator
    this.#transactions = transactions
    this.#options = options
    this.#metrics = metrics
    this.#ended = ended
  }

  /** A batch goes out. */
  sent(batch: ProducerBatch): void {
    batch.isOnTheWire = true
    batch.queue.onTheWire.push(batch)
    if (this.#options.maxInFlight === 1) batch.queue.isMuted = true
    this.wireBytes += batch.buffer.bytes.length
  }

  /** A broker has answered for its partition. */
  partAnswered(batch: ProducerBatch, part: PartitionAnswer, answer: ProduceResponse, nowMs: number): void {
    if (part.errorCode === 0) {
      this.back(batch)
      this.complete(batch, {
        baseOffset: clampInt64(part.baseOffset),
        logAppendTimeMs: clampInt64(part.logAppendTimeMs),
        logStartOffset: clampInt64(part.logStartOffset),
      })
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
    this.refused(batch, new KafkaError(code, detail), part, nowMs)
  }

  /** An attempt came to nothing; `part` is null where the broker has not said so itself. */
  refused(batch: ProducerBatch, error: Error, part: PartitionAnswer | null, nowMs: number): void {
    this.back(batch)
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
    if (code === 'DUPLICATE_SEQUENCE_NUMBER') this.complete(batch)
    else if (this.#canRetry(batch, error, part, nowMs)) {
      this.#metrics.recordRetry.count += batch.count
      this.#accumulator.putBack(batch, nowMs, error)
    } else {
      const errorOf = part === null || !(error instanceof KafkaError) ? null : recordErrors(error, part.recordErrors)
      this.fail(batch, error, errorOf, batch.attempts < this.#options.retries)
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
  back(batch: ProducerBatch): void {
    batch.isOnTheWire = false
    this.wireBytes -= batch.buffer.bytes.length
    remove(batch.queue.onTheWire, batch)
    if (this.#options.maxInFlight === 1) batch.queue.isMuted = false
  }

  /** It is written, or was before; the broker may not say where. */
  complete(batch: ProducerBatch, place: BatchPlace = NOWHERE): void {
    this.#transactions?.completed(batch, place.baseOffset)
    if (batch.complete(place.baseOffset, place.logAppendTimeMs)) {
      this.#metrics.recordSend.count += batch.count
      this.#ended(batch, place, null)
    }
    this.#accumulator.completed(batch)
  }

  /** @param mayAdjust the batch was not written, so that its numbers are free */
  fail(batch: ProducerBatch, error: Error, errorOf: ((index: number) => Error) | null, mayAdjust: boolean): void {
    if (batch.fail(error, errorOf)) {
      this.#metrics.recordError.count += batch.count
      this.#transactions?.failed(batch, error, mayAdjust)
      this.#ended(batch, NOWHERE, error)
    }
    this.#accumulator.completed(batch)
  }
}
