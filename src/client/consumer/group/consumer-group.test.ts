import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../../base/error-codes.ts'
import { ConsumerGroupHeartbeat } from '../../../protocol/generated/consumer-group-heartbeat.ts'
import { Heartbeat } from '../../../protocol/generated/heartbeat.ts'
import { JoinGroup } from '../../../protocol/generated/join-group.ts'
import { LeaveGroup } from '../../../protocol/generated/leave-group.ts'
import { Metadata } from '../../../protocol/generated/metadata.ts'
import { OffsetCommit } from '../../../protocol/generated/offset-commit.ts'
import { ScriptedCluster, SILENCE, type ScriptedClusterOptions } from '../../../testing/scripted/scripted-cluster.ts'
import { ScriptedGroup } from '../../../testing/scripted/scripted-group.ts'
import { ScriptedLogs } from '../../../testing/scripted/scripted-logs.ts'
import { SeededWorld } from '../../../testing/seeded-world.ts'
import { pause } from '../../call.ts'
import { resolveClientOptions, type ClientOptions } from '../../client-options.ts'
import { string } from '../../serde.ts'
import { Consumer } from '../consumer.ts'
import type { ConsumerOptions } from '../consumer-options.ts'
import type { RebalanceListener } from '../rebalance-listener.ts'
import { SubscriptionPattern } from '../subscription.ts'
import { keyOf, type TopicPartition } from '../topic-partition.ts'

type Own = ConsumerOptions<string, string> & Partial<ClientOptions>

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  readonly group: ScriptedGroup
  consumer(own?: Own): Consumer<string, string>
}

async function inCluster(options: ScriptedClusterOptions, task: (setting: Setting) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const topics = { orders: 2 }
    const features = { 'group.version': 1 }
    const cluster = await ScriptedCluster.start(world, { nodes: 2, topics, features, ...options })
    const logs = new ScriptedLogs(world, cluster)
    const group = new ScriptedGroup(world, cluster)
    const made: Consumer<string, string>[] = []
    const consumer = (own: Own = {}): Consumer<string, string> => {
      const client = resolveClientOptions({ brokers: cluster.bootstrap, ...own })
      const defaults = {
        groupId: 'g',
        key: string(),
        value: string(),
        offsetReset: 'earliest',
        sessionTimeoutMs: 10_000,
      }
      const one = new Consumer<string, string>(world, { ...client, ...defaults, ...own } as never)
      made.push(one)
      return one
    }
    await task({ world, cluster, logs, group, consumer })
    for (const one of made) await one.close()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

/** Reads until nothing has come for a while. */
async function drain(consumer: Consumer<string, string>, timeoutMs = 3000): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const batch = await consumer.poll({ timeoutMs })
    if (batch === null) return values
    for (const { value } of batch) values.push(value!)
  }
}

const noted = (events: string[], who = ''): RebalanceListener => {
  const note = (what: string) => (partitions: readonly TopicPartition[]) => {
    events.push(`${who}${what} ${partitions.map(keyOf).toSorted().join(' ')}`.trim())
  }
  return { assigned: note('assigned'), revoked: note('revoked'), lost: note('lost') }
}

test('the new protocol is spoken where it is in force, and the classic one else', async () => {
  const cases: [ScriptedClusterOptions, Own, 'modern' | 'classic'][] = [
    [{}, {}, 'modern'],
    [{ features: {} }, {}, 'classic'],
    [{ versions: { ConsumerGroupHeartbeat: null } }, {}, 'classic'],
    [{}, { groupProtocol: 'classic' }, 'classic'],
    [{ features: {} }, { groupProtocol: 'consumer' }, 'modern'],
  ]
  for (const [options, own, spoken] of cases) {
    await inCluster(options, async ({ cluster, logs, consumer: make }) => {
      logs.append('orders', 0, 1)
      const consumer = make(own)
      consumer.subscribe('orders')
      expect(await drain(consumer)).toEqual(['orders-0-0'])
      expect(cluster.count(JoinGroup) > 0).toBe(spoken === 'classic')
      expect(cluster.count(ConsumerGroupHeartbeat) > 0).toBe(spoken === 'modern')
    })
  }
})

