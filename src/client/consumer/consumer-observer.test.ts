import { expect, test } from 'vitest'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { MetricsRegistry } from '../../metrics/registry.ts'
import { ScriptedCluster } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedGroup } from '../../testing/scripted/scripted-group.ts'
import { ScriptedLogs } from '../../testing/scripted/scripted-logs.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions, type ClientOptions } from '../client-options.ts'
import { string } from '../serde.ts'
import type { ConsumerInterceptor } from './consumer-interceptor.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import { PollIdleTime } from './poll-idle-time.ts'

const ORDERS = { topic: 'orders', partition: 0 }
type Own = ConsumerOptions<string, string> & Partial<ClientOptions>

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  readonly heard: Map<string, Record<string, unknown>[]>
  readonly warned: string[]
  consumer(own?: Own): Consumer<string, string>
}

async function inCluster(task: (setting: Setting) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { topics: { orders: 1 }, features: { 'group.version': 1 } })
    const logs = new ScriptedLogs(world, cluster)
    new ScriptedGroup(world, cluster)
    const heard = new Map<string, Record<string, unknown>[]>()
    const warned: string[] = []
    const events = (name: string) => ({
      hasSubscribers: true,
      publish: (message: unknown) => heard.set(name, [...(heard.get(name) ?? []), message as Record<string, unknown>]),
    })
    const logger = { debug: () => {}, info: () => {}, warn: (text: string) => warned.push(text), error: () => {} }
    const made: Consumer<string, string>[] = []
    const consumer = (own: Own = {}): Consumer<string, string> => {
      const client = resolveClientOptions({ brokers: cluster.bootstrap, clientId: 'me', events, logger })
      const serdes = { key: string(), value: string(), offsetReset: 'earliest' }
      const one = new Consumer(world, { ...client, ...serdes, ...own } as never) as Consumer<string, string>
      made.push(one)
      return one
    }
    await task({ world, cluster, logs, heard, warned, consumer })
    for (const one of made) await one.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

/** Values of counters and gauges, and how many values a histogram has; by name, with topic and partition if it has them. */
function read(metrics: MetricsRegistry): Map<string, number> {
  const values = new Map<string, number>()
  for (const metric of metrics.all()) {
    const tags = metric.name.tags.slice(1).map(([, text]) => text)
    const name = [metric.name.name, ...tags].join(' ')
    if (metric.kind === 'counter') values.set(name, metric.counter.count)
    else if (metric.kind === 'gauge') values.set(name, metric.read())
    else if (metric.kind === 'histogram') values.set(name, metric.histogram.count)
  }
  return values
}

