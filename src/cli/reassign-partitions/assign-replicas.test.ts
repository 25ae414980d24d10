import { expect, test } from 'vitest'
import { assignReplicas } from './assign-replicas.ts'

const RANDOM = { uint32: () => 0, below: () => 0, bytes: (length: number) => Buffer.alloc(length) }
const plain = (...ids: readonly number[]) => ids.map((id) => ({ id, rack: null }))

/** The example of AdminUtils' documentation: five brokers, ten partitions, three replicas. */
test('leaders go round the brokers, followers behind them, shifted after each round', () => {
  expect(assignReplicas(plain(0, 1, 2, 3, 4), 10, 3, RANDOM)).toEqual([
    [0, 1, 2],
    [1, 2, 3],
    [2, 3, 4],
    [3, 4, 0],
    [4, 0, 1],
    [0, 2, 3],
    [1, 3, 4],
    [2, 4, 0],
    [3, 0, 1],
    [4, 1, 2],
  ])
})

test('racks are taken in turn, and none has two replicas while another has none', () => {
  const rackOf = ['a', 'b', 'b', 'c', 'c', 'a']
  const brokers = rackOf.map((rack, id) => ({ id, rack }))
  const lists = assignReplicas(brokers, 12, 3, RANDOM)
  expect(lists.slice(0, 6).map(([leader]) => leader)).toEqual([0, 1, 3, 5, 2, 4])
  for (const replicas of lists) expect(new Set(replicas.map((id) => rackOf[id])).size).toBe(3)
})

test('all brokers of few racks, and too few brokers', () => {
  const brokers = [0, 1, 2].map((id) => ({ id, rack: id === 0 ? 'a' : 'b' }))
  expect(assignReplicas(brokers, 1, 3, RANDOM)[0]?.toSorted()).toEqual([0, 1, 2])
  expect(assignReplicas(plain(7), 2, 1, RANDOM)).toEqual([[7], [7]])
  expect(() => assignReplicas(plain(1), 1, 2, RANDOM)).toThrow(
    'Replication factor: 2 larger than available brokers: 1.',
  )
})
