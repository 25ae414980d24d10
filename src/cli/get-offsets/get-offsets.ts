/** kafka-get-offsets.sh: offsets of partitions by time. */
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { OffsetSpec } from '../../client/admin/offsets.ts'
import { KafkaError } from '../../base/errors.ts'
import { clientSentence, isTlsFailure, withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { checkRequired, usageFailure } from '../options/option-checks.ts'
import {
  BOOTSTRAP_SERVER,
  COMMAND_CONFIG,
  COMMON_OPTIONS,
  flag,
  value,
  type OptionTable,
} from '../options/option-table.ts'
import { isLong, parseOptions, type Options } from '../options/parse-options.ts'
import { KAFKA_VERSION } from '../terminal/version.ts'
import { javaError } from '../text/java-exceptions.ts'
import { topicFilter } from '../text/topic-filter.ts'
import { failure, ToolExit } from '../tool/tool-exit.ts'
import { isOutside, sentenceOf, type Terminal, type Tool } from '../tool/tool.ts'

const TIMES =
  '-1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload'

export const GET_OFFSETS_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': { ...BOOTSTRAP_SERVER, shows: 'HOST1:PORT1,...,HOST3:PORT3' },
  'broker-list': value('HOST1:PORT1,...,HOST3:PORT3', 'The old name of --bootstrap-server.'),
  'topic-partitions': value(
    'topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3',
    'Partitions, with commas: a regular expression for topics, a colon, then a partition or a range whose end is left out.',
  ),
  topic: value('topic', 'A regular expression for topics; all if left out.'),
  partitions: value('partition ids', 'Partitions of these topics, with commas; all if left out.'),
  time: value(
    `<timestamp> / ${TIMES}`,
    'Which offset: one of these, or of the first record not older than this time in ms.',
    {
      defaultValue: 'latest',
    },
  ),
  'command-config': { ...COMMAND_CONFIG, shows: 'config file' },
  'exclude-internal-topics': flag("Leave out Kafka's own topics."),
} satisfies OptionTable

type GetOffsetsOptions = Options<keyof typeof GET_OFFSETS_OPTIONS>

const ABOUT = 'An interactive shell for getting topic-partition offsets.'

export const getOffsets: Tool = async (argv, host) => {
  try {
    const options = parsed(argv)
    const spec = offsetSpec(options.value('time') ?? 'latest')
    const filter = partitionFilter(options)
    const properties = await commandConfig(host.world.disk, options.value('command-config'))
    properties.set('bootstrap.servers', options.value('bootstrap-server') ?? options.value('broker-list') ?? '')
    properties.set('client.id', 'GetOffsetShell')
    await withAdmin(host, properties, (admin) => printOffsets(admin, options, filter, spec, host.terminal))
    return 0
  } catch (error) {
    if (error instanceof UsageShown) throw error.exit
    if (!isOutside(error)) throw error
    throw new ToolExit(1, `Error occurred: ${failureText(error)}`)
  }
}

/** Of a broker's error, and of a handshake that failed, Kafka names the class, too. */
function failureText(error: Error): string {
  if (error instanceof KafkaError || isTlsFailure(error)) return javaError(error)
  return error.cause instanceof Error ? sentenceOf(error) : clientSentence(error)
}

/** Help and version are no errors that occurred. */
class UsageShown extends Error {
  readonly exit: ToolExit

  constructor(exit: ToolExit) {
    super(exit.message)
    this.exit = exit
  }
}

function parsed(argv: readonly string[]): GetOffsetsOptions {
  const shown = (exit: ToolExit) => new UsageShown(exit)
  if (argv.length === 0) throw shown(usageFailure(GET_OFFSETS_OPTIONS, ABOUT))
  const options: GetOffsetsOptions = parseOptions(GET_OFFSETS_OPTIONS, argv)
  if (options.has('help')) throw shown(usageFailure(GET_OFFSETS_OPTIONS, ABOUT))
  if (options.has('version')) throw shown(new ToolExit(0, KAFKA_VERSION))
  try {
    if (!options.has('broker-list')) checkRequired(options, 'bootstrap-server')
  } catch (error) {
    if (error instanceof ToolExit) throw shown(error)
    throw error
  }
  if (options.has('topic-partitions') && (options.has('topic') || options.has('partitions'))) {
    throw failure('--topic-partitions cannot be used with --topic or --partitions')
  }
  return options
}

