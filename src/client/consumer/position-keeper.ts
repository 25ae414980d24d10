/**
 * Gives every partition a position, and keeps it true: the committed offset, else what the reset policy says; and after a
 * change of leader, whether the new one has what was read (KIP-320).
 *
 * It runs when woken, one round at a time; what fails in passing is tried again after a pause, what fails for good goes to the
 * user, and the partition stands still until it is sought or assigned anew.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Timer } from '../../world/world.ts'
import { backoffMs } from '../call.ts'
import { ClientError, isPassing } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { Committer } from './committer.ts'
import { askEpochs, askOffsets } from './offset-queries.ts'
import { specOf, type OffsetReset } from './offset-spec.ts'
import type { PartitionState } from './partition-state.ts'
import { keyOf } from './topic-partition.ts'

export interface PositionKeeperOwner {
  readonly partitions: ReadonlyMap<string, PartitionState>
  /** Null where there is no group. */
  committer(): Committer | null
  /** Something has a position now. */
  positioned(): void
  /** The user is to know. */
  failed(error: Error): void
}

export class PositionKeeper {
  readonly #network: NetworkClient
  readonly #settings: { readonly offsetReset: OffsetReset; readonly isReadCommitted: boolean }
  readonly #owner: PositionKeeperOwner
  #isRunning = false
  #isWoken = false
  #isClosed = false
  #timer: { readonly timer: Timer; readonly atMs: number } | null = null
  /** Asked for a position when nobody was known to lead them. */
  readonly #leaderless = new Set<PartitionState>()

  constructor(
    network: NetworkClient,
    settings: { readonly offsetReset: OffsetReset; readonly isReadCommitted: boolean },
    owner: PositionKeeperOwner,
  ) {
    this.#network = network
    this.#settings = settings
    this.#owner = owner
  }

  close(): void {
    this.#isClosed = true
    this.#leaderless.clear()
    this.#timer?.timer.cancel()
  }

  /** Something changed: partitions, positions or leaders. */
  wake(): void {
    this.#noticeLeaders()
    this.#isWoken = true
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    void this.#run()
  }

  /** Nothing was committed, or the offset is gone: by the policy. */
  applyReset(state: PartitionState, error: Error): void {
    const spec = specOf(this.#settings.offsetReset, this.#network.world.clock.wallMs())
    if (spec !== null) {
      state.reset(spec)
      this.wake()
      return
    }
    state.fail()
    this.#owner.failed(error)
  }

  /** The logs of the leader and of what was read part at `offset`; -1: nobody knows where. */
  diverged(state: PartitionState, offset: number, leaderEpoch: number): void {
    state.drop()
    state.leaderEpoch = this.#leaderEpochOf(state)
    if (offset >= 0 && offset >= state.position) {
      state.phase = 'positioned'
      state.fetchEpoch = state.positionEpoch
      this.#owner.positioned()
      return
    }
    const message = `The log of ${keyOf(state)} was cut at offset ${offset}, behind which this consumer had read up to ${state.position}.`
    if (offset < 0 || this.#settings.offsetReset === 'none') {
      this.applyReset(state, new KafkaError('OFFSET_OUT_OF_RANGE', message))
      return
    }
    this.#network.options.logger.warn(message)
    state.seek({ offset, leaderEpoch })
    state.leaderEpoch = this.#leaderEpochOf(state)
    this.#owner.positioned()
  }

  #leaderEpochOf({ topic, partition }: PartitionState): number {
    return this.#network.metadata.partition(topic, partition)?.leaderEpoch ?? -1
  }

  /** A newer leader must be asked about what was read under an older one; one that was not known is asked now. */
  #noticeLeaders(): void {
    for (const state of this.#leaderless) {
      const isCurrent = this.#owner.partitions.get(state.key) === state
      if (isCurrent && this.#network.metadata.leader(state.topic, state.partition) === null) continue
      this.#leaderless.delete(state)
      state.retryAtMs = 0
    }
    for (const state of this.#owner.partitions.values()) {
      if (state.phase !== 'positioned') continue
      const epoch = this.#leaderEpochOf(state)
      if (epoch <= state.leaderEpoch) continue
      if (state.fetchEpoch >= 0) {
        state.phase = 'validating'
        state.incarnation++
      } else state.leaderEpoch = epoch
    }
  }

