/** Streams groups (KIP-1071), described with their topology and the tasks of their members. Brokers from 4.1. */
import { KafkaError } from '../../base/errors.ts'
import { clampInt64 } from '../../base/int64.ts'
import {
  StreamsGroupDescribe,
  type StreamsGroupDescribeResponse,
} from '../../protocol/generated/streams-group-describe.ts'
import { errorOf } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { askByKey } from './admin-call.ts'
import { authorizedOperations, byName, type AclOperation, type Node } from './admin-types.ts'
import type { DescribeGroupsOptions } from './describe-groups.ts'
import { groupState, isCoordinatorPassing, type GroupState } from './group-types.ts'
import type { Outcomes } from './outcomes.ts'
import { routeToCoordinators } from './routes.ts'

export interface StreamsTopicInfo {
  readonly name: string
  /** 0: as many as its sources have. */
  readonly partitions: number
  /** 0: the broker's default. */
  readonly replicationFactor: number
  readonly topicConfigs: Readonly<Record<string, string>>
}

export interface StreamsSubtopology {
  readonly subtopologyId: string
  readonly sourceTopics: readonly string[]
  readonly repartitionSinkTopics: readonly string[]
  readonly stateChangelogTopics: readonly StreamsTopicInfo[]
  readonly repartitionSourceTopics: readonly StreamsTopicInfo[]
}

export interface StreamsTask {
  readonly subtopologyId: string
  readonly partition: number
}

export interface StreamsAssignment {
  readonly activeTasks: readonly StreamsTask[]
  readonly standbyTasks: readonly StreamsTask[]
  readonly warmupTasks: readonly StreamsTask[]
}

export interface StreamsMemberDescription {
  readonly memberId: string
  readonly memberEpoch: number
  readonly groupInstanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly host: string
  readonly topologyEpoch: number
  readonly processId: string
  readonly userEndpoint: { readonly host: string; readonly port: number } | null
  readonly clientTags: Readonly<Record<string, string>>
  readonly taskOffsets: readonly (StreamsTask & { readonly offset: number })[]
  readonly taskEndOffsets: readonly (StreamsTask & { readonly offset: number })[]
  readonly assignment: StreamsAssignment
  readonly targetAssignment: StreamsAssignment
  readonly isClassic: boolean
}

export interface StreamsGroupDescription {
  readonly groupId: string
  readonly groupEpoch: number
  readonly targetAssignmentEpoch: number
  readonly topologyEpoch: number
  readonly subtopologies: readonly StreamsSubtopology[]
  readonly members: readonly StreamsMemberDescription[]
  readonly state: GroupState
  readonly coordinator: Node | null
  readonly authorizedOperations: readonly AclOperation[] | null
}

export async function describeStreamsGroups(
  client: NetworkClient,
  groupIds: readonly string[],
  options: DescribeGroupsOptions = {},
): Promise<Outcomes<string, StreamsGroupDescription>> {
  const { includeAuthorizedOperations = false } = options
  return askByKey<string, StreamsGroupDescription>(
    client,
    {
      name: 'describeStreamsGroups',
      keys: groupIds,
      textOf: byName,
      route: routeToCoordinators('GROUP', byName),
      isPassing: isCoordinatorPassing,
      ask: async (node, ids) => {
        const answer = await node.ask(StreamsGroupDescribe, { groupIds: ids, includeAuthorizedOperations })
        return answer.groups.map((group) => [
          group.groupId,
          errorOf(group.errorCode, group.errorMessage) ?? description(group, node.node),
        ])
      },
    },
    options,
  )
}

type Told = StreamsGroupDescribeResponse.DescribedGroup

function description(group: Told, coordinator: Node | null): StreamsGroupDescription | Error {
  const { topology } = group
  if (topology === null) return new KafkaError('UNKNOWN_SERVER_ERROR', 'Topology information is missing')
  return {
    groupId: group.groupId,
    groupEpoch: group.groupEpoch,
    targetAssignmentEpoch: group.assignmentEpoch,
    topologyEpoch: topology.epoch,
    subtopologies: (topology.subtopologies ?? []).map((one) => ({
      subtopologyId: one.subtopologyId,
      sourceTopics: one.sourceTopics,
      repartitionSinkTopics: one.repartitionSinkTopics,
      stateChangelogTopics: one.stateChangelogTopics.map(topicInfo),
      repartitionSourceTopics: one.repartitionSourceTopics.map(topicInfo),
    })),
    members: group.members.map(memberDescription),
    state: groupState(group.groupState),
    coordinator,
    authorizedOperations: authorizedOperations(group.authorizedOperations),
  }
}

function topicInfo(told: StreamsGroupDescribeResponse.TopicInfo): StreamsTopicInfo {
  const { name, partitions, replicationFactor, topicConfigs } = told
  return { name, partitions, replicationFactor, topicConfigs: record(topicConfigs) }
}

function record(pairs: readonly StreamsGroupDescribeResponse.KeyValue[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
}

function memberDescription(member: Told['members'][number]): StreamsMemberDescription {
  const { userEndpoint } = member
  return {
    memberId: member.memberId,
    memberEpoch: member.memberEpoch,
    groupInstanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    host: member.clientHost,
    topologyEpoch: member.topologyEpoch,
    processId: member.processId,
    userEndpoint: userEndpoint === null ? null : { host: userEndpoint.host, port: userEndpoint.port },
    clientTags: record(member.clientTags),
    taskOffsets: member.taskOffsets.map(taskOffset),
    taskEndOffsets: member.taskEndOffsets.map(taskOffset),
    assignment: assignment(member.assignment),
    targetAssignment: assignment(member.targetAssignment),
    isClassic: member.isClassic,
  }
}

function taskOffset(told: StreamsGroupDescribeResponse.TaskOffset): StreamsTask & { offset: number } {
  return { subtopologyId: told.subtopologyId, partition: told.partition, offset: clampInt64(told.offset) }
}

function assignment(told: StreamsGroupDescribeResponse.Assignment): StreamsAssignment {
  const { activeTasks, standbyTasks, warmupTasks } = told
  return { activeTasks: tasks(activeTasks), standbyTasks: tasks(standbyTasks), warmupTasks: tasks(warmupTasks) }
}

function tasks(told: readonly StreamsGroupDescribeResponse.TaskIds[]): StreamsTask[] {
  return told.flatMap(({ subtopologyId, partitions }) => partitions.map((partition) => ({ subtopologyId, partition })))
}
