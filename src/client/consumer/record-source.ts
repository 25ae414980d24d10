/**
 * Hands out what is fetched, one batch at a time, and knows what the user has done with it.
 *
 * A batch is in the user's hands from its hand-out until the next is asked for: then it is finished, and only then may its
 * offsets be committed by themselves. A loop that was left early leaves its last batch in hand, unfinished, and nobody waits
 * for it; the next loop goes on behind it. Partitions come in turn, so that a full one does not hide the others.
 */
import { KafkaError } from '../../base/errors.ts'
import { entryLastOffset } from '../../records/batches.ts'
import type { NetworkClient } from '../network-client.ts'
import { Signal } from '../signal.ts'
import type { Committer, CommitPoint } from './committer.ts'
import { ConsumerObserver } from './consumer-observer.ts'
import type { ConsumerSettings } from './consumer-options.ts'
import { countRecords, type FetchedRecords } from './fetched-records.ts'
import { Fetcher } from './fetcher.ts'
import type { PartitionState } from './partition-state.ts'
import { PositionKeeper } from './position-keeper.ts'
import { RecordBatchView, type BatchOwner } from './record-batch-view.ts'

interface InHand<K, V> {
  readonly batch: RecordBatchView<K, V>
  readonly state: PartitionState
  readonly seeks: number
  /** Below, the user is done. */
  doneOffset: number
  /** The loop that got it was left. */
  isLeft: boolean
}

export class RecordSource<K, V> {
  readonly partitions = new Map<string, PartitionState>()
  readonly observer: ConsumerObserver<K, V>
  readonly keeper: PositionKeeper
  readonly fetcher: Fetcher
  /** Set once there is a group. */
  committer: Committer | null = null
  readonly #network: NetworkClient
  readonly #owner: BatchOwner<K, V>
  readonly #ready = new Set<PartitionState>()
  readonly #changes: Signal
  readonly #stopWatching: () => void
  #inHand: InHand<K, V> | null = null
  #failure: Error | null = null
  #isStopped = false
  #isClosed = false

  constructor(network: NetworkClient, settings: ConsumerSettings<K, V>, owner: BatchOwner<K, V>) {
    this.#network = network
    this.#owner = owner
    this.#changes = new Signal(network.world.clock)
    this.observer = new ConsumerObserver(network, settings, this.partitions)
    this.keeper = new PositionKeeper(network, settings, {
      partitions: this.partitions,
      committer: () => this.committer,
      positioned: () => {
        this.wake()
        this.#changes.raise()
      },
      failed: (error) => this.fail(error),
    })
    this.fetcher = new Fetcher(network, settings, {
      partitions: this.partitions,
      arrived: (state) => this.#arrived(state),
      outOfRange: (state) => this.#outOfRange(state),
      diverged: (state, offset, epoch) => this.keeper.diverged(state, offset, epoch),
      failed: (error) => this.fail(error),
      fetched: (fetch) => this.observer.fetched(fetch),
    })
    this.#stopWatching = network.metadata.onChange(() => this.wake())
  }

