/** Groups of all kinds: listed from all brokers, deleted at their coordinators; members put out of a consumer group. */
import { KafkaError } from '../../base/errors.ts'
import { DeleteGroups } from '../../protocol/generated/delete-groups.ts'
import { LeaveGroup } from '../../protocol/generated/leave-group.ts'
import { ListGroups } from '../../protocol/generated/list-groups.ts'
import { timeOf, type CallOptions } from '../call.ts'
import { errorOf, throwOnError } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { byName } from './admin-types.ts'
import { askAllBrokers } from './all-brokers.ts'
import { describeConsumerGroups } from './describe-groups.ts'
import { groupState, groupType, isCoordinatorPassing, type GroupState, type GroupType } from './group-types.ts'
import { Listing, type Outcomes } from './outcomes.ts'
import { routeToCoordinators } from './routes.ts'

export interface GroupListing {
  readonly groupId: string
  /** Null: a broker before 3.8 does not tell. */
  readonly type: GroupType | null
  /** `consumer`, `share`, or what another program says. Empty: a group that commits offsets only. */
  readonly protocol: string
  /** Null: a broker before 2.6 does not tell. */
  readonly state: GroupState | null
}

export interface ListGroupsOptions extends CallOptions {
  /** Only these states; brokers from 2.6. */
  readonly states?: readonly GroupState[]
  /** Only these types; brokers from 3.8, or before if Classic is among them. */
  readonly types?: readonly GroupType[]
  /** Only these protocols. */
  readonly protocolTypes?: readonly string[]
}

export async function listGroups(
  client: NetworkClient,
  options: ListGroupsOptions = {},
): Promise<Listing<GroupListing>> {
  const { protocolTypes = [] } = options
  const answers = await askAllBrokers(
    client,
    { name: 'listGroups', isPassing: isCoordinatorPassing },
    options,
    (node) => askGroups(node, options),
  )
  const byId = new Map<string, GroupListing>()
  for (const groups of answers.values().values()) {
    for (const group of groups) {
      if (protocolTypes.length === 0 || protocolTypes.includes(group.protocol)) byId.set(group.groupId, group)
    }
  }
  return new Listing([...byId.values()], [...answers.errors().values()])
}

async function askGroups(
  node: AdminNode,
  { states = [], types = [] }: ListGroupsOptions,
): Promise<readonly GroupListing[]> {
  const version = node.versions.choose(ListGroups)
  if (states.length > 0 && version < 4) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `The broker only supports ListGroups v${version}, but we need v4 or newer to request groups by states.`,
    )
  }
  // A broker that knows no types has classic groups only, and Java's Admin lets it list those.
  const isOld = version < 5
  const others = types.filter((type) => type !== 'Classic' && type !== 'Consumer')
  if (isOld && types.length > 0 && (others.length > 0 || !types.includes('Classic'))) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `The broker only supports ListGroups v${version}, but we need v5 or newer to request groups by type. ` +
        `Requested group types: [${types.join(', ')}].`,
    )
  }
  const answer = await node.ask(ListGroups, { statesFilter: states, typesFilter: isOld ? [] : types })
  throwOnError(answer.errorCode)
  return answer.groups.map((group) => ({
    groupId: group.groupId,
    type: group.groupType === '' ? null : groupType(group.groupType),
    protocol: group.protocolType,
    state: group.groupState === '' ? null : groupState(group.groupState),
  }))
}

export interface ConsumerGroupListing {
  readonly groupId: string
  /** Its offsets were committed by a program that is no member. */
  readonly isSimpleConsumerGroup: boolean
  readonly state: GroupState | null
  readonly type: GroupType | null
}

/** Groups of consumers, of the classic and of the new protocol. */
export async function listConsumerGroups(
  client: NetworkClient,
  options: Omit<ListGroupsOptions, 'protocolTypes'> = {},
): Promise<Listing<ConsumerGroupListing>> {
  const { valid, errors } = await listGroups(client, { ...options, protocolTypes: ['', 'consumer'] })
  const groups = valid.map(({ groupId, protocol, state, type }) => {
    return { groupId, isSimpleConsumerGroup: protocol === '', state, type }
  })
  return new Listing(groups, errors)
}

