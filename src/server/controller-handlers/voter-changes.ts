/**
 * AddRaftVoter v0-1, RemoveRaftVoter v0 and UpdateRaftVoter v0 (KIP-853): changes of the voters, one at a time. v1 of the first
 * may be answered before the change is committed.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { AddRaftVoter } from '../../protocol/generated/add-raft-voter.ts'
import { RemoveRaftVoter } from '../../protocol/generated/remove-raft-voter.ts'
import { UpdateRaftVoter } from '../../protocol/generated/update-raft-voter.ts'
import { clusterError } from '../../quorum/wire-served.ts'
import type { RaftRequest, SimpleAnswer, VoterChangeAnswer } from '../../raft/messages.ts'
import type { ControllerServices } from '../controller-services.ts'
import { handler } from '../handler.ts'

async function change(
  { quorum, clusterId }: ControllerServices,
  asked: string | null,
  request: RaftRequest,
): Promise<{ readonly errorCode: number; readonly errorMessage: string | null }> {
  const foreign = clusterError(asked, clusterId)
  if (foreign !== null) {
    const errorMessage = `The given id "${asked}" doesn't match the cluster id "${clusterId}"`
    return { errorCode: ERROR_CODES[foreign], errorMessage }
  }
  const { error, message } = (await quorum.request(request)) as VoterChangeAnswer
  return { errorCode: ERROR_CODES[error], errorMessage: message }
}

export const addRaftVoterHandler = handler(AddRaftVoter, {
  handle: (services: ControllerServices, request) => {
    const { voterId: id, voterDirectoryId: directoryId, listeners: endpoints, ackWhenCommitted } = request
    return change(services, request.clusterId, {
      kind: 'addVoter',
      voter: { id, directoryId },
      endpoints,
      ackWhenCommitted,
    })
  },
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
export const removeRaftVoterHandler = handler(RemoveRaftVoter, {
  handle: (services: ControllerServices, request) => {
    const { voterId: id, voterDirectoryId: directoryId } = request
    return change(services, request.clusterId, { kind: 'removeVoter', voter: { id, directoryId } })
  },
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
export const updateRaftVoterHandler = handler(UpdateRaftVoter, {
  handle: async ({ quorum, clusterId }: ControllerServices, request) => {
    const foreign = clusterError(request.clusterId, clusterId)
    if (foreign !== null) return { errorCode: ERROR_CODES[foreign] }
    const { minSupportedVersion: min, maxSupportedVersion: max } = request.kRaftVersionFeature
    const { error, leader } = (await quorum.request({
      kind: 'updateVoter',
      voter: { id: request.voterId, directoryId: request.voterDirectoryId },
      epoch: request.currentLeaderEpoch,
      endpoints: request.listeners,
      kraftVersions: { min, max },
    })) as SimpleAnswer
    const { leaderId, epoch: leaderEpoch, endpoint } = leader
    return { errorCode: ERROR_CODES[error], currentLeader: { leaderId, leaderEpoch, ...endpoint } }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})
