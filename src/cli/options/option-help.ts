/**
 * The table that joptsimple prints for `--help` and behind a refusal: two columns in 80, options in the order of their
 * names, lines filled with blanks.
 */
import { linePieces } from './line-breaks.ts'
import type { OptionSpec, OptionTable } from './option-table.ts'

const WIDTH = 80
const GAP = 2
const INDENT = 2

interface Row {
  readonly option: string
  readonly description: string
}

/** With a line end after each line. */
export function optionHelp(table: OptionTable): string {
  const names = Object.keys(table).sort()
  const title = names.some((name) => table[name]?.required) ? 'Option (* = required)' : 'Option'
  const rows: Row[] = [
    { option: title, description: 'Description' },
    { option: '-'.repeat(title.length), description: '-----------' },
  ]
  for (const name of names) {
    const spec = table[name]
    if (spec) rows.push({ option: optionText(name, spec), description: descriptionText(spec) })
  }
  const optionWidth = Math.min((WIDTH - GAP) / 2, widest(rows.map((row) => row.option)))
  const descriptionWidth = Math.min(WIDTH - optionWidth - GAP, widest(rows.map((row) => row.description)))
  const fitted = rows.flatMap((row) => fit(row, optionWidth, descriptionWidth))
  const left = Math.min((WIDTH - GAP) / 2, widest(fitted.map((row) => row.option)))
  const right = Math.min(WIDTH - left - GAP, widest(fitted.map((row) => row.description)))
  return fitted.map((row) => `${row.option.padEnd(left + GAP)}${row.description.padEnd(right)}\n`).join('')
}

function optionText(name: string, spec: OptionSpec): string {
  const mark = spec.required ? '* ' : ''
  const dashes = name.length > 1 ? '--' : '-'
  const inside = spec.shows === null ? spec.type : `${spec.type}: ${spec.shows}`
  if (spec.argument === 'none') return `${mark}${dashes}${name}`
  return `${mark}${dashes}${name} ${spec.argument === 'required' ? `<${inside}>` : `[${inside}]`}`
}

function descriptionText(spec: OptionSpec): string {
  return spec.defaultValue === null ? spec.help : `${spec.help} (default: ${spec.defaultValue})`.trim()
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 0)
}

function fit(row: Row, optionWidth: number, descriptionWidth: number): readonly Row[] {
  const options = linesOf(row.option, optionWidth)
  const descriptions = linesOf(row.description, descriptionWidth)
  const count = Math.max(options.length, descriptions.length)
  return Array.from({ length: count }, (_, index) => ({
    option: options[index] ?? '',
    description: descriptions[index] ?? '',
  }))
}

function linesOf(text: string, width: number): readonly string[] {
  return text
    .trim()
    .split('\n')
    .flatMap((line) => wrapped(line, width))
}

function wrapped(line: string, width: number): readonly string[] {
  const lines: string[] = []
  let current = ''
  for (const piece of linePieces(line)) {
    if (current.length + piece.length > width) {
      lines.push(current.trimEnd())
      current = ' '.repeat(INDENT) + piece
    } else current += piece
  }
  if (current !== '') lines.push(current)
  return lines
}
