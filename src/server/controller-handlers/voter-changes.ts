/**
 * AddRaftVoter v0-1, RemoveRaftVoter v0 and UpdateRaftVoter v0 (KIP-853): changes of the voters, one at a time. v1 of the first
 * may be answered before the change is committed. Clients ask for the first two, of a broker or of a controller; voters for
 * the last.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { AddRaftVoter } from '../../protocol/generated/add-raft-voter.ts'
import { RemoveRaftVoter } from '../../protocol/generated/remove-raft-voter.ts'
import { UpdateRaftVoter } from '../../protocol/generated/update-raft-voter.ts'
import { clusterError } from '../../quorum/wire-served.ts'
import type { SimpleAnswer } from '../../raft/messages.ts'
import type { ControllerServices } from '../controller-services.ts'
import { handler, type AsksController } from '../handler.ts'

export const addRaftVoterHandler = handler(AddRaftVoter, {
  handle: ({ controller }: AsksController, request, context) => controller.addRaftVoter(request, context),
  failed: (_request, error) => ({ errorCode: error.errno, errorMessage: error.message }),
})
export const removeRaftVoterHandler = handler(RemoveRaftVoter, {
  handle: ({ controller }: AsksController, request, context) => controller.removeRaftVoter(request, context),
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
