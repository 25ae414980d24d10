/**
 * kafka-verifiable-consumer.sh: reads a topic as a member of a group, and tells in JSON what was assigned, read and committed,
 * for system tests. Ended by --max-messages or from outside.
 */
import type { RecordBatchView } from '../../client/consumer/record-batch-view.ts'
import type { Consumer } from '../../client/consumer/consumer.ts'
import { makeConsumer } from '../clients/record-clients.ts'
import { isOutside, sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { eventPrinter, partitionFields, recordFields, type EventPrinter } from '../verifiable/events.ts'
import { verifiableConsumerCommand, type VerifiableConsumerCommand } from './verifiable-consumer-options.ts'

export const verifiableConsumer: Tool = async (argv, host) => {
  const command = await verifiableConsumerCommand(argv, host)
  const print = eventPrinter(host)
  const gone = (partitions: Parameters<typeof partitionFields>[0]): void => {
    print('partitions_revoked', { partitions: partitionFields(partitions) })
  }
  const consumer = await makeConsumer(host, command.properties, {
    onRebalance: {
      assigned: (partitions) => print('partitions_assigned', { partitions: partitionFields(partitions) }),
      revoked: gone,
      lost: gone,
    },
  })
  const stop = (): void => {
    print('shutdown_requested', {})
    consumer.stop()
  }
  const { interrupted } = host
  interrupted.addEventListener('abort', stop)
  try {
    print('startup_complete', {})
    consumer.subscribe([command.topic])
    await readAll(consumer, command, host, print)
  } finally {
    interrupted.removeEventListener('abort', stop)
    await consumer.close()
    print('shutdown_complete', {})
    if (!interrupted.aborted) print('shutdown_requested', {})
  }
  return 0
}

async function readAll(
  consumer: Consumer,
  { maxMessages, isVerbose, commits }: VerifiableConsumerCommand,
  { terminal }: ToolHost,
  print: EventPrinter,
): Promise<void> {
  let consumed = 0
  try {
    while (consumed < maxMessages && !terminal.isClosed) {
      const batch = await consumer.poll()
      if (batch === null) return
      const offset = printBatch(batch, maxMessages - consumed, isVerbose, print)
      consumed += Math.min(batch.length, maxMessages - consumed)
      await terminal.flush()
      if (commits) await commit(consumer, { topic: batch.topic, partition: batch.partition, offset }, print)
    }
  } catch (error) {
    // Kafka's says it in its log, and ends as if all were well.
    if (!isOutside(error)) throw error
    terminal.error(sentenceOf(error))
  }
}

/** Of the first `most` records. @returns the offset behind them. */
function printBatch(
  batch: RecordBatchView<Buffer, Buffer>,
  most: number,
  isVerbose: boolean,
  print: EventPrinter,
): number {
  const { topic, partition } = batch
  let count = 0
  let minOffset = -1
  let maxOffset = -1
  for (const record of batch) {
    if (count === most) break
    if (count === 0) minOffset = record.offset
    count += 1
    maxOffset = record.offset
    if (isVerbose) print('record_data', recordFields(record))
  }
  print('records_consumed', {
    count: batch.length,
    partitions: [{ topic, partition, count, minOffset, maxOffset }],
  })
  return maxOffset + 1
}

async function commit(
  consumer: Consumer,
  point: { readonly topic: string; readonly partition: number; readonly offset: number },
  print: EventPrinter,
): Promise<void> {
  try {
    await consumer.commit([point])
    print('offsets_committed', { offsets: [point], success: true })
  } catch (error) {
    if (!isOutside(error)) throw error
    print('offsets_committed', { offsets: [point], error: sentenceOf(error), success: false })
  }
}
