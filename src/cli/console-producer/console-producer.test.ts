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
