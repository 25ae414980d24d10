/**
 * AddRaftVoter, RemoveRaftVoter and UpdateRaftVoter (KIP-853): one change of one voter at a time, each in force as soon as
 * its record is appended, and none before the leader has committed in its own epoch, so that any two majorities of
 * neighbouring sets overlap.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import { noteVoter } from './kraft-version.ts'
import type { Leadership } from './leadership.ts'
import { advance, leaderError } from './log-requests.ts'
import type { AddVoterRequest, ApiVersionsResult, RemoveVoterRequest, UpdateVoterRequest } from './messages.ts'
import type { RaftState } from './raft-state.ts'
import type { ReplyToken } from './raft-io.ts'
import {
  KRAFT_VERSIONS,
  endpointOf,
  sameKey,
  servesLevel,
  withVoter,
  withoutVoter,
  type ReplicaKey,
  type VoterSet,
} from './voters.ts'

export function handleAddVoter(state: RaftState, token: ReplyToken, request: AddVoterRequest, nowMs: number): void {
  const { voter, endpoints, ackWhenCommitted } = request
  const refuse = (error: ErrorCode, message: string | null): void =>
    state.reply(token, { kind: 'addVoter', error, message })
  const error = leaderError(state, state.epoch)
  const { leadership, options } = state
  if (error !== null || leadership === null) return refuse(error ?? 'NOT_LEADER_OR_FOLLOWER', null)
  if (voter.id < 0 || voter.directoryId === ZERO_UUID)
    return refuse('INVALID_REQUEST', "Add voter request didn't include a valid voter")
  const endpoint = endpointOf(endpoints, options.listenerName)
  if (endpoint === null) return refuse('INVALID_REQUEST', `The voter has no listener ${options.listenerName}.`)
  const obstacle = obstacleTo(state, leadership, 'adding')
  if (obstacle !== null) return refuse(...obstacle)
  if (state.set.voters.some(({ id }) => id === voter.id)) {
    const message = `The voter id for ${keyText(voter)} is already part of the set of voters ${keysText(state)}.`
    return refuse('DUPLICATE_VOTER', message)
  }
  const deadlineMs = nowMs + options.timing.requestTimeoutMs
  if (state.peers.readyAtMs(endpoint) > nowMs)
    return refuse('REQUEST_TIMED_OUT', `New voter ${keyText(voter)} is not ready to receive requests`)
  leadership.pending = {
    kind: 'addVoter',
    token,
    deadlineMs,
    voter: { ...voter, endpoints, kraftVersions: KRAFT_VERSIONS },
    ackWhenCommitted,
    offset: -1,
  }
  state.send(endpoint, voter.id, () => ({ kind: 'apiVersions' }), nowMs)
}

/** Of the voter that is to be added. */
export function handleApiVersions(state: RaftState, result: ApiVersionsResult, nowMs: number): boolean {
  const pending = state.leadership?.pending ?? null
  if (pending === null || pending.voter === null || pending.offset >= 0) return true
  if (result.error !== 'NONE') {
    noApiVersions(state, `The new voter answers ${result.error}.`)
    return false
  }
  const { kraftVersions } = result
  const { kraftVersion } = state.set
  if (kraftVersions === null || !servesLevel(kraftVersions, kraftVersion)) {
    settle(state, 'INVALID_REQUEST', `The new voter does not serve kraft.version ${kraftVersion}.`)
  } else if (!state.leadership!.isCaughtUp(pending.voter, nowMs)) {
    settle(
      state,
      'REQUEST_TIMED_OUT',
      `Aborted add voter operation for ${keyText(pending.voter)} since it is lagging behind`,
    )
  } else {
    pending.offset = appendVoters(state, withVoter(state.set, { ...pending.voter, kraftVersions }), nowMs)
    if (!pending.ackWhenCommitted) settle(state, 'NONE', null)
    advance(state)
  }
  return true
}

export function noApiVersions(state: RaftState, message: string): void {
  if (state.leadership?.pending?.offset === -1) settle(state, 'REQUEST_TIMED_OUT', message)
}

