/**
 * kafka-console-producer.sh: lines of stdin become records.
 *
 * Records go on their way while more lines are read, as far as the producer's memory allows. One that could not be written
 * is named on stderr and changes neither the rest nor the exit code, as in Kafka; with --sync it ends the tool. What was
 * read when the tool is interrupted is still delivered, if there is a cluster that takes it: else the tool ends at once.
 */
import { KafkaError } from '../../base/errors.ts'
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes, Delivery, ProducerRecord } from '../../client/producer/producer-record.ts'
import { makeProducer } from '../clients/record-clients.ts'
import { sentenceOf, type Terminal, type Tool, type ToolHost } from '../tool/tool.ts'
import { consoleProducerCommand, type ConsoleProducerCommand } from './console-producer-options.ts'
import { linesOf } from './line-reader.ts'

/** For a cluster to answer that was not asked before the interrupt. */
const GRACE_MS = 300

export const consoleProducer: Tool = async (argv, host) => {
  const command = await consoleProducerCommand(argv, host)
  const { terminal } = host
  const producer = await makeProducer(host, command.properties, { onDelivery: (delivery) => tell(delivery, terminal) })
  try {
    await produceLines(producer, command, host)
    await unlessAborted(producer.flush(), host.interrupted)
  } finally {
    await producer.close(await lastWait(producer, command.topic, host.interrupted))
  }
  return 0
}

/** What was read before an interrupt is worth waiting for only where the cluster is known that would take it. */
async function lastWait(
  producer: Producer<Bytes, Bytes>,
  topic: string,
  interrupted: AbortSignal,
): Promise<{ readonly timeoutMs?: number }> {
  if (!interrupted.aborted) return {}
  try {
    await producer.partitionsFor(topic, { timeoutMs: GRACE_MS })
    return {}
  } catch {
    return { timeoutMs: 0 }
  }
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
      if (isSync) await unlessAborted(producer.send(record), interrupted)
      // Null metadata or full memory: there is time to wait here, as Java's send waits.
      else if (!posted(producer, record, terminal)) await unlessAborted(producer.drained(), interrupted)
      if (interrupted.aborted) return
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

/** Resolves when `signal` aborts, though the work goes on. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  // No race with one promise of the signal's: it would remember every record that was ever waited for.
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', settle)
      resolve()
    }
    work.then(settle, reject)
    if (signal.aborted) settle()
    else signal.addEventListener('abort', settle)
  })
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
