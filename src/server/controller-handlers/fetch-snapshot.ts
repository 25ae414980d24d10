/** FetchSnapshot v0-1 (KIP-630): a piece of a metadata snapshot, by its position. v1 names the leader's address. */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { FetchSnapshot } from '../../protocol/generated/fetch-snapshot.ts'
import { clusterError, fetchSnapshotResponse, raftFetchSnapshot } from '../../quorum/wire-served.ts'
import type { ControllerServices } from '../controller-services.ts'
import { handler } from '../handler.ts'

export const fetchSnapshotHandler = handler(FetchSnapshot, {
  handle: async ({ quorum, clusterId }: ControllerServices, request, { apiVersion }) => {
    const foreign = clusterError(request.clusterId, clusterId)
    if (foreign !== null) return { errorCode: ERROR_CODES[foreign] }
    const asked = raftFetchSnapshot(request)
    if (asked === null) return { errorCode: ERROR_CODES.INVALID_REQUEST }
    const answer = await quorum.request(asked, request.maxBytes)
    return answer.kind === 'fetchSnapshot'
      ? fetchSnapshotResponse(answer, apiVersion)
      : { errorCode: ERROR_CODES.UNKNOWN_SERVER_ERROR }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})
