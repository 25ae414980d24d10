import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { SILENCE } from '../../testing/scripted/scripted-cluster.ts'
import { take, withConsumers } from '../../testing/scripted/scripted-consumers.ts'
import { json } from '../serde.ts'

const ORDERS = { topic: 'orders', partition: 0 }

test('an assigned partition is read from its beginning on, in order', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 3)
    const consumer = make()
    consumer.assign([ORDERS])
    const batch = (await consumer.poll())!
    expect([...batch].map(({ offset, key, value }) => [offset, key, value])).toEqual([
      [0, '0', 'orders-0-0'],
      [1, '1', 'orders-0-1'],
      [2, '2', 'orders-0-2'],
    ])
    expect(batch).toMatchObject({ topic: 'orders', partition: 0, nextOffset: 3, length: 3, highWatermark: 3 })
    logs.append('orders', 0, 2)
    expect(await take(consumer, 2)).toEqual([3, 4])
  })
})

test('the first record of an assigned partition waits for metadata, and for no pause', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ world, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    const startedMs = world.clock.monotonicMs()
    consumer.assign([ORDERS])
    consumer.seekToBeginning()
    expect(await take(consumer, 1)).toEqual([0])
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(50)
  })
})

test.each([0, 1, 2, 3, 4, 6, 7, 11, 12, 13, 18])('Fetch version %i is spoken', async (max) => {
  const versions = { Fetch: { min: 0, max }, ListOffsets: { min: 0, max: Math.min(max, 11) } }
  await withConsumers({ topics: { orders: 2 }, nodes: 2, versions }, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 2)
    logs.append('orders', 1, 2)
    const consumer = make()
    consumer.assign([ORDERS, { topic: 'orders', partition: 1 }])
    expect((await take(consumer, 4)).toSorted()).toEqual([0, 0, 1, 1])
    logs.append('orders', 0, 1)
    expect(await take(consumer, 1)).toEqual([2])
    expect(cluster.log).toContain(`Fetch v${max} at 1`)
  })
})

test('a loop over records that is left loses none of the batch that it was in', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 5)
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 2)).toEqual([0, 1])
    expect(await take(consumer, 3)).toEqual([2, 3, 4])
  })
})

test('of a batch that was left behind its last record nothing is handed out again, whatever follows in the log', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 2, { producerId: 7, producerEpoch: 0, transactional: true })
    logs.endTransaction('orders', 0, 7, 'COMMIT', 0)
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 2)).toEqual([0, 1])
    expect(await consumer.poll({ timeoutMs: 1000 })).toBeNull()
    expect(await consumer.position(ORDERS)).toBe(3)
  })
})

test('seek goes on elsewhere, also out of the middle of a batch, and what was fetched is dropped', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 5)
    logs.append('orders', 0, 5)
    const consumer = make()
    consumer.assign([ORDERS])
    const offsets: number[] = []
    for await (const { offset } of consumer.records()) {
      offsets.push(offset)
      if (offsets.length === 2) consumer.seek(ORDERS, 7)
      if (offset === 9) break
    }
    expect(offsets).toEqual([0, 1, 7, 8, 9])
    consumer.seekToBeginning()
    expect(await take(consumer, 1)).toEqual([0])
    consumer.seekToEnd([ORDERS])
    logs.append('orders', 0, 1)
    expect(await consumer.position(ORDERS)).toBe(11)
  })
})

test('paused partitions keep what was fetched, and hand it out when they are resumed', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
    logs.append('orders', 0, 1)
    consumer.pause([ORDERS])
    expect(consumer.paused()).toEqual([ORDERS])
    expect(await consumer.poll({ timeoutMs: 2000 })).toBeNull()
    consumer.resume([ORDERS])
    expect(await take(consumer, 1)).toEqual([1])
  })
})

test('a leader that moves is followed by what the old one says, and by metadata', async () => {
  for (const max of [18, 12]) {
    await withConsumers({ nodes: 3, topics: { orders: 1 }, versions: { Fetch: { min: 4, max } } }, async (setting) => {
      const { cluster, logs, consumer: make } = setting
      logs.append('orders', 0, 2)
      const consumer = make()
      consumer.assign([ORDERS])
      expect(await take(consumer, 2)).toEqual([0, 1])
      cluster.moveLeader('orders', 0, 3)
      logs.append('orders', 0, 2)
      expect(await take(consumer, 2)).toEqual([2, 3])
    })
  }
})

test('an offset that is gone is reset as the policy says', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    for (let batch = 0; batch < 4; batch++) logs.append('orders', 0, 5)
    logs.deleteBefore('orders', 0, 10)
    const consumer = make()
    consumer.assign([ORDERS])
    consumer.seek(ORDERS, 3)
    expect(await take(consumer, 1)).toEqual([10])
    const strict = make({ offsetReset: 'none' })
    strict.assign([ORDERS])
    strict.seek(ORDERS, 3)
    await expect(strict.poll()).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    strict.seek(ORDERS, 12)
    expect(await take(strict, 1)).toEqual([12])
  })
})

