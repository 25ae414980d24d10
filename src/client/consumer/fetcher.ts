/**
 * Keeps records coming: one fetch at a time per broker, of every partition that may be fetched there, while the user works
 * on what came before. What came waits in the partitions' states until it is taken.
 *
 * Nothing is asked for while `prefetchMaxBytes` wait (of partitions that are not paused), nor of a partition of which a full
 * share waits; so the user's pace is the brokers'. An answer is taken only by the incarnation that asked for it. A broker is asked by its session (KIP-227), at
 * the nearest replica (KIP-392), and told which epoch was read last, so that it can say where logs part (KIP-320).
 */
import { errorName, type ErrorCode } from '../../base/error-codes.ts'
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import { Fetch, type FetchResponse } from '../../protocol/generated/fetch.ts'
import type { Timer } from '../../world/world.ts'
import { backoffMs, inTime } from '../call.ts'
import { errorOf, isPassing } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import type { ObservedFetch } from './consumer-observer.ts'
import type { ConsumerSettings } from './consumer-options.ts'
import { FetchSession, type FetchPlace } from '../../rpc/fetch-session.ts'
import { readFetched } from './fetched-records.ts'
import type { PartitionState } from './partition-state.ts'
import { keyOf } from './topic-partition.ts'

/** A broker that waits for some partitions must be free for others soon. */
const SHORT_WAIT_MS = 100

/** A session that nobody ends ends by itself. */
const FINAL_WAIT_MS = 1000

/** From this version on a broker is told what was read last. */
const EPOCH_FROM = 12

export type FetcherSettings = Pick<
  ConsumerSettings<unknown, unknown>,
  | 'fetchMinBytes'
  | 'fetchMaxWaitMs'
  | 'fetchMaxBytes'
  | 'maxPartitionFetchBytes'
  | 'prefetchMaxBytes'
  | 'isReadCommitted'
  | 'checkCrcs'
  | 'rack'
  | 'metadataMaxAgeMs'
>

/** What the fetcher leaves to the consumer. */
export interface FetcherOwner {
  readonly partitions: ReadonlyMap<string, PartitionState>
  /** Something waits in `state` that did not before. */
  arrived(state: PartitionState): void
  /** The leader does not have `state.fetchOffset`. */
  outOfRange(state: PartitionState): void
  /** Logs part at `offset`, of `leaderEpoch`. */
  diverged(state: PartitionState, offset: number, leaderEpoch: number): void
  /** The user is to know. */
  failed(error: Error): void
  /** An answer came. */
  fetched(fetch: ObservedFetch): void
}

interface FetchedNode {
  readonly session: FetchSession
  isBusy: boolean
  failures: number
  retryAtMs: number
}

interface Asked {
  readonly state: PartitionState
  readonly incarnation: number
  readonly place: FetchPlace
}

export class Fetcher {
  readonly #network: NetworkClient
  readonly #settings: FetcherSettings
  readonly #owner: FetcherOwner
  readonly #nodes = new Map<number, FetchedNode>()
  #timer: { readonly timer: Timer; readonly atMs: number } | null = null
  #isClosed = false

  constructor(network: NetworkClient, settings: FetcherSettings, owner: FetcherOwner) {
    this.#network = network
    this.#settings = settings
    this.#owner = owner
  }

