/** The command line of kafka-console-consumer.sh, and what is checked of it, in Kafka's order. */
import { keyValues, readProperties, type Properties } from '../clients/client-properties.ts'
import { checkOneOf, checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMON_OPTIONS, flag, value, type OptionTable } from '../options/option-table.ts'
import { isLong, type Options } from '../options/parse-options.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import { currentName } from '../options/old-names.ts'
import { FORMATTER_OPTIONS, recordFormatter } from './formatter-options.ts'
import type { RecordFormatter } from './record-formatters.ts'

export const CONSOLE_CONSUMER_OPTIONS = {
  ...COMMON_OPTIONS,
  topic: value('topic', 'The topic to read.'),
  include: value('Java regex (String)', 'A regular expression: every topic that matches is read.'),
  partition: value('partition', 'Read this partition alone; from its end, unless --offset says otherwise.', {
    type: 'Integer',
  }),
  offset: value('consume offset', "Where to begin in the partition: an offset, 'earliest' or 'latest'.", {
    defaultValue: 'latest',
  }),
  'consumer-property': value('consumer_prop', 'Old name of --command-property.'),
  'command-property': value('consumer_prop', 'name=value for the consumer. Repeatable.'),
  'consumer.config': value('config file', 'Old name of --command-config.'),
  'command-config': value('config file', 'Properties file for the consumer; --command-property goes before it.'),
  ...FORMATTER_OPTIONS,
  'from-beginning': flag('Begin at the first record where the group has no offset yet.'),
  'max-messages': value('num_messages', 'End after so many records.', { type: 'Integer' }),
  'timeout-ms': value('timeout_ms', 'End when no record came for so long.', { type: 'Long' }),
  'skip-message-on-error': flag('Go on behind a record that cannot be shown.'),
  'bootstrap-server': value('server to connect to', 'REQUIRED: host:port of one or more brokers, with commas.'),
  'enable-systest-events': flag('Print shutdown_complete at the end, for system tests.'),
  'isolation-level': value(null, 'read_committed leaves out records of aborted and of open transactions.', {
    defaultValue: 'read_uncommitted',
  }),
  group: value('consumer group id', 'The consumer group to read as.'),
} satisfies OptionTable

type ConsoleConsumerOptions = Options<keyof typeof CONSOLE_CONSUMER_OPTIONS>

export interface ConsoleConsumerCommand {
  readonly properties: Properties
  readonly formatter: RecordFormatter
  readonly source:
    | { readonly kind: 'topic'; readonly topic: string }
    | { readonly kind: 'include'; readonly pattern: RegExp }
    | { readonly kind: 'partition'; readonly topic: string; readonly partition: number; readonly offset: StartOffset }
  /** Infinity without a limit. Asked for when reading begins, as Kafka does. @throws OptionError */
  readonly maxMessages: () => number
  /** Infinity without a limit. */
  readonly timeoutMs: number
  readonly skipsErrors: boolean
  readonly tellsShutdown: boolean
}

export type StartOffset = number | 'earliest' | 'latest'

/** Rejects with ToolExit, OperationalError CONFIG_INVALID. */
export async function consoleConsumerCommand(argv: readonly string[], host: ToolHost): Promise<ConsoleConsumerCommand> {
  const about = 'This tool helps to read data from Kafka topics and outputs it to standard output.'
  const options: ConsoleConsumerOptions = toolOptions(CONSOLE_CONSUMER_OPTIONS, argv, about, true)
  checkCombinations(options)
  const properties = await consumerProperties(options, host)
  const offset = startOffset(options)
  const timeoutMs = options.integer('timeout-ms') ?? -1
  const formatter = await recordFormatter(options, host)
  const partition = options.integer('partition')
  const topic = options.value('topic')
  return {
    properties,
    formatter,
    source:
      topic === null
        ? { kind: 'include', pattern: pattern(options.value('include') ?? '') }
        : partition === null
          ? { kind: 'topic', topic }
          : { kind: 'partition', topic, partition, offset },
    maxMessages: () => {
      const limit = options.integer('max-messages') ?? -1
      return limit === -1 ? Infinity : limit
    },
    timeoutMs: timeoutMs < 0 ? Infinity : timeoutMs,
    skipsErrors: options.has('skip-message-on-error'),
    tellsShutdown: options.has('enable-systest-events'),
  }
}

