/** The command line of kafka-consumer-groups.sh, and what is checked of it, in Kafka's order. */
import { checkInvalid, checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMAND_CONFIG,
  COMMON_OPTIONS,
  flag,
  optionalValue,
  value,
} from '../options/option-table.ts'
import type { OptionTable } from '../options/option-table.ts'
import { OptionError, type Options } from '../options/parse-options.ts'
import type { ToolExit } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'

const DESCRIBING = { availableIf: ['describe'] }

export const CONSUMER_GROUPS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': {
    ...BOOTSTRAP_SERVER,
    help: 'REQUIRED but for --validate-regex: host:port of one or more brokers.',
  },
  'command-config': COMMAND_CONFIG,
  list: flag('List the groups.'),
  describe: flag('Show groups with their lag.'),
  delete: flag('Delete groups without members; with --topic only the offsets of these topics.'),
  'reset-offsets': flag('Set offsets of a group without members: --dry-run shows the plan, --execute does it.'),
  'delete-offsets': flag('Delete offsets of a group.'),
  'validate-regex': value('regex', 'Say whether this is a regular expression that a subscription may have.'),
  group: value('consumer group', 'A group. Repeatable.'),
  'all-groups': flag('All groups.'),
  topic: value('topic', 'A topic, or some of its partitions as topic1:0,1,2. Repeatable.'),
  'all-topics': flag('All topics of which the group has offsets.'),
  timeout: value('timeout (ms)', 'How long to wait for the group.', { type: 'Long', defaultValue: '30000' }),
  'dry-run': flag('Only show what --reset-offsets would do.'),
  execute: flag('Do it.'),
  export: flag('Print the plan as lines of topic,partition,offset.'),
  'to-offset': value('offset', 'To this offset.', { type: 'Long' }),
  'from-file': value('path to CSV file', 'To the offsets of a file as --export prints it.'),
  'to-datetime': value('datetime', 'To the first record since YYYY-MM-DDThh:mm:ss.sss.'),
  'by-duration': value('duration', 'To the first record of the last PnDTnHnMnS.'),
  'to-earliest': flag('To the first record.'),
  'to-latest': flag('To the end.'),
  'to-current': flag('To where they are.'),
  'shift-by': value('number-of-offsets', 'By this many, back if negative.', { type: 'Long' }),
  members: flag('Describe the members.', DESCRIBING),
  verbose: flag('Describe more.', DESCRIBING),
  offsets: flag('Describe the offsets; so it is without --members and --state.', DESCRIBING),
  state: optionalValue(null, 'With --list: show states, or only groups in these. With --describe: the state.', {
    availableIf: ['describe', 'list'],
  }),
  type: optionalValue(null, 'With --list: show types, or only groups of these.', { availableIf: ['list'] }),
} satisfies OptionTable

export type ConsumerGroupsOptions = Options<keyof typeof CONSUMER_GROUPS_OPTIONS>

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets', 'validate-regex'] as const
export type ConsumerGroupsAction = (typeof ACTIONS)[number]

export const SCENARIOS = [
  'to-offset',
  'to-earliest',
  'to-current',
  'to-latest',
  'by-duration',
  'to-datetime',
  'from-file',
  'shift-by',
] as const

const ABOUT =
  'This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.'

export function usage(sentence: string): ToolExit {
  return usageFailure(CONSUMER_GROUPS_OPTIONS, sentence)
}

/** @throws ToolExit, OptionError */
export function consumerGroupsOptions(
  argv: readonly string[],
  terminal: Terminal,
): { readonly action: ConsumerGroupsAction; readonly options: ConsumerGroupsOptions } {
  const options: ConsumerGroupsOptions = toolOptions(CONSUMER_GROUPS_OPTIONS, argv, ABOUT)
  try {
    const [action, ...others] = ACTIONS.filter((one) => options.has(one))
    if (action === undefined || others.length > 0) {
      throw usage(`Command must include exactly one action: ${ACTIONS.map((one) => `--${one}`).join(', ')}`)
    }
    if (action !== 'validate-regex') checkRequired(options, 'bootstrap-server')
    CHECKS[action]?.(options, terminal)
    checkInvalid(options, 'group', 'all-groups')
    if (action === 'list') {
      checkInvalid(options, 'group', 'list')
      checkInvalid(options, 'topic', 'list')
    }
    if (action === 'describe') checkInvalid(options, 'topic', 'describe')
    return { action, options }
  } catch (error) {
    throw error instanceof OptionError ? usage(error.message) : error
  }
}

type Check = (options: ConsumerGroupsOptions, terminal: Terminal) => void

const CHECKS: Partial<Record<ConsumerGroupsAction, Check>> = {
  describe: (options) => {
    checkScope(options, 'describe')
    const parts = ['members', 'offsets', 'state'] as const
    if (parts.filter((name) => options.has(name)).length > 1) {
      throw usage(`Option [describe] takes at most one of these options: ${parts.map(shown).join(', ')}`)
    }
    if (options.has('state') && options.value('state') !== null) {
      throw usage('Option [describe] does not take a value for [state]')
    }
  },
  delete: (options) => checkScope(options, 'delete'),
  'delete-offsets': (options) => {
    if (options.has('group') && options.has('topic')) return
    throw usage('Option [delete-offsets] takes the following options: [topic], [group]')
  },
  'reset-offsets': (options, terminal) => {
    if (options.has('dry-run') && options.has('execute')) {
      throw usage('Option [reset-offsets] only accepts one of [execute] and [dry-run]')
    }
    if (!options.has('dry-run') && !options.has('execute')) {
      terminal.error(
        'WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will ' +
          'require either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if ' +
          'you are scripting this command and want to keep the current default behavior without prompting.',
      )
    }
    checkScope(options, 'reset-offsets')
    for (const scenario of SCENARIOS_CHECKED) {
      checkInvalid(options, scenario, ...SCENARIOS.filter((other) => other !== scenario))
    }
  },
}

/** In the order in which Kafka looks at them. */
const SCENARIOS_CHECKED = [
  'to-offset',
  'to-datetime',
  'by-duration',
  'to-earliest',
  'to-latest',
  'to-current',
  'shift-by',
  'from-file',
] as const

function checkScope(options: ConsumerGroupsOptions, action: ConsumerGroupsAction): void {
  if (options.has('group') || options.has('all-groups')) return
  throw usage(`Option [${action}] takes one of these options: [group], [all-groups]`)
}

export function shown(name: string): string {
  return `[${name}]`
}
