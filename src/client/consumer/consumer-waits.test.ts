/** What a consumer without a group is asked for is told, whatever keeps it from coming. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { SaslAuthenticate } from '../../protocol/generated/sasl-authenticate.ts'
import { SaslHandshake } from '../../protocol/generated/sasl-handshake.ts'
import { SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { withConsumers } from '../../testing/scripted/scripted-consumers.ts'
import { pause } from '../call.ts'

const ORDERS = { topic: 'orders', partition: 0 }
const TOPICS = { topics: { orders: 1 } }

test('credentials that are refused are told by the next poll', async () => {
  await withConsumers(TOPICS, async ({ cluster, consumer: make }) => {
    cluster.on(SaslHandshake, ({ mechanism }) => ({ mechanisms: [mechanism] }))
    cluster.on(SaslAuthenticate, () => ({ errorCode: ERROR_CODES.SASL_AUTHENTICATION_FAILED, errorMessage: 'no' }))
    const consumer = make({ sasl: { mechanism: 'PLAIN', username: 'alice', password: 'wrong' } })
    consumer.assign([ORDERS])
    await expect(consumer.poll({ timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' })
  })
})

test('who waits for a position is told that the consumer was closed', async () => {
  await withConsumers(TOPICS, async ({ world, cluster, consumer: make }) => {
    cluster.on(ListOffsets, () => SILENCE)
    const consumer = make()
    consumer.assign([ORDERS])
    const position = expect(consumer.position(ORDERS)).rejects.toMatchObject({ code: 'CLOSED' })
    const startedMs = world.clock.monotonicMs()
    await consumer.close()
    await position
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1000)
  })
})

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

test('what waits in partitions that are paused keeps no others from being fetched', async () => {
  await withConsumers({ topics: { orders: 2 } }, async ({ world, logs, consumer: make }) => {
    const consumer = make({ prefetchMaxBytes: 100 })
    consumer.assign([ORDERS, { topic: 'orders', partition: 1 }])
    consumer.pause([{ topic: 'orders', partition: 1 }])
    expect(await consumer.poll({ timeoutMs: 1000 })).toBeNull()
    logs.append('orders', 0, 10)
    await pause(world.clock, 1000)
    consumer.pause([ORDERS])
    consumer.resume([{ topic: 'orders', partition: 1 }])
    logs.append('orders', 1, 1)
    expect((await consumer.poll({ timeoutMs: 10_000 }))?.partition).toBe(1)
  })
})

test('topics whose offsets are asked for are looked at for as long as that takes, whatever is subscribed to', async () => {
  await withConsumers(TOPICS, async ({ world, cluster, logs, consumer: make }) => {
    const consumer = make()
    consumer.assign([ORDERS])
    const LATE = { topic: 'late', partition: 0 }
    const ends = consumer.endOffsets([LATE])
    await pause(world.clock, 500)
    await consumer.unsubscribe()
    await pause(world.clock, 500)
    cluster.createTopic('late', 1)
    logs.append('late', 0, 3)
    expect([...(await ends).values()]).toEqual([3])
    await expect(consumer.endOffsets([{ topic: 'never', partition: 0 }], { timeoutMs: 1000 })).rejects.toThrow('never')
    await pause(world.clock, 2000)
    const before = cluster.count(Metadata)
    await pause(world.clock, 60_000)
    expect(cluster.count(Metadata)).toBe(before)
  })
})
