/** What kafka-share-groups.sh is asked, checked in Kafka's order. */
import { checkInvalid, checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMAND_CONFIG,
  COMMON_OPTIONS,
  flag,
  optionalValue,
  value,
  type OptionTable,
} from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import type { ToolExit } from '../tool/tool-exit.ts'

export const SHARE_GROUPS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': BOOTSTRAP_SERVER,
  'command-config': COMMAND_CONFIG,
  list: flag('List the share groups.'),
  describe: flag('Show a group: its offsets, members or state.'),
  delete: flag('Delete groups that have no members.'),
  'reset-offsets': flag('Set where a group without members starts, with --dry-run or --execute.'),
  'delete-offsets': flag('Delete what a group knows of topics.'),
  group: value('share group', 'The group.'),
  'all-groups': flag('All groups, with --describe and --delete.'),
  topic: value('topic', 'A topic; topic:0,1 for partitions of it, with --reset-offsets.'),
  'all-topics': flag('All topics that the group has offsets of, with --reset-offsets.'),
  timeout: value('timeout (ms)', 'Milliseconds that a call may take.', { type: 'Long', defaultValue: '30000' }),
  'dry-run': flag('Only show what would be set.'),
  execute: flag('Set it.'),
  'to-datetime': value('datetime', "The first records not older than 'YYYY-MM-DDThh:mm:ss.sss'."),
  'to-earliest': flag('The start of the log.'),
  'to-latest': flag('The end of the log.'),
  members: flag('With --describe: the members.', { availableIf: ['describe'] }),
  offsets: flag('With --describe: the offsets, which is what it shows if nothing is said.', {
    availableIf: ['describe'],
  }),
  state: optionalValue(null, 'With --describe: the state. With --list: states too, or only groups in these.', {
    availableIf: ['describe', 'list'],
  }),
  verbose: flag('More of it, with --describe.', { availableIf: ['describe'] }),
} satisfies OptionTable

type Name = keyof typeof SHARE_GROUPS_OPTIONS
export type ShareGroupsOptions = Options<Name>

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const
export type ShareGroupsAction = (typeof ACTIONS)[number]

export const SCENARIOS = ['to-datetime', 'to-earliest', 'to-latest'] as const

export function usage(sentence: string): ToolExit {
  return usageFailure(SHARE_GROUPS_OPTIONS, sentence)
}

/** `[group], [topic]` */
function listed(names: readonly Name[]): string {
  return names.map((name) => `[${name}]`).join(', ')
}

export function shareGroupsOptions(argv: readonly string[]): {
  action: ShareGroupsAction
  options: ShareGroupsOptions
} {
  const options: ShareGroupsOptions = toolOptions(
    SHARE_GROUPS_OPTIONS,
    argv,
    'This tool helps to list, describe, reset and delete share groups.',
    true,
  )
  checkRequired(options, 'bootstrap-server')
  if (options.has('describe')) checkDescribe(options)
  if (options.has('delete')) checkDelete(options)
  if (options.has('delete-offsets') && !(options.has('group') && options.has('topic'))) {
    throw usage(`Option [delete-offsets] takes the following options: ${listed(['group', 'topic'])}`)
  }
  if (options.has('reset-offsets')) checkReset(options)
  checkInvalid(options, 'group', 'list')
  checkInvalid(options, 'topic', 'list', 'describe')
  const [action, ...more] = ACTIONS.filter((name) => options.has(name))
  if (action === undefined || more.length > 0) {
    throw usage(
      'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets.',
    )
  }
  return { action, options }
}

function checkDescribe(options: ShareGroupsOptions): void {
  const [isOne, isAll] = [options.has('group'), options.has('all-groups')]
  if (!isOne && !isAll) throw usage(`Option [describe] takes one of these options: ${listed(['group', 'all-groups'])}`)
  if (isOne && isAll) throw usage('Option [describe] takes either [group] or [all-groups], not both.')
  const views = ['members', 'offsets', 'state'] as const
  if (views.filter((name) => options.has(name)).length > 1) {
    throw usage(`Option [describe] takes at most one of these options: ${listed(views)}`)
  }
  if (options.value('state') !== null) throw usage('Option [describe] does not take a value for [state]')
}

function checkDelete(options: ShareGroupsOptions): void {
  const [isOne, isAll] = [options.has('group'), options.has('all-groups')]
  if (!isOne && !isAll) throw usage('Option [delete] takes the options [group] or [all-groups]')
  if (isOne && isAll) throw usage('Option [delete] takes either [group] or [all-groups], not both.')
  if (options.has('topic')) throw usage('Option [delete] does not take the option: [topic]')
}

function checkReset(options: ShareGroupsOptions): void {
  const [isDry, isReal] = [options.has('dry-run'), options.has('execute')]
  if (isDry && isReal) throw usage('Option [reset-offsets] only accepts one of [execute] and [dry-run]')
  if (!isDry && !isReal) throw usage('Option [reset-offsets] takes the option: [execute] or [dry-run]')
  if (!options.has('group')) throw usage('Option [reset-offsets] takes the option: [group]')
  if (!options.has('topic') && !options.has('all-topics')) {
    throw usage(`Option [reset-offsets] takes one of these options: ${listed(['topic', 'all-topics'])}`)
  }
  for (const scenario of SCENARIOS) checkInvalid(options, scenario, ...SCENARIOS.filter((one) => one !== scenario))
  if (!SCENARIOS.some((name) => options.has(name))) {
    throw usage(`Option [reset-offsets] takes one of these options: ${listed(SCENARIOS)}`)
  }
}
