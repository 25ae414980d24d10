/**
 * The leader's snapshot on its way to a follower, piece by piece. Pieces count as hearing the leader, or a long download would
 * end in an election; one that turns out damaged counts for nothing, or a leader that has no better one would stay for
 * ever. Then nothing is fetched for a while, twice as long each time in a row, and this voter grants pre-votes.
 */
import type { RaftInput } from './raft-io.ts'
import type { RaftState } from './raft-state.ts'
import type { SnapshotResult } from './messages.ts'

/** The retry back-off, doubled so often, is longer than any fetch time-out, which bounds the pause. */
const DOUBLINGS_MAX = 20

/** False: leave the leader alone for a moment. */
export function handlePiece(state: RaftState, result: SnapshotResult, nowMs: number): boolean {
  const { role } = state
  if (role.name !== 'follower' || role.download === null) return true
  const { download } = role
  const { id, position } = download
  heardLeader(state, nowMs)
  const isIt = result.snapshotId.endOffset === id.endOffset && result.snapshotId.epoch === id.epoch
  const { bytes, size } = result
  if (result.error !== 'NONE' || !isIt || result.position !== position || bytes.length === 0) {
    // The leader has a newer one, and says so at the next fetch.
    role.download = null
    return false
  }
  download.isStoring = true
  state.storeChunk({ id, position, bytes, isLast: position + bytes.length >= size })
  return true
}

export function handleStored(
  state: RaftState,
  input: RaftInput & { kind: 'chunkStored' | 'snapshotDamaged' },
  nowMs: number,
): void {
  const { role } = state
  if (role.name !== 'follower' || role.download === null) return
  const { download } = role
  const { id } = download
  if (id.endOffset !== input.id.endOffset || id.epoch !== input.id.epoch || !download.isStoring) return
  if (input.kind === 'snapshotDamaged') {
    const { retryBackoffMs, fetchTimeoutMs } = state.options.timing
    const count = (state.damaged?.count ?? 0) + 1
    const pauseMs = Math.min(fetchTimeoutMs, retryBackoffMs * 2 ** Math.min(DOUBLINGS_MAX, count - 1))
    state.damaged = { count, againAtMs: nowMs + pauseMs }
    state.complain(
      `the snapshot ${id.endOffset}-${id.epoch} of leader ${state.leaderId} is damaged; it is fetched again in ${pauseMs} ms`,
    )
    role.download = null
    if (role.hasLeaderLeft) return
    role.fetchAtMs = download.fetchAtMs
    role.hasFetched = false
  } else if (input.whole === null) {
    download.position = input.end
    download.isStoring = false
  } else {
    role.download = null
    state.install(id, input.end, input.whole)
  }
}

/** It need not be looked for, or replaced, until the fetch time-out is over. */
export function heardLeader({ role, damaged }: RaftState, nowMs: number): void {
  if (role.name !== 'follower' || role.hasLeaderLeft) return
  // It is protected from others only where it is of use.
  role.hasFetched = damaged === null
  role.fetchAtMs = nowMs + role.fetchTimeoutMs
}
