/**
 * Which replica a consumer is told to read from (KIP-392): one in its own rack, if it is in sync and has what is asked for. The
 * leader stays the choice when it is in that rack itself, and when nobody is.
 */
import type { FollowerProgress } from './follower-progress.ts'

/** Null: the leader. `rackOf` gives null for a broker that can't be reached. */
export function replicaInRack(
  rack: string,
  leaderId: number,
  candidates: readonly FollowerProgress[],
  rackOf: (brokerId: number) => string | null,
): number | null {
  if (rack === '' || rackOf(leaderId) === rack) return null
  let best: FollowerProgress | null = null
  for (const candidate of candidates) {
    if (rackOf(candidate.id) === rack && (best === null || isBetter(candidate, best))) best = candidate
  }
  return best?.id ?? null
}

/** Who has more, then who was caught up later. */
function isBetter(one: FollowerProgress, other: FollowerProgress): boolean {
  if (one.endOffset !== other.endOffset) return one.endOffset > other.endOffset
  if (one.caughtUpMs !== other.caughtUpMs) return one.caughtUpMs > other.caughtUpMs
  return one.id > other.id
}
