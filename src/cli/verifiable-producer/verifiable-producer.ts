/** kafka-verifiable-producer.sh: sends numbers that count up, and tells in JSON what became of each, for system tests. */
import type { Producer } from '../../client/producer/producer.ts'
import type { Bytes } from '../../client/producer/producer-record.ts'
import { isKafkaError } from '../clients/admin.ts'
import { makeProducer } from '../clients/record-clients.ts'
import { javaClass } from '../text/java-exceptions.ts'
import { Throttle } from '../perf/throttle.ts'
import { sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { eventPrinter, type EventPrinter } from '../verifiable/events.ts'
import { verifiableProducerCommand, type VerifiableProducerCommand } from './verifiable-producer-options.ts'

export const verifiableProducer: Tool = async (argv, host) => {
  const command = await verifiableProducerCommand(argv, host)
  const { clock } = host.world
  const startMs = clock.monotonicMs()
  const producer = await makeProducer(host, command.properties)
  const print = eventPrinter(host)
  const counts = { sent: 0, acked: 0 }
  try {
    print('startup_complete', {})
    await sendAll(producer, command, host, print, counts)
  } finally {
    await producer.close()
    print('shutdown_complete', {})
    const perSecond = 1000 * (counts.acked / (clock.monotonicMs() - startMs))
    print('tool_data', { ...counts, target_throughput: command.throughput }, ['avg_throughput', perSecond])
  }
  return 0
}

async function sendAll(
  producer: Producer<Bytes, Bytes>,
  command: VerifiableProducerCommand,
  { interrupted, terminal, world: { clock } }: ToolHost,
  print: EventPrinter,
  counts: { sent: number; acked: number },
): Promise<void> {
  const { topic, maxMessages, throughput, valuePrefix, repeatingKeys } = command
  const throttle = new Throttle(clock, throughput)
  const startMs = Math.floor(clock.wallMs())
  let createTimeMs = command.createTimeMs
  const pending = new Set<Promise<void>>()
  for (let index = 0; index < maxMessages && !interrupted.aborted && !terminal.isClosed; index++) {
    const value = valuePrefix === null ? String(index) : `${valuePrefix}.${index}`
    const key = repeatingKeys === null ? null : String(index % repeatingKeys)
    const record = { topic, key, value, ...(createTimeMs === null ? {} : { timestamp: createTimeMs }) }
    if (createTimeMs !== null) createTimeMs += Math.floor(clock.wallMs()) - startMs
    counts.sent += 1
    const sent = producer.send(record).then(
      ({ partition, offset }) => {
        counts.acked += 1
        print('producer_send_success', { key, value, offset, topic, partition })
      },
      (error: Error) => {
        const exception = `class ${javaClass(error)}`
        print('producer_send_error', { topic, key, value, exception, message: sentence(topic, error) })
      },
    )
    pending.add(sent)
    void sent.finally(() => pending.delete(sent))
    if (pending.size >= PENDING_MAX) await Promise.race(pending)
    if (throttle.isAhead(index + 1, clock.monotonicMs())) await throttle.wait(index + 1, interrupted).catch(() => {})
  }
  await Promise.all(pending)
}

/** Records without an outcome: more would only be memory. */
const PENDING_MAX = 10_000

/** Kafka's own for a name that no topic can have. */
function sentence(topic: string, error: Error): string {
  return isKafkaError(error, 'INVALID_TOPIC_EXCEPTION') ? `Invalid topics: [${topic}]` : sentenceOf(error)
}
