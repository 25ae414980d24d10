/** What a leader counts as committed from what its replicas tell. */
import { expect, test } from 'vitest'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import { Leadership } from './leadership.ts'
import { DIRECTORIES, TestRaft, testVoter } from './test-raft.ts'
import type { VoterSet } from './voters.ts'

const [SELF, OLD, NEW] = DIRECTORIES as [Uuid, Uuid, Uuid]
const FIVE: VoterSet = {
  kraftVersion: 0,
  voters: [1, 2, 3, 4, 5].map((id) => ({ ...testVoter(id), directoryId: ZERO_UUID })),
}

function leadership(): Leadership {
  return new Leadership({ id: 1, directoryId: SELF }, FIVE, 0, 2000, 0)
}

test('a static voter whose disk was replaced counts for what it has now, not for what it had', () => {
  const leading = leadership()
  leading.heard({ id: 2, directoryId: OLD }, 100, 100, FIVE, 1)
  leading.heard({ id: 2, directoryId: NEW }, 0, 100, FIVE, 2)
  leading.heard({ id: 3, directoryId: OLD }, 100, 100, FIVE, 3)
  expect(leading.advance(100, FIVE)).toBe(false)
  leading.heard({ id: 2, directoryId: NEW }, 100, 100, FIVE, 4)
  expect(leading.advance(100, FIVE)).toBe(true)
})

test('the high watermark stays where it was when a voter falls back', () => {
  const leading = leadership()
  leading.heard({ id: 2, directoryId: OLD }, 100, 100, FIVE, 1)
  leading.heard({ id: 3, directoryId: OLD }, 100, 100, FIVE, 1)
  expect(leading.advance(100, FIVE)).toBe(true)
  leading.heard({ id: 2, directoryId: NEW }, 0, 100, FIVE, 2)
  expect(leading.advance(100, FIVE)).toBe(false)
  expect(leading.highWatermark).toBe(100)
})

test('a static voter that fetches from before the log of the leader has nothing, until it tells what it has', () => {
  const staticVoters = FIVE.voters.slice(0, 3)
  const snapshot = { endOffset: 10, epoch: 1, bytes: 9 }
  const one = new TestRaft({
    voters: [{ offset: -1, set: { kraftVersion: 0, voters: staticVoters } }],
    log: { startOffset: 10, endOffset: 20, epochs: [{ epoch: 1, startOffset: 10 }], snapshots: [snapshot] },
    syncedEnd: 20,
  })
  one.elect()
  const endOfTwo = (): number | undefined => one.raft.status(one.nowMs)!.voters[1]!.progress?.endOffset
  one.fetchFrom(2, 20, 1)
  expect(endOfTwo()).toBe(20)
  const { reply } = one.fetchFrom(2, 0, 0)
  expect(reply).toMatchObject([{ answer: { snapshotId: { endOffset: 10, epoch: 1 } } }])
  expect(endOfTwo()).toBe(-1)
  one.fetchFrom(2, 10, 1)
  expect(endOfTwo()).toBe(10)
})
