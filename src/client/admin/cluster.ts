/**
 * The cluster as a whole: its nodes and controller (DescribeCluster, KIP-700; Metadata before 2.8), and brokers that are
 * taken off its books.
 */
import { DescribeCluster } from '../../protocol/generated/describe-cluster.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { UnregisterBroker } from '../../protocol/generated/unregister-broker.ts'
import type { CallOptions } from '../call.ts'
import { ClientError, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, type AdminNode } from './admin-call.ts'
import { authorizedOperations, type AclOperation, type Node } from './admin-types.ts'

export interface ClusterNodeDescription extends Node {
  /** Fenced brokers come only when they were asked for. */
  readonly isFenced: boolean
}

export interface ClusterDescription {
  /** Null: a broker before 0.10.1 does not tell. */
  readonly clusterId: string | null
  readonly nodes: readonly ClusterNodeDescription[]
  /** Null: none just now. From a KRaft broker: some broker, which passes requests on. */
  readonly controller: Node | null
  /** Null unless asked for. */
  readonly authorizedOperations: readonly AclOperation[] | null
}

export interface DescribeClusterOptions extends CallOptions {
  readonly includeAuthorizedOperations?: boolean
  /** KIP-1073, brokers from 4.1. */
  readonly includeFencedBrokers?: boolean
}

const ENDPOINT_TYPES = { brokers: 1, controllers: 2 } as const

export async function describeCluster(
  client: NetworkClient,
  options: DescribeClusterOptions = {},
): Promise<ClusterDescription> {
  const { includeFencedBrokers = false } = options
  if (client.options.endpoint === 'controllers' && includeFencedBrokers) {
    throw new ClientError('INVALID_ARGUMENT', 'Cannot request fenced brokers from controller endpoint')
  }
  return ask(client, { name: 'listNodes', target: 'active', fromControllers: true }, options, async (node) => {
    const isOld = node.versions.find(DescribeCluster) === null && !includeFencedBrokers
    return isOld && client.options.endpoint === 'brokers'
      ? describeByMetadata(node, options)
      : describe(node, client.options.endpoint, options)
  })
}

async function describe(
  node: AdminNode,
  endpoint: 'brokers' | 'controllers',
  { includeAuthorizedOperations = false, includeFencedBrokers = false }: DescribeClusterOptions,
): Promise<ClusterDescription> {
  const request = {
    includeClusterAuthorizedOperations: includeAuthorizedOperations,
    endpointType: ENDPOINT_TYPES[endpoint],
    includeFencedBrokers,
  }
  const min = includeFencedBrokers ? 2 : endpoint === 'controllers' ? 1 : 0
  const answer = await node.ask(DescribeCluster, request, { versions: { min } })
  throwOnError(answer.errorCode, answer.errorMessage)
  const nodes = answer.brokers.map(({ brokerId: id, host, port, rack, isFenced }) => ({
    id,
    host,
    port,
    rack,
    isFenced,
  }))
  return {
    clusterId: answer.clusterId,
    nodes,
    controller: nodes.find(({ id }) => id === answer.controllerId) ?? null,
    authorizedOperations: authorizedOperations(answer.clusterAuthorizedOperations),
  }
}

async function describeByMetadata(
  node: AdminNode,
  { includeAuthorizedOperations = false }: DescribeClusterOptions,
): Promise<ClusterDescription> {
  const versions = includeAuthorizedOperations ? { min: 8, max: 10 } : { min: 1 }
  const request = { topics: [], includeClusterAuthorizedOperations: includeAuthorizedOperations }
  const answer = await node.ask(Metadata, request, { versions })
  const nodes = answer.brokers.map(({ nodeId: id, host, port, rack }) => ({ id, host, port, rack, isFenced: false }))
  return {
    clusterId: answer.clusterId,
    nodes,
    controller: nodes.find(({ id }) => id === answer.controllerId) ?? null,
    authorizedOperations: authorizedOperations(answer.clusterAuthorizedOperations),
  }
}

/** The cluster forgets a broker that is gone for good (KIP-631). */
export async function unregisterBroker(client: NetworkClient, brokerId: number, call: CallOptions = {}): Promise<void> {
  const question = { name: 'unregisterBroker', target: 'active', fromControllers: true } as const
  await ask(client, question, call, async (node) => {
    const answer = await node.ask(UnregisterBroker, { brokerId })
    throwOnError(answer.errorCode, answer.errorMessage)
  })
}