test('a cluster that refuses the new protocol after all is spoken to in the classic one', async () => {
  await inCluster({}, async ({ cluster, logs, consumer: make }) => {
    cluster.on(ConsumerGroupHeartbeat, () => ({ errorCode: 35, errorMessage: 'no' }))
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.subscribe('orders')
    expect(await drain(consumer)).toEqual(['orders-0-0'])
    const strict = make({ groupId: 'h', groupProtocol: 'consumer' })
    strict.subscribe('orders')
    await expect(strict.poll()).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' })
  })
})

test.each([0, 1, 2, 3, 4, 5, 6, 9])('JoinGroup version %i is spoken', async (max) => {
  const old = { min: 0, max: Math.min(max, 2) }
  const versions = {
    ConsumerGroupHeartbeat: null,
    JoinGroup: { min: 0, max },
    SyncGroup: old,
    Heartbeat: old,
    LeaveGroup: old,
    OffsetCommit: { min: 2, max: 2 + max },
    OffsetFetch: { min: 1, max: Math.max(1, max) },
    FindCoordinator: { min: 0, max: Math.min(max, 6) },
  }
  await inCluster({ versions }, async ({ cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 2)
    const consumer = make()
    consumer.subscribe('orders')
    expect(await drain(consumer)).toEqual(['orders-0-0', 'orders-0-1'])
    await consumer.close()
    expect(group.offsets.get('orders-0')?.offset).toBe(2)
    expect(group.memberIds).toEqual([])
    expect(cluster.log.some((line) => line.startsWith(`JoinGroup v${max} `))).toBe(true)
  })
})

test('in both protocols a second member gets half, after the first finished and committed what it had', async () => {
  for (const groupProtocol of ['consumer', 'classic'] as const) {
    await inCluster({}, async ({ world, logs, group, consumer: make }) => {
      logs.append('orders', 0, 3)
      logs.append('orders', 1, 3)
      const events: string[] = []
      const first = make({ groupProtocol, onRebalance: noted(events, 'first '), heartbeatIntervalMs: 500 })
      first.subscribe('orders')
      expect((await drain(first)).length).toBe(6)
      const second = make({ groupProtocol, onRebalance: noted(events, 'second ') })
      second.subscribe('orders')
      const got = drain(second, 20_000)
      for (let turn = 0; turn < 20; turn++) await first.poll({ timeoutMs: 500 })
      logs.append('orders', 0, 1)
      logs.append('orders', 1, 1)
      const mine = await drain(first)
      expect([...mine, ...(await got)].toSorted()).toEqual(['orders-0-3', 'orders-1-3'])
      expect(first.assignment().length).toBe(1)
      expect(second.assignment().length).toBe(1)
      expect(events[0]).toBe('first assigned orders-0 orders-1')
      expect(events[1]).toMatch(
        groupProtocol === 'classic' ? /^first revoked orders-0 orders-1$/ : /^first revoked orders-.$/,
      )
      expect(events.some((event) => event.startsWith('second assigned orders-'))).toBe(true)
      expect(group.offsets.get('orders-0')?.offset).toBeGreaterThanOrEqual(3)
      await pause(world.clock, 10)
    })
  }
})

test('whoever takes too long leaves the group, and comes back when it asks for more', async () => {
  for (const groupProtocol of ['consumer', 'classic'] as const) {
    await inCluster({}, async ({ world, logs, group, consumer: make }) => {
      logs.append('orders', 0, 1)
      const events: string[] = []
      const consumer = make({ groupProtocol, maxPollIntervalMs: 5000, onRebalance: noted(events), autoCommit: false })
      consumer.subscribe('orders')
      await consumer.poll()
      await pause(world.clock, 12_000)
      expect(group.memberIds).toEqual([])
      expect(events).toEqual(['assigned orders-0 orders-1', 'lost orders-0 orders-1'])
      expect(await drain(consumer)).toEqual(['orders-0-0'])
    })
  }
})

test('a member that the coordinator forgot has lost its partitions, commits nothing of them, and joins again', async () => {
  for (const groupProtocol of ['consumer', 'classic'] as const) {
    await inCluster({}, async ({ world, logs, group, consumer: make }) => {
      logs.append('orders', 0, 1)
      const events: string[] = []
      const consumer = make({ groupProtocol, onRebalance: noted(events), heartbeatIntervalMs: 500 })
      consumer.subscribe('orders')
      await consumer.poll()
      group.expel(group.memberIds[0]!)
      await pause(world.clock, 3000)
      expect(group.offsets.get('orders-0')?.offset ?? 0).toBe(0)
      expect(await drain(consumer)).toEqual(['orders-0-0'])
      expect(events.slice(0, 2)).toEqual(['assigned orders-0 orders-1', 'lost orders-0 orders-1'])
    })
  }
})

