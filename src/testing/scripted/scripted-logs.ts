/**
 * Logs behind a ScriptedCluster: Fetch with its sessions, ListOffsets and OffsetForLeaderEpoch, as brokers answer them. Every
 * leader has the same log of a partition; tests append, cut, and make brokers slow or deaf.
 *
 *     const logs = new ScriptedLogs(world, cluster)
 *     logs.append('orders', 0, 10)
 *
 * Values are `topic-partition-offset`, so that whoever reads them can tell what is missing.
 */
import { ERROR_CODES } from '../../base/error-codes.ts'
import { clampInt64 } from '../../base/int64.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { Init } from '../../protocol/codec.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/generated/fetch.ts'
import { ListOffsets, type ListOffsetsResponse } from '../../protocol/generated/list-offsets.ts'
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochResponse,
} from '../../protocol/generated/offset-for-leader-epoch.ts'
import { buildBatch, type BatchInit } from '../../records/batch-builder.ts'
import { buildMarker } from '../../records/control.ts'
import type { World } from '../../world/world.ts'
import type { Asked, ScriptedCluster } from './scripted-cluster.ts'

interface Piece {
  readonly base: number
  readonly next: number
  readonly epoch: number
  readonly timestampMs: number
  readonly bytes: Buffer
}

export interface ScriptedLog {
  readonly pieces: Piece[]
  start: number
  end: number
  /** Below, transactions are decided. */
  stable: number
  readonly aborted: { readonly producerId: number; readonly firstOffset: number; readonly lastOffset: number }[]
}

interface Session {
  epoch: number
  readonly node: number
  readonly places: Map<string, FetchRequest.FetchPartition & { readonly topic: string; readonly topicId: Uuid }>
}

export class ScriptedLogs {
  /** What Fetch waits at most for records, whatever it is asked. */
  waitMsMax = 500
  /** Nodes that let consumers read what they don't lead (KIP-392). */
  readonly readableFollowers = new Set<number>()
  readonly #world: World
  readonly #cluster: ScriptedCluster
  readonly #logs = new Map<string, ScriptedLog>()
  readonly #sessions = new Map<number, Session>()
  readonly #waiting = new Set<() => void>()
  #nextSession = 1

