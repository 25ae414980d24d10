/** What a consumer does when leaders move between brokers, brokers go and come back, and replicas are read from. */
import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { OffsetForLeaderEpoch } from '../../protocol/generated/offset-for-leader-epoch.ts'
import { take, withConsumers, type ConsumerSetting } from '../../testing/scripted/scripted-consumers.ts'
import { pause } from '../call.ts'

const ORDERS = { topic: 'orders', partition: 0 }

function inCluster(seed: number, nodes: number, task: (setting: ConsumerSetting) => Promise<void>): Promise<void> {
  return withConsumers({ nodes, topics: { orders: 1 } }, task, seed)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, offset) => offset)
const refusal = (code: ErrorCode) => (request: { readonly topics: readonly { readonly topicId: string }[] }) => ({
  responses: request.topics.map(({ topicId }) => ({
    topicId: topicId as never,
    partitions: [{ partitionIndex: 0, errorCode: ERROR_CODES[code] }],
  })),
})

test('leaders move, brokers stop and come back: every record comes once, and in order', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    await inCluster(seed, 3, async ({ world, cluster, logs, consumer: make }) => {
      const { choices, clock } = world
      const consumer = make()
      consumer.assign([ORDERS])
      const reading = take(consumer, 200)
      for (let batch = 0; batch < 40; batch++) {
        const node = 1 + choices.below(3)
        const what = choices.below(4)
        if (what === 0) cluster.moveLeader('orders', 0, node)
        if (what === 1 && cluster.nodes.length > 1 && cluster.nodes.includes(node)) {
          await cluster.stopNode(node)
          if (cluster.leads(node, 'orders', 0)) cluster.moveLeader('orders', 0, cluster.nodes[0]!)
        } else if (what === 1 && !cluster.nodes.includes(node)) await cluster.startNode(node)
        logs.append('orders', 0, 5)
        await pause(clock, choices.below(400))
      }
      for (const node of [1, 2, 3]) if (!cluster.nodes.includes(node)) await cluster.startNode(node)
      expect(await reading, `seed ${seed}`).toEqual(upTo(200))
    })
  }
})

test('the leader that a fetch names is asked at once, without new metadata (KIP-951), also a node nobody knew', async () => {
  await inCluster(1, 2, async ({ world, cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
    await cluster.startNode(3)
    cluster.moveLeader('orders', 0, 3)
    logs.append('orders', 0, 1)
    cluster.on(Fetch, (_, { node }) => {
      if (cluster.leads(node, 'orders', 0)) return undefined
      return {
        responses: [
          {
            topicId: cluster.topics.get('orders')!.id,
            partitions: [
              {
                partitionIndex: 0,
                errorCode: ERROR_CODES.NOT_LEADER_OR_FOLLOWER,
                currentLeader: { leaderId: 3, leaderEpoch: 1 },
              },
            ],
          },
        ],
        nodeEndpoints: [cluster.endpoint(3)],
      }
    })
    const before = cluster.count(Metadata)
    const startedMs = world.clock.monotonicMs()
    expect(await take(consumer, 1)).toEqual([1])
    expect(cluster.count(Metadata)).toBe(before)
    // One long poll at the old leader at most, and no pause behind it.
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(550)
  })
})

test('a new epoch is validated with the leader before anything is read under it (KIP-320)', async () => {
  await inCluster(1, 2, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 3)
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 3)).toEqual([0, 1, 2])
    const before = cluster.count(OffsetForLeaderEpoch)
    // The same node, elected anew: what it is asked under the epoch of before is FENCED_LEADER_EPOCH.
    cluster.moveLeader('orders', 0, 1)
    logs.append('orders', 0, 1)
    expect(await take(consumer, 1)).toEqual([3])
    expect(cluster.count(OffsetForLeaderEpoch)).toBe(before + 1)
  })
})

