import { expect, test } from 'vitest'
import { ZERO_UUID } from '../base/uuid.ts'
import { Raft } from './raft.ts'

test('a single voter elects itself in a new epoch, which is saved before the leader change', () => {
  const raft = new Raft({ nodeId: 7, lastEpoch: 4 })
  const output = raft.step({ kind: 'started', logEnd: 100 })
  expect(output.save).toEqual({ leaderId: 7, leaderEpoch: 5, votedId: -1, votedDirectoryId: ZERO_UUID })
  expect(output.lead).toEqual({ epoch: 5 })
  expect(output.committedTo).toBe(-1)
})

test('old entries are committed only with the first entry of the epoch', () => {
  const raft = new Raft({ nodeId: 1, lastEpoch: 0 })
  raft.step({ kind: 'started', logEnd: 10 })
  expect(raft.step({ kind: 'synced', end: 10 }).committedTo).toBe(-1)
  expect(raft.step({ kind: 'synced', end: 11 }).committedTo).toBe(11)
})

test('the committed end never goes back, and stands still after a resignation', () => {
  const raft = new Raft({ nodeId: 1, lastEpoch: 0 })
  raft.step({ kind: 'started', logEnd: 0 })
  expect(raft.step({ kind: 'synced', end: 5 }).committedTo).toBe(5)
  expect(raft.step({ kind: 'synced', end: 3 }).committedTo).toBe(5)
  raft.step({ kind: 'resigned' })
  expect(raft.step({ kind: 'synced', end: 9 }).committedTo).toBe(5)
  expect(raft.role).toBe('resigned')
})
