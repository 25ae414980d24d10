/** Vote, BeginQuorumEpoch and EndQuorumEpoch at the one who gets them. */
import type { ErrorCode } from '../base/error-codes.ts'
import type { BeginEpochRequest, EndEpochRequest, SimpleAnswer, VoteRequest } from './messages.ts'
import type { RaftState } from './raft-state.ts'
import type { ReplyToken } from './raft-io.ts'
import { adoptLeader } from './leader-views.ts'
import { endpointOf, sameKey } from './voters.ts'

export function handleVote(state: RaftState, token: ReplyToken, request: VoteRequest, nowMs: number): void {
  const { candidate, epoch, lastEpoch, lastOffset, preVote } = request
  const answer = (error: ErrorCode, granted = false): void => replyWith(state, token, 'vote', error, granted)
  // A candidate's epoch is new; one that only asks hasn't moved to it yet.
  if (lastOffset < 0 || lastEpoch < 0 || (preVote ? lastEpoch > epoch : lastEpoch >= epoch))
    return answer('INVALID_REQUEST')
  if (epoch < state.epoch) return answer('FENCED_LEADER_EPOCH')
  if (candidate.id < 0) return answer('INVALID_REQUEST')
  if (epoch > state.epoch) state.becomeUnattached(epoch, nowMs)
  if (!state.isSelf(request.voter)) return answer('INVALID_VOTER_KEY')
  const isUpToDate = state.log.isUpToDate({ endOffset: lastOffset, epoch: lastEpoch })
  const granted = preVote ? grantsPreVote(state, isUpToDate) : grantsVote(state, request, isUpToDate)
  if (granted && !preVote && state.voted === null) state.becomeVoted(candidate, nowMs)
  answer('NONE', granted)
}

function grantsPreVote({ role }: RaftState, isUpToDate: boolean): boolean {
  if (role.name === 'leader' || role.name === 'stopped') return false
  // Who hears from a leader protects it.
  if (role.name === 'follower' && role.hasFetched) return false
  return isUpToDate
}

function grantsVote(state: RaftState, { candidate }: VoteRequest, isUpToDate: boolean): boolean {
  if (state.role.name === 'stopped') return false
  if (state.voted !== null) return sameKey(state.voted, candidate)
  return state.leaderId < 0 && isUpToDate
}

export function handleBeginEpoch(state: RaftState, token: ReplyToken, request: BeginEpochRequest, nowMs: number): void {
  const { leaderId, epoch, endpoints } = request
  const answer = (error: ErrorCode): void => replyWith(state, token, 'beginEpoch', error)
  if (epoch < state.epoch) return answer('FENCED_LEADER_EPOCH')
  if (leaderId < 0) return answer('INVALID_REQUEST')
  const endpoint = endpointOf(endpoints, state.options.listenerName)
  if (!adoptLeader(state, { epoch, leaderId, endpoint }, nowMs)) return answer('INVALID_REQUEST')
  answer(state.isSelf(request.voter) ? 'NONE' : 'INVALID_VOTER_KEY')
}

export function handleEndEpoch(state: RaftState, token: ReplyToken, request: EndEpochRequest, nowMs: number): void {
  const { leaderId, epoch, endpoints, successors } = request
  const answer = (error: ErrorCode): void => replyWith(state, token, 'endEpoch', error)
  if (epoch < state.epoch) return answer('FENCED_LEADER_EPOCH')
  if (leaderId < 0) return answer('INVALID_REQUEST')
  const endpoint = endpointOf(endpoints, state.options.listenerName)
  if (!adoptLeader(state, { epoch, leaderId, endpoint }, nowMs)) return answer('INVALID_REQUEST')
  const { role } = state
  if (role.name === 'follower' && state.leaderId === leaderId) {
    role.fetchAtMs =
      nowMs +
      successionMs(
        state,
        successors.findIndex((key) => state.isSelf(key)),
        successors.length,
      )
    // The leader is gone by its own word: nothing to protect it from.
    role.hasFetched = false
    role.hasLeaderLeft = true
  }
  answer('NONE')
}

/** How long one of `count` successors waits: the best not at all, each other one twice as long as the one before. */
function successionMs(state: RaftState, rank: number, count: number): number {
  const { electionBackoffMaxMs } = state.options.timing
  if (rank === 0) return 0
  if (rank < 0) return electionBackoffMaxMs
  return Math.min(electionBackoffMaxMs, (electionBackoffMaxMs >> (count - 1)) << (rank - 1))
}

function replyWith(
  state: RaftState,
  token: ReplyToken,
  kind: SimpleAnswer['kind'],
  error: ErrorCode,
  granted = false,
): void {
  state.reply(token, { kind, error, leader: state.leader, granted })
}
