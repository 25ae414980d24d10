/**
 * What a leader knows of its replicas: how far each has synced, when it was last heard of, which Fetches it holds.
 *
 * Invariants: the high watermark never goes back, and doesn't move before the first entry of the leader's own epoch is on
 * a majority (a leader must not commit an older epoch by counting); the leader's own end counts only as far as it is
 * synced, and only while it is a voter.
 */
import { ZERO_UUID } from '../base/uuid.ts'
import type { FetchRequest } from './messages.ts'
import type { ReplyToken } from './raft-io.ts'
import { isVoterKey, keyOf, majorityOf, voterOf, type ReplicaKey, type Voter, type VoterSet } from './voters.ts'

/** An observer that wasn't heard of for so long is forgotten. */
const OBSERVER_TIMEOUT_MS = 300_000
/** A new voter must have fetched the whole log within so long. */
const CAUGHT_UP_WINDOW_MS = 3_600_000
const CHECK_QUORUM_FACTOR = 1.5

export interface ReplicaProgress {
  readonly key: ReplicaKey
  /** -1: not heard of. */
  endOffset: number
  lastFetchMs: number
  lastCaughtUpMs: number
  /** The leader's end at the last fetch. */
  leaderEndAtFetch: number
}

export interface HeldFetch {
  readonly token: ReplyToken
  readonly request: FetchRequest
  readonly deadlineMs: number
}

/** A voter change under way: one at a time. */
export interface PendingChange {
  readonly kind: 'addVoter' | 'removeVoter'
  readonly token: ReplyToken
  readonly deadlineMs: number
  /** Of an addition. */
  readonly voter: Voter | null
  readonly ackWhenCommitted: boolean
  /** Of the record; -1: not appended yet. */
  offset: number
}

export class Leadership {
  readonly epochStart: number
  readonly #self: ReplicaKey
  readonly #fetchTimeoutMs: number
  readonly #replicas = new Map<string, ReplicaProgress>()
  readonly held = new Map<ReplyToken, HeldFetch>()
  /** With static voters: what is known of each, from itself since this node leads, else from configuration. */
  told: VoterSet
  /** Null until the first entry of this epoch is committed. */
  highWatermark: number | null = null
  pending: PendingChange | null = null
  resignAsked = false
  beginAtMs: number
  #checkQuorumAtMs: number
  #heard = new Set<number>()

  constructor(self: ReplicaKey, told: VoterSet, epochStart: number, fetchTimeoutMs: number, nowMs: number) {
    this.#self = self
    this.told = told
    this.epochStart = epochStart
    this.#fetchTimeoutMs = fetchTimeoutMs
    this.beginAtMs = nowMs
    this.#checkQuorumAtMs = nowMs + fetchTimeoutMs * CHECK_QUORUM_FACTOR
  }

