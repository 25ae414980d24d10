/** AssignReplicasToDirs (KIP-858): a broker says in which of its log directories it has put replicas. */
import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts'
import { DIRECTORY_LOST, type Uuid } from '../base/uuid.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/generated/assign-replicas-to-dirs.ts'
import { directoriesSupported, partitionRecordVersion } from '../metadata/features.ts'
import { metadataRecord, type MetadataRecord } from '../metadata/metadata-records.ts'
import { KafkaError } from '../base/errors.ts'
import type { BrokerImage } from '../metadata/cluster-image.ts'
import { checkedBroker } from './brokers.ts'
import type { ControllerState, Decision } from './decision.ts'

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
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const assigned = assign(state, broker, id, topicId, partitionIndex)
        if (typeof assigned === 'string') return { partitionIndex, errorCode: ERROR_CODES[assigned] }
        if (assigned !== null) records.push(assigned)
        return { partitionIndex, errorCode: 0 }
      }),
    })),
  }))
  return { records, answer: { errorCode: 0, directories }, atomic: false }
}

/** Null: it is so already. */
function assign(
  { image }: ControllerState,
  broker: BrokerImage,
  directory: Uuid,
  topicId: Uuid,
  partitionId: number,
): MetadataRecord | ErrorCode | null {
  const topic = image.topics.byId(topicId)
  if (topic === null) return 'UNKNOWN_TOPIC_ID'
  const partition = topic.partitions[partitionId]
  if (partition === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  const index = partition.replicas.indexOf(broker.id)
  if (index < 0) return 'NOT_LEADER_OR_FOLLOWER'
  if (directory !== DIRECTORY_LOST && !broker.directories.includes(directory)) return 'KAFKA_STORAGE_ERROR'
  if (partition.directories[index] === directory) return null
  return metadataRecord('PartitionChangeRecord', partitionRecordVersion(image.features.metadataVersion), {
    partitionId,
    topicId,
    directories: partition.directories.with(index, directory),
  })
}
