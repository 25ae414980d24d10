/**
 * OffsetFetch v0-10: v0 meant ZooKeeper and reads `__consumer_offsets` here; null topics (v2) are all of the group, v7 waits for
 * stable offsets, v8 asks for several groups, v10 names topics by id.
 */
import { OffsetFetch } from '../../protocol/generated/offset-fetch.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const offsetFetchHandler = handler(OffsetFetch, {
  handle: (services, request, context) => services.groups.offsetFetch(groupContext(context), request),
  failed: ({ groups }, error, version) =>
    version >= 8
      ? { groups: groups.map(({ groupId }) => ({ groupId, errorCode: error.errno })) }
      : { errorCode: version >= 2 ? error.errno : 0 },
})
