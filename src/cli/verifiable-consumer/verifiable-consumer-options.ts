/** The command line of kafka-verifiable-consumer.sh. */
import type { Properties } from '../clients/client-properties.ts'
import { argument, argumentTable, flagArgument } from '../options/argument-table.ts'
import { toolArguments, type Arguments } from '../options/parse-arguments.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import {
  BOOTSTRAP_ARGUMENT,
  COMMAND_CONFIG_ARGUMENT,
  CONNECTION_GROUP,
  fileProperties,
  oldConfigArgument,
} from '../verifiable/verifiable-arguments.ts'

export const VERIFIABLE_CONSUMER_ARGUMENTS = argumentTable({
  program: 'verifiable-consumer',
  description: 'Reads a topic, and prints what happens (rebalances, records, commits) in JSON.',
  groups: CONNECTION_GROUP,
  arguments: [
    argument('--topic', 'What is read.', { metavar: 'TOPIC', required: true }),
    argument('--group-protocol', 'CLASSIC or CONSUMER.', { metavar: 'GROUP-PROTOCOL', defaultValue: 'classic' }),
    argument('--group-remote-assignor', "The broker's assignor, with the protocol CONSUMER.", {
      metavar: 'GROUP-REMOTE-ASSIGNOR',
    }),
    argument('--group-id', 'The consumer group.', { metavar: 'GROUP-ID', required: true }),
    argument('--group-instance-id', 'For a static member.', { metavar: 'GROUP-INSTANCE-ID' }),
    argument('--max-messages', 'How many are read; -1: until the tool is ended.', {
      metavar: 'MAX-MESSAGES',
      type: 'Integer',
      defaultValue: '-1',
    }),
    argument('--session-timeout', "The session's timeout in ms, with the protocol CLASSIC.", {
      metavar: 'TIMEOUT-MS',
      type: 'Integer',
    }),
    flagArgument('--verbose', 'Print each record.'),
    flagArgument('--enable-autocommit', 'Offsets are committed now and then, not after each batch.'),
    argument('--reset-policy', 'Where to begin without an offset: earliest, latest or none.', {
      metavar: 'RESET-POLICY',
      defaultValue: 'earliest',
    }),
    argument('--assignment-strategy', 'How members share partitions, with the protocol CLASSIC.', {
      metavar: 'ASSIGNMENT-STRATEGY',
      defaultValue: 'org.apache.kafka.clients.consumer.RangeAssignor',
    }),
    oldConfigArgument('--consumer.config'),
    COMMAND_CONFIG_ARGUMENT,
    BOOTSTRAP_ARGUMENT,
  ],
})

export interface VerifiableConsumerCommand {
  readonly properties: Properties
  readonly topic: string
  /** Infinity without a limit. */
  readonly maxMessages: number
  readonly isVerbose: boolean
  readonly commits: boolean
}

/** Rejects with ToolExit. */
export async function verifiableConsumerCommand(
  argv: readonly string[],
  host: ToolHost,
): Promise<VerifiableConsumerCommand> {
  const found = toolArguments(VERIFIABLE_CONSUMER_ARGUMENTS, argv)
  const properties = await fileProperties(VERIFIABLE_CONSUMER_ARGUMENTS, found, 'consumer.config', host)
  setProperties(found, properties)
  const maxMessages = found.number('max-messages') ?? -1
  return {
    properties,
    topic: found.value('topic') ?? '',
    maxMessages: maxMessages < 0 ? Infinity : maxMessages,
    isVerbose: found.has('verbose'),
    commits: !found.has('enable-autocommit'),
  }
}

function setProperties(found: Arguments, properties: Properties): void {
  const protocol = (found.value('group-protocol') ?? '').toLowerCase()
  if (protocol !== 'classic' && protocol !== 'consumer') {
    throw failure(`No enum constant org.apache.kafka.clients.consumer.GroupProtocol.${protocol.toUpperCase()}`)
  }
  const set = (name: string, argumentName: string): void => {
    const value = found.value(argumentName)
    if (value !== null) properties.set(name, value)
  }
  properties.set('group.protocol', protocol)
  if (protocol === 'consumer') {
    if (found.has('session-timeout')) throw failure('session.timeout.ms cannot be set when group.protocol=CONSUMER')
    set('group.remote.assignor', 'group-remote-assignor')
  } else {
    set('session.timeout.ms', 'session-timeout')
    set('partition.assignment.strategy', 'assignment-strategy')
  }
  set('bootstrap.servers', 'bootstrap-server')
  set('group.id', 'group-id')
  set('group.instance.id', 'group-instance-id')
  set('auto.offset.reset', 'reset-policy')
  properties.set('enable.auto.commit', String(found.has('enable-autocommit')))
}
