import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestBroker, type TestBroker } from '../../testing/broker/test-broker.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { consoleConsumer } from '../console-consumer/console-consumer.ts'
import { runInMemory } from '../tool/memory-host.ts'
import { consoleProducer } from './console-producer.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker.close())

test('a line that is too large for the producer is named, and those behind it are written', async () => {
  const world = nodeWorld()
  const at = ['--bootstrap-server', broker.address, '--topic', 'lines']
  const input = `before\n${'x'.repeat(2_000_000)}\nbehind\n`
  const { exitCode, error } = await runInMemory(consoleProducer, at, { world, input })
  expect({ exitCode, error }).toEqual({
    exitCode: 0,
    error:
      'Error when sending message to topic lines: The record takes 2000088 bytes, more than maxRequestBytes, 1048576.\n',
  })
  const argv = [...at, '--partition', '0', '--offset', 'earliest', '--max-messages', '2']
  expect((await runInMemory(consoleConsumer, argv, { world })).out).toBe('before\nbehind\n')
})

test('that no broker can be reached is said at once, and once, not only when the time is over', async () => {
  const argv = ['--bootstrap-server', '127.0.0.1:1', '--topic', 'lines', '--timeout-ms', '1000']
  const { error } = await runInMemory(consoleConsumer, argv, { world: nodeWorld() })
  expect(error).toMatch(
    /^WARN No broker can be reached, trying on: .*127\.0\.0\.1:1.*\nProcessed a total of 0 messages\n$/,
  )
})

test('an interrupt ends the tool at once where no broker can be reached, and while it closes', async () => {
  for (const more of [[], ['--sync']]) {
    const controller = new AbortController()
    const { exitCode, error } = await runInMemory(
      consoleProducer,
      ['--bootstrap-server', '127.0.0.1:1', '--topic', 'lines', ...more],
      { world: nodeWorld(), input: 'line\n', interrupted: controller.signal, onError: () => controller.abort() },
    )
    expect(exitCode).toBe(0)
    expect(error).toMatch(/^WARN No broker can be reached/)
  }
})
