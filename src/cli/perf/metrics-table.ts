/** What `--print-metrics` prints: the metrics of a client in Kafka's form, sorted, under the names that they have here. */
import type { Metric } from '../../metrics/registry.ts'
import type { Terminal } from '../tool/tool.ts'

export function printMetrics(terminal: Terminal, metrics: Iterable<Metric>): void {
  for (const line of metricLines(metrics)) terminal.out(line)
}

/** As they are now: for whoever prints them when the client is closed and its gauges are gone. */
export function metricLines(metrics: Iterable<Metric>): readonly string[] {
  const rows = [...metrics].map((metric) => [label(metric), shown(metric)] as const)
  rows.sort(([one], [other]) => (one < other ? -1 : 1))
  const width = Math.max('Metric Name'.length, ...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `${name.padEnd(width)} : ${value}`)
  return ['', `${'Metric Name'.padEnd(width)}   Value`, ...lines]
}

function label({ name }: Metric): string {
  const tags = name.tags.map(([key, value]) => `${key}=${value}`).join(', ')
  return `${name.type}:${name.name}:{${tags}}`
}

function shown(metric: Metric): string {
  switch (metric.kind) {
    case 'counter':
      return metric.counter.count.toFixed(3)
    case 'gauge':
      return metric.read().toFixed(3)
    case 'meter':
      return metric.meter.count.toFixed(3)
    case 'histogram':
      return metric.histogram.mean.toFixed(3)
  }
}
