/** ListGroups v0-5: groups of one partition. v4 filters by state, v5 by type; both without regard to case. */
import type { Init } from '../../protocol/codec.ts'
import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/generated/list-groups.ts'
import type { GroupState } from './group-state.ts'

export function listGroups(state: GroupState, request: ListGroupsRequest): Init<ListGroupsResponse.ListedGroup>[] {
  const states = new Set(request.statesFilter.map((name) => name.trim().toLowerCase()))
  const types = new Set(request.typesFilter.map((name) => name.toLowerCase()))
  const listed: Init<ListGroupsResponse.ListedGroup>[] = []
  for (const group of state.groups.committedValues()) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue
    if (types.size > 0 && !types.has(group.type.toLowerCase())) continue
    listed.push({
      groupId: group.id,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.type.toLowerCase(),
    })
  }
  return listed
}
