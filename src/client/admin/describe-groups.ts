/**
 * Consumer groups of both protocols, and classic groups of any program, told by their coordinators.
 *
 * A group is first asked for as one of the new protocol (KIP-848); one that is none, and all of a broker that is too old, as
 * a classic group.
 */
import { KafkaError } from '../../base/errors.ts'
import {
  ConsumerGroupDescribe,
  type ConsumerGroupDescribeResponse,
} from '../../protocol/generated/consumer-group-describe.ts'
import { DescribeGroups, type DescribeGroupsResponse } from '../../protocol/generated/describe-groups.ts'
import type { CallOptions } from '../call.ts'
import { errorOf } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey, type AdminNode } from './admin-call.ts'
import { authorizedOperations, byName, type AclOperation, type Node, type TopicPartition } from './admin-types.ts'
import { groupState, isCoordinatorPassing, type GroupState, type GroupType } from './group-types.ts'
import { memberAssignment } from './member-assignment.ts'
import type { Outcomes } from './outcomes.ts'
import { routeToCoordinators } from './routes.ts'

export interface MemberDescription {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  /** With a slash in front, as the broker has it. */
  readonly host: string
  readonly assignment: readonly TopicPartition[]
  /** The four below are null in classic groups. */
  readonly targetAssignment: readonly TopicPartition[] | null
  readonly memberEpoch: number | null
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  /** A member of the classic protocol in a group of the new one; null where the broker does not tell. */
  readonly isClassic: boolean | null
}

export interface ConsumerGroupDescription {
  readonly groupId: string
  /** Its offsets were committed by a program that is no member. */
  readonly isSimpleConsumerGroup: boolean
  readonly members: readonly MemberDescription[]
  readonly partitionAssignor: string
  readonly type: GroupType
  readonly state: GroupState
  readonly coordinator: Node | null
  /** Null unless asked for. */
  readonly authorizedOperations: readonly AclOperation[] | null
  /** Null in classic groups. */
  readonly groupEpoch: number | null
  readonly targetAssignmentEpoch: number | null
}

export interface DescribeGroupsOptions extends CallOptions {
  readonly includeAuthorizedOperations?: boolean
}

export async function describeConsumerGroups(
  client: NetworkClient,
  groupIds: readonly string[],
  options: DescribeGroupsOptions = {},
): Promise<Outcomes<string, ConsumerGroupDescription>> {
  return askByKey<string, ConsumerGroupDescription>(
    client,
    {
      name: 'describeConsumerGroups',
      keys: groupIds,
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: (node, ids) => describeBoth(node, ids, options),
    },
    options,
  )
}

async function describeBoth(
  node: AdminNode,
  groupIds: readonly string[],
  { includeAuthorizedOperations = false }: DescribeGroupsOptions,
): Promise<Iterable<readonly [string, ConsumerGroupDescription | Error]>> {
  const outcomes = new Map<string, ConsumerGroupDescription | Error>()
  /** What the new protocol said of those it does not know: it says more than the old one. */
  const notFound = new Map<string, Error>()
  let classic = groupIds
  if (node.versions.find(ConsumerGroupDescribe) !== null) {
    const answer = await node.ask(ConsumerGroupDescribe, { groupIds, includeAuthorizedOperations })
    for (const group of answer.groups) {
      const error = errorOf(group.errorCode, group.errorMessage)
      if (error?.code === 'GROUP_ID_NOT_FOUND' || error?.code === 'UNSUPPORTED_VERSION') {
        if (error.code === 'GROUP_ID_NOT_FOUND') notFound.set(group.groupId, error)
      } else outcomes.set(group.groupId, error ?? consumerGroup(group, node.node))
    }
    classic = groupIds.filter((id) => !outcomes.has(id))
  }
  if (classic.length === 0) return outcomes
  for (const [id, outcome] of await askClassic(node, classic, includeAuthorizedOperations)) {
    const isNotFound = outcome instanceof KafkaError && outcome.code === 'GROUP_ID_NOT_FOUND'
    if (isNotFound) outcomes.set(id, notFound.get(id) ?? outcome)
    else if (outcome instanceof Error) outcomes.set(id, outcome)
    else outcomes.set(id, classicConsumerGroup(outcome))
  }
  return outcomes
}

