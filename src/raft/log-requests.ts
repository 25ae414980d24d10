/** Fetch and FetchSnapshot at the leader, and its high watermark, which they move. */
import type { ErrorCode } from '../base/error-codes.ts'
import type { HeldFetch, Leadership } from './leadership.ts'
import type { FetchRequest, FetchSnapshotRequest, RaftAnswer } from './messages.ts'
import type { RaftState } from './raft-state.ts'
import type { ReplyToken } from './raft-io.ts'
import { isVoterKey, sameKey } from './voters.ts'

/** Null: this replica leads in that epoch. */
export function leaderError(state: RaftState, epoch: number): ErrorCode | null {
  if (epoch < state.epoch) return 'FENCED_LEADER_EPOCH'
  if (epoch > state.epoch) return 'UNKNOWN_LEADER_EPOCH'
  if (state.role.name !== 'leader') return 'NOT_LEADER_OR_FOLLOWER'
  return state.isShuttingDown ? 'BROKER_NOT_AVAILABLE' : null
}

export function handleFetch(state: RaftState, token: ReplyToken, request: FetchRequest, nowMs: number): void {
  const { offset, lastFetchedEpoch, epoch, maxWaitMs, replica } = request
  if (maxWaitMs < 0 || offset < 0 || lastFetchedEpoch < 0 || lastFetchedEpoch > epoch) {
    return state.reply(token, state.fetchError('INVALID_REQUEST'))
  }
  const error = leaderError(state, epoch)
  const { leadership } = state
  if (error !== null || leadership === null)
    return state.reply(token, state.fetchError(error ?? 'NOT_LEADER_OR_FOLLOWER'))
  if (replica.id === state.self.id) return state.reply(token, state.fetchError('INVALID_REQUEST'))
  if (state.log.validate(offset, lastFetchedEpoch).kind === 'valid') {
    leadership.heard(replica, offset, state.log.endOffset, state.set, nowMs)
    advance(state)
  } else leadership.astray(replica, state.set)
  const held = { token, request, deadlineMs: nowMs + maxWaitMs }
  if (maxWaitMs === 0 || hasNews(state, leadership, held)) return state.reply(token, answerTo(state, request))
  // The connection of an older one is gone: a replica fetches once at a time.
  for (const other of leadership.held.values()) {
    if (replica.id < 0 || !sameKey(other.request.replica, replica)) continue
    leadership.held.delete(other.token)
    state.reply(other.token, answerTo(state, other.request))
  }
  leadership.held.set(token, held)
}

/** Answers held fetches that have waited enough, or have something to tell. */
export function answerHeld(state: RaftState, leadership: Leadership, nowMs: number): void {
  for (const held of leadership.held.values()) {
    if (held.deadlineMs > nowMs && !hasNews(state, leadership, held)) {
      state.wakeAt(held.deadlineMs)
      continue
    }
    leadership.held.delete(held.token)
    state.reply(held.token, answerTo(state, held.request))
  }
}

function hasNews(state: RaftState, leadership: Leadership, { request }: HeldFetch): boolean {
  const { log } = state
  if (log.endOffset > request.offset || log.validate(request.offset, request.lastFetchedEpoch).kind !== 'valid')
    return true
  return request.highWatermark !== null && (leadership.highWatermark ?? -1) > request.highWatermark
}

function answerTo(state: RaftState, { offset, lastFetchedEpoch }: FetchRequest): RaftAnswer {
  const { log, leadership } = state
  const position = log.validate(offset, lastFetchedEpoch)
  return {
    kind: 'fetch',
    error: 'NONE',
    leader: state.leader,
    highWatermark: leadership?.highWatermark ?? -1,
    logStartOffset: log.startOffset,
    diverging: position.kind === 'diverging' ? position.end : null,
    snapshotId: position.kind === 'snapshot' ? position.id : null,
    readFrom: position.kind === 'valid' && log.endOffset > offset ? offset : null,
    readTo: log.endOffset,
  }
}

export function handleFetchSnapshot(
  state: RaftState,
  token: ReplyToken,
  request: FetchSnapshotRequest,
  nowMs: number,
): void {
  const { snapshotId, position, replica } = request
  const answer = (error: ErrorCode, size = 0): void =>
    state.reply(token, { kind: 'fetchSnapshot', error, leader: state.leader, snapshotId, size, position })
  const error = leaderError(state, request.epoch)
  const { leadership } = state
  if (error !== null || leadership === null) return answer(error ?? 'NOT_LEADER_OR_FOLLOWER')
  if (replica.id === state.self.id) return answer('INVALID_REQUEST')
  const known = state.log.snapshot(snapshotId)
  if (known === null) return answer('SNAPSHOT_NOT_FOUND')
  if (position < 0 || position >= known.bytes) return answer('POSITION_OUT_OF_RANGE')
  leadership.heard(replica, null, state.log.endOffset, state.set, nowMs)
  answer('NONE', known.bytes)
}

/** Moves the high watermark, if more is synced on a majority, and settles what waited for that. */
export function advance(state: RaftState): void {
  const { leadership, history } = state
  if (leadership === null) return
  if (!leadership.advance(state.syncedEnd, state.set)) return
  const highWatermark = leadership.highWatermark!
  state.commit(highWatermark)
  for (const held of leadership.held.values()) {
    // Old versions don't say what they know: each move is news to them.
    if (held.request.highWatermark !== null) continue
    leadership.held.delete(held.token)
    state.reply(held.token, answerTo(state, held.request))
  }
  const { pending } = leadership
  if (pending !== null && pending.offset >= 0 && pending.offset < highWatermark) {
    leadership.pending = null
    state.reply(pending.token, { kind: pending.kind, error: 'NONE', message: null })
  }
  const { offset, set } = history.last
  // Removed: it led until its removal was committed.
  if (offset < highWatermark && !set.voters.some((voter) => isVoterKey(voter, state.self)))
    leadership.resignAsked = true
}
