/** Whether this node can serve the quorum that its directory and configuration name. */
import { OperationalError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import type { VoterSet } from '../raft/voters.ts'

export interface VoterIdentity {
  readonly nodeId: number
  readonly directoryId: Uuid
  readonly aloneOnly: boolean
}

/** @throws OperationalError NOT_SUPPORTED (more than one voter), CONFIG_INVALID (no voter, or another node or directory). */
export function checkVoters(identity: VoterIdentity, { kraftVersion, voters }: VoterSet): void {
  const { nodeId, directoryId, aloneOnly } = identity
  if (!aloneOnly) return
  const ids = voters.map((voter) => voter.id)
  if (ids.length === 0) {
    throw new OperationalError(
      'CONFIG_INVALID',
      'The metadata quorum has no voters: set controller.quorum.voters, or format the directory with --standalone.',
    )
  }
  if (ids.length > 1) {
    throw new OperationalError(
      'NOT_SUPPORTED',
      `The metadata quorum has ${ids.length} voters (${ids.join(', ')}); a quorum of more than one node is not served yet.`,
    )
  }
  const [voter] = voters
  const wrongDirectory = kraftVersion > 0 && voter !== undefined && voter.directoryId !== directoryId
  if (ids[0] !== nodeId || wrongDirectory) {
    throw new OperationalError(
      'CONFIG_INVALID',
      `The only voter of the metadata quorum is node ${ids[0]}${kraftVersion > 0 && voter ? `, directory ${voter.directoryId}` : ''}; ` +
        `this is node ${nodeId}, directory ${directoryId}.`,
    )
  }
}
