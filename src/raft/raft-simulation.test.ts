/** Some seeds of the quorum under chaos; `npm run sim:raft -- --seeds=10000` runs more, and `npm run sim:mutants` plants bugs. */
import { expect, test } from 'vitest'
import { runRaftChaos } from '../testing/raft/raft-chaos.ts'

test('quorums under chaos keep one leader an epoch, lose nothing that was committed, and come to rest', () => {
  const counters = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) {
    const run = runRaftChaos(seed)
    expect(run.error, `npm run sim:raft -- --seed=${seed}`).toBe(null)
    for (const counter of run.counters) counters.add(counter)
  }
  expect([...counters]).toEqual(
    expect.arrayContaining([
      'log truncated',
      'snapshot fetched',
      'voter removed',
      'voter change cut off',
      'voter crashed after its vote',
      'votes came late',
    ]),
  )
})

test('one seed does the same twice', () => {
  expect(runRaftChaos(7).lines).toEqual(runRaftChaos(7).lines)
})

test('a vote that is saved only after it was given, and a leader that counts what it has not synced, are found', () => {
  const isFound = (neglect: { saveLater: boolean; countUnsynced: boolean }): boolean => {
    for (let seed = 1; seed <= 60; seed++) if (runRaftChaos(seed, neglect).error !== null) return true
    return false
  }
  expect(isFound({ saveLater: true, countUnsynced: false })).toBe(true)
  expect(isFound({ saveLater: false, countUnsynced: true })).toBe(true)
})
