/**
 * Counts what an Admin asks of brokers, under the names of Java's client, and tells whoever listens to `klamm:admin:request`.
 * Latencies are in milliseconds.
 */
import { metricName, MetricsRegistry, type Counter, type MetricName } from '../../metrics/registry.ts'
import type { Histogram } from '../../metrics/histogram.ts'
import type { EventChannel } from '../client-events.ts'
import type { NetworkClient, ObservedRequest, RequestObserver } from '../network-client.ts'

export class AdminObserver implements RequestObserver {
  readonly metrics = new MetricsRegistry()
  inFlight = 0
  readonly #client: NetworkClient
  readonly #requests: Counter
  readonly #responses: Counter
  readonly #errors: Counter
  readonly #latency: Histogram
  readonly #throttleTime: Histogram
  readonly #told: EventChannel

  constructor(client: NetworkClient) {
    this.#client = client
    const { clientId, events } = client.options
    const name = (metric: string): MetricName =>
      metricName('kafka.admin.client', 'admin-client-metrics', metric, [['client-id', clientId]])
    this.#requests = this.metrics.counter(name('request-total'))
    this.#responses = this.metrics.counter(name('response-total'))
    // Java's client has no name for it: requests that got no answer.
    this.#errors = this.metrics.counter(name('request-error-total'))
    this.#latency = this.metrics.histogram(name('request-latency'))
    this.#throttleTime = this.metrics.histogram(name('throttle-time'))
    this.metrics.gauge(name('requests-in-flight'), () => this.inFlight)
    this.#told = events('klamm:admin:request')
  }

  requested(): void {
    this.inFlight += 1
    this.#requests.count += 1
  }

  settled({ api, node, sentMs, throttleTimeMs, error }: ObservedRequest): void {
    const { world, options } = this.#client
    const latencyMs = world.clock.monotonicMs() - sentMs
    this.inFlight -= 1
    if (error === null) {
      this.#responses.count += 1
      this.#latency.record(latencyMs)
    } else this.#errors.count += 1
    if (throttleTimeMs > 0) this.#throttleTime.record(throttleTimeMs)
    if (this.#told.hasSubscribers)
      this.#told.publish({ clientId: options.clientId, api, node, latencyMs, throttleTimeMs, error })
  }
}
