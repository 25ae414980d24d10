/**
 * Commits of one group, in the order in which they were asked for: at most one is on its way, a repeated one holds back
 * those behind it, and what is posted meanwhile goes together, the newest offset of each partition.
 *
 * It asks for the member's identity at each attempt, because a rebalance in between gives a new one; whether the partitions
 * are still the member's is its owner's to say (`authorize`). Offsets are those of the next record to read.
 */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import { ZERO_UUID, type Uuid } from '../../base/uuid.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { OffsetFetch, type OffsetFetchResponse } from '../../protocol/generated/offset-fetch.ts'
import { inCall, retrying, timeOf, type CallOptions } from '../call.ts'
import type { Coordinator } from '../coordinator.ts'
import { errorOf } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { byTopic, keyOf, type TopicPartition } from './topic-partition.ts'

export interface CommitPoint extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number
  /** Of the record before it; -1 or left out: unknown. */
  readonly leaderEpoch?: number
  readonly metadata?: string
}

export interface CommittedOffset {
  readonly offset: number
  /** -1: unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
}

/** Who commits: nobody's member is '' with epoch -1. */
export interface GroupIdentity {
  readonly memberId: string
  /** The generation (classic) or the member's epoch (KIP-848). */
  readonly epoch: number
  readonly groupInstanceId: string | null
  readonly protocol: 'none' | 'classic' | 'consumer'
  /** A rebalance is in work: another epoch comes soon. */
  readonly isChanging: boolean
}

export interface CommitterOwner {
  identity(): GroupIdentity
  /** @throws KafkaError if the partitions are not this member's any more. */
  authorize(points: readonly CommitPoint[]): void
  committed(points: readonly CommitPoint[]): void
  /** An attempt was answered; null: the coordinator has them. `sentMs` is monotonic. */
  attempted(points: readonly CommitPoint[], sentMs: number, error: KafkaError | null): void
  /** The coordinator doesn't know this member any more. */
  unknownMember(error: KafkaError): void
}

const GROUPS_FROM = 8
/** From here on topics go by id (KIP-848): what was read of a topic says nothing about one that has its name by now. */
const IDS_FROM = 10

export class Committer {
  readonly #network: NetworkClient
  readonly #coordinator: Coordinator
  readonly #groupId: string
  readonly #owner: CommitterOwner
  #tail: Promise<unknown> = Promise.resolve()
  #posted: Map<string, CommitPoint> | null = null

  constructor(network: NetworkClient, coordinator: Coordinator, groupId: string, owner: CommitterOwner) {
    this.#network = network
    this.#coordinator = coordinator
    this.#groupId = groupId
    this.#owner = owner
  }

  /**
   * Resolves when the broker has them, and all that was asked for before is settled. `points` may be a question, which is
   * asked when its turn has come, at each attempt: what was finished when it was queued may be less than what went before.
   */
  commit(points: readonly CommitPoint[] | (() => readonly CommitPoint[]), call: CallOptions = {}): Promise<void> {
    // What is posted later must not overtake this, nor go with what was posted before.
    this.#posted = null
    const before = this.#tail
    const done = (async () => {
      const { world, options } = this.#network
      const left = timeOf(world.clock, call, options.callTimeoutMs)
      await inCall(world.clock, left(), 'Waiting for the commits before', before)
      await retrying(this.#network.retries, 'Committing offsets', left(), () =>
        this.#attempt(typeof points === 'function' ? points() : points),
      )
    })()
    this.#tail = done.catch(() => {})
    return done
  }

  /** The same without waiting; `failed` is told if it comes to nothing. */
  post(points: readonly CommitPoint[], failed: (error: unknown) => void): void {
    if (points.length === 0) return
    if (this.#posted !== null) {
      for (const point of points) this.#posted.set(keyOf(point), point)
      return
    }
    const posted = new Map(points.map((point) => [keyOf(point), point]))
    this.#posted = posted
    this.#tail = this.#tail.then(async () => {
      if (this.#posted === posted) this.#posted = null
      try {
        await retrying(this.#network.retries, 'Committing offsets', {}, () => this.#attempt([...posted.values()]))
      } catch (error) {
        failed(error)
      }
    })
  }

