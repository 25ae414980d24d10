/**
 * Log lines in the form that Kafka's log4j layout gives them: `[2026-11-23 18:25:00,123] INFO text (kafka.server.X)`.
 *
 * Times are local, as there. An error that stands for something outside (a disk, the network, the configuration) is one
 * line; any other comes with its stack, because it is a bug.
 */
import { KafkaError, OperationalError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { DiskError } from '../../world/world.ts'

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'

const LEVELS: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARN', 'ERROR']

export interface LogOptions {
  /** Lines below it are dropped. */
  readonly level: LogLevel
  readonly wallMs: () => number
  /** One line, without its end. */
  readonly write: (line: string) => void
}

/** INFO for a name that is none. */
export function logLevel(name: string | undefined): LogLevel {
  return LEVELS.find((level) => level === name?.toUpperCase()) ?? 'INFO'
}

/** @param name what stands in parentheses at the end of each line. */
export function logWriter(options: LogOptions, name: string): Logger {
  const least = LEVELS.indexOf(options.level)
  const log = (level: LogLevel, message: string, error?: unknown): void => {
    if (LEVELS.indexOf(level) < least) return
    const reason = error === undefined ? '' : `: ${reasonOf(error)}`
    options.write(`[${logTime(options.wallMs())}] ${level} ${message}${reason} (${name})`)
    const stack = stackOf(error)
    if (stack !== null) options.write(stack)
  }
  return {
    debug: (message) => log('DEBUG', message),
    info: (message) => log('INFO', message),
    warn: (message, error) => log('WARN', message, error),
    error: (message, error) => log('ERROR', message, error),
  }
}

/** `yyyy-MM-dd HH:mm:ss,SSS` in local time. */
export function logTime(wallMs: number): string {
  const date = new Date(wallMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time},${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** The message of an error, with those of its causes where they say more. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : reasonOf(error.cause)
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message} (${cause})`
}

function stackOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.stack === undefined) return null
  if (error instanceof OperationalError || error instanceof KafkaError || error instanceof DiskError) return null
  return error.stack.split('\n').slice(1).join('\n')
}
