/** One member of a classic group: what it told when it joined, what it got, and which of its requests are held. */
import type { Init } from '../../protocol/codec.ts'
import type { JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import type { Reply } from '../runtime/reply.ts'

export type JoinReply = Reply<Init<JoinGroupResponse>>
export type SyncReply = Reply<Init<SyncGroupResponse>>

/** A protocol (assignor) that a member supports, in its order of preference. */
export interface MemberProtocol {
  readonly name: string
  /** Opaque to us, except that subscriptions of consumers are parsed for their topics. */
  readonly metadata: Buffer
}

export const NO_ASSIGNMENT = Buffer.alloc(0)

export interface MemberInit {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  /** As Kafka prints an address: `/127.0.0.1`. */
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  readonly assignment: Buffer
}

export class Member {
  readonly id: string
  /** Not null: a static member (KIP-345), which keeps its assignment over a restart. */
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Buffer
  /** Held until the rebalance completes. Changed by the group, which counts them. */
  joinReply: JoinReply | null = null
  /** Held until the leader's assignment is committed. */
  syncReply: SyncReply | null = null
  /** Has never got an answer with its id: may be expired even while its join is held, for the client may be gone. */
  isNew = false

  constructor(init: MemberInit) {
    this.id = init.id
    this.instanceId = init.instanceId
    this.clientId = init.clientId
    this.clientHost = init.clientHost
    this.protocolType = init.protocolType
    this.rebalanceTimeoutMs = init.rebalanceTimeoutMs
    this.sessionTimeoutMs = init.sessionTimeoutMs
    this.protocols = init.protocols
    this.assignment = init.assignment
  }

  get isStatic(): boolean {
    return this.instanceId !== null
  }

  /** While one of its requests is held a member can't send heartbeats and isn't expired. */
  get isHeld(): boolean {
    return !this.isNew && (this.joinReply !== null || this.syncReply !== null)
  }

  /** What it told about a protocol; null if it doesn't support that. */
  metadataOf(protocol: string | null): Buffer | null {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? null
  }

  supportsSame(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, at) => {
        const mine = this.protocols[at]
        return mine !== undefined && mine.name === name && mine.metadata.equals(metadata)
      })
    )
  }

  /** The one of `candidates` that it likes best. */
  vote(candidates: ReadonlySet<string>): string | null {
    return this.protocols.find(({ name }) => candidates.has(name))?.name ?? null
  }
}