const SPECS: ReadonlyMap<string, OffsetSpec> = new Map<string, OffsetSpec>([
  ['latest', 'latest'],
  ['-1', 'latest'],
  ['earliest', 'earliest'],
  ['-2', 'earliest'],
  ['max-timestamp', 'maxTimestamp'],
  ['-3', 'maxTimestamp'],
  ['earliest-local', 'earliestLocal'],
  ['-4', 'earliestLocal'],
  ['latest-tiered', 'latestTiered'],
  ['-5', 'latestTiered'],
  ['earliest-pending-upload', 'earliestPendingUpload'],
  ['-6', 'earliestPendingUpload'],
])

function offsetSpec(text: string): OffsetSpec {
  const spec = SPECS.get(text)
  if (spec !== undefined) return spec
  if (isLong(text)) return { timestamp: Number(text) }
  throw failure(`Malformed time argument ${text}. Please use ${TIMES}, or a specified long format timestamp`)
}

interface PartitionFilter {
  readonly topic: (name: string) => boolean
  readonly partition: (topic: string, partition: number) => boolean
}

function partitionFilter(options: GetOffsetsOptions): PartitionFilter {
  const patterns = options.value('topic-partitions')
  if (patterns !== null) {
    const rules = patterns.split(',').map(rule)
    return {
      topic: (name) => rules.some((one) => one.topic(name)),
      partition: (topic, partition) => rules.some((one) => one.topic(topic) && one.partition(topic, partition)),
    }
  }
  const text = options.value('partitions') ?? ''
  const ids = text === '' ? [] : text.split(',')
  if (ids.some((id) => !/^[+-]?\d+$/.test(id))) {
    throw failure(`--partitions expects a comma separated list of numeric partition ids, but received: ${text}`)
  }
  const wanted = new Set(ids.map(Number))
  return {
    topic: topicFilter(options.value('topic') ?? '.*'),
    partition: (_, partition) => wanted.size === 0 || wanted.has(partition),
  }
}

function rule(text: string): PartitionFilter {
  const parts = /^([^:,]*)(?::(?:(\d*)|(\d*)-(\d*)))?$/.exec(text)
  if (parts === null) throw failure(`Invalid rule specification: ${text}`)
  const [, topic = '', only = '', from = '', to = ''] = parts
  return {
    topic: topicFilter(topic === '' ? '.*' : topic),
    partition: (_, partition) => {
      if (only !== '') return partition === Number(only)
      return partition >= Number(from) && (to === '' || partition < Number(to))
    },
  }
}

async function printOffsets(
  admin: AdminClient,
  options: GetOffsetsOptions,
  filter: PartitionFilter,
  spec: OffsetSpec,
  terminal: Terminal,
): Promise<void> {
  const listed = await admin.listTopics({ listInternal: !options.has('exclude-internal-topics') })
  const names = listed.map(({ name }) => name).filter(filter.topic)
  const described = names.length === 0 ? [] : [...(await admin.describeTopics(names)).all().values()]
  const partitions: TopicPartition[] = described.flatMap(({ name, partitions: all }) =>
    all
      .filter(({ partition }) => filter.partition(name, partition))
      .map(({ partition }) => ({ topic: name, partition })),
  )
  if (partitions.length === 0) throw failure('Could not match any topic-partitions with the specified filters')
  const offsets = await admin.listOffsets(partitions.map((one) => ({ ...one, spec })))
  const lines: [string, string][] = []
  for (const [{ topic, partition }, outcome] of offsets) {
    const name = `${topic}-${partition}`
    if (outcome instanceof Error) {
      terminal.error(`Skip getting offsets for topic-partition ${name} due to error: ${outcome.message}`)
    } else if (outcome.offset >= 0) lines.push([name, `${topic}:${partition}:${outcome.offset}`])
  }
  for (const [, line] of lines.sort(([one], [other]) => (one < other ? -1 : 1))) terminal.out(line)
}
