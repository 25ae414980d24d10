/**
 * What each method of the Admin may be given. Wishes are looked at strictly, since a name that nobody knows in them is a wish
 * that nobody fulfils (`partitions` of a new topic); partitions, resources and the like may have more than their names.
 */
import { CALL_OPTIONS, exactly, type MethodTable } from '../check-options.ts'
import {
  anything,
  bytes,
  either,
  flag,
  list,
  name,
  needed,
  number,
  oneOf,
  open,
  orNull,
  record,
  text,
  whole,
  word,
  type Shape,
} from '../expected.ts'
import type { AclBinding, AclBindingFilter } from './acls.ts'
import type { AdminClient } from './admin.ts'
import type { ConfigResource, TopicPartition, TopicPartitionReplica } from './admin-types.ts'
import type { DescribeClusterOptions } from './cluster.ts'
import type { AlterConfigOp, AlterConfigsOptions, ConfigAlteration, DescribeConfigsOptions } from './configs.ts'
import type * as tokens from './delegation-tokens.ts'
import type { DescribeGroupsOptions } from './describe-groups.ts'
import type { DescribeTopicsOptions } from './describe-topics.ts'
import type { GroupOffsetsSpec, ListGroupOffsetsOptions, OffsetToCommit } from './group-offsets.ts'
import type { ListGroupsOptions, MemberToRemove, RemoveMembersOptions } from './groups.ts'
import type { ReplicaMove } from './log-dirs.ts'
import {
  NAMED_OFFSETS,
  type ListOffsetsOptions,
  type NamedOffset,
  type PartitionOffsetSpec,
  type RecordsToDelete,
} from './offsets.ts'
import type { AlterReassignmentsOptions, PartitionReassignmentWish } from './partitions.ts'
import type * as quorum from './quorum.ts'
import type * as quotas from './quotas.ts'
import type { ScramCredentialDeletion, ScramCredentialUpsertion } from './scram-credentials.ts'
import type { ShareOffset } from './share-groups.ts'
import type { ChangeTopicsOptions, ListTopicsOptions, NewPartitions, NewTopic } from './topics.ts'
import type * as transactions from './transactions.ts'

const options = exactly(CALL_OPTIONS)
const validateOnly = exactly<AlterConfigsOptions>({ ...CALL_OPTIONS, validateOnly: flag })

const PARTITION: Shape<TopicPartition> = { topic: needed(name), partition: needed(whole) }
const REPLICA: Shape<TopicPartitionReplica> = { ...PARTITION, brokerId: needed(whole) }
const RESOURCE: Shape<ConfigResource> = { type: needed(word()), name: needed(text) }
const ACL: Shape<AclBinding> = {
  resourceType: needed(word()),
  resourceName: needed(text),
  patternType: needed(word()),
  principal: needed(text),
  host: needed(text),
  operation: needed(word()),
  permissionType: needed(word()),
}
const ACL_FILTER: Shape<AclBindingFilter> = {
  resourceType: word(),
  resourceName: orNull(text),
  patternType: word(),
  principal: orNull(text),
  host: orNull(text),
  operation: word(),
  permissionType: word(),
}
const PRINCIPAL: Shape<tokens.KafkaPrincipal> = { type: needed(text), name: needed(text) }
const ENDPOINT: Shape<quorum.RaftVoterEndpoint> = { name: needed(text), host: needed(text), port: needed(whole) }

const partitions = list(open(PARTITION))
const names = list(text)
const groupIds = needed(names)
const groupId = needed(text)
const principals = list(open(PRINCIPAL))
const replicaLists = list(list(whole))
const topicCollection = either(list(text), exactly<{ readonly ids: readonly string[] }>({ ids: needed(list(text)) }))
const changeTopics: Shape<ChangeTopicsOptions> = { ...CALL_OPTIONS, validateOnly: flag, retryOnQuotaViolation: flag }
const describeGroups = exactly<DescribeGroupsOptions>({ ...CALL_OPTIONS, includeAuthorizedOperations: flag })
const listGroups: Shape<ListGroupsOptions> = {
  ...CALL_OPTIONS,
  states: list(word()),
  types: list(word()),
  protocolTypes: names,
}
const groupOffsets = exactly<GroupOffsetsSpec>({ groupId: needed(text), partitions })
const groupOffsetsOptions = exactly<ListGroupOffsetsOptions>({ ...CALL_OPTIONS, requireStable: flag })
const voterOptions = exactly<quorum.RaftVoterOptions>({ ...CALL_OPTIONS, clusterId: text })
const offsetSpec = either(
  oneOf<NamedOffset>(...NAMED_OFFSETS),
  exactly<{ readonly timestamp: number }>({ timestamp: needed(number) }),
)
const toCommit = list(
  open<OffsetToCommit>({ ...PARTITION, offset: needed(number), metadata: text, leaderEpoch: orNull(whole) }),
)
const upsertion: Shape<ScramCredentialUpsertion> = {
  user: needed(text),
  mechanism: needed(word()),
  password: needed(either(text, bytes)),
  iterations: number,
  salt: bytes,
}
const deletion: Shape<ScramCredentialDeletion> = {
  user: needed(text),
  mechanism: needed(word()),
  delete: needed(anything()),
}

