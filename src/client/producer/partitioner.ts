/**
 * Where a record without a partition goes. Java's built-in partitioner: by the murmur2 of its key; without one, to a partition
 * that stays until it has got a batch's worth of bytes, then to another at random (KIP-794), where partitions whose queue
 * is long are chosen less often.
 */
import type { Random } from '../../world/world.ts'
import type { TopicMetadata } from '../cluster-metadata.ts'

/** A partitioner of one's own: answers 0 … partitions - 1. It must be quick and must not throw. */
export type Partitioner = (record: {
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly metadata: TopicMetadata
}) => number

/** What the choice needs of a topic. */
export interface Partitions {
  readonly count: number
  /** Those that have a leader. */
  readonly available: readonly number[]
}

/** Chances of partitions by the length of their queues. */
interface LoadStats {
  /** Ascending. */
  readonly cumulative: readonly number[]
  readonly partitions: readonly number[]
}

/** Of one topic. */
export class StickyPartitioner {
  readonly #random: Random
  readonly #batchBytes: number
  #partition = -1
  /** Bytes since the partition was chosen. */
  #bytes = 0
  #load: LoadStats | null = null

  constructor(random: Random, batchBytes: number) {
    this.#random = random
    this.#batchBytes = Math.max(batchBytes, 1)
  }

  current(partitions: Partitions): number {
    if (this.#partition < 0 || this.#partition >= partitions.count) this.#choose(partitions)
    return this.#partition
  }

  /**
   * Counts bytes, and goes on to another partition after a batch's worth: at the end of a batch if it can be, after two
   * in any case.
   */
  appended(bytes: number, isAtBatchEnd: boolean, partitions: Partitions): void {
    this.#bytes += bytes
    if ((isAtBatchEnd && this.#bytes >= this.#batchBytes) || this.#bytes >= this.#batchBytes * 2) {
      this.#choose(partitions)
    }
  }

  /** Lengths of queues of the partitions that can be chosen, of `count` in all. Null: all alike. */
  setLoad(queues: readonly { readonly partition: number; readonly length: number }[] | null, count: number): void {
    this.#load = null
    if (queues === null || count < 2 || queues.length === 0) return
    const longest = Math.max(...queues.map(({ length }) => length))
    if (queues.length === count && queues.every(({ length }) => length === longest)) return
    let sum = 0
    this.#load = {
      cumulative: queues.map(({ length }) => (sum += longest + 1 - length)),
      partitions: queues.map(({ partition }) => partition),
    }
  }

  #choose({ count, available }: Partitions): void {
    const random = this.#random.uint32() & 0x7fff_ffff
    this.#bytes = 0
    if (this.#load !== null) {
      const { cumulative, partitions } = this.#load
      const chance = random % cumulative.at(-1)!
      this.#partition = partitions[cumulative.findIndex((end) => end > chance)]!
    } else this.#partition = available.length > 0 ? available[random % available.length]! : random % count
  }
}

/** One after the other, among those that have a leader. Of one topic. */
export class RoundRobinPartitioner {
  #next = 0

  choose({ count, available }: Partitions): number {
    const turn = this.#next
    this.#next = (turn + 1) & 0x7fff_ffff
    return available.length > 0 ? available[turn % available.length]! : turn % count
  }
}
