/**
 * What a command line tool is: a function from its words and the place it runs in to an exit code. Nothing else in a tool
 * touches the process, so a test runs one without starting any.
 *
 * A tool ends by returning its code or by throwing: `ToolExit` says what is printed; every other error of the outside (a
 * broker's answer, the network, a file, a configuration) is its sentence on stderr and code 1; what is left is a bug, and
 * comes with its stack.
 */
import { SILENT, type Logger } from '../../base/logger.ts'
import { KafkaError, OperationalError } from '../../base/errors.ts'
import { ClientError } from '../../client/errors.ts'
import { ConfigError } from '../../config/config-value.ts'
import { DiskError, type World } from '../../world/world.ts'
import { OptionError } from '../options/parse-options.ts'
import { brokerSentence } from '../text/broker-sentences.ts'
import { ToolExit } from './tool-exit.ts'

export interface Terminal {
  /** One line to stdout; the end is added. */
  out(line: string): void
  /** One line to stderr. */
  error(line: string): void
  /** To stdout as it is. */
  write(chunk: string | Uint8Array): void
  /** Hands over what is written; wait for it between large pieces, so that a slow reader slows the tool. */
  flush(): Promise<void>
  /** Whoever read stdout has gone; a tool that runs long should end. */
  readonly isClosed: boolean
  /** Pieces of stdin as they come; at most one caller. */
  input(): AsyncIterable<Uint8Array>
  /** Somebody types there, and sees what is printed. */
  readonly isInteractive: boolean
  /** Stdout is a screen: colours can be seen. */
  readonly isScreen: boolean
  /** How far a long work is, on stderr, in place of what was told before; empty takes it away. Nothing where stderr is no screen. */
  status(text: string): void
}

export interface ToolHost {
  readonly terminal: Terminal
  readonly world: World
  /** Of the process; empty in a test. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /**
   * Aborted by Ctrl-C or SIGTERM. A tool that looks at it must end by itself; one that never does is ended at once, as
   * by any shell.
   */
  readonly interrupted: AbortSignal
}

/** Resolves to the exit code. */
export type Tool = (argv: readonly string[], host: ToolHost) => Promise<number>

/** Runs a tool to its exit code; never rejects. */
export async function runTool(tool: Tool, argv: readonly string[], host: ToolHost): Promise<number> {
  const { terminal } = host
  let exitCode: number
  try {
    exitCode = await tool(argv, host)
  } catch (error) {
    exitCode = reportEnd(error, terminal)
  }
  await terminal.flush()
  return exitCode
}

function reportEnd(error: unknown, terminal: Terminal): number {
  if (error instanceof ToolExit) {
    if (error.message !== '') (error.stream === 'out' ? terminal.out : terminal.error).call(terminal, error.message)
    return error.exitCode
  }
  if (isOutside(error)) terminal.error(sentenceOf(error))
  else terminal.error(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return 1
}

const OUTSIDE = [ToolExit, OptionError, ClientError, KafkaError, OperationalError, ConfigError, DiskError] as const

/** Whether an error says something about the command line, the cluster or the machine, and not about this program. */
export function isOutside(error: unknown): error is Error {
  return OUTSIDE.some((family) => error instanceof family)
}

/** The message of an error; of its cause on a second line, where it says more. */
export function sentenceOf(error: Error): string {
  if (error instanceof DiskError && error.code === 'ENOENT') return `${error.path}: no such file`
  if (error instanceof KafkaError) return brokerSentence(error)
  const { cause } = error
  const more = cause instanceof Error && !error.message.includes(cause.message) ? `\n${cause.message}` : ''
  return error.message + more
}

/** What a client has to say while it works, such as that no broker is there: on stderr, as Java's tools log it. */
export function warningsTo(terminal: Terminal): Logger {
  return { ...SILENT, warn: (message) => terminal.error(`WARN ${message}`) }
}
