/**
 * kafka-verifiable-share-consumer.sh: reads a topic as a share group, and tells in JSON what was read and acknowledged, for
 * system tests. It ends when --max-messages are acknowledged, or from outside.
 */
import type { ShareBatch } from '../../client/share/share-batch.ts'
import type { ShareConsumer } from '../../client/share/share-consumer.ts'
import { keyOf } from '../../client/consumer/topic-partition.ts'
import { withAdmin } from '../clients/admin.ts'
import { makeShareConsumer } from '../clients/record-clients.ts'
import { failure } from '../tool/tool-exit.ts'
import { isOutside, sentenceOf, type Tool, type ToolHost } from '../tool/tool.ts'
import { eventPrinter, recordFields, type EventPrinter } from '../verifiable/events.ts'
import {
  verifiableShareConsumerCommand,
  type VerifiableShareConsumerCommand,
} from './verifiable-share-consumer-options.ts'

/** An acknowledgement that comes meanwhile may be the last one. */
const POLL_MS = 200

export const verifiableShareConsumer: Tool = async (argv, host) => {
  const command = await verifiableShareConsumerCommand(argv, host)
  const print = eventPrinter(host)
  const waiting = new WaitingBatches(print)
  const { interrupted, terminal } = host
  const consumer = await makeShareConsumer(host, command.properties, {
    onAcknowledged: (place, error) => waiting.acknowledged(place, error),
  })
  const stop = (): void => consumer.stop()
  interrupted.addEventListener('abort', stop)
  try {
    print('startup_complete', {})
    if (command.reset !== '') await setReset(command, host, print)
    consumer.subscribe(command.topic)
    await readAll(consumer, command, host, print, waiting)
  } catch (error) {
    // Kafka's says it in its log, and ends as if all were well.
    if (!isOutside(error)) throw error
    terminal.error(sentenceOf(error))
  } finally {
    interrupted.removeEventListener('abort', stop)
    await consumer.close()
    print('shutdown_complete', {})
  }
  return 0
}

async function setReset(
  { reset, server, groupId }: VerifiableShareConsumerCommand,
  host: ToolHost,
  print: EventPrinter,
): Promise<void> {
  const value = reset.toLowerCase()
  if (value !== 'earliest' && value !== 'latest') throw failure(`Unknown auto offset reset strategy: ${reset}`)
  await withAdmin(host, new Map([['bootstrap.servers', server]]), async (admin) => {
    const resource = { type: 'GROUP', name: groupId } as const
    const operations = [{ name: 'share.auto.offset.reset', value, operation: 'SET' }] as const
    ;(await admin.incrementalAlterConfigs([{ resource, operations }])).all()
  })
  print('offset_reset_strategy_set', { offsetResetStrategy: value })
}

async function readAll(
  consumer: ShareConsumer,
  { maxMessages, isVerbose, mode }: VerifiableShareConsumerCommand,
  { interrupted, terminal }: ToolHost,
  print: EventPrinter,
  waiting: WaitingBatches,
): Promise<void> {
  while (waiting.count < maxMessages && !interrupted.aborted && !terminal.isClosed) {
    const batch = await consumer.poll({ timeoutMs: POLL_MS })
    if (batch === null) continue
    const offsets = printBatch(batch, isVerbose, print)
    await terminal.flush()
    waiting.add(keyOf(batch), { topic: batch.topic, partition: batch.partition, count: offsets.length, offsets })
    if (mode === 'async') {
      batch.acknowledgeAll()
      consumer.commitLater()
    } else if (mode === 'sync') {
      for (const [place, error] of await consumer.commit()) waiting.acknowledged(place, error)
    }
  }
}

/** @returns the offsets of its records. */
function printBatch(batch: ShareBatch<Buffer, Buffer>, isVerbose: boolean, print: EventPrinter): readonly number[] {
  const { topic, partition } = batch
  const offsets: number[] = []
  for (const record of batch) {
    offsets.push(record.offset)
    if (isVerbose) print('record_data', recordFields(record))
  }
  const count = offsets.length
  print('records_consumed', { count, partitions: [{ topic, partition, count, offsets }] })
  return offsets
}

interface WaitingBatch {
  readonly topic: string
  readonly partition: number
  readonly count: number
  readonly offsets: readonly number[]
}

/** Batches whose acknowledgement has no answer yet. Those of one partition are answered in their order. */
class WaitingBatches {
  readonly #print: EventPrinter
  readonly #batches = new Map<string, WaitingBatch[]>()
  /** Records that were acknowledged. */
  count = 0

  constructor(print: EventPrinter) {
    this.#print = print
  }

  add(place: string, batch: WaitingBatch): void {
    const batches = this.#batches.get(place)
    if (batches === undefined) this.#batches.set(place, [batch])
    else batches.push(batch)
  }

  acknowledged(place: string, error: Error | null): void {
    const batch = this.#batches.get(place)?.shift()
    if (batch === undefined) return
    const outcome = error === null ? { success: true } : { error: sentenceOf(error), success: false }
    this.#print('offsets_acknowledged', { count: batch.count, partitions: [batch], ...outcome })
    if (error === null) this.count += batch.count
  }
}
