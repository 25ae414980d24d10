/** `kafka-share-groups.sh --describe`: where groups start and how much waits, their members, or their state. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { ShareGroupDescription } from '../../client/admin/share-groups.ts'
import { inOrder } from '../offsets/offset-plan.ts'
import { columns, widest } from '../text/columns.ts'
import type { Terminal } from '../tool/tool.ts'
import type { ShareGroupsOptions } from './share-groups-options.ts'

const MISSING = '-'

export async function describeShareGroups(
  admin: AdminClient,
  groupIds: readonly string[],
  options: ShareGroupsOptions,
  terminal: Terminal,
): Promise<void> {
  const groups = [...(await admin.describeShareGroups(groupIds)).all().values()]
  const isVerbose = options.has('verbose')
  for (const group of groups.sort((one, other) => (one.groupId < other.groupId ? -1 : 1))) {
    if (options.has('members')) describeMembers(group, isVerbose, terminal)
    else if (options.has('state')) describeState(group, isVerbose, terminal)
    else await describeOffsets(admin, group, isVerbose, terminal)
  }
}

/** Tells of a group that has no members. */
function announce({ groupId, state }: ShareGroupDescription, terminal: Terminal): void {
  if (state === 'Dead') terminal.out(`\nError: Share group '${groupId}' does not exist.`)
  else if (state === 'Empty') terminal.error(`\nShare group '${groupId}' has no active members.`)
}

function table(terminal: Terminal, least: readonly number[], rows: readonly (readonly (string | number)[])[]): void {
  terminal.out('')
  const widths = least.map((width, column) => {
    return width === 0
      ? 0
      : widest(
          rows.map((row) => String(row[column] ?? '')),
          width,
        )
  })
  for (const row of rows) terminal.out(columns(widths, row))
}

async function describeOffsets(
  admin: AdminClient,
  { groupId, state }: ShareGroupDescription,
  isVerbose: boolean,
  terminal: Terminal,
): Promise<void> {
  if (state === 'Dead') return terminal.out(`\nError: Share group '${groupId}' does not exist.`)
  const offsets = [...(await admin.listShareGroupOffsets([{ groupId }])).get(groupId)]
  if (offsets.length === 0) return terminal.out(`\nShare group '${groupId}' has no offset information.`)
  const rows = offsets
    .sort(([one], [other]) => inOrder(one, other))
    .map(([{ topic, partition }, outcome]) => {
      if (outcome instanceof Error) throw outcome
      const epoch = isVerbose ? [outcome?.leaderEpoch ?? MISSING] : []
      return [groupId, topic, partition, ...epoch, outcome?.startOffset ?? MISSING, outcome?.lag ?? MISSING]
    })
  const header = ['GROUP', 'TOPIC', 'PARTITION', ...(isVerbose ? ['LEADER-EPOCH'] : []), 'START-OFFSET', 'LAG']
  table(terminal, [15, 15, 10, ...(isVerbose ? [13] : []), 13, 0], [header, ...rows])
}

function describeState(group: ShareGroupDescription, isVerbose: boolean, terminal: Terminal): void {
  announce(group, terminal)
  const { groupId, coordinator, state, groupEpoch, targetAssignmentEpoch, members } = group
  const where = coordinator === null ? MISSING : `${coordinator.host}:${coordinator.port}  (${coordinator.id})`
  const header = ['GROUP', 'COORDINATOR (ID)', 'STATE', ...(isVerbose ? ['GROUP-EPOCH', 'ASSIGNMENT-EPOCH'] : [])]
  const row = [groupId, where, state, ...(isVerbose ? [groupEpoch, targetAssignmentEpoch] : []), members.length]
  table(terminal, [15, 25, 15, ...(isVerbose ? [12, 17] : []), 0], [[...header, '#MEMBERS'], row])
}

function describeMembers(group: ShareGroupDescription, isVerbose: boolean, terminal: Terminal): void {
  announce(group, terminal)
  if (group.members.length === 0) return
  const rows = group.members.map(({ memberId, host, clientId, assignment, memberEpoch }) => {
    const epoch = isVerbose ? [memberEpoch] : []
    return [group.groupId, memberId, host, clientId, assignment.length, ...epoch, assignmentText(assignment)]
  })
  const header = ['GROUP', 'CONSUMER-ID', 'HOST', 'CLIENT-ID', '#PARTITIONS', ...(isVerbose ? ['MEMBER-EPOCH'] : [])]
  table(terminal, [15, 15, 15, 15, 12, ...(isVerbose ? [13] : []), 0], [[...header, 'ASSIGNMENT'], ...rows])
}

/** `orders:0,1;payments:2` */
function assignmentText(assignment: readonly TopicPartition[]): string {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of [...assignment].sort(inOrder)) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  }
  if (byTopic.size === 0) return MISSING
  return [...byTopic].map(([topic, partitions]) => `${topic}:${partitions.join(',')}`).join(';')
}
