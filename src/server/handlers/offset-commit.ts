/**
 * OffsetCommit v0-10: v0 meant ZooKeeper and goes to `__consumer_offsets` here, v1 has a timestamp per partition, v2-4 a
 * retention time per request, v6 leader epochs, v7 static members, v10 topic ids.
 */
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const offsetCommitHandler = handler(OffsetCommit, {
  handle: (services, request, context) => services.groups.offsetCommit(groupContext(context), request),
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.errno })),
    })),
  }),
})
