/**
 * ListGroups v0-5: groups of the partitions that this broker coordinates; v4 filters by state, v5 by type.
 */
import { ListGroups } from '../../protocol/generated/list-groups.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const listGroupsHandler = handler(ListGroups, {
  handle: (services, request, context) => services.groups.listGroups(groupContext(context), request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
