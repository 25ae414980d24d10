/**
 * SyncGroup v0-5: the leader hands in the assignment, everybody gets their part. v3 brings static members, v5 the protocol.
 */
import { SyncGroup } from '../../protocol/generated/sync-group.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const syncGroupHandler = handler(SyncGroup, {
  handle: (services, request, context) => services.groups.syncGroup(groupContext(context), request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
