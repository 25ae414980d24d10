/**
 * Command lines with sub-commands, as those of Kafka's tools that use argparse4j: named options with a long and maybe a
 * short form, groups of which only one may be given, and its messages: usage and one sentence on stderr.
 */

export interface Argument {
  /** Without dashes. */
  readonly name: string
  /** One letter. */
  readonly short: string | null
  readonly kind: 'flag' | 'value' | 'values'
  readonly required: boolean
  /** Arguments with the same group exclude each other. */
  readonly group: string | null
  readonly help: string
}

export interface Subcommand {
  readonly name: string
  readonly help: string
  /** After `usage: `. */
  readonly usage: string
  readonly options: readonly Argument[]
}

export interface ArgumentParser {
  readonly program: string
  readonly description: string
  readonly usage: string
  readonly commands: readonly Subcommand[]
}

export interface Parsed {
  readonly command: string
  has(name: string): boolean
  value(name: string): string | null
  values(name: string): readonly string[]
}

/** Ends the tool: what it prints where, and the exit code. */
export class UsageEnd extends Error {
  readonly exitCode: number

  constructor(text: string, exitCode: number) {
    super(text)
    this.name = 'UsageEnd'
    this.exitCode = exitCode
  }
}

/** @throws UsageEnd for --help (exit 0) and for a command line that is wrong (exit 1). */
export function parseSubcommand(parser: ArgumentParser, argv: readonly string[]): Parsed {
  const [word, ...rest] = argv
  const wrong = (usage: string, reason: string) =>
    new UsageEnd(`usage: ${usage}\n${parser.program}: error: ${reason}`, 1)
  if (word === undefined) throw wrong(parser.usage, 'too few arguments')
  if (word === '-h' || word === '--help') throw new UsageEnd(parserHelp(parser), 0)
  const command = parser.commands.find((one) => one.name === word)
  if (!command) {
    if (word.startsWith('-')) throw wrong(parser.usage, `unrecognized arguments: '${word}'`)
    const names = parser.commands.map((one) => `'${one.name}'`).join(', ')
    throw wrong(parser.usage, `invalid choice: '${word}' (choose from ${names})`)
  }
  const found = new Map<string, string[]>()
  for (let at = 0; at < rest.length; at++) {
    const text = rest[at] ?? ''
    if (text === '-h' || text === '--help') throw new UsageEnd(commandHelp(command), 0)
    const { argument, inline } = findArgument(command, text) ?? {}
    if (!argument) throw wrong(command.usage, `unrecognized arguments: '${text}'`)
    checkGroup(command, argument, found, (reason) => wrong(command.usage, reason))
    const values = found.get(argument.name) ?? []
    found.set(argument.name, values)
    if (argument.kind === 'flag') continue
    const next = inline ?? rest[++at]
    if (next === undefined) throw wrong(command.usage, `argument ${shown(argument)}: expected one argument`)
    values.push(next)
  }
  for (const argument of command.options) {
    if (!argument.required || found.has(argument.name)) continue
    throw wrong(command.usage, `argument ${shown(argument)} is required`)
  }
  return {
    command: command.name,
    has: (name) => found.has(name),
    value: (name) => found.get(name)?.at(-1) ?? null,
    values: (name) => found.get(name) ?? [],
  }
}

function findArgument(command: Subcommand, text: string): { argument: Argument; inline: string | null } | null {
  if (!text.startsWith('--')) {
    const argument = text.startsWith('-') ? command.options.find((one) => one.short === text[1]) : undefined
    return argument ? { argument, inline: text.length > 2 ? text.slice(2).replace(/^=/, '') : null } : null
  }
  const equals = text.indexOf('=')
  const name = text.slice(2, equals < 0 ? undefined : equals)
  const inline = equals < 0 ? null : text.slice(equals + 1)
  const byPrefix = command.options.filter((one) => one.name.startsWith(name))
  const argument = command.options.find((one) => one.name === name) ?? (byPrefix.length === 1 ? byPrefix[0] : undefined)
  return argument ? { argument, inline } : null
}

function checkGroup(
  command: Subcommand,
  argument: Argument,
  found: ReadonlyMap<string, unknown>,
  wrong: (reason: string) => UsageEnd,
): void {
  if (argument.group === null) return
  const other = command.options.find(
    (one) => one.group === argument.group && one.name !== argument.name && found.has(one.name),
  )
  if (other) throw wrong(`argument ${shown(argument)}: not allowed with argument ${shown(other)}`)
}

/** `--config/-c` */
function shown(argument: Argument): string {
  return argument.short === null ? `--${argument.name}` : `--${argument.name}/-${argument.short}`
}

const HELP_COLUMN = 25

function parserHelp(parser: ArgumentParser): string {
  const commands = parser.commands.map((command) => helpRow(`  ${command.name}`, command.help))
  return `usage: ${parser.usage}\n\n${parser.description}\n\ncommands:\n${commands.join('\n')}`
}

function commandHelp(command: Subcommand): string {
  const rows = command.options.map((argument) => {
    const metavar = argument.kind === 'flag' ? '' : ` ${argument.name.toUpperCase().replaceAll('-', '_')}`
    const short = argument.short === null ? '' : `, -${argument.short}${metavar}`
    return helpRow(`  --${argument.name}${metavar}${short}`, argument.help)
  })
  return `usage: ${command.usage}\n\n${command.help}\n\noptional arguments:\n${rows.join('\n')}`
}

function helpRow(left: string, help: string): string {
  return left.length < HELP_COLUMN ? left.padEnd(HELP_COLUMN) + help : `${left}\n${' '.repeat(HELP_COLUMN)}${help}`
}
