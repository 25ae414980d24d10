/** What a member tells its user of rebalances. */
import type { TopicPartition } from './topic-partition.ts'

/**
 * Each may be asynchronous and is waited for; what it throws ends the current loop over the consumer, which rejects with it.
 * Commits are possible in `revoked`, seeks in `assigned`.
 */
export interface RebalanceListener {
  /** Before anything is fetched of the partitions that came; empty if none did. */
  readonly assigned?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** After what was handed out of them is finished, and before somebody else gets them. */
  readonly revoked?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** They are gone already: somebody else may have them. */
  readonly lost?: (partitions: readonly TopicPartition[]) => void | Promise<void>
}
