/**
 * Incremental fetch sessions (KIP-227): what each consumer fetches is remembered, so that it sends, and gets, only changes.
 *
 * A session belongs to a client that knows its id and epoch; the epoch grows by one per incremental request and wraps to 1.
 * The cache is bounded: a new session may push out one that was unused for two minutes, or a smaller one that is that old;
 * that of a broker that replicates pushes out any consumer's, and none of theirs its own; otherwise the client fetches without a session, and so it does when all sessions together remember too many partitions.
 * Answers of partitions that gave data move behind the others.
 */
import { KafkaError } from '../base/errors.ts'
import { clampInt64 } from '../base/int64.ts'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { FetchRequest } from '../protocol/generated/fetch.ts'
import type { Clock, Random } from '../world/world.ts'

/** Sessions unused for this long may be pushed out. */
const EVICTABLE_AFTER_MS = 120_000
/** Of all sessions together, about 70 MB: Kafka bounds only the sessions. Who comes later fetches without a session. */
export const CACHED_PARTITIONS_MAX = 100_000
const FINAL_EPOCH = -1
const INITIAL_EPOCH = 0

/** One partition that a client fetches; lives as long as its session. */
export interface SessionPartition {
  /** Empty while no topic has the id; kept when the topic is gone. */
  topic: string
  readonly topicId: Uuid
  readonly partition: number
  fetchOffset: number
  maxBytes: number
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  /** Where a replica's own log begins. */
  replicaStartOffset: number
  /** What the client was told last; -1 when it must be told again. */
  highWatermark: number
  logStartOffset: number
}

interface Session {
  readonly id: number
  readonly usesTopicIds: boolean
  /** Of a broker that replicates: gives way to no consumer's. */
  readonly isReplica: boolean
  readonly partitions: Map<string, SessionPartition>
  epoch: number
  lastUsedMs: number
  readonly createdMs: number
}

/** What one Fetch request asks for, after its session had a say. */
export interface FetchContext {
  /** 0: no session. */
  readonly sessionId: number
  readonly partitions: readonly SessionPartition[]
  /** Only what changed is answered. */
  readonly incremental: boolean
  /** Notes what the client is told. `gaveData` moves the partition behind the others. */
  answered(partition: SessionPartition, gaveData: boolean): void
  /** The client is told nothing this time. @returns the session that it goes on with; 0: none, one that was just made ends */
  withheld(): number
}

/** Who replicates by this request, and in which of its epochs (-1: not told); a consumer has the id -1. */
export function replicaOf(
  { replicaId, replicaState }: FetchRequest,
  version: number,
): Pick<FetchRequest['replicaState'], 'replicaId' | 'replicaEpoch'> {
  return version >= 15 ? replicaState : { replicaId, replicaEpoch: -1 }
}

export class FetchSessions {
  readonly #clock: Clock
  readonly #random: Random
  readonly #slots: () => number
  readonly #partitionsMax: number
  #cachedPartitions = 0
  /** In the order of last use. */
  readonly #sessions = new Map<number, Session>()

  constructor(clock: Clock, random: Random, slots: () => number, partitionsMax = CACHED_PARTITIONS_MAX) {
    this.#clock = clock
    this.#random = random
    this.#slots = slots
    this.#partitionsMax = partitionsMax
  }

  get size(): number {
    return this.#sessions.size
  }

  get cachedPartitions(): number {
    return this.#cachedPartitions
  }

  /**
   * @throws KafkaError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR: answered at the
   * top level with no partitions.
   */
  open(request: FetchRequest, version: number, topicName: (id: Uuid) => string | null): FetchContext {
    const { sessionId, sessionEpoch } = request
    if (version < 7 || sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      const old = this.#sessions.get(sessionId)
      if (old !== undefined) this.#drop(old)
      const partitions = new Map<string, SessionPartition>()
      merge(partitions, request, version, topicName)
      if (version < 7 || sessionEpoch === FINAL_EPOCH) return sessionless(partitions)
      return this.#create(partitions, version >= 13, replicaOf(request, version).replicaId >= 0)
    }
    return this.#continue(request, version, topicName)
  }

