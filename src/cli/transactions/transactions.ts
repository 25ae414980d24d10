/** kafka-transactions.sh: transactions and producers listed, described and ended. */
import type { AdminClient } from '../../client/admin/admin.ts'
import { withAdmin } from '../clients/admin.ts'
import { commandConfig } from '../clients/client-properties.ts'
import { parseArguments, type Arguments } from '../options/parse-arguments.ts'
import { prettyTable } from '../text/pretty-table.ts'
import { failure } from '../tool/tool-exit.ts'
import type { Tool, ToolHost } from '../tool/tool.ts'
import { findHanging } from './find-hanging.ts'
import { TRANSACTIONS_ARGUMENTS } from './transactions-arguments.ts'
import { trying } from './trying.ts'

export const transactions: Tool = async (argv, host) => {
  const args = parseArguments(TRANSACTIONS_ARGUMENTS, argv)
  const properties = await commandConfig(host.world.disk, args.value('command-config'))
  properties.set('bootstrap.servers', args.value('bootstrap-server') ?? '')
  await withAdmin(host, properties, async (admin) => await COMMANDS[args.command]?.(admin, args, host))
  return 0
}

type Command = (admin: AdminClient, args: Arguments, host: ToolHost) => Promise<void>

const COMMANDS: Readonly<Record<string, Command>> = {
  list: async (admin, args, { terminal }) => {
    const durationMs = args.number('duration-filter')
    const pattern = args.value('transactional-id-pattern')
    const options = {
      ...(durationMs !== null && { durationMs }),
      ...(pattern !== null && { transactionalIdPattern: pattern }),
    }
    const listing = await trying('Failed to list transactions', admin.listTransactions(options))
    const rows = (
      await trying(
        'Failed to list transactions',
        Promise.resolve().then(() => listing.all()),
      )
    ).map((one) => [one.transactionalId, one.coordinatorId, one.producerId, one.state])
    prettyTable(terminal, ['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'], rows)
  },
  describe: async (admin, args, { terminal, world }) => {
    const id = args.value('transactional-id') ?? ''
    const one = await trying(
      `Failed to describe transaction state of transactional-id \`${id}\``,
      admin.describeTransactions([id]).then((outcomes) => outcomes.get(id)),
    )
    const startMs = one.transactionStartTimeMs
    const row = [
      one.coordinatorId,
      id,
      one.producerId,
      one.producerEpoch,
      one.state,
      one.transactionTimeoutMs,
      startMs ?? 'None',
      startMs === null ? 'None' : world.clock.wallMs() - startMs,
      one.topicPartitions.map(({ topic, partition }) => `${topic}-${partition}`).join(','),
    ]
    prettyTable(
      terminal,
      [
        'CoordinatorId',
        'TransactionalId',
        'ProducerId',
        'ProducerEpoch',
        'TransactionState',
        'TransactionTimeoutMs',
        'CurrentTransactionStartTimeMs',
        'TransactionDurationMs',
        'TopicPartitions',
      ],
      [row],
    )
  },
  'describe-producers': async (admin, args, { terminal }) => {
    const partition = partitionOf(args)
    const brokerId = args.number('broker-id')
    const producers = await trying(
      `Failed to describe producers for partition ${partition.topic}-${partition.partition} on ${brokerId === null ? 'leader' : `broker ${brokerId}`}`,
      admin
        .describeProducers([partition], brokerId === null ? {} : { brokerId })
        .then((outcomes) => outcomes.get(partition)),
    )
    const rows = producers.map((producer) => [
      producer.producerId,
      producer.producerEpoch,
      producer.coordinatorEpoch ?? -1,
      producer.lastSequence,
      producer.lastTimestamp,
      producer.currentTransactionStartOffset ?? 'None',
    ])
    prettyTable(
      terminal,
      [
        'ProducerId',
        'ProducerEpoch',
        'LatestCoordinatorEpoch',
        'LastSequence',
        'LastTimestamp',
        'CurrentTransactionStartOffset',
      ],
      rows,
    )
  },
  abort,
  'find-hanging': findHanging,
  forceTerminateTransaction: async (admin, args) => {
    const id = args.value('transactionalId') ?? ''
    await trying(`Failed to force terminate transactionalId \`${id}\``, admin.forceTerminateTransaction(id))
  },
}

function partitionOf(args: Arguments): { readonly topic: string; readonly partition: number } {
  return { topic: args.value('topic') ?? '', partition: args.number('partition') ?? 0 }
}

async function abort(admin: AdminClient, args: Arguments): Promise<void> {
  const spec = await abortSpec(admin, args)
  const shown =
    `AbortTransactionSpec(topicPartition=${spec.topic}-${spec.partition}, producerId=${spec.producerId}, ` +
    `producerEpoch=${spec.producerEpoch}, coordinatorEpoch=${spec.coordinatorEpoch})`
  await trying(`Failed to abort transaction ${shown}`, admin.abortTransaction(spec))
}

async function abortSpec(admin: AdminClient, args: Arguments) {
  const partition = partitionOf(args)
  const name = `${partition.topic}-${partition.partition}`
  const [startOffset, producerId] = [args.number('start-offset'), args.number('producer-id')]
  if (startOffset !== null) {
    const producers = await trying(
      `Failed to validate producer state for partition ${name}`,
      admin.describeProducers([partition]).then((outcomes) => outcomes.get(partition)),
    )
    const found = producers.find((producer) => producer.currentTransactionStartOffset === startOffset)
    if (found === undefined) {
      throw failure(`Could not find any open transactions starting at offset ${startOffset} on partition ${name}`)
    }
    const { producerEpoch, coordinatorEpoch } = found
    return { ...partition, producerId: found.producerId, producerEpoch, coordinatorEpoch: coordinatorEpoch ?? 0 }
  }
  if (producerId === null) {
    throw failure(
      'The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with ' +
        '--producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)',
    )
  }
  const [producerEpoch, coordinatorEpoch] = [args.number('producer-epoch'), args.number('coordinator-epoch')]
  if (producerEpoch === null) throw failure('Missing required argument --producer-epoch')
  if (coordinatorEpoch === null) throw failure('Missing required argument --coordinator-epoch')
  return { ...partition, producerId, producerEpoch, coordinatorEpoch: Math.max(coordinatorEpoch, 0) }
}
