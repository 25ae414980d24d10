/** The command line of kafka-console-share-consumer.sh, and what is checked of it, in Kafka's order. */
import type { AcknowledgeType } from '../../client/share/acknowledgements.ts'
import { keyValues, readProperties, type Properties } from '../clients/client-properties.ts'
import { FORMATTER_OPTIONS, recordFormatter } from '../console-consumer/formatter-options.ts'
import { currentName } from '../options/old-names.ts'
import type { RecordFormatter } from '../console-consumer/record-formatters.ts'
import { checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { BOOTSTRAP_SERVER, COMMON_OPTIONS, flag, value, type OptionTable } from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import type { ToolHost } from '../tool/tool.ts'

export const CONSOLE_SHARE_CONSUMER_OPTIONS = {
  ...COMMON_OPTIONS,
  topic: value('topic', 'REQUIRED: the topic to read.'),
  'consumer-property': value('consumer_prop', 'Old name of --command-property.'),
  'command-property': value('consumer_prop', 'name=value for the consumer. Repeatable.'),
  'consumer-config': value('config file', 'Old name of --command-config.'),
  'command-config': value('config file', 'Properties file for the consumer; --command-property goes before it.'),
  ...FORMATTER_OPTIONS,
  'max-messages': value('num_messages', 'End after so many records.', { type: 'Integer' }),
  'timeout-ms': value('timeout_ms', 'End when no record came for so long.', { type: 'Integer' }),
  reject: flag('Reject records: nobody gets them any more. Without this and --release they are accepted.'),
  release: flag('Release records: others of the group get them.'),
  'reject-message-on-error': flag('Reject a record that cannot be shown, and go on.'),
  'bootstrap-server': BOOTSTRAP_SERVER,
  group: value('share group id', 'The share group to read as; console-share-consumer if left out.'),
  'enable-systest-events': flag('Print shutdown_complete at the end, for system tests.'),
} satisfies OptionTable

const GROUP = 'console-share-consumer'

export interface ConsoleShareConsumerCommand {
  readonly properties: Properties
  readonly formatter: RecordFormatter
  readonly topic: string
  /** What becomes of a record that was shown. */
  readonly acknowledgement: AcknowledgeType
  readonly rejectsErrors: boolean
  /** Infinity without a limit. */
  readonly maxMessages: number
  readonly timeoutMs: number
  readonly tellsShutdown: boolean
}

/** Rejects with ToolExit, OperationalError CONFIG_INVALID. */
export async function consoleShareConsumerCommand(
  argv: readonly string[],
  host: ToolHost,
): Promise<ConsoleShareConsumerCommand> {
  const about = 'This tool helps to read data from Kafka topics using share groups and outputs it to standard output.'
  const options = toolOptions(CONSOLE_SHARE_CONSUMER_OPTIONS, argv, about, true)
  const { table } = options
  if (!options.has('topic')) throw usageFailure(table, '--topic is a required argument')
  checkRequired(options, 'bootstrap-server')
  for (const [old, current] of [
    ['consumer-property', 'command-property'],
    ['consumer-config', 'command-config'],
  ] as const) {
    if (!options.has(old) || !options.has(current)) continue
    throw usageFailure(table, `Options --${old} and --${current} cannot be specified together.`)
  }
  if (options.has('reject') && options.has('release')) {
    throw usageFailure(table, 'At most one of --reject and --release may be specified.')
  }
  const properties = await shareProperties(options, host)
  const formatter = await recordFormatter(options, host)
  const maxMessages = options.integer('max-messages') ?? -1
  const timeoutMs = options.integer('timeout-ms') ?? -1
  return {
    properties,
    formatter,
    topic: options.value('topic') ?? '',
    acknowledgement: options.has('reject') ? 'reject' : options.has('release') ? 'release' : 'accept',
    rejectsErrors: options.has('reject-message-on-error'),
    maxMessages: maxMessages === -1 ? Infinity : maxMessages,
    timeoutMs: timeoutMs < 0 ? Infinity : timeoutMs,
    tellsShutdown: options.has('enable-systest-events'),
  }
}

async function shareProperties(
  options: Options<keyof typeof CONSOLE_SHARE_CONSUMER_OPTIONS>,
  host: ToolHost,
): Promise<Properties> {
  const own = currentName(options, host, 'consumer-property', 'command-property')
  const path = options.value(currentName(options, host, 'consumer-config', 'command-config'))
  const properties: Properties = path === null ? new Map() : await readProperties(host.world.disk, path)
  const fileGroup = properties.get('group.id')
  const extra = keyValues(options.values(own))
  const given = [options.value('group'), fileGroup, extra.get('group.id')].filter((one) => typeof one === 'string')
  const groups = [...new Set(given)]
  if (groups.length > 1) {
    const shown = groups.map((group) => `'${group}'`).join(', ')
    throw usageFailure(
      options.table,
      `The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer-config') do not match. Detected group ids: ${shown}`,
    )
  }
  for (const [name, text] of extra) properties.set(name, text)
  properties.set('bootstrap.servers', options.value('bootstrap-server') ?? '')
  if (!properties.has('client.id')) properties.set('client.id', GROUP)
  properties.set('group.id', groups[0] ?? GROUP)
  properties.set('share.acknowledgement.mode', 'explicit')
  return properties
}
