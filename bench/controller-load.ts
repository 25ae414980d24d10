/** Metadata of a cluster of six brokers, put into the log of a controller by asking it as brokers and clients do. */
import type { Uuid } from '../src/base/uuid.ts'
import { BrokerHeartbeatRequest } from '../src/protocol/generated/broker-heartbeat.ts'
import { BrokerRegistrationRequest } from '../src/protocol/generated/broker-registration.ts'
import { CreateTopicsRequest } from '../src/protocol/generated/create-topics.ts'
import { CLUSTER_ID, type MetadataNode } from '../src/testing/metadata-node.ts'

const LATEST = { apiVersion: 99, clientHost: null }
const BROKERS = [1, 2, 3, 4, 5, 6]
const PARTITIONS_EACH = 100

const epochs = new Map<number, number>()

export async function registerBrokers(node: MetadataNode): Promise<void> {
  for (const id of BROKERS) await register(node, id)
  for (const id of BROKERS) await heartbeat(node, id)
}

async function register({ controller }: MetadataNode, brokerId: number): Promise<void> {
  const { brokerEpoch } = await controller.registerBroker(
    BrokerRegistrationRequest.make({
      brokerId,
      clusterId: CLUSTER_ID,
      incarnationId: `iiiiiiiiiiiiiiiiiii${brokerId}DA` as Uuid,
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
      logDirs: [`ddddddddddddddddddd${brokerId}DA` as Uuid],
    }),
    LATEST,
  )
  epochs.set(brokerId, Number(brokerEpoch))
}

export async function heartbeat(
  { controller, quorum }: MetadataNode,
  brokerId: number,
  wantShutDown = false,
): Promise<void> {
  const brokerEpoch = epochs.get(brokerId) ?? -1
  const currentMetadataOffset = quorum.endOffset - 1
  const request = BrokerHeartbeatRequest.make({ brokerId, brokerEpoch, currentMetadataOffset, wantShutDown })
  await controller.brokerHeartbeat(request, LATEST)
}

export async function create({ controller }: MetadataNode, name: string, numPartitions: number): Promise<void> {
  const request = CreateTopicsRequest.make({ topics: [{ name, numPartitions, replicationFactor: 3 }] })
  const { topics } = await controller.createTopics(request, LATEST)
  const { errorCode, errorMessage } = topics?.[0] ?? {}
  if (errorCode !== 0) throw new Error(`${name}: ${errorMessage}`)
}

/** Topics of 100 partitions. */
export async function createLarge(node: MetadataNode, partitions: number): Promise<void> {
  const names = Array.from({ length: Math.round(partitions / PARTITIONS_EACH) }, (_, index) => `large-${index}`)
  await Promise.all(names.map((name) => create(node, name, PARTITIONS_EACH)))
}
