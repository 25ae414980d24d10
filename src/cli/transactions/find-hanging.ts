/**
 * `kafka-transactions.sh find-hanging`: transactions that are open in a partition for longer than any may, and of which
 * their coordinator knows nothing (any more).
 */
import type { Int64 } from '../../base/int64.ts'
import type { AdminClient } from '../../client/admin/admin.ts'
import type { TopicPartition } from '../../client/admin/admin-types.ts'
import type { ProducerState } from '../../client/admin/transactions.ts'
import type { Arguments } from '../options/parse-arguments.ts'
import { prettyTable } from '../text/pretty-table.ts'
import { failure } from '../tool/tool-exit.ts'
import type { ToolHost } from '../tool/tool.ts'
import { trying } from './trying.ts'

/** Partitions that are asked about at once. */
const BATCH = 500
const MINUTE_MS = 60_000

interface OpenTransaction extends TopicPartition {
  readonly producer: ProducerState
}

export async function findHanging(admin: AdminClient, args: Arguments, { terminal, world }: ToolHost): Promise<void> {
  const [topic, partition] = [args.value('topic'), args.number('partition')]
  const brokerId = args.number('broker-id')
  if (topic === null && brokerId === null) {
    throw failure('The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search')
  }
  if (partition !== null && topic === null) throw failure('The --partition argument requires --topic to be provided')
  const partitions =
    topic !== null && partition !== null ? [{ topic, partition }] : await partitionsToSearch(admin, topic, brokerId)
  const nowMs = world.clock.wallMs()
  const minutes = args.number('max-transaction-timeout') ?? 15
  const open = (await openTransactions(admin, partitions, brokerId)).filter(
    ({ producer }) => nowMs - producer.lastTimestamp > minutes * MINUTE_MS,
  )
  const rows = (await unknownToCoordinators(admin, open)).map(({ topic: name, partition: number, producer }) => [
    name,
    number,
    producer.producerId,
    producer.producerEpoch,
    producer.coordinatorEpoch ?? -1,
    producer.currentTransactionStartOffset ?? -1,
    producer.lastTimestamp,
    Math.floor((nowMs - producer.lastTimestamp) / MINUTE_MS),
  ])
  prettyTable(
    terminal,
    [
      'Topic',
      'Partition',
      'ProducerId',
      'ProducerEpoch',
      'CoordinatorEpoch',
      'StartOffset',
      'LastTimestamp',
      'Duration(min)',
    ],
    rows,
  )
}

/** Those that the broker has a replica of, where one is named. */
async function partitionsToSearch(
  admin: AdminClient,
  topic: string | null,
  brokerId: number | null,
): Promise<readonly TopicPartition[]> {
  const names =
    topic !== null
      ? [topic]
      : (await trying('Failed to list topics', admin.listTopics({ listInternal: true }))).map(({ name }) => name)
  const described = await trying(
    `Failed to describe ${names.length} topics`,
    admin.describeTopics(names).then((outcomes) => outcomes.all()),
  )
  return [...described.values()].flatMap(({ name, partitions }) =>
    partitions
      .filter(({ replicas }) => brokerId === null || replicas.some(({ id }) => id === brokerId))
      .map(({ partition }) => ({ topic: name, partition })),
  )
}

async function openTransactions(
  admin: AdminClient,
  partitions: readonly TopicPartition[],
  brokerId: number | null,
): Promise<readonly OpenTransaction[]> {
  const found: OpenTransaction[] = []
  for (let at = 0; at < partitions.length; at += BATCH) {
    const batch = partitions.slice(at, at + BATCH)
    const described = await trying(
      `Failed to describe producers for ${batch.length} partitions on broker ${brokerId ?? 'leader'}`,
      admin.describeProducers(batch, brokerId === null ? {} : { brokerId }).then((outcomes) => outcomes.all()),
    )
    for (const [{ topic, partition }, producers] of described) {
      for (const producer of producers) {
        if (producer.currentTransactionStartOffset !== null) found.push({ topic, partition, producer })
      }
    }
  }
  return found
}

async function unknownToCoordinators(
  admin: AdminClient,
  open: readonly OpenTransaction[],
): Promise<readonly OpenTransaction[]> {
  if (open.length === 0) return []
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))]
  const listed = await trying(
    `Failed to list transactions for ${producerIds.length} producers`,
    admin.listTransactions({ producerIds }).then((listing) => listing.all()),
  )
  const ids = new Map<Int64, string>(listed.map(({ producerId, transactionalId }) => [producerId, transactionalId]))
  const outcomes = await trying(
    `Failed to describe ${ids.size} transactions`,
    admin.describeTransactions([...new Set(ids.values())]),
  )
  return open.filter(({ topic, partition, producer }) => {
    const id = ids.get(producer.producerId)
    const description = id === undefined ? null : outcomes.outcome(id)
    if (description === null || description instanceof Error) return true
    return !description.topicPartitions.some((one) => one.topic === topic && one.partition === partition)
  })
}
