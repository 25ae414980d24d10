/**
 * The share session of one broker (KIP-932): what it was told to read for us, and the order of requests, which have running
 * numbers and go one at a time. A broker drops the session with its connection, and releases what was acquired in it:
 * acknowledgements that waited are then of no use, and their askers are told.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { Acknowledgements, AcknowledgementBatch } from './acknowledgements.ts'

export interface SharePlace {
  readonly key: string
  readonly topicId: Uuid
  readonly partition: number
}

export type AcknowledgeOutcome = (key: string, error: Error | null) => void

interface Waiting {
  readonly place: SharePlace
  readonly acknowledgements: Acknowledgements
  readonly outcome: AcknowledgeOutcome
}

export interface SharePart {
  readonly partitionIndex: number
  readonly acknowledgementBatches: AcknowledgementBatch[]
}

export class ShareSession {
  readonly node: number
  /** A request is on its way, or waits for its turn. */
  tail: Promise<unknown> = Promise.resolve()
  isFetching = false
  retryAtMs = 0
  failures = 0
  #epoch = 0
  readonly #told = new Map<string, SharePlace>()
  #waiting: Waiting[] = []
  /** Of the request on its way. */
  #sent: Waiting[] = []

  constructor(node: number) {
    this.node = node
  }

  get epoch(): number {
    return this.#epoch
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  get isOpen(): boolean {
    return this.#epoch > 0
  }

  add(place: SharePlace, acknowledgements: Acknowledgements, outcome: AcknowledgeOutcome): void {
    this.#waiting.push({ place, acknowledgements, outcome })
  }

  /** What a ShareFetch says for `wanted`, by key. The first of a session carries no acknowledgements. */
  fetch(wanted: ReadonlyMap<string, SharePlace>): {
    topics: { topicId: Uuid; partitions: SharePart[] }[]
    forgottenTopicsData: { topicId: Uuid; partitions: number[] }[]
  } {
    if (!this.isOpen) {
      this.#fail(
        new KafkaError('SHARE_SESSION_NOT_FOUND', 'The connection was lost, and with it what was acquired on it.'),
      )
      this.#told.clear()
    }
    const added = [...wanted.values()].filter(({ key, topicId }) => this.#told.get(key)?.topicId !== topicId)
    const forgotten = [...this.#told.values()].filter(({ key, topicId }) => wanted.get(key)?.topicId !== topicId)
    for (const { key } of forgotten) this.#told.delete(key)
    for (const place of added) this.#told.set(place.key, place)
    return {
      topics: this.#parts(added),
      forgottenTopicsData: grouped(forgotten).map(([topicId, places]) => ({
        topicId,
        partitions: places.map(({ partition }) => partition),
      })),
    }
  }

  /** What a ShareAcknowledge says. */
  acknowledge(): { topicId: Uuid; partitions: SharePart[] }[] {
    return this.#parts([])
  }

  /** The request was taken in. `errors` by key. */
  answered(errors: ReadonlyMap<string, Error>): void {
    this.#epoch = this.#epoch === 0x7fff_ffff ? 1 : this.#epoch + 1
    for (const { place, outcome } of this.#sent) outcome(place.key, errors.get(place.key) ?? null)
    this.#sent = []
  }

  /** Nobody knows what became of the request, or the broker has no such session. */
  lost(error: Error): void {
    this.#epoch = 0
    this.#told.clear()
    this.#fail(error)
  }

  #fail(error: Error): void {
    const failed = [...this.#sent, ...this.#waiting]
    this.#sent = []
    this.#waiting = []
    for (const { place, outcome } of failed) outcome(place.key, error)
  }

  #parts(added: readonly SharePlace[]): { topicId: Uuid; partitions: SharePart[] }[] {
    const merged = new Map<string, { readonly place: SharePlace; readonly acknowledgements: Acknowledgements | null }>()
    for (const place of added) merged.set(place.key, { place, acknowledgements: null })
    for (const { place, acknowledgements } of this.#waiting) {
      const known = merged.get(place.key)?.acknowledgements ?? null
      known?.merge(acknowledgements)
      if (known === null) merged.set(place.key, { place, acknowledgements })
    }
    this.#sent = [...this.#sent, ...this.#waiting]
    this.#waiting = []
    const byTopic = new Map<Uuid, SharePart[]>()
    for (const { place, acknowledgements } of merged.values()) {
      const parts = byTopic.get(place.topicId) ?? []
      byTopic.set(place.topicId, parts)
      parts.push({ partitionIndex: place.partition, acknowledgementBatches: acknowledgements?.batches() ?? [] })
    }
    return [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions }))
  }
}

function grouped(places: readonly SharePlace[]): [Uuid, SharePlace[]][] {
  const topics = new Map<Uuid, SharePlace[]>()
  for (const place of places) {
    const known = topics.get(place.topicId)
    if (known === undefined) topics.set(place.topicId, [place])
    else known.push(place)
  }
  return [...topics]
}
