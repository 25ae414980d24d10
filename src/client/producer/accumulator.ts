/**
 * Records on their way into batches, and batches on their way out: one queue per partition, one memory for all.
 *
 * It never waits: `append` says that there is no room, `ready` and `drain` say what may be sent now and when to ask again. The
 * order of a partition's batches is that of their records; a batch that comes back goes in front.
 */
import type { Random } from '../../world/world.ts'
import { backoffMs, type BackoffOptions } from '../call.ts'
import type { ClusterMetadata } from '../cluster-metadata.ts'
import { ClientError } from '../errors.ts'
import { inWords } from '../expected.ts'
import { BatchBuffer, batchBytesMax } from './batch-buffer.ts'
import { BufferPool } from './buffer-pool.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { remove } from './partition-queue.ts'
import { ProducerBatch, type DeliverySink, type FlushToken, type WaitingRecord } from './producer-batch.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import { TopicQueues } from './topic-queues.ts'

/** Share of the memory up to which batches that wait may be large. */
const LARGE_SHARE = 0.5

/** Of brokers up to 0.9; later ones take 249. */
const TOPIC_NAME_MAX = 255

export class Accumulator {
  readonly pool: BufferPool
  readonly topics = new Map<string, TopicQueues>()
  /** Queues with batches that wait or are on the wire. */
  readonly active = new Set<PartitionQueue>()
  /** Batches without an outcome, in the order in which they were made. */
  readonly incomplete = new Set<ProducerBatch>()
  /** A batch was begun or has become full since the sender last looked. */
  hasNews = false
  /** Somebody waits for memory: nothing lingers. */
  isExhausted = false
  /** Bytes that were appended since the sender last looked. */
  newBytes = 0
  readonly #options: ResolvedProducerOptions
  readonly #backoff: BackoffOptions
  readonly #random: Random
  /** Of split batches, whose memory does not count, as in Java's client. */
  readonly #uncounted = new BufferPool(Infinity, [0])
  #lastTopic: TopicQueues | null = null

  constructor(options: ResolvedProducerOptions, backoff: BackoffOptions, random: Random) {
    this.#options = options
    this.#backoff = backoff
    this.#random = random
    this.pool = new BufferPool(options.bufferBytes, [options.batchBytes, options.batchBytesMax])
  }