  /** A batch is being worked on. */
  get isInHand(): boolean {
    return this.#inHand !== null && !this.#inHand.isLeft
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** `wake` begins with them. */
  add(states: Iterable<PartitionState>): void {
    for (const state of states) {
      this.partitions.set(state.key, state)
      this.observer.partitionAdded(state)
    }
  }

  remove(keys: Iterable<string>): void {
    for (const key of keys) {
      const state = this.partitions.get(key)
      if (state === undefined) continue
      state.drop()
      this.partitions.delete(key)
      this.#ready.delete(state)
      this.observer.partitionRemoved(state)
    }
    this.#changes.raise()
  }

  /** Something changed: asks for what is missing. */
  wake(): void {
    if (this.#isStopped) return
    this.keeper.wake()
    this.fetcher.wake()
    if (this.#ready.size > 0) this.#changes.raise()
  }

  /** The next `poll` rejects with it; the first of several is told. */
  fail(error: Error): void {
    this.#failure ??= error
    this.observer.failed(error)
    this.#changes.raise()
  }

  /** Waiting polls and those to come give null; nothing more is fetched. What is in hand may still be finished. */
  stop(): void {
    this.#isStopped = true
    this.#stopWatching()
    this.keeper.close()
    this.#changes.raise()
  }

  /** Nobody waits any more for what is in hand. */
  close(): void {
    this.stop()
    this.#isClosed = true
    this.#changes.raise()
  }

  /** Takes what is in hand as finished, then waits for the next batch. Null once stopped, or after `timeoutMs`. */
  async poll(timeoutMs: number, signal: AbortSignal | undefined): Promise<RecordBatchView<K, V> | null> {
    this.finish()
    let deadlineMs: number | null = null
    for (;;) {
      signal?.throwIfAborted()
      const batch = this.take()
      if (batch !== null || this.#isStopped) return batch
      const nowMs = this.#network.world.clock.monotonicMs()
      deadlineMs ??= nowMs + timeoutMs
      if (nowMs >= deadlineMs) return null
      await this.#changes.wait(deadlineMs - nowMs, signal)
    }
  }

  /** What waits now. @throws what `fail` was told. */
  take(): RecordBatchView<K, V> | null {
    if (this.#failure !== null) {
      const failure = this.#failure
      this.#failure = null
      throw failure
    }
    if (this.#isStopped) return null
    for (const state of this.#ready) {
      if (state.isPaused || state.isHeld) continue
      this.#ready.delete(state)
      const batch = this.#takeOf(state)
      if (batch !== null) return batch
    }
    return null
  }

  /** The user asks for more, so what was in hand is done. */
  finish(): void {
    const held = this.#inHand
    if (held === null) return
    this.#inHand = null
    if (this.#isTrue(held)) {
      held.state.finished = { offset: held.state.position, leaderEpoch: held.state.positionEpoch }
    }
    this.#changes.raise()
  }

  /** `batch` is in hand, and reading it on is still what the user wants. */
  isCurrent(batch: RecordBatchView<K, V>): boolean {
    return this.#inHand?.batch === batch && this.#isTrue(this.#inHand)
  }

  /** The user is done with all below `offset` of the batch in hand. */
  doneTo(offset: number): void {
    if (this.#inHand !== null) this.#inHand.doneOffset = offset
  }

  /** Whether the partition of the batch in hand is being taken away. */
  get isWantedBack(): boolean {
    return this.#inHand?.state.isHeld === true
  }

  /** Of the batch in hand nothing from `offset` on is handed out any more: it counts as ending there. */
  cutShort(offset: number): void {
    const held = this.#inHand
    if (held === null || !this.#isTrue(held)) return
    held.state.position = offset
    held.state.positionEpoch = -1
    held.state.drop()
  }

  /** The loop was left: with `rest`, the records from that offset on are handed out again. */
  leave(rest: number | null): void {
    const held = this.#inHand
    if (held === null) return
    held.isLeft = true
    const { state, batch } = held
    if (rest !== null && rest < state.position && this.#isTrue(held)) {
      const { bytes, entries } = batch.fetched
      const left = entries.filter((at) => entryLastOffset(bytes, at) >= rest)
      const fetched = { ...batch.fetched, entries: left, fromOffset: rest }
      state.buffered.unshift({ fetched, highWatermark: batch.highWatermark, isAgain: true })
      state.bufferedBytes += fetched.size
      state.position = rest
      this.#ready.add(state)
    }
    this.#changes.raise()
  }

  /** What was committed by hand is finished too. */
  finishedTo(points: readonly CommitPoint[]): void {
    for (const { topic, partition, offset, leaderEpoch = -1 } of points) {
      const state = this.partitions.get(`${topic}-${partition}`)
      if (state === undefined) continue
      state.committed = { offset, leaderEpoch }
      if (state.finished !== null && offset > state.finished.offset && offset <= state.position) {
        state.finished = { offset, leaderEpoch }
      }
    }
  }

  /** Finished and not yet committed, of all partitions or those of `keys`. */
  uncommitted(keys: ReadonlySet<string> | null = null): CommitPoint[] {
    const points: CommitPoint[] = []
    for (const state of this.partitions.values()) {
      if (state.finished === null || (keys !== null && !keys.has(state.key))) continue
      let { offset, leaderEpoch } = state.finished
      const held = this.#inHand
      if (held !== null && held.state === state && this.#isTrue(held) && held.doneOffset > offset) {
        offset = held.doneOffset
        leaderEpoch = -1
      }
      if (state.committed?.offset === offset) continue
      points.push({ topic: state.topic, partition: state.partition, offset, leaderEpoch })
    }
    return points
  }

  /** Resolves when the user works on nothing of `keys`. What comes of them is not handed out if they are held. */
  async quiet(keys: ReadonlySet<string>): Promise<void> {
    for (;;) {
      const held = this.#inHand
      if (held === null || held.isLeft || !keys.has(held.state.key) || this.#isClosed) return
      await this.#changes.wait(null, undefined)
    }
  }

  /** Resolves at the next change of anything. For whoever waits for a position. */
  async changed(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== null) {
      const failure = this.#failure
      this.#failure = null
      throw failure
    }
    await this.#changes.wait(timeoutMs, signal)
  }

  #arrived(state: PartitionState): void {
    this.#ready.add(state)
    this.#changes.raise()
  }

  #takeOf(state: PartitionState): RecordBatchView<K, V> | null {
    for (let taken = state.take(); taken !== null; taken = state.take()) {
      const { fetched, highWatermark, isAgain } = taken
      if (state.buffered.length > 0) this.#ready.add(state)
      this.fetcher.wake()
      if (!hasRecords(state, fetched)) {
        // Nothing to hand out: the user is done with it as soon as with what came before.
        if (this.#inHand?.state !== state) state.finished = { offset: state.position, leaderEpoch: state.positionEpoch }
        continue
      }
      const { topic, partition, seeks } = state
      const whole = new RecordBatchView({ topic, partition, highWatermark }, fetched, this.#owner)
      const batch = this.observer.handedOut(whole, isAgain)
      this.#inHand = { batch, state, seeks, doneOffset: fetched.fromOffset, isLeft: false }
      return batch
    }
    return null
  }

  #isTrue({ state, seeks }: InHand<K, V>): boolean {
    return this.partitions.get(state.key) === state && state.seeks === seeks
  }

  #outOfRange(state: PartitionState): void {
    // What waits comes first: it was in range when it was fetched.
    if (state.buffered.length > 0) {
      state.retryAtMs = this.#network.world.clock.monotonicMs() + this.#network.options.retryBackoffMs
      this.#wakeLater(state.retryAtMs)
      return
    }
    const message = `Offset ${state.position} of ${state.key} is out of range, and offsetReset is 'none': seek, or choose another offsetReset.`
    this.keeper.applyReset(state, new KafkaError('OFFSET_OUT_OF_RANGE', message))
  }

  #wakeLater(atMs: number): void {
    this.#network.world.clock.at(atMs, () => this.wake())
  }
}

/** Of an entry that begins before what was asked for, compaction may have left nothing behind it. */
function hasRecords(state: PartitionState, fetched: FetchedRecords): boolean {
  return fetched.entries.length > 1 || (fetched.entries.length === 1 && countRecords(state, fetched) > 0)
}