/** Groups of any kind: the coordinator does not ask which. `name` is what Java's Admin calls it. */
export async function deleteGroups(
  client: NetworkClient,
  name: 'deleteConsumerGroups' | 'deleteShareGroups' | 'deleteStreamsGroups',
  groupIds: readonly string[],
  options: CallOptions = {},
): Promise<Outcomes<string, void>> {
  return askByKey<string, void>(
    client,
    {
      name,
      keys: groupIds,
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, groupsNames) => {
        const answer = await node.ask(DeleteGroups, { groupsNames })
        return answer.results.map(({ groupId, errorCode }) => [groupId, errorOf(errorCode) ?? undefined])
      },
    },
    options,
  )
}

/** A member by its instance id (group.instance.id) or, if it has none, by its member id. */
export interface MemberToRemove {
  readonly groupInstanceId?: string
  readonly memberId?: string
}

export interface RemoveMembersOptions extends CallOptions {
  /** All members if left out. */
  readonly members?: readonly MemberToRemove[]
  /** Told to the broker's log; at most 255 characters of it. */
  readonly reason?: string
}

const REASON_CHARS_MAX = 255

const byMember = ({ groupInstanceId, memberId = '' }: MemberToRemove): string => groupInstanceId ?? `(${memberId})`

export async function removeMembersFromConsumerGroup(
  client: NetworkClient,
  groupId: string,
  options: RemoveMembersOptions = {},
): Promise<Outcomes<MemberToRemove, void>> {
  const { reason = 'member was removed by an admin' } = options
  const left = timeOf(client.world.clock, options, client.options.callTimeoutMs)
  const members = options.members ?? (await membersOf(client, groupId, left()))
  return askByKey<MemberToRemove, void>(
    client,
    {
      name: 'leaveGroup',
      keys: members,
      textOf: byMember,
      route: routeToCoordinators('GROUP', () => groupId),
      isPassing: isCoordinatorPassing,
      ask: async (node, keys) => {
        if (node.versions.find(LeaveGroup, { min: 3 }) === null) return leaveAlone(node, groupId, keys)
        const identities = keys.map(({ memberId = '', groupInstanceId = null }) => {
          return { memberId, groupInstanceId, reason: reason.slice(0, REASON_CHARS_MAX) }
        })
        const answer = await node.ask(LeaveGroup, { groupId, members: identities }, { versions: { min: 3 } })
        throwOnError(answer.errorCode)
        return answer.members.map(({ memberId, groupInstanceId, errorCode }) => [
          groupInstanceId === null ? { memberId } : { groupInstanceId },
          errorOf(errorCode) ?? undefined,
        ])
      },
    },
    left(),
  )
}

async function membersOf(client: NetworkClient, groupId: string, call: CallOptions): Promise<MemberToRemove[]> {
  const group = (await describeConsumerGroups(client, [groupId], call)).get(groupId)
  return group.members.map(({ groupInstanceId, memberId }) => {
    return groupInstanceId === null ? { memberId } : { groupInstanceId }
  })
}

/** Before version 3 (Kafka 2.4) a request has one member, which has no instance id. */
async function leaveAlone(
  node: AdminNode,
  groupId: string,
  members: readonly MemberToRemove[],
): Promise<[MemberToRemove, undefined | Error][]> {
  return Promise.all(
    members.map(async (member): Promise<[MemberToRemove, undefined | Error]> => {
      if (member.groupInstanceId !== undefined) {
        return [member, new KafkaError('UNSUPPORTED_VERSION', 'The broker knows no members by group.instance.id.')]
      }
      const answer = await node.ask(LeaveGroup, { groupId, memberId: member.memberId ?? '' }, { versions: { max: 2 } })
      return [member, errorOf(answer.errorCode) ?? undefined]
    }),
  )
}
