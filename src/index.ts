/**
 * `klamm`: a client for any Apache Kafka from 0.10 on.
 *
 *     import { Klamm, string, json } from 'klamm'
 *     const kafka = new Klamm({ brokers: 'localhost:9092' })
 *
 * The only file of the client that chooses the machine: sockets, clock and diagnostics channels of this process. What it
 * exports is what the package promises.
 */
import { channel } from 'node:diagnostics_channel'
import type { ClientOptions } from './client/client-options.ts'
import { isPlain } from './client/expected.ts'
import { KlammClient } from './client/klamm.ts'
import type { HttpPost } from './rpc/sasl/client-credentials.ts'
import { nodeWorld } from './world/node/index.ts'

export { ERROR_CODES, type ErrorCode } from './base/error-codes.ts'
export { KafkaError, OperationalError, type OperationalCode } from './base/errors.ts'
export type { Int64 } from './base/int64.ts'
export type { Logger } from './base/logger.ts'
export type { Uuid } from './base/uuid.ts'
export type * from './client/admin/acls.ts'
export { AdminClient } from './client/admin/admin.ts'
export type {
  AclOperation,
  ConfigResource,
  ConfigResourceType,
  Node,
  TopicPartitionReplica,
} from './client/admin/admin-types.ts'
export type { ClusterDescription, DescribeClusterOptions } from './client/admin/cluster.ts'
export type { ConfigEntry, ConfigSource, ConfigSynonym, ConfigType } from './client/admin/config-entry.ts'
export type {
  AlterConfigOp,
  AlterConfigsOptions,
  ConfigAlteration,
  DescribeConfigsOptions,
} from './client/admin/configs.ts'
export type * from './client/admin/delegation-tokens.ts'
export type {
  ClassicGroupDescription,
  ConsumerGroupDescription,
  DescribeGroupsOptions,
  MemberDescription,
} from './client/admin/describe-groups.ts'
export type { DescribeTopicsOptions, TopicDescription, TopicPartitionInfo } from './client/admin/describe-topics.ts'
export type {
  CommittedOffsets,
  GroupOffsetsSpec,
  ListGroupOffsetsOptions,
  OffsetAndMetadata,
  OffsetToCommit,
} from './client/admin/group-offsets.ts'
export type { GroupState, GroupType } from './client/admin/group-types.ts'
export type {
  ConsumerGroupListing,
  GroupListing,
  ListGroupsOptions,
  MemberToRemove,
  RemoveMembersOptions,
} from './client/admin/groups.ts'
export type {
  LogDirDescription,
  LogDirs,
  ReplicaInfo,
  ReplicaLogDirInfo,
  ReplicaMove,
} from './client/admin/log-dirs.ts'
export type {
  DeletedRecords,
  ListedOffset,
  ListOffsetsOptions,
  OffsetSpec,
  PartitionOffsetSpec,
  RecordsToDelete,
} from './client/admin/offsets.ts'
export { Listing, Outcomes } from './client/admin/outcomes.ts'
export type {
  AlterReassignmentsOptions,
  ElectionType,
  PartitionReassignment,
  PartitionReassignmentWish,
} from './client/admin/partitions.ts'
export type {
  DescribeFeaturesOptions,
  FeatureMetadata,
  FeatureUpdate,
  QuorumInfo,
  QuorumReplica,
  RaftVoterEndpoint,
  RaftVoterOptions,
  UpdateFeaturesOptions,
  UpgradeType,
} from './client/admin/quorum.ts'
export type {
  AlterClientQuotasOptions,
  ClientQuotaAlteration,
  ClientQuotaEntity,
  ClientQuotaFilter,
  ClientQuotaFilterComponent,
  ClientQuotas,
} from './client/admin/quotas.ts'
export type {
  ScramCredentialAlteration,
  ScramCredentialDeletion,
  ScramCredentialInfo,
  ScramCredentialUpsertion,
  ScramMechanism,
} from './client/admin/scram-credentials.ts'
export type {
  ShareGroupDescription,
  ShareGroupOffsetsSpec,
  ShareMemberDescription,
  ShareOffset,
  SharePartitionOffset,
} from './client/admin/share-groups.ts'
export type {
  StreamsAssignment,
  StreamsGroupDescription,
  StreamsMemberDescription,
  StreamsSubtopology,
  StreamsTask,
  StreamsTopicInfo,
} from './client/admin/streams-groups.ts'
export type {
  ChangeTopicsOptions,
  ListTopicsOptions,
  NewPartitions,
  NewTopic,
  TopicCollection,
  TopicCreated,
  TopicListing,
} from './client/admin/topics.ts'
export type {
  AbortTransactionSpec,
  DescribeProducersOptions,
  ListTransactionsOptions,
  ProducerIdAndEpoch,
  ProducerState,
  TransactionDescription,
  TransactionListing,
} from './client/admin/transactions.ts'
export type { ClientCredentials, HttpPost } from './rpc/sasl/client-credentials.ts'
export type { OAuthToken, OAuthTokenProvider } from './rpc/sasl/oauth-bearer.ts'
export type { UnsecuredTokenOptions } from './rpc/sasl/unsecured-token.ts'
export type { CallOptions } from './client/call.ts'
export type { ClientOptions } from './client/client-options.ts'
export type { CommitPoint, CommittedOffset } from './client/consumer/committer.ts'
export {
  Consumer,
  type CloseOptions,
  type ConsumerGroupMetadata,
  type PollOptions,
} from './client/consumer/consumer.ts'
export type { AssignorName, ConsumerOptions } from './client/consumer/consumer-options.ts'
export type {
  AssignablePartition,
  MemberAssignment,
  MemberSubscription,
  PartitionAssignor,
} from './client/consumer/group/assignors/assignor.ts'
export type { FoundOffset } from './client/consumer/offset-queries.ts'
export type { OffsetReset } from './client/consumer/offset-spec.ts'
export type { RebalanceListener } from './client/consumer/rebalance-listener.ts'
export type { ConsumedRecord, RecordChange } from './client/consumer/consumed-record.ts'
export type { ConsumerInterceptor } from './client/consumer/consumer-interceptor.ts'
export type { CommitDetail, RecordBatchView } from './client/consumer/record-batch-view.ts'
export type { RecordColumns } from './client/consumer/record-columns.ts'
export type { AcknowledgeType } from './client/share/acknowledgements.ts'
export type { AcquiredRange, ShareBatch, ShareRecord } from './client/share/share-batch.ts'
export { ShareConsumer, type AcknowledgeOutcomes } from './client/share/share-consumer.ts'
export type { ShareConsumerOptions } from './client/share/share-options.ts'
export { SubscriptionPattern, type Topics } from './client/consumer/subscription.ts'
export type { TopicPartition } from './client/consumer/topic-partition.ts'
export { optionsFromJavaProperties, type FromJavaProperties, type JavaProperties } from './client/java-properties.ts'
export type { SaslOptions } from './client/security-options.ts'
export type { TlsOptions } from './world/world.ts'
export { ClientError, isFatal, isRetriable, type ClientErrorCode } from './client/errors.ts'
export type { Partitioner } from './client/producer/partitioner.ts'
export type { ProducerInterceptor, ProducerOptions } from './client/producer/producer-options.ts'
export type {
  Bytes,
  Delivery,
  HeadersInit,
  ProducerRecord,
  RecordMetadata,
  TopicPartitionOffset,
} from './client/producer/producer-record.ts'
export { Producer, type Transaction } from './client/producer/producer.ts'
export type { Metric, MetricName, MetricsRegistry } from './metrics/registry.ts'
export { bytes, json, string, type Serde, type StandardSchema } from './client/serde.ts'

/** The clients of one cluster, on this machine. Adds nothing to KlammClient but the machine. */
export class Klamm extends KlammClient {
  /** @throws ClientError INVALID_ARGUMENT with one sentence. */
  constructor(options: ClientOptions) {
    // What is no object is refused as what it is.
    super(nodeWorld(), isPlain(options) ? { events: channel, http: post, ...options } : options)
  }
}

/** For tokens of OAUTHBEARER. Ten seconds, as Java's client gives a token endpoint. */
const post: HttpPost = async ({ url, headers, body }) => {
  // oxlint-disable-next-line no-restricted-globals, no-restricted-properties -- this file chooses the machine
  const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) })
  return { status: answer.status, body: await answer.text() }
}
