/** What Kafka 4.3.1's tools print where a class, a file, a topic or a number isn't there, word for word: ours do. */
import { expect, test } from 'vitest'
import { startBroker } from '../../broker.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { configs } from '../configs/configs.ts'
import { consoleProducer } from '../console-producer/console-producer.ts'
import { consumerGroups } from '../consumer-groups/consumer-groups.ts'
import { consumerPerfTest } from '../consumer-perf-test/consumer-perf-test.ts'
import { runInMemory, type MemoryRun } from './memory-host.ts'
import type { Tool } from './tool.ts'

const FAILED = '\nError: Executing consumer group command failed due to'
const HEADER =
  'start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec'

test('what is not there is told in the words of Kafka’s tools, in their order', async () => {
  await using broker = await startBroker()
  const run = (tool: Tool, ...words: readonly string[]): Promise<MemoryRun> =>
    runInMemory(tool, ['--bootstrap-server', broker.address, ...words], { world: nodeWorld(), input: 'x\n' })
  const describe = (topic: string): Promise<MemoryRun> => run(configs, '--describe', '--topic', topic)
  const reset = (...words: readonly string[]): Promise<MemoryRun> =>
    run(consumerGroups, '--reset-offsets', '--group', 'g', '--dry-run', ...words)

  expect(await run(consoleProducer, '--topic', 't', '--batch-size', '-1')).toEqual({
    exitCode: 1,
    out: '',
    error: 'Invalid value -1 for configuration batch.size: Value must be at least 0\n',
  })
  const reader = await run(consoleProducer, '--topic', 't', '--line-reader', 'nosuch')
  expect(reader).toMatchObject({ exitCode: 1, out: '' })
  expect(reader.error).toMatch(/^java\.lang\.ClassNotFoundException: nosuch\n/)
  expect(await describe('')).toEqual({
    exitCode: 1,
    out: '',
    error: 'Topic name is invalid: the empty string is not allowed\n',
  })
  expect((await describe('a b')).error).toBe(
    "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'\n",
  )
  expect(await run(consumerPerfTest, '--topic', 't', '--num-records', 'x')).toEqual({
    exitCode: 1,
    out: `${HEADER}\n`,
    error: "Cannot parse argument 'x' of option num-records\n",
  })
  expect(await reset('--topic', 'nosuch', '--to-earliest')).toEqual({
    exitCode: 0,
    out: `${FAILED} This server does not host this topic-partition.\n`,
    error: '',
  })
  expect(await reset('--from-file', '/nosuch/file.csv')).toEqual({
    exitCode: 0,
    out: `${FAILED} java.io.IOException: Unable to read file /nosuch/file.csv\n`,
    error: '',
  })
})
