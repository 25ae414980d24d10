/**
 * Command lines as argparse4j takes them: options by unambiguous prefix, `--name=value`, letters of short options in one
 * word, sub-commands by prefix, groups of which only one may be given. Help goes to stdout, a refusal (usage, sentence,
 * what might have been meant) to stderr with exit code 1.
 */
import { ToolExit } from '../tool/tool-exit.ts'
import { KAFKA_VERSION } from '../terminal/version.ts'
import { choicesText, helpText, justified, usageText } from './argument-help.ts'
import { isPositional, keyOf, shownName } from './argument-table.ts'
import type { ArgumentSpec, ArgumentTable, CommandSpec } from './argument-table.ts'
import { likelyMeant } from '../../base/likely-meant.ts'
import { isInteger, isLong } from './parse-options.ts'

export interface Arguments {
  /** The sub-command; empty if the tool has none. */
  readonly command: string
  /** Whether it was given; defaults don't count. */
  has(key: string): boolean
  /** The last one given, or the default. */
  value(key: string): string | null
  values(key: string): readonly string[]
  /** Of an Integer, Long or Double: it has been checked. */
  number(key: string): number | null
}

export interface ParseArgumentsOptions {
  /** 0 if left out. */
  readonly helpExitCode?: number
  /** What a tool says instead of usage and sentence. */
  readonly refuse?: (reason: string) => ToolExit
}

/** @throws ToolExit for help, and for a command line that is refused (1). */
export function parseArguments(
  table: ArgumentTable,
  argv: readonly string[],
  options: ParseArgumentsOptions = {},
): Arguments {
  return new Parser(table, argv, options).parse()
}

class Parser {
  readonly #table: ArgumentTable
  readonly #words: string[]
  readonly #options: ParseArgumentsOptions
  #command: CommandSpec | null = null
  readonly #found = new Map<string, string[]>()
  /** What was missing in the tool's own arguments; reported after the command's are read, as there. */
  #deferred: string | null = null
  #deferredAt: CommandSpec | null = null
  #endOfOptions = false

  constructor(table: ArgumentTable, argv: readonly string[], options: ParseArgumentsOptions) {
    this.#table = table
    this.#words = [...argv]
    this.#options = options
  }

  parse(): Arguments {
    this.#level(this.#table)
    if (this.#deferred !== null) throw this.#refusal(this.#deferred, this.#deferredAt)
    const specs = [...this.#table.arguments, ...(this.#command?.arguments ?? [])]
    const found = this.#found
    const values = (key: string): readonly string[] => {
      const given = found.get(key)
      if (given) return given
      const standard = specs.find((spec) => keyOf(spec) === key)?.defaultValue ?? null
      return standard === null ? [] : [standard]
    }
    const value = (key: string) => values(key).at(-1) ?? null
    return {
      command: this.#command?.name ?? '',
      has: (key) => found.has(key),
      value,
      values,
      number: (key) => {
        const text = value(key)
        return text === null ? null : Number(text)
      },
    }
  }

  /** The tool's arguments, or those of its command. */
  #level(level: Pick<ArgumentTable, 'arguments' | 'groups'>): void {
    const used = new Set<ArgumentSpec>()
    const byGroup = new Map<string, ArgumentSpec>()
    const positionals = level.arguments.filter(isPositional)
    const commands = level === this.#table ? this.#table.commands : []
    for (let word = this.#words[0]; word !== undefined; word = this.#words[0]) {
      if (word === '--' && !this.#endOfOptions) {
        this.#endOfOptions = true
        this.#words.shift()
      } else if (this.#isFlag(word)) this.#flag(level, word, used, byGroup)
      else if (positionals.length > 0) {
        const [next] = positionals.splice(0, 1)
        if (next) this.#store(next, this.#take(next))
      } else if (commands.length > 0) {
        this.#checkRequired(level, used, byGroup)
        return this.#subcommand(word)
      } else throw this.#refusal(`unrecognized arguments: '${this.#words.join(' ')}'`)
    }
    if (commands.length > 0 || positionals.length > 0) throw this.#refusal('too few arguments')
    this.#checkRequired(level, used, byGroup)
  }

  #subcommand(word: string): void {
    const { commands } = this.#table
    const exact = commands.find((one) => one.name === word)
    const byPrefix = exact ? [exact] : commands.filter((one) => one.name.startsWith(word))
    const [command] = byPrefix
    if (byPrefix.length > 1) {
      const names = byPrefix.map((one) => one.name).sort()
      throw this.#refusal(`ambiguous command: ${word} could match ${names.join(', ')}`)
    }
    if (!command) {
      const names = commands.map((one) => one.name)
      const choices = names.map((name) => `'${name}'`).join(', ')
      throw this.#refusal(`invalid choice: '${word}' (choose from ${choices})`, null, likelyMeant(word, names))
    }
    this.#words.shift()
    this.#command = command
    this.#level(command)
  }

  #isFlag(word: string): boolean {
    if (this.#endOfOptions || !word.startsWith('-') || /^-+$/.test(word)) return false
    return !/^-\d+$/.test(word)
  }

  #flag(
    level: Pick<ArgumentTable, 'arguments' | 'groups'>,
    word: string,
    used: Set<ArgumentSpec>,
    byGroup: Map<string, ArgumentSpec>,
  ): void {
    this.#words.shift()
    for (const { spec, inline } of this.#resolve(level.arguments, word)) {
      const other = spec.group === null ? undefined : byGroup.get(spec.group)
      if (spec.group !== null && level.groups[spec.group]?.exclusive === true) {
        if (other && other !== spec) throw this.#wrong(spec, `not allowed with argument ${shownName(other)}`)
        byGroup.set(spec.group, spec)
      }
      used.add(spec)
      this.#run(spec, inline)
    }
  }

