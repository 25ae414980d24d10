/** What a member of a group waits for comes, and what it is waited for ends in time. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../../base/error-codes.ts'
import { FindCoordinator } from '../../../protocol/generated/find-coordinator.ts'
import { Heartbeat } from '../../../protocol/generated/heartbeat.ts'
import { LeaveGroup } from '../../../protocol/generated/leave-group.ts'
import { Metadata } from '../../../protocol/generated/metadata.ts'
import { OffsetCommit } from '../../../protocol/generated/offset-commit.ts'
import { SILENCE } from '../../../testing/scripted/scripted-cluster.ts'
import { withConsumers, type ConsumerSetting } from '../../../testing/scripted/scripted-consumers.ts'
import { ScriptedGroup } from '../../../testing/scripted/scripted-group.ts'
import { pause } from '../../call.ts'
import { resolveClientOptions } from '../../client-options.ts'
import { string } from '../../serde.ts'
import { Consumer } from '../consumer.ts'

async function inGroup(task: (setting: ConsumerSetting & { readonly group: ScriptedGroup }) => Promise<void>) {
  const options = { nodes: 2, topics: { orders: 2 }, features: { 'group.version': 1 } }
  await withConsumers(options, async (setting) => {
    const group = new ScriptedGroup(setting.world, setting.cluster)
    const consumer: ConsumerSetting['consumer'] = (own) =>
      setting.consumer({ groupId: 'g', sessionTimeoutMs: 10_000, autoCommit: false, ...own })
    await task({ ...setting, consumer, group })
  })
}

test('a topic that comes later is read soon', async () => {
  await inGroup(async ({ cluster, logs, consumer: make }) => {
    const consumer = make({ groupProtocol: 'classic' })
    consumer.subscribe('late')
    expect(await consumer.poll({ timeoutMs: 20_000 })).toBeNull()
    expect(cluster.count(Metadata)).toBeLessThan(40)
    cluster.createTopic('late', 1)
    logs.append('late', 0, 1)
    expect(await consumer.poll({ timeoutMs: 10_000 })).not.toBeNull()
  })
})

test('a user who comes back while the member leaves is a member again', async () => {
  await inGroup(async ({ world, cluster, logs, consumer: make }) => {
    const consumer = make({ groupProtocol: 'classic', maxPollIntervalMs: 5000 })
    consumer.subscribe('orders')
    expect(await consumer.poll({ timeoutMs: 2000 })).toBeNull()
    cluster.once(LeaveGroup, () => pause(world.clock, 1000).then(() => undefined))
    while (cluster.count(LeaveGroup) === 0) await pause(world.clock, 10)
    logs.append('orders', 0, 1)
    expect(await consumer.poll({ timeoutMs: 20_000 })).not.toBeNull()
  })
})

test('heartbeats go on when the user was away while a listener took its time', async () => {
  await inGroup(async ({ world, cluster, group, consumer: make }) => {
    const onRebalance = { assigned: () => pause(world.clock, 12_000) }
    const consumer = make({ groupProtocol: 'classic', maxPollIntervalMs: 5000, onRebalance })
    consumer.subscribe('orders')
    expect(await consumer.poll({ timeoutMs: 1000 })).toBeNull()
    await pause(world.clock, 9000)
    expect(await consumer.poll({ timeoutMs: 4000 })).toBeNull()
    const before = cluster.count(Heartbeat)
    expect(await consumer.poll({ timeoutMs: 30_000 })).toBeNull()
    expect(cluster.count(Heartbeat)).toBeGreaterThan(before)
    expect(group.memberIds).toHaveLength(1)
  })
})

test('a loop that waits goes on with what is subscribed next', async () => {
  await inGroup(async ({ cluster, logs, consumer: make }) => {
    cluster.createTopic('next', 1)
    logs.append('next', 0, 1)
    const consumer = make()
    consumer.subscribe('orders')
    expect(await consumer.poll({ timeoutMs: 2000 })).toBeNull()
    const next = consumer.poll({ timeoutMs: 20_000 })
    await consumer.unsubscribe()
    consumer.subscribe('next')
    expect(await next).not.toBeNull()
  })
})

test('close takes its time and no more when a commit is not answered', async () => {
  await inGroup(async ({ world, cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.subscribe('orders')
    await consumer.poll()
    cluster.on(OffsetCommit, () => SILENCE)
    consumer.commitLater([{ topic: 'orders', partition: 0, offset: 1 }])
    const startedMs = world.clock.monotonicMs()
    await consumer.close({ timeoutMs: 500 })
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1000)
  })
})

test.each(['consumer', 'classic'] as const)(
  'close takes its time and no more when nobody tells the coordinator (%s)',
  async (groupProtocol) => {
    await inGroup(async ({ world, cluster, group, consumer: make }) => {
      const consumer = make({ groupProtocol })
      consumer.subscribe('orders')
      await consumer.poll({ timeoutMs: 2000 })
      cluster.on(FindCoordinator, () => SILENCE)
      group.node = 2
      await consumer.poll({ timeoutMs: 5000 })
      const startedMs = world.clock.monotonicMs()
      await consumer.close({ timeoutMs: 500 })
      expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1000)
    })
  },
)

test('close takes its time and no more when the listener of revocations does not end, and leaves the group', async () => {
  await inGroup(async ({ world, cluster, group }) => {
    const onRebalance = { revoked: () => new Promise<void>(() => {}) }
    const client = resolveClientOptions({ brokers: cluster.bootstrap })
    const own = { groupId: 'g', key: string(), value: string(), autoCommit: false, onRebalance }
    const consumer = new Consumer<string, string>(world, { ...client, ...own })
    consumer.subscribe('orders')
    await consumer.poll({ timeoutMs: 2000 })
    const startedMs = world.clock.monotonicMs()
    await expect(consumer.close({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1000)
    await pause(world.clock, 100)
    expect(group.memberIds).toEqual([])
  })
})

test('a commit behind others has its own time and no more', async () => {
  await inGroup(async ({ world, cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.subscribe('orders')
    await consumer.poll()
    const point = [{ topic: 'orders', partition: 0, offset: 1 }]
    cluster.on(OffsetCommit, async (request) => {
      await pause(world.clock, 700)
      const errorCode = ERROR_CODES.COORDINATOR_LOAD_IN_PROGRESS
      return {
        topics: request.topics.map((topic) => ({
          ...topic,
          partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        })),
      }
    })
    const before = consumer.commit(point, { timeoutMs: 800 }).catch(() => {})
    const startedMs = world.clock.monotonicMs()
    await expect(consumer.commit(point, { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1100)
    await before
  })
})

test('who unsubscribes while the coordinator is looked for joins nothing, and keeps what it assigns itself', async () => {
  await inGroup(async ({ world, cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    cluster.once(FindCoordinator, () => pause(world.clock, 1000).then(() => undefined))
    consumer.subscribe('orders')
    expect(await consumer.poll({ timeoutMs: 100 })).toBeNull()
    await consumer.unsubscribe()
    consumer.assign([{ topic: 'orders', partition: 0 }])
    expect(await consumer.poll({ timeoutMs: 20_000 })).not.toBeNull()
    expect(await consumer.poll({ timeoutMs: 20_000 })).toBeNull()
    expect(consumer.assignment()).toHaveLength(1)
    expect(group.memberIds).toEqual([])
  })
})

test('who subscribes again while the coordinator is looked for joins', async () => {
  await inGroup(async ({ world, cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    cluster.once(FindCoordinator, () => pause(world.clock, 1000).then(() => undefined))
    consumer.subscribe('other')
    expect(await consumer.poll({ timeoutMs: 100 })).toBeNull()
    await consumer.unsubscribe()
    consumer.subscribe('orders')
    expect(await consumer.poll({ timeoutMs: 20_000 })).not.toBeNull()
  })
})

test('a listener of failed commits that throws stops no commit behind it', async () => {
  await inGroup(async ({ world, cluster, logs, group, consumer: make }) => {
    logs.append('orders', 0, 1)
    const onCommitError = () => {
      throw new Error('the listener fails')
    }
    const consumer = make({ onCommitError })
    consumer.subscribe('orders')
    await consumer.poll()
    cluster.once(OffsetCommit, () => ({
      topics: [
        { name: 'orders', partitions: [{ partitionIndex: 0, errorCode: ERROR_CODES.OFFSET_METADATA_TOO_LARGE }] },
      ],
    }))
    consumer.commitLater([{ topic: 'orders', partition: 0, offset: 0, metadata: 'long' }])
    await pause(world.clock, 1000)
    consumer.commitLater([{ topic: 'orders', partition: 0, offset: 1 }])
    await pause(world.clock, 1000)
    expect(group.offsets.get('orders-0')?.offset).toBe(1)
  })
})

test('a member of KIP-848 whose user comes back before it has left stays', async () => {
  await inGroup(async ({ world, logs, consumer: make }) => {
    const lost: string[] = []
    const onRebalance = { lost: () => (lost.push('lost'), pause(world.clock, 1000)) }
    const consumer = make({ groupProtocol: 'consumer', maxPollIntervalMs: 5000, onRebalance })
    consumer.subscribe('orders')
    expect(await consumer.poll({ timeoutMs: 2000 })).toBeNull()
    while (lost.length === 0) await pause(world.clock, 10)
    logs.append('orders', 0, 1)
    expect(await consumer.poll({ timeoutMs: 4000 })).not.toBeNull()
    expect(await consumer.poll({ timeoutMs: 4000 })).toBeNull()
    expect(lost).toHaveLength(1)
  })
})
