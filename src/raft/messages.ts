/**
 * What nodes of the quorum say to each other, without versions and topics: `quorum/` translates it from and to the
 * requests of the protocol (Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch, FetchSnapshot, AddRaftVoter, RemoveRaftVoter,
 * UpdateRaftVoter). The cluster id and the partition were checked before.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { HostPort, ReplicaKey, VersionRange, VoterChange, VoterEndpoint } from './voters.ts'

export interface OffsetAndEpoch {
  readonly endOffset: number
  readonly epoch: number
}

/** Whom the sender takes for the leader of its epoch. */
export interface LeaderView {
  readonly epoch: number
  /** -1: not known. */
  readonly leaderId: number
  readonly endpoint: HostPort | null
}

/** Entries that belong together; consensus sees no more of them than this. */
export interface RaftBatch {
  readonly baseOffset: number
  /** Offset after the last record. */
  readonly endOffset: number
  readonly epoch: number
  readonly voters: VoterChange | null
  readonly bytes: Buffer
}

export interface VoteRequest {
  readonly kind: 'vote'
  /** Whom it is meant for; null: an old version doesn't say. */
  readonly voter: ReplicaKey | null
  readonly candidate: ReplicaKey
  readonly epoch: number
  readonly lastEpoch: number
  readonly lastOffset: number
  readonly preVote: boolean
}

export interface BeginEpochRequest {
  readonly kind: 'beginEpoch'
  readonly voter: ReplicaKey | null
  readonly leaderId: number
  readonly epoch: number
  /** Empty in old versions. */
  readonly endpoints: readonly VoterEndpoint[]
}

export interface EndEpochRequest {
  readonly kind: 'endEpoch'
  readonly leaderId: number
  readonly epoch: number
  /** Best first. */
  readonly successors: readonly ReplicaKey[]
  readonly endpoints: readonly VoterEndpoint[]
}

export interface FetchRequest {
  readonly kind: 'fetch'
  /** id -1: neither voter nor observer. */
  readonly replica: ReplicaKey
  readonly epoch: number
  /** All below survives a power loss of the sender, if it may vote. */
  readonly offset: number
  readonly lastFetchedEpoch: number
  readonly maxWaitMs: number
  /** That the sender knows, -1 for none; null: an old version doesn't say. */
  readonly highWatermark: number | null
}

export interface FetchSnapshotRequest {
  readonly kind: 'fetchSnapshot'
  readonly replica: ReplicaKey
  readonly epoch: number
  readonly snapshotId: OffsetAndEpoch
  readonly position: number
}

export interface AddVoterRequest {
  readonly kind: 'addVoter'
  readonly voter: ReplicaKey
  readonly endpoints: readonly VoterEndpoint[]
  /** False: answer after the append. */
  readonly ackWhenCommitted: boolean
}

export interface RemoveVoterRequest {
  readonly kind: 'removeVoter'
  readonly voter: ReplicaKey
}

export interface UpdateVoterRequest {
  readonly kind: 'updateVoter'
  readonly voter: ReplicaKey
  readonly epoch: number
  readonly endpoints: readonly VoterEndpoint[]
  readonly kraftVersions: VersionRange
}

/** Sent only: which kraft.version levels a node serves that is to become a voter. */
export interface ApiVersionsRequest {
  readonly kind: 'apiVersions'
}

export type RaftRequest =
  | VoteRequest
  | BeginEpochRequest
  | EndEpochRequest
  | FetchRequest
  | FetchSnapshotRequest
  | AddVoterRequest
  | RemoveVoterRequest
  | UpdateVoterRequest
  | ApiVersionsRequest

/** Of Vote, BeginQuorumEpoch, EndQuorumEpoch, UpdateRaftVoter. */
export interface SimpleAnswer {
  readonly kind: 'vote' | 'beginEpoch' | 'endEpoch' | 'updateVoter'
  readonly error: ErrorCode
  readonly leader: LeaderView
  /** Of a vote. */
  readonly granted: boolean
}

interface FetchAnswerFields {
  readonly kind: 'fetch'
  readonly error: ErrorCode
  readonly leader: LeaderView
  /** -1: not known yet. */
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly diverging: OffsetAndEpoch | null
  readonly snapshotId: OffsetAndEpoch | null
}

/** As it goes out: who carries it out reads the records. */
export interface FetchAnswer extends FetchAnswerFields {
  /** Whole batches from here to `readTo`; null: no records. */
  readonly readFrom: number | null
  readonly readTo: number
}

/** As it comes in. */
export interface FetchResult extends FetchAnswerFields {
  readonly batches: readonly RaftBatch[]
}

export interface SnapshotAnswer {
  readonly kind: 'fetchSnapshot'
  readonly error: ErrorCode
  readonly leader: LeaderView
  readonly snapshotId: OffsetAndEpoch
  /** Of the whole snapshot, in bytes. */
  readonly size: number
  readonly position: number
}

export interface SnapshotResult extends SnapshotAnswer {
  readonly bytes: Buffer
}

export interface VoterChangeAnswer {
  readonly kind: 'addVoter' | 'removeVoter'
  readonly error: ErrorCode
  readonly message: string | null
}

export interface ApiVersionsResult {
  readonly kind: 'apiVersions'
  readonly error: ErrorCode
  /** Null: the node doesn't know the feature. */
  readonly kraftVersions: VersionRange | null
}

export type RaftAnswer = SimpleAnswer | FetchAnswer | SnapshotAnswer | VoterChangeAnswer
export type RaftResult = SimpleAnswer | FetchResult | SnapshotResult | VoterChangeAnswer | ApiVersionsResult
