/**
 * Decides what goes into a request to a node: when a partition's first batch may be sent, and which batches go together.
 *
 * At most one batch of each partition, as many as a request holds; partitions take turns in being first. A batch that is taken
 * is closed, numbered and sealed: from then on its bytes are not touched.
 */
import type { Accumulator } from './accumulator.ts'
import type { NodeChannel } from './node-channel.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { ProducerMetrics } from './producer-metrics.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { TransactionManager } from './transaction-manager.ts'

export interface RequestFillerOptions {
  readonly accumulator: Accumulator
  /** Null: neither idempotent nor transactional. */
  readonly transactions: TransactionManager | null
  readonly options: ResolvedProducerOptions
  readonly metrics: ProducerMetrics
  /** A batch's records can't be compressed. */
  readonly sealFailed: (batch: ProducerBatch, error: Error) => void
}

export class RequestFiller {
  readonly #accumulator: Accumulator
  readonly #transactions: TransactionManager | null
  readonly #options: ResolvedProducerOptions
  readonly #metrics: ProducerMetrics
  readonly #sealFailed: RequestFillerOptions['sealFailed']
  /** Flushes and closes that are under way: whatever waits is sent at once. */
  hurries = 0

  constructor({ accumulator, transactions, options, metrics, sealFailed }: RequestFillerOptions) {
    this.#accumulator = accumulator
    this.#transactions = transactions
    this.#options = options
    this.#metrics = metrics
    this.#sealFailed = sealFailed
  }

  /** Milliseconds until the first batch of `queue` may be sent; 0: now. */
  waitMs(queue: PartitionQueue, first: ProducerBatch, nowMs: number): number {
    first.seeLeader(queue.leaderEpoch)
    const backoffMs = this.#accumulator.backoffLeftMs(first, nowMs)
    if (backoffMs > 0) return backoffMs
    if (queue.batches.length > 1 || first.buffer.isFull || this.hurries > 0 || first.attempts > 0) return 0
    if (this.#accumulator.isExhausted) return 0
    if (this.#transactions?.isCompleting === true) return 0
    return Math.max(first.createdMs + this.#options.lingerMs - nowMs, 0)
  }

  /** For its own sake another request goes out after the first: what lingers went along with that. */
  hasMore(channel: NodeChannel, nowMs: number): boolean {
    return channel.queues.some(
      (queue) => queue.batches.length > 0 && this.waitMs(queue, queue.batches[0]!, nowMs) === 0,
    )
  }

  /** The first batch of each of the node's partitions, as many as a request holds, ready to be sent. */
  drain(channel: NodeChannel, nowMs: number): ProducerBatch[] {
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
      this.#sealFailed(batch, error instanceof Error ? error : new Error(String(error)))
      return false
    }
  }
}