  #continue(request: FetchRequest, version: number, topicName: (id: Uuid) => string | null): FetchContext {
    const session = this.#sessions.get(request.sessionId)
    if (session === undefined) {
      throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND', `no fetch session ${request.sessionId}`)
    }
    if (session.epoch !== request.sessionEpoch) {
      throw new KafkaError('INVALID_FETCH_SESSION_EPOCH', `epoch ${request.sessionEpoch}, expected ${session.epoch}`)
    }
    if (session.usesTopicIds !== version >= 13) {
      throw new KafkaError('FETCH_SESSION_TOPIC_ID_ERROR', 'the session was made with the other kind of topic names')
    }
    const before = session.partitions.size
    merge(session.partitions, request, version, topicName)
    for (const topic of request.forgottenTopicsData) {
      for (const index of topic.partitions) session.partitions.delete(keyOf(version, topic.topic, topic.topicId, index))
    }
    this.#cachedPartitions += session.partitions.size - before
    if (session.partitions.size > before && this.#cachedPartitions > this.#partitionsMax) {
      // The client asks again for everything, and is answered without a session.
      this.#drop(session)
      throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND', 'the sessions remember too many partitions')
    }
    if (session.partitions.size === 0) {
      // What it asks for and forgets at once is fetched without a session.
      this.#drop(session)
      const asked = new Map<string, SessionPartition>()
      merge(asked, request, version, topicName)
      return sessionless(asked)
    }
    session.epoch = session.epoch === 0x7fff_ffff ? 1 : session.epoch + 1
    this.#touch(session)
    return contextOf(session, true, () => session.id)
  }

  #create(partitions: Map<string, SessionPartition>, usesTopicIds: boolean, isReplica: boolean): FetchContext {
    const nowMs = this.#clock.monotonicMs()
    if (!this.#makeRoom(partitions.size, isReplica, nowMs)) return sessionless(partitions)
    let id = 0
    while (id === 0 || this.#sessions.has(id)) id = this.#random.below(0x7fff_ffff) + 1
    const session: Session = { id, usesTopicIds, isReplica, partitions, epoch: 1, lastUsedMs: nowMs, createdMs: nowMs }
    this.#sessions.set(id, session)
    this.#cachedPartitions += partitions.size
    return contextOf(session, false, () => {
      this.#drop(session)
      return 0
    })
  }

  #makeRoom(partitions: number, isReplica: boolean, nowMs: number): boolean {
    const fits = (): boolean =>
      this.#sessions.size < this.#slots() && this.#cachedPartitions + partitions <= this.#partitionsMax
    if (partitions > this.#partitionsMax) return false
    if (fits()) return true
    for (const session of this.#sessions.values()) {
      const unused = nowMs - session.lastUsedMs > EVICTABLE_AFTER_MS
      const isOld = nowMs - session.createdMs > EVICTABLE_AFTER_MS
      const givesWay =
        session.isReplica === isReplica ? isOld && session.partitions.size < partitions : isReplica || unused
      if (!unused && !givesWay) continue
      this.#drop(session)
      if (fits()) return true
    }
    return false
  }

  #drop(session: Session): void {
    if (this.#sessions.delete(session.id)) this.#cachedPartitions -= session.partitions.size
  }

  #touch(session: Session): void {
    session.lastUsedMs = this.#clock.monotonicMs()
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
  }
}

function contextOf(session: Session, incremental: boolean, withheld: () => number): FetchContext {
  return {
    withheld,
    sessionId: session.id,
    partitions: [...session.partitions.values()],
    incremental,
    answered(partition, gaveData) {
      if (!gaveData) return
      const key = session.usesTopicIds
        ? `${partition.topicId}:${partition.partition}`
        : `${partition.topic}:${partition.partition}`
      if (session.partitions.delete(key)) session.partitions.set(key, partition)
    },
  }
}

function sessionless(partitions: Map<string, SessionPartition>): FetchContext {
  return { sessionId: 0, partitions: [...partitions.values()], incremental: false, answered() {}, withheld: () => 0 }
}

function keyOf(version: number, topic: string, topicId: Uuid, partition: number): string {
  return version >= 13 ? `${topicId}:${partition}` : `${topic}:${partition}`
}

function merge(
  partitions: Map<string, SessionPartition>,
  request: FetchRequest,
  version: number,
  topicName: (id: Uuid) => string | null,
): void {
  for (const topic of request.topics) {
    // A topic id that is unknown now may be known at the next fetch: the session keeps the id, the name is looked up anew.
    const name = version >= 13 ? (topicName(topic.topicId) ?? '') : topic.topic
    for (const wanted of topic.partitions) {
      const key = keyOf(version, topic.topic, topic.topicId, wanted.partition)
      const known = partitions.get(key)
      const fetchOffset = clampInt64(wanted.fetchOffset)
      if (known !== undefined) {
        if (known.topic === '') known.topic = name
        known.fetchOffset = fetchOffset
        known.maxBytes = wanted.partitionMaxBytes
        known.currentLeaderEpoch = wanted.currentLeaderEpoch
        known.lastFetchedEpoch = wanted.lastFetchedEpoch
        known.replicaStartOffset = clampInt64(wanted.logStartOffset)
        continue
      }
      partitions.set(key, {
        topic: name,
        topicId: version >= 13 ? topic.topicId : ZERO_UUID,
        partition: wanted.partition,
        fetchOffset,
        maxBytes: wanted.partitionMaxBytes,
        currentLeaderEpoch: wanted.currentLeaderEpoch,
        lastFetchedEpoch: wanted.lastFetchedEpoch,
        replicaStartOffset: clampInt64(wanted.logStartOffset),
        highWatermark: -1,
        logStartOffset: -1,
      })
    }
  }
}
