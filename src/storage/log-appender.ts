/**
 * Appends to one log: offsets are assigned at once, the write is queued, and `writtenEnd` follows when it is done.
 *
 * What an append decides in memory (roll, producers, epochs, index entries) is decided in its turn; what must be in the
 * directory before its records are goes into the lane in front of them. A small append to an idle log is written in place,
 * without a turn of the loop.
 */
import { KafkaError } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'
import { clampInt64 } from '../base/int64.ts'
import { baseOffset, hasLogAppendTime, leaderEpoch, magic, maxTimestamp } from '../records/batch.ts'
import { BatchCursor, entryLastOffset, entryMaxTimestamp } from '../records/batches.ts'
import { AppendScan } from './append-scan.ts'
import { batchesOf, wholeBatches } from './follower-append.ts'
import type { LogFlusher } from './log-flusher.ts'
import type { LogGate } from './log-gate.ts'
import type { LogRoller } from './log-roller.ts'
import type { LogState } from './log-state.ts'
import type { AppendOptions, Appended } from './log-surface.ts'
import type { PartitionMetadataFile } from './partition-metadata-file.ts'
import type { ProducerBatch } from './producer-state.ts'
import type { Segment } from './segment.ts'
import { storageError, type QueuedWrite } from './write-lane.ts'

/** A larger append to an idle log goes through the thread pool. */
const WRITE_NOW_BYTES_MAX = 64 * 1024
const DONE = Promise.resolve()

export interface LogAppenderParts {
  /** Of the partition, for messages. */
  readonly name: string
  readonly state: LogState
  readonly gate: LogGate
  readonly roller: LogRoller
  readonly flusher: LogFlusher
  readonly metadata: PartitionMetadataFile
}

export class LogAppender {
  readonly #name: string
  readonly #state: LogState
  readonly #gate: LogGate
  readonly #roller: LogRoller
  readonly #flusher: LogFlusher
  readonly #metadata: PartitionMetadataFile
  readonly #scan = new AppendScan()
  readonly #cursor = new BatchCursor()
  readonly #writtenListeners: ((writtenEnd: number) => void)[] = []
  /** Its index files get their full size before what is queued next. */
  #preparing: Segment | null = null
  #isNotifying = false

  constructor(parts: LogAppenderParts) {
    this.#name = parts.name
    this.#state = parts.state
    this.#gate = parts.gate
    this.#roller = parts.roller
    this.#flusher = parts.flusher
    this.#metadata = parts.metadata
  }

  onWritten(listener: (writtenEnd: number) => void): void {
    this.#writtenListeners.push(listener)
  }

  append(records: Buffer, options: AppendOptions): Appended {
    const { refusal } = this.#gate
    if (refusal !== null) throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.#name}: ${refusal}`)
    const { offsets, segments, producers, config } = this.#state
    const scan = this.#scan
    if (options.origin === 'client' || options.origin === 'coordinator')
      scan.assign(records, offsets.assignedEnd, options.epoch)
    else scan.accept(records, offsets.assignedEnd)
    const { firstOffset, lastOffset } = scan
    if (records.length > config.segmentBytes) {
      throw new KafkaError(
        'RECORD_LIST_TOO_LARGE',
        `Message batch size is ${records.length} bytes in append to partition ${this.#name}, which exceeds the maximum configured segment size of ${config.segmentBytes}.`,
      )
    }
    if (this.#roller.isDue(records.length, lastOffset, scan.maxTimestamp)) this.#roller.roll(firstOffset)
    const original = this.#checkProducers(records, options)
    if (original !== null) return this.#repeated(original)
    const segment = segments.active
    const position = segment.assignedBytes
    this.#prepareFiles(segment)
    this.#apply(records, segment)
    offsets.assignTo(lastOffset + 1)
    producers.endOffset = lastOffset + 1
    options.memory?.retain()
    const written = this.#write(segment, position, records, firstOffset, options)
    return {
      firstOffset,
      lastOffset,
      duplicate: false,
      logAppendTimeMs: records.length > 0 && hasLogAppendTime(records, 0) ? clampInt64(maxTimestamp(records, 0)) : -1,
      startOffset: offsets.start,
      written,
    }
  }

  appendAsFollower(records: Buffer, leaderEpoch: number, memory: Retainable | null): Appended | null {
    const whole = wholeBatches(records, leaderEpoch, this.#name)
    if (whole.length === 0) return null
    const options: AppendOptions = { epoch: leaderEpoch, origin: 'replication', memory }
    const { offsets, config } = this.#state
    const scan = this.#scan
    scan.accept(whole, offsets.assignedEnd)
    if (whole.length <= config.segmentBytes && !this.#roller.isDue(whole.length, scan.lastOffset, scan.maxTimestamp)) {
      return this.append(whole, options)
    }
    let last: Appended | null = null
    for (const batch of batchesOf(whole)) {
      last = this.append(batch, options)
      // Who waits for the last one hears of it: a write that fails takes along what was queued behind it.
      last.written.catch(() => {})
    }
    return last
  }

  /** What was queued in front of a write that failed is gone with it. */
  forgetQueued(): void {
    this.#preparing = null
  }

  #checkProducers(records: Buffer, options: AppendOptions): ProducerBatch | null {
    const { producers } = this.#state
    const cursor = this.#cursor.reset(records)
    let original: ProducerBatch | null = null
    while (cursor.next()) {
      original ??= producers.check(records, cursor.at, options)
    }
    return original
  }

  #repeated(original: ProducerBatch): Appended {
    return {
      firstOffset: original.lastOffset - original.offsetDelta,
      lastOffset: original.lastOffset,
      duplicate: true,
      logAppendTimeMs: clampInt64(original.timestamp),
      startOffset: this.#state.offsets.start,
      written: this.#gate.lane.fateOf(original.lastOffset) ?? DONE,
    }
  }

