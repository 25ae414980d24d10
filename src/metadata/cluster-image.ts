/** Registrations of brokers and controllers as the metadata log states them. Immutable. */
import type { Uuid } from '../base/uuid.ts'

export interface EndpointImage {
  readonly name: string
  readonly host: string
  readonly port: number
  /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number
}

export interface FeatureRange {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export interface BrokerImage {
  readonly id: number
  /** Offset of the registration record. */
  readonly epoch: number
  readonly incarnationId: Uuid
  readonly listeners: readonly EndpointImage[]
  readonly features: readonly FeatureRange[]
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  /** Ids of its log directories that are online. */
  readonly directories: readonly Uuid[]
  /** Null: the broker does not know the idea (before 4.3). */
  readonly cordonedDirectories: readonly Uuid[] | null
  readonly isMigratingZkBroker: boolean
}

export interface ControllerImage {
  readonly id: number
  readonly incarnationId: Uuid
  readonly zkMigrationReady: boolean
  readonly listeners: readonly EndpointImage[]
  readonly features: readonly FeatureRange[]
}

export interface ClusterImage {
  readonly brokers: ReadonlyMap<number, BrokerImage>
  readonly controllers: ReadonlyMap<number, ControllerImage>
}

export const EMPTY_CLUSTER: ClusterImage = { brokers: new Map(), controllers: new Map() }

/** May lead partitions and get new ones. */
export const isActive = (broker: BrokerImage): boolean => !broker.fenced && !broker.inControlledShutdown
