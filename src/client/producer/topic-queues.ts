/**
 * One topic as the producer sees it: its partitions' queues, how partitions are chosen for its records, how well they
 * compress, and the records that can't be queued yet because the topic is not known or memory is full.
 *
 * Queues are kept when metadata is forgotten: sequence numbers must go on.
 */
import type { TopicMetadata } from '../cluster-metadata.ts'
import type { ClusterMetadata } from '../cluster-metadata.ts'
import { PartitionQueue } from './partition-queue.ts'
import { partitionOfKey } from './murmur2.ts'
import { RoundRobinPartitioner, StickyPartitioner, type Partitions } from './partitioner.ts'
import type { DeliverySink, FlushToken } from './producer-batch.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { Random } from '../../world/world.ts'

/** Steps of the estimate of what compression makes of a byte. */
const RATIO_BETTER_STEP = 0.005
const RATIO_WORSE_STEP = 0.05

/** A record that waits outside of the queues. Its bytes are its own. */
export interface PendingRecord {
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Buffer | null
  /** -1: not chosen yet. */
  readonly partition: number
  readonly sink: DeliverySink | null
  readonly slot: number
  readonly deadlineMs: number
  /** Bytes that count against the memory; 0 for those whose sender waits. */
  readonly reservedBytes: number
  flushes: FlushToken[] | null
}

export class TopicQueues implements Partitions {
  readonly name: string
  readonly queues: PartitionQueue[] = []
  /** Null: not known just now. */
  metadata: TopicMetadata | null = null
  count = 0
  available: readonly number[] = []
  /** In the order in which they came. */
  readonly pending: PendingRecord[] = []
  /** Those for partitions that the topic does not have (yet). */
  readonly beyond: PendingRecord[] = []
  /** Metadata is being asked for. */
  isAsked = false
  /** Monotonic: when the last record came. */
  usedMs: number
  /** What compression makes of a byte, as estimated. */
  compressionRatio = 1
  /** The broker refused a batch for its size: none is larger than `batchBytes` any more. */
  isLimited = false
  /** The sticky partitioner has been asked. */
  isSticky = false
  readonly sticky: StickyPartitioner
  readonly #roundRobin = new RoundRobinPartitioner()
  readonly #options: ResolvedProducerOptions

  constructor(name: string, random: Random, options: ResolvedProducerOptions, nowMs: number) {
    this.name = name
    this.usedMs = nowMs
    this.sticky = new StickyPartitioner(random, options.batchBytes)
    this.#options = options
  }

  /** Takes what is known of the topic and its leaders. */
  update(cluster: ClusterMetadata): void {
    const metadata = cluster.topic(this.name)
    if (metadata !== null && metadata !== this.metadata) {
      this.count = metadata.partitions.length
      this.available = metadata.partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => partition)
    }
    this.metadata = metadata
    for (const queue of this.queues) {
      if (queue === undefined) continue
      const known = metadata?.partitions[queue.partition]
      queue.leader = known === undefined || !cluster.nodes.has(known.leader) ? -1 : known.leader
      queue.leaderEpoch = known?.leaderEpoch ?? -1
    }
  }

  queue(partition: number): PartitionQueue {
    return this.queues[partition] ?? this.#newQueue(partition)
  }

  #newQueue(partition: number): PartitionQueue {
    const queue = new PartitionQueue(this.name, partition)
    // No holes: an array with holes is slow to look at.
    for (let index = this.queues.length; index < partition; index++)
      this.queues.push(new PartitionQueue(this.name, index))
    this.queues[partition] = queue
    for (const each of this.queues) {
      const known = this.metadata?.partitions[each.partition]
      if (known !== undefined) {
        each.leader = known.leader
        each.leaderEpoch = known.leaderEpoch
      }
    }
    return queue
  }

  /** The partition of a record that names none; -1: the sticky one. */
  choose(key: Uint8Array | null, keyBytes: number, value: Uint8Array | null, valueBytes: number): number {
    const { partitioner, ignoreKeys } = this.#options
    if (partitioner === 'default') return key === null || ignoreKeys ? -1 : partitionOfKey(key, keyBytes, this.count)
    if (partitioner === 'roundRobin') return this.#roundRobin.choose(this)
    return partitioner({
      topic: this.name,
      key: exact(key, keyBytes),
      value: exact(value, valueBytes),
      metadata: this.metadata!,
    })
  }

  observeCompression(ratio: number): void {
    const before = this.compressionRatio
    if (ratio > before) this.compressionRatio = Math.max(before + RATIO_WORSE_STEP, ratio)
    else if (ratio < before) this.compressionRatio = Math.max(before - RATIO_BETTER_STEP, ratio)
  }
}

function exact(bytes: Uint8Array | null, length: number): Uint8Array | null {
  return bytes === null || bytes.length === length ? bytes : bytes.subarray(0, length)
}
