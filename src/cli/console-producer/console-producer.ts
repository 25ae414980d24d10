/**
 * kafka-console-producer.sh: lines of stdin become records.
 *
 * Records go on their way while more lines are read, as far as the producer's memory allows. One that could not be written
 * is named on stderr and changes neither the rest nor the exit code, as in Kafka; with --sync it ends the tool. What was
 * read when the tool is interrupted is still delivered.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes, Delivery, ProducerRecord } from '../../client/producer/producer-record.ts'
import { makeProducer } from '../clients/record-clients.ts'
import { sentenceOf, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { consoleProducerCommand, type ConsoleProducerCommand } from './console-producer-options.ts'
import { linesOf } from './line-reader.ts'

export const consoleProducer: Tool = async (argv, host) => {
  const command = await consoleProducerCommand(argv, host)
  const { terminal } = host
  const producer = await makeProducer(host, command.properties, { onDelivery: (delivery) => tell(delivery, terminal) })
  try {
    await produceLines(producer, command, host)
  } finally {
    await producer.close()
  }
  return 0
}

async function produceLines(
  producer: Producer<Bytes, Bytes>,
  { topic, reader, isSync }: ConsoleProducerCommand,
  { terminal, interrupted }: ToolHost,
): Promise<void> {
  const prompt = (): void => {
    if (terminal.isInteractive) terminal.write('>')
  }
  let lineNumber = 0
  prompt()
  for await (const lines of untilAborted(linesOf(terminal.input()), interrupted)) {
    for (const line of lines) {
      lineNumber += 1
      const record: ProducerRecord = { topic, ...reader.read(line, lineNumber) }
      if (isSync) await producer.send(record)
      // Null metadata or full memory: there is time to wait here, as Java's send waits.
      else if (!posted(producer, record, terminal)) await producer.drained()
      prompt()
    }
  }
}

/** False: memory is full. A line that is too large for the producer is a record that could not be written, like others. */
function posted(producer: Producer<Bytes, Bytes>, record: ProducerRecord, terminal: Terminal): boolean {
  try {
    return producer.post(record)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    tell({ topic: record.topic, error, records: 1 }, terminal)
    return true
  }
}

/** Ends when `signal` aborts, though the input goes on. */
export async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const aborted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  const iterator = items[Symbol.asyncIterator]()
  while (!signal.aborted) {
    const next = await Promise.race([iterator.next(), aborted])
    if (next === null || next.done === true) return
    yield next.value
  }
}

function tell({ topic, error, records }: Pick<Delivery, 'topic' | 'error' | 'records'>, terminal: Terminal): void {
  if (error === null) return
  const what = records === 1 ? 'message' : `${records} messages`
  terminal.error(`Error when sending ${what} to topic ${topic}: ${sentenceOf(error)}`)
}
