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
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ShareAcknowledge } from '../../protocol/generated/share-acknowledge.ts'
import { ShareFetch, type ShareFetchResponse } from '../../protocol/generated/share-fetch.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { MetricsRegistry } from '../../metrics/registry.ts'
import { backoffMs, pause, type CallOptions } from '../call.ts'
import { checkArguments } from '../check-options.ts'
import type { ResolvedClientOptions } from '../client-options.ts'
import { SHARE_CONSUMER_REJECTS, SHARE_CONSUMER_THROWS } from '../consumer/consumer-arguments.ts'
import { Coordinator } from '../coordinator.ts'
import { readFetched } from '../consumer/fetched-records.ts'
import { RecordBatchView } from '../consumer/record-batch-view.ts'
import { keyOf, type TopicPartition } from '../consumer/topic-partition.ts'
import { ClientError, errorOf, isRetriable } from '../errors.ts'
import { NetworkClient, type ClientWorld } from '../network-client.ts'
import { Acknowledgements, RENEW } from './acknowledgements.ts'
import { ShareBatch, type ShareBatchOwner, type ShareRecord } from './share-batch.ts'
import { ShareMembership } from './share-membership.ts'
import { resolveShareOptions, type ShareConsumerOptions, type ShareSettings } from './share-options.ts'
import { ShareObserver } from './share-observer.ts'
import { ShareSession, type AcknowledgeOutcome, type SharePlace } from './share-session.ts'

