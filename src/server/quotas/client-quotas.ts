/**
 * The quotas of clients on this broker (KIP-13, KIP-124, KIP-219): bytes that they produce and fetch, and the time that their requests
 * take. They follow the published metadata. While nobody is bounded a request costs one look at `isInForce`.
 */
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { QuotaEntity } from '../../metadata/image.ts'
import { QuotaRate } from '../../metrics/quota-rate.ts'
import type { Clock } from '../../world/world.ts'
import { ClientBounds } from './client-bounds.ts'
import { RequestMeter, type MeterLimits } from './request-meter.ts'

export class ClientQuotas {
  readonly #clock: Clock
  readonly #limits: MeterLimits
  readonly #produced: ClientBounds<QuotaRate>
  readonly #fetched: ClientBounds<QuotaRate>
  readonly #time: ClientBounds<QuotaRate>
  #isInForce = false

  constructor(clock: Clock, { quotaWindowNum, quotaWindowSizeSeconds }: BrokerConfig) {
    this.#clock = clock
    this.#limits = {
      timeThrottleMsMax: quotaWindowSizeSeconds * 1000,
      burstSeconds: (quotaWindowNum - 1) * quotaWindowSizeSeconds,
    }
    const newRate = (): QuotaRate => new QuotaRate(quotaWindowSizeSeconds * 1000, quotaWindowNum)
    this.#produced = new ClientBounds('producer_byte_rate', newRate)
    this.#fetched = new ClientBounds('consumer_byte_rate', newRate)
    this.#time = new ClientBounds('request_percentage', newRate)
  }

  /** Some client may be bounded by something, here or by the controller. */
  get isInForce(): boolean {
    return this.#isInForce
  }

  follow(quotas: Iterable<QuotaEntity>): void {
    const entities = [...quotas]
    this.#isInForce = entities.some(({ parts }) => parts.some(({ type }) => type !== 'ip'))
    for (const bounds of [this.#produced, this.#fetched, this.#time]) bounds.follow(entities)
  }

  /** @param requestBytes without the size in front */
  meter(clientId: string, requestBytes: number): RequestMeter {
    const nowMs = this.#clock.monotonicMs()
    const client = {
      produced: this.#produced.of(clientId, nowMs),
      fetched: this.#fetched.of(clientId, nowMs),
      time: this.#time.of(clientId, nowMs),
    }
    return new RequestMeter(this.#clock, client, this.#limits, requestBytes)
  }
}
