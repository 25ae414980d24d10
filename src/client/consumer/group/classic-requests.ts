/**
 * What a member of a classic group asks its coordinator: JoinGroup, SyncGroup, Heartbeat and LeaveGroup, one attempt each, in every
 * version. What the answers mean for the membership is ClassicMembership's.
 */
import type { KafkaError } from '../../../base/errors.ts'
import { Heartbeat } from '../../../protocol/generated/heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../../../protocol/generated/join-group.ts'
import { LeaveGroup } from '../../../protocol/generated/leave-group.ts'
import { SyncGroup, type SyncGroupResponse } from '../../../protocol/generated/sync-group.ts'
import type { Coordinator } from '../../coordinator.ts'
import { errorOf } from '../../errors.ts'
import type { ConsumerSettings } from '../consumer-options.ts'

const PROTOCOL_TYPE = 'consumer'
/** What a held join may take beyond the rebalance timeout. */
const JOIN_GRACE_MS = 5000

export type ClassicRequestSettings = Pick<
  ConsumerSettings<unknown, unknown>,
  'groupInstanceId' | 'maxPollIntervalMs' | 'requestTimeoutMs' | 'sessionTimeoutMs'
>

/** Who joins, and with what; asked when the request is about to be sent. */
export interface Joining {
  readonly memberId: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  /** For the coordinator's log (KIP-800). */
  readonly reason: string
}

export interface Syncing {
  readonly memberId: string
  readonly generationId: number
  readonly protocolName: string
  /** The leader's; empty of others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export class ClassicRequests {
  readonly #coordinator: Coordinator
  readonly #groupId: string
  readonly #settings: ClassicRequestSettings

  constructor(coordinator: Coordinator, groupId: string, settings: ClassicRequestSettings) {
    this.#coordinator = coordinator
    this.#groupId = groupId
    this.#settings = settings
  }

  /** The answer, whatever its error code says. The coordinator holds it until the others have joined, too. */
  async join(joining: () => Joining): Promise<JoinGroupResponse> {
    const { sessionTimeoutMs, maxPollIntervalMs, groupInstanceId } = this.#settings
    const connection = await this.#coordinator.connection('join')
    const version = connection.versions.choose(JoinGroup)
    const { memberId, protocols, reason } = joining()
    return this.#coordinator.request(
      JoinGroup,
      {
        groupId: this.#groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs: maxPollIntervalMs,
        memberId,
        groupInstanceId: version >= 5 ? groupInstanceId : null,
        protocolType: PROTOCOL_TYPE,
        protocols: [...protocols],
        reason,
      },
      { lane: 'join', versions: { min: version, max: version }, timeoutMs: this.#heldMs },
    )
  }

  /** The answer, whatever its error code says. The coordinator holds it until the leader's has come. */
  async sync({ memberId, generationId, protocolName, assignments }: Syncing): Promise<SyncGroupResponse> {
    const connection = await this.#coordinator.connection('join')
    const version = connection.versions.choose(SyncGroup)
    return this.#coordinator.request(
      SyncGroup,
      {
        groupId: this.#groupId,
        generationId,
        memberId,
        groupInstanceId: version >= 3 ? this.#settings.groupInstanceId : null,
        protocolType: PROTOCOL_TYPE,
        protocolName,
        assignments: [...assignments],
      },
      { lane: 'join', versions: { min: version, max: version }, timeoutMs: this.#heldMs },
    )
  }

  /** What the coordinator says against it; null: nothing. */
  async heartbeat(memberId: string, generationId: number): Promise<KafkaError | null> {
    const { groupInstanceId, sessionTimeoutMs } = this.#settings
    const connection = await this.#coordinator.connection()
    const version = connection.versions.choose(Heartbeat)
    const answer = await this.#coordinator.request(
      Heartbeat,
      { groupId: this.#groupId, generationId, memberId, groupInstanceId: version >= 3 ? groupInstanceId : null },
      { versions: { min: version, max: version }, timeoutMs: sessionTimeoutMs },
    )
    return errorOf(answer.errorCode, `A heartbeat to group ${this.#groupId} failed.`)
  }

  async leave(memberId: string, groupInstanceId: string | null, timeoutMs: number | undefined): Promise<void> {
    const connection = await this.#coordinator.connection()
    const version = connection.versions.choose(LeaveGroup)
    const reason = 'the consumer is being closed'
    const members = version >= 3 ? [{ memberId, groupInstanceId, reason }] : []
    const message = { groupId: this.#groupId, memberId: version >= 3 ? '' : memberId, members }
    const options = { versions: { min: version, max: version }, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
    await this.#coordinator.request(LeaveGroup, message, options)
  }

  get #heldMs(): number {
    const { requestTimeoutMs, maxPollIntervalMs } = this.#settings
    return Math.max(requestTimeoutMs, maxPollIntervalMs + JOIN_GRACE_MS)
  }
}
