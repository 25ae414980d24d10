import { expect, test } from 'vitest'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { pause } from '../call.ts'
import { withAdmin } from './test-admin.ts'

const TOPIC = { name: 'orders', numPartitions: 1, replicationFactor: 1 }

test('after an answer that says so nothing is sent to the node before its time, and calls that end sooner say why', async () => {
  await withAdmin({ topics: {} }, async ({ world, cluster, admin }) => {
    const askedMs: number[] = []
    cluster.on(CreateTopics, ({ topics }) => {
      askedMs.push(world.clock.monotonicMs())
      return { throttleTimeMs: 3000, topics: topics.map(({ name }) => ({ name })) }
    })
    await admin.createTopics([TOPIC])
    const refused = (await admin.createTopics([TOPIC], { timeoutMs: 1000 })).outcome('orders')
    expect(refused).toMatchObject({
      code: 'TIMED_OUT',
      message: expect.stringContaining('a quota is exceeded') as string,
    })
    await admin.createTopics([TOPIC])
    expect(askedMs.length).toBe(2)
    expect(askedMs[1]! - askedMs[0]!).toBeGreaterThanOrEqual(3000)
    expect(askedMs[1]! - askedMs[0]!).toBeLessThan(3100)
  })
})

test('a broker that held its answer back itself is not waited for again', async () => {
  await withAdmin({ versions: { CreateTopics: { min: 0, max: 2 } } }, async ({ world, cluster, admin }) => {
    cluster.on(CreateTopics, ({ topics }) => ({ throttleTimeMs: 3000, topics: topics.map(({ name }) => ({ name })) }))
    const startedMs = world.clock.monotonicMs()
    await admin.createTopics([TOPIC])
    await admin.createTopics([TOPIC])
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(100)
  })
})

test('a call that waits for a quota ends when the Admin is closed', async () => {
  await withAdmin({}, async ({ world, cluster, admin }) => {
    cluster.on(CreateTopics, ({ topics }) => ({ throttleTimeMs: 30_000, topics: topics.map(({ name }) => ({ name })) }))
    await admin.createTopics([TOPIC])
    const startedMs = world.clock.monotonicMs()
    const waiting = admin.createTopics([TOPIC])
    const ended = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await pause(world.clock, 100)
    await admin.close()
    await ended
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(1000)
  })
})