  constructor(world: World, cluster: ScriptedCluster) {
    this.#world = world
    this.#cluster = cluster
    cluster.on(Fetch, (request, asked) => this.#fetch(request, asked))
    cluster.on(ListOffsets, (request, { node, version }) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((part) => this.#listed(node, version, name, part, request.isolationLevel)),
      })),
    }))
    cluster.on(OffsetForLeaderEpoch, (request, { node }) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, leaderEpoch }) => this.#epochEnd(node, topic, partition, leaderEpoch)),
      })),
    }))
  }

  log(topic: string, partition: number): ScriptedLog {
    const key = `${topic}-${partition}`
    let log = this.#logs.get(key)
    if (log === undefined) {
      log = { pieces: [], start: 0, end: 0, stable: 0, aborted: [] }
      this.#logs.set(key, log)
    }
    return log
  }

  /** One batch of `count` records; returns the first offset. */
  append(topic: string, partition: number, count: number, fields: Partial<BatchInit> = {}): number {
    const log = this.log(topic, partition)
    const base = log.end
    const timestampMs = this.#world.clock.wallMs()
    const records = Array.from({ length: count }, (_, index) => ({
      key: Buffer.from(`${base + index}`),
      value: Buffer.from(`${topic}-${partition}-${base + index}`),
      timestamp: timestampMs,
    }))
    this.#push(
      log,
      topic,
      partition,
      count,
      buildBatch({ baseOffset: base, records, ...this.#epochOf(topic, partition), ...fields }),
    )
    return base
  }

  /** Ends a producer's transaction, whose first record is at `firstOffset`. */
  endTransaction(
    topic: string,
    partition: number,
    producerId: number,
    type: 'ABORT' | 'COMMIT',
    firstOffset: number,
  ): void {
    const log = this.log(topic, partition)
    if (type === 'ABORT') log.aborted.push({ producerId, firstOffset, lastOffset: log.end })
    const fields = { type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 0, baseOffset: log.end }
    this.#push(log, topic, partition, 1, buildMarker({ ...fields, ...this.#epochOf(topic, partition) }))
  }

  /** Bytes as they are, of any magic, that take `count` offsets. */
  appendBytes(topic: string, partition: number, count: number, bytes: Buffer): void {
    this.#push(this.log(topic, partition), topic, partition, count, bytes)
  }

  /** An unclean election lost the end of the log. */
  cut(topic: string, partition: number, end: number): void {
    const log = this.log(topic, partition)
    while (log.pieces.length > 0 && log.pieces.at(-1)!.next > end) log.pieces.pop()
    log.end = log.pieces.at(-1)?.next ?? log.start
    log.stable = log.end
  }

  /** Retention took the beginning. */
  deleteBefore(topic: string, partition: number, start: number): void {
    const log = this.log(topic, partition)
    while (log.pieces.length > 0 && log.pieces[0]!.next <= start) log.pieces.shift()
    log.start = start
  }

  /** Sessions that brokers know. */
  get sessionCount(): number {
    return this.#sessions.size
  }

  forgetSessions(): void {
    this.#sessions.clear()
  }

  #epochOf(topic: string, partition: number): { epoch: number } {
    return { epoch: this.#cluster.topics.get(topic)?.epochs[partition] ?? 0 }
  }

  #push(log: ScriptedLog, topic: string, partition: number, count: number, bytes: Buffer): void {
    const next = log.end + count
    const { epoch } = this.#epochOf(topic, partition)
    log.pieces.push({ base: log.end, next, epoch, timestampMs: this.#world.clock.wallMs(), bytes })
    log.end = next
    log.stable = next
    for (const wake of this.#waiting) wake()
  }

  #topicOf(id: Uuid): string {
    for (const [name, topic] of this.#cluster.topics) if (topic.id === id) return name
    return ''
  }

  async #fetch(request: FetchRequest, { node, version }: Asked): Promise<Init<FetchResponse>> {
    const session = this.#sessionOf(request, node, version)
    if (typeof session === 'string') return { errorCode: ERROR_CODES[session] }
    const deadlineMs = this.#world.clock.monotonicMs() + Math.min(request.maxWaitMs, this.waitMsMax)
    for (;;) {
      const { topics, bytes, hasNews } = this.#read(session, request, node, version)
      const leftMs = deadlineMs - this.#world.clock.monotonicMs()
      if (bytes >= Math.max(request.minBytes, 1) || hasNews || leftMs <= 0) {
        const { id } = session
        return { sessionId: version >= 7 ? id : 0, responses: topics }
      }
      await this.#appended(leftMs)
    }
  }

  #sessionOf(
    request: FetchRequest,
    node: number,
    version: number,
  ): (Session & { readonly id: number }) | 'FETCH_SESSION_ID_NOT_FOUND' | 'INVALID_FETCH_SESSION_EPOCH' {
    if (request.sessionEpoch <= 0 || version < 7) {
      this.#sessions.delete(request.sessionId)
      const session: Session = { epoch: 1, node, places: new Map() }
      const keeps = version >= 7 && request.sessionEpoch === 0
      const id = keeps ? this.#nextSession++ : 0
      if (keeps) this.#sessions.set(id, session)
      this.#remember(session, request, version)
      return { ...session, id }
    }
    const session = this.#sessions.get(request.sessionId)
    if (session === undefined || session.node !== node) return 'FETCH_SESSION_ID_NOT_FOUND'
    if (session.epoch !== request.sessionEpoch) return 'INVALID_FETCH_SESSION_EPOCH'
    session.epoch += 1
    this.#remember(session, request, version)
    return { ...session, id: request.sessionId }
  }

  #remember(session: Session, request: FetchRequest, version: number): void {
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      const name = version >= 13 ? this.#topicOf(topicId) : topic
      for (const partition of partitions) session.places.delete(`${name}-${partition}`)
    }
    for (const { topic, topicId, partitions } of request.topics) {
      const name = version >= 13 ? this.#topicOf(topicId) : topic
      for (const part of partitions) session.places.set(`${name}-${part.partition}`, { ...part, topic: name, topicId })
    }
  }

  #read(session: Session, request: FetchRequest, node: number, version: number) {
    const topics: Init<FetchResponse.FetchableTopicResponse>[] = []
    let bytes = 0
    let hasNews = false
    for (const place of session.places.values()) {
      const room = Math.min(place.partitionMaxBytes, Math.max(request.maxBytes - bytes, 0))
      const part = this.#readPlace(place, node, request.isolationLevel, version, room, bytes === 0)
      const size = part.records?.length ?? 0
      bytes += size
      if (part.errorCode !== 0 || part.divergingEpoch !== undefined) hasNews = true
      // An incremental answer leaves out what has nothing to say.
      if (size > 0 || part.errorCode !== 0 || part.divergingEpoch !== undefined) {
        topics.push({ topic: place.topic, topicId: place.topicId, partitions: [part] })
      }
    }
    return { topics, bytes, hasNews }
  }

  #readPlace(
    place: FetchRequest.FetchPartition & { readonly topic: string },
    node: number,
    isolationLevel: number,
    version: number,
    room: number,
    isFirst: boolean,
  ): Init<FetchResponse.PartitionData> & { readonly errorCode: number; readonly records?: Buffer } {
    const { topic, partition, currentLeaderEpoch, lastFetchedEpoch } = place
    const partitionIndex = partition
    const known = this.#cluster.topics.get(topic)
    if (known?.leaders[partition] === undefined)
      return { partitionIndex, errorCode: ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION }
    const leaderEpoch = known.epochs[partition]!
    if (known.leaders[partition] !== node && !this.readableFollowers.has(node)) {
      const currentLeader = { leaderId: known.leaders[partition], leaderEpoch }
      return {
        partitionIndex,
        errorCode: ERROR_CODES.NOT_LEADER_OR_FOLLOWER,
        ...(version >= 16 ? { currentLeader } : {}),
      }
    }
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < leaderEpoch)
      return { partitionIndex, errorCode: ERROR_CODES.FENCED_LEADER_EPOCH }
    if (currentLeaderEpoch > leaderEpoch) return { partitionIndex, errorCode: ERROR_CODES.UNKNOWN_LEADER_EPOCH }
    const log = this.log(topic, partition)
    const offset = clampInt64(place.fetchOffset)
    const ends = { highWatermark: log.end, lastStableOffset: log.stable, logStartOffset: log.start }
    if (version >= 12 && lastFetchedEpoch >= 0) {
      const end = this.#endOf(log, lastFetchedEpoch, leaderEpoch)
      if (end.endOffset < offset || end.leaderEpoch < lastFetchedEpoch) {
        const divergingEpoch = { epoch: end.leaderEpoch, endOffset: end.endOffset }
        return { partitionIndex, errorCode: 0, ...ends, divergingEpoch }
      }
    }
    if (offset < log.start || offset > log.end)
      return { partitionIndex, errorCode: ERROR_CODES.OFFSET_OUT_OF_RANGE, highWatermark: -1 }
    const limit = isolationLevel === 1 ? log.stable : log.end
    const taken: Buffer[] = []
    let size = 0
    let next = offset
    for (const piece of log.pieces) {
      if (piece.next <= offset || piece.next > limit) continue
      if (size + piece.bytes.length > room && !(isFirst && size === 0)) break
      taken.push(piece.bytes)
      size += piece.bytes.length
      next = piece.next
    }
    const aborted = log.aborted.filter((one) => one.firstOffset < next && one.lastOffset >= offset)
    const abortedTransactions = isolationLevel === 1 ? aborted : null
    return { partitionIndex, errorCode: 0, ...ends, abortedTransactions, records: Buffer.concat(taken) }
  }

  #endOf(log: ScriptedLog, epoch: number, current: number): { endOffset: number; leaderEpoch: number } {
    if (epoch >= current) return { endOffset: log.end, leaderEpoch: current }
    const newer = log.pieces.find((piece) => piece.epoch > epoch)
    const older = log.pieces.findLast((piece) => piece.epoch <= epoch)
    return { endOffset: newer?.base ?? log.end, leaderEpoch: older?.epoch ?? -1 }
  }

  #epochEnd(
    node: number,
    topic: string,
    partition: number,
    epoch: number,
  ): Init<OffsetForLeaderEpochResponse.EpochEndOffset> {
    if (!this.#cluster.leads(node, topic, partition))
      return { partition, errorCode: ERROR_CODES.NOT_LEADER_OR_FOLLOWER }
    const { epoch: current } = this.#epochOf(topic, partition)
    return { partition, ...this.#endOf(this.log(topic, partition), epoch, current) }
  }

  #listed(
    node: number,
    version: number,
    topic: string,
    { partitionIndex, timestamp }: { readonly partitionIndex: number; readonly timestamp: number | bigint },
    isolationLevel: number,
  ): Init<ListOffsetsResponse.ListOffsetsPartitionResponse> {
    if (!this.#cluster.leads(node, topic, partitionIndex)) {
      return { partitionIndex, errorCode: ERROR_CODES.NOT_LEADER_OR_FOLLOWER }
    }
    const log = this.log(topic, partitionIndex)
    const leaderEpoch = version >= 4 ? this.#epochOf(topic, partitionIndex).epoch : -1
    if (timestamp === -1 || timestamp === -2) {
      const offset = timestamp === -2 ? log.start : isolationLevel === 1 ? log.stable : log.end
      return version === 0 ? { partitionIndex, oldStyleOffsets: [offset] } : { partitionIndex, offset, leaderEpoch }
    }
    const found = log.pieces.find((piece) => piece.timestampMs >= timestamp)
    return { partitionIndex, offset: found?.base ?? -1, timestamp: found?.timestampMs ?? -1, leaderEpoch }
  }

  #appended(leftMs: number): Promise<void> {
    const { clock } = this.#world
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.#waiting.delete(done)
        resolve()
      }
      const timer = clock.at(clock.monotonicMs() + leftMs, done)
      this.#waiting.add(done)
    })
  }
}
