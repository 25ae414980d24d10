/**
 * The consumer: what a program reads records with, alone (`assign`) or as a member of a group (`subscribe`).
 *
 *     await using consumer = kafka.consumer({ groupId: 'g', value: json<Order>() })
 *     consumer.subscribe('orders')
 *     for await (const batch of consumer) for (const record of batch) await handle(record.value)
 *
 * A loop pulls: the next batch is asked for when the user is done with the last, which is thereby finished. Rebalances happen
 * in the background, but nothing is taken away from a user who works on it, for up to `maxPollIntervalMs`. This file is the
 * surface; record-source.ts hands out, fetcher.ts fetches, group/ keeps the membership.
 */
import { uuidFromRandom } from '../../base/uuid.ts'
import type { MetricsRegistry } from '../../metrics/registry.ts'
import { retrying, type CallOptions } from '../call.ts'
import type { ResolvedClientOptions } from '../client-options.ts'
import { checkArguments } from '../check-options.ts'
import { ClientError, isRetriable } from '../errors.ts'
import { NetworkClient, type ClientWorld } from '../network-client.ts'
import type { CommitPoint, CommittedOffset, GroupIdentity } from './committer.ts'
import { KafkaError } from '../../base/errors.ts'
import { CONSUMER_REJECTS, CONSUMER_THROWS } from './consumer-arguments.ts'
import { resolveConsumerOptions, type ConsumerOptions, type ConsumerSettings } from './consumer-options.ts'
import { ConsumerGroup } from './group/consumer-group.ts'
import type { LeaveMode } from './group/membership.ts'
import { listOffsets, type FoundOffset } from './offset-queries.ts'
import type { OffsetSpec } from './offset-spec.ts'
import { PartitionState } from './partition-state.ts'
import type { ConsumedRecord } from './consumed-record.ts'
import type { CommitDetail, RecordBatchView } from './record-batch-view.ts'
import { BatchLoop, RecordLoop } from './loops.ts'
import { RecordSource } from './record-source.ts'
import { checkPartitions, subscriptionOf, type Topics } from './subscription.ts'
import { isMember, TopicsOfInterest } from './topics-of-interest.ts'
import { checkOffset, checkOffsets, keyOf, type TopicPartition } from './topic-partition.ts'

export interface PollOptions {
  /** Milliseconds to wait for records; for ever if left out. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface CloseOptions extends CallOptions {
  /**
   * `leave` gives up the membership, `remain` keeps it until the session ends, and with it the partitions (KIP-1092).
   * `default`: dynamic members leave, static ones remain.
   */
  readonly membership?: LeaveMode
}

