/** What a producer counts, under the names of Java's client; raised per batch and request, never per record. */
import { metricName, type Counter, type MetricsRegistry } from '../../metrics/registry.ts'
import type { Histogram } from '../../metrics/histogram.ts'

export interface ProducerGauges {
  readonly bufferTotalBytes: () => number
  readonly bufferAvailableBytes: () => number
  readonly requestsInFlight: () => number
  readonly recordsWaiting: () => number
}

export class ProducerMetrics {
  readonly recordSend: Counter
  readonly recordError: Counter
  readonly recordRetry: Counter
  readonly batchSplit: Counter
  readonly outgoingBytes: Counter
  readonly batchSize: Histogram
  readonly recordsPerRequest: Histogram
  readonly recordQueueTime: Histogram
  readonly requestLatency: Histogram
  readonly throttleTime: Histogram

  constructor(registry: MetricsRegistry, clientId: string, gauges: ProducerGauges) {
    const name = (metric: string) => metricName('kafka.producer', 'producer-metrics', metric, [['client-id', clientId]])
    this.recordSend = registry.counter(name('record-send-total'))
    this.recordError = registry.counter(name('record-error-total'))
    this.recordRetry = registry.counter(name('record-retry-total'))
    this.batchSplit = registry.counter(name('batch-split-total'))
    this.outgoingBytes = registry.counter(name('outgoing-byte-total'))
    this.batchSize = registry.histogram(name('batch-size'))
    this.recordsPerRequest = registry.histogram(name('records-per-request'))
    this.recordQueueTime = registry.histogram(name('record-queue-time'))
    this.requestLatency = registry.histogram(name('request-latency'))
    this.throttleTime = registry.histogram(name('produce-throttle-time'))
    registry.gauge(name('buffer-total-bytes'), gauges.bufferTotalBytes)
    registry.gauge(name('buffer-available-bytes'), gauges.bufferAvailableBytes)
    registry.gauge(name('requests-in-flight'), gauges.requestsInFlight)
    registry.gauge(name('waiting-threads'), gauges.recordsWaiting)
  }
}
