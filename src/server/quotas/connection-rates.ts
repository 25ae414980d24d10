/**
 * How many connections a second an address may open (KIP-612): its own bound, or the default of addresses. One too many is accepted,
 * not served, and closed after as long as it came too early; it doesn't count.
 */
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { QuotaEntity } from '../../metadata/image.ts'
import { QuotaRate } from '../../metrics/quota-rate.ts'
import type { Clock } from '../../world/world.ts'
import { IdleMeasures } from './idle-measures.ts'

const KIND = 'connection_creation_rate'
/** The one name that needs no name server. */
const LOCALHOST = ['127.0.0.1', '::1']

export class ConnectionRates {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #bounds = new Map<string, number>()
  /** By address. */
  readonly #rates: IdleMeasures<QuotaRate>
  /** Of addresses that have none of their own. */
  #default = Infinity

  constructor(clock: Clock, { quotaWindowNum, quotaWindowSizeSeconds }: BrokerConfig) {
    this.#clock = clock
    this.#windowMs = quotaWindowSizeSeconds * 1000
    this.#rates = new IdleMeasures(() => new QuotaRate(this.#windowMs, quotaWindowNum))
  }

  get measured(): number {
    return this.#rates.count
  }

  follow(quotas: Iterable<QuotaEntity>): void {
    this.#bounds.clear()
    this.#default = Infinity
    for (const { parts, values } of quotas) {
      const bound = values.get(KIND)
      const [part] = parts
      if (bound === undefined || part?.type !== 'ip') continue
      if (part.name === null) this.#default = bound
      else for (const host of part.name === 'localhost' ? LOCALHOST : [part.name]) this.#bounds.set(host, bound)
    }
    if (this.#bounds.size === 0 && this.#default === Infinity) this.#rates.clear()
  }

  /** Counts a connection. @returns 0, or the milliseconds after which one that came too early is closed */
  delayMs(host: string): number {
    const bound = this.#bounds.get(host) ?? this.#default
    if (bound === Infinity) return 0
    const nowMs = this.#clock.monotonicMs()
    const rate = this.#rates.of(host, nowMs)
    rate.record(1, nowMs)
    const delayMs = Math.min(rate.throttleMs(bound, nowMs), this.#windowMs)
    if (delayMs > 0) rate.record(-1, nowMs)
    return delayMs
  }
}
