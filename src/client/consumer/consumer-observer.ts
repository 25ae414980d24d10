/**
 * Watches one consumer at work: counts in its metrics, tells whoever listens to its channels, and lets interceptors see batches
 * and commits. It is told per poll, batch and request; nothing here changes what the consumer does.
 */
import { MetricsRegistry } from '../../metrics/registry.ts'
import type { EventChannel } from '../client-events.ts'
import type { NetworkClient } from '../network-client.ts'
import type { CommitPoint } from './committer.ts'
import { ConsumerInterceptors, type ConsumerInterceptor } from './consumer-interceptor.ts'
import { ConsumerMetrics } from './consumer-metrics.ts'
import type { PartitionState } from './partition-state.ts'
import { PollIdleTime } from './poll-idle-time.ts'
import type { RecordBatchView } from './record-batch-view.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface ObservedFetch {
  readonly node: number
  /** Monotonic: when it was sent. */
  readonly sentMs: number
  readonly bytes: number
  readonly records: number
  readonly throttleTimeMs: number
}

export class ConsumerObserver<K, V> {
  readonly metrics = new MetricsRegistry()
  readonly #network: NetworkClient
  readonly #isReadCommitted: boolean
  readonly #counted: ConsumerMetrics
  readonly #interceptors: ConsumerInterceptors<K, V> | null
  readonly #fetches: EventChannel
  readonly #commits: EventChannel
  readonly #assignments: EventChannel
  readonly #rebalances: EventChannel
  readonly #errors: EventChannel
  readonly #idle = new PollIdleTime()
  /** Monotonic; null: never, or not now. */
  #polledMs: number | null = null
  #heartbeatMs: number | null = null
  #rebalancedMs: number | null = null
  #rebalancingSinceMs: number | null = null

  constructor(
    network: NetworkClient,
    settings: { readonly isReadCommitted: boolean; readonly interceptors: readonly ConsumerInterceptor<K, V>[] },
    partitions: ReadonlyMap<string, PartitionState>,
  ) {
    this.#network = network
    this.#isReadCommitted = settings.isReadCommitted
    const { clientId, events, logger } = network.options
    const states = (): PartitionState[] => [...partitions.values()]
    this.#counted = new ConsumerMetrics(this.metrics, clientId, {
      assignedPartitions: () => partitions.size,
      recordsLagMax: () => largest(states().map((state) => state.lag(this.#isReadCommitted))),
      recordsLeadMin: () => -largest(states().map(({ lead }) => (lead === null ? null : -lead))),
      bytesWaiting: () => states().reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0),
      pollIdleRatio: () => this.#idle.ratio(this.#nowMs),
      secondsSincePoll: () => this.#secondsSince(this.#polledMs),
      secondsSinceHeartbeat: () => this.#secondsSince(this.#heartbeatMs),
      secondsSinceRebalance: () => this.#secondsSince(this.#rebalancedMs),
    })
    this.#interceptors =
      settings.interceptors.length === 0 ? null : new ConsumerInterceptors(settings.interceptors, logger)
    this.#fetches = events('klamm:consumer:fetch')
    this.#commits = events('klamm:consumer:commit')
    this.#assignments = events('klamm:consumer:assignment')
    this.#rebalances = events('klamm:consumer:rebalance')
    this.#errors = events('klamm:consumer:error')
  }

