/**
 * The share consumer (KIP-932): a queue's consumer. Members of a share group read the same partitions; each record is given to
 * one of them at a time, who accepts, releases or rejects it before its lock runs out.
 *
 *     const consumer = kafka.shareConsumer({ groupId: 'workers', value: json<Job>() })
 *     consumer.subscribe('jobs')
 *     for await (const batch of consumer) for (const record of batch) await work(record.value)
 *
 * It asks for records only when the user does, since their locks run from the fetch on: what one poll brings is handed out
 * before more is asked for. Acknowledgements go with the next fetch, or at once with `commit`.
 */
import type { MetricsRegistry } from '../../metrics/registry.ts'
import { inCall, pause, type CallOptions } from '../call.ts'
import { checkArguments } from '../check-options.ts'
import type { ResolvedClientOptions } from '../client-options.ts'
import { SHARE_CONSUMER_REJECTS, SHARE_CONSUMER_THROWS } from '../consumer/consumer-arguments.ts'
import { Coordinator } from '../coordinator.ts'
import { keyOf, type TopicPartition } from '../consumer/topic-partition.ts'
import { ClientError } from '../errors.ts'
import { NetworkClient, type ClientWorld } from '../network-client.ts'
import { Signal } from '../signal.ts'
import type { ShareBatch, ShareRecord } from './share-batch.ts'
import { ShareMembership } from './share-membership.ts'
import { resolveShareOptions, type ShareConsumerOptions, type ShareSettings } from './share-options.ts'
import { ShareObserver } from './share-observer.ts'
import type { AcknowledgeOutcome } from './share-session.ts'
import { ShareSessions } from './share-sessions.ts'

const CLOSE_TIMEOUT_MS = 30_000

interface Fetched<K, V> {
  readonly batch: ShareBatch<K, V>
  /** Monotonic: from then on others may have it. */
  readonly untilMs: number
}

/** By `topic-partition`: what became of its acknowledgements. */
export type AcknowledgeOutcomes = ReadonlyMap<string, Error | null>

