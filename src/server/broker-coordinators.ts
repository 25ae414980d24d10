/**
 * What a broker coordinates: groups and transactions, each behind the partitions of its own topic that this broker leads, and
 * the verification of transactional batches, which asks the transaction's coordinator here or elsewhere (KIP-890).
 *
 * Of the node they get what they write through and who is asked; what the cluster is like they look up in `image` when they
 * need it.
 */
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { GroupCoordinator } from '../coordinators/group/group-coordinator.ts'
import { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts'
import { TRANSACTION_VERSION } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import { TransactionVerification } from '../replication/transaction-verification.ts'
import type { World } from '../world/world.ts'
import type { BrokerPeers } from './broker-peers.ts'
import { CoordinatorWriter } from './coordinator-writer.ts'
import { groupSettings } from './group-settings.ts'
import { writeMarker } from './handlers/write-txn-markers.ts'
import type { ProducerIds } from './producer-ids.ts'
import { CONSUMER_OFFSETS, TRANSACTION_STATE } from './topic-names.ts'
import { TransactionMarkers } from './transaction-markers.ts'
import { askHere, coordinatorOf, TransactionQuestions, verificationRetry } from './transaction-questions.ts'
import { transactionSettings } from './transaction-settings.ts'

export interface BrokerCoordinatorsOptions {
  readonly world: Pick<World, 'clock' | 'random'>
  readonly logger: Logger
  /** As it is now. */
  readonly config: () => BrokerConfig
  readonly peers: BrokerPeers
  readonly replicas: ReplicaManager
  readonly producerIds: ProducerIds
  /** What clients are shown. */
  readonly image: () => MetadataImage
}

export interface BrokerCoordinators {
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly verification: TransactionVerification
  close(): void
}

/** @param started the image that the node starts from: partitions of a topic may be as another broker's settings had them */
export function brokerCoordinators(options: BrokerCoordinatorsOptions, started: MetadataImage): BrokerCoordinators {
  const { world, logger, config, peers, replicas, producerIds, image } = options
  const { clock, random } = world
  const listener = config().interBrokerListenerName
  const partitionsOf = (topic: string, of: MetadataImage): number | undefined =>
    of.topics.byName(topic)?.partitions.length
  const questions = new TransactionQuestions({
    peers,
    coordinatorOf: (id) => coordinatorOf(image(), id, listener),
    askHere: (question) => askHere(transactions, question),
  })
  const verification = new TransactionVerification({
    clock,
    verifier: questions,
    isEnabled: () => config().transactionPartitionVerificationEnable,
    retry: () => verificationRetry(config()),
  })
  const groups = new GroupCoordinator({
    clock,
    random,
    logger,
    writer: new CoordinatorWriter(CONSUMER_OFFSETS, replicas, verification),
    config: groupSettings(config(), partitionsOf(CONSUMER_OFFSETS, started) ?? config().offsetsTopicNumPartitions),
  })
  const transactions: TransactionCoordinator = new TransactionCoordinator({
    clock,
    logger,
    writer: new CoordinatorWriter(TRANSACTION_STATE, replicas, verification),
    markers: new TransactionMarkers({
      peers,
      image,
      listener,
      writeHere: (marker, topic, partition) =>
        writeMarker({ clock, config, groups, replicas }, marker, topic, partition),
    }),
    config: () => {
      // As it was created, perhaps by another broker with another setting.
      const partitions = partitionsOf(TRANSACTION_STATE, image())
      return transactionSettings(config(), partitions ?? config().transactionStateLogNumPartitions)
    },
    serverVersion: () => image().features.levels.get(TRANSACTION_VERSION) ?? 0,
    nextProducerId: () => producerIds.next(),
  })
  return {
    groups,
    transactions,
    verification,
    close() {
      groups.close()
      transactions.close()
      questions.close()
    },
  }
}