  /** Something changed that may let a fetch begin. */
  wake(): void {
    if (this.#isClosed) return
    for (const [id, partitions] of this.#fetchable()) {
      const node = this.#nodeOf(id)
      if (node.isBusy || partitions.length === 0) continue
      node.isBusy = true
      void this.#fetch(id, node, partitions).finally(() => {
        node.isBusy = false
        this.wake()
      })
    }
  }

  /** Tells brokers that their sessions end; does not wait long for them, nor longer than `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true
    this.#timer?.timer.cancel()
    const closing = [...this.#nodes].map(async ([id, { session, isBusy }]) => {
      const final = isBusy ? null : session.final()
      if (final === null) return
      const message = { ...final, replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 0 }
      const told = this.#network.request(id, Fetch, message, { lane: 'fetch' })
      const limitMs = Math.min(timeoutMs, FINAL_WAIT_MS)
      await inTime(this.#network.world.clock, limitMs, 'Ending a fetch session', told).catch(() => {})
    })
    await Promise.all(closing)
  }

  #nodeOf(id: number): FetchedNode {
    let node = this.#nodes.get(id)
    if (node === undefined) {
      node = { session: new FetchSession(), isBusy: false, failures: 0, retryAtMs: 0 }
      this.#nodes.set(id, node)
    }
    return node
  }

  /** By node, what may be asked there now. */
  #fetchable(): Map<number, PartitionState[]> {
    const { metadata, world } = this.#network
    const nowMs = world.clock.monotonicMs()
    const byNode = new Map<number, PartitionState[]>()
    let waitingBytes = 0
    for (const state of this.#owner.partitions.values()) {
      // What is kept for a partition that is paused may be kept for ever: others must not wait for that.
      if (!state.isPaused) waitingBytes += state.bufferedBytes
    }
    if (waitingBytes >= this.#settings.prefetchMaxBytes) return byNode
    for (const state of this.#owner.partitions.values()) {
      if (state.phase !== 'positioned' || state.isPaused || state.isHeld) continue
      if (state.bufferedBytes >= this.#settings.maxPartitionFetchBytes) continue
      if (state.retryAtMs > nowMs) {
        this.#wakeAt(state.retryAtMs)
        continue
      }
      const node = this.#nodeToAsk(state, nowMs)
      if (node < 0 || !metadata.nodes.has(node)) {
        state.retryAtMs = nowMs + this.#pauseMs(1)
        this.#wakeAt(state.retryAtMs)
        this.#network.refreshSoon()
        continue
      }
      const { retryAtMs } = this.#nodeOf(node)
      if (retryAtMs > nowMs) {
        this.#wakeAt(retryAtMs)
        continue
      }
      const partitions = byNode.get(node)
      if (partitions === undefined) byNode.set(node, [state])
      else partitions.push(state)
    }
    return byNode
  }

  #nodeToAsk(state: PartitionState, nowMs: number): number {
    const { metadata } = this.#network
    if (state.preferredReplica >= 0) {
      if (nowMs < state.preferredUntilMs && metadata.nodes.has(state.preferredReplica)) return state.preferredReplica
      state.preferredReplica = -1
    }
    return metadata.partition(state.topic, state.partition)?.leader ?? -1
  }

  async #fetch(id: number, node: FetchedNode, partitions: readonly PartitionState[]): Promise<void> {
    const { clock } = this.#network.world
    try {
      const connection = await this.#network.connection(id, 'fetch')
      const usesIds = partitions.every(
        ({ topic }) => (this.#network.metadata.topic(topic)?.id ?? ZERO_UUID) !== ZERO_UUID,
      )
      const version = connection.versions.choose(Fetch, usesIds ? {} : { max: 12 })
      const asked = this.#ask(partitions, version)
      if (asked.size === 0) return
      const places = new Map([...asked].map(([key, { place }]) => [key, place]))
      const sentMs = clock.monotonicMs()
      const answer = await this.#network.request(id, Fetch, this.#message(node, places, version), {
        lane: 'fetch',
        versions: { max: version },
        keepsMemory: true,
      })
      node.failures = 0
      if (answer.throttleTimeMs > 0 && version >= 8) node.retryAtMs = clock.monotonicMs() + answer.throttleTimeMs
      const error = errorOf(answer.errorCode)
      if (error === null) {
        if (version >= 7) node.session.answered(answer.sessionId)
        const arrived = this.#take(id, answer, asked, version)
        this.#owner.fetched({ node: id, sentMs, ...arrived, throttleTimeMs: answer.throttleTimeMs })
      } else {
        node.session.reset()
        if (error.code === 'FETCH_SESSION_ID_NOT_FOUND' || error.code === 'INVALID_FETCH_SESSION_EPOCH') return
        if (error.code === 'FETCH_SESSION_TOPIC_ID_ERROR') return
        this.#failedNode(node)
        if (error.code === 'UNKNOWN_TOPIC_ID' || error.code === 'INCONSISTENT_TOPIC_ID') this.#network.refreshSoon()
      }
    } catch (error) {
      if (this.#isClosed) return
      // Whether the broker took the request in is unknown.
      node.session.reset()
      this.#failedNode(node)
      for (const state of partitions) state.preferredReplica = -1
      this.#network.refreshSoon()
      if (!isPassing(error)) this.#owner.failed(error as Error)
    }
  }

  #failedNode(node: FetchedNode): void {
    node.failures += 1
    node.retryAtMs = this.#network.world.clock.monotonicMs() + this.#pauseMs(node.failures)
  }

  /** What is asked of those that still may be asked: the connection may have taken its time. */
  #ask(partitions: readonly PartitionState[], version: number): Map<string, Asked> {
    const asked = new Map<string, Asked>()
    const fair = partitions.toSorted((one, other) => one.bufferedBytes - other.bufferedBytes)
    for (const state of fair) {
      if (this.#owner.partitions.get(state.key) !== state || state.phase !== 'positioned') continue
      if (state.isHeld || state.isPaused) continue
      const { topic, partition } = state
      const place: FetchPlace = {
        topic,
        topicId: this.#network.metadata.topic(topic)?.id ?? ZERO_UUID,
        partition,
        fetchOffset: state.fetchOffset,
        currentLeaderEpoch: state.leaderEpoch,
        lastFetchedEpoch: version >= EPOCH_FROM ? state.fetchEpoch : -1,
        logStartOffset: -1,
        maxBytes: Math.max(state.fetchBytes, this.#settings.maxPartitionFetchBytes),
      }
      asked.set(state.key, { state, incarnation: state.incarnation, place })
    }
    return asked
  }

  #message(node: FetchedNode, places: ReadonlyMap<string, FetchPlace>, version: number) {
    const { fetchMinBytes, fetchMaxWaitMs, fetchMaxBytes, isReadCommitted, rack } = this.#settings
    const session = node.session.next(places, version >= 13)
    return {
      ...session,
      replicaId: -1,
      // What is left out, because enough of it waits, may be wanted before these have something.
      maxWaitMs: this.#isAnyFull() ? Math.min(fetchMaxWaitMs, SHORT_WAIT_MS) : fetchMaxWaitMs,
      minBytes: fetchMinBytes,
      maxBytes: fetchMaxBytes,
      isolationLevel: isReadCommitted ? 1 : 0,
      rackId: rack,
    }
  }

  /** A partition is left out of fetches while much of it waits. */
  #isAnyFull(): boolean {
    for (const { phase, isPaused, isHeld, bufferedBytes } of this.#owner.partitions.values()) {
      const isFull = bufferedBytes >= this.#settings.maxPartitionFetchBytes
      if (isFull && phase === 'positioned' && !isPaused && !isHeld) return true
    }
    return false
  }

  #take(
    node: number,
    answer: FetchResponse,
    asked: ReadonlyMap<string, Asked>,
    version: number,
  ): { bytes: number; records: number } {
    const { metadata } = this.#network
    let bytes = 0
    let records = 0
    for (const topic of answer.responses) {
      const name = version >= 13 ? metadata.nameOf(topic.topicId) : topic.topic
      for (const part of topic.partitions) {
        bytes += part.records?.length ?? 0
        const question = name === null ? undefined : asked.get(keyOf({ topic: name, partition: part.partitionIndex }))
        if (question === undefined || !this.#isWanted(question)) continue
        if (part.errorCode === 0) records += this.#takePartition(question.state, part)
        else this.#refused(node, question.state, part, answer)
      }
    }
    return { bytes, records }
  }

  #isWanted({ state, incarnation, place }: Asked): boolean {
    if (this.#owner.partitions.get(state.key) !== state) return false
    return state.incarnation === incarnation && state.fetchOffset === place.fetchOffset && state.phase === 'positioned'
  }

  /** How many records it brought. */
  #takePartition(state: PartitionState, part: FetchResponse.PartitionData): number {
    const { clock } = this.#network.world
    state.failures = 0
    if (part.divergingEpoch.endOffset !== -1) {
      this.#owner.diverged(state, clampInt64(part.divergingEpoch.endOffset), part.divergingEpoch.epoch)
      return 0
    }
    if (clampInt64(part.highWatermark) >= 0) state.highWatermark = clampInt64(part.highWatermark)
    state.lastStableOffset = clampInt64(part.lastStableOffset)
    if (clampInt64(part.logStartOffset) >= 0) state.logStartOffset = clampInt64(part.logStartOffset)
    if (part.preferredReadReplica >= 0) {
      state.preferredReplica = part.preferredReadReplica
      state.preferredUntilMs = clock.monotonicMs() + this.#settings.metadataMaxAgeMs
    }
    const { records } = part
    if (records === null || records.length === 0) return 0
    const { isReadCommitted, checkCrcs: checksCrc } = this.#settings
    const aborted = isReadCommitted ? part.abortedTransactions : null
    try {
      const fetched = readFetched(state, records, { offset: state.fetchOffset, aborted, checksCrc })
      if (fetched.nextOffset === state.fetchOffset) {
        // Not one whole batch: brokers before 0.10.1 send no more than they are asked for.
        if (fetched.size === 0) state.fetchBytes = Math.max(state.fetchBytes, this.#settings.maxPartitionFetchBytes) * 2
        return 0
      }
      state.add(fetched, state.highWatermark)
      this.#owner.arrived(state)
      return fetched.recordCount
    } catch (error) {
      state.fail()
      this.#owner.failed(error as Error)
      return 0
    }
  }

  #refused(node: number, state: PartitionState, part: FetchResponse.PartitionData, answer: FetchResponse): void {
    const code: ErrorCode = errorName(part.errorCode) ?? 'UNKNOWN_SERVER_ERROR'
    const { leader } = this.#network.metadata.partition(state.topic, state.partition) ?? { leader: -1 }
    state.preferredReplica = -1
    if (code === 'OFFSET_OUT_OF_RANGE') {
      // A follower may not be as far as the leader: that one knows.
      if (node === leader || leader < 0) this.#owner.outOfRange(state)
      return
    }
    state.failures += 1
    state.retryAtMs = this.#network.world.clock.monotonicMs() + this.#pauseMs(state.failures)
    if (code === 'UNKNOWN_LEADER_EPOCH') return
    const told = part.currentLeader
    const endpoint = answer.nodeEndpoints.find(({ nodeId }) => nodeId === told.leaderId)
    const newNode = endpoint === undefined ? null : { ...endpoint, id: endpoint.nodeId }
    const { topic, partition } = state
    if (this.#network.metadata.applyLeader(topic, partition, told.leaderId, told.leaderEpoch, newNode)) {
      state.retryAtMs = 0
      return
    }
    this.#network.refreshSoon()
    if (!IS_PASSING.has(code)) {
      this.#owner.failed(
        new KafkaError(code, `Fetching ${keyOf(state)} at offset ${state.fetchOffset} failed: ${code}.`),
      )
    }
  }

  #pauseMs(failures: number): number {
    return backoffMs(this.#network.retries.backoff, failures, this.#network.world.random)
  }

  /** At most one timer: for the sooner of what is planned and `atMs`. */
  #wakeAt(atMs: number): void {
    if (this.#timer !== null && this.#timer.atMs <= atMs) return
    this.#timer?.timer.cancel()
    const timer = this.#network.world.clock.at(atMs, () => {
      this.#timer = null
      this.wake()
    })
    this.#timer = { timer, atMs }
  }
}

/** Refusals that pass once metadata, leader or disk are in order again; nobody is told. */
const IS_PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'LEADER_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
  'UNKNOWN_SERVER_ERROR',
])
