/** What a member of a group waits for comes, and what it is waited for ends in time. */
import { expect, test } from 'vitest'
import { Heartbeat } from '../../../protocol/generated/heartbeat.ts'
import { LeaveGroup } from '../../../protocol/generated/leave-group.ts'
import { Metadata } from '../../../protocol/generated/metadata.ts'
import { withConsumers, type ConsumerSetting } from '../../../testing/scripted/scripted-consumers.ts'
import { ScriptedGroup } from '../../../testing/scripted/scripted-group.ts'
import { pause } from '../../call.ts'

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
