/**
 * What OffsetFetch answers for one group. `null` topics: all that the group has. With `requireStable` (v7+) an offset
 * that an open transaction may change is answered UNSTABLE_OFFSET_COMMIT, and what was appended is seen, for the answer
 * waits for its commit; without it committed state is read at once.
 */
import type { Int64 } from '../../base/int64.ts'
import { KafkaError } from '../../base/errors.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { GroupState } from './group-state.ts'
import type { CommittedOffset } from './offsets.ts'
import { errno } from './requests.ts'

export interface PartitionsToFetch {
  readonly name: string
  readonly partitions: readonly number[]
}

export interface OffsetsToFetch {
  readonly groupId: string
  readonly memberId: string | null
  readonly memberEpoch: number
  readonly topics: readonly PartitionsToFetch[] | null
  readonly requireStable: boolean
}

export interface FetchedPartition {
  readonly partitionIndex: number
  readonly committedOffset: Int64
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: number
}

export interface FetchedTopic {
  readonly name: string
  readonly partitions: readonly FetchedPartition[]
}

/** @throws KafkaError UNKNOWN_MEMBER_ID for a member of a group type that isn't served. */
export function offsetFetch(state: GroupState, request: OffsetsToFetch): FetchedTopic[] {
  const { groupId, topics, requireStable } = request
  const group = requireStable ? state.groups.get(groupId) : state.groups.getCommitted(groupId)
  if (group instanceof ForeignGroup && !(request.memberId === null && request.memberEpoch < 0))
    throw new KafkaError('UNKNOWN_MEMBER_ID', `members of ${group.type} groups are not served`)
  if (topics === null) return group === null ? [] : fetchAll(state, groupId, requireStable)
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => {
      if (requireStable && state.offsets.isPending(groupId, name, partition)) return unstable(partition)
      if (group === null) return noOffset(partition)
      const offset = requireStable
        ? state.offsets.get(groupId, name, partition)
        : state.offsets.getCommitted(groupId, name, partition)
      return offset === null ? noOffset(partition) : fetched(offset)
    }),
  }))
}

function fetchAll(state: GroupState, groupId: string, requireStable: boolean): FetchedTopic[] {
  const byTopic = new Map<string, FetchedPartition[]>()
  const offsets = requireStable ? state.offsets.ofGroup(groupId) : state.offsets.committedOfGroup(groupId)
  for (const offset of offsets) {
    let partitions = byTopic.get(offset.topic)
    if (partitions === undefined) byTopic.set(offset.topic, (partitions = []))
    const isUnstable = requireStable && state.offsets.isPending(groupId, offset.topic, offset.partition)
    partitions.push(isUnstable ? unstable(offset.partition) : fetched(offset))
  }
  return [...byTopic].map(([name, partitions]) => ({ name, partitions }))
}

function fetched({ partition, value }: CommittedOffset): FetchedPartition {
  return {
    partitionIndex: partition,
    committedOffset: value.offset,
    committedLeaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    errorCode: 0,
  }
}

/** A partition without an offset; also the form of an error. */
export function noOffset(partitionIndex: number, errorCode = 0): FetchedPartition {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
}

function unstable(partition: number): FetchedPartition {
  return noOffset(partition, errno('UNSTABLE_OFFSET_COMMIT'))
}
