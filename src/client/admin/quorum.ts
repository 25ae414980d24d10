/** The quorum that keeps the metadata log (KIP-836), its voters (KIP-853), and the features that are in force (KIP-584). */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64, type Int64 } from '../../base/int64.ts'
import type { Uuid } from '../../base/uuid.ts'
import { AddRaftVoter } from '../../protocol/generated/add-raft-voter.ts'
import { ApiVersions } from '../../protocol/generated/api-versions.ts'
import { DescribeQuorum, type DescribeQuorumResponse } from '../../protocol/generated/describe-quorum.ts'
import { RemoveRaftVoter } from '../../protocol/generated/remove-raft-voter.ts'
import { UpdateFeatures } from '../../protocol/generated/update-features.ts'
import type { CallOptions } from '../call.ts'
import { ClientError, errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { ask, askByKey } from './admin-call.ts'
import { byName, Codes } from './admin-types.ts'
import type { Outcomes } from './outcomes.ts'
import { routeTo } from './routes.ts'

export interface QuorumReplica {
  readonly replicaId: number
  readonly replicaDirectoryId: Uuid
  readonly logEndOffset: number
  /** In ms since 1970, of the leader's clock; null: not known. */
  readonly lastFetchTimestamp: number | null
  readonly lastCaughtUpTimestamp: number | null
}

export interface RaftVoterEndpoint {
  /** The listener's name. */
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface QuorumInfo {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly voters: readonly QuorumReplica[]
  readonly observers: readonly QuorumReplica[]
  /** Of the voters; empty: a broker before 3.9 does not tell. */
  readonly nodes: readonly { readonly nodeId: number; readonly endpoints: readonly RaftVoterEndpoint[] }[]
}

const METADATA_TOPIC = '__cluster_metadata'

export async function describeMetadataQuorum(client: NetworkClient, options: CallOptions = {}): Promise<QuorumInfo> {
  const question = { name: 'describeMetadataQuorum', target: 'active', fromControllers: true } as const
  return ask(client, question, options, async (node) => {
    const topics = [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }]
    const answer = await node.ask(DescribeQuorum, { topics })
    throwOnError(answer.errorCode, answer.errorMessage)
    const partition = answer.topics[0]?.partitions[0]
    if (answer.topics.length !== 1 || answer.topics[0]!.topicName !== METADATA_TOPIC || partition === undefined) {
      throw new KafkaError('UNKNOWN_SERVER_ERROR', `The answer is not about ${METADATA_TOPIC}-0.`)
    }
    throwOnError(partition.errorCode, partition.errorMessage)
    return {
      leaderId: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      highWatermark: clampInt64(partition.highWatermark),
      voters: partition.currentVoters.map(quorumReplica),
      observers: partition.observers.map(quorumReplica),
      nodes: answer.nodes.map(({ nodeId, listeners }) => ({
        nodeId,
        endpoints: listeners.map(({ name, host, port }) => ({ name, host, port })),
      })),
    }
  })
}

function quorumReplica(told: DescribeQuorumResponse.ReplicaState): QuorumReplica {
  return {
    replicaId: told.replicaId,
    replicaDirectoryId: told.replicaDirectoryId,
    logEndOffset: clampInt64(told.logEndOffset),
    lastFetchTimestamp: timestamp(told.lastFetchTimestamp),
    lastCaughtUpTimestamp: timestamp(told.lastCaughtUpTimestamp),
  }
}

function timestamp(told: Int64): number | null {
  return told === -1 ? null : clampInt64(told)
}

export interface RaftVoterOptions extends CallOptions {
  /** Refused with INCONSISTENT_CLUSTER_ID by another cluster. */
  readonly clusterId?: string
}

export async function addRaftVoter(
  client: NetworkClient,
  voterId: number,
  voterDirectoryId: Uuid,
  endpoints: readonly RaftVoterEndpoint[],
  options: RaftVoterOptions = {},
): Promise<void> {
  const question = { name: 'addRaftVoter', target: 'active', fromControllers: true } as const
  await ask(client, question, options, async (node) => {
    const { clusterId = null } = options
    const listeners = endpoints.map(({ name, host, port }) => ({ name, host, port }))
    const request = { clusterId, timeoutMs: node.timeoutMs, voterId, voterDirectoryId, listeners }
    const answer = await node.ask(AddRaftVoter, request)
    throwOnError(answer.errorCode, answer.errorMessage)
  })
}

export async function removeRaftVoter(
  client: NetworkClient,
  voterId: number,
  voterDirectoryId: Uuid,
  options: RaftVoterOptions = {},
): Promise<void> {
  const question = { name: 'removeRaftVoter', target: 'active', fromControllers: true } as const
  await ask(client, question, options, async (node) => {
    const { clusterId = null } = options
    const answer = await node.ask(RemoveRaftVoter, { clusterId, voterId, voterDirectoryId })
    throwOnError(answer.errorCode, answer.errorMessage)
  })
}

export interface FeatureMetadata {
  readonly finalizedFeatures: Readonly<
    Record<string, { readonly minVersionLevel: number; readonly maxVersionLevel: number }>
  >
  /** Null: the broker does not tell. */
  readonly finalizedFeaturesEpoch: number | null
  readonly supportedFeatures: Readonly<Record<string, { readonly minVersion: number; readonly maxVersion: number }>>
}

export interface DescribeFeaturesOptions extends CallOptions {
  /** What this node supports; any node's if left out. */
  readonly nodeId?: number
}

export async function describeFeatures(
  client: NetworkClient,
  options: DescribeFeaturesOptions = {},
): Promise<FeatureMetadata> {
  const { nodeId: target = 'active' } = options
  return ask(client, { name: 'describeFeatures', target, fromControllers: true }, options, async (node) => {
    const { name, version } = client.options.software
    const answer = await node.ask(ApiVersions, { clientSoftwareName: name, clientSoftwareVersion: version })
    throwOnError(answer.errorCode)
    const epoch = clampInt64(answer.finalizedFeaturesEpoch)
    return {
      finalizedFeatures: Object.fromEntries(
        answer.finalizedFeatures.map(({ name: feature, minVersionLevel, maxVersionLevel }) => {
          return [feature, { minVersionLevel, maxVersionLevel }]
        }),
      ),
      finalizedFeaturesEpoch: epoch < 0 ? null : epoch,
      supportedFeatures: Object.fromEntries(
        answer.supportedFeatures.map(({ name: feature, minVersion, maxVersion }) => [
          feature,
          { minVersion, maxVersion },
        ]),
      ),
    }
  })
}

export type UpgradeType = 'UPGRADE' | 'SAFE_DOWNGRADE' | 'UNSAFE_DOWNGRADE'
const UPGRADE_TYPES = new Codes<UpgradeType>({ UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 })

export interface FeatureUpdate {
  readonly feature: string
  /** 0 takes the feature away. */
  readonly maxVersionLevel: number
  /** UPGRADE if left out. */
  readonly upgradeType?: UpgradeType
}

export interface UpdateFeaturesOptions extends CallOptions {
  readonly validateOnly?: boolean
}

export async function updateFeatures(
  client: NetworkClient,
  updates: readonly FeatureUpdate[],
  options: UpdateFeaturesOptions = {},
): Promise<Outcomes<string, void>> {
  const { validateOnly = false } = options
  if (updates.length === 0) throw new ClientError('INVALID_ARGUMENT', 'Feature updates can not be null or empty.')
  if (updates.some(({ feature }) => feature.trim() === '')) {
    throw new ClientError('INVALID_ARGUMENT', 'Provided feature can not be empty.')
  }
  const wanted = new Map(updates.map((update) => [update.feature, update]))
  return askByKey<string, void>(
    client,
    {
      name: 'updateFeatures',
      fromControllers: true,
      keys: updates.map(({ feature }) => feature),
      textOf: byName,
      route: routeTo('controller'),
      ask: async (node, features) => {
        // Version 0 (before 3.3) knows only whether a level may go down.
        const isOld = node.versions.choose(UpdateFeatures, validateOnly ? { min: 1 } : {}) === 0
        const featureUpdates = features.map((feature) => {
          const { maxVersionLevel, upgradeType = 'UPGRADE' } = wanted.get(feature)!
          return isOld
            ? { feature, maxVersionLevel, allowDowngrade: upgradeType !== 'UPGRADE' }
            : { feature, maxVersionLevel, upgradeType: UPGRADE_TYPES.code(upgradeType) }
        })
        const answer = await node.ask(UpdateFeatures, { timeoutMs: node.timeoutMs, validateOnly, featureUpdates })
        throwOnError(answer.errorCode, answer.errorMessage)
        const told = new Map(answer.results.map((result) => [result.feature, result]))
        // From version 2 on all succeed, or the whole request fails.
        return features.map((feature) => {
          const result = told.get(feature)
          return [
            feature,
            result === undefined ? undefined : (errorOf(result.errorCode, result.errorMessage) ?? undefined),
          ]
        })
      },
    },
    options,
  )
}
