/** `kafka-consumer-groups.sh --describe`: offsets and lag, members, or the state of groups. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { ConsumerGroupDescription, MemberDescription } from '../../client/admin/describe-groups.ts'
import type { CommittedOffsets } from '../../client/admin/group-offsets.ts'
import { inOrder, nameOf } from '../offsets/offset-plan.ts'
import { columns, widest } from '../text/columns.ts'
import type { Terminal } from '../tool/tool.ts'
import type { ConsumerGroupsOptions } from './consumer-groups-options.ts'
import { groupIds } from './group-ids.ts'

const MISSING = '-'

export async function describeGroups(
  admin: AdminClient,
  options: ConsumerGroupsOptions,
  terminal: Terminal,
): Promise<void> {
  const described = await admin.describeConsumerGroups(await groupIds(admin, options))
  const groups = [...described.all().values()].sort((one, other) => (one.groupId < other.groupId ? -1 : 1))
  const isVerbose = options.has('verbose')
  if (options.has('members')) for (const group of groups) describeMembers(group, isVerbose, terminal)
  else if (options.has('state')) for (const group of groups) describeState(group, isVerbose, terminal)
  else for (const group of groups) await describeOffsets(admin, group, isVerbose, terminal)
}

/** What is told of a group before its table; false if there is none. */
function announce({ groupId, state }: ConsumerGroupDescription, terminal: Terminal): boolean {
  switch (state) {
    case 'Dead':
      terminal.out(`\nError: Consumer group '${groupId}' does not exist.`)
      return false
    case 'Empty':
      terminal.error(`\nConsumer group '${groupId}' has no active members.`)
      return true
    case 'PreparingRebalance':
    case 'CompletingRebalance':
    case 'Assigning':
    case 'Reconciling':
      terminal.error(`\nWarning: Consumer group '${groupId}' is rebalancing.`)
      return true
    default:
      return true
  }
}

function table(terminal: Terminal, widths: readonly number[], rows: readonly (readonly (string | number)[])[]): void {
  terminal.out('')
  for (const row of rows) terminal.out(columns(widths, row))
}

interface OffsetRow extends TopicPartition {
  readonly offset: number | null
  readonly leaderEpoch: number | null
  readonly end: number | null
  readonly member: MemberDescription | null
}

async function describeOffsets(
  admin: AdminClient,
  group: ConsumerGroupDescription,
  isVerbose: boolean,
  terminal: Terminal,
): Promise<void> {
  const { groupId } = group
  const committed = (await admin.listConsumerGroupOffsets([{ groupId }])).get(groupId)
  const rows = await offsetRows(admin, group, committed)
  if (!announce(group, terminal) || rows.length === 0) return
  const header = ['GROUP', 'TOPIC', 'PARTITION', ...(isVerbose ? ['LEADER-EPOCH'] : [])]
  header.push('CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID', 'HOST', 'CLIENT-ID')
  const shown = rows.map(({ topic, partition, offset, leaderEpoch, end, member }) => [
    groupId,
    topic,
    partition,
    ...(isVerbose ? [leaderEpoch ?? MISSING] : []),
    offset ?? MISSING,
    end ?? MISSING,
    offset === null || end === null ? MISSING : end - offset,
    member?.memberId ?? MISSING,
    member?.host ?? MISSING,
    member?.clientId ?? MISSING,
  ])
  const width = (texts: readonly string[]) => widest(texts, 15)
  const widths = [
    width([groupId]),
    width(rows.map(({ topic }) => topic)),
    10,
    ...(isVerbose ? [15] : []),
    15,
    15,
    15,
    width(rows.map(({ member }) => member?.memberId ?? MISSING)),
    width(rows.map(({ member }) => member?.host ?? MISSING)),
    0,
  ]
  table(terminal, widths, [header, ...shown])
}

