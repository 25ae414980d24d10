/** What handlers work with: the parts of one running node, wired by node.ts. */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts'
import type { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ReadBudget } from '../replication/read-budget.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { ReplicationQuota } from '../replication/replication-quota.ts'
import type { TransactionVerification } from '../replication/transaction-verification.ts'
import type { LogManager } from '../storage/log-manager.ts'
import type { Clock, Random } from '../world/world.ts'
import type { AutoTopics } from './auto-topics.ts'
import type { DynamicConfigs } from './dynamic-configs.ts'
import type { FetchSessions } from './fetch-sessions.ts'
import type { Handler } from './handler.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { ClientQuotas } from './quotas/client-quotas.ts'

export interface Services {
  readonly nodeId: number
  readonly clusterId: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** The node's own settings with the dynamic ones over them, as they are now. */
  readonly config: () => BrokerConfig
  readonly configs: DynamicConfigs
  /** The metadata that this broker shows its clients. */
  readonly image: () => MetadataImage
  /** kraft.version of the metadata log. */
  readonly kraftVersion: () => number
  readonly replicas: ReplicaManager
  readonly logs: LogManager
  readonly controller: ControllerApi
  readonly groups: GroupCoordinator
  readonly fetchSessions: FetchSessions
  /** Memory of fetches that read files. */
  readonly fileReads: ReadBudget
  /** Holds back what followers read. */
  readonly replicationQuota: ReplicationQuota
  readonly quotas: ClientQuotas
  readonly autoTopics: AutoTopics
  readonly producerIds: ProducerIds
  readonly verification: TransactionVerification
  readonly transactions: TransactionCoordinator
  /** Everything that is served; ApiVersions is read from here. */
  readonly handlers: readonly Handler[]
  /** The least metadata.version and other feature ranges that this release serves. */
  readonly supportedFeatures: readonly { readonly name: string; readonly min: number; readonly max: number }[]
  /** Runs `task` when the connection closes, or not at all. */
  onClosed(connectionId: number, task: () => void): void
  /** A broken invariant: the node stops. */
  fail(error: unknown): void
}
