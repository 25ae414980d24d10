/**
 * AlterPartitionReassignments v0-1 (KIP-455): other replicas for partitions, or, with null, back to those before the move began.
 * Each partition stands for itself; all records go into one batch. A move is complete when every wanted replica is in sync
 * (alter-partition.ts); one that needs nobody new is complete at once. v1 can forbid another number of replicas.
 */
import { KafkaError } from '../base/errors.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/generated/alter-partition-reassignments.ts'
import type { MetadataRecord } from '../metadata/metadata-records.ts'
import type { PartitionImage, TopicImage } from '../metadata/topics-image.ts'
import {
  NO_ERROR,
  RECORDS_MAX,
  attempt,
  errorFields,
  noRecords,
  type ControllerState,
  type Decision,
} from './decision.ts'
import { isActiveBroker, ownElection } from './leadership-changes.ts'
import { validateAssignment } from './new-partitions.ts'
import { partitionChange } from './partition-changes.ts'
import { isReassigning, reassignedReplicas, revertedReplicas } from './reassigned-replicas.ts'
import { topicRules } from './topic-rules.ts'

interface Move {
  readonly topic: TopicImage
  readonly partitionId: number
  readonly partition: PartitionImage
}

export function alterPartitionReassignments(
  state: ControllerState,
  request: AlterPartitionReassignmentsRequest,
): Decision<Init<AlterPartitionReassignmentsResponse>> {
  const { allowReplicationFactorChange } = request
  // Who asks for nothing is answered with the defaults of the fields.
  if (request.topics.length === 0) return noRecords({ errorCode: 0, errorMessage: '', responses: [] })
  const records: MetadataRecord[] = []
  const responses = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => {
      const record = attempt(() => {
        const move = findPartition(state, name, partitionIndex)
        const made =
          replicas === null ? revert(state, move) : reassign(state, move, replicas, allowReplicationFactorChange)
        if (made !== null && records.length >= RECORDS_MAX) {
          throw new KafkaError('POLICY_VIOLATION', 'Too many partitions are moved in one request.')
        }
        return made
      })
      if (record instanceof KafkaError) return { partitionIndex, ...errorFields(record.code, record.message) }
      if (record !== null) records.push(record)
      return { partitionIndex, ...NO_ERROR }
    }),
  }))
  return { records, answer: { ...NO_ERROR, allowReplicationFactorChange, responses } }
}

/** @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION */
function findPartition({ image }: ControllerState, name: string, partitionId: number): Move {
  const topic = image.topics.byName(name)
  if (topic === null) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  const partition = topic.partitions[partitionId]
  if (partition === undefined) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${partitionId}.`)
  }
  return { topic, partitionId, partition }
}

/** @throws KafkaError INVALID_REPLICA_ASSIGNMENT | INVALID_REPLICATION_FACTOR */
function reassign(
  { image, rules }: ControllerState,
  { topic, partitionId, partition }: Move,
  wanted: readonly number[],
  allowReplicationFactorChange: boolean,
): MetadataRecord | null {
  validateAssignment(image.cluster, wanted, null)
  if (!allowReplicationFactorChange) {
    // Of a partition on the move: as many as it is to have.
    const { replicas, removingReplicas } = partition
    const factor = replicas.filter((id) => !removingReplicas.includes(id)).length
    if (factor !== wanted.length) {
      const detail = `The replication factor is changed from ${factor} to ${wanted.length}`
      throw new KafkaError('INVALID_REPLICATION_FACTOR', detail)
    }
  }
  const { replicas, adding, removing } = reassignedReplicas(partition.replicas, wanted)
  return partitionChange(image, {
    topicId: topic.id,
    partitionId,
    partition,
    rules: topicRules(image, rules, topic),
    election: 'online',
    mayLead: (id) => isActiveBroker(image, id),
    replicas,
    removing,
    // Of a move that is under way: who wasn't there when it began is still to be told from the others.
    ...(adding.length > 0 ? { adding } : {}),
  })
}

/** @throws KafkaError NO_REASSIGNMENT_IN_PROGRESS | INVALID_REPLICA_ASSIGNMENT */
function revert({ image, rules }: ControllerState, { topic, partitionId, partition }: Move): MetadataRecord | null {
  if (!isReassigning(partition.addingReplicas, partition.removingReplicas)) {
    throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS', '')
  }
  const reverted = revertedReplicas(partition)
  if (reverted === null) {
    const detail = 'Invalid replica assignment: addingReplicas contains all replicas.'
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
  }
  const ofTopic = topicRules(image, rules, topic)
  if (reverted.isUnclean && !ofTopic.mayElectUncleanly) {
    const why = 'because it would require an unclean leader election.'
    const detail = `Unable to revert partition assignment for ${topic.name}:${partitionId} ${why}`
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', detail)
  }
  return partitionChange(image, {
    topicId: topic.id,
    partitionId,
    partition,
    rules: ofTopic,
    election: ownElection(ofTopic),
    mayLead: (id) => isActiveBroker(image, id),
    replicas: reverted.replicas,
    isr: reverted.isr,
    adding: [],
    removing: [],
  })
}