/** Partitions of members, those with most first, then what only has an offset. */
async function offsetRows(
  admin: AdminClient,
  { members }: ConsumerGroupDescription,
  committed: CommittedOffsets,
): Promise<readonly OffsetRow[]> {
  const owned = members
    .filter(({ assignment }) => assignment.length > 0)
    .toSorted((one, other) => other.assignment.length - one.assignment.length)
    .flatMap((member) => member.assignment.toSorted(inOrder).map((partition) => ({ ...partition, member })))
  const isOwned = new Set(owned.map(nameOf))
  const others = [...committed.values().keys()]
    .filter((partition) => !isOwned.has(nameOf(partition)) && committed.get(partition) !== null)
    .sort(inOrder)
    .map((partition) => ({ ...partition, member: null }))
  const all = [...owned, ...others]
  const ends = await admin.listOffsets(all.map(({ topic, partition }) => ({ topic, partition, spec: 'latest' })))
  return all.map(({ topic, partition, member }) => {
    const key = { topic, partition }
    const offset = committed.has(key) ? committed.get(key) : null
    return {
      topic,
      partition,
      member,
      offset: offset?.offset ?? null,
      leaderEpoch: offset?.leaderEpoch ?? null,
      end: ends.get(key).offset,
    }
  })
}

function describeMembers(group: ConsumerGroupDescription, isVerbose: boolean, terminal: Terminal): void {
  if (!announce(group, terminal)) return
  const { groupId, members } = group
  const hasInstances = members.some(({ groupInstanceId }) => (groupInstanceId ?? '') !== '')
  const header = [
    'GROUP',
    'CONSUMER-ID',
    ...(hasInstances ? ['GROUP-INSTANCE-ID'] : []),
    'HOST',
    'CLIENT-ID',
    '#PARTITIONS',
  ]
  if (isVerbose) header.push('CURRENT-EPOCH', 'CURRENT-ASSIGNMENT', 'TARGET-EPOCH', 'TARGET-ASSIGNMENT')
  const rows = members.map((member) => [
    groupId,
    member.memberId,
    ...(hasInstances ? [member.groupInstanceId ?? ''] : []),
    member.host,
    member.clientId,
    member.assignment.length,
    ...(isVerbose ? epochs(member, group) : []),
  ])
  const width = (of: (member: MemberDescription) => string, least = 15) => widest(members.map(of), least)
  const currentWidth = widest(
    members.map(({ assignment }) => assignmentText(assignment)),
    20,
  )
  const targetWidth = widest(
    members.map(({ targetAssignment }) => assignmentText(targetAssignment ?? [])),
    20,
  )
  const widths = [
    widest([groupId], 15),
    width(({ memberId }) => memberId),
    ...(hasInstances ? [width(({ groupInstanceId }) => groupInstanceId ?? '', 17)] : []),
    width(({ host }) => host),
    width(({ clientId }) => clientId),
    15,
    ...(isVerbose ? [15, currentWidth, 15, targetWidth] : []),
  ]
  table(terminal, widths, [header, ...rows])
}

function epochs(member: MemberDescription, group: ConsumerGroupDescription): readonly (string | number)[] {
  return [
    member.memberEpoch ?? MISSING,
    assignmentText(member.assignment) || MISSING,
    group.targetAssignmentEpoch ?? MISSING,
    assignmentText(member.targetAssignment ?? []) || MISSING,
  ]
}

/** `topic:0,1;other:2` */
export function assignmentText(assignment: readonly TopicPartition[]): string {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of assignment) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([topic, partitions]) => `${topic}:${partitions.sort((one, other) => one - other).join(',')}`)
    .join(';')
}

function describeState(group: ConsumerGroupDescription, isVerbose: boolean, terminal: Terminal): void {
  if (!announce(group, terminal)) return
  const { groupId, coordinator, partitionAssignor, state, members, groupEpoch, targetAssignmentEpoch } = group
  const place = `${coordinator?.host ?? ''}:${coordinator?.port ?? -1}  (${coordinator?.id ?? -1})`
  const assignor = partitionAssignor === '' ? MISSING : partitionAssignor
  const header = ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE']
  const row: (string | number)[] = [groupId, place, assignor, state]
  if (isVerbose) {
    header.push('GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH')
    row.push(groupEpoch ?? MISSING, targetAssignmentEpoch ?? MISSING)
  }
  header.push('#MEMBERS')
  row.push(members.length)
  const widths = [widest([groupId], 15), widest([place], 25), 20, 20, ...(isVerbose ? [15, 25] : []), 0]
  table(terminal, widths, [header, row])
}
