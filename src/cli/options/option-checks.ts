/**
 * What Kafka's tools check after parsing, with the sentences and in the order that they have there: a sentence and the
 * help table on stderr, exit code 1.
 */
import { ToolExit } from '../tool/tool-exit.ts'
import { KAFKA_VERSION } from '../terminal/version.ts'
import { optionHelp } from './option-help.ts'
import type { COMMON_OPTIONS, OptionTable } from './option-table.ts'
import { OptionError, parseOptions, type Options } from './parse-options.ts'

/** The sentence, then the table of options. */
export function usageFailure(table: OptionTable, sentence: string): ToolExit {
  return new ToolExit(1, `${sentence}\n${optionHelp(table)}`.trimEnd())
}

/**
 * Parses, and answers `--help`, `--version` and an empty command line.
 * @param about the sentence over the table of options.
 * @param refusalShowsHelp whether the table follows the sentence of a command line that cannot be parsed.
 * @throws ToolExit, OptionError
 */
export function toolOptions<Name extends string>(
  table: OptionTable<Name | keyof typeof COMMON_OPTIONS>,
  argv: readonly string[],
  about: string,
  refusalShowsHelp = false,
): Options<Name | keyof typeof COMMON_OPTIONS> {
  const options = refusalShowsHelp ? parsedOrUsage(table, argv) : parseOptions(table, argv)
  if (argv.length === 0 || options.has('help')) throw usageFailure(table, about)
  if (options.has('version')) throw new ToolExit(0, KAFKA_VERSION)
  return options
}

function parsedOrUsage<Name extends string>(table: OptionTable<Name>, argv: readonly string[]): Options<Name> {
  try {
    return parseOptions(table, argv)
  } catch (error) {
    if (error instanceof OptionError) throw usageFailure(table, error.message)
    throw error
  }
}

/** @throws ToolExit naming the first that is missing. */
export function checkRequired<Name extends string>(options: Options<Name>, ...names: readonly Name[]): void {
  for (const name of names) {
    if (!options.has(name)) throw usageFailure(options.table, `Missing required argument "[${name}]"`)
  }
}

/** @throws ToolExit unless exactly one was given. */
export function checkOneOf<Name extends string>(options: Options<Name>, ...names: readonly Name[]): void {
  if (names.filter((name) => options.has(name)).length === 1) return
  const shown = names.map((name) => `[${name}]`).join(', ')
  throw usageFailure(options.table, `Exactly one of the following arguments is required: ${shown}`)
}

/** @throws ToolExit if `used` was given together with one of `others`. */
export function checkInvalid<Name extends string>(
  options: Options<Name>,
  used: Name,
  ...others: readonly Name[]
): void {
  if (!options.has(used)) return
  for (const other of others) {
    if (!options.has(other)) continue
    throw usageFailure(options.table, `Option "[${used}]" can't be used with option "[${other}]"`)
  }
}

/** @throws ToolExit if all of `used` were given, and one of `others` too. @param trailer ends the sentence. */
export function checkInvalidSet<Name extends string>(
  options: Options<Name>,
  used: readonly Name[],
  others: readonly Name[],
  trailer = '',
): void {
  if (!used.every((name) => options.has(name))) return
  for (const other of others) {
    if (!options.has(other)) continue
    const shown = used.map((name) => `[${name}]`).join(', ')
    throw usageFailure(
      options.table,
      `Option combination "[${shown}]" can't be used with option "[${other}]"${trailer}`,
    )
  }
}
