/**
 * The bounds on what this broker copies a second: to followers and from leaders (KIP-73), and between its log directories
 * (KIP-113). They follow the dynamic settings, of this broker before those of all; a file can't set them.
 */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { DynamicBrokerConfigs } from '../config/dynamic-config.ts'
import { ByteQuota } from '../metrics/byte-quota.ts'
import { ReplicationQuota } from '../replication/replication-quota.ts'
import type { Clock } from '../world/world.ts'

export class ReplicationQuotas {
  readonly leader: ReplicationQuota
  readonly follower: ReplicationQuota
  readonly logDirs: ByteQuota
  readonly #logger: Logger
  readonly #bounds: ReadonlyMap<string, ByteQuota>

  constructor(clock: Clock, config: BrokerConfig, logger: Logger) {
    const nowMs = (): number => clock.monotonicMs()
    const windows = {
      windowMs: config.replicationQuotaWindowSizeSeconds * 1000,
      windows: config.replicationQuotaWindowNum,
    }
    this.leader = new ReplicationQuota('leader', config.nodeId, nowMs, windows)
    this.follower = new ReplicationQuota('follower', config.nodeId, nowMs, windows)
    this.logDirs = new ByteQuota(nowMs, {
      windowMs: config.alterLogDirsReplicationQuotaWindowSizeSeconds * 1000,
      windows: config.alterLogDirsReplicationQuotaWindowNum,
    })
    this.#logger = logger
    this.#bounds = new Map([
      ['leader.replication.throttled.rate', this.leader.bytes],
      ['follower.replication.throttled.rate', this.follower.bytes],
      ['replica.alter.log.dirs.io.max.bytes.per.second', this.logDirs],
    ])
  }

  follow({ perBroker, clusterDefault }: DynamicBrokerConfigs): void {
    for (const [key, quota] of this.#bounds) {
      const bound = boundOf(perBroker.get(key) ?? clusterDefault.get(key))
      if (bound === quota.bytesPerSecondMax) continue
      quota.bytesPerSecondMax = bound
      this.#logger.info(bound === Infinity ? `${key} has no bound any more` : `${key} is ${bound} bytes a second now`)
    }
  }
}

/** The largest value, which stands for no bound, is more than a number tells from its neighbours. */
function boundOf(value: string | undefined): number {
  const bytes = Number(value ?? NaN)
  return bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : Infinity
}