type Method = Exclude<keyof AdminClient, 'isClosed' | 'metrics' | 'close' | symbol>

export const ADMIN_ARGUMENTS: MethodTable<Method> = {
  describeCluster: {
    options: exactly<DescribeClusterOptions>({
      ...CALL_OPTIONS,
      includeAuthorizedOperations: flag,
      includeFencedBrokers: flag,
    }),
  },
  unregisterBroker: { brokerId: needed(whole), options },
  describeMetadataQuorum: { options },
  addRaftVoter: {
    voterId: needed(whole),
    voterDirectoryId: needed(text),
    endpoints: needed(list(open(ENDPOINT))),
    options: voterOptions,
  },
  removeRaftVoter: { voterId: needed(whole), voterDirectoryId: needed(text), options: voterOptions },
  describeFeatures: { options: exactly<quorum.DescribeFeaturesOptions>({ ...CALL_OPTIONS, nodeId: whole }) },
  updateFeatures: {
    updates: needed(
      list(
        exactly<quorum.FeatureUpdate>({ feature: needed(text), maxVersionLevel: needed(whole), upgradeType: word() }),
      ),
    ),
    options: validateOnly,
  },
  clientInstanceId: { options },

  createTopics: {
    newTopics: needed(
      list(
        exactly<NewTopic>({
          name: needed(name),
          numPartitions: whole,
          replicationFactor: whole,
          replicasAssignments: replicaLists,
          configs: record(text),
        }),
      ),
    ),
    options: exactly(changeTopics),
  },
  deleteTopics: { collection: needed(topicCollection), options: exactly(changeTopics) },
  listTopics: { options: exactly<ListTopicsOptions>({ ...CALL_OPTIONS, listInternal: flag }) },
  describeTopics: {
    collection: needed(topicCollection),
    options: exactly<DescribeTopicsOptions>({
      ...CALL_OPTIONS,
      includeAuthorizedOperations: flag,
      partitionSizeLimitPerResponse: whole,
    }),
  },
  createPartitions: {
    newPartitions: needed(
      list(exactly<NewPartitions>({ topic: needed(name), totalCount: needed(whole), newAssignments: replicaLists })),
    ),
    options: exactly(changeTopics),
  },

  electLeaders: { electionType: needed(word()), topicPartitions: needed(orNull(partitions)), options },
  alterPartitionReassignments: {
    reassignments: needed(
      list(open<PartitionReassignmentWish>({ ...PARTITION, targetReplicas: needed(orNull(list(whole))) })),
    ),
    options: exactly<AlterReassignmentsOptions>({ ...CALL_OPTIONS, allowReplicationFactorChange: flag }),
  },
  listPartitionReassignments: { topicPartitions: orNull(partitions), options },
  describeLogDirs: { brokers: needed(list(whole)), options },
  describeReplicaLogDirs: { replicas: needed(list(open(REPLICA))), options },
  alterReplicaLogDirs: { moves: needed(list(open<ReplicaMove>({ ...REPLICA, logDir: needed(text) }))), options },

  listOffsets: {
    specs: needed(list(open<PartitionOffsetSpec>({ ...PARTITION, spec: needed(offsetSpec) }))),
    options: exactly<ListOffsetsOptions>({
      ...CALL_OPTIONS,
      isolationLevel: oneOf('read_uncommitted', 'read_committed'),
    }),
  },
  deleteRecords: {
    toDelete: needed(list(open<RecordsToDelete>({ ...PARTITION, beforeOffset: needed(whole) }))),
    options,
  },

  describeConfigs: {
    resources: needed(list(open(RESOURCE))),
    options: exactly<DescribeConfigsOptions>({ ...CALL_OPTIONS, includeSynonyms: flag, includeDocumentation: flag }),
  },
  incrementalAlterConfigs: {
    alterations: needed(
      list(
        exactly<ConfigAlteration>({
          resource: needed(open(RESOURCE)),
          operations: needed(
            list(exactly<AlterConfigOp>({ name: needed(text), value: orNull(text), operation: word() })),
          ),
        }),
      ),
    ),
    options: validateOnly,
  },
  listConfigResources: { types: list(word()), options },
  listClientMetricsResources: { options },
  describeClientQuotas: {
    filter: exactly<quotas.ClientQuotaFilter>({
      components: list(exactly<quotas.ClientQuotaFilterComponent>({ entityType: needed(text), match: orNull(text) })),
      strict: flag,
    }),
    options,
  },
  alterClientQuotas: {
    alterations: needed(
      list(
        exactly<quotas.ClientQuotaAlteration>({
          entity: needed(record(orNull(text))),
          quotas: needed(record(orNull(number))),
        }),
      ),
    ),
    options: validateOnly,
  },

  listGroups: { options: exactly(listGroups) },
  listConsumerGroups: { options: exactly(listGroups) },
  describeConsumerGroups: { groupIds, options: describeGroups },
  describeClassicGroups: { groupIds, options: describeGroups },
  deleteConsumerGroups: { groupIds, options },
  removeMembersFromConsumerGroup: {
    groupId,
    options: exactly<RemoveMembersOptions>({
      ...CALL_OPTIONS,
      members: list(open<MemberToRemove>({ groupInstanceId: text, memberId: text })),
      reason: text,
    }),
  },
  listConsumerGroupOffsets: { specs: needed(list(groupOffsets)), options: groupOffsetsOptions },
  alterConsumerGroupOffsets: { groupId, toCommit: needed(toCommit), options },
  deleteConsumerGroupOffsets: { groupId, topicPartitions: needed(partitions), options },
  describeShareGroups: { groupIds, options: describeGroups },
  deleteShareGroups: { groupIds, options },
  listShareGroupOffsets: { specs: needed(list(groupOffsets)), options },
  alterShareGroupOffsets: {
    groupId,
    startOffsets: needed(list(open<ShareOffset>({ ...PARTITION, startOffset: needed(whole) }))),
    options,
  },
  deleteShareGroupOffsets: { groupId, topicNames: needed(names), options },
  describeStreamsGroups: { groupIds, options: describeGroups },
  deleteStreamsGroups: { groupIds, options },
  listStreamsGroupOffsets: { specs: needed(list(groupOffsets)), options: groupOffsetsOptions },
  alterStreamsGroupOffsets: { groupId, toCommit: needed(toCommit), options },
  deleteStreamsGroupOffsets: { groupId, topicPartitions: needed(partitions), options },

  listTransactions: {
    options: exactly<transactions.ListTransactionsOptions>({
      ...CALL_OPTIONS,
      states: names,
      producerIds: list(anything()),
      durationMs: number,
      transactionalIdPattern: text,
    }),
  },
  describeTransactions: { transactionalIds: needed(names), options },
  describeProducers: {
    topicPartitions: needed(partitions),
    options: exactly<transactions.DescribeProducersOptions>({ ...CALL_OPTIONS, brokerId: whole }),
  },
  fenceProducers: { transactionalIds: needed(names), options },
  abortTransaction: {
    spec: needed(
      open<transactions.AbortTransactionSpec>({
        ...PARTITION,
        producerId: needed(anything()),
        producerEpoch: needed(whole),
        coordinatorEpoch: needed(whole),
      }),
    ),
    options,
  },
  forceTerminateTransaction: { transactionalId: needed(text), options },

  describeAcls: { filter: exactly(ACL_FILTER), options },
  createAcls: { bindings: needed(list(exactly(ACL))), options },
  deleteAcls: { filters: needed(list(exactly(ACL_FILTER))), options },
  describeUserScramCredentials: { users: names, options },
  alterUserScramCredentials: {
    alterations: needed(
      list({
        ...exactly(upsertion),
        inside: (wish: object, place) =>
          ('delete' in wish ? exactly(deletion) : exactly(upsertion)).inside(wish as never, place),
      }),
    ),
    options,
  },
  createDelegationToken: {
    options: exactly<tokens.CreateDelegationTokenOptions>({
      ...CALL_OPTIONS,
      renewers: principals,
      owner: open(PRINCIPAL),
      maxLifetimeMs: number,
    }),
  },
  renewDelegationToken: {
    hmac: needed(bytes),
    options: exactly<tokens.RenewDelegationTokenOptions>({ ...CALL_OPTIONS, renewTimePeriodMs: number }),
  },
  expireDelegationToken: {
    hmac: needed(bytes),
    options: exactly<tokens.ExpireDelegationTokenOptions>({ ...CALL_OPTIONS, expiryTimePeriodMs: number }),
  },
  describeDelegationToken: {
    options: exactly<tokens.DescribeDelegationTokenOptions>({ ...CALL_OPTIONS, owners: principals }),
  },
}
