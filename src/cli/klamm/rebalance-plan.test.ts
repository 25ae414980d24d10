import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rebalancePlan, TooFewBrokers, type SpreadBroker, type SpreadPartition } from './rebalance-plan.ts'

const plain = (...ids: readonly number[]): SpreadBroker[] => ids.map((id) => ({ id, rack: null }))

function partitionsOf(lists: readonly (readonly number[])[]): SpreadPartition[] {
  return lists.map((replicas, partition) => ({ topic: 't', partition, replicas }))
}

function after(brokers: readonly SpreadBroker[], partitions: readonly SpreadPartition[]): SpreadPartition[] {
  const plan = rebalancePlan(brokers, partitions)
  return partitions.map((one) => plan.find(({ partition }) => partition === one.partition) ?? one)
}

const count = (partitions: readonly SpreadPartition[], counts: (id: number, index: number) => boolean): number =>
  partitions.flatMap(({ replicas }) => replicas.filter(counts)).length

test('a cluster that is spread stays as it is', () => {
  expect(
    rebalancePlan(
      plain(1, 2, 3),
      partitionsOf([
        [1, 2],
        [2, 3],
        [3, 1],
      ]),
    ),
  ).toEqual([])
})

test('a broker that was added takes its share, and no more moves than that', () => {
  const before = partitionsOf([
    [1, 2],
    [2, 1],
    [1, 2],
    [2, 1],
    [1, 2],
    [2, 1],
  ])
  const now = after(plain(1, 2, 3), before)
  for (const id of [1, 2, 3]) expect(count(now, (replica) => replica === id)).toBe(4)
  const moved = now.map(({ replicas }, index) => replicas.filter((id) => !before[index]!.replicas.includes(id)).length)
  expect(moved.reduce((sum, one) => sum + one)).toBe(4)
  for (const id of [1, 2, 3]) expect(count(now, (replica, index) => index === 0 && replica === id)).toBe(2)
})

test('a broker that is to go keeps nothing', () => {
  const now = after(
    plain(1, 2, 3),
    partitionsOf([
      [4, 1],
      [1, 4],
      [2, 4],
      [4, 3],
    ]),
  )
  expect(count(now, (id) => id === 4)).toBe(0)
})

test('more replicas than brokers are left cannot be', () => {
  expect(() => rebalancePlan(plain(1, 2), partitionsOf([[1, 2, 3]]))).toThrow(TooFewBrokers)
})

test('replicas that share a rack are separated where another is free, though loads are even', () => {
  const brokers = [1, 2, 3, 4].map((id) => ({ id, rack: id < 3 ? 'a' : 'b' }))
  const now = after(
    brokers,
    partitionsOf([
      [1, 2],
      [3, 4],
      [1, 3],
      [2, 4],
    ]),
  )
  for (const { replicas } of now) expect(new Set(replicas.map((id) => (id < 3 ? 'a' : 'b'))).size).toBe(2)
})

test('leaderships are passed on by way of a broker that has enough of its own', () => {
  // 1 leads three and 3 none, and they share no partition.
  const now = after(
    plain(1, 2, 3),
    partitionsOf(
      [
        [1, 2],
        [1, 2],
        [1, 2],
        [2, 3],
        [2, 3],
        [3, 2],
      ].slice(0, 5),
    ),
  )
  for (const id of [1, 2, 3]) {
    expect(count(now, (replica, index) => index === 0 && replica === id)).toBeGreaterThanOrEqual(1)
  }
})

const clusters = fc
  .record({
    racks: fc.constantFrom(0, 2, 3),
    brokers: fc.integer({ min: 3, max: 7 }),
    gone: fc.integer({ min: 0, max: 2 }),
  })
  .chain(({ racks, brokers, gone }) => {
    const all = Array.from({ length: brokers + gone }, (_, id) => id)
    return fc.record({
      brokers: fc.constant(all.slice(0, brokers).map((id) => ({ id, rack: racks === 0 ? null : String(id % racks) }))),
      lists: fc.array(fc.shuffledSubarray(all, { minLength: 1, maxLength: 3 }), { maxLength: 40 }),
    })
  })

test('whatever the cluster: distinct replicas on brokers that stay, as many as before; made again, nothing more to do', () => {
  fc.assert(
    fc.property(clusters, ({ brokers, lists }) => {
      const before = partitionsOf(lists)
      const now = after(brokers, before)
      now.forEach(({ replicas }, index) => {
        expect(replicas.length).toBe(before[index]?.replicas.length)
        expect(new Set(replicas).size).toBe(replicas.length)
        for (const id of replicas) expect(id).toBeLessThan(brokers.length)
      })
      if (brokers.every(({ rack }) => rack === null)) {
        const loads = brokers.map(({ id }) => count(now, (replica) => replica === id))
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(2)
      }
      expect(rebalancePlan(brokers, now)).toEqual([])
    }),
    { numRuns: 200 },
  )
})
