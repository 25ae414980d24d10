/** Set-up that tests of partitions share: what a partition needs of its broker, and what a consumer asks. */
import { ManualClock } from '../testing/manual-clock.ts'
import type { IsrRequest } from './isr-changes.ts'
import type { PartitionContext } from './leader-state.ts'
import type { FetchLimits } from './partition-read.ts'
import { ReplicationQuota } from './replication-quota.ts'

export interface TestContext extends PartitionContext {
  readonly clock: ManualClock
  /** What was asked for, in order. */
  readonly asked: IsrRequest[]
  /** Epochs of live brokers. */
  readonly live: Map<number, number>
  readonly shuttingDown: Set<number>
}

/** Brokers 1 to 5 are up, with epochs of ten times their id; nobody answers what is asked. */
export function testContext(nodeId = 1, clock = new ManualClock()): TestContext {
  const asked: IsrRequest[] = []
  const live = new Map([1, 2, 3, 4, 5].map((id) => [id, id * 10]))
  const shuttingDown = new Set<number>()
  return {
    nodeId,
    clock,
    brokers: { liveEpoch: (id) => live.get(id) ?? null, isShuttingDown: (id) => shuttingDown.has(id) },
    isrChanges: { submit: (request) => void asked.push(request) },
    lagTimeMaxMs: () => 30_000,
    asked,
    live,
    shuttingDown,
  }
}

/** A consumer that asks the leader and doesn't wait. */
export const CONSUMER_FETCH: FetchLimits = {
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 1 << 20,
  reach: 'committed',
  replicaId: -1,
  replicaEpoch: -1,
  quota: null,
  leaderOnly: true,
  choose: null,
  minOneBatch: true,
}

/** Throttles nothing. */
export const UNLIMITED = new ReplicationQuota('follower', 1, () => 0, { windowMs: 1000, windows: 11 })
