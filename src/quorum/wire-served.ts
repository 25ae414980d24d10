/** What other nodes ask the quorum, and its answers, as requests and responses of the protocol. */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import { clampInt64 } from '../base/int64.ts'
import { METADATA_TOPIC_ID, ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { FetchRequest as WireFetch, FetchResponse } from '../protocol/generated/fetch.ts'
import type {
  FetchSnapshotRequest as WireFetchSnapshot,
  FetchSnapshotResponse,
} from '../protocol/generated/fetch-snapshot.ts'
import type {
  BeginQuorumEpochRequest as WireBeginEpoch,
  BeginQuorumEpochResponse,
} from '../protocol/generated/begin-quorum-epoch.ts'
import type { EndQuorumEpochRequest as WireEndEpoch } from '../protocol/generated/end-quorum-epoch.ts'
import type { VoteRequest as WireVote, VoteResponse } from '../protocol/generated/vote.ts'
import type {
  BeginEpochRequest,
  EndEpochRequest,
  FetchRequest,
  FetchSnapshotRequest,
  LeaderView,
  OffsetAndEpoch,
  SimpleAnswer,
  VoteRequest,
} from '../raft/messages.ts'
import type { ReplicaKey } from '../raft/voters.ts'
import { METADATA_TOPIC } from './quorum-options.ts'
import type { ServedAnswer } from './raft-channel.ts'

const TOPIC_ID_VERSION = 13
const REPLICA_STATE_VERSION = 15
const NODE_ENDPOINTS_VERSION = 16
const HIGH_WATERMARK_VERSION = 18
const SNAPSHOT_ENDPOINTS_VERSION = 1
const ELECTION_ENDPOINTS_VERSION = 1
const NOWHERE = { endOffset: -1, epoch: -1 }

/** Null if it doesn't ask for the one partition there is. */
export function raftFetch(request: WireFetch, version: number): FetchRequest | null {
  const [topic] = request.topics
  const isMetadata =
    version >= TOPIC_ID_VERSION ? topic?.topicId === METADATA_TOPIC_ID : topic?.topic === METADATA_TOPIC
  const [partition] = topic?.partitions ?? []
  const isOne = request.topics.length === 1 && topic?.partitions.length === 1 && partition?.partition === 0
  if (!isMetadata || !isOne || partition === undefined) return null
  return {
    kind: 'fetch',
    replica: {
      id: version >= REPLICA_STATE_VERSION ? request.replicaState.replicaId : request.replicaId,
      directoryId: partition.replicaDirectoryId,
    },
    epoch: partition.currentLeaderEpoch,
    offset: clampInt64(partition.fetchOffset),
    lastFetchedEpoch: partition.lastFetchedEpoch,
    maxWaitMs: request.maxWaitMs,
    highWatermark: version >= HIGH_WATERMARK_VERSION ? clampInt64(partition.highWatermark) : null,
  }
}

export function fetchResponse(answer: ServedAnswer & { readonly kind: 'fetch' }, version: number): Init<FetchResponse> {
  const { error, leader, highWatermark, logStartOffset, diverging, snapshotId, records } = answer
  const partition = {
    partitionIndex: 0,
    errorCode: ERROR_CODES[error],
    highWatermark,
    logStartOffset: Math.max(logStartOffset, 0),
    divergingEpoch: diverging ?? NOWHERE,
    currentLeader: leaderOf(leader),
    snapshotId: snapshotId ?? NOWHERE,
    abortedTransactions: [],
    records,
  }
  const named = version >= TOPIC_ID_VERSION ? { topicId: METADATA_TOPIC_ID } : { topic: METADATA_TOPIC }
  const responses = [{ ...named, partitions: [partition] }]
  return version < NODE_ENDPOINTS_VERSION ? { responses } : { responses, nodeEndpoints: endpointsOf(leader) }
}

/** Null if it doesn't ask for the one partition there is. */
export function raftFetchSnapshot(request: WireFetchSnapshot): FetchSnapshotRequest | null {
  const [topic] = request.topics
  const [partition] = topic?.partitions ?? []
  const isOne = request.topics.length === 1 && topic?.partitions.length === 1
  if (!isOne || topic?.name !== METADATA_TOPIC || partition?.partition !== 0) return null
  const { endOffset, epoch } = partition.snapshotId
  return {
    kind: 'fetchSnapshot',
    replica: { id: request.replicaId, directoryId: partition.replicaDirectoryId },
    epoch: partition.currentLeaderEpoch,
    snapshotId: { endOffset: clampInt64(endOffset), epoch },
    position: clampInt64(partition.position),
  }
}

export function fetchSnapshotResponse(
  answer: ServedAnswer & { readonly kind: 'fetchSnapshot' },
  version: number,
): Init<FetchSnapshotResponse> {
  const { error, leader, snapshotId, size, position, bytes } = answer
  const found: { snapshotId: OffsetAndEpoch; size: number; position: number } =
    error === 'NONE' ? { snapshotId, size, position } : { snapshotId: { endOffset: 0, epoch: 0 }, size: 0, position: 0 }
  const partition = {
    index: 0,
    errorCode: ERROR_CODES[error],
    ...found,
    currentLeader: leaderOf(leader),
    unalignedRecords: bytes,
  }
  const topics = [{ name: METADATA_TOPIC, partitions: [partition] }]
  return version < SNAPSHOT_ENDPOINTS_VERSION ? { topics } : { topics, nodeEndpoints: endpointsOf(leader) }
}

function leaderOf({ leaderId, epoch }: LeaderView): { leaderId: number; leaderEpoch: number } {
  return { leaderId, leaderEpoch: epoch }
}

function endpointsOf({ leaderId, endpoint }: LeaderView): { nodeId: number; host: string; port: number }[] {
  return leaderId < 0 || endpoint === null ? [] : [{ nodeId: leaderId, ...endpoint }]
}

/** What a request of another cluster is answered; null: it is of this one, or doesn't say. */
export function clusterError(asked: string | null, clusterId: string): ErrorCode | null {
  return asked === null || asked === clusterId ? null : 'INCONSISTENT_CLUSTER_ID'
}

/** A request of the election names one partition, as all of them do. */
function onlyPartition<Partition extends { readonly partitionIndex: number }>(
  topics: readonly { readonly topicName: string; readonly partitions: readonly Partition[] }[],
): Partition | null {
  const [topic] = topics
  const [partition] = topic?.partitions ?? []
  const isOne = topics.length === 1 && topic?.partitions.length === 1 && topic.topicName === METADATA_TOPIC
  return isOne && partition?.partitionIndex === 0 ? partition : null
}

export function raftVote(request: WireVote): VoteRequest | null {
  const partition = onlyPartition(request.topics)
  if (partition === null) return null
  const { replicaId, replicaDirectoryId, voterDirectoryId, replicaEpoch, lastOffsetEpoch, lastOffset, preVote } =
    partition
  return {
    kind: 'vote',
    voter: voterOf(request.voterId, voterDirectoryId),
    candidate: { id: replicaId, directoryId: replicaDirectoryId },
    epoch: replicaEpoch,
    lastEpoch: lastOffsetEpoch,
    lastOffset: clampInt64(lastOffset),
    preVote,
  }
}

export function raftBeginEpoch(request: WireBeginEpoch): BeginEpochRequest | null {
  const partition = onlyPartition(request.topics)
  if (partition === null) return null
  const { leaderId, leaderEpoch: epoch, voterDirectoryId } = partition
  const voter = voterOf(request.voterId, voterDirectoryId)
  return { kind: 'beginEpoch', voter, leaderId, epoch, endpoints: request.leaderEndpoints }
}

export function raftEndEpoch(request: WireEndEpoch, version: number): EndEpochRequest | null {
  const partition = onlyPartition(request.topics)
  if (partition === null) return null
  const { leaderId, leaderEpoch: epoch, preferredSuccessors, preferredCandidates } = partition
  const successors =
    version === 0
      ? preferredSuccessors.map((id) => ({ id, directoryId: ZERO_UUID }))
      : preferredCandidates.map(({ candidateId, candidateDirectoryId }) => {
          return { id: candidateId, directoryId: candidateDirectoryId }
        })
  return { kind: 'endEpoch', leaderId, epoch, successors, endpoints: request.leaderEndpoints }
}

/** With the leader's address from v1 on. */
export function voteResponse({ error, leader, granted }: SimpleAnswer, version: number): Init<VoteResponse> {
  const partition = { partitionIndex: 0, errorCode: ERROR_CODES[error], ...leaderOf(leader), voteGranted: granted }
  const topics = [{ topicName: METADATA_TOPIC, partitions: [partition] }]
  return version < ELECTION_ENDPOINTS_VERSION ? { topics } : { topics, nodeEndpoints: endpointsOf(leader) }
}

/** Of BeginQuorumEpoch and EndQuorumEpoch; with the leader's address from v1 on. */
export function epochResponse({ error, leader }: SimpleAnswer, version: number): Init<BeginQuorumEpochResponse> {
  const partition = { partitionIndex: 0, errorCode: ERROR_CODES[error], ...leaderOf(leader) }
  const topics = [{ topicName: METADATA_TOPIC, partitions: [partition] }]
  return version < ELECTION_ENDPOINTS_VERSION ? { topics } : { topics, nodeEndpoints: endpointsOf(leader) }
}

/** Null: an old version doesn't say whom it means. */
function voterOf(id: number, directoryId: Uuid): ReplicaKey | null {
  return id < 0 ? null : { id, directoryId }
}
