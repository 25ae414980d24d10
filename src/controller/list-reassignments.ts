/** ListPartitionReassignments v0 (KIP-455): partitions whose replicas are on the move. */
import type { FoundTopic } from './partition-index.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/generated/list-partition-reassignments.ts'
import { NO_ERROR, noRecords, type ControllerState, type Decision } from './decision.ts'
import { isReassigning } from './reassigned-replicas.ts'

export function listPartitionReassignments(
  { image, partitions }: ControllerState,
  request: ListPartitionReassignmentsRequest,
): Decision<Init<ListPartitionReassignmentsResponse>> {
  const asked: Iterable<FoundTopic> =
    request.topics === null
      ? partitions.reassigning()
      : request.topics.flatMap(({ name, partitionIndexes }) => {
          const topic = image.topics.byName(name)
          return topic === null ? [] : [{ topic, partitions: partitionIndexes }]
        })
  return noRecords({ ...NO_ERROR, topics: [...asked].flatMap(ongoing) })
}

function ongoing({
  topic,
  partitions,
}: FoundTopic): Init<ListPartitionReassignmentsResponse.OngoingTopicReassignment>[] {
  const moving = partitions.flatMap((partitionIndex) => {
    const partition = topic.partitions[partitionIndex]
    if (partition === undefined || !isReassigning(partition.addingReplicas, partition.removingReplicas)) return []
    const { replicas, addingReplicas, removingReplicas } = partition
    return [{ partitionIndex, replicas, addingReplicas, removingReplicas }]
  })
  return moving.length === 0 ? [] : [{ name: topic.name, partitions: moving }]
}
