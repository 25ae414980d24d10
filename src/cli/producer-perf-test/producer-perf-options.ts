/** The command line of kafka-producer-perf-test.sh, and what is checked of it, in Kafka's order. */
import { uuidFromRandom } from '../../base/uuid.ts'
import { readProperties, type Properties } from '../clients/client-properties.ts'
import { argument, argumentTable, flagArgument } from '../options/argument-table.ts'
import { argumentRefusal, toolArguments, type Arguments } from '../options/parse-arguments.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'

const PROPERTY = { metavar: 'PROP-NAME=PROP-VALUE', count: '+' } as const
const FILE = { metavar: 'CONFIG-FILE' } as const
const PAYLOAD = { group: 'payload' } as const

export const PRODUCER_PERF_ARGUMENTS = argumentTable({
  program: 'kafka-producer-perf-test',
  description:
    'Measures how fast records are produced. With --transactional-id or --transaction-duration-ms, or transactional.id among the properties, they are produced in transactions.',
  groups: { payload: { exclusive: true, required: true, title: null, description: null } },
  arguments: [
    argument('--bootstrap-server', 'host:port of one or more brokers, with commas; goes before bootstrap.servers.', {
      metavar: 'BOOTSTRAP-SERVER',
    }),
    argument('--topic', 'Where records go.', { metavar: 'TOPIC', required: true }),
    argument('--num-records', 'How many.', { metavar: 'NUM-RECORDS', type: 'Long', required: true }),
    argument('--payload-delimiter', 'What stands between the values of --payload-file; a line end if left out.', {
      metavar: 'PAYLOAD-DELIMITER',
      defaultValue: '\\n',
    }),
    argument('--throughput', 'Records in a second, about; -1 for as fast as it goes.', {
      metavar: 'THROUGHPUT',
      type: 'Double',
      required: true,
    }),
    argument('--producer-props', 'Old name of --command-property.', PROPERTY),
    argument('--command-property', "The producer's properties, as in linger.ms=10 batch.size=32768.", PROPERTY),
    argument('--producer.config', 'Old name of --command-config.', FILE),
    argument('--command-config', 'Properties file for the producer; --command-property goes before it.', FILE),
    flagArgument('--print-metrics', "Print the producer's metrics at the end."),
    argument('--transactional-id', 'Produce in transactions, under this id.', { metavar: 'TRANSACTIONAL-ID' }),
    argument(
      '--transaction-duration-ms',
      'Commit each transaction after this time, in ms; 3000 if left out. Without an id one is made up.',
      { metavar: 'TRANSACTION-DURATION', type: 'Long' },
    ),
    argument('--warmup-records', 'So many at the beginning count only in the whole, and not in the second summary.', {
      metavar: 'WARMUP-RECORDS',
      type: 'Long',
      defaultValue: '0',
    }),
    argument('--reporting-interval', 'Print rates after each so many ms.', {
      metavar: 'INTERVAL-MS',
      type: 'Long',
      defaultValue: '5000',
    }),
    argument('--record-size', 'Bytes of a value; it is made of random letters.', {
      ...PAYLOAD,
      metavar: 'RECORD-SIZE',
      type: 'Integer',
    }),
    argument('--payload-file', 'A text file of values, of which each record takes any.', {
      ...PAYLOAD,
      metavar: 'PAYLOAD-FILE',
    }),
    flagArgument('--payload-monotonic', 'Values are numbers that count up.', PAYLOAD),
  ],
})

export type Payload =
  | { readonly kind: 'random'; readonly bytes: number }
  | { readonly kind: 'any'; readonly values: readonly Buffer[] }
  | { readonly kind: 'monotonic' }

export interface ProducerPerfCommand {
  readonly topic: string
  readonly numRecords: number
  /** Per second; negative without a limit. */
  readonly throughput: number
  readonly payload: Payload
  readonly properties: Properties
  readonly printsMetrics: boolean
  /** Null: no transactions. */
  readonly transactionMs: number | null
  readonly warmupRecords: number
  readonly reportingMs: number
}

