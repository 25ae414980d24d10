/**
 * The options of one tool: the one table from which its parser, its help and completion are made. Names are Kafka's, help
 * is ours.
 *
 * For tools that use joptsimple there; the others are in argument-table.ts.
 */

/** How joptsimple names the type of a value in help. Values are checked against it when they are asked for. */
export type ValueType = 'String' | 'Integer' | 'Long' | 'Double' | 'Boolean'

export interface OptionSpec {
  /** `optional`: the next word is the value unless it looks like an option. */
  readonly argument: 'none' | 'required' | 'optional'
  readonly type: ValueType
  /** What the value is, in help. */
  readonly shows: string | null
  readonly help: string
  /** The value when the option isn't given. */
  readonly defaultValue: string | null
  /** One word holds several values, separated by this. */
  readonly separator: string | null
  /** The parser itself refuses a command line without it. */
  readonly required: boolean
  /** The parser refuses it unless one of these is given too; empty: it never does. */
  readonly availableIf: readonly string[]
  /** `--help` and `--version`: with one of them nothing is required. */
  readonly forHelp: boolean
}

/** By long name, without dashes. */
export type OptionTable<Name extends string = string> = Readonly<Record<Name, OptionSpec>>

const PLAIN: OptionSpec = {
  argument: 'none',
  type: 'String',
  shows: null,
  help: '',
  defaultValue: null,
  separator: null,
  required: false,
  availableIf: [],
  forHelp: false,
}

export function flag(help: string, more: Partial<OptionSpec> = {}): OptionSpec {
  return { ...PLAIN, help, ...more }
}

/** @param shows what the value is, in help; null: only its type. */
export function value(shows: string | null, help: string, more: Partial<OptionSpec> = {}): OptionSpec {
  return { ...PLAIN, argument: 'required', shows, help, ...more }
}

export function optionalValue(shows: string | null, help: string, more: Partial<OptionSpec> = {}): OptionSpec {
  return { ...PLAIN, argument: 'optional', shows, help, ...more }
}

/** What every tool with such a table has. */
export const COMMON_OPTIONS = {
  help: { ...PLAIN, help: 'Print this and exit.', forHelp: true },
  version: { ...PLAIN, help: 'Print the version of Kafka that this tool is like, and exit.', forHelp: true },
} satisfies OptionTable

export const BOOTSTRAP_SERVER = value(
  'server to connect to',
  'REQUIRED: host:port of one or more brokers, with commas.',
)
export const COMMAND_CONFIG = value(
  'command config property file',
  'Properties file for the client that the tool makes.',
)
