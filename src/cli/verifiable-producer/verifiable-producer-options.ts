/** The command line of kafka-verifiable-producer.sh. */
import type { Properties } from '../clients/client-properties.ts'
import { argument, argumentTable } from '../options/argument-table.ts'
import { toolArguments } from '../options/parse-arguments.ts'
import type { ToolHost } from '../tool/tool.ts'
import {
  BOOTSTRAP_ARGUMENT,
  COMMAND_CONFIG_ARGUMENT,
  CONNECTION_GROUP,
  fileProperties,
  oldConfigArgument,
} from '../verifiable/verifiable-arguments.ts'

const NUMBER = { type: 'Integer', defaultValue: '-1' } as const

export const VERIFIABLE_PRODUCER_ARGUMENTS = argumentTable({
  program: 'verifiable-producer',
  description: 'Sends numbers that count up, and prints what became of each in JSON.',
  groups: CONNECTION_GROUP,
  arguments: [
    argument('--topic', 'Where they go.', { metavar: 'TOPIC', required: true }),
    argument('--max-messages', 'How many; -1: until the tool is ended.', { metavar: 'MAX-MESSAGES', ...NUMBER }),
    argument('--throughput', 'Records in a second, about; -1: as fast as it goes.', {
      metavar: 'THROUGHPUT',
      ...NUMBER,
    }),
    argument('--acks', 'Whose answer is waited for.', { metavar: 'ACKS', choices: ['0', '1', '-1'], ...NUMBER }),
    oldConfigArgument('--producer.config'),
    argument('--message-create-time', "The first record's time, in ms since 1970; the others' follow the clock.", {
      metavar: 'CREATE-TIME',
      type: 'Long',
      defaultValue: '-1',
    }),
    argument('--value-prefix', 'A number before each value, and a dot.', { metavar: 'VALUE-PREFIX', type: 'Integer' }),
    argument('--repeating-keys', 'Keys count up from 0, and begin anew before this number.', {
      metavar: 'REPEATING-KEYS',
      type: 'Integer',
    }),
    COMMAND_CONFIG_ARGUMENT,
    BOOTSTRAP_ARGUMENT,
  ],
})

export interface VerifiableProducerCommand {
  readonly properties: Properties
  readonly topic: string
  /** Infinity without a limit. */
  readonly maxMessages: number
  readonly throughput: number
  readonly valuePrefix: number | null
  readonly repeatingKeys: number | null
  readonly createTimeMs: number | null
}

/** Rejects with ToolExit. */
export async function verifiableProducerCommand(
  argv: readonly string[],
  host: ToolHost,
): Promise<VerifiableProducerCommand> {
  const found = toolArguments(VERIFIABLE_PRODUCER_ARGUMENTS, argv)
  const ofFile = await fileProperties(VERIFIABLE_PRODUCER_ARGUMENTS, found, 'producer.config', host)
  const properties: Properties = new Map([
    ['bootstrap.servers', found.value('bootstrap-server') ?? ''],
    ['acks', found.value('acks') ?? '-1'],
    // What fails is told, not tried again.
    ['retries', '0'],
    ...ofFile,
  ])
  const maxMessages = found.number('max-messages') ?? -1
  const createTimeMs = found.number('message-create-time') ?? -1
  return {
    properties,
    topic: found.value('topic') ?? '',
    maxMessages: maxMessages < 0 ? Infinity : maxMessages,
    throughput: found.number('throughput') ?? -1,
    valuePrefix: found.number('value-prefix'),
    repeatingKeys: found.number('repeating-keys'),
    createTimeMs: createTimeMs === -1 ? null : createTimeMs,
  }
}