  /** Resolves when nothing is on its way. Rejects when the call's time is over. */
  async settled({ timeoutMs = this.#network.options.callTimeoutMs, signal }: CallOptions = {}): Promise<void> {
    const { clock } = this.#network.world
    await inCall(clock, { timeoutMs, signal }, 'Waiting for the commits before', this.#tail)
  }

  /** By key; null where nothing is committed. One attempt. */
  async fetch(partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset | null | KafkaError>> {
    const connection = await this.#coordinator.connection()
    const ids = this.#topicIds(partitions)
    const version = connection.versions.choose(OffsetFetch, ids === null ? { max: IDS_FROM - 1 } : {})
    const topics = [...byTopic(partitions)].map(([name, parts]) => ({
      name,
      topicId: ids?.get(name) ?? ZERO_UUID,
      partitionIndexes: parts.map(({ partition }) => partition),
    }))
    const { memberId, epoch, protocol } = this.#owner.identity()
    const member = protocol === 'consumer' ? { memberId, memberEpoch: epoch } : { memberId: null, memberEpoch: -1 }
    const message =
      version < GROUPS_FROM
        ? { groupId: this.#groupId, topics, requireStable: version >= 7 }
        : { groups: [{ groupId: this.#groupId, ...member, topics }], requireStable: true }
    const answer = await this.#coordinator.request(OffsetFetch, message, { versions: { min: version, max: version } })
    const group = version < GROUPS_FROM ? answer : answer.groups[0]
    if (group === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'The broker answered about no group.')
    this.#coordinator.check(group.errorCode)
    const outcomes = outcomesOf(group.topics, version >= IDS_FROM ? ids : null)
    for (const outcome of outcomes.values()) if (outcome instanceof KafkaError) this.#noticeTopic(outcome)
    return outcomes
  }

  async #attempt(points: readonly CommitPoint[]): Promise<void> {
    if (points.length === 0) return
    this.#owner.authorize(points)
    const connection = await this.#coordinator.connection()
    const ids = this.#topicIds(points)
    const version = connection.versions.choose(OffsetCommit, ids === null ? { max: IDS_FROM - 1 } : {})
    this.#owner.authorize(points)
    const identity = this.#owner.identity()
    const topics = [...byTopic(points)].map(([name, parts]) => ({
      name,
      topicId: ids?.get(name) ?? ZERO_UUID,
      partitions: parts.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch ?? -1,
        committedMetadata: metadata ?? '',
      })),
    }))
    const message = {
      groupId: this.#groupId,
      generationIdOrMemberEpoch: identity.epoch,
      memberId: identity.memberId,
      groupInstanceId: version >= 7 ? identity.groupInstanceId : null,
      topics,
    }
    const sentMs = this.#network.world.clock.monotonicMs()
    const answer = await this.#coordinator.request(OffsetCommit, message, { versions: { min: version, max: version } })
    let failure: KafkaError | null = null
    const nameOf = namesOf(version >= IDS_FROM ? ids : null)
    for (const topic of answer.topics) {
      for (const { partitionIndex, errorCode } of topic.partitions) {
        const key = keyOf({ topic: nameOf(topic), partition: partitionIndex })
        const error = errorOf(errorCode, null)
        if (error !== null)
          failure ??= new KafkaError(error.code, `Committing the offset of ${key} failed: ${error.code}.`)
      }
    }
    this.#owner.attempted(points, sentMs, failure)
    if (failure === null) this.#owner.committed(points)
    else throw this.#understood(failure, identity)
  }

  /** Null unless all are known, and the brokers have any: then names will do. */
  #topicIds(partitions: readonly TopicPartition[]): ReadonlyMap<string, Uuid> | null {
    const ids = new Map<string, Uuid>()
    for (const { topic } of partitions) {
      const id = this.#network.metadata.topic(topic)?.id ?? ZERO_UUID
      if (id === ZERO_UUID) return null
      ids.set(topic, id)
    }
    return ids
  }

  /** The topic was deleted, and perhaps made anew: its new id must be known before the next attempt. */
  #noticeTopic(error: KafkaError): void {
    if (error.code === 'UNKNOWN_TOPIC_ID') this.#network.refreshSoon()
  }

  /** A rebalance in work, or one that has gone by meanwhile, passes: the next attempt has the new identity. */
  #understood(error: KafkaError, asked: GroupIdentity): KafkaError {
    this.#coordinator.noticed(error)
    this.#noticeTopic(error)
    const now = this.#owner.identity()
    const isNew = now.memberId !== asked.memberId || now.epoch !== asked.epoch
    switch (error.code) {
      case 'REBALANCE_IN_PROGRESS':
      case 'STALE_MEMBER_EPOCH':
        return new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', error.message)
      case 'ILLEGAL_GENERATION':
      case 'UNKNOWN_MEMBER_ID':
        if (isNew || now.isChanging) return new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', error.message)
        if (asked.protocol !== 'none') this.#owner.unknownMember(error)
        return error
      default:
        return error
    }
  }
}

/** What an answer's topic is called; by the ids that were asked with, unless names were. */
function namesOf(
  ids: ReadonlyMap<string, Uuid> | null,
): (topic: { readonly name?: string; readonly topicId?: Uuid }) => string {
  if (ids === null) return ({ name = '' }) => name
  const names = new Map([...ids].map(([name, id]) => [id, name]))
  return ({ topicId = ZERO_UUID }) => names.get(topicId) ?? topicId
}

function outcomesOf(
  topics: OffsetFetchResponse['topics'] | OffsetFetchResponse.OffsetFetchResponseGroup['topics'],
  ids: ReadonlyMap<string, Uuid> | null,
): Map<string, CommittedOffset | null | KafkaError> {
  const outcomes = new Map<string, CommittedOffset | null | KafkaError>()
  const nameOf = namesOf(ids)
  for (const topic of topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of topic.partitions) {
      const key = keyOf({ topic: nameOf(topic), partition: partitionIndex })
      const offset = clampInt64(committedOffset)
      const committed = { offset, leaderEpoch: committedLeaderEpoch, metadata: metadata ?? '' }
      outcomes.set(
        key,
        errorOf(errorCode, `The committed offset of ${key} is not to be had.`) ?? (offset < 0 ? null : committed),
      )
    }
  }
  return outcomes
}