test('a member that may not READ its group any more tells it at the next poll, and goes on when it may again', async () => {
  for (const groupProtocol of ['consumer', 'classic'] as const) {
    await inCluster({}, async ({ world, cluster, logs, consumer: make }) => {
      logs.append('orders', 0, 2)
      const consumer = make({ groupProtocol, heartbeatIntervalMs: 500, autoCommit: false })
      consumer.subscribe('orders')
      expect((await drain(consumer)).length).toBe(2)
      await consumer.commit()
      let mayRead = false
      const refuse = () => (mayRead ? undefined : { errorCode: ERROR_CODES.GROUP_AUTHORIZATION_FAILED })
      cluster.on(Heartbeat, refuse)
      cluster.on(ConsumerGroupHeartbeat, refuse)
      await pause(world.clock, 6000)
      await expect(consumer.poll({ timeoutMs: 1000 })).rejects.toMatchObject({ code: 'GROUP_AUTHORIZATION_FAILED' })
      mayRead = true
      logs.append('orders', 0, 1)
      expect(await drain(consumer, 8000)).toEqual(['orders-0-2'])
    })
  }
})

test('a static member that is replaced is out for good, and leaves the other alone', async () => {
  await inCluster({}, async ({ world, group, consumer: make }) => {
    const own: Own = { groupProtocol: 'classic', groupInstanceId: 'one', heartbeatIntervalMs: 500 }
    const first = make(own)
    first.subscribe('orders')
    await first.poll({ timeoutMs: 2000 })
    const second = make(own)
    second.subscribe('orders')
    await second.poll({ timeoutMs: 4000 })
    const before = group.memberIds
    await pause(world.clock, 3000)
    await expect(first.poll({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'FENCED_INSTANCE_ID' })
    await expect(first.poll({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'FENCED_INSTANCE_ID' })
    expect(group.memberIds).toEqual(before)
    expect(group.instanceIds).toEqual(['one'])
  })
})

test('a RegExp subscribes to topics that come later too, and leaves them when they go', async () => {
  await inCluster({}, async ({ cluster, logs, consumer: make }) => {
    const consumer = make({ metadataMaxAgeMs: 1000 })
    consumer.subscribe(/^ord/)
    expect(await drain(consumer)).toEqual([])
    expect(consumer.subscription()).toEqual(['orders'])
    cluster.createTopic('ordinary', 1)
    cluster.createTopic('other', 1)
    logs.append('ordinary', 0, 1)
    expect(await drain(consumer, 8000)).toEqual(['ordinary-0-0'])
  })
})

test('a SubscriptionPattern needs the new protocol', async () => {
  await inCluster({}, async ({ consumer: make }) => {
    const consumer = make({ groupProtocol: 'classic' })
    consumer.subscribe(new SubscriptionPattern('ord.*'))
    await expect(consumer.poll()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  })
})

test('a consumer without a group gets one made up when it subscribes', async () => {
  await inCluster({}, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const { groupId: _, ...own }: Own = {}
    const consumer = make({ ...own, groupId: undefined } as never)
    expect(consumer.groupId).toBeNull()
    consumer.subscribe('orders')
    expect(consumer.groupId).toMatch(/^klamm-[\w-]{22}$/)
    expect(await drain(consumer)).toEqual(['orders-0-0'])
  })
})

test('commits keep their order: what is posted never overtakes, and what was posted together goes together', async () => {
  await inCluster({}, async ({ cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 10)
    const consumer = make({ autoCommit: false })
    consumer.subscribe('orders')
    await consumer.poll()
    const order: number[] = []
    group.onCommit = (_, offset) => order.push(offset)
    const point = (offset: number) => [{ topic: 'orders', partition: 0, offset, metadata: `m${offset}` }]
    cluster.once(OffsetCommit, (request) => ({
      topics: request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 14 })),
      })),
    }))
    consumer.commitLater(point(1))
    consumer.commitLater(point(2))
    const third = consumer.commit(point(3))
    consumer.commitLater(point(4))
    consumer.commitLater(point(5))
    await third
    await consumer.commit(point(6))
    expect(order).toEqual([2, 3, 5, 6])
    const committed = await consumer.committed([{ topic: 'orders', partition: 0 }])
    expect(committed.get('orders-0')).toMatchObject({ offset: 6, metadata: 'm6' })
  })
})

