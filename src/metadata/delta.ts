/**
 * The one path by which metadata changes: `new MetadataDelta(image).replay(record)…` and then `image()`, the same on the
 * active controller, a standby, a broker, and when loading a log or snapshot. Replay only computes; a record that
 * contradicts the image throws LOG_CORRUPT (the log can't be followed any further). What changed is listed for those who
 * follow (replica manager, coordinators, dynamic configuration).
 *
 * NoOp and the transaction markers change nothing here: whoever reads a log holds records back until a metadata
 * transaction has ended (log-replay.ts).
 */
import { unreachable } from '../base/errors.ts'
import type { Int64 } from '../base/int64.ts'
import type { Uuid } from '../base/uuid.ts'
import type { ClientQuotaRecord } from '../protocol/generated/client-quota-record.ts'
import type { ConfigRecord } from '../protocol/generated/config-record.ts'
import type { FeatureLevelRecord } from '../protocol/generated/feature-level-record.ts'
import { ClusterDelta } from './cluster-delta.ts'
import { CONFIG_RESOURCE, configKey } from './configs-image.ts'
import { quotaKey, scramKey } from './image.ts'
import type {
  AclImage,
  DelegationToken,
  FeaturesImage,
  MetadataImage,
  Provenance,
  QuotaEntity,
  ScramCredential,
} from './image.ts'
import type { MetadataRecord } from './metadata-records.ts'
import { TopicsDelta, type TopicChange } from './topics-delta.ts'
import type { TopicImage } from './topics-image.ts'

export interface ConfigResource {
  readonly type: number
  readonly name: string
}

export class MetadataDelta {
  /** The image that this delta starts from. */
  readonly base: MetadataImage
  readonly #topics: TopicsDelta
  readonly #cluster: ClusterDelta
  readonly #configs = new Map<string, { type: number; name: string; values: Map<string, string> }>()
  readonly #acls = new Map<Uuid, AclImage | undefined>()
  readonly #quotas = new Map<string, QuotaEntity | undefined>()
  readonly #scram = new Map<string, ScramCredential | undefined>()
  readonly #tokens = new Map<string, DelegationToken | undefined>()
  #features: FeaturesImage
  #nextProducerId: Int64 | null
  #result: MetadataImage | null = null
  #changedTopics: readonly TopicChange[] | null = null

  constructor(base: MetadataImage) {
    this.base = base
    this.#topics = new TopicsDelta(base.topics)
    this.#cluster = new ClusterDelta(base.cluster)
    this.#features = base.features
    this.#nextProducerId = base.nextProducerId
  }

