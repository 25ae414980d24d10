/** What each role does on its own: timers that ran out, requests that are due. Runs at the end of every step. */
import { answerHeld } from './log-requests.ts'
import type { RaftRequest, VoteRequest } from './messages.ts'
import type { RaftState, Role } from './raft-state.ts'
import { settle } from './voter-changes.ts'
import { KRAFT_VERSIONS, endpointOf, keyOf, isStale, voterOf, type HostPort, type Voter } from './voters.ts'

const RETRY_BASE_MS = 100
const DOUBLINGS_MAX = 20

export function poll(state: RaftState, nowMs: number): void {
  for (;;) {
    const { role } = state
    pollRole(state, role, nowMs)
    if (state.role === role) return
  }
}

function pollRole(state: RaftState, role: Role, nowMs: number): void {
  switch (role.name) {
    case 'unattached':
      return pollUnattached(state, role.electionAtMs, nowMs)
    case 'prospective':
      return pollProspective(state, role, nowMs)
    case 'candidate':
      return pollCandidate(state, role, nowMs)
    case 'leader':
      return pollLeader(state, role, nowMs)
    case 'follower':
      return pollFollower(state, role, nowMs)
    case 'resigned':
      return pollResigned(state, role, nowMs)
    case 'stopped':
  }
}

function pollUnattached(state: RaftState, electionAtMs: number, nowMs: number): void {
  if (!state.isVoter) askForLeader(state, nowMs)
  else if (state.mayElect) {
    if (state.isOnlyVoter) state.becomeCandidate(nowMs)
    else if (electionAtMs <= nowMs) state.becomeProspective(nowMs)
    else state.wakeAt(electionAtMs)
  }
}

function pollProspective(state: RaftState, role: Role & { name: 'prospective' }, nowMs: number): void {
  const { ballot, electionAtMs } = role
  if (ballot.isWon) return state.becomeCandidate(nowMs)
  if (ballot.isLost || electionAtMs <= nowMs || !state.mayElect) {
    if (state.leaderId >= 0) return state.becomeFollower(state.epoch, state.leaderId, state.leaderEndpoint, nowMs)
    return state.restartUnattached(nowMs)
  }
  state.wakeAt(electionAtMs)
  askForVotes(state, ballot.open, true, nowMs)
}

function pollCandidate(state: RaftState, role: Role & { name: 'candidate' }, nowMs: number): void {
  const { ballot, electionAtMs, backoffUntilMs } = role
  if (ballot.isWon) return state.becomeLeader(ballot, nowMs)
  if (!state.mayElect) return state.restartUnattached(nowMs)
  if (backoffUntilMs !== null) {
    if (backoffUntilMs <= nowMs) state.becomeProspective(nowMs)
    else state.wakeAt(backoffUntilMs)
  } else if (ballot.isLost || electionAtMs <= nowMs) {
    state.losses += 1
    // By chance, twice as far with each loss: two that collided won't collide for ever.
    const bound = 2 << Math.min(DOUBLINGS_MAX, state.losses - 1)
    const backoffMs = Math.min(RETRY_BASE_MS * state.options.random(bound), state.options.timing.electionBackoffMaxMs)
    role.backoffUntilMs = nowMs + backoffMs
    if (backoffMs === 0) state.becomeProspective(nowMs)
    else state.wakeAt(role.backoffUntilMs)
  } else {
    state.wakeAt(electionAtMs)
    askForVotes(state, ballot.open, false, nowMs)
  }
}

function pollLeader(state: RaftState, { leadership }: Role & { name: 'leader' }, nowMs: number): void {
  const checkAtMs = leadership.checkQuorumAtMs(state.set)
  if (leadership.resignAsked || state.isShuttingDown || checkAtMs <= nowMs) return state.becomeResigned(nowMs)
  state.wakeAt(checkAtMs)
  const { pending } = leadership
  if (pending !== null) {
    if (pending.deadlineMs <= nowMs) settle(state, 'REQUEST_TIMED_OUT', null)
    else state.wakeAt(pending.deadlineMs)
  }
  answerHeld(state, leadership, nowMs)
  if (leadership.beginAtMs <= nowMs) {
    for (const voter of leadership.silent(state.set, nowMs)) tellWhoLeads(state, voter, nowMs)
    leadership.beginAtMs = nowMs + state.options.timing.fetchTimeoutMs / 2
  }
  if (!state.isOnlyVoter) state.wakeAt(leadership.beginAtMs)
}

function tellWhoLeads(state: RaftState, voter: Voter, nowMs: number): void {
  const { epoch, self, options } = state
  const request = (): RaftRequest => {
    return { kind: 'beginEpoch', voter: keyOf(voter), leaderId: self.id, epoch, endpoints: options.endpoints }
  }
  state.send(endpointOf(voter.endpoints, options.listenerName), voter.id, request, nowMs)
}

