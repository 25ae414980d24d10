/** The command line of kafka-transactions.sh. */
import { argument, argumentTable, command } from '../options/argument-table.ts'

const TOPIC = argument('--topic', 'A topic.')
const PARTITION = argument('--partition', 'A partition of it.', { type: 'Integer' })
const TITLED = { exclusive: false, required: false }

export const TRANSACTIONS_ARGUMENTS = argumentTable({
  program: 'kafka-transactions.sh',
  description: 'Shows what transactions and producers are doing, and ends those that hang.',
  showsDefaults: false,
  commandsTitle: 'commands',
  commandsMetavar: 'COMMAND',
  arguments: [
    argument('-v --version', 'show the version of this Kafka distribution and exit', { action: 'version' }),
    argument('--command-config', 'Properties file for the client that the tool makes.', { metavar: 'FILE' }),
    argument('--bootstrap-server', 'host:port of one or more brokers, with commas.', {
      metavar: 'host:port',
      required: true,
    }),
  ],
  commands: [
    command('list', 'list transactions', [
      argument('--duration-filter', 'Only those that run for longer than this, in ms; all if negative.', {
        type: 'Long',
      }),
      argument('--transactional-id-pattern', 'Only those whose id is matched by this regular expression.'),
    ]),
    command(
      'describe',
      'describe the transaction of a transactional id',
      [argument('--transactional-id', 'The id.', { required: true })],
      { description: 'Shows the transaction of a transactional id.' },
    ),
    command('describe-producers', 'describe the producers that a partition knows', [
      argument('--broker-id', 'On this replica; the leader if left out.', { type: 'Integer' }),
      { ...TOPIC, required: true },
      { ...PARTITION, required: true },
    ]),
    command(
      'abort',
      'abort a transaction that hangs',
      [
        { ...TOPIC, required: true },
        { ...PARTITION, required: true },
        argument('--start-offset', 'Where it begins.', { type: 'Long', group: 'new' }),
        argument('--producer-id', 'Its producer.', { type: 'Long', group: 'old' }),
        argument('--producer-epoch', "The producer's epoch.", { type: 'Integer', group: 'old' }),
        argument('--coordinator-epoch', "Its coordinator's epoch.", { type: 'Integer', group: 'old' }),
      ],
      {
        groups: {
          new: { ...TITLED, title: 'Brokers on versions 3.0 and above', description: 'One argument is enough.' },
          old: { ...TITLED, title: 'Brokers on versions older than 3.0', description: 'All of these are needed.' },
        },
      },
    ),
    command('find-hanging', 'find transactions that hang', [
      argument('--broker-id', 'On this broker.', { type: 'Integer' }),
      argument('--max-transaction-timeout', 'Only those that are older than this, in minutes; 15 if left out.', {
        type: 'Integer',
        defaultValue: '15',
      }),
      { ...TOPIC, help: 'Only of this topic; needed with --partition.' },
      PARTITION,
    ]),
    command('forceTerminateTransaction', 'abort the transaction of a transactional id', [
      argument('--transactionalId', 'The id.', { required: true }),
    ]),
  ],
})