  #run(spec: ArgumentSpec, inline: string | null): void {
    if (spec.action === 'store' || spec.action === 'append') return this.#store(spec, this.#take(spec, inline))
    if (inline !== null) throw this.#wrong(spec, `ignore implicit argument '${inline}'`)
    if (spec.action === 'help') {
      throw new ToolExit(this.#options.helpExitCode ?? 0, helpText(this.#table, this.#command), 'out')
    }
    if (spec.action === 'version') throw new ToolExit(0, KAFKA_VERSION)
    this.#found.set(keyOf(spec), [])
  }

  #store(spec: ArgumentSpec, values: readonly string[]): void {
    const key = keyOf(spec)
    const before = spec.action === 'append' ? (this.#found.get(key) ?? []) : []
    this.#found.set(key, [...before, ...values])
  }

  /** The words of an argument, checked. */
  #take(spec: ArgumentSpec, inline: string | null = null): readonly string[] {
    const values: string[] = []
    if (inline !== null) values.push(inline)
    else {
      const most = spec.count === 'one' ? 1 : Infinity
      for (let next = this.#words[0]; next !== undefined && values.length < most; next = this.#words[0]) {
        if (!isPositional(spec) && (this.#isFlag(next) || (next === '--' && !this.#endOfOptions))) break
        values.push(next)
        this.#words.shift()
      }
    }
    if (values.length === 0 && spec.count === 'one') throw this.#wrong(spec, 'expected one argument')
    if (values.length === 0 && spec.count === '+') throw this.#wrong(spec, 'expected 1 argument(s)')
    for (const value of values) this.#check(spec, value)
    return values
  }

  #check(spec: ArgumentSpec, value: string): void {
    const isOne = {
      String: () => true,
      Integer: isInteger,
      Long: isLong,
      Double: (text: string) => text.trim() !== '' && !Number.isNaN(Number(text)),
    }[spec.type](value)
    if (!isOne) throw this.#wrong(spec, `could not convert '${value}' to ${spec.type} (For input string: "${value}")`)
    if (spec.choices === null || spec.choices.includes(value)) return
    throw this.#wrong(spec, `invalid choice: '${value}' (choose from ${choicesText(spec.choices)})`)
  }

