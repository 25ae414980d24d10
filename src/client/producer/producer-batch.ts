/**
 * One batch on its way: its bytes, how often it was tried, who waits for it, and how it ended. It ends once, whatever answers
 * still come. What becomes of its sequence numbers is the transaction manager's, when it is sent the sender's business.
 */
import type { Int64 } from '../../base/int64.ts'
import { KafkaError } from '../../base/errors.ts'
import { ZERO_UUID } from '../../base/uuid.ts'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, incrementSequence } from '../../records/batch.ts'
import { readRecords } from '../../records/record-reader.ts'
import { batchBytesMax, type BatchBuffer, type ProducerIdentity } from './batch-buffer.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** Who is told what became of a record. `slot` is the sink's own number for it. */
export interface DeliverySink {
  delivered(slot: number, queue: PartitionQueue, offset: number, timestamp: number): void
  failed(slot: number, error: Error): void
}

/** One record that somebody waits for. */
export interface WaitingRecord {
  /** Within the batch. */
  readonly index: number
  readonly timestamp: number
  readonly sink: DeliverySink
  readonly slot: number
}

/** What has to be over before a flush is. */
export interface FlushToken {
  left: number
  readonly done: () => void
}

export class ProducerBatch {
  readonly queue: PartitionQueue
  readonly buffer: BatchBuffer
  /** Monotonic, as all times here. */
  readonly createdMs: number
  /** Made by splitting one that was too large. */
  readonly isSplit: boolean
  /** Of a split one: the most that a batch of one of its records takes. */
  recordBytesMax = 0
  attempts = 0
  lastAttemptMs: number
  /** It was sent and has come back to be sent again. */
  isRetried = false
  /** A request with it waits for its answer. */
  isOnTheWire = false
  producerId: Int64 = NO_PRODUCER_ID
  producerEpoch = NO_PRODUCER_EPOCH
  baseSequence = NO_SEQUENCE
  isTransactional = false
  /** As it was last sent; ZERO_UUID: by name. */
  topicId = ZERO_UUID
  /** The how many-th of its partition to be given numbers. */
  rank = 0
  /** An attempt was lost, or failed in a way that leaves open whether it was written. */
  mayBeWritten = false
  /** Its identity has changed since it was last sent. */
  hasBeenReset = false
  isDone = false
  waiting: WaitingRecord[] | null = null
  /** Once it has ended: how many records somebody waited for. */
  awaited = 0
  flushes: FlushToken[] | null = null
  /** Milliseconds from the last attempt to the next. */
  backoffMs = 0
  /** Its memory was given back. */
  isReleased = false
  /** The last error that it was tried again after. */
  lastError: Error | null = null
  #isSealed = false
  #leaderEpoch = -1
  #attemptsAtNewLeader = 0

  constructor(queue: PartitionQueue, buffer: BatchBuffer, createdMs: number, isSplit = false) {
    this.queue = queue
    this.buffer = buffer
    this.createdMs = createdMs
    this.lastAttemptMs = createdMs
    this.isSplit = isSplit
  }

  get count(): number {
    return this.buffer.count
  }

  get hasSequence(): boolean {
    return this.baseSequence !== NO_SEQUENCE
  }

  get lastSequence(): number {
    return incrementSequence(this.baseSequence, this.count - 1)
  }