function checkCombinations(options: ConsoleConsumerOptions): void {
  const { table } = options
  checkOneOf(options, 'topic', 'include')
  if (options.has('partition')) {
    options.integer('partition')
    if (!options.has('topic')) throw usageFailure(table, 'The topic is required when partition is specified.')
    if (options.has('from-beginning') && options.has('offset')) {
      throw usageFailure(table, 'Options from-beginning and offset cannot be specified together.')
    }
  } else if (options.has('offset')) {
    throw usageFailure(table, 'The partition is required when offset is specified.')
  }
  checkRequired(options, 'bootstrap-server')
  if (options.has('consumer-property') && options.has('command-property')) {
    throw usageFailure(table, 'Options --consumer-property and --command-property cannot be specified together.')
  }
  if (options.has('consumer.config') && options.has('command-config')) {
    throw usageFailure(table, 'Options --consumer.config and --command-config cannot be specified together.')
  }
}

async function consumerProperties(options: ConsoleConsumerOptions, host: ToolHost): Promise<Properties> {
  const own = currentName(options, host, 'consumer-property', 'command-property')
  const file = currentName(options, host, 'consumer.config', 'command-config')
  const path = options.value(file)
  const properties = path === null ? new Map<string, string>() : await readProperties(host.world.disk, path)
  const fileGroup = properties.get('group.id')
  const extra = keyValues(options.values(own))
  const groups = new Set(
    [options.value('group'), fileGroup, extra.get('group.id')].filter((one) => typeof one === 'string'),
  )
  if (groups.size > 1) {
    const shown = [...groups].map((group) => `'${group}'`).join(', ')
    throw usageFailure(
      options.table,
      `The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: ${shown}`,
    )
  }
  if (groups.size > 0 && options.has('partition')) {
    throw usageFailure(options.table, 'Options group and partition cannot be specified together.')
  }
  for (const [name, text] of extra) properties.set(name, text)
  setReset(properties, options.has('from-beginning'))
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  if (!properties.has('client.id')) properties.set('client.id', 'console-consumer')
  if (options.has('isolation-level') || !properties.has('isolation.level')) {
    properties.set('isolation.level', options.value('isolation-level') ?? 'read_uncommitted')
  }
  const [group] = groups
  if (group === undefined) {
    properties.set('group.id', `console-consumer-${host.world.random.below(100_000)}`)
    // A group of this moment: its offsets are of no use to anybody.
    if (!properties.has('enable.auto.commit')) properties.set('enable.auto.commit', 'false')
  } else properties.set('group.id', group)
  return properties
}

function setReset(properties: Properties, fromBeginning: boolean): void {
  const reset = properties.get('auto.offset.reset')
  if (reset === undefined) properties.set('auto.offset.reset', fromBeginning ? 'earliest' : 'latest')
  else if (fromBeginning && reset !== 'earliest') {
    throw failure(
      `Can't simultaneously specify --from-beginning and 'auto.offset.reset=${reset}', please remove one option`,
    )
  }
}

function startOffset(options: ConsoleConsumerOptions): StartOffset {
  if (!options.has('offset')) return options.has('from-beginning') ? 'earliest' : 'latest'
  const text = options.value('offset') ?? ''
  const word = text.toLowerCase()
  if (word === 'earliest' || word === 'latest') return word
  if (isLong(text) && !text.startsWith('-')) return Number(text)
  throw usageFailure(
    options.table,
    `The provided offset value '${text}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.`,
  )
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(`^(?:${text})$`)
  } catch {
    throw failure(`${text} is an invalid regex.`)
  }
}
