/**
 * KRaft consensus as a pure state machine (KIP-595, KIP-630, KIP-853, KIP-996): input in, output out; knows no file,
 * socket, clock or promise. Its caller carries out outputs in their order, and each in the order of its fields; it may
 * step on before the last one is done.
 *
 * Invariants: an epoch has at most one leader, and a replica votes once in it; nothing is committed in an epoch before its
 * first entry, the leader change, is on a majority; what is committed is never cut off and `committedTo` never goes back;
 * a leader never cuts its own log.
 */
import { assert } from '../base/errors.ts'
import { handleBeginEpoch, handleEndEpoch, handleVote } from './election-requests.ts'
import { upgradeKraftVersion, upgradeObstacle } from './kraft-version.ts'
import type { ReplicaProgress } from './leadership.ts'
import { advance, handleFetch, handleFetchSnapshot } from './log-requests.ts'
import type { LeaderView, RaftRequest } from './messages.ts'
import { poll } from './poll.ts'
import type { RaftInput, RaftOptions, RaftOutput, RaftRole, ReplyToken } from './raft-io.ts'
import { RaftState } from './raft-state.ts'
import { expireRequests, handleAnswered, handleFailed } from './results.ts'
import { handleStored } from './snapshot-download.ts'
import { handleAddVoter, handleRemoveVoter, handleUpdateVoter } from './voter-changes.ts'
import type { Voter, VoterSet } from './voters.ts'

/** What DescribeQuorum tells; times are monotonic, -Infinity for never. */
export interface QuorumStatus {
  readonly highWatermark: number
  readonly voters: readonly { readonly voter: Voter; readonly progress: ReplicaProgress | null }[]
  readonly observers: readonly ReplicaProgress[]
}

export class Raft {
  readonly #state: RaftState

  constructor(options: RaftOptions, nowMs: number) {
    this.#state = new RaftState(options, nowMs)
  }

  get epoch(): number {
    return this.#state.epoch
  }

  get role(): RaftRole {
    return this.#state.role.name
  }

  get leader(): LeaderView {
    return this.#state.leader
  }

  /** Offset that the next record gets. */
  get endOffset(): number {
    return this.#state.log.endOffset
  }

  /** Of the last record. */
  get lastEpoch(): number {
    return this.#state.log.lastEpoch
  }

  get committedTo(): number {
    return this.#state.committedTo
  }

  /** All that the leader had committed when it last answered; null: it hasn't yet. */
  get leaderCommittedTo(): number | null {
    return this.#state.leaderCommittedTo
  }

  /** In force, committed or not. */
  get voterSet(): VoterSet {
    return this.#state.set
  }

  /** Goes into `synced`. */
  get cuts(): number {
    return this.#state.cuts
  }

  get isVoter(): boolean {
    return this.#state.isVoter
  }

  get isOnlyVoter(): boolean {
    return this.#state.isOnlyVoter
  }

  /** While leading: the first offset of this epoch. */
  get epochStart(): number | null {
    return this.#state.leadership?.epochStart ?? null
  }

  /** After `shutdown`: there are voters that should hear of it. */
  get isLeaving(): boolean {
    const { role } = this.#state
    return role.name === 'leader' || (role.name === 'resigned' && role.unacknowledged.size > 0)
  }

  /** Voters in force for all records below `endOffset`; for snapshots. */
  votersAt(endOffset: number): VoterSet {
    return this.#state.history.setAt(endOffset)
  }

  /** Why the leader can't raise kraft.version to `level` now; null: nothing is in the way. */
  upgradeObstacle(level: number): string | null {
    return upgradeObstacle(this.#state, level)
  }

  /** Null unless this replica leads. */
  status(nowMs: number): QuorumStatus | null {
    const { leadership, set } = this.#state
    if (leadership === null) return null
    return {
      highWatermark: leadership.highWatermark ?? -1,
      voters: set.voters.map((voter) => ({ voter, progress: leadership.progress(voter) })),
      observers: leadership.observers(set, nowMs),
    }
  }

  step(input: RaftInput, nowMs: number): RaftOutput {
    const state = this.#state
    if (state.role.name !== 'stopped') {
      expireRequests(state, nowMs)
      this.#take(input, nowMs)
      poll(state, nowMs)
    }
    return state.output()
  }

  #take(input: RaftInput, nowMs: number): void {
    const state = this.#state
    switch (input.kind) {
      case 'tick':
        return
      case 'received':
        return this.#receive(input.token, input.request, nowMs)
      case 'answered':
        return handleAnswered(state, input.requestId, input.result, nowMs)
      case 'failed':
        return handleFailed(state, input.requestId, input.unsupported, nowMs)
      case 'proposed': {
        const { batch } = input
        assert(state.role.name === 'leader' && batch.epoch === state.epoch, 'only the leader proposes, in its epoch')
        assert(batch.baseOffset === state.log.endOffset, 'a proposal begins where the log ends')
        return state.append({ kind: 'batch', ...batch })
      }
      case 'upgraded':
        return upgradeKraftVersion(state, input.kraftVersion)
      case 'synced':
        if (input.cuts !== state.cuts) return
        state.syncedEnd = Math.max(state.syncedEnd, Math.min(input.end, state.log.endOffset))
        return advance(state)
      case 'snapshots':
        return state.log.setSnapshots(input.snapshots, input.logStartOffset)
      case 'chunkStored':
      case 'snapshotDamaged':
        return handleStored(state, input, nowMs)
      case 'resign':
        if (input.epoch === state.epoch && state.leadership !== null) state.leadership.resignAsked = true
        return
      case 'shutdown':
        state.isShuttingDown = true
        return
      case 'stopped':
        return state.stop()
    }
  }

  #receive(token: ReplyToken, request: RaftRequest, nowMs: number): void {
    const state = this.#state
    switch (request.kind) {
      case 'vote':
        return handleVote(state, token, request, nowMs)
      case 'beginEpoch':
        return handleBeginEpoch(state, token, request, nowMs)
      case 'endEpoch':
        return handleEndEpoch(state, token, request, nowMs)
      case 'fetch':
        return handleFetch(state, token, request, nowMs)
      case 'fetchSnapshot':
        return handleFetchSnapshot(state, token, request, nowMs)
      case 'addVoter':
        return handleAddVoter(state, token, request, nowMs)
      case 'removeVoter':
        return handleRemoveVoter(state, token, request, nowMs)
      case 'updateVoter':
        return handleUpdateVoter(state, token, request, nowMs)
      case 'apiVersions':
        assert(false, 'ApiVersions is answered without consensus')
    }
  }
}
