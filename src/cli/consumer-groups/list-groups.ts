/** `kafka-consumer-groups.sh --list`, with states and types where they are asked for. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { GroupState, GroupType } from '../../client/admin/group-types.ts'
import { columns, widest } from '../text/columns.ts'
import type { Terminal } from '../tool/tool.ts'
import { usage, type ConsumerGroupsOptions } from './consumer-groups-options.ts'

/** Those that a group of consumers can be in. */
const STATES: readonly GroupState[] = [
  'Assigning',
  'PreparingRebalance',
  'Reconciling',
  'Empty',
  'Stable',
  'Dead',
  'CompletingRebalance',
]
const TYPES: readonly GroupType[] = ['Classic', 'Consumer']

export async function listGroups(
  admin: AdminClient,
  options: ConsumerGroupsOptions,
  terminal: Terminal,
): Promise<void> {
  const [showsState, showsType] = [options.has('state'), options.has('type')]
  const states = chosen(STATES, options.value('state'), 'state')
  const types = chosen(TYPES, options.value('type'), 'types')
  const groups = [...(await admin.listConsumerGroups({ states, types })).all()]
  groups.sort((one, other) => (one.groupId < other.groupId ? -1 : 1))
  if (!showsState && !showsType) {
    for (const { groupId } of groups) terminal.out(groupId)
    return
  }
  const header = ['GROUP', ...(showsType ? ['TYPE'] : []), ...(showsState ? ['STATE'] : [])]
  const rows = groups.map(({ groupId, type, state }) => [
    groupId,
    ...(showsType ? [type ?? 'Unknown'] : []),
    ...(showsState ? [state ?? 'Unknown'] : []),
  ])
  const width =
    widest(
      groups.map(({ groupId }) => groupId),
      15,
    ) + 10
  for (const row of [header, ...rows]) terminal.out(columns([width, 20, 20], row))
}

/** `a,b` in any case. @throws ToolExit naming what there is. */
function chosen<Name extends string>(known: readonly Name[], text: string | null, what: 'state' | 'types'): Name[] {
  if (text === null || text === '') return []
  return text.split(',').map((part) => {
    const name = known.find((one) => one.toLowerCase() === part.trim().toLowerCase())
    if (name !== undefined) return name
    const kind = what === 'state' ? 'states' : 'types'
    throw usage(`Invalid ${what} list '${text}'. Valid ${kind} are: ${known.join(', ')}`)
  })
}
