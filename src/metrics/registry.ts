/**
 * Metrics of one node, under Kafka's MBean names: counters, meters, gauges and histograms.
 *
 * The hot path pays one field increment (`counter.count++`); everything else happens when somebody reads. Nothing here
 * knows a clock: rates get the time as an argument. Memory is bounded: a metric is made once by whoever owns it, and a
 * family whose members come from outside (per topic) is removed with them.
 */
import { Histogram } from './histogram.ts'
import { Meter } from './meter.ts'

/** What happened so far. Owners add to `count` directly. */
export interface Counter {
  count: number
}

/**
 * A name as in Kafka: `kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=t`.
 * Tags keep their order.
 */
export interface MetricName {
  readonly group: string
  readonly type: string
  readonly name: string
  readonly tags: readonly (readonly [string, string])[]
}

export type Metric =
  | { readonly kind: 'counter'; readonly name: MetricName; readonly counter: Counter }
  | { readonly kind: 'gauge'; readonly name: MetricName; readonly read: () => number }
  | { readonly kind: 'meter'; readonly name: MetricName; readonly meter: Meter }
  | { readonly kind: 'histogram'; readonly name: MetricName; readonly histogram: Histogram }

export function metricName(
  group: string,
  type: string,
  name: string,
  tags: readonly (readonly [string, string])[] = [],
): MetricName {
  return { group, type, name, tags }
}

export function mbean({ group, type, name, tags }: MetricName): string {
  const pairs = [['type', type], ...(name === '' ? [] : [['name', name]]), ...tags]
  return `${group}:${pairs.map(([key, value]) => `${key}=${value}`).join(',')}`
}

export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>()

  /** The one of that name; made when it does not exist. */
  counter(name: MetricName): Counter {
    const existing = this.#metrics.get(mbean(name))
    if (existing?.kind === 'counter') return existing.counter
    const counter = { count: 0 }
    this.#add({ kind: 'counter', name, counter })
    return counter
  }

  meter(name: MetricName): Meter {
    const existing = this.#metrics.get(mbean(name))
    if (existing?.kind === 'meter') return existing.meter
    const meter = new Meter()
    this.#add({ kind: 'meter', name, meter })
    return meter
  }

  histogram(name: MetricName): Histogram {
    const existing = this.#metrics.get(mbean(name))
    if (existing?.kind === 'histogram') return existing.histogram
    const histogram = new Histogram()
    this.#add({ kind: 'histogram', name, histogram })
    return histogram
  }

  /** Read when somebody asks; a later gauge of the same name replaces it. */
  gauge(name: MetricName, read: () => number): void {
    this.#add({ kind: 'gauge', name, read })
  }

  remove(name: MetricName): void {
    this.#metrics.delete(mbean(name))
  }

  /** All with this tag: of a topic that was deleted. */
  removeTagged(key: string, value: string): void {
    for (const [id, metric] of this.#metrics) {
      if (metric.name.tags.some(([tag, text]) => tag === key && text === value)) this.#metrics.delete(id)
    }
  }

  all(): Iterable<Metric> {
    return this.#metrics.values()
  }

  #add(metric: Metric): void {
    this.#metrics.set(mbean(metric.name), metric)
  }
}
