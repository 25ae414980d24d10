/**
 * In which directories a new log may be made, best first: the one that was asked for, else those with the fewest logs.
 * A second choice is only for when the first one's disk fails.
 */
import type { Uuid } from '../base/uuid.ts'
import type { LogDirectory } from './log-directory.ts'
import type { LogReplicas } from './log-replicas.ts'

export interface WantedPlace {
  /** Asked for by an operator; null: no wish. */
  readonly path: string | null
  /** Assigned by the controller; ids that name none of our directories are no wish. */
  readonly directoryId: Uuid | null
}

export function placesForLog(
  directories: readonly LogDirectory[],
  replicas: Pick<LogReplicas, 'countIn'>,
  wanted: WantedPlace,
): LogDirectory[] {
  const live = directories.filter((directory) => !directory.isOffline)
  const found = live.find(({ path, id }) => (wanted.path === null ? id === wanted.directoryId : path === wanted.path))
  if (found !== undefined) return [found]
  if (live.length < 2) return live
  return live
    .map((directory) => ({ directory, count: replicas.countIn(directory) }))
    .sort((a, b) => a.count - b.count)
    .map(({ directory }) => directory)
}