/** Rejects with ToolExit, OperationalError CONFIG_INVALID. */
export async function producerPerfCommand(argv: readonly string[], host: ToolHost): Promise<ProducerPerfCommand> {
  const found = toolArguments(PRODUCER_PERF_ARGUMENTS, argv)
  const numRecords = found.number('num-records') ?? 0
  const warmupRecords = Math.max(found.number('warmup-records') ?? 0, 0)
  check(found, numRecords, warmupRecords)
  const payload = await payloadOf(found, host)
  const properties = await propertiesOf(found, host)
  const transactionMs = transactions(found, host, properties)
  return {
    topic: found.value('topic') ?? '',
    numRecords,
    throughput: found.number('throughput') ?? -1,
    payload,
    properties,
    printsMetrics: found.has('print-metrics'),
    transactionMs,
    warmupRecords,
    reportingMs: found.number('reporting-interval') ?? 5000,
  }
}

function check(found: Arguments, numRecords: number, warmupRecords: number): void {
  const refuse = (reason: string) => argumentRefusal(PRODUCER_PERF_ARGUMENTS, reason)
  const sources = [
    '--bootstrap-server',
    '--command-property',
    '--producer-props',
    '--producer.config',
    '--command-config',
  ]
  if (numRecords <= 0) throw refuse('--num-records should be greater than zero.')
  if (warmupRecords >= numRecords) {
    throw refuse(
      'The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records.',
    )
  }
  if ((found.number('record-size') ?? 1) <= 0) throw refuse('--record-size should be greater than zero.')
  if (!sources.some((name) => found.has(name.slice(2)))) {
    throw refuse(
      'At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.',
    )
  }
  for (const [current, old] of [
    ['--command-property', '--producer-props'],
    ['--command-config', '--producer.config'],
  ] as const) {
    if (found.has(current.slice(2)) && found.has(old.slice(2)))
      throw refuse(`${current} and ${old} cannot be specified together.`)
  }
  if ((found.number('transaction-duration-ms') ?? 1) <= 0) {
    throw refuse('--transaction-duration-ms should be greater than zero.')
  }
  if ((found.number('reporting-interval') ?? 1) <= 0) throw refuse('--reporting-interval should be greater than zero.')
}

async function payloadOf(found: Arguments, { terminal, world }: ToolHost): Promise<Payload> {
  const path = found.value('payload-file')
  if (path === null) {
    const bytes = found.number('record-size')
    return bytes === null ? { kind: 'monotonic' } : { kind: 'random', bytes }
  }
  terminal.out(`Reading payloads from: ${path}`)
  const text = (await world.disk.readFile(path))?.toString() ?? ''
  if (text === '') throw failure('File does not exist or empty file provided.')
  const given = found.value('payload-delimiter') ?? '\\n'
  const delimiter = given === '\\n' ? '\n' : given
  const pieces = text.split(delimiter)
  if (pieces.at(-1) === '') pieces.pop()
  terminal.out(`Number of records read: ${pieces.length}`)
  return { kind: 'any', values: pieces.map((piece) => Buffer.from(piece)) }
}

async function propertiesOf(found: Arguments, { terminal, world }: ToolHost): Promise<Properties> {
  const given = (old: string, current: string): readonly string[] => {
    if (!found.has(old)) return found.values(current)
    terminal.out(
      `Option --${old} has been deprecated and will be removed in a future version. Use --${current} instead.`,
    )
    return found.values(old)
  }
  const pairs = given('producer-props', 'command-property')
  const path = given('producer.config', 'command-config').at(-1)
  const properties: Properties = path === undefined ? new Map() : await readProperties(world.disk, path)
  for (const pair of pairs) {
    const [name = '', value = '', ...more] = pair.split('=')
    if (value === '' || more.length > 0) throw failure(`Invalid property: ${pair}`)
    properties.set(name, value)
  }
  const server = found.value('bootstrap-server')
  if (server !== null) properties.set('bootstrap.servers', server)
  if (!properties.has('client.id')) properties.set('client.id', 'perf-producer-client')
  return properties
}

const TRANSACTION_MS = 3000

/** The time of a transaction; sets the id. */
function transactions(found: Arguments, { world }: ToolHost, properties: Properties): number | null {
  const id = found.value('transactional-id')
  const durationMs = found.number('transaction-duration-ms')
  const ofProperties = properties.get('transactional.id')
  if (id === null && durationMs === null && ofProperties === undefined) return null
  properties.set(
    'transactional.id',
    id ?? ofProperties ?? `performance-producer-${uuidFromRandom(world.random.bytes(16))}`,
  )
  return durationMs ?? TRANSACTION_MS
}
