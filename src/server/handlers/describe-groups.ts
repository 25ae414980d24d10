/**
 * DescribeGroups v0-6: state, members and assignments of classic groups. v3 can say what the asker may do with a group,
 * v4 names static members, v6 has an error message.
 */
import { DescribeGroups } from '../../protocol/generated/describe-groups.ts'
import { GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const describeGroupsHandler = handler(DescribeGroups, {
  handle: async (services, request, context) => {
    const answer = await services.groups.describeGroups(groupContext(context), request)
    const asked = request.includeAuthorizedOperations
    const groups = (answer.groups ?? []).map((group) => {
      const isKnown = (group.errorCode ?? 0) === 0
      return { ...group, authorizedOperations: asked && isKnown ? GROUP_OPERATIONS : OPERATIONS_NOT_ASKED }
    })
    return { ...answer, groups }
  },
  failed: ({ groups }, error) => ({ groups: groups.map((groupId) => ({ groupId, errorCode: error.errno })) }),
})
