/**
 * The state of one replica of the metadata quorum and its transitions (KIP-595, KIP-853, KIP-996). Whatever happens, one of
 * the `become…` methods is how the role changes, and `output` how the world hears of it.
 *
 * Invariants: the epoch never goes back; in one epoch there is one leader and at most one vote; both are part of
 * `ElectionState`, which goes to disk before anything is said in that epoch.
 */
import { ZERO_UUID } from '../base/uuid.ts'
import { Ballot } from './ballot.ts'
import { Leadership } from './leadership.ts'
import { LogView } from './log-view.ts'
import type { LeaderView, OffsetAndEpoch, RaftAnswer, RaftRequest, SnapshotResult } from './messages.ts'
import { Peers } from './peers.ts'
import type { ElectionState, LogEntry, Outgoing, RaftOptions, RaftOutput, Reply, ReplyToken } from './raft-io.ts'
import { VoterHistory } from './voter-history.ts'
import {
  KRAFT_VERSIONS,
  endpointOf,
  isVoterKey,
  keyOf,
  isStale,
  voterOf,
  withVoter,
  type HostPort,
  type ReplicaKey,
  type Voter,
  type VoterChange,
  type VoterSet,
} from './voters.ts'

/** Epochs are int32 on the wire and in quorum-state. */
const EPOCH_MAX = 0x7fff_ffff

/** A snapshot on its way here. */
export interface Download {
  readonly id: OffsetAndEpoch
  /** Bytes that are in the file. */
  position: number
  /** Being written: no request until `chunkStored`. */
  isStoring: boolean
  /** The role's, before the leader named this snapshot: what counts again if it turns out damaged. */
  readonly fetchAtMs: number
}

/** Snapshots of this epoch's leader that were fetched whole and were none. */
interface DamagedDownloads {
  /** In a row. */
  readonly count: number
  /** Nothing is fetched from that leader before. */
  readonly againAtMs: number
}

export type Role =
  | { readonly name: 'unattached'; readonly electionAtMs: number }
  | { readonly name: 'prospective'; readonly ballot: Ballot; readonly electionAtMs: number }
  | {
      readonly name: 'candidate'
      readonly ballot: Ballot
      readonly electionAtMs: number
      backoffUntilMs: number | null
    }
  | { readonly name: 'leader'; readonly leadership: Leadership }
  | {
      readonly name: 'follower'
      /** No fetch that succeeds until then: the leader is gone. */
      fetchAtMs: number
      readonly fetchTimeoutMs: number
      hasFetched: boolean
      /** It resigned: an election comes, and no more fetches. */
      hasLeaderLeft: boolean
      download: Download | null
      /** When to look again whether the leader knows this voter as it is. */
      voterCheckAtMs: number
      /** With static voters: the leader knows, or doesn't want to. */
      hasToldLeader: boolean
    }
  | {
      readonly name: 'resigned'
      readonly electionAtMs: number
      readonly unacknowledged: Set<number>
      readonly successors: readonly ReplicaKey[]
    }
  | { readonly name: 'stopped' }

type Chunk = Pick<SnapshotResult, 'position' | 'bytes'> & { readonly id: OffsetAndEpoch; readonly isLast: boolean }

export class RaftState {
  readonly options: RaftOptions
  readonly self: ReplicaKey
  readonly log: LogView
  readonly history: VoterHistory
  readonly peers: Peers
  role: Role
  epoch: number
  /** -1: not known. */
  leaderId: number
  leaderEndpoint: HostPort | null = null
  voted: ReplicaKey | null
  isShuttingDown = false
  /** Elections lost in a row. */
  losses = 0
  committedTo: number
  /** As the leader last told; null: it hasn't yet. */
  leaderCommittedTo: number | null = null
  syncedEnd: number
  /** Null: the last download was none of them. */
  damaged: DamagedDownloads | null = null
  /** How often the log was cut: a sync that began before says nothing of what was written after. */
  cuts = 0
  #saved: ElectionState
  #chunk: Chunk | null = null
  #install: OffsetAndEpoch | null = null
  #truncateTo: number | null = null
  #append: LogEntry[] = []
  #send: Outgoing[] = []
  #reply: Reply[] = []
  #complaints: string[] = []
  #saidOfLeader: string | null = null
  #wakeAtMs = Infinity

