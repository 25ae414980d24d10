/** The command line of kafka-e2e-latency.sh: by name, or the old five or six words. What is checked, in Kafka's order. */
import { checkRequired, toolOptions, usageFailure } from '../options/option-checks.ts'
import { COMMON_OPTIONS, optionalValue, value, type OptionTable } from '../options/option-table.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Terminal } from '../tool/tool.ts'

const BYTES = { type: 'Integer', defaultValue: '0' } as const

export const E2E_LATENCY_OPTIONS = {
  ...COMMON_OPTIONS,
  'bootstrap-server': value('bootstrap-server', 'REQUIRED: host:port of one or more brokers, with commas.'),
  topic: value('topic-name', 'REQUIRED: the topic that records go through; made if it is not there.'),
  'num-records': value('count', 'REQUIRED: how many records, one after the other.', { type: 'Integer' }),
  'producer-acks': value('producer-acks', "REQUIRED: '1' or 'all'."),
  'record-size': value('bytes', 'REQUIRED: bytes of a value.', { type: 'Integer' }),
  'record-key-size': optionalValue('bytes', 'Bytes of a key; 0 for none.', BYTES),
  'num-headers': optionalValue('count', 'Headers of a record.', BYTES),
  'record-header-key-size': optionalValue('bytes', "Bytes of a header's key.", BYTES),
  'record-header-size': optionalValue('bytes', "Bytes of a header's value; -1 for null.", BYTES),
  'command-config': optionalValue('config-file', 'Properties file for the clients.'),
} satisfies OptionTable

export interface E2eLatencyCommand {
  readonly server: string
  readonly topic: string
  readonly numRecords: number
  readonly acks: string
  readonly valueBytes: number
  readonly keyBytes: number
  readonly headers: number
  readonly headerKeyBytes: number
  /** -1: null. */
  readonly headerBytes: number
  readonly configFile: string | null
}

const ABOUT = 'This tool measures end-to-end latency in Kafka by sending messages and timing their reception.'
const POSITIONAL = [
  '--bootstrap-server',
  '--topic',
  '--num-records',
  '--producer-acks',
  '--record-size',
  '--command-config',
]

/** @throws ToolExit, OptionError */
export function e2eLatencyCommand(argv: readonly string[], terminal: Terminal): E2eLatencyCommand {
  const options = toolOptions(E2E_LATENCY_OPTIONS, byName(argv, terminal), ABOUT, true)
  const { table } = options
  checkRequired(options, 'bootstrap-server', 'topic', 'num-records', 'producer-acks', 'record-size')
  const acks = options.value('producer-acks') ?? ''
  if (acks !== '1' && acks !== 'all') {
    throw usageFailure(
      table,
      "Invalid value for --producer-acks. Latency testing requires synchronous acknowledgement. Please use '1' or 'all'.",
    )
  }
  const atLeast = (name: keyof typeof E2E_LATENCY_OPTIONS, least: number, rule: string): number => {
    const found = options.integer(name) ?? 0
    if (found >= least) return found
    throw usageFailure(table, `Value for --${name} must be a ${rule}.`)
  }
  const natural = 'non-negative integer'
  return {
    server: options.value('bootstrap-server') ?? '',
    topic: options.value('topic') ?? '',
    acks,
    numRecords: atLeast('num-records', 1, 'positive integer'),
    valueBytes: atLeast('record-size', 0, natural),
    keyBytes: atLeast('record-key-size', 0, natural),
    headers: atLeast('num-headers', 0, natural),
    headerKeyBytes: atLeast('record-header-key-size', 0, natural),
    headerBytes: atLeast('record-header-size', -1, `${natural} or -1 for null header value`),
    configFile: options.value('command-config'),
  }
}

/** The old form's words behind their names. */
function byName(argv: readonly string[], terminal: Terminal): readonly string[] {
  if (argv.length === 0 || argv.some((word) => word.startsWith('-'))) return argv
  if (argv.length !== 5 && argv.length !== 6) {
    throw failure(
      `Invalid number of arguments. Expected 5 or 6 positional arguments, but got ${argv.length}. Usage: bootstrap-server topic num-records producer-acks record-size [optional] command-config`,
    )
  }
  terminal.out(
    `WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka 5.0. Please use named arguments instead: ${POSITIONAL.join(', ')}`,
  )
  return argv.flatMap((word, index) => [POSITIONAL[index] ?? '', word])
}
