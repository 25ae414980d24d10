/**
 * What one broker remembers of our fetches (KIP-227), as the side that fetches keeps it: decides what a request must say, so that most
 * say nothing but the session's id and epoch.
 *
 * A session speaks of topics either by name or by id; when that changes it begins anew. So it does after every error of the
 * session and after a lost answer, because then nobody knows what the broker took in.
 */
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type { FetchRequest } from '../protocol/generated/fetch.ts'

export interface FetchPlace {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
  /** Where the follower's own log begins; -1 of a consumer. */
  readonly logStartOffset: number
  readonly maxBytes: number
}

export type SessionRequest = Required<
  Pick<Init<FetchRequest>, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>
>

const FIRST_EPOCH = 0

export class FetchSession {
  #id = 0
  #epoch = FIRST_EPOCH
  #usesIds = false
  /** What the broker was told last, by partition. */
  #told = new Map<string, FetchPlace>()

  /** The next request, for exactly these places by key. Below version 7 there are no sessions. */
  next(wanted: ReadonlyMap<string, FetchPlace>, usesIds: boolean): SessionRequest {
    if (usesIds !== this.#usesIds) {
      this.reset(false)
      this.#usesIds = usesIds
    }
    const isFull = this.#epoch === FIRST_EPOCH
    const told = new Map(wanted)
    const changed: FetchPlace[] = []
    const forgotten: FetchPlace[] = []
    for (const [key, place] of wanted) {
      const before = isFull ? undefined : this.#told.get(key)
      if (before !== undefined && before.topicId !== place.topicId) forgotten.push(before)
      if (before === undefined || !isSame(before, place)) changed.push(place)
    }
    if (!isFull) for (const [key, before] of this.#told) if (!wanted.has(key)) forgotten.push(before)
    this.#told = told
    return {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: topicsOf(changed, usesIds, (place) => ({
        partition: place.partition,
        currentLeaderEpoch: place.currentLeaderEpoch,
        fetchOffset: place.fetchOffset,
        lastFetchedEpoch: place.lastFetchedEpoch,
        logStartOffset: place.logStartOffset,
        partitionMaxBytes: place.maxBytes,
      })),
      forgottenTopicsData: topicsOf(forgotten, usesIds, ({ partition }) => partition),
    }
  }

  /** The broker took the request in. `sessionId` is 0 where it keeps no session. */
  answered(sessionId: number): void {
    if (sessionId === 0) {
      this.reset()
      return
    }
    this.#epoch = this.#id === sessionId && this.#epoch < 0x7fff_ffff ? this.#epoch + 1 : 1
    this.#id = sessionId
  }

  /** The next request begins a new session, and closes this one if the broker still has it. */
  reset(forgets = true): void {
    this.#epoch = FIRST_EPOCH
    if (forgets) this.#id = 0
  }

  /** For the request that closes it; null if there is none. */
  final(): SessionRequest | null {
    if (this.#id === 0) return null
    const final = { sessionId: this.#id, sessionEpoch: -1, topics: [], forgottenTopicsData: [] }
    this.reset()
    return final
  }
}

function isSame(one: FetchPlace, other: FetchPlace): boolean {
  return (
    one.fetchOffset === other.fetchOffset &&
    one.currentLeaderEpoch === other.currentLeaderEpoch &&
    one.lastFetchedEpoch === other.lastFetchedEpoch &&
    one.logStartOffset === other.logStartOffset &&
    one.maxBytes === other.maxBytes &&
    one.topicId === other.topicId
  )
}

function topicsOf<T>(
  places: readonly FetchPlace[],
  usesIds: boolean,
  partitionOf: (place: FetchPlace) => T,
): { topic: string; topicId: Uuid; partitions: T[] }[] {
  const topics = new Map<string, { topic: string; topicId: Uuid; partitions: T[] }>()
  for (const place of places) {
    const key = usesIds ? place.topicId : place.topic
    let topic = topics.get(key)
    if (topic === undefined) {
      topic = { topic: place.topic, topicId: usesIds ? place.topicId : ZERO_UUID, partitions: [] }
      topics.set(key, topic)
    }
    topic.partitions.push(partitionOf(place))
  }
  return [...topics.values()]
}
