/**
 * kafka-console-share-consumer.sh: prints records that a share group gives it, and accepts, releases or rejects each.
 *
 * What was acquired and not printed goes back to the group at the end.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import type { ShareBatch, ShareRecord } from '../../client/share/share-batch.ts'
import type { ShareConsumer } from '../../client/share/share-consumer.ts'
import { makeShareConsumer } from '../clients/record-clients.ts'
import { joined, type Piece } from '../console-consumer/record-formatters.ts'
import { failure } from '../tool/tool-exit.ts'
import { isOutside, sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { consoleShareConsumerCommand, type ConsoleShareConsumerCommand } from './console-share-consumer-options.ts'

type Batch = ShareBatch<Buffer, Buffer>
type Record = ShareRecord<Buffer, Buffer>

export const consoleShareConsumer: Tool = async (argv, host) => {
  const command = await consoleShareConsumerCommand(argv, host)
  const { interrupted, terminal } = host
  const consumer = await makeShareConsumer(host, command.properties, {
    onAcknowledged: (place, error) => {
      if (error !== null) terminal.error(`Acknowledging records of ${place} failed: ${sentenceOf(error)}`)
    },
  })
  const stop = (): void => consumer.stop()
  if (interrupted.aborted) stop()
  interrupted.addEventListener('abort', stop)
  const counter = { printed: 0 }
  try {
    consumer.subscribe(command.topic)
    await printRecords(consumer, command, host, counter)
    return 0
  } finally {
    interrupted.removeEventListener('abort', stop)
    await consumer.close()
    await terminal.flush()
    terminal.error(`Processed a total of ${counter.printed} messages`)
    if (command.tellsShutdown) terminal.out('shutdown_complete')
  }
}

async function printRecords(
  consumer: ShareConsumer,
  command: ConsoleShareConsumerCommand,
  { terminal }: ToolHost,
  counter: { printed: number },
): Promise<void> {
  const { maxMessages, timeoutMs } = command
  while (counter.printed < maxMessages) {
    let batch: Batch | null
    try {
      batch = await consumer.poll({ timeoutMs })
    } catch (error) {
      if (!isOutside(error)) throw error
      terminal.error(sentenceOf(error))
      return
    }
    if (batch === null) return
    const pieces: Piece[] = []
    const reason = printBatch(batch, command, maxMessages - counter.printed, pieces, counter)
    terminal.write(joined(pieces))
    await terminal.flush()
    if (reason !== null) throw reason
    if (terminal.isClosed) {
      terminal.error('Unable to write to standard out, closing consumer.')
      return
    }
  }
}

/** Prints the first `most`. @returns why one could not be shown, if that ends the tool. */
function printBatch(
  batch: Batch,
  { formatter, acknowledgement, rejectsErrors }: ConsoleShareConsumerCommand,
  most: number,
  pieces: Piece[],
  counter: { printed: number },
): Error | null {
  let left = most
  for (const record of batch) {
    if (left === 0) return null
    left -= 1
    counter.printed += 1
    const before = pieces.length
    try {
      formatter(shownRecord(record), pieces)
      record.acknowledge(acknowledgement)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      pieces.length = before
      if (!rejectsErrors) return failure(error.message)
      record.acknowledge('reject')
    }
  }
  return null
}

/** Its timestamp is taken for the producer's: a share group's records do not tell. */
function shownRecord(record: Record) {
  const { topic, partition, offset, timestamp, keyBytes, valueBytes, headers, deliveryCount } = record
  const timestampType = 'CreateTime' as const
  return { topic, partition, offset, timestamp, timestampType, keyBytes, valueBytes, headers, deliveryCount }
}
