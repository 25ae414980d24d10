/** The tools that produce and consume, in process, against scripted brokers. */
import { beforeAll, expect, test } from 'vitest'
import { pause } from '../../client/call.ts'
import { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedLogs } from '../../testing/scripted/scripted-log.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { producerPerfTest } from '../producer-perf-test/producer-perf-test.ts'
import { runInMemory, type MemoryRun } from '../tool/memory-host.ts'
import type { Tool } from '../tool/tool.ts'
import { verifiableProducer } from '../verifiable-producer/verifiable-producer.ts'

// Tools load their client when they need it, which takes real time: simulated time must not stand still for it.
beforeAll(async () => {
  await import('../../client/consumer/consumer.ts')
  await import('../../client/share/share-consumer.ts')
  await import('../../client/producer/producer.ts')
})

interface Setting {
  readonly logs: ScriptedLogs
  /** With `--bootstrap-server` before the words. */
  readonly run: (tool: Tool, ...words: readonly string[]) => Promise<MemoryRun>
}

async function inCluster(task: (setting: Setting) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: 1, topics: { t: 1 } })
    const logs = new ScriptedLogs(cluster, { pause: (ms) => pause(world.clock, ms) })
    const run = (tool: Tool, ...words: readonly string[]) =>
      runInMemory(tool, ['--bootstrap-server', [cluster.bootstrap].flat().join(), ...words], { world })
    await task({ logs, run })
    await cluster.close()
  })
}

test('the performance test writes as many records of the size as it says, at the rate that was asked for', async () => {
  await inCluster(async ({ logs, run }) => {
    const words = ['--topic', 't', '--num-records', '300', '--record-size', '20', '--throughput', '100']
    const { exitCode, out, error } = await run(producerPerfTest, ...words, '--reporting-interval', '1000')
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: '' })
    const records = logs.records('t', 0)
    expect(records).toHaveLength(300)
    expect(records.every(({ value }) => /^[A-Z]{20}$/.test(value ?? ''))).toBe(true)
    const lines = out.trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(
      /^300 records sent, (9\d|10\d)\.\d{6} records\/sec \(0\.00 MB\/sec\), \d+\.\d\d ms avg/,
    )
    expect(lines.slice(0, -1).every((line) => /^\d+ records sent, \d+\.\d records\/sec .* latency\.$/.test(line))).toBe(
      true,
    )
    expect(lines.length).toBeGreaterThan(2)
  })
})

test('monotonic payloads count up, and warm-up records are left out of the second line', async () => {
  await inCluster(async ({ logs, run }) => {
    const words = ['--topic', 't', '--num-records', '5', '--payload-monotonic', '--throughput', '-1']
    const { out } = await run(producerPerfTest, ...words, '--warmup-records', '2')
    expect(logs.records('t', 0).map(({ value }) => value)).toEqual(['0', '1', '2', '3', '4'])
    expect(out).toMatch(/^Warmup first 2 records\..*\n5 records sent, .*\n3 steady state records sent, .*\n$/)
  })
})

test('a property without a value is refused before anything is sent', async () => {
  await inCluster(async ({ logs, run }) => {
    const words = ['--topic', 't', '--num-records', '5', '--record-size', '1', '--throughput', '-1']
    const { exitCode, error } = await run(producerPerfTest, ...words, '--command-property', 'acks')
    expect({ exitCode, error }).toEqual({ exitCode: 1, error: 'Invalid property: acks\n' })
    expect(logs.records('t', 0)).toEqual([])
  })
})

test('the verifiable producer tells of each record, and sums up', async () => {
  await inCluster(async ({ run }) => {
    const words = ['--topic', 't', '--max-messages', '3', '--value-prefix', '7', '--repeating-keys', '2']
    const { out } = await run(verifiableProducer, ...words)
    const events: Record<string, unknown>[] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const place = { topic: 't', partition: 0 }
    expect(events.map(({ timestamp, ...event }) => ({ ...event, timestamp: typeof timestamp }))).toMatchObject([
      { name: 'startup_complete', timestamp: 'number' },
      { name: 'producer_send_success', key: '0', value: '7.0', offset: 0, ...place },
      { name: 'producer_send_success', key: '1', value: '7.1', offset: 1, ...place },
      { name: 'producer_send_success', key: '0', value: '7.2', offset: 2, ...place },
      { name: 'shutdown_complete' },
      { name: 'tool_data', sent: 3, acked: 3, target_throughput: -1 },
    ])
  })
})