  setIdentity({ producerId, producerEpoch }: ProducerIdentity, baseSequence: number, isTransactional: boolean): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.baseSequence = baseSequence
    this.isTransactional = isTransactional
    this.#isSealed = false
  }

  /** Another identity or sequence for one that was sent already. */
  resetIdentity(identity: ProducerIdentity, baseSequence: number): void {
    this.setIdentity(identity, baseSequence, this.isTransactional)
    this.hasBeenReset = true
  }

  /** Ready to be sent. */
  seal(): void {
    this.hasBeenReset = false
    if (this.#isSealed) return
    this.buffer.seal(this, this.baseSequence, this.isTransactional)
    this.#isSealed = true
  }

  /** Comes back to be tried again. */
  retried(nowMs: number, error: Error): void {
    this.attempts += 1
    this.lastAttemptMs = Math.max(this.lastAttemptMs, nowMs)
    this.isRetried = true
    this.lastError = error
    this.mayBeWritten ||= !(error instanceof KafkaError && NOT_WRITTEN.has(error.code))
  }

  /** Another leader since the last attempt is no reason to wait. */
  seeLeader(leaderEpoch: number): void {
    if (leaderEpoch <= this.#leaderEpoch) return
    this.#leaderEpoch = leaderEpoch
    this.#attemptsAtNewLeader = this.attempts
  }

  get hasNewLeader(): boolean {
    return this.attempts > 0 && this.attempts === this.#attemptsAtNewLeader
  }

  /** False if it had ended before. */
  complete(baseOffset: number, logAppendTimeMs: number): boolean {
    if (this.isDone) return false
    this.isDone = true
    if (this.waiting !== null) {
      for (const { index, timestamp, sink, slot } of this.waiting) {
        const offset = baseOffset < 0 ? -1 : baseOffset + index
        sink.delivered(slot, this.queue, offset, logAppendTimeMs >= 0 ? logAppendTimeMs : timestamp)
      }
    }
    this.#over()
    return true
  }

  /** False if it had ended before. `errorOf` tells the error of one record where they differ. */
  fail(error: Error, errorOf: ((index: number) => Error) | null = null): boolean {
    if (this.isDone) return false
    this.isDone = true
    if (this.waiting !== null) {
      for (const { index, sink, slot } of this.waiting) sink.failed(slot, errorOf?.(index) ?? error)
    }
    this.#over()
    return true
  }

  /**
   * The same records in batches of `make`, in order; this one is over. Sequence numbers run on, as if they had been sent so.
   * `make` gives a batch that has room for a record of so many bytes.
   */
  split(make: (recordBytes: number) => ProducerBatch): ProducerBatch[] {
    this.isDone = true
    const { buffer, waiting } = this
    const made: ProducerBatch[] = []
    let next = 0
    let index = 0
    for (const { timestamp, key, value, headers } of readRecords(buffer.bytes, 0)) {
      const encoded = headers.length === 0 ? null : encodeHeaders(headers)
      const bytes = batchBytesMax(key?.length ?? -1, value?.length ?? -1, encoded?.length ?? 0)
      let batch = made.at(-1)
      const append = (into: ProducerBatch): boolean =>
        into.buffer.append(Number(timestamp), key, key?.length ?? -1, value, value?.length ?? -1, encoded)
      if (batch === undefined || !append(batch)) {
        batch?.buffer.close()
        batch = make(bytes)
        made.push(batch)
        append(batch)
      }
      batch.recordBytesMax = Math.max(batch.recordBytesMax, bytes)
      const waits = waiting?.[next]
      if (waits !== undefined && waits.index === index) {
        batch.waiting ??= []
        batch.waiting.push({ ...waits, index: batch.count - 1 })
        next++
      }
      index++
    }
    let sequence = this.baseSequence
    for (const batch of made) {
      batch.buffer.close()
      batch.lastError = this.lastError
      batch.rank = this.rank
      batch.attempts = this.attempts
      if (!this.hasSequence) continue
      batch.setIdentity(this, sequence, this.isTransactional)
      sequence = incrementSequence(sequence, batch.count)
    }
    // Whoever waited for this one waits for all of them.
    for (const token of this.flushes ?? []) {
      token.left += made.length - 1
      for (const batch of made) {
        batch.flushes ??= []
        batch.flushes.push(token)
      }
    }
    this.flushes = null
    this.waiting = null
    return made
  }

  #over(): void {
    this.awaited = this.waiting?.length ?? 0
    this.waiting = null
    for (const token of this.flushes ?? []) if (--token.left === 0) token.done()
    this.flushes = null
  }
}

/** After these codes a batch is surely not in the log. */
const NOT_WRITTEN: ReadonlySet<string> = new Set([
  'NOT_ENOUGH_REPLICAS',
  'CORRUPT_MESSAGE',
  'MESSAGE_TOO_LARGE',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'CONCURRENT_TRANSACTIONS',
])

/** Headers as they are written into a record: count, then each. */
export function encodeHeaders(headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]): Buffer {
  const pieces: Uint8Array[] = [varint(headers.length)]
  for (const { key, value } of headers) {
    const name = Buffer.from(key, 'utf8')
    pieces.push(varint(name.length), name)
    if (value === null) pieces.push(NULL_LENGTH)
    else pieces.push(varint(value.length), value)
  }
  return Buffer.concat(pieces)
}

const NULL_LENGTH = Buffer.from([1])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value * 2
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** What the records of a batch are told of which some were refused (KIP-467). */
export function recordErrors(
  error: KafkaError,
  refused: readonly { readonly batchIndex: number; readonly batchIndexErrorMessage: string | null }[],
): ((index: number) => Error) | null {
  if (refused.length === 0) return null
  const errors = new Map(
    refused.map(({ batchIndex, batchIndexErrorMessage }) => [
      batchIndex,
      new KafkaError(refused.length === 1 ? error.code : 'INVALID_RECORD', batchIndexErrorMessage ?? error.message),
    ]),
  )
  const others = new KafkaError(
    'INVALID_RECORD',
    'This record was not written because others of its batch are invalid. It may be sent again.',
  )
  return (index) => errors.get(index) ?? others
}