  #resolve(
    specs: readonly ArgumentSpec[],
    word: string,
  ): readonly { readonly spec: ArgumentSpec; readonly inline: string | null }[] {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    const inline = equals < 0 ? null : word.slice(equals + 1)
    const options = specs.filter((spec) => !isPositional(spec))
    const exact = options.find((spec) => spec.names.includes(name))
    if (exact) return [{ spec: exact, inline }]
    const names = options.flatMap((spec) => spec.names.filter((one) => one.startsWith(name)))
    const [only] = names
    if (names.length > 1) {
      throw this.#refusal(`ambiguous option: ${name} could match ${[...names].sort().join(', ')}`)
    }
    const byPrefix = options.find((spec) => only !== undefined && spec.names.includes(only))
    if (byPrefix) return [{ spec: byPrefix, inline }]
    const letters = word.startsWith('--') ? null : this.#letters(options, word)
    if (letters !== null) return letters
    const long = options
      .flatMap((spec) => spec.names.map((one) => one.replace(/^-+/, '')))
      .filter((one) => one.length > 1)
    const body = word.replace(/^-+/, '')
    const meant = body.length < 2 ? [] : likelyMeant(body, long).map((one) => `--${one}`)
    throw this.#refusal(`unrecognized arguments: '${word}'`, undefined, meant)
  }

  /** Short options in one word, of which the last may bring its value. */
  #letters(options: readonly ArgumentSpec[], word: string) {
    const found: { spec: ArgumentSpec; inline: string | null }[] = []
    for (let at = 1; at < word.length; at++) {
      const spec = options.find((one) => one.names.includes(`-${word[at]}`))
      if (!spec) return null
      const takes = spec.action === 'store' || spec.action === 'append'
      found.push({ spec, inline: takes && at + 1 < word.length ? word.slice(at + 1) : null })
      if (takes) break
    }
    return found
  }

  #checkRequired(
    level: Pick<ArgumentTable, 'arguments' | 'groups'>,
    used: ReadonlySet<ArgumentSpec>,
    byGroup: ReadonlyMap<string, ArgumentSpec>,
  ): void {
    if (this.#deferred !== null) return
    const missing = level.arguments.filter((spec) => spec.required && !isPositional(spec) && !used.has(spec)).at(-1)
    const group = Object.entries(level.groups).findLast(
      ([name, one]) => one.exclusive && one.required && !byGroup.has(name),
    )
    if (missing) this.#deferred = `argument ${shownName(missing)} is required`
    else if (group) {
      const names = level.arguments.filter((spec) => spec.group === group[0]).map(shownName)
      this.#deferred = `one of the arguments ${names.join(' ')} is required`
    }
    this.#deferredAt = this.#command
  }

  #wrong(spec: ArgumentSpec, reason: string): ToolExit {
    return this.#refusal(`argument ${shownName(spec)}: ${reason}`)
  }

  #refusal(reason: string, at: CommandSpec | null = this.#command, meant: readonly string[] = []): ToolExit {
    if (this.#options.refuse) return this.#options.refuse(reason)
    const guesses = meant.length === 0 ? '' : `\n\nDid you mean:\n${meant.map((one) => `\t${one}`).join('\n')}`
    return argumentRefusal(this.#table, reason, at, guesses)
  }
}

/** The usage, and why a command line is refused: for what a tool checks after its arguments are read. */
export function argumentRefusal(
  table: ArgumentTable,
  reason: string,
  at: CommandSpec | null = null,
  guesses = '',
): ToolExit {
  // The line's end counts as a sign of the line.
  const sentence = justified(`${table.program}: error: ${reason}\n`, 0, '').replace(/\n$/, '')
  return new ToolExit(1, `${usageText(table, at)}${sentence}${guesses}`)
}

/** What tools with such a table do: without a word help and exit code 0, with `--help` help and 1. @throws ToolExit */
export function toolArguments(table: ArgumentTable, argv: readonly string[]): Arguments {
  if (argv.length === 0) throw new ToolExit(0, helpText(table, null), 'out')
  return parseArguments(table, argv, { helpExitCode: 1 })
}
