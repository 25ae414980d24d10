/** The fetchers of a broker's follower replicas, with what they need of the node: addresses, epochs, settings. */
import { OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ReplicationQuota } from '../replication/replication-quota.ts'
import { ReplicaFetchers } from '../replication/replica-fetchers.ts'
import type { LogManager } from '../storage/log-manager.ts'
import type { Clock } from '../world/world.ts'
import type { BrokerPeers } from './broker-peers.ts'
import type { DynamicConfigs } from './dynamic-configs.ts'
import { endpointOf } from './endpoints.ts'

export interface FollowLeadersOptions {
  readonly logs: LogManager
  readonly logger: Logger
  readonly peers: BrokerPeers
  /** The newest one: a leader may be named before the change that registered it is in force here. */
  readonly image: () => MetadataImage
  readonly configs: DynamicConfigs
  readonly brokerEpoch: () => number
  readonly quota: ReplicationQuota
  readonly broken: (error: unknown) => void
}

export function followLeaders(clock: Clock, config: BrokerConfig, options: FollowLeadersOptions): ReplicaFetchers {
  const { logs, logger, peers, image, configs, brokerEpoch, quota, broken } = options
  return new ReplicaFetchers({
    clock,
    logger,
    logs,
    dial: async (brokerId) => {
      const broker = image().cluster.brokers.get(brokerId)
      const endpoint = broker === undefined ? null : endpointOf(broker, config.interBrokerListenerName)
      if (endpoint === null) throw new OperationalError('NETWORK_FAILED', `broker ${brokerId} is not registered`)
      return peers.dial(endpoint, config.replicaSocketTimeoutMs)
    },
    identity: () => ({
      nodeId: config.nodeId,
      brokerEpoch: brokerEpoch(),
      metadataVersion: image().features.metadataVersion,
    }),
    settings: () => ({
      waitMaxMs: config.replicaFetchWaitMaxMs,
      minBytes: config.replicaFetchMinBytes,
      responseMaxBytes: config.replicaFetchResponseMaxBytes,
      maxBytes: config.replicaFetchMaxBytes,
      backoffMs: config.replicaFetchBackoffMs,
    }),
    quota,
    fetchersPerLeader: () => configs.current.numReplicaFetchers,
    broken,
  })
}
