/** kafkajs's logger: levels, namespaces, and a `logCreator` of one's own; and the client's log lines in it. */
import type { Logger as ClientLogger } from '../base/logger.ts'
import type { Clock } from '../world/world.ts'
import { logLevel } from './constants.ts'

export interface LoggerEntryContent {
  readonly timestamp: string
  readonly message: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what a program puts in; kafkajs's type
  [key: string]: any
}

export interface LogEntry {
  namespace: string
  level: logLevel
  label: string
  log: LoggerEntryContent
}

export type logCreator = (level: logLevel) => (entry: LogEntry) => void

type LogLine = (message: string, extra?: object) => void

export interface Logger {
  readonly info: LogLine
  readonly error: LogLine
  readonly warn: LogLine
  readonly debug: LogLine
  readonly namespace: (namespace: string, level?: logLevel) => Logger
  readonly setLogLevel: (level: logLevel) => void
}

/** Lines below `level` are dropped before anything is made of them. */
export function createLogger(level: logLevel, creator: logCreator, clock: Pick<Clock, 'wallMs'>): Logger {
  const write = creator(level)
  let rootLevel: logLevel = level
  const named = (namespace: string, ownLevel?: logLevel): Logger => {
    const line =
      (label: string, lineLevel: logLevel): LogLine =>
      (message, extra = {}) => {
        if (lineLevel > (ownLevel ?? rootLevel)) return
        // oxlint-disable-next-line no-restricted-globals -- spells a time of the World
        const timestamp = new Date(clock.wallMs()).toISOString()
        write({ namespace, level: lineLevel, label, log: { timestamp, logger: 'kafkajs', message, ...extra } })
      }
    return {
      info: line('INFO', logLevel.INFO),
      error: line('ERROR', logLevel.ERROR),
      warn: line('WARN', logLevel.WARN),
      debug: line('DEBUG', logLevel.DEBUG),
      namespace: named,
      setLogLevel: (newLevel) => void (rootLevel = newLevel),
    }
  }
  return named('')
}

/** Where the client's own lines go. Its infos are details here. */
export function clientLogger(logger: Logger): ClientLogger {
  const extra = (error: unknown): object => (error === undefined ? {} : { error: String(error) })
  return {
    debug: (message) => logger.debug(message),
    info: (message) => logger.debug(message),
    warn: (message, error) => logger.warn(message, extra(error)),
    error: (message, error) => logger.error(message, extra(error)),
  }
}
