/**
 * A consumer's side of its group: chooses the protocol, gives partitions to the source and takes them away, and commits.
 *
 * The order of giving away is the promise: hold (nothing more is handed out), wait until the user is done with what is in
 * hand, commit what is finished, tell the listener, let go. What the user left unfinished is not committed.
 */
import { KafkaError } from '../../../base/errors.ts'
import { ConsumerGroupHeartbeat } from '../../../protocol/generated/consumer-group-heartbeat.ts'
import type { Timer } from '../../../world/world.ts'
import { backoffMs, inCall, pause, timeOf, type CallOptions } from '../../call.ts'
import { Coordinator } from '../../coordinator.ts'
import { ClientError, isRetriable } from '../../errors.ts'
import type { NetworkClient } from '../../network-client.ts'
import { Committer, type CommitPoint, type CommitterOwner, type GroupIdentity } from '../committer.ts'
import type { ConsumerSettings } from '../consumer-options.ts'
import { PartitionState } from '../partition-state.ts'
import type { RecordSource } from '../record-source.ts'
import { keyOf, type TopicPartition } from '../topic-partition.ts'
import { ClassicMembership } from './classic-membership.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { NO_MEMBER, type LeaveMode, type MemberHost, type Membership } from './membership.ts'

/** What the group asks of the consumer. */
export interface GroupOwner {
  topics(): readonly string[]
  pattern(): string | null
  watch(topics: ReadonlySet<string>): void
  isOverdue(): boolean
}

export class ConsumerGroup<K, V> implements MemberHost, CommitterOwner {
  readonly groupId: string
  readonly committer: Committer
  readonly #network: NetworkClient
  readonly #settings: ConsumerSettings<K, V>
  readonly #source: RecordSource<K, V>
  readonly #owner: GroupOwner
  readonly #coordinator: Coordinator
  #membership: Membership | null = null
  #isChoosing = false
  /** Topics are subscribed to: not any more when the group was left while the protocol was being chosen. */
  #isWanted = false
  /** Only classic will do: the cluster refused the other. */
  #isClassic = false
  #timer: Timer | null = null
  #isClosed = false

