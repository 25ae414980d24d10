/**
 * The Admin: what may be asked and changed about a cluster, by the names of Java's Admin in camelCase.
 *
 * This class only delegates: each family of calls has a file of its own, which says what it asks of whom. docs/ADMIN.md is
 * the table of all methods. A method over many keys gives back `Outcomes`: a value or an error for each.
 */
import type { Uuid } from '../../base/uuid.ts'
import type { MetricsRegistry } from '../../metrics/registry.ts'
import type { CallOptions } from '../call.ts'
import type { ResolvedClientOptions } from '../client-options.ts'
import { NetworkClient, type ClientWorld } from '../network-client.ts'
import { checkArguments } from '../check-options.ts'
import * as acls from './acls.ts'
import { ADMIN_ARGUMENTS } from './admin-arguments.ts'
import { AdminObserver } from './admin-observer.ts'
import type { ConfigResource, ConfigResourceType, TopicPartition, TopicPartitionReplica } from './admin-types.ts'
import * as cluster from './cluster.ts'
import type { ConfigEntry } from './config-entry.ts'
import * as configs from './configs.ts'
import * as tokens from './delegation-tokens.ts'
import * as groupDescriptions from './describe-groups.ts'
import * as describing from './describe-topics.ts'
import * as groupOffsets from './group-offsets.ts'
import * as groups from './groups.ts'
import * as logDirs from './log-dirs.ts'
import * as offsets from './offsets.ts'
import type { Listing, Outcomes } from './outcomes.ts'
import * as partitions from './partitions.ts'
import * as quorum from './quorum.ts'
import * as quotas from './quotas.ts'
import * as scram from './scram-credentials.ts'
import * as shareGroups from './share-groups.ts'
import * as streamsGroups from './streams-groups.ts'
import { clientInstanceId } from './telemetry.ts'
import * as topics from './topics.ts'
import * as transactions from './transactions.ts'

type ByPartition<Value> = Promise<Outcomes<TopicPartition, Value>>
type ByName<Value> = Promise<Outcomes<string, Value>>

export class AdminClient implements AsyncDisposable {
  /** Counters, gauges and histograms under the names of Java's client. */
  readonly metrics: MetricsRegistry
  readonly #client: NetworkClient

