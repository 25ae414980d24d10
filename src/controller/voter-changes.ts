/** AddRaftVoter and RemoveRaftVoter: what is asked of the quorum, which decides and answers itself (KIP-853). */
import { ERROR_CODES } from '../base/error-codes.ts'
import type { AddRaftVoterRequest } from '../protocol/generated/add-raft-voter.ts'
import type { RemoveRaftVoterRequest } from '../protocol/generated/remove-raft-voter.ts'
import { errorFields, type ErrorFields } from './decision.ts'
import type { MetadataLog } from './metadata-log.ts'

export function addRaftVoter(log: MetadataLog, clusterId: string, request: AddRaftVoterRequest): Promise<ErrorFields> {
  const { voterId: id, voterDirectoryId: directoryId, listeners: endpoints, ackWhenCommitted } = request
  const change = { kind: 'addVoter', voter: { id, directoryId }, endpoints, ackWhenCommitted } as const
  return ask(log, clusterId, request.clusterId, change)
}

export function removeRaftVoter(
  log: MetadataLog,
  clusterId: string,
  request: RemoveRaftVoterRequest,
): Promise<ErrorFields> {
  const voter = { id: request.voterId, directoryId: request.voterDirectoryId }
  return ask(log, clusterId, request.clusterId, { kind: 'removeVoter', voter })
}

async function ask(
  log: MetadataLog,
  clusterId: string,
  asked: string | null,
  change: Parameters<MetadataLog['changeVoters']>[0],
): Promise<ErrorFields> {
  if (asked !== null && asked !== clusterId) {
    const detail = `The given id "${asked}" doesn't match the cluster id "${clusterId}"`
    return errorFields('INCONSISTENT_CLUSTER_ID', detail)
  }
  const { error, message } = await log.changeVoters(change)
  return { errorCode: ERROR_CODES[error], errorMessage: message }
}