test.each(['classic', 'consumer'] as const)(
  'a member (%s) counts what it does, and tells of it',
  async (groupProtocol) => {
    await inCluster(async ({ world, logs, heard, consumer: make }) => {
      logs.append('orders', 0, 3)
      logs.append('orders', 0, 2)
      const consumer = make({
        groupId: 'g',
        autoCommit: false,
        groupProtocol,
        onRebalance: { assigned: () => {} },
      })
      expect(read(consumer.metrics).get('records-lag-max')).toBeNaN()
      expect(read(consumer.metrics).get('last-heartbeat-seconds-ago')).toBe(-1)
      consumer.subscribe('orders')
      const batch = (await consumer.poll())!
      await batch.commit()
      await pause(world.clock, 4000)
      expect(await consumer.poll({ timeoutMs: 1000 })).toBeNull()
      const counted = read(consumer.metrics)
      expect(Object.fromEntries(counted)).toMatchObject({
        'records-consumed-total': 5,
        'bytes-consumed-total': batch.sizeBytes,
        'commit-total': 1,
        'commit-latency': 1,
        'rebalance-total': 1,
        'rebalance-latency': 1,
        'failed-rebalance-total': 0,
        'partitions-assigned-latency': 1,
        'assigned-partitions': 1,
        'records-lag-max': 0,
        'records-lead-min': 5,
        'records-lag orders 0': 0,
        'records-lead orders 0': 5,
        'preferred-read-replica orders 0': -1,
        'time-between-poll': 1,
        'last-poll-seconds-ago': 1,
      })
      expect(counted.get('heartbeat-total')).toBeGreaterThan(0)
      expect(counted.get('fetch-total')).toBe(counted.get('fetch-latency'))
      expect(counted.get('fetch-total')).toBe(heard.get('klamm:consumer:fetch')!.length)
      expect(heard.get('klamm:consumer:fetch')![0]).toMatchObject({ clientId: 'me', node: 1, records: 5 })
      expect(heard.get('klamm:consumer:commit')).toMatchObject([
        { groupId: 'g', offsets: [{ offset: 5 }], error: null },
      ])
      expect(heard.get('klamm:consumer:rebalance')).toMatchObject([{ groupId: 'g', partitions: [ORDERS], error: null }])
      expect(heard.get('klamm:consumer:assignment')).toMatchObject([{ change: 'assigned', partitions: [ORDERS] }])
      await consumer.unsubscribe()
      expect(read(consumer.metrics).has('records-lag orders 0')).toBe(false)
      expect(heard.get('klamm:consumer:assignment')!.at(-1)).toMatchObject({ change: 'revoked', partitions: [ORDERS] })
    })
  },
)

test('lag and lead are those of the worst partition, and records that a loop left unread count once', async () => {
  await inCluster(async ({ cluster, logs, consumer: make }) => {
    cluster.createTopic('other', 1)
    logs.append('orders', 0, 9)
    logs.append('other', 0, 2)
    const consumer = make({ fetchMaxWaitMs: 10 })
    consumer.assign([ORDERS, { topic: 'other', partition: 0 }])
    let seen = 0
    for await (const record of consumer.records()) if (record.topic === 'orders' && ++seen === 4) break
    let rest = 0
    for await (const record of consumer.records()) if (record.topic === 'orders' && ++rest === 5) break
    while ((await consumer.poll({ timeoutMs: 100 })) !== null);
    expect(read(consumer.metrics).get('records-consumed-total')).toBe(11)
    consumer.pause([ORDERS])
    consumer.seek(ORDERS, 3)
    const { 'records-lag-max': lag, 'records-lead-min': lead } = Object.fromEntries(read(consumer.metrics))
    expect({ lag, lead }).toEqual({ lag: 6, lead: 2 })
  })
})