function pollFollower(state: RaftState, role: Role & { name: 'follower' }, nowMs: number): void {
  const { leaderEndpoint, leaderId } = state
  if (state.isVoter) {
    if (role.fetchAtMs <= nowMs && state.mayElect) return state.becomeProspective(nowMs)
    state.wakeAt(role.fetchAtMs)
    if (role.hasLeaderLeft) return
  } else if (role.fetchAtMs <= nowMs || leaderEndpoint === null || state.peers.isPaused(leaderEndpoint, nowMs)) {
    // The leader is silent: somebody else may know a new one.
    return askForLeader(state, nowMs)
  } else state.wakeAt(role.fetchAtMs)
  const change = dueVoterChange(state, role, nowMs)
  if (change !== null && leaderEndpoint !== null && state.peers.readyAtMs(leaderEndpoint) <= nowMs) {
    role.voterCheckAtMs = nowMs + state.options.timing.fetchTimeoutMs
    return state.send(leaderEndpoint, leaderId, () => change, nowMs)
  }
  fetch(state, role, leaderEndpoint, leaderId, nowMs)
}

function fetch(
  state: RaftState,
  { download }: Role & { name: 'follower' },
  to: HostPort | null,
  peerId: number,
  nowMs: number,
): void {
  // What is asked for next says what is safe here.
  if (state.syncedEnd < state.log.endOffset || download?.isStoring === true) return
  const againAtMs = state.damaged?.againAtMs ?? -Infinity
  if (againAtMs > nowMs) return state.wakeAt(againAtMs)
  if (download === null) return state.send(to, peerId, () => fetchRequest(state), nowMs)
  const { id, position } = download
  const { epoch, self } = state
  state.send(to, peerId, () => ({ kind: 'fetchSnapshot', replica: self, epoch, snapshotId: id, position }), nowMs)
}

function fetchRequest(state: RaftState): RaftRequest {
  const { log, self, epoch, options } = state
  return {
    kind: 'fetch',
    replica: self,
    epoch,
    offset: log.endOffset,
    lastFetchedEpoch: log.lastEpoch,
    maxWaitMs: options.timing.fetchMaxWaitMs,
    highWatermark: state.leaderCommittedTo === null ? -1 : state.committedTo,
  }
}

/** The leader doesn't know this voter as it is, or this controller is to join the voters by itself. */
function dueVoterChange(state: RaftState, role: Role & { name: 'follower' }, nowMs: number): RaftRequest | null {
  const { set, self, options, epoch } = state
  if (!options.mayVote || state.isShuttingDown) return null
  const own = voterOf(set, self)
  const isStatic = set.kraftVersion === 0
  if (isStatic && own === null) return null
  const mustUpdate = own !== null && (isStatic ? !role.hasToldLeader : isStale(own, options.endpoints))
  if (own === null ? !options.autoJoin : !mustUpdate) return null
  if (role.voterCheckAtMs > nowMs) {
    state.wakeAt(role.voterCheckAtMs)
    return null
  }
  const { endpoints } = options
  if (own !== null) return { kind: 'updateVoter', voter: self, epoch, endpoints, kraftVersions: KRAFT_VERSIONS }
  // Another directory of this node: it was replaced.
  const former = set.voters.find(({ id }) => id === self.id)
  if (former !== undefined) return { kind: 'removeVoter', voter: keyOf(former) }
  return { kind: 'addVoter', voter: self, endpoints, ackWhenCommitted: false }
}

function pollResigned(state: RaftState, role: Role & { name: 'resigned' }, nowMs: number): void {
  const { set, options, self, epoch } = state
  if (state.isOnlyVoter && state.mayElect) return state.becomeCandidate(nowMs)
  if (role.electionAtMs <= nowMs && !state.isShuttingDown && state.hasEpochsLeft) {
    // Not in this epoch any more: it was the leader of it.
    return state.becomeUnattached(epoch + 1, nowMs)
  }
  if (!state.isShuttingDown && state.hasEpochsLeft) state.wakeAt(role.electionAtMs)
  const { endpoints, listenerName } = options
  for (const voter of set.voters) {
    if (!role.unacknowledged.has(voter.id)) continue
    const request = (): RaftRequest => {
      return { kind: 'endEpoch', leaderId: self.id, epoch, successors: role.successors, endpoints }
    }
    state.send(endpointOf(voter.endpoints, listenerName), voter.id, request, nowMs)
  }
}

function askForVotes(state: RaftState, voters: readonly Voter[], preVote: boolean, nowMs: number): void {
  const { epoch, self, log, options } = state
  for (const voter of voters) {
    const request = (): VoteRequest => {
      const { lastEpoch, endOffset } = log
      return { kind: 'vote', voter: keyOf(voter), candidate: self, epoch, lastEpoch, lastOffset: endOffset, preVote }
    }
    state.send(endpointOf(voter.endpoints, options.listenerName), voter.id, request, nowMs)
  }
}

/** A Fetch to one of the nodes that may know: the answer names the leader, or is the leader's. */
function askForLeader(state: RaftState, nowMs: number): void {
  const { options, set, self, leaderEndpoint, peers } = state
  if (state.syncedEnd < state.log.endOffset || !peers.isIdle) {
    return state.wakeAt(nowMs + options.timing.retryBackoffMs)
  }
  const voters = set.voters
    .filter(({ id }) => id !== self.id)
    .map(({ endpoints }) => endpointOf(endpoints, options.listenerName))
  const all = [...options.bootstrapServers, leaderEndpoint, ...voters].filter((address) => address !== null)
  const ready = all.filter((address) => peers.readyAtMs(address) <= nowMs)
  const chosen = ready[options.random(Math.max(1, ready.length))]
  if (chosen !== undefined) state.send(chosen, -1, () => fetchRequest(state), nowMs)
  else state.wakeAt(Math.min(Infinity, ...all.map((address) => peers.readyAtMs(address))))
}