/** What a transactional producer needs to commit a consumer's offsets (KIP-447). */
export interface ConsumerGroupMetadata {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

const CLOSE_TIMEOUT_MS = 30_000

export class Consumer<K = Buffer, V = Buffer> implements AsyncIterable<RecordBatchView<K, V>>, AsyncDisposable {
  /** Counters, gauges and histograms under the names of Java's client. */
  readonly metrics: MetricsRegistry
  readonly #network: NetworkClient
  readonly #settings: ConsumerSettings<K, V>
  readonly #source: RecordSource<K, V>
  readonly #topics: TopicsOfInterest
  #group: ConsumerGroup<K, V> | null = null
  #polledMs = 0
  #isPolling = false
  #closing: Promise<void> | null = null

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(world: ClientWorld, options: ResolvedClientOptions & ConsumerOptions<K, V>) {
    this.#settings = resolveConsumerOptions(options, options)
    this.#network = new NetworkClient(world, this.#settings)
    this.#source = new RecordSource(this.#network, this.#settings, {
      key: this.#settings.key,
      value: this.#settings.value,
      commit: (batch, offset, leaderEpoch, detail) => this.#commitOf(batch, offset, leaderEpoch, detail),
    })
    this.metrics = this.#source.observer.metrics
    this.#topics = new TopicsOfInterest(this.#network, this.#settings, () => this.#source.partitions.values())
    this.#network.metadata.onChange(() => {
      const refusal = this.#topics.refusal
      if (refusal !== null) this.#source.fail(refusal)
    })
    if (this.#settings.groupId !== null) this.#group = this.#groupOf(this.#settings.groupId)
  }

  get isClosed(): boolean {
    return this.#closing !== null
  }

  /** The group's id; null for a consumer without one that has not subscribed. */
  get groupId(): string | null {
    return this.#group?.groupId ?? null
  }

  /**
   * Reads these topics as a member of the group, from the next loop on. Names, a RegExp (matched here, against the topics that
   * there are and come to be), or a SubscriptionPattern (matched by the coordinator, KIP-848). Replaces what was subscribed.
   * @throws ClientError ILLEGAL_STATE while partitions are assigned by hand.
   */
  subscribe(topics: Topics): void {
    this.#throwIfClosed()
    if (this.#topics.subscription.kind === 'partitions') throw notBoth()
    this.#topics.subscription = subscriptionOf(topics)
    if (this.#group === null) this.#group = this.#groupOf(this.#madeUpGroupId())
    this.#topics.tell()
    this.#polledMs = this.#network.world.clock.monotonicMs()
    this.#network.refresh().catch(() => {})
    // A loop that waits is a member of nothing after unsubscribe, and joins only with this.
    if (this.#isPolling) this.#group.wake()
  }

  /** Leaves the group, or gives up what was assigned. What is finished is committed if that happens by itself. */
  async unsubscribe(call: CallOptions = {}): Promise<void> {
    this.#throwIfClosed()
    const wasMember = isMember(this.#topics.subscription)
    this.#topics.subscription = { kind: 'none' }
    this.#topics.watched = new Set()
    if (wasMember) await this.#group?.leave('default', call)
    this.#source.remove([...this.#source.partitions.keys()])
    this.#topics.tell()
  }

  /**
   * Makes the group rebalance soon, for an assignor whose answer depends on what the coordinator can't see (KIP-568). In the classic
   * protocol only; with KIP-848 the coordinator decides, and a warning is logged. The reason stands in the coordinator's log.
   * @throws ClientError ILLEGAL_STATE unless topics are subscribed to.
   */
  enforceRebalance(reason = 'the program asked for it'): void {
    this.#throwIfClosed()
    if (!isMember(this.#topics.subscription))
      throw new ClientError('ILLEGAL_STATE', 'Nothing is subscribed to: there is no group to rebalance.')
    this.#needGroup().enforceRebalance(reason)
  }

  /**
   * Reads exactly these partitions, whatever others read. Those that were assigned before keep their position. Begins at the
   * committed offset if there is a group, else where `offsetReset` says.
   * @throws ClientError ILLEGAL_STATE while topics are subscribed to.
   */
  assign(partitions: readonly TopicPartition[]): void {
    this.#throwIfClosed()
    if (isMember(this.#topics.subscription)) throw notBoth()
    const wanted = checkPartitions(partitions)
    this.#topics.subscription = wanted.length === 0 ? { kind: 'none' } : { kind: 'partitions' }
    const keys = new Set(wanted.map(keyOf))
    this.#source.remove([...this.#source.partitions.keys()].filter((key) => !keys.has(key)))
    const added = wanted.filter((partition) => !this.#source.partitions.has(keyOf(partition)))
    this.#source.add(added.map((partition) => new PartitionState(partition)))
    this.#topics.tell()
    this.#learnCluster()
  }

  /** What is read now. */
  assignment(): TopicPartition[] {
    return [...this.#source.partitions.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** The names that are subscribed to; those that match, for a RegExp. */
  subscription(): readonly string[] {
    return this.#topics.names()
  }

  /** Batches until the consumer is closed or stopped. One loop at a time. */
  [Symbol.asyncIterator](): AsyncIterator<RecordBatchView<K, V>, undefined> {
    return this.batches()[Symbol.asyncIterator]()
  }

  /** The same with a signal: once it aborts, the loop rejects with its reason. */
  batches({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<RecordBatchView<K, V>> {
    return { [Symbol.asyncIterator]: () => new BatchLoop(this.#source, () => this.#poll(Infinity, signal)) }
  }

  /**
   * Records one by one: each is finished when the next is asked for. A loop that is left loses nothing: what was not handed
   * out comes in the next one.
   */
  records({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<ConsumedRecord<K, V>> {
    const touch = (): void => void (this.#polledMs = this.#network.world.clock.monotonicMs())
    return { [Symbol.asyncIterator]: () => new RecordLoop(this.#source, () => this.#poll(Infinity, signal), touch) }
  }

  /**
   * The next batch; null if none came in time, or the consumer was closed or stopped. What the last call gave is finished
   * thereby. Rejects with what a loop rejects with: KafkaError, ClientError NO_OFFSET, or what a rebalance listener threw;
   * after it the consumer may be asked again.
   */
  async poll({ timeoutMs = Infinity, signal }: PollOptions = {}): Promise<RecordBatchView<K, V> | null> {
    return this.#poll(timeoutMs, signal)
  }

  /** Ends loops when they ask for the next batch, and polls that wait. What they had is finished; then `close`. */
  stop(): void {
    this.#source.stop()
  }

  /**
   * Commits `points`, or all that is finished. Resolves when the coordinator has them; commits keep their order.
   * Rejects with KafkaError (ILLEGAL_GENERATION: a partition is somebody else's by now) or ClientError TIMED_OUT,
   * INVALID_ARGUMENT (an offset that is none).
   */
  async commit(points?: Iterable<CommitPoint>, call: CallOptions = {}): Promise<void> {
    const { committer } = this.#needGroup()
    await committer.commit(points === undefined ? () => this.#source.uncommitted() : checkOffsets(points), call)
  }

  /** The same without waiting. Failures go to `onCommitError`. Commits that are posted while one is on its way go together. */
  commitLater(points?: Iterable<CommitPoint>): void {
    const { committer } = this.#needGroup()
    committer.post(
      points === undefined ? this.#source.uncommitted() : checkOffsets(points),
      this.#settings.onCommitError,
    )
  }

  /** What the group has committed, by `topic-partition`; null where nothing is. */
  async committed(
    partitions: readonly TopicPartition[],
    call: CallOptions = {},
  ): Promise<Map<string, CommittedOffset | null>> {
    const { committer } = this.#needGroup()
    return retrying(this.#network.retries, 'Asking for committed offsets', call, async () => {
      const outcomes = await committer.fetch(partitions)
      const committed = new Map<string, CommittedOffset | null>()
      for (const partition of partitions) {
        const outcome = outcomes.get(keyOf(partition)) ?? null
        if (outcome instanceof KafkaError) throw outcome
        committed.set(keyOf(partition), outcome)
      }
      return committed
    })
  }

  /** The offset that is handed out next. Waits until it is known. Rejects with ClientError NO_OFFSET, TIMED_OUT. */
  async position(partition: TopicPartition, { timeoutMs, signal }: CallOptions = {}): Promise<number> {
    const state = this.#assigned(partition)
    const { clock } = this.#network.world
    const limitMs = timeoutMs ?? this.#network.options.callTimeoutMs
    const deadlineMs = clock.monotonicMs() + limitMs
    while (state.position < 0) {
      signal?.throwIfAborted()
      this.#throwIfClosed()
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs <= 0)
        throw new ClientError('TIMED_OUT', `The position of ${state.key} is not known after ${limitMs} ms.`)
      this.#source.wake()
      await this.#source.changed(leftMs, signal)
    }
    return state.position
  }

  /** Goes on at this offset; what was fetched of the partition is dropped. @throws ClientError ILLEGAL_STATE if not assigned. */
  seek(partition: TopicPartition, to: number | { readonly offset: number; readonly leaderEpoch?: number }): void {
    const { offset, leaderEpoch = -1 } = typeof to === 'number' ? { offset: to } : to
    checkOffset(offset)
    this.#assigned(partition).seek({ offset, leaderEpoch })
    this.#source.wake()
  }

  /** All assigned partitions if none are named. */
  seekToBeginning(partitions: readonly TopicPartition[] = this.assignment()): void {
    this.#seekTo(partitions, 'earliest')
  }

  /** All assigned partitions if none are named. Under read_committed the end is that of what is committed. */
  seekToEnd(partitions: readonly TopicPartition[] = this.assignment()): void {
    this.#seekTo(partitions, 'latest')
  }

  /** Nothing is handed out of them until `resume`; what was fetched is kept. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assigned(partition).isPaused = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assigned(partition).isPaused = false
    this.#source.wake()
  }

  paused(): TopicPartition[] {
    const paused = [...this.#source.partitions.values()].filter(({ isPaused }) => isPaused)
    return paused.map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Records between the position and the end, as last fetched; null while unknown. */
  lag(partition: TopicPartition): number | null {
    return this.#assigned(partition).lag(this.#settings.isReadCommitted)
  }

  /** By `topic-partition`. */
  beginningOffsets(partitions: readonly TopicPartition[], call: CallOptions = {}): Promise<Map<string, number>> {
    return this.#ends(partitions, 'earliest', call)
  }

  /** By `topic-partition`: the offset behind the last record (under read_committed, behind the last committed one). */
  endOffsets(partitions: readonly TopicPartition[], call: CallOptions = {}): Promise<Map<string, number>> {
    return this.#ends(partitions, 'latest', call)
  }

  /** By `topic-partition`: the first record at or behind the time; null where none is so late. */
  async offsetsForTimes(
    questions: readonly (TopicPartition & { readonly timestampMs: number })[],
    call: CallOptions = {},
  ): Promise<Map<string, FoundOffset | null>> {
    const asked = questions.map(({ topic, partition, timestampMs }) => ({ topic, partition, spec: { timestampMs } }))
    return this.#askOffsets(asked, call)
  }

  /** For Producer.sendOffsetsToTransaction. @throws ClientError ILLEGAL_STATE without a group. */
  groupMetadata(): ConsumerGroupMetadata {
    const group = this.#needGroup()
    const { memberId, epoch, groupInstanceId }: GroupIdentity = group.identity()
    return { groupId: group.groupId, generationId: epoch, memberId, groupInstanceId }
  }

  /**
   * Ends loops, commits what is finished if that happens by itself, and leaves the group. What a loop has in hand is not
   * finished: commit it by hand, or `stop` first. Idempotent. Rejects with what the last commit or listener rejected with, and
   * with ClientError TIMED_OUT where one of them takes longer than `timeoutMs` for all: the consumer is closed all the same.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close({ membership = 'default', timeoutMs = CLOSE_TIMEOUT_MS, signal }: CloseOptions): Promise<void> {
    const call = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
    this.#source.close()
    try {
      await Promise.all([this.#source.fetcher.close(timeoutMs), this.#group?.close(membership, call)])
    } finally {
      this.#network.close()
    }
  }

  async #poll(timeoutMs: number, signal: AbortSignal | undefined): Promise<RecordBatchView<K, V> | null> {
    if (this.#isPolling)
      throw new ClientError('ILLEGAL_STATE', 'Another loop or poll waits for this consumer: one at a time.')
    if (this.#topics.subscription.kind === 'none' && !this.#source.isStopped) {
      throw new ClientError('ILLEGAL_STATE', 'Nothing is subscribed to or assigned: call subscribe or assign first.')
    }
    this.#isPolling = true
    const { clock } = this.#network.world
    const { observer } = this.#source
    observer.pollBegan(clock.monotonicMs())
    try {
      if (isMember(this.#topics.subscription)) this.#group?.wake()
      else if (this.#network.metadata.nodes.size === 0 && !this.#source.isStopped) this.#learnCluster()
      return await this.#source.poll(timeoutMs, signal)
    } finally {
      this.#isPolling = false
      this.#polledMs = clock.monotonicMs()
      observer.pollEnded(this.#polledMs)
    }
  }

  /** What passes is tried again without us; what does not, such as refused credentials, is for the next poll to tell. */
  #learnCluster(): void {
    this.#network.refresh().then(
      () => this.#source.wake(),
      (error: unknown) => {
        if (isRetriable(error)) this.#network.options.logger.debug(`metadata: ${String(error)}`)
        else if (!this.isClosed) this.#source.fail(error as Error)
      },
    )
  }

  #groupOf(groupId: string): ConsumerGroup<K, V> {
    const group = new ConsumerGroup(this.#network, groupId, this.#settings, this.#source, {
      topics: () => this.#topics.names(),
      pattern: () => this.#topics.pattern,
      watch: (topics) => {
        this.#topics.watched = topics
        this.#topics.tell()
      },
      isOverdue: () => this.#isOverdue(),
    })
    this.#source.committer = group.committer
    return group
  }

  #madeUpGroupId(): string {
    for (;;) {
      const id = uuidFromRandom(this.#network.world.random.bytes(16))
      if (id !== null) return `klamm-${id}`
    }
  }

  #isOverdue(): boolean {
    if (this.#isPolling) return false
    return this.#network.world.clock.monotonicMs() - this.#polledMs > this.#settings.maxPollIntervalMs
  }

  async #commitOf(
    { topic, partition }: RecordBatchView<K, V>,
    offset: number,
    leaderEpoch: number,
    { metadata, ...call }: CommitDetail,
  ): Promise<void> {
    const point = { topic, partition, offset, leaderEpoch }
    await this.commit([metadata === undefined ? point : { ...point, metadata }], call)
  }

  #seekTo(partitions: readonly TopicPartition[], spec: OffsetSpec): void {
    for (const state of partitions.map((partition) => this.#assigned(partition))) state.reset(spec)
    this.#source.wake()
  }

  async #ends(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    call: CallOptions,
  ): Promise<Map<string, number>> {
    const found = await this.#askOffsets(
      partitions.map(({ topic, partition }) => ({ topic, partition, spec })),
      call,
    )
    return new Map([...found].map(([key, outcome]) => [key, outcome?.offset ?? 0]))
  }

  /** Topics of which nothing else is wanted are looked at for as long as it takes. */
  async #askOffsets(
    questions: readonly (TopicPartition & { readonly spec: OffsetSpec })[],
    call: CallOptions,
  ): Promise<Map<string, FoundOffset | null>> {
    this.#throwIfClosed()
    const release = this.#topics.hold(questions.map(({ topic }) => topic))
    try {
      return await listOffsets(this.#network, questions, this.#settings.isReadCommitted, call)
    } finally {
      release()
    }
  }

  #assigned(partition: TopicPartition): PartitionState {
    this.#throwIfClosed()
    const state = this.#source.partitions.get(keyOf(partition))
    if (state !== undefined) return state
    throw new ClientError('ILLEGAL_STATE', `${keyOf(partition)} is not assigned to this consumer.`)
  }

  #needGroup(): ConsumerGroup<K, V> {
    if (this.#group !== null) return this.#group
    throw new ClientError('ILLEGAL_STATE', 'This consumer has no group: give it a groupId to commit offsets.')
  }

  #throwIfClosed(): void {
    if (this.#closing !== null) throw new ClientError('CLOSED', 'The consumer is closed.')
  }
}

function notBoth(): ClientError {
  return new ClientError('ILLEGAL_STATE', 'A consumer either subscribes or is assigned partitions: unsubscribe first.')
}

checkArguments<keyof typeof CONSUMER_THROWS>(Consumer.prototype, CONSUMER_THROWS, 'throws')
checkArguments<keyof typeof CONSUMER_REJECTS>(Consumer.prototype, CONSUMER_REJECTS, 'rejects')
