/**
 * What a command of `klamm` is: a path of words, its options, and where its work is loaded from. Parser, help and completion
 * are made from these; the work itself is loaded only when the command runs.
 */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { Properties } from '../clients/client-properties.ts'
import { flag, value, type OptionSpec } from '../options/option-table.ts'
import type { ToolHost } from '../tool/tool.ts'
import type { Output } from './output.ts'
import type { Words } from './words.ts'

/** What a word may be: names that the cluster or the machine knows, or a few words. */
export type Completes = 'topics' | 'groups' | 'profiles' | 'files' | readonly string[]

export interface CommandOption extends OptionSpec {
  /** One letter. */
  readonly short: string | null
  readonly completes: Completes | null
}

export type CommandOptions = Readonly<Record<string, CommandOption>>

export interface Positional {
  /** In capitals, as help shows it. */
  readonly name: string
  readonly completes: Completes | null
  readonly isOptional: boolean
  /** Takes all words that are left. */
  readonly isRepeated: boolean
}

export interface Command {
  readonly path: readonly string[]
  /** One line. */
  readonly about: string
  readonly positionals: readonly Positional[]
  readonly options: CommandOptions
  readonly load: () => Promise<Run>
}

export type Run = (invocation: Invocation) => Promise<void>

export interface Invocation {
  readonly words: Words
  readonly host: ToolHost
  readonly output: Output
  /** Of the client, from the profile, files and options. */
  properties(): Promise<Properties>
  /** Runs `work` with an Admin of a cluster that answered. Rejects with ToolExit where none does. */
  withAdmin<T>(work: (admin: AdminClient) => Promise<T>): Promise<T>
}

interface More extends Partial<OptionSpec> {
  readonly completes?: Completes
}

export function on(help: string, short: string | null = null): CommandOption {
  return { ...flag(help), short, completes: null }
}

/** @param shows what the value is, in help. */
export function takes(shows: string, help: string, short: string | null = null, more: More = {}): CommandOption {
  const { completes = null, ...spec } = more
  return { ...value(shows, help, spec), short, completes }
}

export function one(name: string, completes: Completes | null = null): Positional {
  return { name, completes, isOptional: false, isRepeated: false }
}

export function maybe(name: string, completes: Completes | null = null): Positional {
  return { name, completes, isOptional: true, isRepeated: false }
}

export function some(name: string, completes: Completes | null = null): Positional {
  return { name, completes, isOptional: false, isRepeated: true }
}

export function any(name: string, completes: Completes | null = null): Positional {
  return { name, completes, isOptional: true, isRepeated: true }
}
