/**
 * Fetches from one leader what its followers here miss, and brings their logs up to it, for as long as there are any.
 *
 * One round at a time: a fetch for all partitions that may be asked for, then what came is written, then the next fetch,
 * whose offsets tell the leader what is written here. A partition that has an error waits for `backoffMs`; one that can't
 * follow in this leader epoch is given up until the next; one that is throttled and not in sync is left out of fetches while
 * the quota is exceeded. Invariants: an answer changes a log only if the partition still
 * follows in the epoch it was asked in, looked at again after every wait; who removes a partition waits until no change of
 * its log is under way.
 */
import { MalformedError } from '../base/byte-reader.ts'
import { InvariantError, KafkaError, OperationalError } from '../base/errors.ts'
import { errorName, type ErrorCode } from '../base/error-codes.ts'
import type { Logger } from '../base/logger.ts'
import { clampInt64 } from '../base/int64.ts'
import type { Retainable } from '../base/retainable.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import type { FetchPlace } from '../rpc/fetch-session.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { DiskError, type Clock, type Timer } from '../world/world.ts'
import { divergencePoint, type FollowerLog } from './follower-log.ts'
import {
  placeKey,
  type FetchAnswer,
  type FetchedPartition,
  type FetchSettings,
  type LeaderLink,
} from './leader-link.ts'
import type { Partition } from './partition.ts'
import type { ReplicationQuota } from './replication-quota.ts'

export interface ReplicaFetcherOptions {
  readonly leaderId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly link: LeaderLink
  readonly followerLog: FollowerLog
  readonly settings: () => FetchSettings
  readonly quota: ReplicationQuota
  /** Nothing was left to follow for a while: the fetcher has ended. */
  readonly idle: () => void
  /** A broken invariant. */
  readonly broken: (error: unknown) => void
}

interface Followed {
  readonly partition: Partition
  readonly leaderEpoch: number
  /** Its log was looked at, in this epoch. */
  isPrepared: boolean
  /** Monotonic: not asked for before. */
  retryAtMs: number
  /** It had all that was committed when records came last; null: nothing came yet. Only who isn't is throttled. */
  isInSync: boolean | null
  /** The leader has said once that it doesn't know the partition. */
  wasUnknown: boolean
  /** The change of its log that is under way. */
  changing: Promise<void> | null
}

interface Asked {
  readonly followed: Followed
  readonly place: FetchPlace
}

/** How long a fetcher keeps its connection with nothing to fetch. */
const IDLE_MS = 5_000

export class ReplicaFetcher {
  readonly #options: ReplicaFetcherOptions
  readonly #followed = new Map<string, Followed>()
  #wake: (() => void) | null = null
  #isClosed = false
  #isFailing = false

