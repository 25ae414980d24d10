/**
 * JoinGroup v0-9: a member enters a classic group, or re-enters it for a rebalance; held until the rebalance completes.
 *
 * v1 brings the rebalance time-out, v4 MEMBER_ID_REQUIRED (KIP-394), v5 static members (KIP-345), v9 skipAssignment.
 */
import { JoinGroup } from '../../protocol/generated/join-group.ts'
import { groupContext } from '../group-context.ts'
import { handler } from '../handler.ts'

export const joinGroupHandler = handler(JoinGroup, {
  handle: (services, request, context) => services.groups.joinGroup(groupContext(context), request),
  failed: (_request, error) => ({ errorCode: error.errno }),
})
