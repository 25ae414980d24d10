/**
 * The bounds of one kind and what counts towards each: a measure for every group of clients that shares one, made when it is first
 * needed and dropped when nobody has needed it for an hour, as Kafka's sensors are. A bound that changes keeps its measure.
 */
import type { QuotaEntity } from '../../metadata/image.ts'
import { QuotaRules } from './quota-rules.ts'

/** All clients there are while every listener is PLAINTEXT. */
const USER = 'ANONYMOUS'
const IDLE_MS_MAX = 3_600_000
const SWEEP_MS = 60_000
/** Client ids of which it is remembered which bound they have. */
const KNOWN_MAX = 10_000

/** A bound that holds for a client. */
export interface HeldBy<Measure> {
  readonly perSecondMax: number
  readonly measure: Measure
}

interface Shared<Measure> extends HeldBy<Measure> {
  perSecondMax: number
  usedMs: number
}

export class ClientBounds<Measure> {
  readonly #kind: string
  readonly #newMeasure: () => Measure
  #rules: QuotaRules
  /** By who shares it. */
  readonly #shared = new Map<string, Shared<Measure>>()
  /** By client id, since the last change; null: unbounded. */
  readonly #known = new Map<string, Shared<Measure> | null>()
  #sweptMs = -Infinity

  /** @param kind as `producer_byte_rate` */
  constructor(kind: string, newMeasure: () => Measure) {
    this.#kind = kind
    this.#newMeasure = newMeasure
    this.#rules = new QuotaRules([], kind)
  }

  get isEmpty(): boolean {
    return this.#rules.isEmpty
  }

  get measured(): number {
    return this.#shared.size
  }

  follow(entities: Iterable<QuotaEntity>): void {
    this.#rules = new QuotaRules(entities, this.#kind)
    this.#known.clear()
    if (this.#rules.isEmpty) this.#shared.clear()
  }

  /** Null: unbounded. */
  of(clientId: string, nowMs: number): HeldBy<Measure> | null {
    if (this.#rules.isEmpty) return null
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep(nowMs)
    let held = this.#known.get(clientId)
    if (held === undefined) {
      held = this.#find(clientId, nowMs)
      if (this.#known.size >= KNOWN_MAX) this.#known.clear()
      this.#known.set(clientId, held)
    }
    if (held !== null) held.usedMs = nowMs
    return held
  }

  #find(clientId: string, nowMs: number): Shared<Measure> | null {
    const bound = this.#rules.boundOf(USER, clientId)
    if (bound === null) return null
    const { sharedBy, perSecondMax } = bound
    let shared = this.#shared.get(sharedBy)
    if (shared === undefined) {
      shared = { perSecondMax, measure: this.#newMeasure(), usedMs: nowMs }
      this.#shared.set(sharedBy, shared)
    }
    shared.perSecondMax = perSecondMax
    return shared
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs
    // Found again in no time by who is still there.
    this.#known.clear()
    for (const [sharedBy, { usedMs }] of this.#shared) {
      if (nowMs - usedMs >= IDLE_MS_MAX) this.#shared.delete(sharedBy)
    }
  }
}
