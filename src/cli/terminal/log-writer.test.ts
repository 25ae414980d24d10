import { expect, test } from 'vitest'
import { OperationalError } from '../../base/errors.ts'
import { logLevel, logWriter } from './log-writer.ts'

function writer(level: string) {
  const lines: string[] = []
  const wallMs = () => new Date(2026, 10, 23, 18, 25, 0, 7).getTime()
  const write = (line: string) => void lines.push(line)
  return { lines, logger: logWriter({ level: logLevel(level), wallMs, write }, 'kafka.server.Test') }
}

test('a line looks like one of log4j, and lower levels are dropped', () => {
  const { lines, logger } = writer('info')
  logger.debug('unseen')
  logger.info('seen')
  expect(lines).toEqual(['[2026-11-23 18:25:00,007] INFO seen (kafka.server.Test)'])
})

test('an operational error is one line with its causes, a bug brings its stack', () => {
  const { lines, logger } = writer('nonsense')
  logger.error('Failed', new OperationalError('DISK_FAILED', 'disk 1', { cause: new Error('EIO') }))
  expect(lines).toEqual(['[2026-11-23 18:25:00,007] ERROR Failed: disk 1 (EIO) (kafka.server.Test)'])
  logger.error('Failed', new TypeError('x is undefined'))
  expect(lines[1]).toContain('Failed: x is undefined')
  expect(lines[2]).toMatch(/^\s+at /)
})
