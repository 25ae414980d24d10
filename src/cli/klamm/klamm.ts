/**
 * `klamm`: one command for people, over the same code as Kafka's tools. Finds the command that the first words name, parses
 * the others by its options, and runs it; --watch runs it again and again.
 */
import { KafkaError } from '../../base/errors.ts'
import { VERSION } from '../terminal/version.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import { isOutside, sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { COMMANDS } from './commands.ts'
import type { Command, Invocation } from './command.ts'
import { didYouMean, usageError } from './exits.ts'
import { commandHelp, familyHelp, overview } from './help.ts'
import { splitLeading } from './leading-options.ts'
import { Output } from './output.ts'
import { wordsOf } from './words.ts'

const WATCH_EVERY_MS = 2000
const HELP_WORDS = ['help', '--help', '-h']
const VERSION_WORDS = ['version', '--version', '-v']

export const klamm: Tool = async (argv, host) => {
  const { terminal } = host
  const isHelp = HELP_WORDS.includes(argv[0] ?? '') || VERSION_WORDS.includes(argv[0] ?? '')
  const { leading, words } = isHelp ? { leading: [], words: argv } : splitLeading(argv)
  const [first = 'help', ...rest] = words
  if (HELP_WORDS.includes(first)) {
    terminal.out(helpFor(rest))
    return 0
  }
  if (VERSION_WORDS.includes(first)) {
    terminal.out(VERSION)
    return 0
  }
  if (first === '__complete') {
    const { completions } = await import('./complete.ts')
    for (const line of await completions(rest, host)) terminal.out(line)
    return 0
  }
  const [second] = rest
  const family = COMMANDS.filter(({ path }) => path[0] === first)
  if (family.length === 0) throw unknownWord('command', first, [...new Set(COMMANDS.map(({ path }) => path[0] ?? ''))])
  if (family[0]?.path.length === 2 && (second === undefined || HELP_WORDS.includes(second))) {
    terminal.out(familyHelp(family))
    return second === undefined ? 2 : 0
  }
  const command = family.find(({ path }) => path.length === 1 || path[1] === second)
  if (command === undefined) {
    throw unknownWord(
      `command '${first}'`,
      second ?? '',
      family.map(({ path }) => path[1] ?? ''),
      `klamm ${first}`,
    )
  }
  await runCommand(command, [...leading, ...words.slice(command.path.length)], host)
  return 0
}

function unknownWord(what: string, word: string, known: readonly string[], called = 'klamm'): ToolExit {
  const hint = didYouMean(word, known)
  return usageError(
    what === 'command' ? `There is no command '${word}'.${hint}` : `The ${what} has no '${word}'.${hint}`,
    called,
  )
}

function helpFor(words: readonly string[]): string {
  const found = COMMANDS.filter(({ path }) => words.every((word, index) => path[index] === word))
  if (words.length === 0 || found.length === 0) return overview()
  const [only, other] = found
  return only !== undefined && other === undefined ? commandHelp(only) : familyHelp(found)
}

async function runCommand(command: Command, argv: readonly string[], host: ToolHost): Promise<void> {
  const words = wordsOf(command, argv)
  if (words.has('help')) return host.terminal.out(commandHelp(command))
  const invocation: Invocation = {
    words,
    host,
    output: new Output(host, words),
    properties: async () => (await import('./connection.ts')).clientProperties(words, host),
    withAdmin: async (work) => {
      const { clientProperties, withAdmin } = await import('./connection.ts')
      return withAdmin(host, await clientProperties(words, host), work)
    },
  }
  const run = await command.load()
  try {
    await run(invocation)
    if (words.has('watch')) await watch(() => run(invocation), host)
  } catch (error) {
    if (error instanceof ToolExit || !isOutside(error)) throw error
    throw new ToolExit(
      1,
      `klamm: ${error instanceof KafkaError ? error.code + ': ' : ''}${sentenceOf(error)}`.replace(
        /^(klamm: )+/,
        'klamm: ',
      ),
    )
  }
}

/** Until interrupted, or until nobody looks any more. */
async function watch(run: () => Promise<void>, { terminal, world, interrupted }: ToolHost): Promise<void> {
  while (!interrupted.aborted && !terminal.isClosed) {
    await new Promise<void>((resolve) => {
      const timer = world.clock.at(world.clock.monotonicMs() + WATCH_EVERY_MS, resolve)
      interrupted.addEventListener('abort', () => (timer.cancel(), resolve()), { once: true })
    })
    if (interrupted.aborted || terminal.isClosed) return
    // From the top of a cleared screen where there is one.
    terminal.write(terminal.isInteractive ? '\u001B[H\u001B[2J' : '\n')
    await run()
    await terminal.flush()
  }
}
