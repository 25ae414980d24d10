/** What the quorum asks other nodes, as requests of the protocol; each names its one partition. */
import { METADATA_TOPIC_ID } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { AddRaftVoterRequest } from '../protocol/generated/add-raft-voter.ts'
import type { BeginQuorumEpochRequest } from '../protocol/generated/begin-quorum-epoch.ts'
import type { EndQuorumEpochRequest } from '../protocol/generated/end-quorum-epoch.ts'
import type { FetchRequest as WireFetch } from '../protocol/generated/fetch.ts'
import type { FetchSnapshotRequest as WireFetchSnapshot } from '../protocol/generated/fetch-snapshot.ts'
import type { RemoveRaftVoterRequest } from '../protocol/generated/remove-raft-voter.ts'
import type { UpdateRaftVoterRequest } from '../protocol/generated/update-raft-voter.ts'
import type { VoteRequest as WireVote } from '../protocol/generated/vote.ts'
import type {
  AddVoterRequest,
  BeginEpochRequest,
  EndEpochRequest,
  FetchRequest,
  FetchSnapshotRequest,
  RemoveVoterRequest,
  UpdateVoterRequest,
  VoteRequest,
} from '../raft/messages.ts'
import { METADATA_TOPIC } from './quorum-options.ts'

/** Of one Fetch or FetchSnapshot; Kafka's default. */
export const FETCH_BYTES_MAX = 1024 * 1024
const WAIT_FOR_VOTER_CHANGE_MS = 30_000

function onlyPartition<Partition>(partition: Partition): { topicName: string; partitions: Partition[] }[] {
  return [{ topicName: METADATA_TOPIC, partitions: [partition] }]
}

export function voteRequest(clusterId: string, request: VoteRequest, version: number): Init<WireVote> {
  const { voter, candidate, epoch, lastEpoch, lastOffset, preVote } = request
  const partition = {
    partitionIndex: 0,
    replicaEpoch: epoch,
    replicaId: candidate.id,
    replicaDirectoryId: candidate.directoryId,
    ...(voter === null ? {} : { voterDirectoryId: voter.directoryId }),
    lastOffsetEpoch: lastEpoch,
    lastOffset,
    ...(version < 2 ? {} : { preVote }),
  }
  return { clusterId, voterId: voter?.id ?? -1, topics: onlyPartition(partition) }
}

export function beginEpochRequest(clusterId: string, request: BeginEpochRequest): Init<BeginQuorumEpochRequest> {
  const { voter, leaderId, epoch, endpoints } = request
  const partition = {
    partitionIndex: 0,
    ...(voter === null ? {} : { voterDirectoryId: voter.directoryId }),
    leaderId,
    leaderEpoch: epoch,
  }
  return { clusterId, voterId: voter?.id ?? -1, topics: onlyPartition(partition), leaderEndpoints: endpoints }
}

export function endEpochRequest(
  clusterId: string,
  request: EndEpochRequest,
  version: number,
): Init<EndQuorumEpochRequest> {
  const { leaderId, epoch, successors, endpoints } = request
  const named =
    version === 0
      ? { preferredSuccessors: successors.map(({ id }) => id) }
      : {
          preferredCandidates: successors.map(({ id, directoryId }) => {
            return { candidateId: id, candidateDirectoryId: directoryId }
          }),
        }
  const partition = { partitionIndex: 0, leaderId, leaderEpoch: epoch, ...named }
  return { clusterId, topics: onlyPartition(partition), leaderEndpoints: endpoints }
}

export function fetchRequest(clusterId: string, request: FetchRequest, version: number): Init<WireFetch> {
  const { replica, epoch, offset, lastFetchedEpoch, maxWaitMs, highWatermark } = request
  const partition = {
    partition: 0,
    currentLeaderEpoch: epoch,
    fetchOffset: offset,
    lastFetchedEpoch,
    partitionMaxBytes: 0,
    replicaDirectoryId: replica.directoryId,
    ...(highWatermark === null ? {} : { highWatermark }),
  }
  return {
    clusterId,
    ...(version >= 15 ? { replicaState: { replicaId: replica.id } } : { replicaId: replica.id }),
    maxWaitMs,
    maxBytes: FETCH_BYTES_MAX,
    topics: [{ topic: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, partitions: [partition] }],
  }
}

export function fetchSnapshotRequest(clusterId: string, request: FetchSnapshotRequest): Init<WireFetchSnapshot> {
  const { replica, epoch, snapshotId, position } = request
  const partition = {
    partition: 0,
    currentLeaderEpoch: epoch,
    snapshotId,
    position,
    replicaDirectoryId: replica.directoryId,
  }
  const topics = [{ name: METADATA_TOPIC, partitions: [partition] }]
  return { clusterId, replicaId: replica.id, maxBytes: FETCH_BYTES_MAX, topics }
}

export function addVoterRequest(
  clusterId: string,
  { voter, endpoints, ackWhenCommitted }: AddVoterRequest,
  version: number,
): Init<AddRaftVoterRequest> {
  return {
    clusterId,
    timeoutMs: WAIT_FOR_VOTER_CHANGE_MS,
    voterId: voter.id,
    voterDirectoryId: voter.directoryId,
    listeners: endpoints,
    ...(version === 0 ? {} : { ackWhenCommitted }),
  }
}

export function removeVoterRequest(clusterId: string, { voter }: RemoveVoterRequest): Init<RemoveRaftVoterRequest> {
  return { clusterId, voterId: voter.id, voterDirectoryId: voter.directoryId }
}

export function updateVoterRequest(clusterId: string, request: UpdateVoterRequest): Init<UpdateRaftVoterRequest> {
  const { voter, epoch, endpoints, kraftVersions } = request
  return {
    clusterId,
    currentLeaderEpoch: epoch,
    voterId: voter.id,
    voterDirectoryId: voter.directoryId,
    listeners: endpoints,
    kRaftVersionFeature: { minSupportedVersion: kraftVersions.min, maxSupportedVersion: kraftVersions.max },
  }
}
