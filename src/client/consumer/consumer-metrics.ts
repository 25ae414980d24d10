/**
 * What a consumer counts, under the names of Java's client; raised per poll, batch and request, never per record. Where Java
 * has an average and a maximum there is one histogram without the suffix. Lag and lead are read when somebody asks, so they
 * are those of now, not the largest of some window; NaN while nothing is known of them. Latencies are in milliseconds.
 */
import { metricName, type Counter, type MetricName, type MetricsRegistry } from '../../metrics/registry.ts'
import type { Histogram } from '../../metrics/histogram.ts'
import type { PartitionState } from './partition-state.ts'

export interface ConsumerGauges {
  readonly assignedPartitions: () => number
  readonly recordsLagMax: () => number
  readonly recordsLeadMin: () => number
  readonly bytesWaiting: () => number
  readonly pollIdleRatio: () => number
  /** -1 if it never was. */
  readonly secondsSincePoll: () => number
  readonly secondsSinceHeartbeat: () => number
  readonly secondsSinceRebalance: () => number
}

/** Type names of Java's groups of metrics. */
const CONSUMER = 'consumer-metrics'
const FETCHES = 'consumer-fetch-manager-metrics'
const COORDINATOR = 'consumer-coordinator-metrics'

export class ConsumerMetrics {
  readonly timeBetweenPoll: Histogram
  readonly fetch: Counter
  readonly fetchLatency: Histogram
  readonly fetchSize: Histogram
  readonly fetchThrottleTime: Histogram
  readonly recordsPerRequest: Histogram
  readonly recordsConsumed: Counter
  readonly bytesConsumed: Counter
  readonly commit: Counter
  readonly commitLatency: Histogram
  readonly heartbeat: Counter
  readonly heartbeatResponseTime: Histogram
  readonly rebalance: Counter
  readonly failedRebalance: Counter
  readonly rebalanceLatency: Histogram
  /** What the listener took. */
  readonly listenerLatency: Readonly<Record<'assigned' | 'revoked' | 'lost', Histogram>>
  readonly #registry: MetricsRegistry
  readonly #clientId: string

  constructor(registry: MetricsRegistry, clientId: string, gauges: ConsumerGauges) {
    this.#registry = registry
    this.#clientId = clientId
    const name = (type: string, metric: string): MetricName =>
      metricName('kafka.consumer', type, metric, [['client-id', clientId]])
    this.timeBetweenPoll = registry.histogram(name(CONSUMER, 'time-between-poll'))
    registry.gauge(name(CONSUMER, 'poll-idle-ratio-avg'), gauges.pollIdleRatio)
    registry.gauge(name(CONSUMER, 'last-poll-seconds-ago'), gauges.secondsSincePoll)

    this.fetch = registry.counter(name(FETCHES, 'fetch-total'))
    this.fetchLatency = registry.histogram(name(FETCHES, 'fetch-latency'))
    this.fetchSize = registry.histogram(name(FETCHES, 'fetch-size'))
    this.fetchThrottleTime = registry.histogram(name(FETCHES, 'fetch-throttle-time'))
    this.recordsPerRequest = registry.histogram(name(FETCHES, 'records-per-request'))
    this.recordsConsumed = registry.counter(name(FETCHES, 'records-consumed-total'))
    this.bytesConsumed = registry.counter(name(FETCHES, 'bytes-consumed-total'))
    registry.gauge(name(FETCHES, 'records-lag-max'), gauges.recordsLagMax)
    registry.gauge(name(FETCHES, 'records-lead-min'), gauges.recordsLeadMin)
    // Java's consumer has no name for it: what was fetched and waits to be handed out.
    registry.gauge(name(FETCHES, 'prefetched-bytes'), gauges.bytesWaiting)

    this.commit = registry.counter(name(COORDINATOR, 'commit-total'))
    this.commitLatency = registry.histogram(name(COORDINATOR, 'commit-latency'))
    this.heartbeat = registry.counter(name(COORDINATOR, 'heartbeat-total'))
    this.heartbeatResponseTime = registry.histogram(name(COORDINATOR, 'heartbeat-response-time'))
    this.rebalance = registry.counter(name(COORDINATOR, 'rebalance-total'))
    this.failedRebalance = registry.counter(name(COORDINATOR, 'failed-rebalance-total'))
    this.rebalanceLatency = registry.histogram(name(COORDINATOR, 'rebalance-latency'))
    const listener = (what: string): Histogram => registry.histogram(name(COORDINATOR, `partitions-${what}-latency`))
    this.listenerLatency = { assigned: listener('assigned'), revoked: listener('revoked'), lost: listener('lost') }
    registry.gauge(name(COORDINATOR, 'assigned-partitions'), gauges.assignedPartitions)
    registry.gauge(name(COORDINATOR, 'last-heartbeat-seconds-ago'), gauges.secondsSinceHeartbeat)
    registry.gauge(name(COORDINATOR, 'last-rebalance-seconds-ago'), gauges.secondsSinceRebalance)
  }

  /** A partition has gauges of its own for as long as it is assigned. */
  addPartition(state: PartitionState, isReadCommitted: boolean): void {
    const [lag, lead, replica] = this.#namesOf(state)
    this.#registry.gauge(lag, () => state.lag(isReadCommitted) ?? NaN)
    this.#registry.gauge(lead, () => state.lead ?? NaN)
    this.#registry.gauge(replica, () => state.preferredReplica)
  }

  removePartition(state: PartitionState): void {
    for (const name of this.#namesOf(state)) this.#registry.remove(name)
  }

  #namesOf({ topic, partition }: PartitionState): [lag: MetricName, lead: MetricName, replica: MetricName] {
    const name = (metric: string): MetricName =>
      metricName('kafka.consumer', FETCHES, metric, [
        ['client-id', this.#clientId],
        ['topic', topic],
        ['partition', `${partition}`],
      ])
    return [name('records-lag'), name('records-lead'), name('preferred-read-replica')]
  }
}
