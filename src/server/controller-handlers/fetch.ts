/**
 * Fetch v0-18 on a controller: the metadata log, for voters and observers (KIP-595). One partition, no sessions; held while
 * there is nothing new. v12 tells diverging epochs and snapshots, v15 who asks, v17 with which directory, v18 which high
 * watermark it knows.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { clusterError, fetchResponse, raftFetch } from '../../quorum/wire-served.ts'
import type { ControllerServices } from '../controller-services.ts'
import { handler } from '../handler.ts'

/** Before, a request can't say what the log diverges by. */
const LOWEST_VERSION = 12

export const metadataFetchHandler = handler(Fetch, {
  versions: { lowest: LOWEST_VERSION, highest: Fetch.request.highestVersion },
  handle: async ({ quorum, clusterId }: ControllerServices, request, { apiVersion }) => {
    const foreign = clusterError(request.clusterId, clusterId)
    if (foreign !== null) return { errorCode: ERROR_CODES[foreign] }
    const asked = raftFetch(request, apiVersion)
    if (asked === null) return { errorCode: ERROR_CODES.INVALID_REQUEST }
    const answer = await quorum.request(asked, request.maxBytes)
    return answer.kind === 'fetch' ? fetchResponse(answer, apiVersion) : { errorCode: ERROR_CODES.UNKNOWN_SERVER_ERROR }
  },
  failed: (_request, error) => ({ errorCode: error.errno }),
})
