/**
 * kafka-console-consumer.sh: prints records as they come.
 *
 * It ends after --max-messages, after --timeout-ms without a record, when interrupted, and when nobody reads its output any
 * more; each time with the number of records on stderr. What is printed counts as consumed, also of a batch that was not
 * printed to its end.
 */
import { MalformedError } from '../../base/byte-reader.ts'
import type { Consumer } from '../../client/consumer/consumer.ts'
import type { ConsumedRecord } from '../../client/consumer/consumed-record.ts'
import type { RecordBatchView } from '../../client/consumer/record-batch-view.ts'
import { makeConsumer } from '../clients/record-clients.ts'
import { failure } from '../tool/tool-exit.ts'
import { isOutside, sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { consoleConsumerCommand, type ConsoleConsumerCommand } from './console-consumer-options.ts'
import { joined, type Piece, type RecordFormatter } from './record-formatters.ts'

type Record = ConsumedRecord<Buffer, Buffer>
type Batch = RecordBatchView<Buffer, Buffer>

export const consoleConsumer: Tool = async (argv, host) => {
  const command = await consoleConsumerCommand(argv, host)
  const consumer = await makeConsumer(host, command.properties)
  const stop = (): void => consumer.stop()
  const { interrupted, terminal } = host
  if (interrupted.aborted) stop()
  interrupted.addEventListener('abort', stop)
  const counter = { printed: 0 }
  try {
    begin(consumer, command)
    await printRecords(consumer, command, host, counter)
    return 0
  } finally {
    interrupted.removeEventListener('abort', stop)
    await consumer.close().catch((error: unknown) => terminal.error(reasonOf(error)))
    await terminal.flush()
    terminal.error(`Processed a total of ${counter.printed} messages`)
    if (command.tellsShutdown) terminal.out('shutdown_complete')
  }
}

function begin(consumer: Consumer, { source }: ConsoleConsumerCommand): void {
  if (source.kind === 'topic') consumer.subscribe([source.topic])
  else if (source.kind === 'include') consumer.subscribe(source.pattern)
  else {
    const { topic, partition, offset } = source
    consumer.assign([{ topic, partition }])
    if (offset === 'earliest') consumer.seekToBeginning()
    else if (offset === 'latest') consumer.seekToEnd()
    else consumer.seek({ topic, partition }, offset)
  }
}

async function printRecords(
  consumer: Consumer,
  command: ConsoleConsumerCommand,
  { terminal }: ToolHost,
  counter: { printed: number },
): Promise<void> {
  const { timeoutMs } = command
  const maxMessages = command.maxMessages()
  while (counter.printed < maxMessages) {
    let batch: Batch | null
    try {
      batch = await consumer.poll({ timeoutMs })
    } catch (error) {
      if (!isOutside(error)) throw error
      terminal.error(reasonOf(error))
      return
    }
    if (batch === null) return
    const { pieces, last, failure: reason } = printed(batch, command, maxMessages - counter.printed, counter)
    terminal.write(joined(pieces))
    await terminal.flush()
    // A batch that is left in the middle is not finished, but what was printed of it is.
    // No further call would finish the last one.
    if (command.properties.get('enable.auto.commit') !== 'false') {
      if (last !== null) await last.commit()
      else if (counter.printed >= maxMessages) await batch.commit()
    }
    if (reason !== null) throw reason
    if (terminal.isClosed) {
      terminal.error('Unable to write to standard out, closing consumer.')
      return
    }
  }
}

interface Printed {
  readonly pieces: readonly Piece[]
  /** The last record, if the batch goes on behind it. */
  readonly last: Record | null
  /** Why the next one could not be shown, if that ends the tool. */
  readonly failure: Error | null
}

function printed(
  batch: Batch,
  { formatter, skipsErrors }: ConsoleConsumerCommand,
  left: number,
  counter: { printed: number },
): Printed {
  const pieces: Piece[] = []
  let last: Record | null = null
  for (const record of batch) {
    if (left === 0) return { pieces, last, failure: null }
    left -= 1
    counter.printed += 1
    const reason = shown(formatter, record, pieces)
    if (reason !== null && !skipsErrors) return { pieces, last, failure: reason }
    last = record
  }
  return { pieces, last: null, failure: null }
}

/** Null, or why not. */
function shown(formatter: RecordFormatter, record: Record, pieces: Piece[]): Error | null {
  const before = pieces.length
  try {
    formatter(record, pieces)
    return null
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    pieces.length = before
    return failure(error.message)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? sentenceOf(error) : String(error)
}
