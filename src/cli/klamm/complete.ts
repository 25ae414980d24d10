/**
 * What could stand where the cursor is: the engine of the scripts that `klamm completion` prints. Made from the tables of
 * commands; topics and groups are asked of the cluster, which has a second to answer.
 *
 * A line is a word, and behind a tab what it means. `:files` alone leaves it to the shell to name files.
 */
import { SILENT } from '../../base/logger.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ToolHost } from '../tool/tool.ts'
import { COMMANDS } from './commands.ts'
import type { Command, CommandOption, Completes } from './command.ts'
import { SCRIPTED_COMMANDS } from './help.ts'
import { splitLeading } from './leading-options.ts'
import { readProfiles } from './profiles.ts'
import { wordsOf } from './words.ts'

const FILES = ':files'
const CLUSTER_MS = 1000

/** @param argv the words behind `klamm`, of which the last is the one that is typed. */
export async function completions(argv: readonly string[], host: ToolHost): Promise<readonly string[]> {
  const current = argv.at(-1) ?? ''
  const { leading, words } = splitLeading(argv.slice(0, -1))
  const lines = await candidates(leading, words, current, host).catch(() => [])
  return lines.filter((line) => line === FILES || line.startsWith(current))
}

async function candidates(
  leading: readonly string[],
  before: readonly string[],
  current: string,
  host: ToolHost,
): Promise<readonly string[]> {
  const [first, second] = before
  if (first === undefined) return firstWords()
  const family = COMMANDS.filter(({ path }) => path[0] === first)
  const isFamily = family[0]?.path.length === 2
  if (isFamily && second === undefined) return family.map(({ path, about }) => `${path[1] ?? ''}\t${about}`)
  const command = family.find(({ path }) => path.length === 1 || path[1] === second)
  if (command === undefined) return []
  return await withinCommand(command, [...leading, ...before.slice(command.path.length)], current, host)
}

function firstWords(): readonly string[] {
  const families = new Map<string, string>()
  for (const { path, about } of COMMANDS) {
    const [first = '', second] = path
    if (second === undefined) families.set(first, about)
    else families.set(first, families.has(first) ? `${families.get(first)}, ${second}` : second)
  }
  return [...families, ...SCRIPTED_COMMANDS].map(([word, about]) => `${word}\t${about}`)
}

async function withinCommand(
  command: Command,
  given: readonly string[],
  current: string,
  host: ToolHost,
): Promise<readonly string[]> {
  const { positionals, pending } = read(command, given)
  if (pending !== null) return await named(pending.completes, command, given.slice(0, -1), host)
  if (current.startsWith('-')) {
    return Object.entries(command.options).map(([name, { help }]) => `--${name}\t${help}`)
  }
  const place = command.positionals[Math.min(positionals.length, command.positionals.length - 1)]
  if (place === undefined || (positionals.length >= command.positionals.length && !place.isRepeated)) return []
  return await named(completesOf(command, place.completes, positionals), command, given, host)
}

/** The names of `klamm configs` are of what the word before says. */
function completesOf({ path }: Command, completes: Completes | null, positionals: readonly string[]): Completes | null {
  if (path[0] !== 'configs' || completes !== 'topics' || positionals[0] === 'topic') return completes
  return positionals[0] === 'group' ? 'groups' : null
}

/** What was typed so far: the words that are no options, and the option that waits for its value. */
function read(command: Command, given: readonly string[]) {
  const positionals: string[] = []
  let pending: CommandOption | null = null
  for (const word of given) {
    if (pending !== null) {
      pending = null
      continue
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
      continue
    }
    const name = word.replace(/^--?/, '')
    const option = Object.entries(command.options).find(([long, { short }]) => long === name || short === name)?.[1]
    if (option !== undefined && option.argument !== 'none') pending = option
  }
  return { positionals, pending }
}

async function named(
  completes: Completes | null,
  command: Command,
  given: readonly string[],
  host: ToolHost,
): Promise<readonly string[]> {
  switch (completes) {
    case null:
      return []
    case 'files':
      return [FILES]
    case 'profiles':
      return Object.keys(readProfiles(host.environment).profiles)
    case 'topics':
    case 'groups':
      return await ofCluster(completes, command, given, host)
    default:
      return completes
  }
}

async function ofCluster(
  what: 'topics' | 'groups',
  command: Command,
  given: readonly string[],
  host: ToolHost,
): Promise<readonly string[]> {
  const { clientProperties } = await import('./connection.ts')
  const { withAdmin } = await import('../clients/admin.ts')
  // Missing words are no fault here.
  const words = wordsOf({ ...command, positionals: [] }, withoutPositionals(command, given))
  const call = { timeoutMs: CLUSTER_MS }
  const names = async (admin: AdminClient): Promise<readonly string[]> => {
    if (what === 'topics') return (await admin.listTopics(call)).map(({ name }) => name).sort()
    return (await admin.listGroups(call)).valid.map(({ groupId }) => groupId).sort()
  }
  return await withAdmin(host, await clientProperties(words, host), names, SILENT)
}

function withoutPositionals(command: Command, given: readonly string[]): readonly string[] {
  const { positionals } = read(command, given)
  return given.filter((word) => !positionals.includes(word))
}
