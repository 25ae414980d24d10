/**
 * The Admin: what may be asked and changed about a cluster, by the names of Java's Admin in camelCase.
 *
 * This class only delegates: each family of calls has a file of its own, which says what it asks of whom. docs/ADMIN.md is
 * the table of all methods. A method over many keys gives back `Outcomes`: a value or an error for each.
 */
import type { CallOptions } from '../call.ts'
import type { ResolvedClientOptions } from '../client-options.ts'
import { NetworkClient, type ClientWorld } from '../network-client.ts'
import type { ConfigResource, ConfigResourceType, TopicPartition } from './admin-types.ts'
import * as cluster from './cluster.ts'
import type { ConfigEntry } from './config-entry.ts'
import * as configs from './configs.ts'
import * as describing from './describe-topics.ts'
import * as offsets from './offsets.ts'
import type { Outcomes } from './outcomes.ts'
import * as topics from './topics.ts'

export class AdminClient implements AsyncDisposable {
  readonly #client: NetworkClient

  constructor(world: ClientWorld, options: ResolvedClientOptions) {
    this.#client = new NetworkClient(world, options)
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

  // Topics.

  createTopics(
    newTopics: readonly topics.NewTopic[],
    options?: topics.ChangeTopicsOptions,
  ): Promise<Outcomes<string, topics.TopicCreated>> {
    return topics.createTopics(this.#client, newTopics, options)
  }

  /** By name, or `{ ids }`; the outcomes have the same keys. */
  deleteTopics(
    collection: topics.TopicCollection,
    options?: Omit<topics.ChangeTopicsOptions, 'validateOnly'>,
  ): Promise<Outcomes<string, void>> {
    return topics.deleteTopics(this.#client, collection, options)
  }

  listTopics(options?: topics.ListTopicsOptions): Promise<readonly topics.TopicListing[]> {
    return topics.listTopics(this.#client, options)
  }

  /** By name, or `{ ids }`; the outcomes have the same keys. */
  describeTopics(
    collection: topics.TopicCollection,
    options?: describing.DescribeTopicsOptions,
  ): Promise<Outcomes<string, describing.TopicDescription>> {
    return describing.describeTopics(this.#client, collection, options)
  }

  createPartitions(
    newPartitions: readonly topics.NewPartitions[],
    options?: topics.ChangeTopicsOptions,
  ): Promise<Outcomes<string, void>> {
    return topics.createPartitions(this.#client, newPartitions, options)
  }

  // Records.

  listOffsets(
    partitions: readonly offsets.PartitionOffsetSpec[],
    options?: offsets.ListOffsetsOptions,
  ): Promise<Outcomes<TopicPartition, offsets.ListedOffset>> {
    return offsets.listOffsets(this.#client, partitions, options)
  }

  deleteRecords(
    partitions: readonly offsets.RecordsToDelete[],
    options?: CallOptions,
  ): Promise<Outcomes<TopicPartition, offsets.DeletedRecords>> {
    return offsets.deleteRecords(this.#client, partitions, options)
  }

  // Configuration.

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
}
