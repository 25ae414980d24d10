/**
 * An image as the records that make it: the content of a snapshot. Replaying them on the empty image gives an equal one.
 * Record versions are those of the image's metadata.version, in the order that Kafka writes them: features first, since
 * everything behind depends on metadata.version.
 */
import type { BrokerImage, ClusterImage } from './cluster-image.ts'
import {
  METADATA_VERSION,
  directoriesSupported,
  elrSupported,
  migrationSupported,
  partitionRecordVersion,
  registerBrokerRecordVersion,
} from './features.ts'
import type { FeaturesImage, MetadataImage } from './image.ts'
import { metadataRecord, type MetadataRecord } from './metadata-records.ts'
import type { PartitionImage, TopicImage } from './topics-image.ts'
import type { Uuid } from '../base/uuid.ts'

export function* imageRecords(image: MetadataImage): IterableIterator<MetadataRecord> {
  const level = image.features.metadataVersion
  yield* featureRecords(image.features)
  yield* clusterRecords(image.cluster, level)
  for (const topic of image.topics.all()) yield* topicRecords(topic, level)
  for (const { type, name, values } of image.configs.all()) {
    for (const [key, value] of values) {
      yield metadataRecord('ConfigRecord', 0, { resourceType: type, resourceName: name, name: key, value })
    }
  }
  for (const { parts, values } of image.quotas.values()) {
    const entity = parts.map((part) => ({ entityType: part.type, entityName: part.name }))
    for (const [key, value] of values) yield metadataRecord('ClientQuotaRecord', 0, { entity, key, value })
  }
  if (image.nextProducerId !== null) {
    yield metadataRecord('ProducerIdsRecord', 0, {
      brokerId: -1,
      brokerEpoch: -1,
      nextProducerId: image.nextProducerId,
    })
  }
  for (const acl of image.acls.values()) yield metadataRecord('AccessControlEntryRecord', 0, acl)
  for (const credential of image.scram.values()) yield metadataRecord('UserScramCredentialRecord', 0, credential)
  for (const token of image.delegationTokens.values()) yield metadataRecord('DelegationTokenRecord', 0, token)
}

function* featureRecords(features: FeaturesImage): IterableIterator<MetadataRecord> {
  yield metadataRecord('FeatureLevelRecord', 0, { name: METADATA_VERSION, featureLevel: features.metadataVersion })
  for (const [name, featureLevel] of features.levels)
    yield metadataRecord('FeatureLevelRecord', 0, { name, featureLevel })
  if (features.zkMigrationState !== null) {
    yield metadataRecord('ZkMigrationStateRecord', 0, { zkMigrationState: features.zkMigrationState })
  }
}

function* clusterRecords(cluster: ClusterImage, level: number): IterableIterator<MetadataRecord> {
  for (const broker of cluster.brokers.values()) yield brokerRecord(broker, level)
  for (const controller of cluster.controllers.values()) {
    yield metadataRecord('RegisterControllerRecord', 0, {
      controllerId: controller.id,
      incarnationId: controller.incarnationId,
      zkMigrationReady: controller.zkMigrationReady,
      endPoints: controller.listeners,
      features: controller.features,
    })
  }
}

export function brokerRecord(broker: BrokerImage, level: number): MetadataRecord {
  const version = registerBrokerRecordVersion(level)
  return metadataRecord('RegisterBrokerRecord', version, {
    brokerId: broker.id,
    isMigratingZkBroker: migrationSupported(level) && broker.isMigratingZkBroker,
    incarnationId: broker.incarnationId,
    brokerEpoch: broker.epoch,
    endPoints: broker.listeners,
    features: broker.features,
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: broker.inControlledShutdown,
    logDirs: version >= 3 ? broker.directories : [],
    cordonedLogDirs: version >= 4 ? broker.cordonedDirectories : null,
  })
}

/** A topic and its partitions. */
export function* topicRecords(topic: TopicImage, level: number): IterableIterator<MetadataRecord> {
  yield metadataRecord('TopicRecord', 0, { name: topic.name, topicId: topic.id })
  for (const [partitionId, partition] of topic.partitions.entries()) {
    yield partitionRecord(topic.id, partitionId, partition, level)
  }
}

export function partitionRecord(
  topicId: Uuid,
  partitionId: number,
  partition: PartitionImage,
  level: number,
): MetadataRecord {
  const withElr = elrSupported(level)
  return metadataRecord('PartitionRecord', partitionRecordVersion(level), {
    partitionId,
    topicId,
    replicas: partition.replicas,
    isr: partition.isr,
    removingReplicas: partition.removingReplicas,
    addingReplicas: partition.addingReplicas,
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: directoriesSupported(level) ? partition.directories : [],
    eligibleLeaderReplicas: withElr && partition.elr.length > 0 ? partition.elr : null,
    lastKnownElr: withElr && partition.lastKnownElr.length > 0 ? partition.lastKnownElr : null,
  })
}
