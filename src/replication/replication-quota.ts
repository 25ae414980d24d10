/**
 * A bound on what one side of replication copies a second (KIP-73), of the partitions that a topic's list names for this
 * broker. What replicas in sync copy counts too, but only others are held back: nobody may leave the ISR for a throttle.
 */
import type { LogConfig } from '../config/log-config.ts'
import { ByteQuota, type QuotaWindows } from '../metrics/byte-quota.ts'
import type { Partition } from './partition.ts'

export type ReplicationSide = 'leader' | 'follower'

const ALL = '*'
const LISTS = {
  leader: 'leaderReplicationThrottledReplicas',
  follower: 'followerReplicationThrottledReplicas',
} as const satisfies Record<ReplicationSide, keyof LogConfig>

export class ReplicationQuota {
  readonly bytes: ByteQuota
  readonly #list: (typeof LISTS)[ReplicationSide]
  readonly #nodeId: number
  /** By the list as it was configured: all logs of a topic share one. */
  readonly #parsed = new WeakMap<readonly string[], ReadonlySet<number> | typeof ALL>()

  constructor(side: ReplicationSide, nodeId: number, nowMs: () => number, windows: QuotaWindows) {
    this.#list = LISTS[side]
    this.#nodeId = nodeId
    this.bytes = new ByteQuota(nowMs, windows)
  }

  /** The topic lists this broker's replica of the partition. */
  isThrottled({ log, index }: Pick<Partition, 'log' | 'index'>): boolean {
    const list = log?.config[this.#list] ?? []
    if (list.length === 0) return false
    let partitions = this.#parsed.get(list)
    if (partitions === undefined) {
      partitions = throttledPartitions(list, this.#nodeId)
      this.#parsed.set(list, partitions)
    }
    return partitions === ALL || partitions.has(index)
  }

  /** Nothing of the partition is to be copied now to a replica that isn't in sync. */
  holdsBack(partition: Partition): boolean {
    return this.isThrottled(partition) && this.bytes.isExceeded
  }
}

/** `*`, or `partition:broker` each. */
function throttledPartitions(list: readonly string[], nodeId: number): ReadonlySet<number> | typeof ALL {
  const entries = list.map((entry) => entry.trim())
  if (entries.join('') === ALL) return ALL
  const pairs = entries.map((entry) => entry.split(':').map(Number))
  return new Set(
    pairs.flatMap(([partition, broker]) => (broker === nodeId && partition !== undefined ? [partition] : [])),
  )
}
