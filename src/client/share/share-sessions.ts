/**
 * The sessions of a share consumer with its brokers: what is fetched where, and which broker is told of what. It brings batches and
 * takes acknowledgements; whose turn it is to be handed out is the consumer's.
 *
 * Requests of one session go one at a time. Records belong to the broker that gave them out: no other knows of them, and when its
 * session ends so does the right to say anything of them.
 */
import type { Uuid } from '../../base/uuid.ts'
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ShareAcknowledge } from '../../protocol/generated/share-acknowledge.ts'
import { ShareFetch, type ShareFetchResponse } from '../../protocol/generated/share-fetch.ts'
import { backoffMs } from '../call.ts'
import { readFetched } from '../consumer/fetched-records.ts'
import { RecordBatchView } from '../consumer/record-batch-view.ts'
import { keyOf, type TopicPartition } from '../consumer/topic-partition.ts'
import { errorOf, isPassing, isRetriable } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { Acknowledgements, RENEW } from './acknowledgements.ts'
import { ShareBatch, type ShareBatchOwner } from './share-batch.ts'
import type { ShareObserver } from './share-observer.ts'
import type { ShareSettings } from './share-options.ts'
import { ShareSession, type AcknowledgeOutcome, type SharePlace } from './share-session.ts'

/** Versions with record limits and renewals. */
const LIMITS_FROM = 2

/** The consumer, as its sessions see it. */
export interface ShareSessionsHost<K, V> {
  /** `untilMs`, monotonic: from then on others may have it. */
  arrived(batch: ShareBatch<K, V>, untilMs: number): void
  /** Something may be asked again. */
  changed(): void
  /** The user is to know. */
  failed(error: Error): void
}

export class ShareSessions<K, V> implements ShareBatchOwner {
  readonly #network: NetworkClient
  readonly #settings: ShareSettings<K, V>
  readonly #memberId: string
  readonly #observer: ShareObserver
  readonly #host: ShareSessionsHost<K, V>
  readonly #sessions = new Map<number, ShareSession>()
  /** By `topic-partition`, who gave out its records last. */
  readonly #nodeOf = new Map<string, { readonly node: number; readonly topicId: Uuid }>()
  #assigned: ReadonlyMap<Uuid, readonly number[]> = new Map()

  constructor(
    network: NetworkClient,
    settings: ShareSettings<K, V>,
    memberId: string,
    observer: ShareObserver,
    host: ShareSessionsHost<K, V>,
  ) {
    this.#network = network
    this.#settings = settings
    this.#memberId = memberId
    this.#observer = observer
    this.#host = host
  }

  /** What is to be read from now on, by topic id. */
  assign(partitions: ReadonlyMap<Uuid, readonly number[]>): void {
    this.#assigned = partitions
  }

  /** Monotonic: when a broker that refused may be asked again; Infinity if none did. */
  nextRetryMs(nowMs: number): number {
    let soonest = Infinity
    for (const { retryAtMs } of this.#sessions.values()) if (retryAtMs > nowMs) soonest = Math.min(soonest, retryAtMs)
    return soonest
  }

  /** Sends what is queued at once; resolves when all of it has an outcome. Never rejects. */
  async flush(): Promise<void> {
    const waiting = [...this.#sessions.values()].filter(({ hasWaiting }) => hasWaiting)
    await Promise.all(waiting.map((session) => this.#acknowledge(session, false)))
  }

  /** The same, and ends the sessions: what was acquired and not acknowledged goes back. */
  async end(): Promise<void> {
    const open = [...this.#sessions.values()].filter(({ isOpen }) => isOpen)
    await Promise.all(open.map((session) => this.#acknowledge(session, true)))
  }

  /** To the broker that gave the records out: no other knows of them. */
  queue({ topic, partition }: TopicPartition, acknowledgements: Acknowledgements, outcome: AcknowledgeOutcome): void {
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

  /** Partitions that the coordinator gave, as far as their topics' names are known. */
  places(): (SharePlace & TopicPartition)[] {
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
  fetchAll(): void {
    const nowMs = this.#network.world.clock.monotonicMs()
    const byNode = new Map<number, Map<string, SharePlace & TopicPartition>>()
    for (const place of this.places()) {
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
        this.#host.changed()
      })
    }
    // A broker that leads nothing any more is asked for nothing: what it is to be told goes alone.
    for (const session of this.#sessions.values()) {
      if (session.hasWaiting && !session.isFetching) void this.#acknowledge(session, false)
    }
  }

  /** Requests of a session go one at a time. Never rejects. */
  #inTurn(session: ShareSession, task: () => Promise<void>): Promise<void> {
    const done = session.tail.then(task).catch((error: unknown) => {
      session.lost(error as Error)
      if (this.#network.isClosed) return
      this.#refused(session, error as Error)
    })
    session.tail = done
    return done
  }

  #refused(session: ShareSession, error: Error): void {
    const { clock, random } = this.#network.world
    session.failures += 1
    session.retryAtMs = clock.monotonicMs() + backoffMs(this.#network.retries.backoff, session.failures, random)
    if (isPassing(error)) this.#network.refreshSoon()
    else this.#host.failed(error)
  }

  async #fetch(session: ShareSession, places: ReadonlyMap<string, SharePlace & TopicPartition>): Promise<void> {
    const { fetchMaxBytes, fetchMaxWaitMs, fetchMinBytes, groupId, isRecordLimited, maxPollRecords } = this.#settings
    const connection = await this.#network.connection(session.node, 'fetch')
    const version = connection.versions.choose(ShareFetch, isRecordLimited ? { min: LIMITS_FROM } : { min: 1 })
    const { topics, forgottenTopicsData } = session.fetch(places)
    const message = {
      groupId,
      memberId: this.#memberId,
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
      // A broker that can't say what is wrong with its partition may get over it.
      if (!isRetriable(error) && error.code !== 'UNKNOWN_SERVER_ERROR') this.#host.failed(error)
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
      const batch = new ShareBatch(view, ranges, lockMs, this)
      const untilMs = lockMs > 0 ? this.#network.world.clock.monotonicMs() + lockMs : Infinity
      this.#nodeOf.set(keyOf(place), { node: session.node, topicId })
      this.#host.arrived(batch, untilMs)
    } catch (thrown) {
      // Whoever gets it next may have better luck; after some times the broker gives up on it.
      this.#host.failed(thrown as Error)
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
      memberId: this.#memberId,
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

  /** Begins the lock of one record anew. Rejects with what the broker says against it. */
  async renew({ topic, partition }: TopicPartition, offset: number): Promise<void> {
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
}
