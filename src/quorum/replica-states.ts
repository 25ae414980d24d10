/** How far each replica of the metadata log is, as its leader sees it: for DescribeQuorum and the metrics. */
import type { ReplicaProgress } from '../raft/leadership.ts'
import type { QuorumStatus } from '../raft/raft.ts'
import type { ReplicaKey } from '../raft/voters.ts'
import type { Clock } from '../world/world.ts'

/** Times are of the wall clock, -1 for never. */
export interface QuorumReplica extends ReplicaKey {
  /** -1: not heard of. */
  readonly endOffset: number
  readonly lastFetchMs: number
  readonly lastCaughtUpMs: number
}

export interface QuorumReplicas {
  readonly voters: readonly QuorumReplica[]
  readonly observers: readonly QuorumReplica[]
}

/** `status`: null where this node, `nodeId`, doesn't lead. */
export function replicaStates(
  status: QuorumStatus | null,
  nodeId: number,
  endOffset: number,
  clock: Clock,
): QuorumReplicas {
  const nowMs = clock.monotonicMs()
  const wallMs = clock.wallMs()
  const wall = (atMs: number): number => (atMs === -Infinity ? -1 : wallMs - Math.round(nowMs - atMs))
  const state = ({ id, directoryId }: ReplicaKey, progress: ReplicaProgress | null): QuorumReplica => {
    if (id === nodeId) return { id, directoryId, endOffset, lastFetchMs: wallMs, lastCaughtUpMs: wallMs }
    if (progress === null) return { id, directoryId, endOffset: -1, lastFetchMs: -1, lastCaughtUpMs: -1 }
    const { lastFetchMs, lastCaughtUpMs } = progress
    return {
      id,
      directoryId,
      endOffset: progress.endOffset,
      lastFetchMs: wall(lastFetchMs),
      lastCaughtUpMs: wall(lastCaughtUpMs),
    }
  }
  return {
    voters: status?.voters.map(({ voter, progress }) => state(voter, progress)) ?? [],
    observers: status?.observers.map((progress) => state(progress.key, progress)) ?? [],
  }
}
