/**
 * The bounds of one kind and what counts towards each: a measure for every group of clients that shares one. A bound that changes keeps
 * its measure.
 */
import type { QuotaEntity } from '../../metadata/image.ts'
import { IdleMeasures } from './idle-measures.ts'
import { QuotaRules, type Bound } from './quota-rules.ts'

/** All clients there are while every listener is PLAINTEXT. */
const USER = 'ANONYMOUS'
/** Client ids of which it is remembered which bound they have. */
const KNOWN_MAX = 10_000

/** A bound that holds for a client. */
export interface HeldBy<Measure> {
  readonly perSecondMax: number
  readonly measure: Measure
}

export class ClientBounds<Measure> {
  readonly #kind: string
  #rules: QuotaRules
  /** By who shares it. */
  readonly #measures: IdleMeasures<Measure>
  /** By client id, since the last change; null: unbounded. */
  readonly #known = new Map<string, Bound | null>()

  /** @param kind as `producer_byte_rate` */
  constructor(kind: string, newMeasure: () => Measure) {
    this.#kind = kind
    this.#measures = new IdleMeasures(newMeasure)
    this.#rules = new QuotaRules([], kind)
  }

  get isEmpty(): boolean {
    return this.#rules.isEmpty
  }

  get measured(): number {
    return this.#measures.count
  }

  follow(entities: Iterable<QuotaEntity>): void {
    this.#rules = new QuotaRules(entities, this.#kind)
    this.#known.clear()
    if (this.#rules.isEmpty) this.#measures.clear()
  }

  /** Null: unbounded. */
  of(clientId: string, nowMs: number): HeldBy<Measure> | null {
    if (this.#rules.isEmpty) return null
    const bound = this.#boundOf(clientId)
    if (bound === null) return null
    return { perSecondMax: bound.perSecondMax, measure: this.#measures.of(bound.sharedBy, nowMs) }
  }

  #boundOf(clientId: string): Bound | null {
    let bound = this.#known.get(clientId)
    if (bound === undefined) {
      bound = this.#rules.boundOf(USER, clientId)
      if (this.#known.size >= KNOWN_MAX) this.#known.clear()
      this.#known.set(clientId, bound)
    }
    return bound
  }
}
