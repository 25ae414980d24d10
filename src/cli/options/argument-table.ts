/**
 * The arguments of one tool that uses argparse4j there: options, positionals, groups and sub-commands. The one table from
 * which its parser, its usage, its help and completion are made. Names are Kafka's, help is ours.
 *
 * For tools that use joptsimple there see option-table.ts.
 */

export interface ArgumentSpec {
  /** In the order of the usage, with dashes: `--config`, `-c`; or the one name of a positional. */
  readonly names: readonly string[]
  /** `append`: may be given several times. `help` and `version` answer at once. */
  readonly action: 'store' | 'append' | 'flag' | 'help' | 'version'
  /** Words that it takes: one, or as many as come (`+`: at least one). */
  readonly count: 'one' | '+' | '*'
  readonly type: 'String' | 'Integer' | 'Long' | 'Double'
  readonly choices: readonly string[] | null
  /** What stands for the value; null: made of the name or the choices. */
  readonly metavar: string | null
  readonly required: boolean
  /** A key of the table's groups. */
  readonly group: string | null
  readonly help: string
  readonly defaultValue: string | null
}

export interface GroupSpec {
  /** Only one of its arguments may be given. */
  readonly exclusive: boolean
  /** One of them must be. */
  readonly required: boolean
  /** With a title the group has a part of its own in help. */
  readonly title: string | null
  readonly description: string | null
}

export interface ArgumentTable {
  readonly program: string
  readonly description: string
  readonly arguments: readonly ArgumentSpec[]
  readonly groups: Readonly<Record<string, GroupSpec>>
  readonly commands: readonly CommandSpec[]
  /** Over the sub-commands in help; null: among the positionals. */
  readonly commandsTitle: string | null
  /** What stands for the sub-commands in the usage; null: their names. */
  readonly commandsMetavar: string | null
  /** Defaults stand behind the help of each argument of the tool itself. */
  readonly showsDefaults: boolean
}

export interface CommandSpec {
  readonly name: string
  /** Beside its name in the tool's help. */
  readonly help: string
  /** In its own help; may be empty. */
  readonly description: string
  readonly arguments: readonly ArgumentSpec[]
  readonly groups: Readonly<Record<string, GroupSpec>>
}

const PLAIN: Omit<ArgumentSpec, 'names' | 'help'> = {
  action: 'store',
  count: 'one',
  type: 'String',
  choices: null,
  metavar: null,
  required: false,
  group: null,
  defaultValue: null,
}

export const HELP_ARGUMENT: ArgumentSpec = {
  ...PLAIN,
  names: ['-h', '--help'],
  action: 'help',
  help: 'show this help message and exit',
}

/** @param names with dashes, separated by blanks: `--config -c`; without dashes a positional. */
export function argument(names: string, help: string, more: Partial<ArgumentSpec> = {}): ArgumentSpec {
  return { ...PLAIN, names: names.split(' '), help, ...more }
}

export function flagArgument(names: string, help: string, more: Partial<ArgumentSpec> = {}): ArgumentSpec {
  return argument(names, help, { action: 'flag', ...more })
}

/** Adds `-h`, which argparse4j gives to every parser. */
export function argumentTable(
  table: Pick<ArgumentTable, 'program' | 'description' | 'arguments'> & Partial<ArgumentTable>,
): ArgumentTable {
  const { commands = [] } = table
  return {
    groups: {},
    commandsTitle: null,
    commandsMetavar: null,
    showsDefaults: true,
    ...table,
    arguments: [HELP_ARGUMENT, ...table.arguments],
    commands: commands.map((command) => ({ ...command, arguments: [HELP_ARGUMENT, ...command.arguments] })),
  }
}

export function command(
  name: string,
  help: string,
  parts: readonly ArgumentSpec[] = [],
  more: Partial<CommandSpec> = {},
): CommandSpec {
  return { name, help, description: '', arguments: parts, groups: {}, ...more }
}

export const ONE_OF: GroupSpec = { exclusive: true, required: true, title: null, description: null }
export const AT_MOST_ONE_OF: GroupSpec = { ...ONE_OF, required: false }

export function isPositional(spec: ArgumentSpec): boolean {
  return !(spec.names[0] ?? '').startsWith('-')
}

/** As messages name it: `--config/-c`. */
export function shownName(spec: ArgumentSpec): string {
  return spec.names.join('/')
}

/** The key of its values: the first long name, without dashes. */
export function keyOf(spec: ArgumentSpec): string {
  const long = spec.names.find((name) => name.startsWith('--')) ?? spec.names[0] ?? ''
  return long.replace(/^-+/, '')
}
