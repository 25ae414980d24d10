/**
 * LeaveGroup v0-5: members leave a classic group at once; v3 takes several, and static ones by their instance id.
 */
import { LeaveGroup } from '../../protocol/generated/leave-group.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const leaveGroupHandler = handler(LeaveGroup, {
  handle: (services, request, context) => services.groups.leaveGroup(groupContext(context), request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