export function handleRemoveVoter(
  state: RaftState,
  token: ReplyToken,
  request: RemoveVoterRequest,
  nowMs: number,
): void {
  const refuse = (error: ErrorCode, message: string | null): void =>
    state.reply(token, { kind: 'removeVoter', error, message })
  const { voter } = request
  const error = leaderError(state, state.epoch)
  const { leadership } = state
  if (error !== null || leadership === null) return refuse(error ?? 'NOT_LEADER_OR_FOLLOWER', null)
  if (voter.id < 0 || voter.directoryId === ZERO_UUID)
    return refuse('INVALID_REQUEST', "Remove voter request didn't include a valid voter")
  const obstacle = obstacleTo(state, leadership, 'removing')
  if (obstacle !== null) return refuse(...obstacle)
  const rest = withoutVoter(state.set, voter)
  if (rest === null)
    return refuse('VOTER_NOT_FOUND', `Cannot remove voter ${keyText(voter)} from the set of voters ${keysText(state)}`)
  const offset = appendVoters(state, rest, nowMs)
  const deadlineMs = nowMs + state.options.timing.requestTimeoutMs
  leadership.pending = { kind: 'removeVoter', token, deadlineMs, voter: null, ackWhenCommitted: true, offset }
  advance(state)
}

export function handleUpdateVoter(
  state: RaftState,
  token: ReplyToken,
  request: UpdateVoterRequest,
  nowMs: number,
): void {
  const { voter, endpoints, kraftVersions } = request
  const told = { ...voter, endpoints, kraftVersions }
  const error = updateError(state, request)
  if (error === null) {
    if (state.set.kraftVersion > 0) appendVoters(state, withVoter(state.set, told), nowMs)
    else noteVoter(state, told, nowMs)
  }
  state.reply(token, { kind: 'updateVoter', error: error ?? 'NONE', leader: state.leader, granted: false })
}

/** Returns the offset of the record. */
function appendVoters(state: RaftState, { voters }: VoterSet, nowMs: number): number {
  state.leadership?.restartCheckQuorum(nowMs)
  return state.appendControl(null, { kraftVersion: null, voters })
}

function updateError(state: RaftState, request: UpdateVoterRequest): ErrorCode | null {
  const { voter, endpoints, kraftVersions } = request
  const error = leaderError(state, request.epoch)
  const { leadership, options, set } = state
  if (error !== null || leadership === null) return error ?? 'NOT_LEADER_OR_FOLLOWER'
  const hasListener = endpointOf(endpoints, options.listenerName) !== null
  const { min, max } = kraftVersions
  if (voter.id < 0 || voter.directoryId === ZERO_UUID || !hasListener) return 'INVALID_REQUEST'
  if (min < 0 || max < min) return 'INVALID_REQUEST'
  const isStatic = set.kraftVersion === 0
  const obstacle = isStatic ? passingObstacle(leadership) : obstacleTo(state, leadership, 'updating')
  if (obstacle !== null) return obstacle[0]
  if (!servesLevel(kraftVersions, set.kraftVersion)) return 'INVALID_REQUEST'
  const isKnown = set.voters.some((known) => (isStatic ? known.id === voter.id : sameKey(known, voter)))
  return isKnown ? null : 'VOTER_NOT_FOUND'
}

function obstacleTo(state: RaftState, leadership: Leadership, change: string): [ErrorCode, string] | null {
  const { offset, set }: { offset: number; set: VoterSet } = state.history.last
  const passing = passingObstacle(leadership)
  if (passing !== null || leadership.highWatermark === null) return passing
  if (set.kraftVersion === 0) {
    const message = `Cluster doesn't support ${change} voter because the kraft.version feature is 0`
    return ['UNSUPPORTED_VERSION', message]
  }
  if (offset >= leadership.highWatermark) return ['REQUEST_TIMED_OUT', 'The last voter change is not committed yet.']
  return null
}

function passingObstacle(leadership: Leadership): [ErrorCode, string] | null {
  if (leadership.pending !== null)
    return ['REQUEST_TIMED_OUT', 'Request timed out waiting for leader to handle previous voter change request']
  if (leadership.highWatermark === null)
    return [
      'REQUEST_TIMED_OUT',
      'Request timed out waiting for leader to establish HWM and fence previous voter changes',
    ]
  return null
}

/** As Kafka's tools print it. */
function keyText({ id, directoryId }: ReplicaKey): string {
  return `ReplicaKey(id=${id}, directoryId=${directoryId})`
}

function keysText({ set }: RaftState): string {
  return `[${set.voters.map(keyText).join(', ')}]`
}

/** Answers the change under way. */
export function settle(state: RaftState, error: ErrorCode, message: string | null): void {
  const { leadership } = state
  if (leadership === null || leadership.pending === null) return
  const { pending } = leadership
  leadership.pending = null
  state.reply(pending.token, { kind: pending.kind, error, message })
}
