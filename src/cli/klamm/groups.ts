/** `klamm groups list, describe, delete` */
import { KafkaError } from '../../base/errors.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { ConsumerGroupDescription } from '../../client/admin/describe-groups.ts'
import type { GroupType } from '../../client/admin/group-types.ts'
import { assignmentText } from '../consumer-groups/describe-groups.ts'
import { inOrder, nameOf } from '../offsets/offset-plan.ts'
import { failure, type ToolExit } from '../tool/tool-exit.ts'
import type { Run } from './command.ts'
import { notFound } from './exits.ts'

export const listGroups: Run = async ({ output, withAdmin }) => {
  const listed = await withAdmin(async (admin) => (await admin.listGroups()).all())
  const data = listed
    .map(({ groupId, type, protocol, state }) => ({ group: groupId, type, protocol, state }))
    .sort((one, other) => (one.group < other.group ? -1 : 1))
  output.show(data, () => [
    {
      title: null,
      columns: ['group', 'type', 'protocol', 'state'],
      rows: data.map(({ group, type, protocol, state }) => [group, type, protocol, state]),
    },
  ])
}

export const describeGroups: Run = async ({ words, output, withAdmin }) => {
  const data = await withAdmin(async (admin) => {
    const groups = await describedGroups(admin, words.positionals)
    return await Promise.all(
      groups.map(async (group) => ({
        group: group.groupId,
        type: group.type,
        state: group.state,
        assignor: group.partitionAssignor === '' ? null : group.partitionAssignor,
        coordinator: group.coordinator?.id ?? null,
        members: group.members.map(({ memberId, groupInstanceId, clientId, host, assignment }) => ({
          memberId,
          groupInstanceId,
          clientId,
          host: host.replace(/^\//, ''),
          assignment: assignment.toSorted(inOrder),
        })),
        offsets: await offsetsOf(admin, group),
      })),
    )
  })
  output.show(data, () =>
    data.map(({ group, state, members, offsets }) => {
      const title = `${group} (${state}, ${members.length === 1 ? '1 member' : `${members.length} members`})`
      if (words.has('members')) {
        return {
          title,
          columns: ['member', 'client', 'host', 'assignment'],
          rows: members.map((one) => [one.memberId, one.clientId, one.host, assignmentText(one.assignment)]),
        }
      }
      return {
        title,
        columns: ['topic', 'partition', 'offset', 'end', 'lag', 'member'],
        rows: offsets.map((one) => [one.topic, one.partition, one.offset, one.endOffset, one.lag, one.memberId]),
      }
    }),
  )
}

/** Rejects with ToolExit for one that is not there. */
export async function describedGroups(admin: AdminClient, ids: readonly string[]): Promise<ConsumerGroupDescription[]> {
  const outcomes = await admin.describeConsumerGroups([...new Set(ids)])
  for (const [id, outcome] of outcomes) {
    const isMissing = outcome instanceof KafkaError && outcome.code === 'GROUP_ID_NOT_FOUND'
    if (isMissing || (!(outcome instanceof Error) && outcome.state === 'Dead')) throw await missingGroup(admin, id)
  }
  return [...outcomes.all().values()]
}

/** There may be one that is no group of consumers. */
async function missingGroup(admin: AdminClient, id: string): Promise<ToolExit> {
  const known = (await admin.listGroups()).valid
  const other = known.find(({ groupId }) => groupId === id)
  if (other === undefined) {
    const ids = known.filter(({ type }) => !isOther(type)).map(({ groupId }) => groupId)
    return notFound('group of consumers', id, ids)
  }
  return failure(`klamm: '${id}' is a group of type ${other.type}, and klamm reads groups of consumers only.`)
}

function isOther(type: GroupType | null): boolean {
  return type === 'Share' || type === 'Streams'
}

async function offsetsOf(admin: AdminClient, { groupId, members }: ConsumerGroupDescription) {
  const committed = (await admin.listConsumerGroupOffsets([{ groupId }])).get(groupId).values()
  const offsets = new Map(
    [...committed].map(([one, found]) => [nameOf(one), { ...one, offset: found?.offset ?? null }]),
  )
  const owners = new Map<string, string>()
  for (const { memberId, assignment } of members) {
    for (const { topic, partition } of assignment) {
      owners.set(nameOf({ topic, partition }), memberId)
      if (!offsets.has(nameOf({ topic, partition }))) {
        offsets.set(nameOf({ topic, partition }), { topic, partition, offset: null })
      }
    }
  }
  const all = [...offsets.values()].sort(inOrder)
  const ends = await admin.listOffsets(all.map(({ topic, partition }) => ({ topic, partition, spec: 'latest' })))
  return all.map(({ topic, partition, offset }) => {
    // Of a topic that was deleted offsets may be left.
    const end = ends.outcome({ topic, partition })
    const endOffset = end instanceof Error ? null : end.offset
    const lag = offset === null || endOffset === null ? null : Math.max(0, endOffset - offset)
    return { topic, partition, offset, endOffset, lag, memberId: owners.get(nameOf({ topic, partition })) ?? null }
  })
}

export const deleteGroups: Run = async ({ words, output, withAdmin }) => {
  const ids = [...new Set(words.positionals)]
  await withAdmin(async (admin) => {
    for (const [id, error] of (await admin.deleteConsumerGroups(ids)).errors()) {
      throw error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND' ? await missingGroup(admin, id) : error
    }
  })
  output.done(
    ids.map((group) => ({ group, status: 'deleted' })),
    ids.map((group) => `${group}: deleted.`),
  )
}