  constructor(world: ClientWorld, options: ResolvedClientOptions) {
    this.#client = new NetworkClient(world, options)
    const observer = new AdminObserver(this.#client)
    this.#client.requests = observer
    this.metrics = observer.metrics
  }

  get isClosed(): boolean {
    return this.#client.isClosed
  }

  /** Calls in work reject with ClientError CLOSED. Idempotent. */
  close(): Promise<void> {
    this.#client.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // The cluster.

  describeCluster(options?: cluster.DescribeClusterOptions): Promise<cluster.ClusterDescription> {
    return cluster.describeCluster(this.#client, options)
  }

  /** The cluster forgets a broker that is gone for good. */
  unregisterBroker(brokerId: number, options?: CallOptions): Promise<void> {
    return cluster.unregisterBroker(this.#client, brokerId, options)
  }

  describeMetadataQuorum(options?: CallOptions): Promise<quorum.QuorumInfo> {
    return quorum.describeMetadataQuorum(this.#client, options)
  }

  addRaftVoter(
    voterId: number,
    voterDirectoryId: Uuid,
    endpoints: readonly quorum.RaftVoterEndpoint[],
    options?: quorum.RaftVoterOptions,
  ): Promise<void> {
    return quorum.addRaftVoter(this.#client, voterId, voterDirectoryId, endpoints, options)
  }

  removeRaftVoter(voterId: number, voterDirectoryId: Uuid, options?: quorum.RaftVoterOptions): Promise<void> {
    return quorum.removeRaftVoter(this.#client, voterId, voterDirectoryId, options)
  }

  describeFeatures(options?: quorum.DescribeFeaturesOptions): Promise<quorum.FeatureMetadata> {
    return quorum.describeFeatures(this.#client, options)
  }

  updateFeatures(updates: readonly quorum.FeatureUpdate[], options?: quorum.UpdateFeaturesOptions): ByName<void> {
    return quorum.updateFeatures(this.#client, updates, options)
  }

  /** The id that the broker knows this client's metrics by (KIP-714). */
  clientInstanceId(options?: CallOptions): Promise<Uuid> {
    return clientInstanceId(this.#client, options)
  }

  // Topics.

  createTopics(
    newTopics: readonly topics.NewTopic[],
    options?: topics.ChangeTopicsOptions,
  ): ByName<topics.TopicCreated> {
    return topics.createTopics(this.#client, newTopics, options)
  }

  /** By name, or `{ ids }`; the outcomes have the same keys. */
  deleteTopics(
    collection: topics.TopicCollection,
    options?: Omit<topics.ChangeTopicsOptions, 'validateOnly'>,
  ): ByName<void> {
    return topics.deleteTopics(this.#client, collection, options)
  }

  listTopics(options?: topics.ListTopicsOptions): Promise<readonly topics.TopicListing[]> {
    return topics.listTopics(this.#client, options)
  }

  /** By name, or `{ ids }`; the outcomes have the same keys. */
  describeTopics(
    collection: topics.TopicCollection,
    options?: describing.DescribeTopicsOptions,
  ): ByName<describing.TopicDescription> {
    return describing.describeTopics(this.#client, collection, options)
  }

  createPartitions(newPartitions: readonly topics.NewPartitions[], options?: topics.ChangeTopicsOptions): ByName<void> {
    return topics.createPartitions(this.#client, newPartitions, options)
  }

  // Partitions and replicas.

  /** Null: all partitions. */
  electLeaders(
    electionType: partitions.ElectionType,
    topicPartitions: readonly TopicPartition[] | null,
    options?: CallOptions,
  ): ByPartition<void> {
    return partitions.electLeaders(this.#client, electionType, topicPartitions, options)
  }

  alterPartitionReassignments(
    reassignments: readonly partitions.PartitionReassignmentWish[],
    options?: partitions.AlterReassignmentsOptions,
  ): ByPartition<void> {
    return partitions.alterPartitionReassignments(this.#client, reassignments, options)
  }

  /** Null: all partitions. The outcomes have those that move now. */
  listPartitionReassignments(
    topicPartitions: readonly TopicPartition[] | null = null,
    options?: CallOptions,
  ): ByPartition<partitions.PartitionReassignment> {
    return partitions.listPartitionReassignments(this.#client, topicPartitions, options)
  }

  describeLogDirs(brokers: readonly number[], options?: CallOptions): Promise<Outcomes<number, logDirs.LogDirs>> {
    return logDirs.describeLogDirs(this.#client, brokers, options)
  }

  describeReplicaLogDirs(
    replicas: readonly TopicPartitionReplica[],
    options?: CallOptions,
  ): Promise<Outcomes<TopicPartitionReplica, logDirs.ReplicaLogDirInfo>> {
    return logDirs.describeReplicaLogDirs(this.#client, replicas, options)
  }

  alterReplicaLogDirs(
    moves: readonly logDirs.ReplicaMove[],
    options?: CallOptions,
  ): Promise<Outcomes<TopicPartitionReplica, void>> {
    return logDirs.alterReplicaLogDirs(this.#client, moves, options)
  }

  // Records.

  listOffsets(
    specs: readonly offsets.PartitionOffsetSpec[],
    options?: offsets.ListOffsetsOptions,
  ): ByPartition<offsets.ListedOffset> {
    return offsets.listOffsets(this.#client, specs, options)
  }

  deleteRecords(
    toDelete: readonly offsets.RecordsToDelete[],
    options?: CallOptions,
  ): ByPartition<offsets.DeletedRecords> {
    return offsets.deleteRecords(this.#client, toDelete, options)
  }

  // Configuration and quotas.

  describeConfigs(
    resources: readonly ConfigResource[],
    options?: configs.DescribeConfigsOptions,
  ): Promise<Outcomes<ConfigResource, readonly ConfigEntry[]>> {
    return configs.describeConfigs(this.#client, resources, options)
  }

  incrementalAlterConfigs(
    alterations: readonly configs.ConfigAlteration[],
    options?: configs.AlterConfigsOptions,
  ): Promise<Outcomes<ConfigResource, void>> {
    return configs.incrementalAlterConfigs(this.#client, alterations, options)
  }

  listConfigResources(
    types?: readonly ConfigResourceType[],
    options?: CallOptions,
  ): Promise<readonly ConfigResource[]> {
    return configs.listConfigResources(this.#client, types, options)
  }

  listClientMetricsResources(options?: CallOptions): Promise<readonly string[]> {
    return configs.listClientMetricsResources(this.#client, options)
  }

  describeClientQuotas(
    filter?: quotas.ClientQuotaFilter,
    options?: CallOptions,
  ): Promise<readonly quotas.ClientQuotas[]> {
    return quotas.describeClientQuotas(this.#client, filter, options)
  }

  alterClientQuotas(
    alterations: readonly quotas.ClientQuotaAlteration[],
    options?: quotas.AlterClientQuotasOptions,
  ): Promise<Outcomes<quotas.ClientQuotaEntity, void>> {
    return quotas.alterClientQuotas(this.#client, alterations, options)
  }

  // Groups.

  listGroups(options?: groups.ListGroupsOptions): Promise<Listing<groups.GroupListing>> {
    return groups.listGroups(this.#client, options)
  }

  listConsumerGroups(
    options?: Omit<groups.ListGroupsOptions, 'protocolTypes'>,
  ): Promise<Listing<groups.ConsumerGroupListing>> {
    return groups.listConsumerGroups(this.#client, options)
  }

  describeConsumerGroups(
    groupIds: readonly string[],
    options?: groupDescriptions.DescribeGroupsOptions,
  ): ByName<groupDescriptions.ConsumerGroupDescription> {
    return groupDescriptions.describeConsumerGroups(this.#client, groupIds, options)
  }

  describeClassicGroups(
    groupIds: readonly string[],
    options?: groupDescriptions.DescribeGroupsOptions,
  ): ByName<groupDescriptions.ClassicGroupDescription> {
    return groupDescriptions.describeClassicGroups(this.#client, groupIds, options)
  }

  deleteConsumerGroups(groupIds: readonly string[], options?: CallOptions): ByName<void> {
    return groups.deleteGroups(this.#client, 'deleteConsumerGroups', groupIds, options)
  }

  removeMembersFromConsumerGroup(
    groupId: string,
    options?: groups.RemoveMembersOptions,
  ): Promise<Outcomes<groups.MemberToRemove, void>> {
    return groups.removeMembersFromConsumerGroup(this.#client, groupId, options)
  }

  listConsumerGroupOffsets(
    specs: readonly groupOffsets.GroupOffsetsSpec[],
    options?: groupOffsets.ListGroupOffsetsOptions,
  ): ByName<groupOffsets.CommittedOffsets> {
    return groupOffsets.listGroupOffsets(this.#client, 'listConsumerGroupOffsets', specs, options)
  }

  alterConsumerGroupOffsets(
    groupId: string,
    toCommit: readonly groupOffsets.OffsetToCommit[],
    options?: CallOptions,
  ): ByPartition<void> {
    return groupOffsets.alterGroupOffsets(this.#client, 'alterConsumerGroupOffsets', groupId, toCommit, options)
  }

  deleteConsumerGroupOffsets(
    groupId: string,
    topicPartitions: readonly TopicPartition[],
    options?: CallOptions,
  ): ByPartition<void> {
    return groupOffsets.deleteGroupOffsets(
      this.#client,
      'deleteConsumerGroupOffsets',
      groupId,
      topicPartitions,
      options,
    )
  }

  describeShareGroups(
    groupIds: readonly string[],
    options?: groupDescriptions.DescribeGroupsOptions,
  ): ByName<shareGroups.ShareGroupDescription> {
    return shareGroups.describeShareGroups(this.#client, groupIds, options)
  }

  deleteShareGroups(groupIds: readonly string[], options?: CallOptions): ByName<void> {
    return groups.deleteGroups(this.#client, 'deleteShareGroups', groupIds, options)
  }

  listShareGroupOffsets(
    specs: readonly shareGroups.ShareGroupOffsetsSpec[],
    options?: CallOptions,
  ): ByName<Outcomes<TopicPartition, shareGroups.SharePartitionOffset | null>> {
    return shareGroups.listShareGroupOffsets(this.#client, specs, options)
  }

  alterShareGroupOffsets(
    groupId: string,
    startOffsets: readonly shareGroups.ShareOffset[],
    options?: CallOptions,
  ): ByPartition<void> {
    return shareGroups.alterShareGroupOffsets(this.#client, groupId, startOffsets, options)
  }

  deleteShareGroupOffsets(groupId: string, topicNames: readonly string[], options?: CallOptions): ByName<void> {
    return shareGroups.deleteShareGroupOffsets(this.#client, groupId, topicNames, options)
  }

  describeStreamsGroups(
    groupIds: readonly string[],
    options?: groupDescriptions.DescribeGroupsOptions,
  ): ByName<streamsGroups.StreamsGroupDescription> {
    return streamsGroups.describeStreamsGroups(this.#client, groupIds, options)
  }

  deleteStreamsGroups(groupIds: readonly string[], options?: CallOptions): ByName<void> {
    return groups.deleteGroups(this.#client, 'deleteStreamsGroups', groupIds, options)
  }

  listStreamsGroupOffsets(
    specs: readonly groupOffsets.GroupOffsetsSpec[],
    options?: groupOffsets.ListGroupOffsetsOptions,
  ): ByName<groupOffsets.CommittedOffsets> {
    return groupOffsets.listGroupOffsets(this.#client, 'listStreamsGroupOffsets', specs, options)
  }

  alterStreamsGroupOffsets(
    groupId: string,
    toCommit: readonly groupOffsets.OffsetToCommit[],
    options?: CallOptions,
  ): ByPartition<void> {
    return groupOffsets.alterGroupOffsets(this.#client, 'alterStreamsGroupOffsets', groupId, toCommit, options)
  }

  deleteStreamsGroupOffsets(
    groupId: string,
    topicPartitions: readonly TopicPartition[],
    options?: CallOptions,
  ): ByPartition<void> {
    return groupOffsets.deleteGroupOffsets(this.#client, 'deleteStreamsGroupOffsets', groupId, topicPartitions, options)
  }

  // Transactions and producers.

  listTransactions(options?: transactions.ListTransactionsOptions): Promise<Listing<transactions.TransactionListing>> {
    return transactions.listTransactions(this.#client, options)
  }

  describeTransactions(
    transactionalIds: readonly string[],
    options?: CallOptions,
  ): ByName<transactions.TransactionDescription> {
    return transactions.describeTransactions(this.#client, transactionalIds, options)
  }

  describeProducers(
    topicPartitions: readonly TopicPartition[],
    options?: transactions.DescribeProducersOptions,
  ): ByPartition<readonly transactions.ProducerState[]> {
    return transactions.describeProducers(this.#client, topicPartitions, options)
  }

  fenceProducers(transactionalIds: readonly string[], options?: CallOptions): ByName<transactions.ProducerIdAndEpoch> {
    return transactions.fenceProducers(this.#client, transactionalIds, options)
  }

  abortTransaction(spec: transactions.AbortTransactionSpec, options?: CallOptions): Promise<void> {
    return transactions.abortTransaction(this.#client, spec, options)
  }

  forceTerminateTransaction(transactionalId: string, options?: CallOptions): Promise<void> {
    return transactions.forceTerminateTransaction(this.#client, transactionalId, options)
  }

  // Security.

  describeAcls(filter?: acls.AclBindingFilter, options?: CallOptions): Promise<readonly acls.AclBinding[]> {
    return acls.describeAcls(this.#client, filter, options)
  }

  createAcls(bindings: readonly acls.AclBinding[], options?: CallOptions): Promise<Outcomes<acls.AclBinding, void>> {
    return acls.createAcls(this.#client, bindings, options)
  }

  deleteAcls(
    filters: readonly acls.AclBindingFilter[],
    options?: CallOptions,
  ): Promise<Outcomes<acls.AclBindingFilter, Outcomes<acls.AclBinding, void>>> {
    return acls.deleteAcls(this.#client, filters, options)
  }

  describeUserScramCredentials(
    users?: readonly string[],
    options?: CallOptions,
  ): ByName<readonly scram.ScramCredentialInfo[]> {
    return scram.describeUserScramCredentials(this.#client, users, options)
  }

  alterUserScramCredentials(
    alterations: readonly scram.ScramCredentialAlteration[],
    options?: CallOptions,
  ): ByName<void> {
    return scram.alterUserScramCredentials(this.#client, alterations, options)
  }

  createDelegationToken(options?: tokens.CreateDelegationTokenOptions): Promise<tokens.DelegationToken> {
    return tokens.createDelegationToken(this.#client, options)
  }

  /** Resolves to when it expires now, in ms since 1970. */
  renewDelegationToken(hmac: Buffer, options?: tokens.RenewDelegationTokenOptions): Promise<number> {
    return tokens.renewDelegationToken(this.#client, hmac, options)
  }

  /** Resolves to when it expires, in ms since 1970. */
  expireDelegationToken(hmac: Buffer, options?: tokens.ExpireDelegationTokenOptions): Promise<number> {
    return tokens.expireDelegationToken(this.#client, hmac, options)
  }

  describeDelegationToken(options?: tokens.DescribeDelegationTokenOptions): Promise<readonly tokens.DelegationToken[]> {
    return tokens.describeDelegationToken(this.#client, options)
  }
}

checkArguments(AdminClient.prototype, ADMIN_ARGUMENTS, 'rejects')
