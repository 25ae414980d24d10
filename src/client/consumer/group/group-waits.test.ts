/** What a member of a group waits for comes, and what it is waited for ends in time. */
import { expect, test } from 'vitest'
import { Metadata } from '../../../protocol/generated/metadata.ts'
import { withConsumers, type ConsumerSetting } from '../../../testing/scripted/scripted-consumers.ts'
import { ScriptedGroup } from '../../../testing/scripted/scripted-group.ts'

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
