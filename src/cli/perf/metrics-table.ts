/** What `--print-metrics` prints: the metrics of a client in Kafka's form, sorted, under the names that they have here. */
import type { Metric } from '../../metrics/registry.ts'
import type { Terminal } from '../tool/tool.ts'

export function printMetrics(terminal: Terminal, metrics: Iterable<Metric>): void {
  const rows = [...metrics].map((metric) => [label(metric), shown(metric)] as const)
  rows.sort(([one], [other]) => (one < other ? -1 : 1))
  const width = Math.max('Metric Name'.length, ...rows.map(([name]) => name.length))
  terminal.out(`\n${'Metric Name'.padEnd(width)}   Value`)
  for (const [name, value] of rows) terminal.out(`${name.padEnd(width)} : ${value}`)
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
