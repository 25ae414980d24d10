import { expect, test } from 'vitest'
import { FollowerProgress } from './follower-progress.ts'
import { replicaInRack } from './replica-selector.ts'

const RACKS = new Map([
  [1, 'a'],
  [2, 'b'],
  [3, 'b'],
  [4, 'c'],
])
const rackOf = (id: number): string | null => RACKS.get(id) ?? null

function follower(id: number, offset: number, nowMs = 0): FollowerProgress {
  const progress = new FollowerProgress(id)
  progress.fetched({ offset, startOffset: 0, brokerEpoch: -1, leaderEnd: offset, nowMs })
  return progress
}

test('the replica in the rack of the consumer that has most, then the fresher one, is chosen', () => {
  expect(replicaInRack('b', 1, [follower(2, 5), follower(3, 4), follower(4, 9)], rackOf)).toBe(2)
  expect(replicaInRack('b', 1, [follower(2, 5, 1), follower(3, 5, 0)], rackOf)).toBe(2)
  expect(replicaInRack('b', 1, [follower(2, 5), follower(3, 5)], rackOf)).toBe(3)
})

test('the leader is read from when it is in the rack, when nobody is, and when there is no rack', () => {
  expect(replicaInRack('b', 2, [follower(3, 5)], rackOf)).toBe(null)
  expect(replicaInRack('d', 1, [follower(2, 5)], rackOf)).toBe(null)
  expect(replicaInRack('', 1, [follower(2, 5)], rackOf)).toBe(null)
  expect(replicaInRack('b', 1, [], rackOf)).toBe(null)
})
