/** The tools that read, in process, against scripted brokers. */
import { beforeAll, expect, test } from 'vitest'
import { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedGroup } from '../../testing/scripted/scripted-group.ts'
import { ScriptedLogs } from '../../testing/scripted/scripted-logs.ts'
import { ScriptedShare } from '../../testing/scripted/scripted-share.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { consoleConsumer } from '../console-consumer/console-consumer.ts'
import { consoleShareConsumer } from '../console-share-consumer/console-share-consumer.ts'
import { consumerPerfTest } from '../consumer-perf-test/consumer-perf-test.ts'
import { shareConsumerPerfTest } from '../share-consumer-perf-test/share-consumer-perf-test.ts'
import { runInMemory, type MemoryRun } from '../tool/memory-host.ts'
import type { Tool } from '../tool/tool.ts'
import { verifiableConsumer } from '../verifiable-consumer/verifiable-consumer.ts'
import { verifiableShareConsumer } from '../verifiable-share-consumer/verifiable-share-consumer.ts'

// Tools load their client when they need it, which takes real time: simulated time must not stand still for it.
beforeAll(async () => {
  await import('../../client/consumer/consumer.ts')
  await import('../../client/share/share-consumer.ts')
  await import('../../client/producer/producer.ts')
})

interface Setting {
  readonly logs: ScriptedLogs
  /** What was acknowledged. */
  readonly told: readonly string[]
  /** With `--bootstrap-server` and `--topic jobs` before the words. */
  readonly run: (tool: Tool, ...words: readonly string[]) => Promise<MemoryRun>
}

async function inCluster(kind: 'group' | 'share', task: (setting: Setting) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: 1, topics: { jobs: 1 } })
    const logs = new ScriptedLogs(world, cluster)
    const told = kind === 'share' ? new ScriptedShare(world, cluster, logs).told : []
    if (kind === 'group') new ScriptedGroup(world, cluster)
    const run = (tool: Tool, ...words: readonly string[]) =>
      runInMemory(tool, ['--bootstrap-server', cluster.bootstrap.join(), '--topic', 'jobs', ...words], { world })
    await task({ logs, told, run })
    await cluster.close()
  })
}

function eventsOf({ out }: MemoryRun): Record<string, unknown>[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { timestamp, ...event }: Record<string, unknown> = JSON.parse(line)
      expect(typeof timestamp).toBe('number')
      return event
    })
}

test('the verifiable consumer reads as many as it may, and commits behind the last of them', async () => {
  await inCluster('group', async ({ logs, run }) => {
    logs.append('jobs', 0, 5)
    const place = { topic: 'jobs', partition: 0 }
    const ran = await run(verifiableConsumer, '--group-id', 'g', '--max-messages', '3')
    expect(ran).toMatchObject({ exitCode: 0, error: '' })
    expect(eventsOf(ran)).toEqual([
      { name: 'startup_complete' },
      { name: 'partitions_assigned', partitions: [place] },
      { name: 'records_consumed', count: 5, partitions: [{ ...place, count: 3, minOffset: 0, maxOffset: 2 }] },
      { name: 'offsets_committed', offsets: [{ ...place, offset: 3 }], success: true },
      { name: 'partitions_revoked', partitions: [place] },
      { name: 'shutdown_complete' },
      { name: 'shutdown_requested' },
    ])
  })
})

test.each([2, 3])('a console that ends after %i records of a batch of 3 has them committed', async (count) => {
  await inCluster('group', async ({ logs, run }) => {
    logs.append('jobs', 0, 3)
    const words = ['--group', 'g', '--from-beginning']
    const first = await run(consoleConsumer, ...words, '--max-messages', String(count))
    expect(first.out).toBe(['jobs-0-0\n', 'jobs-0-1\n', 'jobs-0-2\n'].slice(0, count).join(''))
    const rest = await run(consoleConsumer, ...words, '--timeout-ms', '2000')
    expect(rest.out).toBe(['jobs-0-2\n'].slice(count - 2).join(''))
  })
})

