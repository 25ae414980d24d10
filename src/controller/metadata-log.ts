/**
 * The replicated log under the controller, as far as the controller sees it: `quorum/quorum.ts` is one, tests have
 * another. Values are framed metadata records; a batch of them survives as a whole or not at all.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { Provenance } from '../metadata/image.ts'
import type { Uuid } from '../base/uuid.ts'

/** How far a replica of the log is, as the leader knows it. Times are of the wall clock, -1 for never. */
export interface LogReplica {
  readonly id: number
  readonly directoryId: Uuid
  /** -1: not heard of. */
  readonly endOffset: number
  readonly lastFetchMs: number
  readonly lastCaughtUpMs: number
}

export interface LogVoter {
  readonly id: number
  readonly directoryId: Uuid
}

export interface LogEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** One voter more, or one less. */
export type VoterChange =
  | {
      readonly kind: 'addVoter'
      readonly voter: LogVoter
      readonly endpoints: readonly LogEndpoint[]
      /** False: answered after the append. */
      readonly ackWhenCommitted: boolean
    }
  | { readonly kind: 'removeVoter'; readonly voter: LogVoter }

export interface MetadataLog {
  readonly nodeId: number
  readonly epoch: number
  readonly kraftVersion: number
  readonly voters: readonly (LogVoter & { readonly endpoints: readonly LogEndpoint[] })[]
  /** Answered by the leader, once it is committed; refused by every other node. */
  changeVoters(change: VoterChange): Promise<{ readonly error: ErrorCode; readonly message: string | null }>
  /** Why kraft.version can't be raised to `level` now; null: nothing is in the way. */
  kraftVersionObstacle(level: number): string | null
  /** In force at once, committed with the next record. @throws KafkaError NOT_CONTROLLER. */
  upgradeKraftVersion(level: number): void
  /** Of the leader, itself among the voters. */
  readonly replicas: { readonly voters: readonly LogReplica[]; readonly observers: readonly LogReplica[] }
  /** Offset that the next record gets. */
  readonly endOffset: number
  /** All below is committed. */
  readonly committedEnd: number
  /** All that the leader had committed when it last answered; null: no leader was heard of yet. */
  readonly leaderCommittedEnd: number | null
  /** Returns the offset of the last record. @throws KafkaError NOT_CONTROLLER. */
  append(values: readonly Buffer[]): number
  /** Called in order, never inside `append`. */
  onCommitted(listener: (committedEnd: number) => void): void
  onFailed(listener: (error: Error) => void): void
  /** This node is the only voter, for as long as no other is added. */
  readonly isAlone: boolean
  readonly isLeader: boolean
  /** While leading: all below the end of its first entry is committed and handed over, and it has decided nothing yet. */
  readonly isReadyToLead: boolean
  /** From here on what is committed isn't handed over: this node decides it itself. Until it leads no more. */
  takeOver(): void
  /** Another role, epoch or leader. */
  onRoleChanged(listener: () => void): void
  /** Takes part in the quorum: votes, follows, may come to lead. */
  start(): void
  /** Of an only voter: begins a new epoch; resolves once its first entry, and all before it, is committed. */
  lead(): Promise<void>
  readonly snapshotDue: boolean
  writeSnapshot(provenance: Provenance, values: Iterable<Buffer>): Promise<void>
  cleanSnapshots(): Promise<void>
  close(): Promise<void>
}

/** Gets what the log holds when it is opened. */
export interface LogContent {
  snapshot(content: { readonly batches: readonly Buffer[] }, provenance: Provenance): void
  batch(bytes: Buffer, at: number): void
}
