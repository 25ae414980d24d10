/** DeleteGroups v0-2: tombstones for an empty group and all that it committed. Groups of one partition go in one write. */
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Reply } from '../runtime/reply.ts'
import { ForeignGroup } from './foreign-group.ts'
import type { Group, GroupState } from './group-state.ts'
import { decision, errno, type GroupDecision, type GroupEnvironment } from './requests.ts'

export interface DeletedGroup {
  readonly groupId: string
  readonly errorCode: number
}

export function deleteGroups(
  state: GroupState,
  groupIds: readonly string[],
  reply: Reply<DeletedGroup[]>,
  environment: GroupEnvironment,
): GroupDecision {
  const into = decision()
  const results = groupIds.map((groupId) => {
    const group = state.groups.get(groupId)
    const error = refuse(group)
    if (group !== null && error === null) {
      appendTombstones(state, group, into)
      environment.logger.info(`Group ${groupId} is deleted`)
    }
    return { groupId, errorCode: error === null ? 0 : errno(error) }
  })
  return into.answer(reply, results)
}

function refuse(group: Group | null): ErrorCode | null {
  if (group === null) return 'GROUP_ID_NOT_FOUND'
  // What a share group has read is kept by the share coordinator, which must forget it first.
  if (group.type === 'Share') return 'GROUP_ID_NOT_FOUND'
  return group.state === 'Empty' ? null : 'NON_EMPTY_GROUP'
}

function appendTombstones(state: GroupState, group: Group, into: GroupDecision): void {
  const groupId = group.id
  const gone = new Set<string>()
  for (const offsets of [state.offsets.ofGroup(groupId), state.offsets.pendingOfGroup(groupId)]) {
    for (const { topic, partition } of offsets) {
      const key = `${topic}-${partition}`
      if (gone.has(key)) continue
      gone.add(key)
      into.append({ kind: 'offset', groupId, topic, partition, value: null })
    }
  }
  if (!(group instanceof ForeignGroup)) into.append({ kind: 'classic', groupId, value: null })
  // The group's own record last: without it the others have nowhere to be applied to.
  else {
    const records = group.records.map((record) => ({ ...record, isTombstone: true }))
    into.append(...records.filter(({ role }) => role !== 'group'), ...records.filter(({ role }) => role === 'group'))
  }
}
