/**
 * The life of a server process: read the configuration, start the node, stop it once when asked, leave with an exit
 * code that says why.
 *
 * 1: it could not start, or broke (one ERROR line says what). 143 and 130: it was asked to stop by SIGTERM or SIGINT and
 * did so in order, as a JVM would answer; also while it was starting, which may wait for other nodes. A second signal ends
 * the process at once.
 */
import { OperationalError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { ConfigError } from '../../config/config-value.ts'
import { parseBrokerConfig } from '../../config/parse-broker-config.ts'
import { DiskError, type World } from '../../world/world.ts'
import { reasonOf } from '../terminal/log-writer.ts'
import { optionHelp } from '../options/option-help.ts'
import { flag, value, type OptionTable } from '../options/option-table.ts'
import { OptionError, parseOptions } from '../options/parse-options.ts'
import { defaultProperties, readPropertiesFile, withOverrides } from './server-file.ts'

/** A started node. */
export interface RunningNode {
  /** Controlled shutdown; resolves when the directories are closed. */
  close(): Promise<void>
  /** Settles when the node has ended, by `close` or by itself; rejects if it broke. */
  readonly closed: Promise<void>
}

export interface StartOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly logger: Logger
  /** Calls the start off. */
  readonly signal: AbortSignal
}

export interface ServerProcess {
  readonly argv: readonly string[]
  readonly version: string
  readonly world: World
  readonly logger: Logger
  readonly startNode: (options: StartOptions) => Promise<RunningNode>
  readonly print: (line: string) => void
  /** Calls back at each signal that asks to stop. */
  readonly onSignal: (asked: (signal: 'SIGTERM' | 'SIGINT') => void) => void
  /** Ends the process without waiting for anything. */
  readonly exitNow: (code: number) => void
}

const OPTIONS = {
  override: value('property=value', 'Wins over the same property of the file. May be repeated.'),
  version: flag('Print the version and exit.'),
  help: flag('Print this and exit.'),
} satisfies OptionTable

export const USAGE = `USAGE: kafka-server-start.sh [-daemon] server.properties [--override property=value]*

Without a file (npm start, klamm start): one node on 127.0.0.1:9092, its data in ./data.

${optionHelp(OPTIONS).trimEnd()}`

const PORTS = 65_536
/** From a port that is taken to one that may be free. */
const OTHER_PORTS_DISTANCE = 10_000
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 }

/** Resolves to the exit code when the node has ended. */
export async function runServer(host: ServerProcess): Promise<number> {
  const { logger } = host
  try {
    const options = parseOptions(OPTIONS, host.argv)
    if (options.has('help')) {
      host.print(USAGE)
      return 0
    }
    if (options.has('version')) {
      host.print(host.version)
      return 0
    }
    const [file, ...others] = options.positionals
    if (others.length > 0)
      throw new OperationalError('CONFIG_INVALID', `Found non argument parameters: ${others.join(',')}`)
    const config = configOf(file ?? null, options.values('override'), host)
    return await runNode(config, host)
  } catch (error) {
    reportFatal(error, logger)
    return 1
  }
}

function configOf(file: string | null, overrides: readonly string[], host: ServerProcess): BrokerConfig {
  const { logger, version } = host
  const properties = file === null ? defaultProperties() : readPropertiesFile(file)
  const { config, warnings, unsupported, refused } = parseBrokerConfig(withOverrides(properties, overrides))
  const from = file === null ? 'without a file' : `from ${file}`
  logger.info(
    `Starting Klamm ${version} ${from}: node ${config.nodeId} on ${addressesOf(config).join(', ')}, data in ${config.logDirs.join(', ')}`,
  )
  for (const warning of warnings) logger.warn(warning)
  if (unsupported.length > 0) logger.warn(`Not supported yet and without effect: ${unsupported.join(', ')}`)
  if (refused.length > 0) throw new OperationalError('NOT_SUPPORTED', refused.join('; '))
  return config
}

async function runNode(config: BrokerConfig, host: ServerProcess): Promise<number> {
  const { world, logger } = host
  const starting = new AbortController()
  let node: RunningNode | null = null
  let closing: Promise<void> | null = null
  const close = (running: RunningNode): void => {
    closing = running.close()
    // `closed` reports what went wrong; this only keeps the rejection from being unhandled.
    closing.catch(() => {})
  }
  let asked: keyof typeof EXIT_CODES | null = null
  host.onSignal((signal) => {
    if (asked !== null) return host.exitNow(EXIT_CODES[signal])
    asked = signal
    logger.info(`Terminating process due to signal ${signal}`)
    if (node === null) return starting.abort(new Error(`The start was called off by ${signal}.`))
    close(node)
  })
  const exitCode = (): number => (asked === null ? 0 : EXIT_CODES[asked])
  try {
    node = await host.startNode({ world, config, logger, signal: starting.signal })
  } catch (error) {
    if (starting.signal.aborted) return exitCode()
    throw portTaken(error) ? new OperationalError(error.code, `${error.message}${otherPorts(config)}`) : error
  }
  logger.info(`[KafkaRaftServer nodeId=${config.nodeId}] Kafka Server started`)
  // Too late to call it off.
  if (starting.signal.aborted) close(node)
  await node.closed
  if (closing !== null) await closing
  return exitCode()
}

function portTaken(error: unknown): error is OperationalError {
  return error instanceof OperationalError && error.code === 'ADDRESS_IN_USE'
}

/** What an operator may do without looking for the file: the node's own listeners, elsewhere. */
function otherPorts(config: BrokerConfig): string {
  const elsewhere = addressesOf(config, (port) => (port + OTHER_PORTS_DISTANCE) % PORTS)
  return `; other ports: --override listeners=${elsewhere.join(',')}`
}

function addressesOf(
  { listeners, controllerListeners }: BrokerConfig,
  portOf = (port: number): number => port,
): string[] {
  return [...listeners, ...controllerListeners].map(({ name, host, port }) => `${name}://${host}:${portOf(port)}`)
}

/** One line for what the operator can mend; the stack for a bug. */
function reportFatal(error: unknown, logger: Logger): void {
  const sentence = 'Exiting Kafka due to fatal exception'
  const isOutside =
    error instanceof OptionError ||
    error instanceof OperationalError ||
    error instanceof ConfigError ||
    error instanceof DiskError
  if (isOutside) logger.error(`${sentence}: ${reasonOf(error)}`)
  else logger.error(sentence, error)
}