  constructor(options: ReplicaFetcherOptions) {
    this.#options = options
    this.#run().catch((error: unknown) => {
      if (!this.#isClosed) options.broken(error)
    })
  }

  get partitionCount(): number {
    return this.#followed.size
  }

  add(partition: Partition): void {
    const { leaderEpoch } = partition
    this.#followed.set(keyOf(partition), {
      partition,
      leaderEpoch,
      isPrepared: false,
      retryAtMs: 0,
      isInSync: null,
      wasUnknown: false,
      changing: null,
    })
    this.#wake?.()
  }

  /** Nothing changes its log from here on; resolves when what is under way has ended. */
  async remove(partition: Partition): Promise<void> {
    const followed = this.#followed.get(keyOf(partition))
    this.#followed.delete(keyOf(partition))
    await followed?.changing?.catch(() => undefined)
  }

  /** Resolves when no log is changed any more; a leader that doesn't answer is not waited for. */
  async close(): Promise<void> {
    this.#isClosed = true
    const changing = [...this.#followed.values()].map((followed) => followed.changing?.catch(() => undefined))
    this.#followed.clear()
    this.#options.link.close()
    this.#wake?.()
    await Promise.all(changing)
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    let idleSinceMs: number | null = null
    while (!this.#isClosed) {
      const ready = this.#ready()
      if (ready.length > 0) {
        idleSinceMs = null
        await this.#round(ready)
      } else if (this.#followed.size > 0) {
        idleSinceMs = null
        // What is held back is looked at again with every round of others, or after this time.
        let nextMs = clock.monotonicMs() + this.#options.settings().backoffMs
        for (const followed of this.#followed.values())
          if (!this.#isHeldBack(followed)) nextMs = Math.min(nextMs, followed.retryAtMs)
        await this.#until(nextMs)
      } else {
        idleSinceMs ??= clock.monotonicMs()
        if (clock.monotonicMs() >= idleSinceMs + IDLE_MS) break
        await this.#until(idleSinceMs + IDLE_MS)
      }
    }
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.link.close()
    this.#options.idle()
  }

  #ready(): Followed[] {
    const nowMs = this.#options.clock.monotonicMs()
    return [...this.#followed.values()].filter((followed) => {
      if (this.#logOf(followed) === null) this.#drop(followed)
      return this.#isCurrent(followed) && followed.retryAtMs <= nowMs && !this.#isHeldBack(followed)
    })
  }

  async #round(ready: readonly Followed[]): Promise<void> {
    const { link } = this.#options
    await Promise.all(ready.map((followed) => this.#guarded(followed, () => this.#prepare(followed))))
    const { asked, places } = this.#places(ready)
    if (places.size === 0) return
    let answer: FetchAnswer
    try {
      answer = await link.fetch(places)
      this.#isFailing = false
    } catch (error) {
      if (!isExpected(error)) throw error
      this.#tellOfFailure(error)
      for (const { followed } of asked.values()) this.#delay(followed)
      return
    }
    const { partitions, memory } = answer
    const taken = [...partitions].map(async ([key, part]) => {
      const question = asked.get(key)
      if (question === undefined) return
      const { followed, place } = question
      await this.#guarded(followed, () => this.#take(followed, place, part, memory))
    })
    // Who fails must not free what others still read.
    const outcomes = await Promise.allSettled(taken)
    memory?.release()
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  #places(ready: readonly Followed[]): { asked: Map<string, Asked>; places: Map<string, FetchPlace> } {
    const { maxBytes } = this.#options.settings()
    const asked = new Map<string, Asked>()
    const places = new Map<string, FetchPlace>()
    for (const followed of ready) {
      const log = this.#logOf(followed)
      if (log === null || !followed.isPrepared) continue
      const { partition, leaderEpoch } = followed
      const place: FetchPlace = {
        topic: partition.topic,
        topicId: partition.topicId ?? ZERO_UUID,
        partition: partition.index,
        fetchOffset: log.writtenEnd,
        currentLeaderEpoch: leaderEpoch,
        lastFetchedEpoch: log.latestEpoch,
        logStartOffset: log.startOffset,
        maxBytes,
      }
      const key = keyOf(partition)
      asked.set(key, { followed, place })
      places.set(key, place)
    }
    return { asked, places }
  }

  async #prepare(followed: Followed): Promise<void> {
    if (followed.isPrepared) return
    const { partition } = followed
    await this.#change(followed, (log) => this.#options.followerLog.prepare(partition, log))
    followed.isPrepared = true
  }

  async #take(followed: Followed, place: FetchPlace, part: FetchedPartition, memory: Retainable | null): Promise<void> {
    const code = part.errorCode === 0 ? null : (errorName(part.errorCode) ?? 'UNKNOWN_SERVER_ERROR')
    if (code === null) await this.#takeRecords(followed, place, part, memory)
    else if (code === 'OFFSET_OUT_OF_RANGE') await this.#findRange(followed, place)
    else throw new KafkaError(code, `the leader answered ${code}`)
  }

  async #takeRecords(
    followed: Followed,
    place: FetchPlace,
    part: FetchedPartition,
    memory: Retainable | null,
  ): Promise<void> {
    const { followerLog, logger, quota } = this.#options
    const { partition, leaderEpoch } = followed
    const { records, divergingEpoch } = part
    await this.#change(followed, async (log) => {
      if (log.writtenEnd !== place.fetchOffset) return
      if (divergingEpoch.epoch >= 0) {
        const { epoch } = divergingEpoch
        const to = divergencePoint(log, { epoch, endOffset: clampInt64(divergingEpoch.endOffset) })
        // Often only an epoch goes that nothing was appended in.
        const line = `Truncating ${partition.name} from ${log.writtenEnd} to ${to}: the leader's epoch ${epoch} ends there`
        if (to < log.writtenEnd) logger.info(line)
        else logger.debug(line)
        await followerLog.cutTo(partition, to)
        return
      }
      const { highWatermark, logStartOffset } = part
      const leader = {
        epoch: leaderEpoch,
        highWatermark: clampInt64(highWatermark),
        startOffset: clampInt64(logStartOffset),
      }
      if (records !== null && records.length > 0) await followerLog.append(partition, log, records, memory, leader)
      const written = this.#logOf(followed)
      if (written === null) return
      followerLog.learn(partition, written, leader)
      const bytes = records?.length ?? 0
      if (bytes > 0 || followed.isInSync === null) followed.isInSync = written.writtenEnd >= leader.highWatermark
      // Also what comes while it is in sync, so that the sum of both stays within the bound.
      if (quota.isThrottled(partition)) quota.bytes.record(bytes)
    })
  }

  /** The leader's log doesn't hold the offset: it was elected uncleanly and ends before it, or retention has passed it. */
  async #findRange(followed: Followed, place: FetchPlace): Promise<void> {
    const { link, followerLog, logger } = this.#options
    const { partition } = followed
    const leaderEnd = await link.offset(place, 'latest')
    if (leaderEnd < place.fetchOffset) {
      logger.warn(`Reset fetch offset for ${partition.name} from ${place.fetchOffset} to the leader's end ${leaderEnd}`)
      await this.#change(followed, () => followerLog.cutTo(partition, leaderEnd))
      return
    }
    const leaderStart = await link.offset(place, 'earliest')
    if (leaderStart <= place.fetchOffset) return
    logger.warn(
      `Reset fetch offset for ${partition.name} from ${place.fetchOffset} to the leader's start ${leaderStart}`,
    )
    await this.#change(followed, () => followerLog.startAnewAt(partition, leaderStart))
  }

  /** Nothing if the partition does not follow in that epoch any more. */
  async #change(followed: Followed, change: (log: PartitionLog) => Promise<void>): Promise<void> {
    const log = this.#logOf(followed)
    if (log === null || !this.#isCurrent(followed)) return
    followed.changing = change(log)
    try {
      await followed.changing
    } finally {
      followed.changing = null
    }
  }

  /** What goes wrong with one partition stops none of the others. */
  async #guarded(followed: Followed, run: () => Promise<void>): Promise<void> {
    const { logger, leaderId } = this.#options
    try {
      if (this.#isCurrent(followed)) await run()
    } catch (error) {
      if (!isExpected(error)) throw error
      if (!this.#isCurrent(followed)) return
      const { name } = followed.partition
      const code = error instanceof KafkaError ? error.code : null
      if (this.#logOf(followed) === null) this.#drop(followed)
      else if (code === 'FENCED_LEADER_EPOCH') {
        logger.info(
          `Partition ${name} has an older epoch ${followed.leaderEpoch} than its leader ${leaderId}: it waits for the metadata to bring the new one`,
        )
        this.#drop(followed)
      } else if (code === 'RECORD_LIST_TOO_LARGE') {
        logger.error(`Partition ${name} is not followed any more in this epoch`, error)
        this.#drop(followed)
      } else {
        if (code === 'UNKNOWN_LEADER_EPOCH' || code === 'NOT_LEADER_OR_FOLLOWER' || isNewToLeader(code, followed))
          logger.debug(`Broker ${leaderId} does not lead ${name} yet, or no longer: ${code}`)
        else logger.warn(`Fetching ${name} from broker ${leaderId} failed: ${error.message}`)
        followed.wasUnknown ||= isUnknown(code)
        this.#delay(followed)
      }
    }
  }

  #isHeldBack({ isInSync, partition }: Followed): boolean {
    return isInSync !== true && this.#options.quota.holdsBack(partition)
  }

  #logOf({ partition, leaderEpoch }: Followed): PartitionLog | null {
    return partition.followedLog(leaderEpoch)
  }

  #isCurrent(followed: Followed): boolean {
    return this.#followed.get(keyOf(followed.partition)) === followed
  }

  #drop(followed: Followed): void {
    if (this.#isCurrent(followed)) this.#followed.delete(keyOf(followed.partition))
  }

  #delay(followed: Followed): void {
    followed.retryAtMs = this.#options.clock.monotonicMs() + this.#options.settings().backoffMs
  }

  #tellOfFailure(error: Error): void {
    if (this.#isFailing || this.#isClosed) return
    this.#isFailing = true
    this.#options.logger.warn(
      `Error in response for fetch request to broker ${this.#options.leaderId}: ${error.message}`,
    )
  }

  #until(deadlineMs: number): Promise<void> {
    let timer: Timer | null = null
    return new Promise<void>((resolve) => {
      timer = this.#options.clock.at(deadlineMs, resolve)
      this.#wake = resolve
    }).finally(() => {
      timer?.cancel()
      this.#wake = null
    })
  }
}

function isExpected(error: unknown): error is Error {
  if (error instanceof InvariantError) return false
  return [KafkaError, OperationalError, DiskError, MalformedError].some((kind) => error instanceof kind)
}

const isUnknown = (code: ErrorCode | null): boolean =>
  code === 'UNKNOWN_TOPIC_ID' || code === 'UNKNOWN_TOPIC_OR_PARTITION'

/** Of a new topic a follower may hear before its leader does. */
const isNewToLeader = (code: ErrorCode | null, { wasUnknown }: Followed): boolean => isUnknown(code) && !wasUnknown

function keyOf(partition: Partition): string {
  return placeKey(partition.topicId ?? ZERO_UUID, partition.index)
}
