/**
 * Bounds on the partitions that clients have created and deleted a second (KIP-599): kept by the active controller, for what brokers
 * forward too. A bucket of tokens is emptied by each topic; while it is below zero newer versions are refused, and all have to wait.
 */
import { KafkaError } from '../../base/errors.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { MutationQuota, MutationQuotas } from '../../controller/mutation-quota.ts'
import type { QuotaEntity } from '../../metadata/image.ts'
import { TokenBucket } from '../../metrics/token-bucket.ts'
import type { Clock } from '../../world/world.ts'
import { ClientBounds, type HeldBy } from './client-bounds.ts'

export class ControllerMutationQuotas implements MutationQuotas {
  readonly #clock: Clock
  readonly #bounds: ClientBounds<TokenBucket>

  constructor(clock: Clock, { controllerQuotaWindowNum, controllerQuotaWindowSizeSeconds }: BrokerConfig) {
    this.#clock = clock
    const burstSeconds = controllerQuotaWindowNum * controllerQuotaWindowSizeSeconds
    this.#bounds = new ClientBounds('controller_mutation_rate', () => new TokenBucket(burstSeconds))
  }

  follow(quotas: Iterable<QuotaEntity>): void {
    this.#bounds.follow(quotas)
  }

  quotaFor(clientId: string, isStrict: boolean): MutationQuota | null {
    const held = this.#bounds.of(clientId, this.#clock.monotonicMs())
    return held === null ? null : new RequestQuota(this.#clock, held, isStrict)
  }
}

class RequestQuota implements MutationQuota {
  readonly #clock: Clock
  readonly #held: HeldBy<TokenBucket>
  readonly #isStrict: boolean
  /** When the bucket is full enough again; 0: nothing was beyond it. */
  #untilMs = 0

  constructor(clock: Clock, held: HeldBy<TokenBucket>, isStrict: boolean) {
    this.#clock = clock
    this.#held = held
    this.#isStrict = isStrict
  }

  record(partitions: number): void {
    const { measure, perSecondMax } = this.#held
    const nowMs = wholeMs(this.#clock)
    if (this.#isStrict && measure.level(perSecondMax, nowMs) < 0) {
      this.#untilMs = nowMs + measure.throttleMs(perSecondMax, nowMs)
      throw new KafkaError('THROTTLING_QUOTA_EXCEEDED', 'The throttling quota has been exceeded.')
    }
    measure.take(partitions, perSecondMax, nowMs)
    if (!this.#isStrict && measure.level(perSecondMax, nowMs) < 0) {
      this.#untilMs = nowMs + measure.throttleMs(perSecondMax, nowMs)
    }
  }

  throttleMs(): number {
    return Math.max(0, this.#untilMs - wholeMs(this.#clock))
  }
}

/** So that whoever waited as long as it was told finds the bucket at zero, and not a fraction of a millisecond before that. */
const wholeMs = (clock: Clock): number => Math.floor(clock.monotonicMs())
