/** What a node is started with. */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Quorum } from '../quorum/quorum.ts'
import type { World } from '../world/world.ts'
import type { Around } from './handler.ts'
import type { Services } from './services.ts'

export interface NodeOptions {
  readonly world: World
  readonly config: BrokerConfig
  readonly logger: Logger
  /** What a listener without a host advertises; localhost if left out. */
  readonly hostName?: string
  /** Overwrite request memory that came free: finds a missing reference in tests. */
  readonly poison?: boolean
  /** Of all logs together; 32 MB if left out. Simulations make it small. */
  readonly tailCacheBytes?: number
  /** Calls the start off, which may wait for other nodes; it rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Faults of requests: see `klamm/testing`. */
  readonly around?: Around
  /** Told of each change of what clients of a broker are shown. */
  readonly shown?: (image: MetadataImage) => void
  /** Called once, when the node serves: simulations look at what no client can see. */
  readonly inspect?: (inside: Inside) => void
  /** The same of a node with the controller role, when its metadata log is open. */
  readonly inspectQuorum?: (quorum: Quorum) => void
}

export interface Inside {
  readonly services: Services
  /** What connections, logs or the tail cache hold of what was received. */
  memoryInUseBytes(): number
}
