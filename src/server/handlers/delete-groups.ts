/**
 * DeleteGroups v0-2: removes empty groups and their offsets.
 */
import { DeleteGroups } from '../../protocol/generated/delete-groups.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const deleteGroupsHandler = handler(DeleteGroups, {
  handle: (services, request, context) => services.groups.deleteGroups(groupContext(context), request),
  failed: ({ groupsNames }, error) => ({
    results: groupsNames.map((groupId) => ({ groupId, errorCode: error.errno })),
  }),
})
