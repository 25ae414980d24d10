/**
 * How a command shows what it found: a table for people, JSON or YAML for programs. Both of the latter show the same data in
 * one shape per command, which docs/KLAMM.md describes.
 */
import type { Terminal, ToolHost } from '../tool/tool.ts'
import { usageError } from './exits.ts'
import type { Words } from './words.ts'
import { yamlOf } from './yaml.ts'

export type Cell = string | number | bigint | boolean | null

export interface Section {
  /** Over the table; null without one. */
  readonly title: string | null
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

const FORMATS = ['table', 'json', 'yaml'] as const
type Format = (typeof FORMATS)[number]

export class Output {
  readonly #terminal: Terminal
  readonly #hasHeaders: boolean
  readonly #isBold: boolean
  readonly #isQuiet: boolean
  readonly format: Format

  /** @throws ToolExit for an unknown format. */
  constructor({ terminal, environment }: ToolHost, words: Words) {
    const asked = words.value('output') ?? 'table'
    const format = FORMATS.find((one) => one === asked)
    if (format === undefined) throw usageError(`--output is table, json or yaml, and not ${asked}.`)
    this.#terminal = terminal
    // https://no-color.org
    this.#isBold = terminal.isScreen && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
    this.#hasHeaders = !words.has('no-headers')
    this.#isQuiet = words.has('quiet')
    this.format = format
  }

  /** @param sections asked for only where a table is wanted. */
  show(data: unknown, sections: () => readonly Section[]): void {
    if (this.format === 'json') this.#terminal.out(JSON.stringify(data, plainly, 2))
    else if (this.format === 'yaml') this.#terminal.write(yamlOf(JSON.parse(JSON.stringify(data, plainly))))
    else
      this.#terminal.out(
        sections()
          .map((section) => this.#tableOf(section))
          .join('\n\n'),
      )
  }

  /** The outcome of a change: data for programs, a sentence for people, nothing with --quiet. */
  done(data: unknown, sentences: readonly string[]): void {
    if (this.format !== 'table') this.show(data, () => [])
    else if (!this.#isQuiet) for (const sentence of sentences) this.#terminal.out(sentence)
  }

  #tableOf({ title, columns, rows }: Section): string {
    const cells = rows.map((row) => row.map((cell) => (cell === null || cell === '' ? '-' : String(cell))))
    const lines = this.#hasHeaders ? [columns.map((name) => name.toUpperCase()), ...cells] : cells
    const isNumber = columns.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === 'number'))
    const widths = columns.map((_, index) => Math.max(0, ...lines.map((line) => line[index]?.length ?? 0)))
    const text = lines.map((line) =>
      line
        .map((cell, index) => (isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    const heads = this.#hasHeaders ? text.splice(0, 1) : []
    const titles = title === null || !this.#hasHeaders ? [] : [title]
    return [...[...titles, ...heads].map((line) => this.#bold(line)), ...text].join('\n')
  }

  #bold(line: string): string {
    return this.#isBold ? `\u001B[1m${line}\u001B[0m` : line
  }
}

/** Numbers beyond JSON's are text. */
function plainly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
