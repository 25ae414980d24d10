/**
 * The group coordinator as the runtime sees it. After a load each classic group is made from its last record, its
 * members' sessions begin anew, and a rebalance that was under way is forgotten: members will be told and join again.
 */
import type { ClassicGroup } from './classic-group.ts'
import { scheduleExpiry } from './expiry.ts'
import { ForeignGroup } from './foreign-group.ts'
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from './group-records.ts'
import { GroupState } from './group-state.ts'
import type { Coordinator } from '../runtime/coordinator.ts'
import type { Rebalance } from './rebalance.ts'
import { decision, type GroupDecision, type GroupEnvironment } from './requests.ts'

export function groupShards(environment: GroupEnvironment, rebalance: Rebalance): Coordinator<GroupState, GroupRecord> {
  return {
    name: 'group',
    createState: (undo) => new GroupState(undo),
    encode: encodeGroupRecord,
    decode: decodeGroupRecord,
    apply: (state, record, origin) => state.apply(record, origin),
    endTransaction: (state, producerId, committed) => state.endTransaction(producerId, committed),
    loaded: (state, nowMs) => loaded(state, nowMs, environment, rebalance),
  }
}

function loaded(state: GroupState, nowMs: number, environment: GroupEnvironment, rebalance: Rebalance): GroupDecision {
  const into = decision()
  const { maxGroupSize } = environment.config.current
  const foreign: string[] = []
  for (const group of state.groups.values()) {
    if (group instanceof ForeignGroup) {
      foreign.push(`${group.id} (${group.type})`)
      continue
    }
    restore(group, state, rebalance, into)
    if (group.members.size > maxGroupSize)
      rebalance.prepare(group, `loaded with ${group.members.size} members, over ${maxGroupSize}`, into, nowMs)
  }
  if (foreign.length > 0)
    environment.logger.warn(`Groups of types that are not served yet are kept as they are: ${foreign.join(', ')}`)
  scheduleExpiry(environment, into)
  return into
}

function restore(group: ClassicGroup, state: GroupState, rebalance: Rebalance, into: GroupDecision): void {
  const metadata = state.metadata.get(group.id)
  if (metadata === null) return
  group.restore(metadata)
  for (const member of group.members.values()) rebalance.keepAlive(group, member, into)
}