  constructor(
    network: NetworkClient,
    groupId: string,
    settings: ConsumerSettings<K, V>,
    source: RecordSource<K, V>,
    owner: GroupOwner,
  ) {
    this.#network = network
    this.groupId = groupId
    this.#settings = settings
    this.#source = source
    this.#owner = owner
    this.#coordinator = new Coordinator(network, 'group', groupId)
    this.committer = new Committer(network, this.#coordinator, groupId, this)
    if (settings.autoCommit) this.#scheduleCommit()
  }

  /** Joins, or says that something changed. For consumers that subscribe. */
  wake(): void {
    if (this.#isClosed) return
    this.#isWanted = true
    if (this.#membership !== null) this.#membership.wake()
    else if (!this.#isChoosing) void this.#choose()
  }

  enforceRebalance(reason: string): void {
    this.#membership?.enforceRebalance(reason)
  }

  /** Ends the membership; partitions are given away in order first if the member has any. The group may be joined again. */
  async leave(mode: LeaveMode, call: CallOptions): Promise<void> {
    const left = timeOf(this.#network.world.clock, call, this.#network.options.callTimeoutMs)
    this.#isWanted = false
    const membership = this.#membership
    const owned = membership === null ? [] : this.owned()
    try {
      if (this.#settings.autoCommit) await this.#commitFinished(null, left())
      if (owned.length > 0) {
        const { clock } = this.#network.world
        await inCall(clock, left(), 'Telling the listener what is revoked', this.#changed('revoked', owned))
      }
    } finally {
      this.#membership = null
      this.#source.observer.left()
      await membership?.leave(mode, left())
      this.#source.remove(owned.map(keyOf))
    }
  }

  async close(mode: LeaveMode, call: CallOptions): Promise<void> {
    this.#isClosed = true
    this.#isWanted = false
    this.#timer?.cancel()
    const left = timeOf(this.#network.world.clock, call, this.#network.options.callTimeoutMs)
    await this.committer.settled(left()).catch(() => {})
    await this.leave(mode, left())
  }

  identity(): GroupIdentity {
    return this.#membership?.identity ?? NO_MEMBER
  }

  authorize(points: readonly CommitPoint[]): void {
    if (this.#membership === null) return
    const gone = points.find((point) => !this.#source.partitions.has(keyOf(point)))
    if (gone === undefined) return
    throw new KafkaError(
      'ILLEGAL_GENERATION',
      `${keyOf(gone)} is not assigned to this consumer any more: its offset was not committed.`,
    )
  }

  committed(points: readonly CommitPoint[]): void {
    this.#source.finishedTo(points)
  }

  attempted(points: readonly CommitPoint[], sentMs: number, error: KafkaError | null): void {
    this.#source.observer.committed(this.groupId, points, sentMs, error)
  }

  heartbeat(sentMs: number): void {
    this.#source.observer.heartbeat(sentMs)
  }

  rebalanceBegan(): void {
    this.#source.observer.rebalanceBegan()
  }

  rebalanceEnded(): void {
    this.#source.observer.rebalanceEnded(this.groupId, this.owned())
  }

  rebalanceFailed(error: Error): void {
    this.#source.observer.rebalanceFailed(this.groupId, error)
  }

  unknownMember(): void {
    this.#membership?.unknownMember()
  }

  topics(): readonly string[] {
    return this.#owner.topics()
  }

  pattern(): string | null {
    return this.#owner.pattern()
  }

  watch(topics: ReadonlySet<string>): void {
    this.#owner.watch(topics)
  }

  isOverdue(): boolean {
    return this.#owner.isOverdue()
  }

  failed(error: Error): void {
    this.#source.fail(error)
  }

  owned(): readonly TopicPartition[] {
    return [...this.#source.partitions.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  async revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const keys = new Set(partitions.map(keyOf))
    for (const key of keys) {
      const state = this.#source.partitions.get(key)
      if (state === undefined) continue
      state.isHeld = true
      state.drop()
    }
    await this.#source.quiet(keys)
    if (this.#settings.autoCommit) {
      // A rebalance must not wait for long for a coordinator that does not answer.
      const timeoutMs = Math.min(this.#network.options.callTimeoutMs, this.#settings.maxPollIntervalMs)
      await this.#commitFinished(keys, { timeoutMs }).catch((error: unknown) => this.#settings.onCommitError(error))
    }
    try {
      await this.#changed('revoked', partitions)
    } catch (error) {
      this.failed(error as Error)
    }
    this.#source.remove(keys)
  }

  async lose(partitions: readonly TopicPartition[]): Promise<void> {
    this.#source.remove(partitions.map(keyOf))
    try {
      await this.#changed('lost', partitions)
    } catch (error) {
      this.failed(error as Error)
    }
  }

  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    const states = partitions.map((partition) => {
      const state = new PartitionState(partition)
      state.isHeld = true
      return state
    })
    this.#source.add(states)
    this.#source.wake()
    try {
      await this.#changed('assigned', partitions)
    } catch (error) {
      this.failed(error as Error)
    }
    for (const state of states) state.isHeld = false
    this.#source.wake()
  }

  #changed(change: 'assigned' | 'revoked' | 'lost', partitions: readonly TopicPartition[]): Promise<void> {
    const { onRebalance } = this.#settings
    // As in Java, who does not listen to losses is told of a revocation.
    const listener = onRebalance[change] ?? (change === 'lost' ? onRebalance.revoked : undefined)
    return this.#source.observer.assignmentChanged(change, this.groupId, partitions, listener?.bind(onRebalance))
  }

  async #choose(): Promise<void> {
    this.#isChoosing = true
    const { clock, random } = this.#network.world
    try {
      for (let failures = 1; this.#isWanted; failures++) {
        try {
          const isModern = await this.#isModern()
          if (!this.#isWanted) return
          this.#join(isModern)
          return
        } catch (error) {
          if (!isRetriable(error)) throw error
          await pause(clock, backoffMs(this.#network.retries.backoff, failures, random))
        }
      }
    } catch (error) {
      if (this.#isWanted) this.failed(error as Error)
    } finally {
      this.#isChoosing = false
    }
  }

  /** KIP-848 where the cluster has it in force. */
  async #isModern(): Promise<boolean> {
    const { groupProtocol } = this.#settings
    if (groupProtocol !== 'auto') return groupProtocol === 'consumer'
    if (this.#isClassic) return false
    const { versions } = await this.#coordinator.connection()
    return versions.find(ConsumerGroupHeartbeat) !== null && (versions.features.get('group.version') ?? 0) >= 1
  }

  #join(isModern: boolean): void {
    if (!isModern && this.pattern() !== null) {
      const hint =
        'the cluster must speak the protocol of KIP-848 to match a SubscriptionPattern: subscribe with a RegExp.'
      throw new ClientError('ILLEGAL_STATE', `Subscribing with a SubscriptionPattern failed: ${hint}`)
    }
    this.#membership = isModern
      ? new ConsumerMembership(this.#network, this.#coordinator, this.groupId, this.#settings, this, (error) =>
          this.#refusedModern(error),
        )
      : new ClassicMembership(this.#network, this.#coordinator, this.groupId, this.#settings, this)
    this.#membership.wake()
  }

  #refusedModern(error: KafkaError): void {
    this.#membership = null
    if (this.#settings.groupProtocol === 'consumer') {
      this.failed(error)
      return
    }
    this.#isClassic = true
    this.wake()
  }

  async #commitFinished(keys: ReadonlySet<string> | null, call: CallOptions): Promise<void> {
    await this.committer.commit(() => this.#source.uncommitted(keys), call)
  }

  #scheduleCommit(): void {
    const { clock } = this.#network.world
    this.#timer = clock.at(clock.monotonicMs() + this.#settings.autoCommitIntervalMs, () => {
      this.#commitFinished(null, {}).catch((error: unknown) => {
        if (!this.#isClosed) this.#settings.onCommitError(error)
      })
      this.#scheduleCommit()
    })
  }
}
