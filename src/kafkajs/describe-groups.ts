/** Groups as their coordinators tell them, with the bytes of members as they are: AssignerProtocol reads those. */
import { askByKey } from '../client/admin/admin-call.ts'
import { byName } from '../client/admin/admin-types.ts'
import { isCoordinatorPassing } from '../client/admin/group-types.ts'
import { routeToCoordinators } from '../client/admin/routes.ts'
import { errorOf } from '../client/errors.ts'
import type { NetworkClient } from '../client/network-client.ts'
import { DescribeGroups } from '../protocol/generated/describe-groups.ts'
import type { ConsumerGroupState, GroupDescription, GroupDescriptions } from './types.ts'

/** What a broker answers from version 6 on for a group that is none; before, and in kafkajs, it is a dead one. */
const GROUP_ID_NOT_FOUND = 69

export async function describeGroups(network: NetworkClient, groupIds: readonly string[]): Promise<GroupDescriptions> {
  const outcomes = await askByKey<string, GroupDescription>(
    network,
    {
      name: 'describeGroups',
      keys: groupIds,
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, groups) => {
        const answer = await node.ask(DescribeGroups, { groups })
        return answer.groups.map((group) => {
          const isUnknown = group.errorCode === GROUP_ID_NOT_FOUND
          const error = isUnknown ? null : errorOf(group.errorCode)
          const state: ConsumerGroupState = isUnknown ? 'Dead' : (group.groupState as ConsumerGroupState)
          const described: GroupDescription = {
            errorCode: 0,
            groupId: group.groupId,
            state,
            protocolType: group.protocolType,
            protocol: group.protocolData,
            members: group.members.map(({ memberId, clientId, clientHost, memberMetadata, memberAssignment }) => {
              return { memberId, clientId, clientHost, memberMetadata, memberAssignment }
            }),
          }
          return [group.groupId, error ?? described] as const
        })
      },
    },
    {},
  )
  return { groups: [...outcomes.all().values()] }
}
