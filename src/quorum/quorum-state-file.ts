/**
 * `quorum-state`: the last election of this voter, as Kafka's JSON. Version 0 goes with static voters (kraft.version 0)
 * and lists them; version 1 names the directory that was voted for. On disk before an epoch is entered.
 */
import { OperationalError } from '../base/errors.ts'
import { ZERO_UUID, parseUuid } from '../base/uuid.ts'
import type { ElectionState } from '../raft/raft-io.ts'
import { replaceFile } from '../storage/atomic-file.ts'
import type { Disk } from '../world/world.ts'

export const QUORUM_STATE_FILE = 'quorum-state'

export interface QuorumStateFile {
  readonly election: ElectionState
  /** Version 0 only. */
  readonly voterIds: readonly number[] | null
}

/** Null if there is none. @throws OperationalError LOG_CORRUPT. */
export async function readQuorumState(disk: Disk, directory: string): Promise<QuorumStateFile | null> {
  const path = `${directory}/${QUORUM_STATE_FILE}`
  const bytes = await disk.readFile(path)
  return bytes === null || bytes.length === 0 ? null : parseQuorumState(bytes.toString('utf8'), path)
}

export async function writeQuorumState(disk: Disk, directory: string, state: QuorumStateFile): Promise<void> {
  await replaceFile(disk, `${directory}/${QUORUM_STATE_FILE}`, Buffer.from(formatQuorumState(state)))
}

/** Key order and the constant fields are Kafka's. */
export function formatQuorumState({ election, voterIds }: QuorumStateFile): string {
  const { leaderId, leaderEpoch, votedId, votedDirectoryId } = election
  if (voterIds === null) return JSON.stringify({ leaderId, leaderEpoch, votedId, votedDirectoryId, data_version: 1 })
  const currentVoters = voterIds.map((voterId) => ({ voterId }))
  return JSON.stringify({
    clusterId: '',
    leaderId,
    leaderEpoch,
    votedId,
    appliedOffset: 0,
    currentVoters,
    data_version: 0,
  })
}

export function parseQuorumState(text: string, path: string): QuorumStateFile {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new OperationalError('LOG_CORRUPT', `${path}: not JSON`, { cause: error })
  }
  const fields = fieldsOf(json)
  const version = fields['data_version']
  if (version !== 0 && version !== 1)
    throw new OperationalError('LOG_CORRUPT', `${path}: data_version ${String(version)}`)
  const directory = fields['votedDirectoryId']
  const voters = fields['currentVoters']
  return {
    election: {
      leaderId: integer(fields['leaderId'] ?? -1, path),
      leaderEpoch: integer(fields['leaderEpoch'] ?? 0, path),
      votedId: integer(fields['votedId'] ?? -1, path),
      votedDirectoryId: (typeof directory === 'string' ? parseUuid(directory) : null) ?? ZERO_UUID,
    },
    voterIds:
      version === 0
        ? (Array.isArray(voters) ? voters : []).map((voter) => integer(fieldsOf(voter)['voterId'], path))
        : null,
  }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? { ...json } : {}
}

function integer(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw new OperationalError('LOG_CORRUPT', `${path}: ${JSON.stringify(value)} where a number must be`)
}
