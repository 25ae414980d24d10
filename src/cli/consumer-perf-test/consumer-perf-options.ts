/** The command line of kafka-consumer-perf-test.sh, and what is checked of it, in Kafka's order. */
import { keyValues, readProperties, type Properties } from '../clients/client-properties.ts'
import { checkOneOf, checkRequired, toolOptions } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMON_OPTIONS,
  flag,
  optionalValue,
  value,
  type OptionTable,
} from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import { dateFormat } from '../perf/date-format.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'

/** What the two tools that measure reading have in common. */
export const READING_OPTIONS = {
  'fetch-size': value('size', 'The most that one fetch brings of a partition, in bytes.', {
    type: 'Integer',
    defaultValue: '1048576',
  }),
  'command-property': value('prop1=val1', "The client's properties. Repeatable. They go before the file."),
  'socket-buffer-size': value('size', "Receive buffer of the client's sockets: taken, and left to the system.", {
    type: 'Integer',
    defaultValue: '2097152',
  }),
  'consumer.config': value('config file', 'Old name of --command-config.'),
  'command-config': value('config file', 'Properties file for the client.'),
  'print-metrics': flag("Print the client's metrics at the end."),
  'show-detailed-stats': flag('Print rates after each --reporting-interval.'),
  timeout: optionalValue('milliseconds', 'End when no record came for so long.', {
    type: 'Long',
    defaultValue: '10000',
  }),
  messages: value('count', 'Old name of --num-records.', { type: 'Long' }),
  'num-records': value('count', 'REQUIRED: how many records to read.', { type: 'Long' }),
  'reporting-interval': value('interval_ms', 'Milliseconds between two lines of rates.', {
    type: 'Long',
    defaultValue: '5000',
  }),
  'date-format': value('date format', "How times are written, as Java's SimpleDateFormat has it.", {
    defaultValue: 'yyyy-MM-dd HH:mm:ss:SSS',
  }),
  'hide-header': flag('Leave out the line that names the columns.'),
} satisfies OptionTable

export const CONSUMER_PERF_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': BOOTSTRAP_SERVER,
  topic: value('topic', 'The topic to read.'),
  include: value('Java regex (String)', 'A regular expression: every topic that matches is read.'),
  group: value('gid', 'The group to read as; one is made up if left out.'),
  'from-latest': flag('Begin at the end of the partitions where the group has no offset yet.'),
  ...READING_OPTIONS,
} satisfies OptionTable

export interface ReadingPlan {
  /** Kafka reads the number when it begins to count, behind the header. @throws OptionError */
  readonly numRecords: () => number
  readonly timeoutMs: number
  readonly reportingMs: number
  readonly isDetailed: boolean
  readonly hidesHeader: boolean
  readonly printsMetrics: boolean
  readonly formatTime: (wallMs: number) => string
}

export interface ConsumerPerfCommand extends ReadingPlan {
  readonly properties: Properties
  readonly topics: readonly string[] | RegExp
}

/** Rejects with ToolExit, OptionError, OperationalError CONFIG_INVALID. */
export async function consumerPerfCommand(argv: readonly string[], host: ToolHost): Promise<ConsumerPerfCommand> {
  const about = 'This tool is used to verify the consumer performance.'
  const options = toolOptions(CONSUMER_PERF_OPTIONS, argv, about, true)
  checkRequired(options, 'bootstrap-server')
  checkOneOf(options, 'topic', 'include')
  checkOneOf(options, 'messages', 'num-records')
  const plan = readingPlan(options, host)
  const properties = await readingProperties(options, host, 'perf-consumer-client')
  properties.set('group.id', options.value('group') ?? `perf-consumer-${host.world.random.below(100_000)}`)
  properties.set('max.partition.fetch.bytes', String(options.integer('fetch-size')))
  properties.set('auto.offset.reset', options.has('from-latest') ? 'latest' : 'earliest')
  properties.set('check.crcs', 'false')
  const topic = options.value('topic')
  return { ...plan, properties, topics: topic === null ? pattern(options.value('include') ?? '') : [topic] }
}

type ReadingOptions = Options<keyof typeof READING_OPTIONS>

/** @throws ToolExit, OptionError */
export function readingPlan(options: ReadingOptions, { terminal }: ToolHost): ReadingPlan {
  const old = options.has('messages')
  if (old) terminal.out('Warning: --messages is deprecated. Use --num-records instead.')
  return {
    numRecords: () => options.integer(old ? 'messages' : 'num-records') ?? 0,
    timeoutMs: options.integer('timeout') ?? 10_000,
    reportingMs: reportingMs(options.integer('reporting-interval') ?? 5000),
    isDetailed: options.has('show-detailed-stats'),
    hidesHeader: options.has('hide-header'),
    printsMetrics: options.has('print-metrics'),
    formatTime: dateFormat(options.value('date-format') ?? ''),
  }
}

function reportingMs(interval: number): number {
  if (interval > 0) return interval
  throw failure('Reporting interval must be greater than 0.')
}

export async function readingProperties(
  options: Options<keyof typeof READING_OPTIONS | 'bootstrap-server'>,
  { terminal, world }: ToolHost,
  clientId: string,
): Promise<Properties> {
  const old = options.has('consumer.config')
  if (old) terminal.out('Warning: --consumer.config is deprecated. Use --command-config instead.')
  const path = options.value(old ? 'consumer.config' : 'command-config')
  const properties: Properties = path === null ? new Map() : await readProperties(world.disk, path)
  for (const [name, text] of keyValues(options.values('command-property'))) properties.set(name, text)
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  if (!properties.has('client.id')) properties.set('client.id', clientId)
  return properties
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(`^(?:${text})$`)
  } catch {
    throw failure(`${text} is an invalid regex.`)
  }
}
