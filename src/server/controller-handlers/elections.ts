/**
 * Vote v0-2 (v2 asks before it votes, KIP-996), BeginQuorumEpoch v0-1 and EndQuorumEpoch v0-1 (KIP-595): how voters of the
 * metadata log elect. v1 names directories and addresses (KIP-853).
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { BeginQuorumEpoch } from '../../protocol/generated/begin-quorum-epoch.ts'
import { EndQuorumEpoch } from '../../protocol/generated/end-quorum-epoch.ts'
import { Vote } from '../../protocol/generated/vote.ts'
import {
  clusterError,
  epochResponse,
  raftBeginEpoch,
  raftEndEpoch,
  raftVote,
  voteResponse,
} from '../../quorum/wire-served.ts'
import type { RaftRequest, SimpleAnswer } from '../../raft/messages.ts'
import type { ControllerServices } from '../controller-services.ts'
import { handler } from '../handler.ts'

interface Asks {
  readonly clusterId: string | null
}

async function answer<Response>(
  { quorum, clusterId }: ControllerServices,
  request: Asks,
  asked: RaftRequest | null,
  respond: (answer: SimpleAnswer) => Response,
): Promise<Response | { readonly errorCode: number }> {
  const foreign = clusterError(request.clusterId, clusterId)
  if (foreign !== null) return { errorCode: ERROR_CODES[foreign] }
  if (asked === null) return { errorCode: ERROR_CODES.INVALID_REQUEST }
  return respond((await quorum.request(asked)) as SimpleAnswer)
}

export const voteHandler = handler(Vote, {
  handle: (services: ControllerServices, request, { apiVersion }) =>
    answer(services, request, raftVote(request), (given) => voteResponse(given, apiVersion)),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
export const beginQuorumEpochHandler = handler(BeginQuorumEpoch, {
  handle: (services: ControllerServices, request, { apiVersion }) =>
    answer(services, request, raftBeginEpoch(request), (given) => epochResponse(given, apiVersion)),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
export const endQuorumEpochHandler = handler(EndQuorumEpoch, {
  handle: (services: ControllerServices, request, { apiVersion }) =>
    answer(services, request, raftEndEpoch(request, apiVersion), (given) => epochResponse(given, apiVersion)),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
