/** What the log manager takes from its node, and tells it. */
import type { Logger } from '../base/logger.ts'
import type { Uuid } from '../base/uuid.ts'
import type { LogConfig } from '../config/log-config.ts'
import type { Clock, Disk, Random } from '../world/world.ts'
import type { LogDirectories } from './log-directories.ts'
import type { MoveLimits } from './log-moves.ts'
import type { MaintenanceIntervals } from './log-maintenance.ts'
import type { PartitionLog } from './partition-log.ts'
import type { TailCache } from './tail-cache.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface LogManagerOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly directories: LogDirectories
  /** Of topics without overrides. */
  readonly defaultConfig: LogConfig
  readonly topicConfigs: ReadonlyMap<string, LogConfig>
  readonly producerIdExpirationMs: number
  readonly tailCache: TailCache | null
  readonly intervals: MaintenanceIntervals
  /** Logs of one directory opened, flushed or closed at once. */
  readonly inFlightMax: number
  /** Whether the cluster has this replica here: what it does not know is renamed to `-stray` while logs are loaded. */
  readonly isKnown: (log: PartitionLog) => boolean
  /** The directory in which the cluster has this replica here; null: none. */
  readonly assignedDirectory: (log: PartitionLog) => Uuid | null
  /** Of moves between directories. */
  readonly moveLimits: MoveLimits
}

/** What the cluster knows of where this node's replicas lie (KIP-858). */
export interface ReplicaPlaces {
  /** The replica is going to lie there. Resolves when the cluster agrees; may never. */
  claim(replica: ReplicaName, directoryId: Uuid): Promise<void>
  /** It isn't: it lies in this directory still. */
  disclaim(replica: ReplicaName, directoryId: Uuid): void
}

export interface ReplicaName extends TopicPartition {
  readonly topicId: Uuid | null
}

export interface DirectoryFailure {
  readonly path: string
  readonly id: Uuid
  readonly error: unknown
  /** Their replicas are gone until a restart. */
  readonly partitions: readonly ReplicaName[]
  /** 0: the node has nothing left to serve and stops. */
  readonly liveDirectories: number
}

export interface CreateOptions {
  readonly topicId: Uuid | null
  /**
   * The partition never had a log here before. Otherwise it may be on an offline directory, unless the cluster has it in another one
   * or in none yet (DIRECTORY_UNASSIGNED), and must not be created anew.
   */
  readonly isNew: boolean
  /** Where the cluster wants it; null, and ids that name none of our directories: the one with the fewest logs. */
  readonly directoryId: Uuid | null
}
