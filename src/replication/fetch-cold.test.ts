import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { BatchCursor } from '../records/batches.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { baseOffset } from '../records/batch.ts'
import { PartitionLog } from '../storage/partition-log.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { fetchRecords } from './fetch.ts'
import type { FetchResult, FetchTarget } from './partition-read.ts'
import { Partition } from './partition.ts'
import { CONSUMER_FETCH, testContext } from './test-partition.ts'
import { ReadBudget } from './read-budget.ts'

const LEADER = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1] }

/** Partitions whose logs are read from files only, with some batches of drawn sizes in each. */
async function partitionsIn(world: SeededWorld, count: number): Promise<Partition[]> {
  world.main.disk.heal()
  const partitions: Partition[] = []
  for (let index = 0; index < count; index++) {
    const log = await PartitionLog.open({
      ...world.main.world,
      logger: SILENT,
      directory: `/d/t-${index}`,
      topicPartition: { topic: 't', partition: index },
      topicId: null,
      config: { ...DEFAULT_LOG_CONFIG, indexIntervalBytes: 500 },
      cleanShutdown: true,
      recoveryPoint: 0,
      logStartOffset: 0,
      producerIdExpirationMs: 1000,
      tailCache: null,
    })
    for (let batch = world.choices.below(8); batch > 0; batch--) {
      const value = Buffer.alloc(world.choices.between(1, 2000), index)
      await log.append(buildBatch({ records: [{ timestamp: 0, value }] }), { epoch: 0, origin: 'client' }).written
    }
    log.setHighWatermark(log.writtenEnd)
    partitions.push(new Partition({ topic: 't', index, topicId: null }, testContext(), log, LEADER))
  }
  return partitions
}

function offsetsOf({ pieces }: FetchResult): number[] {
  const offsets: number[] = []
  for (const piece of pieces) {
    const cursor = new BatchCursor().reset(piece)
    while (cursor.next()) offsets.push(baseOffset(piece, cursor.at))
  }
  return offsets
}

function target(partition: Partition, fetchOffset: number, maxBytes: number): FetchTarget {
  return {
    partition,
    error: null,
    fetchOffset,
    maxBytes,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
  }
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'with seed %i a fetch of many cold partitions keeps order, limits and memory',
  (seed) =>
    new SeededWorld(seed).run(async (world) => {
      const partitions = await partitionsIn(world, world.choices.between(1, 12))
      const budget = new ReadBudget(world.choices.between(1, 12) * 4096, null)
      const fetchOnce = async (): Promise<void> => {
        const targets = partitions.map((partition) => {
          const end = partition.log?.writtenEnd ?? 0
          return target(partition, world.choices.between(0, end), world.choices.between(0, 5000))
        })
        const limits = {
          ...CONSUMER_FETCH,
          maxBytes: world.choices.between(1, 20_000),
          minOneBatch: world.choices.chance(0.8),
        }
        const results = await fetchRecords(world.clock, targets, limits, budget, () => {})
        let left = limits.maxBytes
        let minOneBatch = limits.minOneBatch
        for (const [at, result] of results.entries()) {
          const { fetchOffset, maxBytes, partition } = targets[at]!
          expect(result.error).toBeNull()
          const offsets = offsetsOf(result)
          expect(offsets).toEqual(offsets.map((_, place) => fetchOffset + place))
          expect(result.pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(result.bytes)
          for (const piece of result.pieces) expect(piece.at(-1), 'its own records').toBeDefined()
          const limit = Math.min(left, maxBytes)
          const hasData = fetchOffset < (partition?.log?.writtenEnd ?? 0)
          if (minOneBatch && hasData) expect(offsets.length).toBeGreaterThan(0)
          if (result.bytes > limit) expect([minOneBatch, offsets.length]).toEqual([true, 1])
          if (result.bytes > 0) minOneBatch = false
          left = Math.max(0, left - result.bytes)
        }
        for (const result of results) result.release?.()
      }
      await Promise.all(Array.from({ length: 4 }, fetchOnce))
      expect(budget.heldBytes).toBe(0)
      for (const { log } of partitions) await log?.closeHard()
    }),
)

test('cold partitions are read some at a time, and no more than the byte limit may take', () =>
  new SeededWorld(3).run(async (world) => {
    const partitions = (await partitionsIn(world, 30)).filter(({ log }) => (log?.writtenEnd ?? 0) > 0)
    const fetchMs = async (maxBytes: number): Promise<number> => {
      const startedMs = world.clock.monotonicMs()
      const targets = partitions.map((partition) => target(partition, 0, 1000))
      const limits = { ...CONSUMER_FETCH, maxBytes }
      const results = await fetchRecords(world.clock, targets, limits, new ReadBudget(1 << 20, null), () => {})
      for (const result of results) result.release?.()
      return world.clock.monotonicMs() - startedMs
    }
    await fetchMs(1 << 20)
    const all = await fetchMs(1 << 20)
    let single = 0
    for (const partition of partitions) {
      const startedMs = world.clock.monotonicMs()
      const [result] = await fetchRecords(
        world.clock,
        [target(partition, 0, 1000)],
        CONSUMER_FETCH,
        new ReadBudget(1 << 20, null),
        () => {},
      )
      result?.release?.()
      single += world.clock.monotonicMs() - startedMs
    }
    expect(all).toBeLessThan(single / 2)
    expect(await fetchMs(1)).toBeLessThan(all / 2)
  }))
