/**
 * Command lines as joptsimple takes them, because Kafka's tools do: `--name value`, `--name=value`, one dash as well as two,
 * values of short options in the same word, `--` ends the options, everything else is positional.
 *
 * Its corners are kept too: an empty value (`--name=`) takes the next word, a value given to a flag is dropped, no
 * abbreviations (Kafka switches them off), and a value is checked only when it is asked for.
 */
import type { OptionSpec, OptionTable } from './option-table.ts'

/** A command line that the parser refuses. Each tool decides whether its help follows the sentence. */
export class OptionError extends Error {
  constructor(sentence: string) {
    super(sentence)
    this.name = 'OptionError'
  }
}

export interface Options<Name extends string = string> {
  readonly table: OptionTable<Name>
  /** Whether it was given; defaults don't count. */
  has(name: Name): boolean
  /** The default if it wasn't given; null without one. @throws OptionError if it was given twice. */
  value(name: Name): string | null
  /** All that were given, or the default. */
  values(name: Name): readonly string[]
  /** An Integer or Long. @throws OptionError if it is none, or was given twice. */
  integer(name: Name): number | null
  /** A Double. @throws OptionError if it is none, or was given twice. */
  double(name: Name): number | null
  /** What belongs to no option. */
  readonly positionals: readonly string[]
}

/** @throws OptionError */
export function parseOptions<Name extends string>(table: OptionTable<Name>, argv: readonly string[]): Options<Name> {
  const given = new Map<string, string[]>()
  const positionals: string[] = []
  const words = [...argv]
  const take = (name: string, spec: OptionSpec, inline: string | null): void => {
    const values = given.get(name) ?? []
    given.set(name, values)
    if (spec.argument === 'none') return
    let text = inline
    if (text === null) {
      const next = words[0]
      if (next === undefined || (spec.argument === 'optional' && !isOptionalValue(next, spec))) {
        if (spec.argument === 'required') throw new OptionError(`Option ${name} requires an argument`)
        return
      }
      words.shift()
      text = next
    }
    values.push(...(spec.separator === null ? [text] : separated(text, spec.separator)))
  }
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') positionals.push(...words.splice(0))
    else if (!looksLikeAnOption(word)) positionals.push(word)
    else takeOption(table, word, take)
  }
  checkRequired(table, given)
  return optionsOf(table, given, positionals)
}

type Take = (name: string, spec: OptionSpec, inline: string | null) => void

/** A negative number looks like an option, and is a value where one is asked for. */
function isOptionalValue(word: string, { type }: OptionSpec): boolean {
  if (type === 'Integer') return isInteger(word)
  return type === 'Long' ? isLong(word) : !looksLikeAnOption(word)
}

function looksLikeAnOption(word: string): boolean {
  return word.startsWith('-') && word !== '-'
}

function takeOption(table: OptionTable, word: string, take: Take): void {
  const body = word.replace(/^--?/, '')
  const equals = body.indexOf('=')
  const name = equals < 0 ? body : body.slice(0, equals)
  const spec = specOf(table, name)
  if (spec !== null) return take(name, spec, equals < 0 ? null : body.slice(equals + 1))
  if (word.startsWith('--')) throw new OptionError(`${name} is not a recognized option`)
  // Letters of short options, the last of which may bring its value.
  const letters = body.split('')
  for (const letter of letters) {
    const short = specOf(table, letter)
    if (short === null) throw new OptionError(`${letter} is not a recognized option`)
    if (short.argument !== 'none') break
  }
  for (const [index, letter] of letters.entries()) {
    const short = specOf(table, letter)
    if (short === null) continue
    const rest = letters.slice(index + 1).join('')
    if (short.argument !== 'none' && rest !== '') return take(letter, short, rest)
    take(letter, short, null)
  }
}

function specOf(table: OptionTable, name: string): OptionSpec | null {
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null
}

/** Empty pieces are no values; nothing but separators is one. */
function separated(text: string, separator: string): readonly string[] {
  const pieces = text.split(separator).filter((piece) => piece !== '')
  return pieces.length === 0 ? [text] : pieces
}

function checkRequired(table: OptionTable, given: ReadonlyMap<string, unknown>): void {
  const entries = Object.entries(table)
  if (entries.some(([name, spec]) => spec.forHelp && given.has(name))) return
  const missing = entries.filter(([name, spec]) => spec.required && !given.has(name)).map(([name]) => name)
  if (missing.length > 0) throw new OptionError(`Missing required option(s) [${missing.join(', ')}]`)
  const unavailable = entries
    .filter(
      ([name, { availableIf }]) =>
        given.has(name) && availableIf.length > 0 && !availableIf.some((one) => given.has(one)),
    )
    .map(([name]) => name)
  if (unavailable.length > 0) {
    throw new OptionError(
      `Option(s) [${unavailable.join(', ')}] are unavailable given other options on the command line`,
    )
  }
}

function optionsOf<Name extends string>(
  table: OptionTable<Name>,
  given: ReadonlyMap<string, readonly string[]>,
  positionals: readonly string[],
): Options<Name> {
  const values = (name: Name): readonly string[] => {
    const found = given.get(name) ?? []
    const { defaultValue } = table[name]
    return found.length > 0 || defaultValue === null ? found : [defaultValue]
  }
  const value = (name: Name): string | null => {
    const all = values(name)
    if (all.length > 1) {
      throw new OptionError(`Found multiple arguments for option ${name}, but you asked for only one`)
    }
    return all[0] ?? null
  }
  const number = (name: Name, isOne: (text: string) => boolean): number | null => {
    const text = value(name)
    if (text === null) return null
    if (!isOne(text)) throw new OptionError(`Cannot parse argument '${text}' of option ${name}`)
    return Number(text)
  }
  return {
    table,
    has: (name) => given.has(name),
    value,
    values,
    integer: (name) => number(name, table[name].type === 'Long' ? isLong : isInteger),
    double: (name) => number(name, (text) => /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?\s*$/.test(text)),
    positionals,
  }
}

/** What Java's Integer.valueOf takes. */
export function isInteger(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31
}

/** What Java's Long.valueOf takes. */
export function isLong(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}