test('a broker that is behind its consumer (UNKNOWN_LEADER_EPOCH) is asked again, and the user does not know', async () => {
  await inCluster(1, 1, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 2)
    cluster.once(Fetch, refusal('UNKNOWN_LEADER_EPOCH'))
    cluster.once(Fetch, refusal('UNKNOWN_LEADER_EPOCH'))
    const consumer = make()
    consumer.assign([ORDERS])
    expect(await take(consumer, 2)).toEqual([0, 1])
  })
})

test('a log that was cut below the position is an error where no reset is wanted', async () => {
  await inCluster(1, 2, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 3)
    logs.append('orders', 0, 3)
    const consumer = make({ offsetReset: 'none' })
    consumer.assign([ORDERS])
    consumer.seek(ORDERS, 0)
    expect(await take(consumer, 6)).toEqual(upTo(6))
    cluster.moveLeader('orders', 0, 2)
    logs.cut('orders', 0, 3)
    await expect(consumer.poll()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      message: 'The log of orders-0 was cut at offset 3, behind which this consumer had read up to 6.',
    })
    consumer.seek(ORDERS, 3)
    logs.append('orders', 0, 1)
    expect(await take(consumer, 1)).toEqual([3])
  })
})

test('a replica that was named is read from until its time is over or it is gone; then the leader is asked again (KIP-392)', async () => {
  await inCluster(1, 2, async ({ world, cluster, logs, consumer: make }) => {
    logs.readableFollowers.add(2)
    logs.append('orders', 0, 1)
    cluster.on(Fetch, ({ topics, rackId }, { node }) => {
      if (node !== 1 || rackId !== 'east' || topics.length === 0 || !cluster.nodes.includes(2)) return undefined
      return {
        responses: topics.map(({ topicId }) => ({
          topicId,
          partitions: [{ partitionIndex: 0, preferredReadReplica: 2, highWatermark: 1 }],
        })),
      }
    })
    const consumer = make({ rack: 'east', metadataMaxAgeMs: 60_000 })
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
    const atLeader = (): number => cluster.log.filter((line) => /^Fetch .* at 1$/.test(line)).length
    expect(atLeader()).toBe(1)
    expect(await consumer.poll({ timeoutMs: 30_000 })).toBeNull()
    expect(atLeader()).toBe(1)
    expect(await consumer.poll({ timeoutMs: 40_000 })).toBeNull()
    expect(atLeader()).toBe(2)
    await cluster.stopNode(2)
    logs.append('orders', 0, 1)
    const startedMs = world.clock.monotonicMs()
    expect(await take(consumer, 1)).toEqual([1])
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(5000)
  })
})

test('a consumer that finds no broker at all begins when one is there', async () => {
  await inCluster(1, 2, async ({ world, cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make()
    await cluster.stopNode(1)
    await cluster.stopNode(2)
    consumer.assign([ORDERS])
    expect(await consumer.poll({ timeoutMs: 90_000 })).toBeNull()
    await cluster.startNode(1)
    const startedMs = world.clock.monotonicMs()
    expect(await take(consumer, 1)).toEqual([0])
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(5000)
  })
})

test('a broker that asks for it sends its client back to the bootstrap addresses (KIP-1102)', async () => {
  await inCluster(1, 2, async ({ cluster, logs, consumer: make }) => {
    logs.append('orders', 0, 1)
    const consumer = make({ brokers: [cluster.bootstrap[0]!], metadataMaxAgeMs: 1000 })
    consumer.assign([ORDERS])
    expect(await take(consumer, 1)).toEqual([0])
    cluster.once(Metadata, () => ({ errorCode: ERROR_CODES.REBOOTSTRAP_REQUIRED }))
    const before = cluster.log.length
    expect(await consumer.poll({ timeoutMs: 5000 })).toBeNull()
    const asked = cluster.log.slice(before).filter((line) => line.startsWith('Metadata'))
    expect(asked.length).toBeGreaterThan(1)
    // The one behind the refusal goes to the address that was given.
    expect(asked[1]).toMatch(/at 1$/)
    logs.append('orders', 0, 1)
    expect(await take(consumer, 1)).toEqual([1])
  })
})
