import { expect, test } from 'vitest'
import { BrokerSessions } from './broker-sessions.ts'

test('a session does not end by the time in which the controller itself stood still', () => {
  const sessions = new BrokerSessions()
  sessions.touch(1, 1000)
  sessions.extend(20_000)
  expect(sessions.isLive(1, 29_999, 9000)).toBe(true)
  expect(sessions.isLive(1, 30_000, 9000)).toBe(false)
})
