/**
 * From static voters (kraft.version 0) to voters in the log (1), while the quorum runs (KIP-853). Configuration knows ids and
 * addresses only, so each voter tells the leader what it is: its directory, its listeners, the levels that it serves. When
 * all have, level and set are written as one batch, which is in force as soon as it is appended.
 *
 * Invariants: the ids of the voters stay the same, so that majorities before and after overlap; what was told is forgotten
 * with the leadership; there is no way back.
 */
import { assert } from '../base/errors.ts'
import type { RaftState } from './raft-state.ts'
import { servesLevel, withVoter, type Voter } from './voters.ts'

/** A static voter tells the leader what it is. */
export function noteVoter({ leadership, set }: RaftState, voter: Voter, nowMs: number): void {
  if (leadership === null) return
  leadership.told = withVoter(leadership.told, voter)
  leadership.heardVoter(voter.id, set, nowMs)
}

/** Why the leader can't raise kraft.version to `level`, in Kafka's words; null: nothing is in the way. */
export function upgradeObstacle(state: RaftState, level: number): string | null {
  const { set, leadership } = state
  if (level <= set.kraftVersion) return null
  const told = leadership?.told.voters ?? []
  if (told.every(({ kraftVersions }) => servesLevel(kraftVersions, level))) return null
  return `Invalid upgrade of kraft.version to KRAFT_VERSION_${level} because not all of the voters support it`
}

/** Of a leader without an obstacle. */
export function upgradeKraftVersion(state: RaftState, level: number): void {
  const { leadership, set } = state
  if (level <= set.kraftVersion) return
  assert(leadership !== null && upgradeObstacle(state, level) === null, 'only a level that all voters serve is written')
  const { voters } = leadership.told
  leadership.identify(voters)
  state.appendControl(null, { kraftVersion: level, voters })
}