const CLOSE_TIMEOUT_MS = 30_000
/** Versions with record limits and renewals. */
const LIMITS_FROM = 2

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
  readonly #sessions = new Map<number, ShareSession>()
  #topics: readonly string[] = []
  #assigned: ReadonlyMap<Uuid, readonly number[]> = new Map()
  #fetched: Fetched<K, V>[] = []
  #inHand: ShareBatch<K, V> | null = null
  readonly #waiting = new Set<() => void>()
  #failure: Error | null = null
  #isPolling = false
  #isStopped = false
  #closing: Promise<void> | null = null
  readonly #owner: ShareBatchOwner = { renew: (batch, offset) => this.#renew(batch, offset) }

  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(world: ClientWorld, options: ResolvedClientOptions & ShareConsumerOptions<K, V>) {
    this.#settings = resolveShareOptions(options, options)
    this.#network = new NetworkClient(world, this.#settings)
    const { groupId, rack } = this.#settings
    this.#observer = new ShareObserver(this.#network, groupId)
    this.metrics = this.#observer.metrics
    const coordinator = new Coordinator(this.#network, 'group', groupId)
    this.#membership = new ShareMembership(this.#network, coordinator, groupId, rack, {
      topics: () => this.#topics,
      assigned: (partitions) => {
        this.#assigned = partitions
        this.#observer.reassigned()
        this.#signal()
      },
      failed: (error) => this.#fail(error),
      heartbeat: (sentMs) => this.#observer.heartbeat(sentMs),
    })
    this.#network.metadata.onChange(() => this.#signal())
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
    return this.#places().map(({ topic, partition }) => ({ topic, partition }))
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
    this.#signal()
  }

  /**
   * Tells brokers what was acknowledged; in implicit mode that all of the batch in hand is accepted. Resolves with what became
   * of it: INVALID_RECORD_STATE means that the lock had run out and somebody else may have had the records.
   */
  async commit(call: CallOptions = {}): Promise<AcknowledgeOutcomes> {
    if (this.isClosed) throw closed()
    return this.#commit(call)
  }

  /** The same without waiting; what becomes of it goes to `onAcknowledged`. */
  commitLater(): void {
    if (this.isClosed) throw closed()
    this.#gather(this.#settings.onAcknowledged, false)
    for (const session of this.#sessions.values()) if (session.hasWaiting) void this.#acknowledge(session, false)
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
      const sessions = [...this.#sessions.values()].filter(({ isOpen }) => isOpen)
      await Promise.all(sessions.map((session) => this.#acknowledge(session, true)))
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
    call.signal?.throwIfAborted()
    const waiting = [...this.#sessions.values()].filter(({ hasWaiting }) => hasWaiting)
    await Promise.all(waiting.map((session) => this.#acknowledge(session, false)))
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
        for (const session of this.#sessions.values()) if (session.hasWaiting) void this.#acknowledge(session, false)
        return batch
      }
      const nowMs = clock.monotonicMs()
      if (nowMs >= deadlineMs) return null
      this.#fetchAll()
      let untilMs = Math.min(deadlineMs, nowMs + this.#settings.fetchMaxWaitMs + 1000)
      for (const { retryAtMs } of this.#sessions.values()) if (retryAtMs > nowMs) untilMs = Math.min(untilMs, retryAtMs)
      await this.#changed(untilMs - nowMs, signal)
    }
  }

  #take(): ShareBatch<K, V> | null {
    const nowMs = this.#network.world.clock.monotonicMs()
    for (let next = this.#fetched.shift(); next !== undefined; next = this.#fetched.shift()) {
      // Its lock has run out: the broker gives it to others, and counts on nothing of us.
      if (next.untilMs > nowMs && next.batch.length > 0) return next.batch
      if (next.untilMs > nowMs) this.#queue(next.batch, next.batch.take(true), this.#settings.onAcknowledged)
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
    this.#queue(batch, batch.take(true), this.#settings.onAcknowledged)
  }

  /** Queues what has been answered of the batch in hand; with `acceptsRest` all of it. */
  #gather(outcome: AcknowledgeOutcome, acceptsRest: boolean): void {
    const batch = this.#inHand
    if (batch === null) return
    if (acceptsRest) batch.acknowledgeAll()
    const isDone = batch.openCount === 0
    this.#queue(batch, batch.take(isDone), outcome)
    if (isDone) this.#inHand = null
  }

  readonly #nodeOf = new Map<string, { readonly node: number; readonly topicId: Uuid }>()

  /** To the broker that gave the records out: no other knows of them. */
  #queue({ topic, partition }: TopicPartition, acknowledgements: Acknowledgements, outcome: AcknowledgeOutcome): void {
    const records = acknowledgements.size
    if (records === 0) return
    const settled: AcknowledgeOutcome = (key, error) => {
      this.#observer.acknowledged(topic, partition, records, error)
      outcome(key, error)
    }
    const key = keyOf({ topic, partition })
    const from = this.#nodeOf.get(key)
    const session = from === undefined ? undefined : this.#sessions.get(from.node)
    if (from === undefined || session === undefined || !session.isOpen) {
      settled(
        key,
        new KafkaError('INVALID_RECORD_STATE', `The session in which records of ${key} were acquired has ended.`),
      )
      return
    }
    session.add({ key, topicId: from.topicId, partition }, acknowledgements, settled)
  }

  #places(): (SharePlace & TopicPartition)[] {
    const places: (SharePlace & TopicPartition)[] = []
    for (const [topicId, partitions] of this.#assigned) {
      const topic = this.#network.metadata.nameOf(topicId)
      if (topic === null) {
        this.#network.refreshSoon()
        continue
      }
      for (const partition of partitions) places.push({ key: keyOf({ topic, partition }), topic, topicId, partition })
    }
    return places
  }

  #sessionOf(node: number): ShareSession {
    let session = this.#sessions.get(node)
    if (session === undefined) {
      session = new ShareSession(node)
      this.#sessions.set(node, session)
    }
    return session
  }

  /** A fetch to every leader that has none on its way. */
  #fetchAll(): void {
    const nowMs = this.#network.world.clock.monotonicMs()
    const byNode = new Map<number, Map<string, SharePlace & TopicPartition>>()
    for (const place of this.#places()) {
      const leader = this.#network.metadata.leader(place.topic, place.partition)
      if (leader === null) {
        this.#network.refreshSoon()
        continue
      }
      const places = byNode.get(leader.id)
      if (places === undefined) byNode.set(leader.id, new Map([[place.key, place]]))
      else places.set(place.key, place)
    }
    for (const [node, places] of byNode) {
      const session = this.#sessionOf(node)
      if (session.isFetching || session.retryAtMs > nowMs) continue
      session.isFetching = true
      void this.#inTurn(session, () => this.#fetch(session, places)).finally(() => {
        session.isFetching = false
        this.#signal()
      })
    }
  }

  /** Requests of a session go one at a time. Never rejects. */
  #inTurn(session: ShareSession, task: () => Promise<void>): Promise<void> {
    const done = session.tail.then(task).catch((error: unknown) => {
      if (this.#network.isClosed) return
      session.lost(error as Error)
      this.#refused(session, error as Error)
    })
    session.tail = done
    return done
  }

  #refused(session: ShareSession, error: Error): void {
    const { clock, random } = this.#network.world
    session.failures += 1
    session.retryAtMs = clock.monotonicMs() + backoffMs(this.#network.retries.backoff, session.failures, random)
    const isPassing = isRetriable(error) || (error instanceof KafkaError && error.code === 'BROKER_NOT_AVAILABLE')
    if (isPassing) this.#network.refreshSoon()
    else this.#fail(error)
  }

  async #fetch(session: ShareSession, places: ReadonlyMap<string, SharePlace & TopicPartition>): Promise<void> {
    const { fetchMaxBytes, fetchMaxWaitMs, fetchMinBytes, groupId, isRecordLimited, maxPollRecords } = this.#settings
    const connection = await this.#network.connection(session.node, 'fetch')
    const version = connection.versions.choose(ShareFetch, isRecordLimited ? { min: LIMITS_FROM } : { min: 1 })
    const { topics, forgottenTopicsData } = session.fetch(places)
    const message = {
      groupId,
      memberId: this.#membership.memberId,
      shareSessionEpoch: session.epoch,
      maxWaitMs: fetchMaxWaitMs,
      minBytes: fetchMinBytes,
      maxBytes: fetchMaxBytes,
      maxRecords: maxPollRecords,
      batchSize: maxPollRecords,
      shareAcquireMode: isRecordLimited ? 1 : 0,
      topics,
      forgottenTopicsData,
    }
    const options = { lane: 'fetch', versions: { min: version, max: version }, keepsMemory: true } as const
    const sentMs = this.#network.world.clock.monotonicMs()
    const answer = await this.#network.request(session.node, ShareFetch, message, options)
    const error = errorOf(answer.errorCode, answer.errorMessage)
    if (error !== null) throw error
    session.failures = 0
    let bytes = 0
    let records = 0
    const failed = new Map<string, Error>()
    for (const topic of answer.responses) {
      const name = this.#network.metadata.nameOf(topic.topicId)
      for (const part of topic.partitions) {
        const key = keyOf({ topic: name ?? topic.topicId, partition: part.partitionIndex })
        const refused = errorOf(part.acknowledgeErrorCode, part.acknowledgeErrorMessage)
        if (refused !== null) failed.set(key, refused)
        bytes += part.records?.length ?? 0
        for (const { firstOffset, lastOffset } of part.acquiredRecords) {
          records += clampInt64(lastOffset) - clampInt64(firstOffset) + 1
        }
        if (name !== null) this.#takePart(session, name, topic.topicId, part, answer)
      }
    }
    const { throttleTimeMs } = answer
    this.#observer.fetched({ node: session.node, sentMs, bytes, records, throttleTimeMs })
    session.answered(failed)
  }

  #takePart(
    session: ShareSession,
    topic: string,
    topicId: Uuid,
    part: ShareFetchResponse.PartitionData,
    answer: ShareFetchResponse,
  ): void {
    const place = { topic, partition: part.partitionIndex }
    const error = errorOf(part.errorCode, part.errorMessage)
    if (error !== null) {
      this.#noticeLeader(place, part, answer)
      session.retryAtMs = this.#network.world.clock.monotonicMs() + this.#network.options.retryBackoffMs
      if (!isRetriable(error)) this.#fail(error)
      return
    }
    const { records, acquiredRecords } = part
    if (records === null || records.length === 0 || acquiredRecords.length === 0) return
    const ranges = acquiredRecords.map(({ firstOffset, lastOffset, deliveryCount }) => ({
      firstOffset: clampInt64(firstOffset),
      lastOffset: clampInt64(lastOffset),
      deliveryCount,
    }))
    const { checkCrcs: checksCrc, key, value } = this.#settings
    const offset = ranges[0]!.firstOffset
    try {
      const fetched = readFetched(place, records, { offset, aborted: null, checksCrc })
      const commit = (): Promise<void> => Promise.resolve()
      const view = new RecordBatchView<K, V>({ ...place, highWatermark: -1 }, fetched, { key, value, commit })
      const lockMs = answer.acquisitionLockTimeoutMs
      const batch = new ShareBatch(view, ranges, lockMs, this.#owner)
      const untilMs = lockMs > 0 ? this.#network.world.clock.monotonicMs() + lockMs : Infinity
      this.#nodeOf.set(keyOf(place), { node: session.node, topicId })
      this.#fetched.push({ batch, untilMs })
    } catch (thrown) {
      // Whoever gets it next may have better luck; after some times the broker gives up on it.
      this.#fail(thrown as Error)
    }
  }

  #noticeLeader(place: TopicPartition, part: ShareFetchResponse.PartitionData, answer: ShareFetchResponse): void {
    const { leaderId, leaderEpoch } = part.currentLeader
    const endpoint = answer.nodeEndpoints.find(({ nodeId }) => nodeId === leaderId)
    const node = endpoint === undefined ? null : { ...endpoint, id: endpoint.nodeId }
    if (!this.#network.metadata.applyLeader(place.topic, place.partition, leaderId, leaderEpoch, node)) {
      this.#network.refreshSoon()
    }
  }

  /** Sends what waits; with `closes` the session ends and what is left is released. */
  #acknowledge(session: ShareSession, closes: boolean): Promise<void> {
    return this.#inTurn(session, async () => {
      if (!session.isOpen || (!closes && !session.hasWaiting)) return
      await this.#sendAcknowledge(session, session.acknowledge(), closes ? -1 : session.epoch, false)
    })
  }

  async #sendAcknowledge(
    session: ShareSession,
    topics: ReturnType<ShareSession['acknowledge']>,
    shareSessionEpoch: number,
    isRenewAck: boolean,
  ): Promise<void> {
    const message = {
      groupId: this.#settings.groupId,
      memberId: this.#membership.memberId,
      shareSessionEpoch,
      isRenewAck,
      topics,
    }
    const options = { lane: 'fetch', versions: { min: isRenewAck ? LIMITS_FROM : 1 } } as const
    const answer = await this.#network.request(session.node, ShareAcknowledge, message, options)
    const error = errorOf(answer.errorCode, answer.errorMessage)
    if (error !== null) throw error
    const failed = new Map<string, Error>()
    for (const { topicId, partitions } of answer.responses) {
      const topic = this.#network.metadata.nameOf(topicId) ?? topicId
      for (const { partitionIndex, errorCode, errorMessage } of partitions) {
        const refused = errorOf(errorCode, errorMessage)
        if (refused !== null) failed.set(keyOf({ topic, partition: partitionIndex }), refused)
      }
    }
    session.answered(failed)
  }

  async #renew({ topic, partition }: TopicPartition, offset: number): Promise<void> {
    const key = keyOf({ topic, partition })
    const from = this.#nodeOf.get(key)
    const session = from === undefined ? undefined : this.#sessions.get(from.node)
    if (from === undefined || session === undefined) {
      throw new KafkaError('INVALID_RECORD_STATE', `The session in which records of ${key} were acquired has ended.`)
    }
    const renewal = new Acknowledgements()
    renewal.set(offset, RENEW)
    let outcome: Error | null = null
    await this.#inTurn(session, async () => {
      session.add({ key, topicId: from.topicId, partition }, renewal, (_, error) => (outcome = error))
      await this.#sendAcknowledge(session, session.acknowledge(), session.epoch, true)
    })
    if (outcome !== null) throw outcome as Error
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#observer.failed(error)
    this.#signal()
  }

  #signal(): void {
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }

  async #changed(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    let resume!: () => void
    const signalled = new Promise<void>((resolve) => (resume = resolve))
    this.#waiting.add(resume)
    const over = new AbortController()
    const aborted = (): void => resume()
    signal?.addEventListener('abort', aborted, { once: true })
    await Promise.race([signalled, pause(this.#network.world.clock, timeoutMs, over.signal).catch(() => {})])
    over.abort(new Error('no longer waited for'))
    signal?.removeEventListener('abort', aborted)
    this.#waiting.delete(resume)
  }
}

function closed(): ClientError {
  return new ClientError('CLOSED', 'The share consumer is closed.')
}

checkArguments<keyof typeof SHARE_CONSUMER_THROWS>(ShareConsumer.prototype, SHARE_CONSUMER_THROWS, 'throws')
checkArguments<keyof typeof SHARE_CONSUMER_REJECTS>(ShareConsumer.prototype, SHARE_CONSUMER_REJECTS, 'rejects')