test('what the next poll rejects with, a throttled fetch and a refused commit are told', async () => {
  await inCluster(async ({ cluster, logs, heard, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make({ groupId: 'g', autoCommit: false })
    consumer.assign([ORDERS])
    cluster.once(Fetch, () => ({ throttleTimeMs: 70 }))
    await consumer.poll()
    expect(heard.get('klamm:consumer:fetch')![0]).toMatchObject({ throttleTimeMs: 70, bytes: 0, records: 0 })
    expect(read(consumer.metrics).get('fetch-throttle-time')).toBe(1)
    cluster.once(OffsetCommit, ({ topics }) => ({
      topics: topics.map(({ name, topicId }) => ({
        name,
        topicId,
        partitions: [{ partitionIndex: 0, errorCode: ERROR_CODES.OFFSET_METADATA_TOO_LARGE }],
      })),
    }))
    await expect(consumer.commit([{ ...ORDERS, offset: 1 }])).rejects.toThrow('OFFSET_METADATA_TOO_LARGE')
    expect(heard.get('klamm:consumer:commit')).toMatchObject([{ error: { code: 'OFFSET_METADATA_TOO_LARGE' } }])
    consumer.seek(ORDERS, 99)
    await consumer.poll({ timeoutMs: 100 })
    const strict = make({ offsetReset: 'none' })
    strict.assign([ORDERS])
    await expect(strict.poll()).rejects.toMatchObject({ code: 'NO_OFFSET' })
    expect(heard.get('klamm:consumer:error')).toMatchObject([{ clientId: 'me', error: { code: 'NO_OFFSET' } }])
  })
})

test('interceptors see batches in their order and may filter and change them; offsets stay those of the whole batch', async () => {
  await inCluster(async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 5)
    const seen: string[] = []
    const interceptors: ConsumerInterceptor<string, string>[] = [
      { onConsume: (batch) => batch.filter(({ offset }) => offset % 2 === 0) },
      {
        onConsume: (batch) => {
          seen.push([...batch].map(({ value }) => value).join())
          return batch.map(({ value }) => ({ value: `${value}!` }))
        },
        onCommit: (offsets) => seen.push(`committed ${offsets.map(({ offset }) => offset).join()}`),
      },
    ]
    const consumer = make({ groupId: 'g', autoCommit: false, interceptors })
    consumer.assign([ORDERS])
    const batch = (await consumer.poll())!
    expect([...batch].map(({ key, value }) => `${key} ${value}`)).toEqual([
      '0 orders-0-0!',
      '2 orders-0-2!',
      '4 orders-0-4!',
    ])
    const values: (string | null)[] = []
    batch.forEach(({ value }) => values.push(value))
    expect(values).toEqual(['orders-0-0!', 'orders-0-2!', 'orders-0-4!'])
    expect(batch).toMatchObject({ length: 3, nextOffset: 5 })
    await batch.commit()
    expect(seen).toEqual(['orders-0-0,orders-0-2,orders-0-4', 'committed 5'])
  })
})

test('records one by one pass interceptors too, and a batch of which nothing is left is passed over', async () => {
  await inCluster(async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 3)
    const consumer = make({ interceptors: [{ onConsume: (batch) => batch.filter(({ offset }) => offset >= 3) }] })
    consumer.assign([ORDERS])
    const next = consumer.records()[Symbol.asyncIterator]().next()
    await consumer.position(ORDERS)
    logs.append('orders', 0, 1)
    expect((await next).value?.offset).toBe(3)
  })
})

test('an interceptor that throws, or returns records of another batch, is logged and changes nothing', async () => {
  await inCluster(async ({ logs, warned, consumer: make }) => {
    logs.append('orders', 0, 1)
    const kept: unknown[] = []
    const consumer = make({
      groupId: 'g',
      autoCommit: false,
      interceptors: [
        {
          onConsume: () => {
            throw new Error('onConsume is broken')
          },
          onCommit: () => {
            throw new Error('onCommit is broken')
          },
        },
        { onConsume: (batch) => (kept.push(batch), kept[0] as typeof batch) },
        { onCommit: () => kept.push('committed') },
      ],
    })
    consumer.assign([ORDERS])
    expect((await consumer.poll())!.length).toBe(1)
    logs.append('orders', 0, 1)
    const batch = (await consumer.poll())!
    expect([...batch].map(({ offset }) => offset)).toEqual([1])
    await batch.commit()
    expect(kept.at(-1)).toBe('committed')
    expect(warned).toEqual([
      'interceptor: Error: onConsume is broken',
      'interceptor: Error: onConsume is broken',
      'interceptor: TypeError: onConsume returned a batch of other records',
      'interceptor: Error: onCommit is broken',
    ])
  })
})

test('the share of time in polls looks back over two windows', () => {
  const idle = new PollIdleTime()
  expect(idle.ratio(0)).toBeNaN()
  idle.began(0)
  expect(idle.ratio(10)).toBe(1)
  idle.ended(10)
  expect(idle.ratio(40)).toBe(0.25)
  idle.began(40_000)
  idle.ended(40_000)
  expect(idle.ratio(40_000)).toBe(10 / 40_000)
  idle.began(80_000)
  idle.ended(100_000)
  expect(idle.ratio(120_000)).toBe(20_000 / 80_000)
})
