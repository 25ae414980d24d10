/** AssignReplicasToDirs (KIP-858): a broker says in which of its log directories it has put replicas. */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/generated/assign-replicas-to-dirs.ts'
import { directoriesSupported } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { isOnlineDirectory } from '../metadata/online-directories.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { TopicImage } from '../metadata/topics-image.ts'
import { KafkaError } from '../base/errors.ts'
import type { BrokerImage } from '../metadata/cluster-image.ts'
import { checkedBroker } from './brokers.ts'
import type { ControllerState, Decision } from './decision.ts'
import { isActiveBroker, ownElection } from './leadership-changes.ts'
import { partitionChange, type ChangeWanted } from './partition-changes.ts'
import { topicRules } from './topic-rules.ts'

/** @throws KafkaError, which answers the request. */
export function assignReplicasToDirs(
  state: ControllerState,
  request: AssignReplicasToDirsRequest,
): Decision<Init<AssignReplicasToDirsResponse>> {
  if (!directoriesSupported(state.image.features.metadataVersion)) {
    throw new KafkaError('UNSUPPORTED_VERSION', 'Directory assignment is not supported yet.')
  }
  const broker = checkedBroker(state, request.brokerId, request.brokerEpoch)
  const records: MetadataRecord[] = []
  const offline: PartitionChange[] = []
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const found = replicaOf(state.image, broker, topicId, partitionIndex)
        if (typeof found === 'string') return { partitionIndex, errorCode: ERROR_CODES[found] }
        const change = { topic: found, partitionId: partitionIndex }
        const record = changeOf(state, change, { directory: { brokerId: broker.id, id } })
        if (record !== null) records.push(record)
        if (!isOnlineDirectory(broker, id)) offline.push(change)
        return { partitionIndex, errorCode: 0 }
      }),
    })),
  }))
  // What lies in a directory that is lost the broker neither leads nor holds in sync.
  for (const change of offline) {
    const isr = change.topic.partitions[change.partitionId]?.isr.filter((member) => member !== broker.id) ?? []
    const record = changeOf(state, change, { isr, leaves: broker.id })
    if (record !== null) records.push(record)
  }
  return { records, answer: { errorCode: 0, directories }, atomic: false }
}

interface PartitionChange {
  readonly topic: TopicImage
  readonly partitionId: number
}

/** The topic, if the broker has a replica of the partition. */
function replicaOf(
  { topics }: MetadataImage,
  broker: BrokerImage,
  topicId: Uuid,
  partitionId: number,
): TopicImage | ErrorCode {
  const topic = topics.byId(topicId)
  if (topic === null) return 'UNKNOWN_TOPIC_ID'
  const partition = topic.partitions[partitionId]
  if (partition === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  return partition.replicas.includes(broker.id) ? topic : 'NOT_LEADER_OR_FOLLOWER'
}

/** Null: it is so already. */
function changeOf(
  { image, rules }: ControllerState,
  { topic, partitionId }: PartitionChange,
  { leaves, ...wanted }: Pick<ChangeWanted, 'directory' | 'isr'> & { readonly leaves?: number },
): MetadataRecord | null {
  const partition = topic.partitions[partitionId]
  if (partition === undefined) return null
  const ofTopic = topicRules(image, rules, topic)
  return partitionChange(image, {
    topicId: topic.id,
    partitionId,
    partition,
    rules: ofTopic,
    election: leaves === undefined ? 'online' : ownElection(ofTopic),
    mayLead: (id) => id !== leaves && isActiveBroker(image, id),
    ...wanted,
  })
}
