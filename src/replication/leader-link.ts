/**
 * What a follower asks the broker that leads, on a connection of its own: fetches of one session (KIP-227), and where the
 * leader's logs begin and end. A connection that broke is made anew by the next question.
 *
 * The version of Fetch follows the finalised metadata.version, as Kafka's does: topic ids from 13 on, the broker's own epoch
 * (KIP-903) from 15 on.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import { ERROR_CODES, errorName } from '../base/error-codes.ts'
import type { Retainable } from '../base/retainable.ts'
import { clampInt64 } from '../base/int64.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../protocol/generated/fetch.ts'
import { ListOffsets } from '../protocol/generated/list-offsets.ts'
import type { Init } from '../protocol/codec.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import { FetchSession, type FetchPlace } from '../rpc/fetch-session.ts'

export type FetchedPartition = FetchResponse.PartitionData

export interface FetchAnswer {
  /** By `placeKey`. */
  readonly partitions: ReadonlyMap<string, FetchedPartition>
  /** Where their records lie: the caller releases it once. Null: in memory of their own. */
  readonly memory: Retainable | null
}

/** Everything rejects with KafkaError or OperationalError. */
export interface LeaderLink {
  /** Exactly these places; those that have nothing new to say are left out of the answer. */
  fetch(places: ReadonlyMap<string, FetchPlace>): Promise<FetchAnswer>
  /** Where the leader's log begins or ends. */
  offset(place: FetchPlace, which: 'earliest' | 'latest'): Promise<number>
  close(): void
}

export interface FollowerIdentity {
  readonly nodeId: number
  /** Of the registration that holds. */
  readonly brokerEpoch: number
  /** Finalised. */
  readonly metadataVersion: number
}

export interface FetchSettings {
  readonly waitMaxMs: number
  readonly minBytes: number
  readonly responseMaxBytes: number
  /** Of one partition. */
  readonly maxBytes: number
  readonly backoffMs: number
}

/** Levels of metadata.version from which on a version of Fetch is spoken. */
const FETCH_VERSIONS: readonly (readonly [number, number])[] = [
  [27, 18],
  [21, 17],
  [19, 16],
  [10, 15],
  [9, 14],
  [2, 13],
]
const OLDEST_FETCH = 12
const IDS_FROM = 13
/** Kafka's brokers ask so since 3.0; later versions say nothing that a follower needs. */
const LIST_OFFSETS_VERSION = 7
const TIMESTAMPS = { earliest: -2, latest: -1 } as const

export function placeKey(topicId: string, partition: number): string {
  return `${topicId}-${partition}`
}

export function fetchVersionFor(metadataVersion: number): number {
  return FETCH_VERSIONS.find(([level]) => metadataVersion >= level)?.[1] ?? OLDEST_FETCH
}

export class RemoteLeader implements LeaderLink {
  readonly #dial: () => Promise<BrokerConnection>
  readonly #identity: () => FollowerIdentity
  readonly #settings: () => FetchSettings
  #session = new FetchSession()
  #connection: BrokerConnection | null = null
  #connecting: Promise<BrokerConnection> | null = null
  #isClosed = false

  constructor(dial: () => Promise<BrokerConnection>, identity: () => FollowerIdentity, settings: () => FetchSettings) {
    this.#dial = dial
    this.#identity = identity
    this.#settings = settings
  }

