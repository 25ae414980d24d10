import { expect, test } from 'vitest'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { RoundRobinPartitioner, StickyPartitioner } from './partitioner.ts'

const ALL = { count: 4, available: [0, 1, 2, 3] }

test('the sticky partition stays until a batch has been filled, and then changes', () => {
  const sticky = new StickyPartitioner(new SeededRandom(3), 1000)
  const first = sticky.current(ALL)
  sticky.appended(999, true, ALL)
  expect(sticky.current(ALL)).toBe(first)
  const seen = new Set<number>()
  for (let turn = 0; turn < 40; turn++) {
    sticky.appended(1000, true, ALL)
    seen.add(sticky.current(ALL))
  }
  expect(seen.size).toBe(4)
})

test('within a batch the partition changes only after two batches of bytes', () => {
  const sticky = new StickyPartitioner(new SeededRandom(1), 1000)
  const partitions = { count: 1000, available: Array.from({ length: 1000 }, (_, index) => index) }
  const first = sticky.current(partitions)
  sticky.appended(1999, false, partitions)
  expect(sticky.current(partitions)).toBe(first)
  sticky.appended(1, false, partitions)
  expect(sticky.current(partitions)).not.toBe(first)
})

test('partitions without a leader are not chosen while others have one', () => {
  const sticky = new StickyPartitioner(new SeededRandom(1), 10)
  const roundRobin = new RoundRobinPartitioner()
  for (let turn = 0; turn < 50; turn++) {
    sticky.appended(10, true, { count: 4, available: [1, 3] })
    expect([1, 3]).toContain(sticky.current({ count: 4, available: [1, 3] }))
    expect([1, 3]).toContain(roundRobin.choose({ count: 4, available: [1, 3] }))
  }
  expect(Array.from({ length: 6 }, () => new RoundRobinPartitioner().choose({ count: 3, available: [] }))).toContain(0)
})

test('a partition whose queue is long is chosen less often', () => {
  const sticky = new StickyPartitioner(new SeededRandom(1), 10)
  sticky.setLoad(
    [9, 0, 0, 0].map((length, partition) => ({ partition, length })),
    4,
  )
  const chosen = [0, 0, 0, 0]
  for (let turn = 0; turn < 3100; turn++) {
    sticky.appended(10, true, ALL)
    chosen[sticky.current(ALL)]! += 1
  }
  // One chance of 31, against ten each.
  expect(chosen[0]).toBeGreaterThan(40)
  expect(chosen[0]).toBeLessThan(200)
  expect(Math.min(...chosen.slice(1))).toBeGreaterThan(800)
})

test('round robin takes one after the other', () => {
  const roundRobin = new RoundRobinPartitioner()
  expect(Array.from({ length: 5 }, () => roundRobin.choose(ALL))).toEqual([0, 1, 2, 3, 0])
})
