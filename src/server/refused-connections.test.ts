import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import type { Clock } from '../world/world.ts'
import { reasonOfSize, RefusedConnections } from './refused-connections.ts'

test('what a peer speaks is told by its first bytes', () => {
  const sized = (text: string) => reasonOfSize(Buffer.from(text, 'latin1').readInt32BE(0), 1000)
  expect(sized('\x16\x03\x01\x02')).toContain('looks like a TLS handshake')
  expect(sized('GET / HTTP/1.1')).toContain('looks like an HTTP request')
  expect(sized('SSH-2.0')).toContain('looks like SSH')
  expect(reasonOfSize(-1, 1000)).toBe('it began with a size of -1 bytes, which is no Kafka request')
  expect(reasonOfSize(2000, 1000)).toBe('a request of 2000 bytes, more than the 1000 of socket.request.max.bytes')
})

test('ten lines a minute are written, and how many were left out', () => {
  let nowMs = 0
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => 0,
    at: () => ({ cancel() {} }),
    soon: (task) => task(),
  }
  const lines: string[] = []
  const refused = new RefusedConnections(clock, { ...SILENT, info: (line) => void lines.push(line) })
  for (let count = 0; count < 25; count++) refused.tell('127.0.0.1:5000', 'PLAINTEXT', 'why')
  expect(lines).toEqual(Array(10).fill('Closed the connection from 127.0.0.1:5000 on listener PLAINTEXT: why'))
  nowMs = 60_000
  refused.tell('127.0.0.1:5000', 'PLAINTEXT', 'why')
  expect(lines.slice(10)).toEqual([
    '15 more connections were closed for such reasons',
    'Closed the connection from 127.0.0.1:5000 on listener PLAINTEXT: why',
  ])
})