export class ShareConsumer<K = Buffer, V = Buffer> implements AsyncIterable<ShareBatch<K, V>>, AsyncDisposable {
  /** Counters, gauges and histograms under the names of Java's client. */
  readonly metrics: MetricsRegistry
  readonly #network: NetworkClient
  readonly #observer: ShareObserver
  readonly #settings: ShareSettings<K, V>
  readonly #membership: ShareMembership
  readonly #sessions: ShareSessions<K, V>
  #topics: readonly string[] = []
  #fetched: Fetched<K, V>[] = []
  #inHand: ShareBatch<K, V> | null = null
  readonly #changes: Signal
  #failure: Error | null = null
  #isPolling = false
  #isStopped = false
  #closing: Promise<void> | null = null

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(world: ClientWorld, options: ResolvedClientOptions & ShareConsumerOptions<K, V>) {
    this.#settings = resolveShareOptions(options, options)
    this.#network = new NetworkClient(world, this.#settings)
    this.#changes = new Signal(world.clock)
    const { groupId, rack } = this.#settings
    this.#observer = new ShareObserver(this.#network, groupId)
    this.metrics = this.#observer.metrics
    const coordinator = new Coordinator(this.#network, 'group', groupId)
    this.#membership = new ShareMembership(this.#network, coordinator, groupId, rack, {
      topics: () => this.#topics,
      assigned: (partitions) => {
        this.#sessions.assign(partitions)
        this.#observer.reassigned()
        this.#changes.raise()
      },
      failed: (error) => this.#fail(error),
      heartbeat: (sentMs) => this.#observer.heartbeat(sentMs),
    })
    this.#sessions = new ShareSessions(this.#network, this.#settings, this.#membership.memberId, this.#observer, {
      arrived: (batch, untilMs) => this.#fetched.push({ batch, untilMs }),
      changed: () => this.#changes.raise(),
      failed: (error) => this.#fail(error),
    })
    this.#network.metadata.onChange(() => this.#changes.raise())
  }

  get isClosed(): boolean {
    return this.#closing !== null
  }

  get groupId(): string {
    return this.#settings.groupId
  }

  /** Reads these topics, from the next poll on; replaces what was subscribed. @throws ClientError INVALID_ARGUMENT. */
  subscribe(topics: string | readonly string[]): void {
    if (this.isClosed) throw closed()
    const names = [...new Set(typeof topics === 'string' ? [topics] : topics)]
    if (names.length === 0 || names.some((name) => name.trim() === '')) {
      throw new ClientError('INVALID_ARGUMENT', 'subscribe takes at least one name of a topic, and none may be empty.')
    }
    this.#topics = names
    this.#network.setInterest(new Set(names), { mayCreateTopics: true })
    this.#network.refresh().catch(() => {})
  }

  subscription(): readonly string[] {
    return this.#topics
  }

  /** Partitions that the coordinator gave, as far as their topics' names are known. */
  assignment(): TopicPartition[] {
    return this.#sessions.places().map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Batches until the consumer is closed or stopped. One loop at a time. */
  [Symbol.asyncIterator](): AsyncIterator<ShareBatch<K, V>, undefined> {
    return this.batches()[Symbol.asyncIterator]()
  }

  /** The same with a signal: once it aborts, the loop rejects with its reason. */
  async *batches({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ShareBatch<K, V>, undefined> {
    for (;;) {
      const batch = await this.#poll(Infinity, signal)
      if (batch === null) return undefined
      yield batch
    }
  }

  /** Records one by one. In implicit mode those of a batch are accepted once all of them were asked for. */
  async *records({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ShareRecord<K, V>, undefined> {
    for await (const batch of this.batches(signal === undefined ? {} : { signal })) yield* batch
    return undefined
  }

  /**
   * The next batch; null if none came in time, or the consumer was closed or stopped. In implicit mode what the last one has
   * without an answer is accepted. Rejects with KafkaError, and with ClientError ILLEGAL_STATE in explicit mode if records of
   * the last batch have no answer.
   */
  async poll({
    timeoutMs = Infinity,
    signal,
  }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<ShareBatch<K, V> | null> {
    return this.#poll(timeoutMs, signal)
  }

  /** Ends loops when they ask for the next batch, and polls that wait. */
  stop(): void {
    this.#isStopped = true
    this.#changes.raise()
  }

  /**
   * Tells brokers what was acknowledged; in implicit mode that all of the batch in hand is accepted. Resolves with what became
   * of it: INVALID_RECORD_STATE means that the lock had run out and somebody else may have had the records. Rejects with
   * ClientError TIMED_OUT.
   */
  async commit(call: CallOptions = {}): Promise<AcknowledgeOutcomes> {
    if (this.isClosed) throw closed()
    return this.#commit(call)
  }

  /** The same without waiting; what becomes of it goes to `onAcknowledged`. */
  commitLater(): void {
    if (this.isClosed) throw closed()
    this.#gather(this.#settings.onAcknowledged, false)
    void this.#sessions.flush()
  }

  /**
   * Tells what was acknowledged, gives the rest of what was acquired back, and leaves the group. Idempotent; does not reject
   * for what brokers say: that goes to `onAcknowledged`.
   */
  close(call: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#close(call)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close({ timeoutMs = CLOSE_TIMEOUT_MS, signal }: CallOptions): Promise<void> {
    this.stop()
    const { clock } = this.#network.world
    this.#gather(this.#settings.onAcknowledged, false)
    const call = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
    const ended = (async () => {
      await this.#sessions.end()
      await this.#membership.leave(call)
    })()
    const late = new AbortController()
    await Promise.race([ended, pause(clock, timeoutMs, late.signal).catch(() => {})])
    late.abort(new Error('closed in time'))
    this.#network.close()
  }

  async #commit(call: CallOptions): Promise<AcknowledgeOutcomes> {
    const outcomes = new Map<string, Error | null>()
    this.#gather((key, error) => void outcomes.set(key, outcomes.get(key) ?? error), !this.#settings.isExplicit)
    const { timeoutMs = this.#network.options.callTimeoutMs, signal } = call
    const { clock } = this.#network.world
    await inCall(clock, { timeoutMs, signal }, 'Committing acknowledgements', this.#sessions.flush())
    return outcomes
  }

  async #poll(timeoutMs: number, signal: AbortSignal | undefined): Promise<ShareBatch<K, V> | null> {
    if (this.#isPolling)
      throw new ClientError('ILLEGAL_STATE', 'Another loop or poll waits for this consumer: one at a time.')
    if (this.#topics.length === 0 && !this.#isStopped) {
      throw new ClientError('ILLEGAL_STATE', 'Nothing is subscribed to: call subscribe first.')
    }
    this.#finish()
    this.#isPolling = true
    const { clock } = this.#network.world
    this.#observer.pollBegan(clock.monotonicMs())
    try {
      return await this.#next(timeoutMs, signal)
    } finally {
      this.#isPolling = false
      this.#observer.pollEnded(clock.monotonicMs())
    }
  }

  async #next(timeoutMs: number, signal: AbortSignal | undefined): Promise<ShareBatch<K, V> | null> {
    const { clock } = this.#network.world
    const deadlineMs = clock.monotonicMs() + timeoutMs
    for (;;) {
      signal?.throwIfAborted()
      const failure = this.#failure
      this.#failure = null
      if (failure !== null) throw failure
      if (this.#isStopped) return null
      this.#membership.wake()
      const batch = this.#take()
      if (batch !== null) {
        this.#inHand = batch
        this.#observer.handedOut(batch.length)
        // What is acknowledged must not wait until all that was fetched is handed out.
        void this.#sessions.flush()
        return batch
      }
      const nowMs = clock.monotonicMs()
      if (nowMs >= deadlineMs) return null
      this.#sessions.fetchAll()
      const waitMs = this.#settings.fetchMaxWaitMs + 1000
      const untilMs = Math.min(deadlineMs, nowMs + waitMs, this.#sessions.nextRetryMs(nowMs))
      await this.#changes.wait(untilMs - nowMs, signal)
    }
  }

  #take(): ShareBatch<K, V> | null {
    const nowMs = this.#network.world.clock.monotonicMs()
    for (let next = this.#fetched.shift(); next !== undefined; next = this.#fetched.shift()) {
      // Its lock has run out: the broker gives it to others, and counts on nothing of us.
      if (next.untilMs > nowMs && next.batch.length > 0) return next.batch
      if (next.untilMs > nowMs) this.#sessions.queue(next.batch, next.batch.take(true), this.#settings.onAcknowledged)
    }
    return null
  }

  /** The user asks for more: what was in hand is done. */
  #finish(): void {
    const batch = this.#inHand
    if (batch === null) return
    if (this.#settings.isExplicit && batch.openCount > 0) {
      const count = `${batch.openCount} of ${batch.length} records of ${keyOf(batch)}`
      throw new ClientError(
        'ILLEGAL_STATE',
        `${count} have no acknowledgement: in explicit mode each must have one before the next poll.`,
      )
    }
    this.#inHand = null
    if (!this.#settings.isExplicit) batch.acknowledgeAll()
    this.#sessions.queue(batch, batch.take(true), this.#settings.onAcknowledged)
  }

  /** Queues what has been answered of the batch in hand; with `acceptsRest` all of it. */
  #gather(outcome: AcknowledgeOutcome, acceptsRest: boolean): void {
    const batch = this.#inHand
    if (batch === null) return
    if (acceptsRest) batch.acknowledgeAll()
    const isDone = batch.openCount === 0
    this.#sessions.queue(batch, batch.take(isDone), outcome)
    if (isDone) this.#inHand = null
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#observer.failed(error)
    this.#changes.raise()
  }
}

function closed(): ClientError {
  return new ClientError('CLOSED', 'The share consumer is closed.')
}

checkArguments<keyof typeof SHARE_CONSUMER_THROWS>(ShareConsumer.prototype, SHARE_CONSUMER_THROWS, 'throws')
checkArguments<keyof typeof SHARE_CONSUMER_REJECTS>(ShareConsumer.prototype, SHARE_CONSUMER_REJECTS, 'rejects')
