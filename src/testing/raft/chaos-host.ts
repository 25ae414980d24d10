/** What the faults of a simulated quorum know of its run. */
import type { SeededRandom } from '../seeded-random.ts'
import type { RaftCluster } from './raft-cluster.ts'
import type { RaftCounter } from './raft-counters.ts'

export interface ChaosHost {
  readonly cluster: RaftCluster
  readonly random: SeededRandom
  say(line: string): void
  sometimes(what: RaftCounter): void
  /** One more record, by some leader. */
  write(): void
  run(forMs: number): void
}

const STEP_MS = 5

/** False: not within that time. */
export function waitFor(host: ChaosHost, holds: () => boolean, forMs: number): boolean {
  for (let waitedMs = 0; !holds(); waitedMs += STEP_MS) {
    if (waitedMs > forMs) return false
    host.run(STEP_MS)
  }
  return true
}
