/** ListPartitionReassignments v0 (KIP-455): partitions whose replicas are on the move, as the committed metadata says. */
import { ERROR_CODES } from '../base/error-codes.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import type { Init } from '../protocol/codec.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/generated/list-partition-reassignments.ts'

type OngoingTopic = Init<ListPartitionReassignmentsResponse.OngoingTopicReassignment>

export function listPartitionReassignments(
  { topics }: MetadataImage,
  request: ListPartitionReassignmentsRequest,
): Init<ListPartitionReassignmentsResponse> {
  const asked =
    request.topics === null
      ? [...topics.all()].map(({ name, partitions }) => ({ name, partitionIndexes: [...partitions.keys()] }))
      : request.topics
  const found: OngoingTopic[] = []
  for (const { name, partitionIndexes } of asked) {
    const partitions = partitionIndexes.flatMap((partitionIndex) => {
      const partition = topics.partition(name, partitionIndex)
      return partition === null || !isMoving(partition) ? [] : [{ partitionIndex, ...replicasOf(partition) }]
    })
    if (partitions.length > 0) found.push({ name, partitions })
  }
  return { errorCode: ERROR_CODES.NONE, topics: found }
}

function isMoving({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0
}

function replicasOf({ replicas, addingReplicas, removingReplicas }: PartitionImage) {
  return { replicas, addingReplicas, removingReplicas }
}
