/** The two sides of `Raft.step`: what happened, and what is to be done about it, in which order. */
import type { Uuid } from '../base/uuid.ts'
import type { KnownSnapshot, LogContent } from './log-view.ts'
import type { OffsetAndEpoch, RaftAnswer, RaftBatch, RaftRequest, RaftResult } from './messages.ts'
import type { VoterEntry } from './voter-history.ts'
import type { HostPort, ReplicaKey, VoterChange, VoterEndpoint } from './voters.ts'

/** What `quorum-state` holds. */
export interface ElectionState {
  /** -1: unknown. */
  readonly leaderId: number
  readonly leaderEpoch: number
  /** -1: no vote given in this epoch. */
  readonly votedId: number
  readonly votedDirectoryId: Uuid
}

/** Names a request that waits for its answer; observers have no voter id, and a Fetch may be held. */
export type ReplyToken = number

export type RaftInput =
  /** Nothing but time. Also the first input. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'received'; readonly token: ReplyToken; readonly request: RaftRequest }
  /** Of a request in `send`. */
  | { readonly kind: 'answered'; readonly requestId: number; readonly result: RaftResult }
  /** No answer came, or the node doesn't speak that version (`unsupported`). */
  | { readonly kind: 'failed'; readonly requestId: number; readonly unsupported: boolean }
  /** By the leader's own state machine: begins at `endOffset`, in `epoch`. */
  | { readonly kind: 'proposed'; readonly batch: RaftBatch }
  /** All below `end` survives a power loss; `cuts` as it was when the sync began. */
  | { readonly kind: 'synced'; readonly end: number; readonly cuts: number }
  /** Snapshots were written or removed here, and the log before them. */
  | { readonly kind: 'snapshots'; readonly snapshots: readonly KnownSnapshot[]; readonly logStartOffset: number }
  /** A chunk is in its file, up to byte `end`; with the last one, what the whole says of voters. */
  | {
      readonly kind: 'chunkStored'
      readonly id: OffsetAndEpoch
      readonly end: number
      readonly whole: VoterChange | null
    }
  /** What came is no snapshot. */
  | { readonly kind: 'snapshotDamaged'; readonly id: OffsetAndEpoch }
  /** By the leader's own state machine, if `upgradeObstacle` names none: kraft.version goes up. */
  | { readonly kind: 'upgraded'; readonly kraftVersion: number }
  /** Gives the leadership of `epoch` up; others elect. */
  | { readonly kind: 'resign'; readonly epoch: number }
  /** As `resign`, and never elects itself again; `isLeaving` says until when to wait. */
  | { readonly kind: 'shutdown' }
  /** The log failed, or the node stops hard: nothing is sent or committed any more. */
  | { readonly kind: 'stopped' }

export interface ControlEntry {
  readonly kind: 'control'
  readonly baseOffset: number
  readonly endOffset: number
  readonly epoch: number
  readonly leaderChange: { readonly voters: readonly ReplicaKey[]; readonly granting: readonly ReplicaKey[] } | null
  readonly voters: VoterChange | null
}

export type LogEntry = ControlEntry | (RaftBatch & { readonly kind: 'batch' })

export interface Outgoing {
  readonly requestId: number
  readonly to: HostPort
  /** -1: an address of configuration; who is there isn't known. */
  readonly peerId: number
  readonly request: RaftRequest
}

export interface Reply {
  readonly token: ReplyToken
  readonly answer: RaftAnswer
}

/** To be carried out in the order of the fields, and before the next one; `send` and `reply` need `save` on disk. */
export interface RaftOutput {
  /** Sync before `send` and `reply`: a forgotten vote can elect two leaders. */
  readonly save: ElectionState | null
  /** Write at `position` of the snapshot that is being fetched (0: a new file), then step `chunkStored`. */
  readonly chunk: {
    readonly id: OffsetAndEpoch
    readonly position: number
    readonly bytes: Buffer
    readonly isLast: boolean
  } | null
  /** The whole snapshot gets its name, then the log starts over at its end, then step `synced`. */
  readonly install: OffsetAndEpoch | null
  readonly truncateTo: number | null
  /** Write and sync, then step `synced`. */
  readonly append: readonly LogEntry[]
  readonly send: readonly Outgoing[]
  readonly reply: readonly Reply[]
  /** All below is committed; never goes back. */
  readonly committedTo: number
  /** Step a `tick` no later than this; Infinity: nothing to wait for. */
  readonly wakeAtMs: number
  /** A peer did what no correct one does; for the log. */
  readonly complaints: readonly string[]
}

export interface RaftTiming {
  /** controller.quorum.election.timeout.ms; up to as much again is added by chance. */
  readonly electionTimeoutMs: number
  /** controller.quorum.election.backoff.max.ms */
  readonly electionBackoffMaxMs: number
  /** controller.quorum.fetch.timeout.ms */
  readonly fetchTimeoutMs: number
  /** controller.quorum.request.timeout.ms */
  readonly requestTimeoutMs: number
  /** controller.quorum.retry.backoff.ms */
  readonly retryBackoffMs: number
  /** How long a leader may hold a Fetch without news. */
  readonly fetchMaxWaitMs: number
}

export interface RaftOptions {
  readonly nodeId: number
  readonly directoryId: Uuid
  /** False: a broker, which only observes. */
  readonly mayVote: boolean
  /** controller.quorum.auto.join.enable */
  readonly autoJoin: boolean
  /** Own controller listeners; empty for a broker. */
  readonly endpoints: readonly VoterEndpoint[]
  /** The listener on which controllers speak to each other. */
  readonly listenerName: string
  /** Asked for the leader while it isn't known. */
  readonly bootstrapServers: readonly HostPort[]
  /** As on disk; null: none. */
  readonly election: ElectionState | null
  readonly log: LogContent
  /** All below it is known to survive a power loss; the rest after a first `synced`. */
  readonly syncedEnd: number
  /** At least one: of configuration, of the 0-0 snapshot, or of the log. */
  readonly voters: readonly VoterEntry[]
  readonly timing: RaftTiming
  /** 0 … bound-1 */
  readonly random: (bound: number) => number
}

export type RaftRole = 'unattached' | 'prospective' | 'candidate' | 'leader' | 'follower' | 'resigned' | 'stopped'