  async fetch(places: ReadonlyMap<string, FetchPlace>): Promise<FetchAnswer> {
    const connection = await this.#connected()
    const identity = this.#identity()
    const max = fetchVersionFor(identity.metadataVersion)
    const version = connection.versions.choose(Fetch, { min: OLDEST_FETCH, max })
    try {
      const message = this.#message(places, version, identity)
      const { answer, memory } = await connection.borrow(Fetch, message, { versions: { min: version, max: version } })
      try {
        return { partitions: this.#taken(answer, places, version), memory }
      } catch (error) {
        memory.release()
        throw error
      }
    } catch (error) {
      // Nobody knows what the leader took in.
      this.#session.reset()
      throw error
    }
  }

  async offset(place: FetchPlace, which: 'earliest' | 'latest'): Promise<number> {
    const connection = await this.#connected()
    const { topic, partition, currentLeaderEpoch } = place
    const partitions = [{ partitionIndex: partition, currentLeaderEpoch, timestamp: TIMESTAMPS[which] }]
    const answer = await connection.request(
      ListOffsets,
      { replicaId: this.#identity().nodeId, topics: [{ name: topic, partitions }] },
      { versions: { max: LIST_OFFSETS_VERSION } },
    )
    const found = answer.topics[0]?.partitions[0]
    if (found === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'the leader answered for no partition')
    if (found.errorCode !== 0) throw codeError(found.errorCode, `offsets of ${topic}-${partition}`)
    return clampInt64(found.offset)
  }

  close(): void {
    this.#isClosed = true
    this.#connection?.close()
  }

  /** Offsets of several partitions are asked for at once, and beside a fetch: whoever comes while it is dialled takes that one. */
  async #connected(): Promise<BrokerConnection> {
    if (this.#connection !== null && !this.#connection.isClosed) return this.#connection
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = null))
    return this.#connecting
  }

  async #connect(): Promise<BrokerConnection> {
    // Who connects anew may meet another incarnation of the leader, which knows nothing of the session.
    this.#session = new FetchSession()
    const connection = await this.#dial()
    this.#connection = connection
    if (this.#isClosed) {
      connection.close()
      throw new OperationalError('NETWORK_FAILED', 'the fetcher is closed')
    }
    return connection
  }

  #message(
    places: ReadonlyMap<string, FetchPlace>,
    version: number,
    { nodeId, brokerEpoch }: FollowerIdentity,
  ): Init<FetchRequest> {
    const { waitMaxMs, minBytes, responseMaxBytes } = this.#settings()
    const session = this.#session.next(places, version >= IDS_FROM)
    const asked = { ...session, maxWaitMs: waitMaxMs, minBytes, maxBytes: responseMaxBytes, isolationLevel: 0 }
    return version >= 15
      ? { ...asked, replicaState: { replicaId: nodeId, replicaEpoch: brokerEpoch } }
      : { ...asked, replicaId: nodeId }
  }

  #taken(
    answer: FetchResponse,
    places: ReadonlyMap<string, FetchPlace>,
    version: number,
  ): ReadonlyMap<string, FetchedPartition> {
    const taken = new Map<string, FetchedPartition>()
    if (answer.errorCode !== 0) {
      const { errorCode } = answer
      // The leader still has the session, which the next request is to end.
      this.#session.reset(errorCode !== ERROR_CODES.INVALID_FETCH_SESSION_EPOCH)
      if (isOfSession(errorCode)) return taken
      throw codeError(errorCode, 'the fetch')
    }
    this.#session.answered(answer.sessionId)
    const idOf = version >= IDS_FROM ? null : idsByName(places)
    for (const { topic, topicId, partitions } of answer.responses) {
      const id = idOf === null ? topicId : idOf.get(topic)
      if (id === undefined) continue
      for (const partition of partitions) taken.set(placeKey(id, partition.partitionIndex), partition)
    }
    return taken
  }
}

function isOfSession(errorCode: number): boolean {
  return errorCode === ERROR_CODES.INVALID_FETCH_SESSION_EPOCH || errorCode === ERROR_CODES.FETCH_SESSION_ID_NOT_FOUND
}

function idsByName(places: ReadonlyMap<string, FetchPlace>): ReadonlyMap<string, string> {
  return new Map([...places.values()].map(({ topic, topicId }) => [topic, topicId]))
}

export function codeError(errorCode: number, what: string): KafkaError {
  return new KafkaError(errorName(errorCode) ?? 'UNKNOWN_SERVER_ERROR', `${what}: error ${errorCode} of the leader`)
}
