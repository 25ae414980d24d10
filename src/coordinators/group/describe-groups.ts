/**
 * DescribeGroups v0-6, one group. Members show what they told about the chosen protocol only while the group is Stable.
 * A group that isn't there is described as Dead; v6 says GROUP_ID_NOT_FOUND with it.
 */
import type { Init } from '../../protocol/codec.ts'
import type { DescribeGroupsResponse } from '../../protocol/generated/describe-groups.ts'
import { ClassicGroup } from './classic-group.ts'
import type { GroupState } from './group-state.ts'
import { NO_ASSIGNMENT } from './member.ts'
import { errno } from './requests.ts'

const NOT_FOUND_FROM = 6

export function describeGroup(
  state: GroupState,
  groupId: string,
  apiVersion: number,
): Init<DescribeGroupsResponse.DescribedGroup> {
  const group = state.groups.getCommitted(groupId)
  if (!(group instanceof ClassicGroup)) {
    const detail = group === null ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`
    return {
      groupId,
      groupState: 'Dead',
      ...(apiVersion < NOT_FOUND_FROM ? {} : { errorCode: errno('GROUP_ID_NOT_FOUND'), errorMessage: detail }),
    }
  }
  const isStable = group.state === 'Stable'
  return {
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocol ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? (member.metadataOf(group.protocol) ?? NO_ASSIGNMENT) : NO_ASSIGNMENT,
      memberAssignment: member.assignment,
    })),
  }
}