test('without a committed offset and a policy there is NO_OFFSET', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ consumer: make }) => {
    const consumer = make({ offsetReset: 'none' })
    consumer.assign([ORDERS])
    await expect(consumer.poll()).rejects.toMatchObject({ code: 'NO_OFFSET' })
  })
})

test('by_duration begins at the first record that is young enough', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ world, logs, consumer: make }) => {
    logs.append('orders', 0, 2)
    await new Promise<void>((resolve) => world.clock.at(world.clock.monotonicMs() + 60_000, resolve))
    logs.append('orders', 0, 2)
    const consumer = make({ offsetReset: { byDurationMs: 30_000 } })
    consumer.assign([ORDERS])
    expect(await take(consumer, 2)).toEqual([2, 3])
  })
})

test('a log that was cut below what was read goes on where the logs part', async () => {
  for (const max of [18, 11]) {
    await withConsumers({ nodes: 2, topics: { orders: 1 }, versions: { Fetch: { min: 4, max } } }, async (setting) => {
      const { cluster, logs, consumer: make } = setting
      logs.append('orders', 0, 3)
      logs.append('orders', 0, 3)
      const consumer = make()
      consumer.assign([ORDERS])
      expect(await take(consumer, 6)).toEqual([0, 1, 2, 3, 4, 5])
      cluster.moveLeader('orders', 0, 2)
      logs.cut('orders', 0, 3)
      logs.append('orders', 0, 5)
      expect(await take(consumer, 5)).toEqual([3, 4, 5, 6, 7])
    })
  }
})

test('read_committed leaves out what was aborted, markers, and what is not decided', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    const of = (producerId: number) => ({ producerId, producerEpoch: 0, transactional: true })
    logs.append('orders', 0, 2, of(7))
    logs.append('orders', 0, 1, of(8))
    logs.endTransaction('orders', 0, 7, 'ABORT', 0)
    logs.append('orders', 0, 1, of(7))
    logs.endTransaction('orders', 0, 8, 'COMMIT', 2)
    logs.endTransaction('orders', 0, 7, 'COMMIT', 4)
    const consumer = make({ isolationLevel: 'read_committed' })
    consumer.assign([ORDERS])
    expect(await take(consumer, 2)).toEqual([2, 4])
    const rash = make()
    rash.assign([ORDERS])
    expect(await take(rash, 4)).toEqual([0, 1, 2, 4])
  })
})

test('what cannot be deserialised names its place and may be skipped', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 2)
    const consumer = make({ value: json<string>() })
    consumer.assign([ORDERS])
    const batch = (await consumer.poll())!
    const [first, second] = batch
    expect(() => first!.value).toThrow(expect.objectContaining({ code: 'DESERIALIZATION_FAILED' }))
    expect(() => second!.value).toThrow('The value of orders-0 at offset 1 cannot be read')
    expect(second!.key).toBe('1')
  })
})

test('a batch that is not intact is an error that names its place, and a seek goes past it', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 2)
    const { pieces } = logs.log('orders', 0)
    pieces[0]!.bytes[70]! ^= 1
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.assign([ORDERS])
    await expect(consumer.poll()).rejects.toThrow('What was fetched from orders-0 at offset 0 is not intact')
    consumer.seek(ORDERS, 2)
    expect(await take(consumer, 1)).toEqual([2])
  })
})

test('no more is fetched than the limit while nobody asks, and a session says nothing twice', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ world, cluster, logs, consumer: make }) => {
    for (let batch = 0; batch < 50; batch++) logs.append('orders', 0, 10)
    const consumer = make({ maxPartitionFetchBytes: 1000, prefetchMaxBytes: 3000 })
    consumer.assign([ORDERS])
    await consumer.poll()
    const before = cluster.count(Fetch)
    await new Promise<void>((resolve) => world.clock.at(world.clock.monotonicMs() + 10_000, resolve))
    expect(cluster.count(Fetch) - before).toBeLessThan(4)
    expect((await take(consumer, 300)).at(-1)).toBeGreaterThan(300)
    expect(logs.sessionCount).toBe(1)
  })
})

test('a session that the broker forgot begins anew', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
    logs.forgetSessions()
    logs.append('orders', 0, 1)
    expect(await take(consumer, 1)).toEqual([1])
  })
})

test('a lost answer is asked for again', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    cluster.once(Fetch, () => SILENCE)
    const consumer = make({ requestTimeoutMs: 2000 })
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
  })
})

