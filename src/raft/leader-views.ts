/** What to make of somebody's word about epoch and leader. */
import type { LeaderView } from './messages.ts'
import type { RaftState } from './raft-state.ts'

/** Follows a newer epoch, or the leader of this one. False: it contradicts what is known, and a peer is wrong. */
export function adoptLeader(state: RaftState, view: LeaderView, nowMs: number): boolean {
  const { epoch, leaderId } = view
  const endpoint = view.endpoint ?? (leaderId < 0 ? null : state.endpointOfVoter(leaderId))
  if (leaderId === state.self.id && state.options.mayVote) {
    const isOurs = epoch < state.epoch || (epoch === state.epoch && state.leaderId === leaderId)
    if (!isOurs) state.complain(`a peer takes this node for the leader of epoch ${epoch}, which it is not`)
    return isOurs
  }
  if (epoch > state.epoch) {
    if (leaderId < 0) state.becomeUnattached(epoch, nowMs)
    else state.becomeFollower(epoch, leaderId, endpoint, nowMs)
    return true
  }
  if (epoch < state.epoch || leaderId < 0) return true
  if (state.leaderId >= 0 && state.leaderId !== leaderId) {
    state.complain(`epoch ${epoch} has two leaders: ${state.leaderId} and ${leaderId}`)
    return false
  }
  const { role } = state
  if (state.leaderId < 0 || role.name === 'prospective') state.becomeFollower(epoch, leaderId, endpoint, nowMs)
  else if (state.leaderEndpoint === null && endpoint !== null) state.leaderEndpoint = endpoint
  return true
}
