/** Tables of Kafka's newer tools: columns as wide as their longest value, a tab behind each. */
import type { Terminal } from '../tool/tool.ts'

type Row = readonly (string | number | bigint)[]

export function prettyTable(terminal: Terminal, header: Row, rows: readonly Row[]): void {
  const all = [header, ...rows].map((row) => row.map(String))
  const widths = header.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)))
  for (const row of all) terminal.out(row.map((cell, index) => `${cell.padEnd(widths[index] ?? 0)}\t`).join(''))
}
