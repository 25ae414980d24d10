/** The words of a command line by the options of its command: short and long names are one, the last value wins. */
import type { OptionSpec } from '../options/option-table.ts'
import { isLong, OptionError, parseOptions } from '../options/parse-options.ts'
import type { Command } from './command.ts'
import { didYouMean, usageError } from './exits.ts'

export interface Words {
  has(name: string): boolean
  /** The default if it was not given; null without one. */
  value(name: string): string | null
  /** All that were given; none of an option that the command does not have. */
  values(name: string): readonly string[]
  /** @throws ToolExit unless it is a whole number of at least `least`. */
  integer(name: string, least?: number): number | null
  readonly positionals: readonly string[]
}

/** @throws ToolExit */
export function wordsOf(command: Command, argv: readonly string[]): Words {
  const called = `klamm ${command.path.join(' ')}`
  const table: Record<string, OptionSpec> = {}
  for (const [name, option] of Object.entries(command.options)) {
    table[name] = { ...option, defaultValue: null }
    if (option.short !== null) table[option.short] = { ...option, defaultValue: null }
  }
  const parsed = parsedBy(table, argv, called)
  const values = (name: string): readonly string[] => {
    const option = command.options[name]
    if (option === undefined) return []
    const { short } = option
    return [...parsed.values(name), ...(short === null ? [] : parsed.values(short))]
  }
  const has = (name: string): boolean => {
    const option = command.options[name]
    return option !== undefined && (parsed.has(name) || (option.short !== null && parsed.has(option.short)))
  }
  const value = (name: string): string | null => values(name).at(-1) ?? command.options[name]?.defaultValue ?? null
  if (!has('help')) checkPositionals(command, parsed.positionals, called)
  return {
    has,
    value,
    values,
    integer: (name, least = 0) => {
      const text = value(name)
      if (text === null) return null
      if (!isLong(text) || Number(text) < least) {
        throw usageError(`--${name} must be a whole number from ${least} on, and is ${text}.`, called)
      }
      return Number(text)
    },
    positionals: parsed.positionals,
  }
}

function parsedBy(table: Readonly<Record<string, OptionSpec>>, argv: readonly string[], called: string) {
  try {
    return parseOptions(table, argv)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    const unknown = /^(.+) is not a recognized option$/.exec(error.message)?.[1]
    if (unknown === undefined) throw usageError(`${error.message}.`, called)
    const long = Object.keys(table).filter((name) => name.length > 1)
    const hint = didYouMean(unknown, long, '--')
    throw usageError(`There is no option ${unknown.length > 1 ? '--' : '-'}${unknown}.${hint}`, called)
  }
}

function checkPositionals({ positionals }: Command, given: readonly string[], called: string): void {
  const missing = positionals.filter(({ isOptional }) => !isOptional)[given.length]
  if (missing !== undefined) throw usageError(`${missing.name} is missing.`, called)
  const most = positionals.some(({ isRepeated }) => isRepeated) ? Infinity : positionals.length
  if (given.length > most) throw usageError(`'${given[most]}' is one word too many.`, called)
}
