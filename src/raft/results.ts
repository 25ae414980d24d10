/** What comes back for requests: votes, records, pieces of snapshots, and always the other side's view of the leader. */
import type { ErrorCode } from '../base/error-codes.ts'
import { adoptLeader } from './leader-views.ts'
import type { FetchResult, LeaderView, RaftResult, SimpleAnswer } from './messages.ts'
import type { Sent } from './peers.ts'
import type { RaftState } from './raft-state.ts'
import { handlePiece, heardLeader } from './snapshot-download.ts'
import { handleApiVersions, noApiVersions } from './voter-changes.ts'

export function handleAnswered(state: RaftState, requestId: number, result: RaftResult, nowMs: number): void {
  const sent = state.peers.take(requestId)
  if (sent === null) return
  if (!handle(state, sent, result, nowMs)) state.peers.pause(sent.address, nowMs)
}

/** Nothing came. */
export function handleFailed(state: RaftState, requestId: number, unsupported: boolean, nowMs: number): void {
  const sent = state.peers.take(requestId)
  if (sent !== null) fail(state, sent, unsupported, nowMs)
}

export function expireRequests(state: RaftState, nowMs: number): void {
  for (const sent of state.peers.expire(nowMs)) fail(state, sent, false, nowMs)
}

function fail(state: RaftState, sent: Sent, unsupported: boolean, nowMs: number): void {
  const { request } = sent
  const { role } = state
  if (request.kind === 'vote' && request.preVote && unsupported && role.name === 'prospective') {
    // A node without pre-votes would take part in the election at once.
    return role.ballot.record(sent.peerId, true)
  }
  if (request.kind === 'updateVoter' && unsupported) return void noteTold(state, nowMs)
  state.peers.pause(sent.address, nowMs)
  if (request.kind === 'apiVersions') noApiVersions(state, 'The new voter did not answer.')
}

/** False: leave that node alone for a moment. */
function handle(state: RaftState, sent: Sent, result: RaftResult, nowMs: number): boolean {
  switch (result.kind) {
    case 'apiVersions':
      return handleApiVersions(state, result, nowMs)
    case 'addVoter':
    case 'removeVoter':
      // Asked for by this node itself (auto join); it asks again later if it must.
      return result.error === 'NONE'
    case 'fetch':
      return isSettled(state, result.error, result.leader, nowMs) ?? handleFetched(state, result, nowMs)
    case 'fetchSnapshot':
      return isSettled(state, result.error, result.leader, nowMs) ?? handlePiece(state, result, nowMs)
    case 'updateVoter':
      if (result.error === 'UNSUPPORTED_VERSION') return noteTold(state, nowMs)
      return isSettled(state, result.error, result.leader, nowMs) ?? noteTold(state, nowMs)
    default:
      return isSettled(state, result.error, result.leader, nowMs) ?? handleSimple(state, sent, result)
  }
}

/** Null: the answer counts. Else it says no more than who leads, and whether to ask again at once. */
function isSettled(state: RaftState, error: ErrorCode, leader: LeaderView, nowMs: number): boolean | null {
  if (leader.epoch < state.epoch && error === 'NONE') return true
  const { epoch, leaderId } = state
  const isNews = leader.epoch > epoch || error === 'FENCED_LEADER_EPOCH' || error === 'NOT_LEADER_OR_FOLLOWER'
  if (isNews || (leader.epoch === epoch && leader.leaderId >= 0 && leaderId < 0)) {
    if (!adoptLeader(state, leader, nowMs)) return false
    const hasChanged = state.epoch !== epoch || state.leaderId !== leaderId
    // An observer may find the leader and its records in one answer.
    if (error === 'NONE' && state.epoch === epoch && state.role.name === 'follower') return null
    return hasChanged
  }
  return error === 'NONE' ? null : isAnswerInItself(error) ? null : false
}

function isAnswerInItself(error: ErrorCode): boolean {
  return error === 'SNAPSHOT_NOT_FOUND' || error === 'POSITION_OUT_OF_RANGE'
}

function handleSimple({ role, epoch }: RaftState, { request, peerId }: Sent, result: SimpleAnswer): boolean {
  if (request.kind === 'vote' && request.epoch === epoch) {
    if (request.preVote && role.name === 'prospective') role.ballot.record(peerId, result.granted)
    if (!request.preVote && role.name === 'candidate') role.ballot.record(peerId, result.granted)
  }
  if (request.kind === 'endEpoch' && role.name === 'resigned') role.unacknowledged.delete(peerId)
  return true
}

/** The leader knows this voter; or it is of a release that doesn't ask, and static voters don't have to tell. */
function noteTold(state: RaftState, nowMs: number): true {
  const { role } = state
  if (role.name !== 'follower') return true
  role.hasToldLeader = true
  heardLeader(state, nowMs)
  return true
}

function handleFetched(state: RaftState, result: FetchResult, nowMs: number): boolean {
  const { role, log } = state
  if (role.name !== 'follower') return true
  const { diverging, snapshotId, batches, highWatermark } = result
  if (diverging !== null) {
    const end = log.divergence(diverging)
    if (end < state.committedTo || end < log.startOffset) {
      state.complainOfLeader(
        `leader ${state.leaderId} asks to cut the log at ${end}, but ${state.committedTo} is committed`,
      )
      return false
    }
    if (end < log.endOffset) state.truncateTo(end)
  } else if (snapshotId !== null) {
    if (snapshotId.endOffset <= state.committedTo) {
      state.complainOfLeader(
        `leader ${state.leaderId} offers a snapshot of ${snapshotId.endOffset}, which is committed here`,
      )
      return false
    }
    role.download = { id: snapshotId, position: 0, isStoring: false, fetchAtMs: role.fetchAtMs }
  } else {
    // Records come where a snapshot was on its way: they can be had without it.
    role.download = null
    state.damaged = null
    for (const batch of batches) {
      const follows = batch.baseOffset === log.endOffset && batch.endOffset > batch.baseOffset
      if (!follows || batch.epoch > state.epoch || batch.epoch < log.lastEpoch) break
      state.append({ kind: 'batch', ...batch })
    }
    if (highWatermark >= 0) state.leaderCommittedTo = highWatermark
    if (highWatermark >= 0) state.commit(Math.min(highWatermark, log.endOffset))
  }
  heardLeader(state, nowMs)
  return true
}
