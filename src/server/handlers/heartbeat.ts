/**
 * Heartbeat v0-4: a member of a classic group is alive, and learns of a rebalance. v3 brings static members.
 */
import { Heartbeat } from '../../protocol/generated/heartbeat.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const heartbeatHandler = handler(Heartbeat, {
  handle: (services, request, context) => services.groups.heartbeat(groupContext(context), request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