  async #run(): Promise<void> {
    while (this.#isWoken && !this.#isClosed) {
      this.#isWoken = false
      try {
        await this.#askCommitted(this.#due('unpositioned'))
        await this.#askResets(this.#due('resetting'))
        await this.#validate(this.#due('validating'))
      } catch (error) {
        this.#owner.failed(error as Error)
      }
      this.#schedule()
    }
    this.#isRunning = false
  }

  #due(phase: PartitionState['phase']): PartitionState[] {
    const nowMs = this.#network.world.clock.monotonicMs()
    return [...this.#owner.partitions.values()].filter(
      (state) => state.phase === phase && !state.isHeld && state.retryAtMs <= nowMs,
    )
  }

  async #askCommitted(states: readonly PartitionState[]): Promise<void> {
    if (states.length === 0) return
    const committer = this.#owner.committer()
    const asked = states.map((state) => [state, state.incarnation] as const)
    let outcomes: Awaited<ReturnType<Committer['fetch']>> | null = null
    try {
      outcomes = committer === null ? null : await committer.fetch(states)
    } catch (error) {
      for (const state of states) this.#refused(state, error as Error)
      return
    }
    for (const [state, incarnation] of asked) {
      if (!this.#isCurrent(state, incarnation)) continue
      const committed = outcomes?.get(state.key) ?? null
      if (committed instanceof KafkaError) this.#refused(state, committed)
      else if (committed !== null) {
        state.seek(committed)
        state.committed = committed
        this.#positioned(state)
      } else {
        const message = `No offset of ${state.key} is committed, and offsetReset is 'none': seek, or choose another offsetReset.`
        this.applyReset(state, new ClientError('NO_OFFSET', message))
      }
    }
  }

  async #askResets(states: readonly PartitionState[]): Promise<void> {
    if (states.length === 0) return
    const asked = states.map((state) => [state, state.incarnation, state.resetTo ?? 'latest'] as const)
    const { isReadCommitted } = this.#settings
    const questions = asked.map(([{ topic, partition }, , spec]) => ({ topic, partition, spec }))
    const outcomes = await askOffsets(this.#network, questions, isReadCommitted)
    for (const [state, incarnation, spec] of asked) {
      if (!this.#isCurrent(state, incarnation)) continue
      const outcome = outcomes.get(state.key) ?? null
      if (outcome instanceof Error) this.#refused(state, outcome)
      else if (outcome !== null) {
        // The epoch is that of the record at the offset, not of the one before: only an end says something of the past.
        state.seek({ offset: outcome.offset, leaderEpoch: -1 })
        this.#positioned(state)
      } else if (spec === 'latest')
        this.#refused(state, new KafkaError('OFFSET_NOT_AVAILABLE', `${state.key} has no end.`))
      // No record is so late: the end is where the next one comes.
      else state.reset('latest')
    }
    this.#isWoken ||= this.#due('resetting').length > 0
  }

  async #validate(states: readonly PartitionState[]): Promise<void> {
    if (states.length === 0) return
    const questions = states.map((state) => ({
      topic: state.topic,
      partition: state.partition,
      leaderEpoch: state.fetchEpoch,
      currentLeaderEpoch: this.#leaderEpochOf(state),
      incarnation: state.incarnation,
      state,
    }))
    const outcomes = await askEpochs(this.#network, questions)
    for (const { state, incarnation, currentLeaderEpoch } of questions) {
      if (!this.#isCurrent(state, incarnation)) continue
      const outcome = outcomes.get(state.key)
      if (outcome instanceof KafkaError && outcome.code === 'UNSUPPORTED_VERSION') {
        state.phase = 'positioned'
        state.leaderEpoch = currentLeaderEpoch
        this.#owner.positioned()
      } else if (outcome === undefined || outcome instanceof Error) {
        this.#refused(state, outcome ?? new KafkaError('UNKNOWN_SERVER_ERROR', 'no answer'))
      } else if (outcome.endOffset < 0 || outcome.endOffset < state.fetchOffset) {
        this.diverged(state, outcome.endOffset, outcome.leaderEpoch)
      } else {
        state.phase = 'positioned'
        state.failures = 0
        state.leaderEpoch = currentLeaderEpoch
        this.#owner.positioned()
      }
    }
  }

  #positioned(state: PartitionState): void {
    state.leaderEpoch = state.fetchEpoch >= 0 ? -1 : this.#leaderEpochOf(state)
    this.#owner.positioned()
  }

  /** Nothing moved the position while a broker was asked. */
  #isCurrent(state: PartitionState, incarnation: number): boolean {
    return this.#owner.partitions.get(state.key) === state && state.incarnation === incarnation
  }

  #refused(state: PartitionState, error: Error): void {
    state.failures += 1
    const { retries, world } = this.#network
    state.retryAtMs = world.clock.monotonicMs() + backoffMs(retries.backoff, state.failures, world.random)
    // What waits for a leader waits for metadata, not for a pause.
    if (this.#network.metadata.leader(state.topic, state.partition) === null) this.#leaderless.add(state)
    if (isPassing(error) || (error instanceof KafkaError && PASSING.has(error.code))) {
      this.#network.options.logger.debug(`${state.key}: ${error.message}`)
      return
    }
    this.#owner.failed(error)
  }

  #schedule(): void {
    let soonest = Infinity
    for (const { phase, retryAtMs, isHeld } of this.#owner.partitions.values()) {
      if (!isHeld && (phase === 'unpositioned' || phase === 'resetting' || phase === 'validating')) {
        soonest = Math.min(soonest, retryAtMs)
      }
    }
    if (soonest === Infinity || this.#isWoken || this.#isClosed) return
    if (this.#timer !== null && this.#timer.atMs <= soonest) return
    this.#timer?.timer.cancel()
    const timer = this.#network.world.clock.at(soonest, () => {
      this.#timer = null
      this.wake()
    })
    this.#timer = { timer, atMs: soonest }
  }
}

/** A rebalance goes on, or the broker does not say what is wrong: the next attempt knows more. */
const PASSING: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'STALE_MEMBER_EPOCH',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'UNKNOWN_SERVER_ERROR',
])