  /** @throws OperationalError LOG_CORRUPT if the record contradicts the state before it. */
  replay(record: MetadataRecord): void {
    this.#result = null
    this.#changedTopics = null
    switch (record.type) {
      case 'RegisterBrokerRecord':
        return this.#cluster.registerBroker(record.data)
      case 'UnregisterBrokerRecord':
        return this.#cluster.unregisterBroker(record.data)
      case 'BrokerRegistrationChangeRecord':
        return this.#cluster.changeBroker(record.data)
      case 'FenceBrokerRecord':
        return this.#cluster.setFenced(record.data.id, record.data.epoch, true)
      case 'UnfenceBrokerRecord':
        return this.#cluster.setFenced(record.data.id, record.data.epoch, false)
      case 'RegisterControllerRecord':
        return this.#cluster.registerController(record.data)
      case 'TopicRecord':
        return this.#topics.createTopic(record.data.name, record.data.topicId)
      case 'PartitionRecord':
        return this.#topics.putPartition(record.data)
      case 'PartitionChangeRecord':
        return this.#topics.changePartition(record.data)
      case 'RemoveTopicRecord':
        return this.#removeTopic(record.data.topicId)
      case 'ClearElrRecord':
        return this.#topics.clearElr(record.data.topicName)
      case 'ConfigRecord':
        return this.#replayConfig(record.data)
      case 'FeatureLevelRecord':
        return this.#replayFeature(record.data)
      case 'ZkMigrationStateRecord':
        this.#features = { ...this.#features, zkMigrationState: record.data.zkMigrationState }
        return
      case 'ProducerIdsRecord':
        this.#nextProducerId = record.data.nextProducerId
        return
      case 'ClientQuotaRecord':
        return this.#replayQuota(record.data)
      case 'AccessControlEntryRecord': {
        const { id, resourceType, resourceName, patternType, principal, host, operation, permissionType } = record.data
        const acl = { id, resourceType, resourceName, patternType, principal, host, operation, permissionType }
        this.#acls.set(id, acl)
        return
      }
      case 'RemoveAccessControlEntryRecord':
        this.#acls.set(record.data.id, undefined)
        return
      case 'UserScramCredentialRecord': {
        const { name, mechanism, salt, storedKey, serverKey, iterations } = record.data
        // Copies: the image outlives the batch that the record was read from.
        this.#scram.set(scramKey(mechanism, name), {
          name,
          mechanism,
          salt: Buffer.from(salt),
          storedKey: Buffer.from(storedKey),
          serverKey: Buffer.from(serverKey),
          iterations,
        })
        return
      }
      case 'RemoveUserScramCredentialRecord':
        this.#scram.set(scramKey(record.data.mechanism, record.data.name), undefined)
        return
      case 'DelegationTokenRecord': {
        const { tokenId, owner, requester, renewers, issueTimestamp, maxTimestamp, expirationTimestamp } = record.data
        const token = { tokenId, owner, requester, renewers, issueTimestamp, maxTimestamp, expirationTimestamp }
        this.#tokens.set(tokenId, token)
        return
      }
      case 'RemoveDelegationTokenRecord':
        this.#tokens.set(record.data.tokenId, undefined)
        return
      case 'NoOpRecord':
      case 'BeginTransactionRecord':
      case 'EndTransactionRecord':
      case 'AbortTransactionRecord':
        return
      default:
        unreachable(record)
    }
  }

  /** Created topics and topics with changed partitions. */
  changedTopics(): readonly TopicChange[] {
    this.#changedTopics ??= this.#topics.changedTopics()
    return this.#changedTopics
  }

  /** As they were; one that was created again under its name is in `changedTopics` too. */
  deletedTopics(): readonly TopicImage[] {
    return this.#topics.deletedTopics()
  }

  /** Resources with a changed, added or removed override; those of a deleted topic too. */
  changedConfigs(): readonly ConfigResource[] {
    return [...this.#configs.values()].map(({ type, name }) => ({ type, name }))
  }

  /** Ids of brokers that were registered, changed or unregistered. */
  changedBrokers(): readonly number[] {
    return this.#cluster.changedBrokers()
  }

  get featuresChanged(): boolean {
    return this.#features !== this.base.features
  }

  get aclsChanged(): boolean {
    return this.#acls.size > 0
  }

  get quotasChanged(): boolean {
    return this.#quotas.size > 0
  }

  get scramChanged(): boolean {
    return this.#scram.size > 0
  }

  get delegationTokensChanged(): boolean {
    return this.#tokens.size > 0
  }

  /** `provenance` is left as it was unless given. */
  image(provenance: Provenance = this.base.provenance): MetadataImage {
    const { base } = this
    this.#result ??= {
      provenance,
      features: this.#features,
      cluster: this.#cluster.apply(),
      topics: this.#topics.isEmpty ? base.topics : this.#topics.apply(this.changedTopics()),
      configs: base.configs.with(this.#configs.values()),
      acls: base.acls.with(this.#acls),
      quotas: base.quotas.with(this.#quotas),
      scram: base.scram.with(this.#scram),
      delegationTokens: base.delegationTokens.with(this.#tokens),
      nextProducerId: this.#nextProducerId,
    }
    if (this.#result.provenance !== provenance) this.#result = { ...this.#result, provenance }
    return this.#result
  }

  #removeTopic(id: Uuid): void {
    const name = this.#topics.nameOf(id)
    this.#topics.removeTopic(id)
    // A topic takes its configuration with it, as in Kafka no record says so.
    if (name === null) return
    const key = configKey(CONFIG_RESOURCE.TOPIC, name)
    if (this.#configs.has(key) || this.base.configs.get(CONFIG_RESOURCE.TOPIC, name).size > 0) {
      this.#configs.set(key, { type: CONFIG_RESOURCE.TOPIC, name, values: new Map() })
    }
  }

  #replayConfig(record: ConfigRecord): void {
    const { resourceType, resourceName, name, value } = record
    const key = configKey(resourceType, resourceName)
    let resource = this.#configs.get(key)
    if (resource === undefined) {
      const values = new Map(this.base.configs.get(resourceType, resourceName))
      resource = { type: resourceType, name: resourceName, values }
      this.#configs.set(key, resource)
    }
    if (value === null) resource.values.delete(name)
    else resource.values.set(name, value)
  }

  #replayFeature(record: FeatureLevelRecord): void {
    if (record.name === 'metadata.version') {
      this.#features = { ...this.#features, metadataVersion: record.featureLevel }
      return
    }
    const levels = new Map(this.#features.levels)
    if (record.featureLevel === 0) levels.delete(record.name)
    else levels.set(record.name, record.featureLevel)
    this.#features = { ...this.#features, levels }
  }

  #replayQuota(record: ClientQuotaRecord): void {
    const parts = record.entity
      .map((part) => ({ type: part.entityType, name: part.entityName }))
      .sort((left, right) => (left.type < right.type ? -1 : 1))
    const key = quotaKey(parts)
    const before = this.#quotas.has(key) ? this.#quotas.get(key) : this.base.quotas.get(key)
    const values = new Map(before?.values)
    if (record.remove) values.delete(record.key)
    else values.set(record.key, record.value)
    this.#quotas.set(key, values.size === 0 ? undefined : { parts, values })
  }
}

/** Replays in order; for loading and tests. @throws OperationalError LOG_CORRUPT. */
export function replayAll(base: MetadataImage, records: Iterable<MetadataRecord>): MetadataImage {
  const delta = new MetadataDelta(base)
  for (const record of records) delta.replay(record)
  return delta.image()
}
