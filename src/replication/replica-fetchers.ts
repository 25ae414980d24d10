/**
 * Which fetcher follows which partition: as many fetchers per leader as num.replica.fetchers, chosen by Kafka's hash of the
 * partition. Nothing is fetched before `start`: the leader wants to know by which registration a follower asks.
 */
import { bucketOf, javaHashCode } from '../base/java-hash.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import type { Clock } from '../world/world.ts'
import { FollowerLog, type LogCutter } from './follower-log.ts'
import { RemoteLeader, type FetchSettings, type FollowerIdentity } from './leader-link.ts'
import type { Partition } from './partition.ts'
import type { ReplicationQuota } from './replication-quota.ts'
import { ReplicaFetcher } from './replica-fetcher.ts'

export interface ReplicaFetchersOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly logs: LogCutter
  /** A connection of one's own: fetches wait, and others must not wait behind them. */
  readonly dial: (brokerId: number) => Promise<BrokerConnection>
  readonly identity: () => FollowerIdentity
  readonly settings: () => FetchSettings
  readonly quota: ReplicationQuota
  readonly fetchersPerLeader: () => number
  readonly broken: (error: unknown) => void
}

/** What the replica manager needs of it. */
export interface Followers {
  /** Begins to follow the leader that the partition names now. */
  add(partition: Partition): void
  /** Resolves when its log is at rest, as far as following goes. */
  remove(partition: Partition): Promise<void>
}

export class ReplicaFetchers implements Followers {
  readonly #options: ReplicaFetchersOptions
  readonly #followerLog: FollowerLog
  readonly #fetchers = new Map<string, ReplicaFetcher>()
  readonly #fetcherOf = new Map<Partition, ReplicaFetcher>()
  /** Those that came before the start. */
  readonly #waiting = new Set<Partition>()
  #phase: 'waiting' | 'running' | 'closed' = 'waiting'

  constructor(options: ReplicaFetchersOptions) {
    this.#options = options
    this.#followerLog = new FollowerLog(options.logs, options.logger)
  }

  start(): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'running'
    for (const partition of this.#waiting) this.add(partition)
    this.#waiting.clear()
  }

  add(partition: Partition): void {
    if (this.#phase === 'closed') return
    if (this.#phase === 'waiting') {
      this.#waiting.add(partition)
      return
    }
    const fetcher = this.#fetcherFor(partition)
    this.#fetcherOf.set(partition, fetcher)
    fetcher.add(partition)
  }

  async remove(partition: Partition): Promise<void> {
    this.#waiting.delete(partition)
    const fetcher = this.#fetcherOf.get(partition)
    this.#fetcherOf.delete(partition)
    await fetcher?.remove(partition)
  }

  /** Resolves when no log is changed any more. */
  async close(): Promise<void> {
    this.#phase = 'closed'
    this.#fetcherOf.clear()
    await Promise.all([...this.#fetchers.values()].map((fetcher) => fetcher.close()))
    this.#fetchers.clear()
  }

  #fetcherFor(partition: Partition): ReplicaFetcher {
    const { clock, logger, dial, identity, settings, quota, broken } = this.#options
    const leaderId = partition.assignment.leader
    const key = `${leaderId}-${fetcherIndex(partition, this.#options.fetchersPerLeader())}`
    const known = this.#fetchers.get(key)
    if (known !== undefined) return known
    const fetcher = new ReplicaFetcher({
      leaderId,
      clock,
      logger,
      link: new RemoteLeader(() => dial(leaderId), identity, settings),
      followerLog: this.#followerLog,
      settings,
      quota,
      idle: () => this.#fetchers.delete(key),
      broken,
    })
    this.#fetchers.set(key, fetcher)
    return fetcher
  }
}

function fetcherIndex({ topic, index }: Partition, fetchers: number): number {
  return bucketOf((Math.imul(31, javaHashCode(topic)) + index) | 0, fetchers)
}
