/** What a node is started with. */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { World } from '../world/world.ts'

export interface NodeOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly logger: Logger
  /** What a listener without a host advertises; localhost if left out. */
  readonly hostName?: string
  /** Overwrite request memory that came free: finds a missing reference in tests. */
  readonly poison?: boolean
}
