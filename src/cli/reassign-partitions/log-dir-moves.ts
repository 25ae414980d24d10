/** Moves of replicas between the directories of a broker (KIP-113). */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartitionReplica } from '../../client/admin/admin-types.ts'
import type { ReplicaMove } from '../../client/admin/log-dirs.ts'
import { OperationalError } from '../../base/errors.ts'
import { isKafkaError } from '../clients/admin.ts'
import { ToolExit } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import { nameOf } from './assignment-json.ts'

export interface MoveState extends ReplicaMove {
  readonly current: string | null
  readonly future: string | null
}

export function replicaText({ topic, partition, brokerId }: TopicPartitionReplica): string {
  return `${topic}-${partition}-${brokerId}`
}

function byReplica(one: TopicPartitionReplica, other: TopicPartitionReplica): number {
  if (one.brokerId !== other.brokerId) return one.brokerId - other.brokerId
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1
  return one.partition - other.partition
}

export async function moveStates(admin: AdminClient, moves: readonly ReplicaMove[]): Promise<MoveState[]> {
  if (moves.length === 0) return []
  const told = await admin.describeReplicaLogDirs(moves)
  return [...moves].sort(byReplica).map((move) => {
    const { currentReplicaLogDir: current, futureReplicaLogDir: future } = told.get(move)
    return { ...move, current, future }
  })
}

export function stateText(state: MoveState): string {
  const { brokerId, logDir, current, future } = state
  if (current === null) {
    return `Partition ${nameOf(state)} is not found in any live log dir on broker ${brokerId}. There is likely an offline log directory on the broker.`
  }
  if (future === logDir) return `Reassignment of replica ${replicaText(state)} is still in progress.`
  if (future !== null) {
    return `Partition ${nameOf(state)} on broker ${brokerId} is being moved to log dir ${future} instead of ${logDir}.`
  }
  if (current === logDir) return `Reassignment of replica ${replicaText(state)} completed successfully.`
  return `Partition ${nameOf(state)} on broker ${brokerId} is not being moved from log dir ${current} to ${logDir}.`
}

const PAUSE_MS = 100

/** Asks until all moves have begun: one to a broker that has no such replica yet begins when it has. */
export async function executeMoves(
  admin: AdminClient,
  moves: readonly ReplicaMove[],
  timeoutMs: number,
  { world, terminal }: ToolHost,
): Promise<void> {
  const deadlineMs = world.clock.monotonicMs() + timeoutMs
  for (let pending = [...moves].sort(byReplica); pending.length > 0;) {
    const outcomes = await admin.alterReplicaLogDirs(pending)
    const waiting: ReplicaMove[] = []
    for (const move of pending) {
      const outcome = outcomes.outcome(move)
      if (isKafkaError(outcome, 'REPLICA_NOT_AVAILABLE')) waiting.push(move)
      else if (outcome instanceof Error) {
        throw new OperationalError('NOT_SUPPORTED', `Failed to alter dir for ${replicaText(move)}`, { cause: outcome })
      } else {
        terminal.out(
          `Successfully started moving log directory to ${move.logDir} for replica ${nameOf(move)} with broker ${move.brokerId} `,
        )
      }
    }
    pending = waiting
    if (pending.length === 0) return
    if (world.clock.monotonicMs() >= deadlineMs) {
      throw new ToolExit(
        1,
        `Timed out before log directory move${pending.length === 1 ? '' : 's'} could be started for: ${pending.map(replicaText).join(',')}`,
        'out',
      )
    }
    await new Promise<void>((resolve) => world.clock.at(world.clock.monotonicMs() + PAUSE_MS, resolve))
  }
}
