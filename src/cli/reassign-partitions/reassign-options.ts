/** What kafka-reassign-partitions.sh is asked, checked in Kafka's order. */
import { checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, optionalValue, value, type OptionTable } from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'

export const REASSIGN_OPTIONS = {
  ...COMMON_OPTIONS,
  verify: flag('See whether a reassignment is done; throttles go when it is.'),
  generate: flag('Propose a reassignment, without executing it.'),
  execute: flag('Start a reassignment.'),
  cancel: flag('Call a reassignment off.'),
  list: flag('List the reassignments that are under way.'),
  'bootstrap-server': optionalValue(
    'Server(s) to use for bootstrapping',
    'REQUIRED but for --bootstrap-controller: host:port of one or more brokers, with commas.',
  ),
  'command-config': value('Admin client property file', 'Properties file for the client that the tool makes.'),
  'reassignment-json-file': value(
    'manual assignment json file path',
    'The reassignment:\n{"partitions":\n\t[{"topic": "foo",\n\t  "partition": 1,\n\t  "replicas": [1,2,3],\n\t  "log_dirs": ["dir1","dir2","dir3"]}],\n"version":1\n}\nlog_dirs may be left out; "any" is any directory.',
  ),
  'topics-to-move-json-file': value(
    'topics to reassign json file path',
    'The topics to move, for --generate:\n{"topics":\n\t[{"topic": "foo"},{"topic": "foo1"}],\n"version":1\n}',
  ),
  'broker-list': value('brokerlist', 'The brokers to move to, for --generate: "0,1,2".'),
  'bootstrap-controller': optionalValue(
    'bootstrap controller to connect to',
    'host:port of one or more controllers, with commas; for --cancel and --list.',
  ),
  'disable-rack-aware': flag('Do not spread replicas over racks.'),
  throttle: value('throttle', 'Bytes per second between brokers, for --execute; with --additional it changes one.', {
    type: 'Long',
    defaultValue: '-1',
  }),
  'replica-alter-log-dirs-throttle': value(
    'replicaAlterLogDirsThrottle',
    'Bytes per second between directories of a broker, for --execute.',
    { type: 'Long', defaultValue: '-1' },
  ),
  timeout: value('timeout', 'Milliseconds to wait until moves between directories begin.', {
    type: 'Long',
    defaultValue: '10000',
  }),
  additional: flag('Execute beside reassignments that are under way.'),
  'preserve-throttles': flag('Leave throttles as they are.'),
  'disallow-replication-factor-change': flag('Refuse a reassignment that changes the number of replicas.'),
} satisfies OptionTable

export type ReassignOption = keyof typeof REASSIGN_OPTIONS
export type ReassignOptions = Options<ReassignOption>

const ACTIONS = ['generate', 'execute', 'verify', 'cancel', 'list'] as const
export type ReassignAction = (typeof ACTIONS)[number]

const REQUIRED: Readonly<Record<ReassignAction, readonly ReassignOption[]>> = {
  verify: ['reassignment-json-file'],
  generate: ['topics-to-move-json-file', 'broker-list'],
  execute: ['reassignment-json-file'],
  cancel: ['reassignment-json-file'],
  list: [],
}

/** `--bootstrap-controller` is for the last two. */
const PERMITTED: Readonly<Record<ReassignAction, readonly ReassignOption[]>> = {
  verify: ['bootstrap-server', 'command-config', 'preserve-throttles'],
  generate: ['bootstrap-server', 'command-config', 'disable-rack-aware'],
  execute: [
    'additional',
    'bootstrap-server',
    'command-config',
    'throttle',
    'replica-alter-log-dirs-throttle',
    'timeout',
    'disallow-replication-factor-change',
  ],
  cancel: ['bootstrap-server', 'bootstrap-controller', 'command-config', 'preserve-throttles', 'timeout'],
  list: ['bootstrap-server', 'bootstrap-controller', 'command-config'],
}

export function reassignOptions(argv: readonly string[]): { options: ReassignOptions; action: ReassignAction } {
  const options: ReassignOptions = toolOptions(
    REASSIGN_OPTIONS,
    argv,
    'This tool helps to move topic partitions between replicas.',
  )
  const refuse = (sentence: string) => usageFailure(REASSIGN_OPTIONS, sentence)
  const [action, ...more] = ACTIONS.filter((name) => options.has(name))
  if (action === undefined || more.length > 0) {
    const all = ACTIONS.map((name) => `--${name}`).join(', ')
    throw refuse(`Command must include exactly one action: ${all}`)
  }
  const endpoints = (['bootstrap-server', 'bootstrap-controller'] as const).filter((name) => options.has(name)).length
  if (endpoints === 2) throw refuse("Please don't specify both --bootstrap-server and --bootstrap-controller")
  if (endpoints === 0) throw refuse('Please specify either --bootstrap-server or --bootstrap-controller')
  checkRequired(options, ...REQUIRED[action])
  const allowed: readonly string[] = [action, ...REQUIRED[action], ...PERMITTED[action]]
  for (const name of Object.keys(REASSIGN_OPTIONS) as ReassignOption[]) {
    if (!options.has(name) || allowed.includes(name)) continue
    throw refuse(`Option "[${name}]" can't be used with action "[${action}]"`)
  }
  return { options, action }
}
