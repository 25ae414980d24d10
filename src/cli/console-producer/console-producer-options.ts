/** The command line of kafka-console-producer.sh, and what is checked of it, in Kafka's order. */
import { parseAddresses } from '../../client/client-options.ts'
import { ClientError } from '../../client/errors.ts'
import { keyValues, readProperties, type Properties } from '../clients/client-properties.ts'
import { checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { currentName } from '../options/old-names.ts'
import { COMMON_OPTIONS, flag, optionalValue, value, type OptionTable } from '../options/option-table.ts'
import type { Options } from '../options/parse-options.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import { lineReader, type LineReader } from './line-reader.ts'

const READER_PROPERTIES =
  'name=value for the reader. Repeatable. parse.key, parse.headers, ignore.error (true|false); key.separator (tab), headers.delimiter (tab), headers.separator (,), headers.key.separator (:), null.marker.'
const VALID_ADDRESSES = 'Please provide valid host:port like host1:9091,host2:9092'
const LINE_READER = 'org.apache.kafka.tools.LineMessageReader'

export const CONSOLE_PRODUCER_OPTIONS = {
  ...COMMON_OPTIONS,
  topic: value('topic', 'REQUIRED: The topic to write to.'),
  'bootstrap-server': value('server to connect to', 'REQUIRED: host:port of one or more brokers, with commas.'),
  'broker-list': value('broker-list', 'Name of --bootstrap-server before Kafka 4.'),
  sync: flag('Wait for each record before the next is sent.'),
  'compression-codec': optionalValue(
    'compression-codec',
    'none, gzip, snappy, lz4 or zstd; gzip if the option has no value.',
  ),
  'batch-size': value('size', 'Bytes of a batch (batch.size).', { type: 'Integer', defaultValue: '16384' }),
  'message-send-max-retries': value(null, 'How often a batch is sent again (retries).', {
    type: 'Integer',
    defaultValue: '3',
  }),
  'retry-backoff-ms': value(null, 'First pause before it is (retry.backoff.ms).', {
    type: 'Long',
    defaultValue: '100',
  }),
  timeout: value('timeout_ms', 'How long a batch waits for more records (linger.ms).', {
    type: 'Long',
    defaultValue: '1000',
  }),
  'request-required-acks': value('request required acks', 'Who must have a record: 0, 1, -1 or all (acks).', {
    defaultValue: '-1',
  }),
  'request-timeout-ms': value('request timeout ms', 'Until a request is given up (request.timeout.ms).', {
    type: 'Integer',
    defaultValue: '1500',
  }),
  'metadata-expiry-ms': value(
    'metadata expiration interval',
    'Until metadata is asked for again (metadata.max.age.ms).',
    {
      type: 'Long',
      defaultValue: '300000',
    },
  ),
  'max-block-ms': value('max block on send', 'How long a send waits for memory or metadata (max.block.ms).', {
    type: 'Long',
    defaultValue: '60000',
  }),
  'max-memory-bytes': value('total memory in bytes', 'Of records that wait to be sent (buffer.memory).', {
    type: 'Long',
    defaultValue: '33554432',
  }),
  'max-partition-memory-bytes': value('memory in bytes per partition', 'Old name of --batch-size.', {
    type: 'Integer',
    defaultValue: '16384',
  }),
  'line-reader': value('reader_class', 'How lines become records.', { defaultValue: LINE_READER }),
  'socket-buffer-size': value('size', 'Without effect here: the system chooses.', {
    type: 'Integer',
    defaultValue: '102400',
  }),
  property: value('prop', 'Old name of --reader-property.'),
  'reader-property': value('prop', READER_PROPERTIES),
  'reader-config': value('config file', 'Properties file for the reader; --reader-property goes before it.'),
  'producer-property': value('producer_prop', 'Old name of --command-property.'),
  'command-property': value('producer_prop', 'name=value for the producer. Repeatable.'),
  'producer.config': value('config file', 'Old name of --command-config.'),
  'command-config': value('config file', 'Properties file for the producer; --command-property goes before it.'),
} satisfies OptionTable

type ConsoleProducerOptions = Options<keyof typeof CONSOLE_PRODUCER_OPTIONS>

export interface ConsoleProducerCommand {
  readonly topic: string
  readonly properties: Properties
  readonly reader: LineReader
  /** One record at a time. */
  readonly isSync: boolean
}

/** Rejects with ToolExit, OperationalError CONFIG_INVALID. */
export async function consoleProducerCommand(argv: readonly string[], host: ToolHost): Promise<ConsoleProducerCommand> {
  const about = 'This tool helps to read data from standard input and publish it to Kafka.'
  const options: ConsoleProducerOptions = toolOptions(CONSOLE_PRODUCER_OPTIONS, argv, about, true)
  checkRequired(options, 'topic')
  const servers = options.value('bootstrap-server') ?? options.value('broker-list') ?? ''
  checkAddresses(options, servers)
  const readerProperties = currentName(options, host, 'property', 'reader-property', 'Warning:')
  const own = currentName(options, host, 'producer-property', 'command-property', 'Warning:')
  const file = currentName(options, host, 'producer.config', 'command-config', 'Warning:')
  const topic = options.value('topic') ?? ''
  return {
    topic,
    properties: await producerProperties(options, host, servers, own, file),
    reader: await readerOf(options, host, readerProperties),
    isSync: options.has('sync'),
  }
}

function checkAddresses(options: ConsoleProducerOptions, servers: string): void {
  if (servers === '') throw usageFailure(options.table, 'Error while validating the bootstrap address\n')
  try {
    parseAddresses(servers)
  } catch (error) {
    if (error instanceof ClientError) throw usageFailure(options.table, VALID_ADDRESSES)
    throw error
  }
}

/** The options that are settings of the producer: given ones go before the file, defaults behind it. */
const SETTINGS = {
  acks: 'request-required-acks',
  'batch.size': 'max-partition-memory-bytes',
  'buffer.memory': 'max-memory-bytes',
  'linger.ms': 'timeout',
  'max.block.ms': 'max-block-ms',
  'metadata.max.age.ms': 'metadata-expiry-ms',
  'request.timeout.ms': 'request-timeout-ms',
  retries: 'message-send-max-retries',
  'retry.backoff.ms': 'retry-backoff-ms',
} as const satisfies Record<string, keyof typeof CONSOLE_PRODUCER_OPTIONS>

async function producerProperties(
  options: ConsoleProducerOptions,
  { world }: ToolHost,
  servers: string,
  own: 'producer-property' | 'command-property',
  file: 'producer.config' | 'command-config',
): Promise<Properties> {
  const path = options.value(file)
  const properties = path === null ? new Map<string, string>() : await readProperties(world.disk, path)
  for (const [name, text] of keyValues(options.values(own))) properties.set(name, text)
  properties.set('bootstrap.servers', servers)
  const codec = options.has('compression-codec') ? (options.value('compression-codec') ?? 'gzip') : null
  if (codec !== null) properties.set('compression.type', codec)
  else if (!properties.has('compression.type')) properties.set('compression.type', 'none')
  if (!properties.has('client.id')) properties.set('client.id', 'console-producer')
  for (const [setting, option] of Object.entries(SETTINGS)) {
    const isGiven = options.has(option)
    if (CONSOLE_PRODUCER_OPTIONS[option].type !== 'String') options.integer(option)
    if (isGiven || !properties.has(setting)) properties.set(setting, options.value(option) ?? '')
  }
  if (options.has('batch-size') && !options.has('max-partition-memory-bytes')) {
    properties.set('batch.size', String(options.integer('batch-size')))
  }
  // Kafka's delivery time is lifted to what one request needs where nobody set it; ours is long enough.
  return properties
}

async function readerOf(
  options: ConsoleProducerOptions,
  { world }: ToolHost,
  own: 'property' | 'reader-property',
): Promise<LineReader> {
  const name = options.value('line-reader') ?? LINE_READER
  if (!/(^|[.$])LineMessageReader$/.test(name)) {
    throw failure(
      `java.lang.ClassNotFoundException: ${name}\nA reader of one's own is a Java class, which this tool cannot run; ${LINE_READER} is there.`,
    )
  }
  const path = options.value('reader-config')
  const properties = path === null ? new Map<string, string>() : await readProperties(world.disk, path)
  for (const [key, text] of keyValues(options.values(own))) properties.set(key, text)
  return lineReader(properties)
}
