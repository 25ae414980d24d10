/**
 * OffsetDelete v0 (KIP-496): removes offsets of topics that the group doesn't subscribe to. A partition without an
 * offset is no error.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Init } from '../../protocol/codec.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/generated/offset-delete.ts'
import type { Reply } from '../runtime/reply.ts'
import { CONSUMER_PROTOCOL_TYPE } from './subscription.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { GroupState } from './group-state.ts'
import { decision, errno, type GroupDecision } from './requests.ts'

export function offsetDelete(
  state: GroupState,
  request: OffsetDeleteRequest,
  reply: Reply<Init<OffsetDeleteResponse>>,
): GroupDecision {
  const into = decision()
  const { groupId } = request
  const group = state.existing(groupId)
  // Whose members' subscriptions aren't known may be subscribed to anything.
  if (group instanceof ForeignGroup) {
    if (group.state !== 'Empty') throw new KafkaError('NON_EMPTY_GROUP', `group ${groupId} has members`)
  } else if (group.state !== 'Empty' && group.protocolType !== CONSUMER_PROTOCOL_TYPE)
    throw new KafkaError('NON_EMPTY_GROUP', `group ${groupId} has members`)
  const topics = request.topics.map(({ name, partitions }) => {
    const isSubscribed = !(group instanceof ForeignGroup) && group.isSubscribedTo(name)
    return {
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        if (isSubscribed) return { partitionIndex, errorCode: errno('GROUP_SUBSCRIBED_TO_TOPIC') }
        const { offsets } = state
        if (offsets.get(groupId, name, partitionIndex) !== null || offsets.isPending(groupId, name, partitionIndex))
          into.append({ kind: 'offset', groupId, topic: name, partition: partitionIndex, value: null })
        return { partitionIndex, errorCode: 0 }
      }),
    }
  })
  return into.answer(reply, { errorCode: 0, topics })
}
