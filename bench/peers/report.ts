/** Medians and ratios as the tables of docs/BENCHMARKS.md. A row that loses says so. */
import type { Case } from './cases.ts'
import type { Measured, Rounds } from './rounds.ts'
import type { Latency } from './tools.ts'

/** At least this part of Kafka's rate, at most this part of its CPU: what a row must keep to not be marked. */
const EQUAL_RATE = 0.95
const EQUAL_CPU = 1.05

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const THROUGHPUT_HEAD = [
  'case',
  '',
  'records/s Klamm',
  'Kafka',
  'MB/s Klamm',
  'Kafka',
  'ratio',
  'CPU-s/GB Klamm',
  'Kafka',
  'ratio',
  'RSS MB Klamm',
  'Kafka',
  '',
]

export function throughputRows({ name }: Case, rounds: Rounds): string[][] {
  return (['produce', 'fetch'] as const).map((kind) => {
    const of = (side: 'klamm' | 'kafka', field: keyof Measured): number =>
      median(rounds[side].map((turn) => turn[kind][field]))
    const rate = of('klamm', 'megabytesPerSecond') / of('kafka', 'megabytesPerSecond')
    const cpu = of('klamm', 'cpuSecondsPerGigabyte') / of('kafka', 'cpuSecondsPerGigabyte')
    const losses = [...(rate < EQUAL_RATE ? ['rate'] : []), ...(cpu > EQUAL_CPU ? ['CPU'] : [])]
    return [
      name,
      kind,
      of('klamm', 'recordsPerSecond').toFixed(0),
      of('kafka', 'recordsPerSecond').toFixed(0),
      of('klamm', 'megabytesPerSecond').toFixed(0),
      of('kafka', 'megabytesPerSecond').toFixed(0),
      rate.toFixed(2),
      of('klamm', 'cpuSecondsPerGigabyte').toFixed(2),
      of('kafka', 'cpuSecondsPerGigabyte').toFixed(2),
      cpu.toFixed(2),
      (of('klamm', 'rssBytes') / 1e6).toFixed(0),
      (of('kafka', 'rssBytes') / 1e6).toFixed(0),
      losses.length === 0 ? '' : `loses: ${losses.join(', ')}`,
    ]
  })
}

export const LATENCY_HEAD = ['latency, ms', 'p50 Klamm', 'Kafka', 'p99 Klamm', 'Kafka', 'p99.9 Klamm', 'Kafka', '']

export function latencyRow(name: string, klamm: readonly Latency[], kafka: readonly Latency[]): string[] {
  const of = (side: readonly Latency[], field: keyof Latency): number => median(side.map((one) => one[field]))
  const fields = ['p50Ms', 'p99Ms', 'p999Ms'] as const
  const lost = fields.filter((field) => of(klamm, field) > of(kafka, field)).map((field) => field.slice(0, -2))
  return [
    name,
    ...fields.flatMap((field) => [String(of(klamm, field)), String(of(kafka, field))]),
    lost.length === 0 ? '' : `loses: ${lost.join(', ')}`,
  ]
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, 3, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at < 1 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}
