/**
 * What a consumer and its member of a group ask of each other. A member speaks one of the two protocols; the consumer behind
 * it holds the partitions.
 */
import type { CallOptions } from '../../call.ts'
import type { GroupIdentity } from '../committer.ts'
import type { TopicPartition } from '../topic-partition.ts'

/** The consumer, as its member sees it. */
export interface MemberHost {
  /** Names that are subscribed to; of a pattern that is matched here, those that match now. */
  topics(): readonly string[]
  /** A pattern that the coordinator matches (KIP-848); null: names. */
  pattern(): string | null
  owned(): readonly TopicPartition[]
  /**
   * Resolves when nothing of them is in the user's hands, what is finished is committed, and the user knows. They are not
   * owned any more then.
   */
  revoke(partitions: readonly TopicPartition[]): Promise<void>
  /** They are gone: nothing is committed. */
  lose(partitions: readonly TopicPartition[]): Promise<void>
  /** They are owned from now on; called after each rebalance, with nothing if nothing came. */
  assign(partitions: readonly TopicPartition[]): Promise<void>
  /** Topics whose metadata the member needs besides the consumer's own. */
  watch(topics: ReadonlySet<string>): void
  /** The user has had a batch for longer than maxPollIntervalMs, or no loop has asked for one for so long. */
  isOverdue(): boolean
  /** The user is to know. */
  failed(error: Error): void
  /** A heartbeat was answered, which was sent at `sentMs` (monotonic). */
  heartbeat(sentMs: number): void
  /** Something is to be given away or joined; it ends with an assignment, or fails and may be tried again. */
  rebalanceBegan(): void
  rebalanceEnded(): void
  rebalanceFailed(error: Error): void
}

/** KIP-1092: what becomes of the membership. */
export type LeaveMode = 'default' | 'leave' | 'remain'

export interface Membership {
  readonly identity: GroupIdentity
  /** Begins; later calls say that something has changed, or that the user is back. */
  wake(): void
  /** The user wants the group to rebalance; the reason is for the coordinator's log. */
  enforceRebalance(reason: string): void
  /** A commit was refused: the coordinator does not know this member. */
  unknownMember(): void
  /** Ends it; nothing is revoked here. Never rejects. */
  leave(mode: LeaveMode, call: CallOptions): Promise<void>
}

/** Nobody's member. */
export const NO_MEMBER: GroupIdentity = {
  memberId: '',
  epoch: -1,
  groupInstanceId: null,
  protocol: 'none',
  isChanging: false,
}