  /** The topic of this name; made when it is first asked for. */
  topic(name: string, nowMs: () => number): TopicQueues {
    const last = this.#lastTopic
    if (last !== null && last.name === name) return last
    let topic = this.topics.get(name)
    if (topic === undefined) {
      // One such name would fail, or hold up, the metadata of all topics.
      if (typeof name !== 'string' || name === '') {
        throw new ClientError('INVALID_ARGUMENT', `A record needs the name of its topic: topic is ${inWords(name)}.`)
      }
      if (name.length > TOPIC_NAME_MAX) {
        throw new ClientError(
          'INVALID_ARGUMENT',
          `The name of a topic has at most ${TOPIC_NAME_MAX} characters, and not ${name.length}.`,
        )
      }
      topic = new TopicQueues(name, this.#random, this.#options, nowMs())
      this.topics.set(name, topic)
    }
    this.#lastTopic = topic
    return topic
  }

  /**
   * Puts a record into its partition's batch; the queue it went into, or null if memory is full.
   * @param partition -1: the sticky one
   */
  append(
    topic: TopicQueues,
    partition: number,
    timestamp: number,
    key: Uint8Array | null,
    keyBytes: number,
    value: Uint8Array | null,
    valueBytes: number,
    headers: Buffer | null,
    sink: DeliverySink | null,
    slot: number,
    nowMs: () => number,
  ): PartitionQueue | null {
    const isSticky = partition < 0
    let queue: PartitionQueue
    if (isSticky) {
      topic.isSticky = true
      const { sticky } = topic
      queue = topic.queue(sticky.current(topic))
      if (isAtBatchEnd(queue)) {
        sticky.appended(0, true, topic)
        queue = topic.queue(sticky.current(topic))
      }
    } else queue = topic.queue(partition)
    const { batches } = queue
    let batch = batches.length > 0 ? batches[batches.length - 1]! : null
    let before = 0
    if (batch !== null) before = batch.buffer.size
    if (batch === null || !batch.buffer.append(timestamp, key, keyBytes, value, valueBytes, headers)) {
      batch?.buffer.close()
      batch = this.#newBatch(topic, queue, batchBytesMax(keyBytes, valueBytes, headers?.length ?? 0), nowMs)
      if (batch === null) return null
      before = 0
      batch.buffer.append(timestamp, key, keyBytes, value, valueBytes, headers)
    }
    const { buffer } = batch
    if (sink !== null) {
      const waiting: WaitingRecord = { index: buffer.count - 1, timestamp, sink, slot }
      if (batch.waiting === null) batch.waiting = [waiting]
      else batch.waiting.push(waiting)
    }
    const added = buffer.size - before
    this.newBytes += added
    const isFull = buffer.isFull
    if (isFull) this.hasNews = true
    if (isSticky) topic.sticky.appended(added, isFull, topic)
    return queue
  }

  /** Whether the first batch of `queue` must wait before it is tried again; 0: it need not. */
  backoffLeftMs(batch: ProducerBatch, nowMs: number): number {
    if (batch.attempts === 0 || batch.hasNewLeader) return 0
    return Math.max(batch.lastAttemptMs + batch.backoffMs - nowMs, 0)
  }

  /** Back into its queue, to be tried again. */
  putBack(batch: ProducerBatch, nowMs: number, error: Error): void {
    batch.retried(nowMs, error)
    batch.backoffMs = backoffMs(this.#backoff, batch.attempts, this.#random)
    batch.queue.putBack(batch)
    this.active.add(batch.queue)
  }

  /** The batch was too large for the broker: its records go into smaller ones, in its place. How many they are. */
  splitAndPutBack(batch: ProducerBatch): number {
    const { queue } = batch
    const topic = this.topics.get(queue.topic)!
    topic.compressionRatio = Math.max(1, batch.buffer.compressionRatio)
    topic.isLimited = true
    const target = batch.isSplit
      ? Math.max(batch.recordBytesMax, Math.floor(batch.buffer.size / 2))
      : this.#options.batchBytes
    const parts = batch.split((recordBytes) => {
      const bytes = Math.max(target, recordBytes)
      return new ProducerBatch(
        queue,
        this.#newBuffer(topic, Buffer.allocUnsafe(bytes), this.#uncounted),
        batch.createdMs,
        true,
      )
    })
    const rank = queue.tracked.indexOf(batch)
    if (rank >= 0) queue.tracked.splice(rank, 1, ...parts)
    for (const part of parts.toReversed()) {
      this.incomplete.add(part)
      queue.putBack(part)
    }
    this.active.add(queue)
    return parts.length
  }

  /** A batch has ended. Its memory is free unless it is on the wire. */
  completed(batch: ProducerBatch): void {
    this.incomplete.delete(batch)
    if (batch.queue.isIdle) this.active.delete(batch.queue)
    if (!batch.isOnTheWire) this.release(batch, true)
  }

  release(batch: ProducerBatch, mayReuse: boolean): void {
    if (batch.isReleased) return
    batch.isReleased = true
    if (!batch.isSplit) batch.buffer.release(mayReuse)
  }

  /** Ends batches with `error`: all of them, or those that were never sent. Returns them. */
  abort(error: Error, which: 'all' | 'unsent'): ProducerBatch[] {
    const aborted: ProducerBatch[] = []
    for (const batch of this.incomplete) {
      // Without sequence numbers one that waits again has been sent, and may be there already.
      if (which === 'unsent' && (batch.hasSequence || batch.isRetried || batch.isOnTheWire)) continue
      batch.buffer.close()
      remove(batch.queue.batches, batch)
      batch.queue.untrack(batch)
      aborted.push(batch)
    }
    for (const batch of aborted) {
      batch.fail(error)
      this.completed(batch)
    }
    return aborted
  }

  /** Resolves `done` when every batch that is there now has ended. */
  whenComplete(done: () => void): void {
    const token: FlushToken = { left: this.incomplete.size, done }
    if (token.left === 0) done()
    for (const batch of this.incomplete) {
      batch.flushes ??= []
      batch.flushes.push(token)
    }
  }

  /** Leaders and partitions have changed. */
  update(cluster: ClusterMetadata): void {
    for (const topic of this.topics.values()) topic.update(cluster)
  }

  #newBatch(topic: TopicQueues, queue: PartitionQueue, recordBytes: number, nowMs: () => number): ProducerBatch | null {
    const bytes = this.#bufferFor(topic, queue, recordBytes)
    if (bytes === null) return null
    const batch = new ProducerBatch(queue, this.#newBuffer(topic, bytes, this.pool), nowMs())
    queue.batches.push(batch)
    this.active.add(queue)
    this.incomplete.add(batch)
    topic.usedMs = batch.createdMs
    this.hasNews = true
    return batch
  }

  /** A large one where batches wait already: what can't be sent yet goes with fewer requests when it can. */
  #bufferFor(topic: TopicQueues, queue: PartitionQueue, recordBytes: number): Buffer | null {
    const { pool } = this
    const { batchBytes, batchBytesMax } = this.#options
    const isBehind = queue.batches.length > 0 && !topic.isLimited && batchBytesMax > batchBytes
    if (isBehind && pool.usedBytes + batchBytesMax <= pool.limitBytes * LARGE_SHARE) {
      return pool.take(Math.max(recordBytes, batchBytesMax))
    }
    return pool.take(recordBytes)
  }

  #newBuffer(topic: TopicQueues, bytes: Buffer, pool: BufferPool): BatchBuffer {
    const { compression, compressionLevel } = this.#options
    return new BatchBuffer(bytes, pool, compression, compressionLevel, topic.compressionRatio)
  }
}

function isAtBatchEnd({ batches }: PartitionQueue): boolean {
  return batches.length === 0 || batches[batches.length - 1]!.buffer.isFull
}