test('a nearer replica is read from when the leader names it, and left when it refuses', async () => {
  await withConsumers({ nodes: 2, topics: { orders: 1 } }, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    cluster.once(Fetch, ({ topics, rackId }) => {
      expect(rackId).toBe('east')
      const [{ topic, topicId }] = topics as [(typeof topics)[0]]
      return {
        responses: [{ topic, topicId, partitions: [{ partitionIndex: 0, preferredReadReplica: 2, highWatermark: 1 }] }],
      }
    })
    const consumer = make({ rack: 'east' })
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
    const fetches = cluster.log.filter((line) => line.startsWith('Fetch'))
    expect(fetches[0]).toMatch(/at 1$/)
    expect(fetches[1]).toMatch(/at 2$/)
    expect(fetches[2]).toMatch(/at 1$/)
  })
})

test('offsets can be asked for by end and by time', async () => {
  await withConsumers({ nodes: 2, topics: { orders: 2 } }, async ({ world, logs, consumer: make }) => {
    logs.append('orders', 0, 3)
    const secondMs = world.clock.wallMs() + 1000
    const consumer = make()
    const partitions = [ORDERS, { topic: 'orders', partition: 1 }]
    expect(await consumer.endOffsets(partitions)).toEqual(
      new Map([
        ['orders-0', 3],
        ['orders-1', 0],
      ]),
    )
    expect(await consumer.beginningOffsets([ORDERS])).toEqual(new Map([['orders-0', 0]]))
    const times = partitions.map((partition) => ({ ...partition, timestampMs: secondMs }))
    expect(await consumer.offsetsForTimes(times)).toEqual(
      new Map([
        ['orders-0', null],
        ['orders-1', null],
      ]),
    )
  })
})

test('a position is known once it is found, also at the end of a log', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ world, logs, consumer: make }) => {
    logs.append('orders', 0, 3)
    const consumer = make({ offsetReset: 'latest' })
    consumer.assign([ORDERS])
    const startMs = world.clock.monotonicMs()
    expect(await consumer.position(ORDERS)).toBe(3)
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(400)
  })
})

test('one loop at a time, a subscription or an assignment, and nothing after close', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ consumer: make }) => {
    const consumer = make()
    await expect(consumer.poll()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    consumer.assign([ORDERS])
    expect(() => consumer.subscribe('orders')).toThrow('unsubscribe first')
    const first = consumer.poll({ timeoutMs: 1000 })
    await expect(consumer.poll()).rejects.toThrow('one at a time')
    expect(await first).toBeNull()
    await expect(consumer.commit()).rejects.toThrow('no group')
    const waiting = consumer.poll()
    await consumer.close()
    expect(await waiting).toBeNull()
    expect(() => consumer.assign([ORDERS])).toThrow('closed')
  })
})

test('an aborted poll rejects with the reason of its signal, and loses nothing', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ world, logs, consumer: make }) => {
    const consumer = make()
    consumer.assign([ORDERS])
    const stop = new AbortController()
    world.clock.at(world.clock.monotonicMs() + 1000, () => stop.abort(new Error('enough')))
    await expect(consumer.poll({ signal: stop.signal })).rejects.toThrow('enough')
    logs.append('orders', 0, 1)
    expect(await take(consumer, 1)).toEqual([0])
  })
})

test('what is no offset or no time is refused before anything is committed or waited for', async () => {
  await withConsumers({ topics: { orders: 1 } }, async ({ consumer: make }) => {
    const consumer = make({ groupId: 'g' })
    consumer.assign([ORDERS])
    for (const offset of [NaN, -1, 1.5, Infinity, '5' as never]) {
      const refused = { code: 'INVALID_ARGUMENT', message: `An offset is a whole number from 0, and not ${offset}.` }
      await expect(consumer.commit([{ ...ORDERS, offset }])).rejects.toMatchObject(refused)
      expect(() => consumer.commitLater([{ ...ORDERS, offset }])).toThrow(refused.message)
      expect(() => consumer.seek(ORDERS, { offset })).toThrow(refused.message)
    }
    for (const timeoutMs of [NaN, -1]) {
      await expect(consumer.poll({ timeoutMs })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })
})

test('a subscription to a topic that may not be read, or cannot exist, is told by the next poll', async () => {
  for (const code of ['TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION'] as const) {
    await withConsumers({ topics: { orders: 1 } }, async ({ cluster, consumer: make }) => {
      cluster.on(Metadata, ({ topics }) => ({
        brokers: [cluster.endpoint(1)],
        topics: (topics ?? []).map(({ name }) => ({ errorCode: ERROR_CODES[code], name })),
      }))
      cluster.on(FindCoordinator, () => SILENCE)
      const consumer = make({ groupId: 'g' })
      consumer.subscribe('orders')
      const refused = { code, message: `Topic orders cannot be subscribed to: ${code}.` }
      await expect(consumer.poll({ timeoutMs: 10_000 })).rejects.toMatchObject(refused)
    })
  }
})
