/**
 * The text form that Prometheus scrapes. `kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=t` becomes
 * `kafka_server_brokertopicmetrics_messagesinpersec_total{topic="t"}`, as the usual exporter names Kafka's MBeans.
 */
import type { Metric, MetricName, MetricsRegistry } from './registry.ts'

const QUANTILES = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999]

export function prometheusText(registry: MetricsRegistry): string {
  const families = new Map<string, string[]>()
  for (const metric of registry.all()) {
    const [name, type, samples] = family(metric)
    const lines = families.get(name) ?? [`# TYPE ${name} ${type}`]
    families.set(name, lines)
    lines.push(...samples)
  }
  const names = [...families.keys()].sort()
  return names.flatMap((name) => families.get(name) ?? []).join('\n') + (names.length > 0 ? '\n' : '')
}

function family(metric: Metric): readonly [string, string, readonly string[]] {
  const name = baseName(metric.name)
  const tags = metric.name.tags
  switch (metric.kind) {
    case 'counter':
      return [`${name}_total`, 'counter', [sample(`${name}_total`, tags, metric.counter.count)]]
    case 'meter':
      return [`${name}_total`, 'counter', [sample(`${name}_total`, tags, metric.meter.count)]]
    case 'gauge':
      return [name, 'gauge', [sample(name, tags, metric.read())]]
    case 'histogram': {
      const { histogram } = metric
      const quantiles = QUANTILES.map((share) =>
        sample(name, [...tags, ['quantile', String(share)]], histogram.percentile(share)),
      )
      const sums = [sample(`${name}_sum`, tags, histogram.sum), sample(`${name}_count`, tags, histogram.count)]
      return [name, 'summary', [...quantiles, ...sums]]
    }
  }
}

function baseName({ group, type, name }: MetricName): string {
  const words = [group, type, name].filter((word) => word !== '').join('_')
  return words.toLowerCase().replace(/[^a-z0-9_]/g, '_')
}

function sample(name: string, tags: readonly (readonly [string, string])[], value: number): string {
  const labels = tags.map(([key, text]) => `${key.replace(/[^a-zA-Z0-9_]/g, '_')}="${escape(text)}"`)
  return `${name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${number(value)}`
}

function number(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
