/** kafka-groups.sh: groups of all types. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { GroupType } from '../../client/admin/group-types.ts'
import { clientSentence, makeAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { checkInvalid, toolOptions, usageFailure } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMAND_CONFIG,
  COMMON_OPTIONS,
  flag,
  value,
  type OptionTable,
} from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import { columns, widest } from '../text/columns.ts'
import { failure } from '../tool/tool-exit.ts'
import { isOutside, type Terminal, type Tool } from '../tool/tool.ts'

export const GROUPS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': { ...BOOTSTRAP_SERVER, required: true },
  'command-config': COMMAND_CONFIG,
  list: flag('List the groups.'),
  'group-type': value('type', 'Only groups of this type: classic, consumer, share or streams.'),
  protocol: value('protocol', 'Only groups with this protocol.'),
  consumer: flag('Only groups of consumers, classic ones and those without members too.'),
  share: flag('Only share groups.'),
  streams: flag('Only streams groups.'),
} satisfies OptionTable

const TYPES: readonly GroupType[] = ['Classic', 'Consumer', 'Share', 'Streams']

export const groups: Tool = async (argv, host) => {
  const options = toolOptions(GROUPS_OPTIONS, argv, 'This tool helps to list groups of all types.', true)
  if (!options.has('list')) throw usageFailure(GROUPS_OPTIONS, 'Command must include exactly one action: --list.')
  const filters = ['consumer', 'share', 'streams', 'group-type', 'protocol'] as const
  checkInvalid(options, 'consumer', 'group-type', 'protocol', 'share', 'streams')
  checkInvalid(options, 'share', ...filters.filter((name) => name !== 'share'))
  checkInvalid(options, 'streams', ...filters.filter((name) => name !== 'streams'))
  const type = groupType(options.value('group-type'))
  const properties = await commandConfig(host.world.disk, options.value('command-config'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  const admin = await makeAdmin(host, properties)
  try {
    await listGroups(admin, options, type, host.terminal)
    return 0
  } catch (error) {
    if (!isOutside(error)) throw error
    host.terminal.out(`Error while executing groups command : ${clientSentence(error)}`)
    return 1
  } finally {
    await admin.close()
  }
}

function groupType(text: string | null): GroupType | null {
  if (text === null) return null
  const type = TYPES.find((one) => one.toLowerCase() === text.toLowerCase())
  if (type === undefined) throw failure('--group-type must be a valid group type.')
  return type
}

async function listGroups(
  admin: AdminClient,
  options: Options<keyof typeof GROUPS_OPTIONS>,
  type: GroupType | null,
  terminal: Terminal,
): Promise<void> {
  const protocol = options.value('protocol')
  const all = (await admin.listGroups()).all()
  const shown = all.filter((group) => {
    if (options.has('consumer')) {
      return group.type === 'Consumer' || (group.type === 'Classic' && ['', 'consumer'].includes(group.protocol))
    }
    if (options.has('share')) return group.type === 'Share'
    if (options.has('streams')) return group.type === 'Streams'
    return (type === null || group.type === type) && (protocol === null || group.protocol === protocol)
  })
  const rows = shown
    .map((group) => [group.groupId, group.type ?? '', group.protocol])
    .sort(([one = ''], [other = '']) => (one < other ? -1 : 1))
  const width = widest(
    rows.map(([groupId = '']) => groupId),
    20,
  )
  for (const row of [['GROUP', 'TYPE', 'PROTOCOL'], ...rows]) terminal.out(columns([width, width, width], row))
}