test('close leaves the group or remains, as it is told', async () => {
  await inCluster({}, async ({ cluster, group, consumer: make }) => {
    for (const [membership, leaves] of [
      ['default', true],
      ['remain', false],
    ] as const) {
      const consumer = make({ groupProtocol: 'classic' })
      consumer.subscribe('orders')
      await consumer.poll({ timeoutMs: 2000 })
      const before = cluster.count(LeaveGroup)
      await consumer.close({ membership })
      expect(cluster.count(LeaveGroup) - before).toBe(leaves ? 1 : 0)
    }
    expect(group.memberIds.length).toBe(1)
  })
})

test('offsets are committed and asked for by topic id where the brokers can; a topic made anew has none', async () => {
  await inCluster({}, async ({ cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 3)
    const orders = { topic: 'orders', partition: 0 }
    const consumer = make({ autoCommit: false })
    consumer.assign([orders])
    const batch = (await consumer.poll())!
    await batch.commit({ metadata: 'first' })
    expect(cluster.log).toContain('OffsetCommit v10 at 1')
    expect(cluster.log).toContain('OffsetFetch v10 at 1')
    expect((await consumer.committed([orders])).get('orders-0')).toMatchObject({ offset: 3, metadata: 'first' })
    // Under the same name another topic: what was read of the first is not committed as read of it.
    const before = cluster.topics.get('orders')!.id
    cluster.topics.delete('orders')
    cluster.createTopic('spare', 1)
    cluster.createTopic('orders', 2)
    group.offsets.clear()
    expect(cluster.topics.get('orders')!.id).not.toBe(before)
    cluster.on(Metadata, () => SILENCE)
    await expect(batch.commit({ timeoutMs: 500 })).rejects.toThrow('UNKNOWN_TOPIC_ID')
    expect(group.offsets.size).toBe(0)
  })
})

test('offsets of topics whose ids are not known go by name', async () => {
  await inCluster({ versions: { Metadata: { min: 0, max: 9 } } }, async ({ cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 3)
    const consumer = make({ autoCommit: false })
    consumer.assign([{ topic: 'orders', partition: 0 }])
    await (await consumer.poll())!.commit()
    expect(group.offsets.get('orders-0')?.offset).toBe(3)
    expect(cluster.log).toContain('OffsetCommit v9 at 1')
    expect(cluster.log).toContain('OffsetFetch v9 at 1')
  })
})

test('a classic member makes the group rebalance when its program says so; one of KIP-848 only warns', async () => {
  await inCluster({}, async ({ world, cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 1)
    const reasons: (string | null)[] = []
    cluster.on(JoinGroup, ({ reason }) => {
      reasons.push(reason)
      return undefined
    })
    const events: string[] = []
    const consumer = make({ groupProtocol: 'classic', assignors: ['cooperative-sticky'], onRebalance: noted(events) })
    expect(() => consumer.enforceRebalance()).toThrow('Nothing is subscribed to')
    consumer.subscribe('orders')
    await consumer.poll()
    const before = group.rebalances
    consumer.enforceRebalance('disks are fuller')
    await pause(world.clock, 2000)
    expect(group.rebalances).toBe(before + 1)
    expect(reasons.at(-1)).toBe('disks are fuller')
    expect(events).toEqual(['assigned orders-0 orders-1', 'assigned'])
  })
  await inCluster({}, async ({ logs, group, consumer: make }) => {
    logs.append('orders', 0, 1)
    const warned: string[] = []
    const logger = { debug: () => {}, info: () => {}, warn: (text: string) => warned.push(text), error: () => {} }
    const consumer = make({ groupProtocol: 'consumer', logger })
    consumer.subscribe('orders')
    await consumer.poll()
    const before = group.rebalances
    consumer.enforceRebalance()
    expect(await consumer.poll({ timeoutMs: 3000 })).toBeNull()
    expect(group.rebalances).toBe(before)
    expect(warned).toEqual(["Members of group g can't enforce a rebalance in the protocol of KIP-848."])
  })
})