  /** Infinity: a quorum of one is never lost. */
  checkQuorumAtMs(set: VoterSet): number {
    return set.voters.every((voter) => isVoterKey(voter, this.#self)) ? Infinity : this.#checkQuorumAtMs
  }

  /** Another set of voters has as much time as any. */
  restartCheckQuorum(nowMs: number): void {
    this.#heard = new Set()
    this.#checkQuorumAtMs = nowMs + this.#fetchTimeoutMs * CHECK_QUORUM_FACTOR
  }

  /** A replica fetched: it has all below `endOffset`, synced (null: it fetches a snapshot). */
  heard(replica: ReplicaKey, endOffset: number | null, leaderEnd: number, set: VoterSet, nowMs: number): void {
    if (replica.id < 0) return
    const progress = this.#progressOf(replica, set)
    if (endOffset !== null) {
      if (endOffset >= leaderEnd) progress.lastCaughtUpMs = nowMs
      else if (progress.leaderEndAtFetch >= 0 && endOffset >= progress.leaderEndAtFetch) {
        progress.lastCaughtUpMs = Math.max(progress.lastCaughtUpMs, progress.lastFetchMs)
      }
      progress.leaderEndAtFetch = leaderEnd
      // As told, also if it is less: a static voter whose disk was replaced has nothing of what it had.
      progress.endOffset = endOffset
    }
    progress.lastFetchMs = nowMs
    if (voterOf(set, replica) !== null) this.heardVoter(replica.id, set, nowMs)
  }

  /** A replica fetched from where this log doesn't continue: what it had before counts no more, until it tells. */
  astray(replica: ReplicaKey, set: VoterSet): void {
    const progress = this.#replicas.get(nameOf(voterOf(set, replica) ?? replica))
    if (progress !== undefined) progress.endOffset = -1
  }

  /** A voter shows that it follows. */
  heardVoter(id: number, set: VoterSet, nowMs: number): void {
    this.#heard.add(id)
    const needed = majorityOf(set.voters.length) - (voterOf(set, this.#self) === null ? 0 : 1)
    if (this.#heard.size >= needed) this.restartCheckQuorum(nowMs)
  }

  /** True if the high watermark moved. */
  advance(syncedEnd: number, set: VoterSet): boolean {
    const ends = set.voters.map((voter) => (isVoterKey(voter, this.#self) ? syncedEnd : this.#endOf(voter)))
    const reached = ends.sort((left, right) => right - left)[majorityOf(ends.length) - 1] ?? -1
    if (reached <= this.epochStart || reached <= (this.highWatermark ?? -1)) return false
    this.highWatermark = reached
    return true
  }

  /** Voters that haven't fetched of late: they may not know who leads. */
  silent(set: VoterSet, nowMs: number): readonly Voter[] {
    return set.voters.filter((voter) => {
      if (voter.id === this.#self.id) return false
      const fetchedMs = this.#replicas.get(nameOf(voter))?.lastFetchMs ?? -Infinity
      return nowMs - fetchedMs >= this.#fetchTimeoutMs / 2
    })
  }

  isCaughtUp(replica: ReplicaKey, nowMs: number): boolean {
    const progress = this.#replicas.get(nameOf(replica))
    return progress !== undefined && progress.lastCaughtUpMs > nowMs - CAUGHT_UP_WINDOW_MS
  }

  /** Other voters, the one with most of the log first. */
  successors(set: VoterSet): readonly ReplicaKey[] {
    return set.voters
      .filter(({ id }) => id !== this.#self.id)
      .sort((left, right) => this.#endOf(right) - this.#endOf(left) || left.id - right.id)
      .map(keyOf)
  }

  progress(voter: ReplicaKey): ReplicaProgress | null {
    return this.#replicas.get(nameOf(voter)) ?? null
  }

  observers(set: VoterSet, nowMs: number): readonly ReplicaProgress[] {
    const observers: ReplicaProgress[] = []
    for (const [name, progress] of this.#replicas) {
      if (set.voters.some((voter) => nameOf(voter) === name)) continue
      if (nowMs - progress.lastFetchMs > OBSERVER_TIMEOUT_MS) this.#replicas.delete(name)
      else observers.push(progress)
    }
    return observers
  }

  /** Static voters have a directory from now on; they are as far as they were. */
  identify(voters: readonly Voter[]): void {
    for (const voter of voters) {
      const former = nameOf({ id: voter.id, directoryId: ZERO_UUID })
      const progress = this.#replicas.get(former)
      if (progress === undefined) continue
      this.#replicas.delete(former)
      this.#replicas.set(nameOf(voter), { ...progress, key: keyOf(voter) })
    }
  }

  #endOf(voter: ReplicaKey): number {
    return this.#replicas.get(nameOf(voter))?.endOffset ?? -1
  }

  #progressOf(replica: ReplicaKey, set: VoterSet): ReplicaProgress {
    // A static voter is counted under its id, whatever directory it names.
    const key = voterOf(set, replica) ?? replica
    const name = nameOf(key)
    let progress = this.#replicas.get(name)
    if (progress === undefined) {
      progress = {
        key: keyOf(replica),
        endOffset: -1,
        lastFetchMs: -Infinity,
        lastCaughtUpMs: -Infinity,
        leaderEndAtFetch: -1,
      }
      this.#replicas.set(name, progress)
    }
    return progress
  }
}

function nameOf({ id, directoryId }: ReplicaKey): string {
  return `${id} ${directoryId}`
}
