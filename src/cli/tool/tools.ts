/**
 * Every tool by the name of its script, with the class names of Kafka's that mean it, old ones too: what
 * `kafka-run-class.sh` and people's scripts say. A tool is loaded only when it runs.
 */
import type { Tool } from './tool.ts'

export interface ToolEntry {
  /** The script in bin/, without `.sh`. */
  readonly name: string
  readonly classes: readonly string[]
  readonly load: () => Promise<Tool>
}

export const TOOLS: readonly ToolEntry[] = [
  {
    name: 'kafka-dump-log',
    classes: ['org.apache.kafka.tools.DumpLogSegments', 'kafka.tools.DumpLogSegments'],
    load: async () => (await import('../dump-log/dump-log.ts')).dumpLog,
  },
  {
    name: 'kafka-storage',
    classes: ['kafka.tools.StorageTool'],
    load: async () => (await import('../storage/run-storage.ts')).storage,
  },
  {
    name: 'kafka-topics',
    classes: ['org.apache.kafka.tools.TopicCommand', 'kafka.admin.TopicCommand'],
    load: async () => (await import('../topics/topics.ts')).topics,
  },
  {
    name: 'kafka-configs',
    classes: ['kafka.admin.ConfigCommand'],
    load: async () => (await import('../configs/configs.ts')).configs,
  },
  {
    name: 'kafka-consumer-groups',
    classes: ['org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', 'kafka.admin.ConsumerGroupCommand'],
    load: async () => (await import('../consumer-groups/consumer-groups.ts')).consumerGroups,
  },
  {
    name: 'kafka-groups',
    classes: ['org.apache.kafka.tools.GroupsCommand'],
    load: async () => (await import('../groups/groups.ts')).groups,
  },
  {
    name: 'kafka-get-offsets',
    classes: ['org.apache.kafka.tools.GetOffsetShell', 'kafka.tools.GetOffsetShell'],
    load: async () => (await import('../get-offsets/get-offsets.ts')).getOffsets,
  },
  {
    name: 'kafka-delete-records',
    classes: ['org.apache.kafka.tools.DeleteRecordsCommand', 'kafka.admin.DeleteRecordsCommand'],
    load: async () => (await import('../delete-records/delete-records.ts')).deleteRecords,
  },
  {
    name: 'kafka-leader-election',
    classes: ['org.apache.kafka.tools.LeaderElectionCommand', 'kafka.admin.LeaderElectionCommand'],
    load: async () => (await import('../leader-election/leader-election.ts')).leaderElection,
  },
  {
    name: 'kafka-preferred-replica-election',
    classes: ['kafka.admin.PreferredReplicaLeaderElectionCommand'],
    load: async () => (await import('../leader-election/leader-election.ts')).preferredReplicaElection,
  },
  {
    name: 'kafka-log-dirs',
    classes: ['org.apache.kafka.tools.LogDirsCommand', 'kafka.admin.LogDirsCommand'],
    load: async () => (await import('../log-dirs/log-dirs.ts')).logDirs,
  },
  {
    name: 'kafka-metadata-quorum',
    classes: ['org.apache.kafka.tools.MetadataQuorumCommand', 'kafka.admin.MetadataQuorumCommand'],
    load: async () => (await import('../metadata-quorum/metadata-quorum.ts')).metadataQuorum,
  },
  {
    name: 'kafka-features',
    classes: ['org.apache.kafka.tools.FeatureCommand', 'kafka.admin.FeatureCommand'],
    load: async () => (await import('../features/features.ts')).features,
  },
  {
    name: 'kafka-cluster',
    classes: ['org.apache.kafka.tools.ClusterTool', 'kafka.tools.ClusterTool'],
    load: async () => (await import('../cluster/cluster.ts')).cluster,
  },
  {
    name: 'kafka-transactions',
    classes: ['org.apache.kafka.tools.TransactionsCommand'],
    load: async () => (await import('../transactions/transactions.ts')).transactions,
  },
  {
    name: 'kafka-acls',
    classes: ['org.apache.kafka.tools.AclCommand', 'kafka.admin.AclCommand'],
    load: async () => (await import('../acls/acls.ts')).acls,
  },
  {
    name: 'kafka-reassign-partitions',
    classes: ['org.apache.kafka.tools.reassign.ReassignPartitionsCommand', 'kafka.admin.ReassignPartitionsCommand'],
    load: async () => (await import('../reassign-partitions/reassign-partitions.ts')).reassignPartitions,
  },
  {
    name: 'kafka-client-metrics',
    classes: ['org.apache.kafka.tools.ClientMetricsCommand'],
    load: async () => (await import('../client-metrics/client-metrics.ts')).clientMetrics,
  },
  {
    name: 'kafka-delegation-tokens',
    classes: ['org.apache.kafka.tools.DelegationTokenCommand', 'kafka.admin.DelegationTokenCommand'],
    load: async () => (await import('../delegation-tokens/delegation-tokens.ts')).delegationTokens,
  },
  {
    name: 'kafka-broker-api-versions',
    classes: ['org.apache.kafka.tools.BrokerApiVersionsCommand', 'kafka.admin.BrokerApiVersionsCommand'],
    load: async () => (await import('../broker-api-versions/broker-api-versions.ts')).brokerApiVersions,
  },
  {
    name: 'kafka-share-groups',
    classes: ['org.apache.kafka.tools.consumer.group.ShareGroupCommand'],
    load: async () => (await import('../share-groups/share-groups.ts')).shareGroups,
  },
  {
    name: 'kafka-console-producer',
    classes: ['org.apache.kafka.tools.ConsoleProducer', 'kafka.tools.ConsoleProducer'],
    load: async () => (await import('../console-producer/console-producer.ts')).consoleProducer,
  },
  {
    name: 'kafka-console-consumer',
    classes: ['org.apache.kafka.tools.consumer.ConsoleConsumer', 'kafka.tools.ConsoleConsumer'],
    load: async () => (await import('../console-consumer/console-consumer.ts')).consoleConsumer,
  },
  {
    name: 'kafka-producer-perf-test',
    classes: ['org.apache.kafka.tools.ProducerPerformance'],
    load: async () => (await import('../producer-perf-test/producer-perf-test.ts')).producerPerfTest,
  },
  {
    name: 'kafka-consumer-perf-test',
    classes: ['org.apache.kafka.tools.ConsumerPerformance', 'kafka.tools.ConsumerPerformance'],
    load: async () => (await import('../consumer-perf-test/consumer-perf-test.ts')).consumerPerfTest,
  },
  {
    name: 'kafka-e2e-latency',
    classes: ['org.apache.kafka.tools.EndToEndLatency', 'kafka.tools.EndToEndLatency'],
    load: async () => (await import('../e2e-latency/e2e-latency.ts')).e2eLatency,
  },
  {
    name: 'kafka-verifiable-producer',
    classes: ['org.apache.kafka.tools.VerifiableProducer'],
    load: async () => (await import('../verifiable-producer/verifiable-producer.ts')).verifiableProducer,
  },
  {
    name: 'kafka-verifiable-consumer',
    classes: ['org.apache.kafka.tools.VerifiableConsumer'],
    load: async () => (await import('../verifiable-consumer/verifiable-consumer.ts')).verifiableConsumer,
  },
  {
    name: 'kafka-verifiable-share-consumer',
    classes: ['org.apache.kafka.tools.VerifiableShareConsumer'],
    load: async () =>
      (await import('../verifiable-share-consumer/verifiable-share-consumer.ts')).verifiableShareConsumer,
  },
  {
    name: 'kafka-console-share-consumer',
    classes: ['org.apache.kafka.tools.consumer.ConsoleShareConsumer'],
    load: async () => (await import('../console-share-consumer/console-share-consumer.ts')).consoleShareConsumer,
  },
  {
    name: 'kafka-share-consumer-perf-test',
    classes: ['org.apache.kafka.tools.ShareConsumerPerformance'],
    load: async () => (await import('../share-consumer-perf-test/share-consumer-perf-test.ts')).shareConsumerPerfTest,
  },
  {
    name: 'kafka-replica-verification',
    classes: ['org.apache.kafka.tools.ReplicaVerificationTool', 'kafka.tools.ReplicaVerificationTool'],
    load: async () => (await import('../replica-verification/replica-verification.ts')).replicaVerification,
  },
  {
    name: 'kafka-run-class',
    classes: [],
    load: async () => (await import('./run-class.ts')).runClass,
  },
]

export function toolNamed(name: string): ToolEntry | null {
  return TOOLS.find((tool) => tool.name === name) ?? null
}

export function toolOfClass(className: string): ToolEntry | null {
  return TOOLS.find((tool) => tool.classes.includes(className)) ?? null
}
