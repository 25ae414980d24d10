import { expect, test } from 'vitest'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import type { DelayedFetch } from './delayed-fetch.ts'
import { fetchRecords } from './fetch.ts'
import type { FetchLimits, FetchResult, FetchTarget } from './partition-read.ts'
import { Partition, type Assignment } from './partition.ts'
import { ReadBudget } from './read-budget.ts'
import { CONSUMER_FETCH, testContext } from './test-partition.ts'

const LED: Assignment = { leader: 1, leaderEpoch: 5, partitionEpoch: 0, isr: [1, 2, 3], replicas: [1, 2, 3] }
const CONSUMER: FetchLimits = { ...CONSUMER_FETCH, maxWaitMs: 500, minBytes: 1, leaderOnly: false }

/** With a record of that leader epoch in the log. */
async function setUp(changes: Partial<Assignment> = {}, epochBefore: number | null = null) {
  const context = testContext()
  const log = await testLog({}, true).open()
  if (epochBefore !== null) await log.append(batchOf('old'), { ...CLIENT, epoch: epochBefore }).written
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, context, log, { ...LED, ...changes })
  const waiting = new Set<DelayedFetch>()
  const fetch = async (fetchOffset: number, limits: Partial<FetchLimits>, target: Partial<FetchTarget> = {}) => {
    const epochs = { currentLeaderEpoch: 5, lastFetchedEpoch: -1 }
    const wanted = { partition, error: null, fetchOffset, maxBytes: 1 << 20, logStartOffset: 0, ...epochs, ...target }
    const [result] = await fetchRecords(
      context.clock,
      [wanted],
      { ...CONSUMER, ...limits },
      new ReadBudget(1 << 20, null),
      (delayed) => waiting.add(delayed),
    )
    result?.release?.()
    return result!
  }
  const replica = (id: number, offset: number, target: Partial<FetchTarget> = {}): Promise<FetchResult> =>
    fetch(offset, { reach: 'log end', replicaId: id, replicaEpoch: id * 10, leaderOnly: true }, target)
  const write = (): Promise<void> => partition.append(log, batchOf('a'), { origin: CLIENT.origin }).written
  return { context, log, partition, fetch, replica, write, waiting }
}

test('a replica gets what is not committed yet, at once when it is written, and a consumer when every replica has it', async () => {
  const { context, log, fetch, replica, write } = await setUp()
  const order: string[] = []
  const consumer = fetch(0, {}).then((result) => void order.push(`consumer ${result.bytes > 0}`))
  const two = replica(2, 0).then((result) => void order.push(`2 ${result.bytes > 0}`))
  const three = replica(3, 0).then((result) => void order.push(`3 ${result.bytes > 0}`))
  await context.clock.advance(1)
  await write()
  await Promise.all([two, three])
  expect([order, log.highWatermark]).toEqual([['2 true', '3 true'], 0])
  void replica(2, 1)
  await context.clock.advance(1)
  expect([order.length, log.highWatermark]).toEqual([2, 0])
  void replica(3, 1)
  await consumer
  expect([order[2], log.highWatermark]).toEqual(['consumer true', 1])
})

test('what a replica asks for counts once, however often its fetch reads anew', async () => {
  const { context, log, replica, write } = await setUp({ isr: [1, 2], replicas: [1, 2] })
  const fetching = replica(2, 0)
  await context.clock.advance(1)
  // Counted again, it would be one of a former incarnation.
  context.live.set(2, 21)
  await write()
  expect([(await fetching).error, log.highWatermark]).toEqual([null, 0])
})

test('a replica that is none, and one that must cut its log or is of another epoch, moves nothing', async () => {
  const { log, replica, write } = await setUp({ isr: [1, 2], replicas: [1, 2] }, 2)
  await write()
  const epochs = { lastFetchedEpoch: 2 }
  expect((await replica(4, 2)).error).toMatchObject({ code: 'UNKNOWN_LEADER_EPOCH' })
  expect((await replica(4, 2, { currentLeaderEpoch: -1 })).error).toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' })
  expect((await replica(2, 3)).error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
  expect((await replica(2, 2, { currentLeaderEpoch: 4 })).error).toMatchObject({ code: 'FENCED_LEADER_EPOCH' })
  expect((await replica(2, 2, epochs)).divergingEpoch).toEqual({ epoch: 2, endOffset: 1 })
  expect(log.highWatermark).toBe(0)
  // The fetch that moves the high watermark learns of it.
  expect([(await replica(2, 1, epochs)).highWatermark, log.highWatermark]).toEqual([1, 1])
})

test('a consumer that may read from followers is served by one up to its high watermark, an older one is not', async () => {
  const { log, fetch } = await setUp({ leader: 2 })
  await log.append(batchOf('a', 2), CLIENT).written
  await log.append(batchOf('b', 2), CLIENT).written
  log.setHighWatermark(2)
  const { error, bytes, highWatermark } = await fetch(0, { maxWaitMs: 0 })
  expect([error, bytes, highWatermark]).toEqual([null, batchOf('a', 2).length, 2])
  expect((await fetch(0, { leaderOnly: true })).error).toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' })
})

test('a consumer is sent to a follower in sync that has its offset, at once and without records', async () => {
  const { fetch, partition, log, write } = await setUp({ isr: [1, 2] })
  await write()
  for (const replicaId of [2, 3])
    partition.replicaFetched(log, { replicaId, brokerEpoch: -1, offset: 1, logStartOffset: 1 })
  const offered: number[][] = []
  const choose: FetchLimits['choose'] = (from, offset) => {
    offered.push(from.followersWith(offset).map(({ id }) => id))
    return from.followersWith(offset)[0]?.id ?? null
  }
  const here = await fetch(0, { choose })
  expect([here.preferredReplica, here.bytes > 0]).toEqual([-1, true])
  const there = await fetch(1, { choose })
  expect([there.preferredReplica, there.bytes, there.highWatermark]).toEqual([2, 0, 1])
  expect(offered).toEqual([[], [2]])
})