test('the test of reading counts what was asked for, and says so when it was not there', async () => {
  await inCluster('group', async ({ logs, run }) => {
    logs.append('jobs', 0, 5)
    const { out } = await run(consumerPerfTest, '--num-records', '3', '--hide-header', '--date-format', 'yyyy')
    expect(out).toMatch(/^\d{4}, \d{4}, 0\.0000, \d+\.\d{4}, 3, \d+\.\d{4}, \d+, \d+, [\d.]+, [\d.]+\n$/)
    const short = await run(consumerPerfTest, '--num-records', '9', '--timeout', '700', '--group', 'other')
    expect(short.exitCode).toBe(0)
    const [header, warning, figures] = short.out.split('\n')
    expect(header).toMatch(/^start\.time, end\.time, data\.consumed\.in\.MB, /)
    expect(warning).toMatch(/^WARNING: Exiting before consuming the expected number of records: timeout \(700 ms\)/)
    expect(figures?.split(', ')[4]).toBe('5')
  })
})

test('tests of reading print the metrics of their clients behind the figures', async () => {
  await inCluster('group', async ({ logs, run }) => {
    logs.append('jobs', 0, 5)
    const { out } = await run(consumerPerfTest, '--num-records', '5', '--print-metrics')
    const [, , blank, title, ...rows] = out.trimEnd().split('\n')
    expect([blank, title]).toEqual(['', expect.stringMatching(/^Metric Name +   Value$/)])
    const consumed =
      /^consumer-fetch-manager-metrics:records-consumed-total:\{client-id=perf-consumer-client\} +: 5\.000$/
    expect(rows).toContainEqual(expect.stringMatching(consumed))
    // Taken before the client closed and its assignment was gone.
    expect(rows).toContainEqual(expect.stringMatching(/:assigned-partitions:.* : 1\.000$/))
    expect(rows.toSorted()).toEqual(rows)
  })
  await inCluster('share', async ({ logs, run }) => {
    logs.append('jobs', 0, 4)
    const { out } = await run(shareConsumerPerfTest, '--num-records', '4', '--print-metrics', '--threads', '2')
    expect(out.match(/^Metric Name /gm)).toHaveLength(2)
    expect(out).toMatch(/\{client-id=perf-share-consumer-client\} +: \d/)
  })
})

test('the console of a share group shows and rejects only what it was asked for', async () => {
  await inCluster('share', async ({ logs, told, run }) => {
    logs.append('jobs', 0, 3)
    const words = ['--max-messages', '2', '--reject', '--formatter-property', 'print.offset=true']
    const { exitCode, out, error } = await run(consoleShareConsumer, ...words)
    expect({ exitCode, out, error }).toEqual({
      exitCode: 0,
      out: 'Offset:0\tjobs-0-0\nOffset:1\tjobs-0-1\n',
      error: 'Processed a total of 2 messages\n',
    })
    expect(told.filter((one) => !one.endsWith('release'))).toEqual(['jobs-0-0 reject', 'jobs-0-1 reject'])
    const again = await run(consoleShareConsumer, '--timeout-ms', '1000', '--formatter-property', 'print.delivery=true')
    expect(again.out).toBe('Delivery:2\tjobs-0-2\n')
  })
})

test.each(['auto', 'sync', 'async'])('the verifiable share consumer tells what was acknowledged (%s)', async (mode) => {
  await inCluster('share', async ({ logs, run }) => {
    logs.append('jobs', 0, 2)
    const words = ['--group-id', 'g', '--max-messages', '2', '--acknowledgement-mode', mode]
    const partitions = [{ topic: 'jobs', partition: 0, count: 2, offsets: [0, 1] }]
    expect(eventsOf(await run(verifiableShareConsumer, ...words))).toEqual([
      { name: 'startup_complete' },
      { name: 'records_consumed', count: 2, partitions },
      { name: 'offsets_acknowledged', count: 2, partitions, success: true },
      { name: 'shutdown_complete' },
    ])
  })
})

test('share consumers side by side read everything between them', async () => {
  await inCluster('share', async ({ logs, run }) => {
    logs.append('jobs', 0, 20)
    const words = ['--num-records', '20', '--threads', '2', '--show-consumer-stats', '--hide-header']
    const { out } = await run(shareConsumerPerfTest, ...words)
    const counts = out
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split(', ')[5]))
    expect(counts).toHaveLength(3)
    expect(counts[2]).toBe(20)
    expect(counts[0]! + counts[1]!).toBe(20)
  })
})
