import { expect, test } from 'vitest'
import { FollowerProgress } from './follower-progress.ts'

const LAG_MS = 30_000

function fetched(follower: FollowerProgress, nowMs: number, offset: number, leaderEnd: number): void {
  follower.fetched({ offset, startOffset: 0, brokerEpoch: -1, leaderEnd, nowMs })
}

test('a follower that reaches the end as it was at its last fetch was caught up then, though the leader is ahead again', () => {
  const follower = new FollowerProgress(2)
  fetched(follower, 0, 0, 10)
  fetched(follower, 20_000, 10, 20)
  fetched(follower, 40_000, 20, 30)
  expect(follower.isCaughtUp(30, 50_000, LAG_MS)).toBe(true)
  expect(follower.isCaughtUp(30, 50_001, LAG_MS)).toBe(false)
})

test('a follower that stays behind the end of its last fetch is not caught up', () => {
  const follower = new FollowerProgress(2)
  fetched(follower, 0, 0, 10)
  fetched(follower, 40_000, 5, 20)
  fetched(follower, 80_000, 10, 30)
  expect(follower.isCaughtUp(30, 80_000, LAG_MS)).toBe(false)
})

test('a follower at the end is caught up however long ago it fetched', () => {
  const follower = new FollowerProgress(2)
  fetched(follower, 0, 10, 10)
  expect(follower.isCaughtUp(10, 1_000_000, LAG_MS)).toBe(true)
  expect(follower.isCaughtUp(11, 30_000, LAG_MS)).toBe(true)
  expect(follower.isCaughtUp(11, 30_001, LAG_MS)).toBe(false)
})

test('a new leader knows nothing of followers but gives those in sync their time; a leader in a new epoch knows them still', () => {
  const follower = new FollowerProgress(2)
  fetched(follower, 0, 10, 10)
  follower.restart(100, 12, true, false)
  expect([follower.endOffset, follower.startOffset, follower.brokerEpoch]).toEqual([10, 0, -1])
  expect(follower.isCaughtUp(12, 30_100, LAG_MS)).toBe(true)
  follower.restart(200, 12, true, true)
  expect([follower.endOffset, follower.startOffset, follower.brokerEpoch]).toEqual([-1, -1, null])
  expect(follower.isCaughtUp(12, 30_200, LAG_MS)).toBe(true)
  follower.restart(200, 12, false, true)
  expect(follower.isCaughtUp(12, 200, LAG_MS)).toBe(false)
})
