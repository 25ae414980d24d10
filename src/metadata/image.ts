/**
 * The cluster's metadata at one offset of the metadata log: immutable, shared by everybody on this node, replaced as a
 * whole. Made by `MetadataDelta` only (one replay path for leader, standby, restart and snapshot). Everything that any
 * record states is here, also for features that this release doesn't serve: image → records → image is the identity
 * (image-records.ts).
 */
import type { Int64 } from '../base/int64.ts'
import type { Uuid } from '../base/uuid.ts'
import { EMPTY_CLUSTER, type ClusterImage } from './cluster-image.ts'
import { ConfigsImage } from './configs-image.ts'
import { PersistentMap } from './persistent-map.ts'
import { TopicsImage } from './topics-image.ts'

export interface FeaturesImage {
  /** Finalised metadata.version; 7 (3.3-IV3) until a record states it. */
  readonly metadataVersion: number
  /** Other finalised features; a feature at level 0 isn't listed. kraft.version lives in control records. */
  readonly levels: ReadonlyMap<string, number>
  /** What a cluster that came from ZooKeeper states; null if no record did. */
  readonly zkMigrationState: number | null
}

export interface AclImage {
  readonly id: Uuid
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

export interface QuotaEntity {
  /** Parts by type ("user", "client-id", "ip"), sorted by type; name null = the default of the type. */
  readonly parts: readonly { readonly type: string; readonly name: string | null }[]
  /** Never empty. */
  readonly values: ReadonlyMap<string, number>
}

export interface ScramCredential {
  readonly name: string
  /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  readonly mechanism: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  readonly iterations: number
}

export interface DelegationToken {
  readonly tokenId: string
  readonly owner: string
  readonly requester: string
  readonly renewers: readonly string[]
  readonly issueTimestamp: Int64
  readonly maxTimestamp: Int64
  readonly expirationTimestamp: Int64
}

/** Up to where the log is contained. */
export interface Provenance {
  /** -1: nothing. */
  readonly offset: number
  readonly epoch: number
  readonly timestampMs: number
}

export interface MetadataImage {
  readonly provenance: Provenance
  readonly features: FeaturesImage
  readonly cluster: ClusterImage
  readonly topics: TopicsImage
  readonly configs: ConfigsImage
  readonly acls: PersistentMap<Uuid, AclImage>
  /** By `quotaKey` of the entity. */
  readonly quotas: PersistentMap<string, QuotaEntity>
  /** By `scramKey`. */
  readonly scram: PersistentMap<string, ScramCredential>
  readonly delegationTokens: PersistentMap<string, DelegationToken>
  /** The next block of producer ids starts here; null until the first block was given out. */
  readonly nextProducerId: Int64 | null
}

/** The first metadata.version that a metadata log can have. */
export const METADATA_VERSION_MIN = 7

export const EMPTY_IMAGE: MetadataImage = {
  provenance: { offset: -1, epoch: -1, timestampMs: -1 },
  features: { metadataVersion: METADATA_VERSION_MIN, levels: new Map(), zkMigrationState: null },
  cluster: EMPTY_CLUSTER,
  topics: TopicsImage.EMPTY,
  configs: ConfigsImage.EMPTY,
  acls: PersistentMap.empty(),
  quotas: PersistentMap.empty(),
  scram: PersistentMap.empty(),
  delegationTokens: PersistentMap.empty(),
  nextProducerId: null,
}

export const scramKey = (mechanism: number, name: string): string => `${mechanism}:${name}`

/** Parts sorted by type. */
export const quotaKey = (parts: QuotaEntity['parts']): string =>
  JSON.stringify(parts.map((part) => [part.type, part.name]))
