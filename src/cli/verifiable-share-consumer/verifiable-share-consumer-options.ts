/** The command line of kafka-verifiable-share-consumer.sh. */
import type { Properties } from '../clients/client-properties.ts'
import { argument, argumentTable, flagArgument } from '../options/argument-table.ts'
import { toolArguments } from '../options/parse-arguments.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import {
  BOOTSTRAP_ARGUMENT,
  COMMAND_CONFIG_ARGUMENT,
  CONNECTION_GROUP,
  fileProperties,
} from '../verifiable/verifiable-arguments.ts'

export const VERIFIABLE_SHARE_CONSUMER_ARGUMENTS = argumentTable({
  program: 'verifiable-share-consumer',
  description: 'Reads a topic as a share group, and prints what happens (records, acknowledgements) in JSON.',
  groups: CONNECTION_GROUP,
  arguments: [
    argument('--topic', 'What is read.', { metavar: 'TOPIC', required: true }),
    argument('--group-id', 'The share group.', { metavar: 'GROUP-ID', required: true }),
    argument('--max-messages', 'How many are acknowledged; -1: until the tool is ended.', {
      metavar: 'MAX-MESSAGES',
      type: 'Integer',
      defaultValue: '-1',
    }),
    flagArgument('--verbose', 'Print each record.'),
    argument('--acknowledgement-mode', 'auto (with the next fetch), sync or async.', {
      metavar: 'ACKNOWLEDGEMENT-MODE',
      defaultValue: 'auto',
    }),
    argument('--offset-reset-strategy', 'Set where the group begins, earliest or latest, before it does.', {
      metavar: 'OFFSET-RESET-STRATEGY',
      defaultValue: '',
    }),
    COMMAND_CONFIG_ARGUMENT,
    BOOTSTRAP_ARGUMENT,
  ],
})

const MODES = ['auto', 'sync', 'async'] as const

export interface VerifiableShareConsumerCommand {
  readonly properties: Properties
  readonly server: string
  readonly groupId: string
  readonly topic: string
  /** Infinity without a limit. */
  readonly maxMessages: number
  readonly isVerbose: boolean
  readonly mode: (typeof MODES)[number]
  /** As given; empty: it is left as it is. */
  readonly reset: string
}

/** Rejects with ToolExit. */
export async function verifiableShareConsumerCommand(
  argv: readonly string[],
  host: ToolHost,
): Promise<VerifiableShareConsumerCommand> {
  const found = toolArguments(VERIFIABLE_SHARE_CONSUMER_ARGUMENTS, argv)
  const given = (found.value('acknowledgement-mode') ?? '').toLowerCase()
  const mode = MODES.find((one) => one === given)
  if (mode === undefined) {
    throw failure(
      `No enum constant org.apache.kafka.tools.VerifiableShareConsumer.AcknowledgementMode.${given.toUpperCase()}`,
    )
  }
  const server = found.value('bootstrap-server') ?? ''
  const groupId = found.value('group-id') ?? ''
  const properties = await fileProperties(VERIFIABLE_SHARE_CONSUMER_ARGUMENTS, found, null, host)
  properties.set('bootstrap.servers', server)
  properties.set('group.id', groupId)
  const maxMessages = found.number('max-messages') ?? -1
  return {
    properties,
    server,
    groupId,
    topic: found.value('topic') ?? '',
    maxMessages: maxMessages < 0 ? Infinity : maxMessages,
    isVerbose: found.has('verbose'),
    mode,
    reset: found.value('offset-reset-strategy') ?? '',
  }
}