  constructor(options: RaftOptions, nowMs: number) {
    const { election, log, nodeId, directoryId } = options
    this.options = options
    this.self = { id: nodeId, directoryId }
    this.log = new LogView(log)
    this.history = new VoterHistory(options.voters)
    this.peers = new Peers(options.timing)
    this.epoch = Math.max(election?.leaderEpoch ?? 0, this.log.lastEpoch)
    const isCurrent = election !== null && election.leaderEpoch === this.epoch
    this.leaderId = isCurrent ? election.leaderId : -1
    this.voted =
      isCurrent && election.votedId >= 0 ? { id: election.votedId, directoryId: election.votedDirectoryId } : null
    this.committedTo = this.log.latestSnapshot?.endOffset ?? 0
    this.syncedEnd = options.syncedEnd
    this.#saved = election ?? { leaderId: -1, leaderEpoch: -1, votedId: -1, votedDirectoryId: ZERO_UUID }
    this.role = { name: 'unattached', electionAtMs: nowMs + this.randomElectionMs() }
    this.#resume(nowMs)
  }

  /** Goes on where the last process of this replica was. */
  #resume(nowMs: number): void {
    this.#complainOfLastEpoch()
    if (this.leaderId === this.self.id && this.options.mayVote) {
      // It led this epoch and doesn't know what it said in it: it neither leads nor votes in it any more.
      const unacknowledged = new Set<number>()
      this.role = { name: 'resigned', electionAtMs: nowMs + this.randomElectionMs(), unacknowledged, successors: [] }
    } else if (this.leaderId >= 0) {
      const endpoint = this.endpointOfVoter(this.leaderId)
      if (endpoint === null) this.leaderId = -1
      else this.becomeFollower(this.epoch, this.leaderId, endpoint, nowMs)
    }
  }

  get set(): VoterSet {
    return this.history.last.set
  }

  get isVoter(): boolean {
    return this.options.mayVote && voterOf(this.set, this.self) !== null
  }

  get isOnlyVoter(): boolean {
    return this.isVoter && this.set.voters.length === 1
  }

  get mayElect(): boolean {
    return this.isVoter && !this.isShuttingDown && this.hasEpochsLeft
  }

  /** Each election takes a new one. Only forged requests, whose epochs peers must follow, get as far as the last. */
  get hasEpochsLeft(): boolean {
    return this.epoch < EPOCH_MAX
  }

  get #ownVoter(): Voter {
    return { ...this.self, endpoints: this.options.endpoints, kraftVersions: KRAFT_VERSIONS }
  }

  get leader(): LeaderView {
    return { epoch: this.epoch, leaderId: this.leaderId, endpoint: this.leaderEndpoint }
  }

  get leadership(): Leadership | null {
    return this.role.name === 'leader' ? this.role.leadership : null
  }

  endpointOfVoter(id: number): HostPort | null {
    const voter = this.set.voters.find((one) => one.id === id)
    return voter === undefined ? null : endpointOf(voter.endpoints, this.options.listenerName)
  }

  randomElectionMs(): number {
    const { electionTimeoutMs } = this.options.timing
    return electionTimeoutMs + this.options.random(Math.max(1, electionTimeoutMs))
  }

  becomeUnattached(epoch: number, nowMs: number): void {
    const { role } = this
    // Bumped epochs must not put an election off for ever.
    let electionAtMs = nowMs + this.randomElectionMs()
    if (role.name === 'unattached' || role.name === 'prospective' || role.name === 'candidate') {
      electionAtMs = Math.min(electionAtMs, Math.max(role.electionAtMs, nowMs))
    } else if (role.name === 'follower' && this.isVoter)
      electionAtMs = Math.min(electionAtMs, Math.max(role.fetchAtMs, nowMs))
    this.#leave(epoch)
    this.role = { name: 'unattached', electionAtMs }
  }

  /** Waits for another election to come, in this epoch. */
  restartUnattached(nowMs: number): void {
    this.#leave(this.epoch)
    this.role = { name: 'unattached', electionAtMs: nowMs + this.randomElectionMs() }
  }

  /** Gives the one it votes for the time of an election. */
  becomeVoted(candidate: ReplicaKey, nowMs: number): void {
    this.#leave(this.epoch)
    this.voted = candidate
    this.role = { name: 'unattached', electionAtMs: nowMs + this.randomElectionMs() }
  }

  becomeFollower(epoch: number, leaderId: number, endpoint: HostPort | null, nowMs: number): void {
    this.#leave(epoch)
    this.leaderId = leaderId
    this.leaderEndpoint = endpoint
    this.losses = 0
    const { timing, random } = this.options
    // Followers hear from their leader in the same moment; they should not all miss it in the same moment.
    const fetchTimeoutMs = timing.fetchTimeoutMs + random(Math.max(1, Math.floor(timing.fetchTimeoutMs / 10)))
    this.role = {
      name: 'follower',
      fetchAtMs: nowMs + fetchTimeoutMs,
      fetchTimeoutMs,
      hasFetched: false,
      hasLeaderLeft: false,
      download: null,
      voterCheckAtMs: nowMs + fetchTimeoutMs,
      hasToldLeader: false,
    }
  }

  /** Asks whether an election could be won, without disturbing a leader that others still hear (KIP-996). */
  becomeProspective(nowMs: number): void {
    this.#leave(this.epoch)
    const ballot = new Ballot(this.set.voters, this.self.id)
    this.role = { name: 'prospective', ballot, electionAtMs: nowMs + this.randomElectionMs() }
    if (ballot.isWon) this.becomeCandidate(nowMs)
  }

  becomeCandidate(nowMs: number): void {
    this.#leave(this.epoch + 1)
    this.voted = this.self
    const ballot = new Ballot(this.set.voters, this.self.id)
    this.role = { name: 'candidate', ballot, electionAtMs: nowMs + this.randomElectionMs(), backoffUntilMs: null }
    if (ballot.isWon) this.becomeLeader(ballot, nowMs)
  }

  becomeLeader(ballot: Ballot, nowMs: number): void {
    const { options, log } = this
    this.#leave(this.epoch)
    this.leaderId = this.self.id
    this.leaderEndpoint = endpointOf(options.endpoints, options.listenerName)
    this.losses = 0
    // Kafka's file has no vote beside the voter itself; nobody else is voted for where the leader is known.
    this.voted = null
    const epochStart = log.endOffset
    this.role = {
      name: 'leader',
      leadership: new Leadership(
        this.self,
        withVoter(this.set, this.#ownVoter),
        epochStart,
        options.timing.fetchTimeoutMs,
        nowMs,
      ),
    }
    const leaderChange = { voters: this.set.voters.map(keyOf), granting: ballot.granting }
    this.appendControl(leaderChange, this.#votersToWrite())
  }

  /** Voters that no record holds yet, or that name other listeners for this node than it has. */
  #votersToWrite(): VoterChange | null {
    const { offset, set } = this.history.last
    if (set.kraftVersion === 0) return null
    const own = voterOf(set, this.self)
    const mustUpdate = own !== null && isStale(own, this.options.endpoints)
    if (offset >= 0 && !mustUpdate) return null
    const { voters } = mustUpdate ? withVoter(set, this.#ownVoter) : set
    return { kraftVersion: set.kraftVersion, voters }
  }

  becomeResigned(nowMs: number): void {
    const leadership = this.leadership
    if (leadership === null) return
    const successors = leadership.successors(this.set)
    this.#leave(this.epoch)
    this.leaderId = this.self.id
    const unacknowledged = new Set(successors.map(({ id }) => id))
    this.role = { name: 'resigned', electionAtMs: nowMs + this.randomElectionMs(), unacknowledged, successors }
  }

  stop(): void {
    this.#leave(this.epoch)
    this.role = { name: 'stopped' }
  }

  #complainOfLastEpoch(): void {
    if (this.hasEpochsLeft) return
    this.complain(
      `epoch ${this.epoch} is the last that there is: no leader can be elected behind it; requests to this listener were forged, ` +
        'or quorum-state was changed',
    )
  }

  #leave(epoch: number): void {
    const { leadership } = this
    if (epoch > this.epoch) {
      this.epoch = epoch
      this.leaderId = -1
      this.leaderEndpoint = null
      this.voted = null
      this.damaged = null
      this.#saidOfLeader = null
      this.#complainOfLastEpoch()
    }
    this.peers.reset()
    if (leadership === null) return
    const error = 'NOT_LEADER_OR_FOLLOWER'
    for (const { token } of leadership.held.values()) this.reply(token, this.fetchError(error))
    const { pending } = leadership
    if (pending !== null) this.reply(pending.token, { kind: pending.kind, error, message: null })
  }

  fetchError(error: RaftAnswer['error']): RaftAnswer {
    return {
      kind: 'fetch',
      error,
      leader: this.leader,
      highWatermark: -1,
      logStartOffset: -1,
      diverging: null,
      snapshotId: null,
      readFrom: null,
      readTo: -1,
    }
  }

  append(entry: LogEntry): void {
    this.log.append(entry.epoch, entry.endOffset)
    if (entry.voters !== null) this.history.append(entry.endOffset - 1, entry.voters)
    this.#append.push(entry)
  }

  /** Returns the offset of the last record. */
  appendControl(
    leaderChange: { readonly voters: readonly ReplicaKey[]; readonly granting: readonly ReplicaKey[] } | null,
    voters: VoterChange | null,
  ): number {
    const baseOffset = this.log.endOffset
    const written = [leaderChange, voters?.kraftVersion ?? null, voters?.voters ?? null]
    const records = written.filter((record) => record !== null).length
    const endOffset = baseOffset + records
    this.append({ kind: 'control', baseOffset, endOffset, epoch: this.epoch, leaderChange, voters })
    return endOffset - 1
  }

  truncateTo(endOffset: number): void {
    this.log.truncateTo(endOffset)
    this.history.truncateTo(endOffset)
    this.syncedEnd = Math.min(this.syncedEnd, endOffset)
    this.cuts += 1
    this.#truncateTo = endOffset
  }

  storeChunk(chunk: Chunk): void {
    this.#chunk = chunk
  }

  /** The log starts over behind a snapshot. */
  install(id: OffsetAndEpoch, bytes: number, voters: VoterChange): void {
    this.log.startAt({ ...id, bytes })
    this.history.startAt(id.endOffset, voters)
    this.cuts += 1
    this.syncedEnd = -1
    this.damaged = null
    this.#install = id
    this.commit(id.endOffset)
  }

  commit(end: number): void {
    this.committedTo = Math.max(this.committedTo, end)
    this.history.forgetBefore(this.log.latestSnapshot?.endOffset ?? 0)
  }

  reply(token: ReplyToken, answer: RaftAnswer): void {
    this.#reply.push({ token, answer })
  }

  complain(what: string): void {
    this.#complaints.push(what)
  }

  /** Of what the leader answers again and again; once, until it is something else. */
  complainOfLeader(what: string): void {
    if (this.#saidOfLeader === what) return
    this.#saidOfLeader = what
    this.complain(what)
  }

  wakeAt(atMs: number): void {
    this.#wakeAtMs = Math.min(this.#wakeAtMs, atMs)
  }

  /** Sends it unless another request to that address is under way, or failed a moment ago. */
  send(to: HostPort | null, peerId: number, request: () => RaftRequest, nowMs: number): void {
    if (to === null) return
    const readyAtMs = this.peers.readyAtMs(to)
    if (readyAtMs > nowMs) return this.wakeAt(readyAtMs)
    this.#send.push(this.peers.send(to, peerId, request(), nowMs))
    this.wakeAt(nowMs + this.options.timing.requestTimeoutMs)
  }

  /** Who isn't named, or named without a directory, may be this one. */
  isSelf(key: ReplicaKey | null): boolean {
    return key === null || isVoterKey(key, this.self)
  }

  output(): RaftOutput {
    const output: RaftOutput = {
      save: this.#stateToSave(),
      chunk: this.#chunk,
      install: this.#install,
      truncateTo: this.#truncateTo,
      append: this.#append,
      send: this.#send,
      reply: this.#reply,
      committedTo: this.committedTo,
      wakeAtMs: this.#wakeAtMs,
      complaints: this.#complaints,
    }
    this.#chunk = null
    this.#install = null
    this.#truncateTo = null
    this.#append = []
    this.#send = []
    this.#reply = []
    this.#complaints = []
    this.#wakeAtMs = Infinity
    return output
  }

  #stateToSave(): ElectionState | null {
    const { leaderId, epoch, voted } = this
    const saved = this.#saved
    const votedId = voted?.id ?? -1
    const votedDirectoryId = voted?.directoryId ?? ZERO_UUID
    const isSame =
      saved.leaderId === leaderId &&
      saved.leaderEpoch === epoch &&
      saved.votedId === votedId &&
      saved.votedDirectoryId === votedDirectoryId
    if (isSame || this.role.name === 'stopped') return null
    this.#saved = { leaderId, leaderEpoch: epoch, votedId, votedDirectoryId }
    return this.#saved
  }
}
