/** The command line of kafka-topics.sh, and what is checked of it, in Kafka's order. */
import { checkInvalid, checkInvalidSet, checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMAND_CONFIG,
  COMMON_OPTIONS,
  flag,
  value,
  type OptionTable,
} from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'

const ALTER_CONFIGS = ' (To alter topic configurations, the kafka-configs tool can be used.)'

export const TOPICS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': BOOTSTRAP_SERVER,
  'command-config': COMMAND_CONFIG,
  list: flag('List topics.'),
  create: flag('Create a topic.'),
  delete: flag('Delete topics.'),
  alter: flag('Give topics more partitions.'),
  describe: flag('Show topics with their partitions.'),
  topic: value('topic', 'A topic; for all actions but --create a regular expression, or several with commas.'),
  'topic-id': value('topic-id', 'The id of a topic to describe.'),
  config: value('name=value', 'A setting of the topic that is created. Repeatable.'),
  'delete-config': value('name', 'Without effect since 4.0.'),
  partitions: value('# of partitions', 'How many partitions the topic shall have; the cluster decides if left out.', {
    type: 'Integer',
  }),
  'replication-factor': value('replication factor', 'How many replicas of each; the cluster decides if left out.', {
    type: 'Integer',
  }),
  'replica-assignment': value(
    'broker_id_for_part1_replica1 : broker_id_for_part1_replica2 , broker_id_for_part2_replica1 : broker_id_for_part2_replica2 , ...',
    'Brokers of each partition, the preferred leader first.',
  ),
  'under-replicated-partitions': flag('Describe only partitions of which a replica is behind.'),
  'unavailable-partitions': flag('Describe only partitions without a leader that lives.'),
  'under-min-isr-partitions': flag('Describe only partitions with fewer in-sync replicas than the topic demands.'),
  'at-min-isr-partitions': flag('Describe only partitions with just as many in-sync replicas as the topic demands.'),
  'topics-with-overrides': flag('Describe only topics with settings of their own.'),
  'if-exists': flag('A topic that is not there is no error.'),
  'if-not-exists': flag('A topic that is there already is no error.'),
  'exclude-internal': flag("Leave out Kafka's own topics."),
  'partition-size-limit-per-response': value(
    'maximum number of partitions per response',
    'How many partitions are asked for at once.',
    { type: 'Integer' },
  ),
} satisfies OptionTable

export type TopicsOptions = Options<keyof typeof TOPICS_OPTIONS>

const ACTIONS = ['create', 'list', 'alter', 'describe', 'delete'] as const
export type TopicsAction = (typeof ACTIONS)[number]

const REPORTS = [
  'under-replicated-partitions',
  'under-min-isr-partitions',
  'at-min-isr-partitions',
  'unavailable-partitions',
] as const

/** @throws ToolExit, OptionError */
export function topicsOptions(
  argv: readonly string[],
  terminal: Terminal,
): { readonly action: TopicsAction; readonly options: TopicsOptions } {
  const about = argv.length === 0 ? 'Create, delete, describe, or change a topic.' : ABOUT
  const options: TopicsOptions = toolOptions(TOPICS_OPTIONS, argv, about)
  const [action, ...others] = ACTIONS.filter((one) => options.has(one))
  if (action === undefined || others.length > 0) {
    throw usageFailure(
      TOPICS_OPTIONS,
      'Command must include exactly one action: --list, --describe, --create, --alter or --delete',
    )
  }
  if (options.has('delete-config')) {
    terminal.error(
      'delete-config option is no longer supported and deprecated since version 4.0. The config will be fully removed in future releases.',
    )
  }
  checkGiven(options, action, terminal)
  checkCombinations(options, action)
  return { action, options }
}

const ABOUT = 'This tool helps to create, delete, describe, or change a topic.'

function checkGiven(options: TopicsOptions, action: TopicsAction, terminal: Terminal): void {
  if (!options.has('bootstrap-server')) throw failure('--bootstrap-server must be specified')
  if (action === 'describe' && options.has('if-exists')) {
    if (!options.has('topic') && !options.has('topic-id')) {
      throw usageFailure(TOPICS_OPTIONS, '--topic or --topic-id is required to describe a topic')
    }
    if (options.has('topic') && options.has('topic-id')) {
      terminal.out(
        'Only topic id will be used when both --topic and --topic-id are specified and topicId is not Uuid.ZERO_UUID',
      )
    }
  }
  if (action !== 'list' && action !== 'describe') checkRequired(options, 'topic')
  if (action !== 'alter') return
  checkInvalidSet(options, ['config', 'bootstrap-server'], ['alter'], ALTER_CONFIGS)
  checkRequired(options, 'partitions')
}

function checkCombinations(options: TopicsOptions, action: TopicsAction): void {
  const only = (name: keyof typeof TOPICS_OPTIONS, ...allowed: readonly TopicsAction[]) => {
    if (!allowed.includes(action)) checkInvalid(options, name, action)
  }
  only('config', 'alter', 'create')
  only('partitions', 'alter', 'create')
  only('replication-factor', 'create')
  only('replica-assignment', 'alter', 'create')
  if (action === 'create') checkInvalid(options, 'replica-assignment', 'partitions', 'replication-factor')
  for (const report of REPORTS) {
    only(report, 'describe')
    checkInvalid(options, report, 'topics-with-overrides')
  }
  only('topics-with-overrides', 'describe')
  only('if-exists', 'alter', 'delete', 'describe')
  only('if-not-exists', 'create')
  only('exclude-internal', 'list', 'describe')
}

/** `1:2,2:3` @throws ToolExit */
export function replicaAssignments(text: string): number[][] {
  const partitions: number[][] = []
  for (const [partition, part] of text.split(',').entries()) {
    const brokers = part.split(':').map((id) => {
      if (!/^[+-]?\d+$/.test(id.trim())) throw new ToolExit(1, `For input string: "${id.trim()}"`)
      return Number(id)
    })
    const twice = [...new Set(brokers.filter((id, index) => brokers.indexOf(id) !== index))]
    if (twice.length > 0) {
      throw failure(`Partition replica lists may not contain duplicate entries: ${twice.join(',')}`)
    }
    if (brokers.length !== (partitions[0] ?? brokers).length) {
      throw failure(`Partition ${partition} has different replication factor: [${brokers.join(', ')}]`)
    }
    partitions.push(brokers)
  }
  return partitions
}
