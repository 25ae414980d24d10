/**
 * How many connections a second an address may open (KIP-612): its own bound, or the default of addresses. One too many is accepted,
 * not served, and closed after as long as it came too early; it doesn't count. Idle measures are dropped after an hour.
 */
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { QuotaEntity } from '../../metadata/image.ts'
import { QuotaRate } from '../../metrics/quota-rate.ts'
import type { Clock } from '../../world/world.ts'

const KIND = 'connection_creation_rate'
const IDLE_MS_MAX = 3_600_000
const SWEEP_MS = 60_000
/** The one name that needs no name server. */
const LOCALHOST = ['127.0.0.1', '::1']

interface Measured {
  readonly rate: QuotaRate
  usedMs: number
}

export class ConnectionRates {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #windows: number
  readonly #bounds = new Map<string, number>()
  readonly #measured = new Map<string, Measured>()
  /** Of addresses that have none of their own. */
  #default = Infinity
  #sweptMs = -Infinity

  constructor(clock: Clock, { quotaWindowNum, quotaWindowSizeSeconds }: BrokerConfig) {
    this.#clock = clock
    this.#windows = quotaWindowNum
    this.#windowMs = quotaWindowSizeSeconds * 1000
  }

  get measured(): number {
    return this.#measured.size
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
    if (this.#bounds.size === 0 && this.#default === Infinity) this.#measured.clear()
  }

  /** Counts a connection. @returns 0, or the milliseconds after which one that came too early is closed */
  delayMs(host: string): number {
    const bound = this.#bounds.get(host) ?? this.#default
    if (bound === Infinity) return 0
    const nowMs = this.#clock.monotonicMs()
    const { rate } = this.#measure(host, nowMs)
    rate.record(1, nowMs)
    const delayMs = Math.min(rate.throttleMs(bound, nowMs), this.#windowMs)
    if (delayMs > 0) rate.record(-1, nowMs)
    return delayMs
  }

  #measure(host: string, nowMs: number): Measured {
    if (nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep(nowMs)
    let measured = this.#measured.get(host)
    if (measured === undefined) {
      measured = { rate: new QuotaRate(this.#windowMs, this.#windows), usedMs: nowMs }
      this.#measured.set(host, measured)
    }
    measured.usedMs = nowMs
    return measured
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs
    for (const [host, { usedMs }] of this.#measured) if (nowMs - usedMs >= IDLE_MS_MAX) this.#measured.delete(host)
  }
}