  /** What must be in the directory before records are: the topic's id, index files of full size. */
  #prepareFiles(segment: Segment): void {
    const { lane } = this.#gate
    const id = this.#metadata.claim()
    if (id !== null) lane.before(() => this.#metadata.store(id))
    if (segment.isPreallocated || !segment.isCreated || this.#preparing === segment) return
    this.#preparing = segment
    lane.before(async () => {
      this.#preparing = null
      await segment.preallocateIndexes(this.#state.config.segmentIndexBytes)
    })
  }

  #apply(records: Buffer, segment: Segment): void {
    const { epochs, epochFile, producers, config, entries } = this.#state
    const { lane } = this.#gate
    let epochsChanged = false
    const cursor = this.#cursor.reset(records)
    while (cursor.next()) {
      const { at } = cursor
      segment.appendBatch(
        entryLastOffset(records, at),
        entryMaxTimestamp(records, at),
        cursor.size,
        config.indexIntervalBytes,
      )
      if (magic(records, at) < 2) {
        epochsChanged = epochs.clear() || epochsChanged
        continue
      }
      const batchEpoch = leaderEpoch(records, at)
      if (batchEpoch >= 0) epochsChanged = epochs.assign(batchEpoch, baseOffset(records, at)) || epochsChanged
      const completed = producers.apply(records, at)
      if (completed === null) continue
      const lastStableOffset = producers.lastStableOffsetAfter(completed)
      producers.complete(completed)
      if (!completed.aborted) continue
      lane.before(async () => {
        await segment.transactionIndex.add({ ...completed, lastStableOffset })
        await segment.transactionIndex.save()
        // Perhaps its first: its name must last with the next flush.
        entries.changed()
      })
    }
    if (epochFile.claim() || epochsChanged) lane.before(() => epochFile.write())
  }

  #write(
    segment: Segment,
    position: number,
    records: Buffer,
    firstOffset: number,
    options: AppendOptions,
  ): Promise<void> {
    const { offsets, config } = this.#state
    const { lane } = this.#gate
    const nextOffset = offsets.assignedEnd
    const memory = options.memory ?? null
    const file = segment.fileNow
    const mayWriteNow = records.length <= WRITE_NOW_BYTES_MAX && config.flushMessages === Number.MAX_SAFE_INTEGER
    if (file === null || !mayWriteNow || !lane.isIdle) {
      return lane.write(segment, position, records, firstOffset, nextOffset, memory)
    }
    let done = false
    try {
      segment.willWrite()
      done = file.writeNow([records], position)
    } catch (error) {
      memory?.release()
      this.#gate.writeFailed(error)
      const failed = Promise.reject(storageError(error))
      failed.catch(() => {})
      return failed
    }
    if (!done) return lane.write(segment, position, records, firstOffset, nextOffset, memory)
    this.#advance(segment, records, firstOffset, nextOffset, memory)
    this.#notifySoon()
    return DONE
  }

  #advance(
    segment: Segment,
    records: Buffer,
    firstOffset: number,
    nextOffset: number,
    memory: QueuedWrite['memory'],
  ): void {
    const { offsets, tail } = this.#state
    segment.writtenBytes += records.length
    offsets.writtenTo(nextOffset)
    if (tail !== null) tail.add(firstOffset, nextOffset, records, memory)
    else memory?.release()
  }

  /** What the lane wrote. A promise: it is flushed first, because so many messages are not (flush.messages). */
  written(writes: readonly QueuedWrite[]): Promise<Error | null> | void {
    for (const write of writes)
      this.#advance(write.segment, write.records, write.firstOffset, write.nextOffset, write.memory)
    const { config, offsets } = this.#state
    const { recoveryPoint, writtenEnd } = offsets
    if (writtenEnd - recoveryPoint < config.flushMessages) {
      this.#notify()
      return
    }
    return this.#flusher.flushNow().then(
      () => {
        this.#notify()
        return null
      },
      (error: unknown) => storageError(error),
    )
  }

  /** Listeners hear of a write that was made inside `append` when that has returned. */
  #notifySoon(): void {
    if (this.#isNotifying) return
    this.#isNotifying = true
    void DONE.then(() => {
      this.#isNotifying = false
      this.#notify()
    })
  }

  #notify(): void {
    for (const listener of this.#writtenListeners) listener(this.#state.offsets.writtenEnd)
  }
}
