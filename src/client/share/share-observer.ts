/**
 * Watches one share consumer at work: counts under the names of Java's client (consumer-share-…), and tells whoever listens to its
 * channels. Told per batch and request. Latencies are in milliseconds.
 */
import { metricName, MetricsRegistry, type Counter, type MetricName } from '../../metrics/registry.ts'
import type { Histogram } from '../../metrics/histogram.ts'
import type { EventChannel } from '../client-events.ts'
import type { ObservedFetch } from '../consumer/consumer-observer.ts'
import { PollIdleTime } from '../consumer/poll-idle-time.ts'
import type { NetworkClient } from '../network-client.ts'

/** Type names of Java's groups of metrics. */
const CONSUMER = 'consumer-share-metrics'
const FETCHES = 'consumer-share-fetch-manager-metrics'
const COORDINATOR = 'consumer-share-coordinator-metrics'

export class ShareObserver {
  readonly metrics = new MetricsRegistry()
  readonly #network: NetworkClient
  readonly #groupId: string
  readonly #timeBetweenPoll: Histogram
  readonly #fetch: Counter
  readonly #fetchLatency: Histogram
  readonly #fetchSize: Histogram
  readonly #fetchThrottleTime: Histogram
  readonly #recordsPerRequest: Histogram
  readonly #recordsConsumed: Counter
  readonly #acknowledgementsSent: Counter
  readonly #acknowledgementsFailed: Counter
  readonly #heartbeat: Counter
  readonly #heartbeatResponseTime: Histogram
  readonly #rebalance: Counter
  readonly #fetches: EventChannel
  readonly #acknowledgements: EventChannel
  readonly #errors: EventChannel
  readonly #idle = new PollIdleTime()
  /** Monotonic; null: never. */
  #polledMs: number | null = null

  constructor(network: NetworkClient, groupId: string) {
    this.#network = network
    this.#groupId = groupId
    const { metrics } = this
    const { clientId, events } = network.options
    const name = (type: string, metric: string): MetricName =>
      metricName('kafka.consumer', type, metric, [['client-id', clientId]])
    this.#timeBetweenPoll = metrics.histogram(name(CONSUMER, 'time-between-poll'))
    metrics.gauge(name(CONSUMER, 'poll-idle-ratio-avg'), () => this.#idle.ratio(this.#nowMs))
    this.#fetch = metrics.counter(name(FETCHES, 'fetch-total'))
    this.#fetchLatency = metrics.histogram(name(FETCHES, 'fetch-latency'))
    this.#fetchSize = metrics.histogram(name(FETCHES, 'fetch-size'))
    this.#fetchThrottleTime = metrics.histogram(name(FETCHES, 'fetch-throttle-time'))
    this.#recordsPerRequest = metrics.histogram(name(FETCHES, 'records-per-request'))
    this.#recordsConsumed = metrics.counter(name(FETCHES, 'records-consumed-total'))
    this.#acknowledgementsSent = metrics.counter(name(FETCHES, 'acknowledgements-send-total'))
    this.#acknowledgementsFailed = metrics.counter(name(FETCHES, 'acknowledgements-error-total'))
    this.#heartbeat = metrics.counter(name(COORDINATOR, 'heartbeat-total'))
    this.#heartbeatResponseTime = metrics.histogram(name(COORDINATOR, 'heartbeat-response-time'))
    this.#rebalance = metrics.counter(name(COORDINATOR, 'rebalance-total'))
    this.#fetches = events('klamm:share-consumer:fetch')
    this.#acknowledgements = events('klamm:share-consumer:acknowledge')
    this.#errors = events('klamm:share-consumer:error')
  }

  pollBegan(nowMs: number): void {
    if (this.#polledMs !== null) this.#timeBetweenPoll.record(nowMs - this.#polledMs)
    this.#polledMs = nowMs
    this.#idle.began(nowMs)
  }

  pollEnded(nowMs: number): void {
    this.#idle.ended(nowMs)
  }

  fetched({ node, sentMs, bytes, records, throttleTimeMs }: ObservedFetch): void {
    const latencyMs = this.#nowMs - sentMs
    this.#fetch.count += 1
    this.#fetchLatency.record(latencyMs)
    this.#fetchSize.record(bytes)
    this.#recordsPerRequest.record(records)
    if (throttleTimeMs > 0) this.#fetchThrottleTime.record(throttleTimeMs)
    if (this.#fetches.hasSubscribers) this.#tell(this.#fetches, { node, latencyMs, bytes, records, throttleTimeMs })
  }

  handedOut(records: number): void {
    this.#recordsConsumed.count += records
  }

  /** What became of the acknowledgements of so many records. */
  acknowledged(topic: string, partition: number, records: number, error: Error | null): void {
    this.#acknowledgementsSent.count += records
    if (error !== null) this.#acknowledgementsFailed.count += records
    if (this.#acknowledgements.hasSubscribers) this.#tell(this.#acknowledgements, { topic, partition, records, error })
  }

  heartbeat(sentMs: number): void {
    this.#heartbeat.count += 1
    this.#heartbeatResponseTime.record(this.#nowMs - sentMs)
  }

  /** The coordinator gave other partitions. */
  reassigned(): void {
    this.#rebalance.count += 1
  }

  /** The next poll rejects with it. */
  failed(error: Error): void {
    if (this.#errors.hasSubscribers) this.#tell(this.#errors, { error })
  }

  get #nowMs(): number {
    return this.#network.world.clock.monotonicMs()
  }

  #tell(channel: EventChannel, message: object): void {
    channel.publish({ clientId: this.#network.options.clientId, groupId: this.#groupId, ...message })
  }
}
