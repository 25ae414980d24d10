/** What a consumer without a group is asked for is told, whatever keeps it from coming. */
import { expect, test } from 'vitest'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { withConsumers } from '../../testing/scripted/scripted-consumers.ts'
import { pause } from '../call.ts'

const ORDERS = { topic: 'orders', partition: 0 }
const TOPICS = { topics: { orders: 1 } }

test('close takes its time and no more when a broker is silent about the end of its session', async () => {
  await withConsumers(TOPICS, async ({ world, cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.assign([ORDERS])
    await consumer.poll()
    consumer.pause([ORDERS])
    await pause(world.clock, 1000)
    cluster.on(Fetch, ({ sessionEpoch }) => (sessionEpoch === -1 ? SILENCE : undefined))
    const startedMs = world.clock.monotonicMs()
    await consumer.close({ timeoutMs: 200 })
    expect(cluster.log.at(-1)).toMatch(/^Fetch/)
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(500)
  })
})