function consumerGroup(
  group: ConsumerGroupDescribeResponse.DescribedGroup,
  coordinator: Node | null,
): ConsumerGroupDescription {
  return {
    groupId: group.groupId,
    isSimpleConsumerGroup: false,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: partitionsOf(member.assignment),
      targetAssignment: partitionsOf(member.targetAssignment),
      memberEpoch: member.memberEpoch,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      isClassic: member.memberType < 0 ? null : member.memberType === 0,
    })),
    partitionAssignor: group.assignorName,
    type: 'Consumer',
    state: groupState(group.groupState),
    coordinator,
    authorizedOperations: authorizedOperations(group.authorizedOperations),
    groupEpoch: group.groupEpoch,
    targetAssignmentEpoch: group.assignmentEpoch,
  }
}

/** Of groups whose members are told by topic. */
export function partitionsOf(assignment: {
  readonly topicPartitions: readonly { readonly topicName: string; readonly partitions: readonly number[] }[]
}): TopicPartition[] {
  return assignment.topicPartitions.flatMap(({ topicName, partitions }) => {
    return partitions.map((partition) => ({ topic: topicName, partition }))
  })
}

function classicConsumerGroup(group: ClassicGroupDescription): ConsumerGroupDescription | Error {
  if (!isConsumerProtocol(group.protocol)) {
    const text = `GroupId ${group.groupId} is not a consumer group (${group.protocol}).`
    return new KafkaError('INVALID_GROUP_ID', text)
  }
  return {
    groupId: group.groupId,
    isSimpleConsumerGroup: group.protocol === '',
    members: group.members,
    partitionAssignor: group.protocolData,
    type: 'Classic',
    state: group.state,
    coordinator: group.coordinator,
    authorizedOperations: group.authorizedOperations,
    groupEpoch: null,
    targetAssignmentEpoch: null,
  }
}

function isConsumerProtocol(protocolType: string): boolean {
  return protocolType === 'consumer' || protocolType === ''
}

export interface ClassicGroupDescription {
  readonly groupId: string
  /** `consumer`, or what another program says; empty for a group that only commits. */
  readonly protocol: string
  /** What the members agreed on: of consumers, the assignor. */
  readonly protocolData: string
  /** Assignments of consumers; those of other programs are left out. */
  readonly members: readonly MemberDescription[]
  readonly state: GroupState
  readonly coordinator: Node | null
  readonly authorizedOperations: readonly AclOperation[] | null
}

export async function describeClassicGroups(
  client: NetworkClient,
  groupIds: readonly string[],
  options: DescribeGroupsOptions = {},
): Promise<Outcomes<string, ClassicGroupDescription>> {
  return askByKey<string, ClassicGroupDescription>(
    client,
    {
      name: 'describeClassicGroups',
      keys: groupIds,
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: (node, ids) => askClassic(node, ids, options.includeAuthorizedOperations ?? false),
    },
    options,
  )
}

async function askClassic(
  node: AdminNode,
  groups: readonly string[],
  includeAuthorizedOperations: boolean,
): Promise<(readonly [string, ClassicGroupDescription | Error])[]> {
  const versions = { min: includeAuthorizedOperations ? 3 : 0 }
  const answer = await node.ask(DescribeGroups, { groups, includeAuthorizedOperations }, { versions })
  return answer.groups.map((group) => [
    group.groupId,
    errorOf(group.errorCode, group.errorMessage) ?? classicGroup(group, node.node),
  ])
}

function classicGroup(group: DescribeGroupsResponse.DescribedGroup, coordinator: Node | null): ClassicGroupDescription {
  return {
    groupId: group.groupId,
    protocol: group.protocolType,
    protocolData: group.protocolData,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      rackId: null,
      clientId: member.clientId,
      host: member.clientHost,
      assignment: isConsumerProtocol(group.protocolType) ? memberAssignment(member.memberAssignment) : [],
      targetAssignment: null,
      memberEpoch: null,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      isClassic: null,
    })),
    state: groupState(group.groupState),
    coordinator,
    authorizedOperations: authorizedOperations(group.authorizedOperations),
  }
}