  pollBegan(nowMs: number): void {
    if (this.#polledMs !== null) this.#counted.timeBetweenPoll.record(nowMs - this.#polledMs)
    this.#polledMs = nowMs
    this.#idle.began(nowMs)
  }

  pollEnded(nowMs: number): void {
    this.#idle.ended(nowMs)
  }

  partitionAdded(state: PartitionState): void {
    this.#counted.addPartition(state, this.#isReadCommitted)
  }

  partitionRemoved(state: PartitionState): void {
    this.#counted.removePartition(state)
  }

  fetched({ node, sentMs, bytes, records, throttleTimeMs }: ObservedFetch): void {
    const counted = this.#counted
    const latencyMs = this.#nowMs - sentMs
    counted.fetch.count += 1
    counted.fetchLatency.record(latencyMs)
    counted.fetchSize.record(bytes)
    counted.recordsPerRequest.record(records)
    if (throttleTimeMs > 0) counted.fetchThrottleTime.record(throttleTimeMs)
    if (this.#fetches.hasSubscribers) this.#tell(this.#fetches, { node, latencyMs, bytes, records, throttleTimeMs })
  }

  /** What the user gets in place of `batch`. `isAgain`: a loop left it unread, it has been counted. */
  handedOut(batch: RecordBatchView<K, V>, isAgain: boolean): RecordBatchView<K, V> {
    if (!isAgain) {
      this.#counted.recordsConsumed.count += batch.fetched.recordCount
      this.#counted.bytesConsumed.count += batch.fetched.size
    }
    return this.#interceptors === null ? batch : this.#interceptors.onConsume(batch)
  }

  /** One attempt to commit. */
  committed(groupId: string, offsets: readonly CommitPoint[], sentMs: number, error: Error | null): void {
    const latencyMs = this.#nowMs - sentMs
    this.#counted.commit.count += 1
    this.#counted.commitLatency.record(latencyMs)
    if (this.#commits.hasSubscribers) this.#tell(this.#commits, { groupId, offsets, latencyMs, error })
    if (error === null) this.#interceptors?.onCommit(offsets)
  }

  heartbeat(sentMs: number): void {
    this.#heartbeatMs = this.#nowMs
    this.#counted.heartbeat.count += 1
    this.#counted.heartbeatResponseTime.record(this.#heartbeatMs - sentMs)
  }

  /** Partitions are about to be given away, or the group is joined. Attempts that fail belong to the same rebalance. */
  rebalanceBegan(): void {
    this.#rebalancingSinceMs ??= this.#nowMs
  }

  /** The assignment is in force. */
  rebalanceEnded(groupId: string, partitions: readonly TopicPartition[]): void {
    if (this.#rebalancingSinceMs === null) return
    this.#rebalancedMs = this.#nowMs
    const latencyMs = this.#rebalancedMs - this.#rebalancingSinceMs
    this.#rebalancingSinceMs = null
    this.#counted.rebalance.count += 1
    this.#counted.rebalanceLatency.record(latencyMs)
    if (this.#rebalances.hasSubscribers)
      this.#tell(this.#rebalances, { groupId, latencyMs, partitions: [...partitions], error: null })
  }

  rebalanceFailed(groupId: string, error: Error): void {
    if (this.#rebalancingSinceMs === null) return
    this.#counted.failedRebalance.count += 1
    const latencyMs = this.#nowMs - this.#rebalancingSinceMs
    if (this.#rebalances.hasSubscribers) this.#tell(this.#rebalances, { groupId, latencyMs, partitions: [], error })
  }

  /** What was begun comes to no end. */
  left(): void {
    this.#rebalancingSinceMs = null
  }

  /** Runs the listener, whose error is the caller's. */
  async assignmentChanged(
    change: 'assigned' | 'revoked' | 'lost',
    groupId: string,
    partitions: readonly TopicPartition[],
    listener: ((partitions: readonly TopicPartition[]) => void | Promise<void>) | undefined,
  ): Promise<void> {
    if (this.#assignments.hasSubscribers)
      this.#tell(this.#assignments, { groupId, change, partitions: [...partitions] })
    if (listener === undefined) return
    const sinceMs = this.#nowMs
    try {
      await listener(partitions)
    } finally {
      this.#counted.listenerLatency[change].record(this.#nowMs - sinceMs)
    }
  }

  /** The next poll rejects with it. */
  failed(error: Error): void {
    if (this.#errors.hasSubscribers) this.#tell(this.#errors, { error })
  }

  get #nowMs(): number {
    return this.#network.world.clock.monotonicMs()
  }

  #tell(channel: EventChannel, message: object): void {
    channel.publish({ clientId: this.#network.options.clientId, ...message })
  }

  #secondsSince(atMs: number | null): number {
    return atMs === null ? -1 : Math.floor((this.#nowMs - atMs) / 1000)
  }
}

/** Of those that are known; NaN if none is. */
function largest(values: readonly (number | null)[]): number {
  let most = NaN
  for (const value of values) if (value !== null && !(most >= value)) most = value
  return most
}
