/** What one fetch brought of one partition, as kafkajs shows it: messages as plain objects, offsets as text. */
import type { ConsumedRecord } from '../client/consumer/consumed-record.ts'
import type { RecordBatchView } from '../client/consumer/record-batch-view.ts'
import type { IHeaders, KafkaMessage } from './types.ts'

export class Batch {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: string
  readonly messages: KafkaMessage[]
  readonly #lastOffset: number

  constructor(view: RecordBatchView<Buffer, Buffer>) {
    this.topic = view.topic
    this.partition = view.partition
    this.highWatermark = String(view.highWatermark)
    this.messages = Array.from(view, messageOf)
    this.#lastOffset = view.nextOffset - 1
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  /** Of the first message; null if there is none. */
  firstOffset(): string | null {
    return this.messages[0]?.offset ?? null
  }

  /** Of the last record, which may be one that is not shown (a transaction's marker). */
  lastOffset(): string {
    return String(this.#lastOffset)
  }

  /** Records behind the batch. */
  offsetLag(): string {
    return String(Number(this.highWatermark) - 1 - this.#lastOffset)
  }

  /** Records behind the batch's first message. */
  offsetLagLow(): string {
    const first = this.firstOffset()
    return first === null ? '0' : String(Number(this.highWatermark) - 1 - Number(first))
  }
}

function messageOf(record: ConsumedRecord<Buffer, Buffer>): KafkaMessage {
  const headers: IHeaders = {}
  for (const { key, value } of record.headers) {
    const one = value as Buffer
    const before = headers[key]
    if (before === undefined) headers[key] = one
    else headers[key] = Array.isArray(before) ? [...before, one] : [before, one]
  }
  return {
    key: record.key,
    value: record.value,
    timestamp: String(record.timestamp),
    attributes: 0,
    offset: String(record.offset),
    headers,
  }
}
