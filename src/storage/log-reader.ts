/**
 * Reads of one log: from the tail cache at once, else by single reads of up to 1 MB into pooled memory.
 *
 * A read begins with the batch that holds the offset (records below it come along) and ends at a batch boundary, so
 * nobody gets half a batch to throw away. Where a sequential reader will go on is remembered by offset, which saves it
 * the index lookup and the scan. Offsets in a gap that compaction left read the next batch, in a later segment if need be.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import { ENTRY_PREFIX_BYTES } from '../records/batch.ts'
import { BatchCursor } from '../records/batches.ts'
import { DiskError, type DiskFile } from '../world/world.ts'
import { cutBatches } from './batch-cut.ts'
import type { LogState } from './log-state.ts'
import type { LogRead } from './log-surface.ts'
import type { ReadMemory } from './read-memory.ts'
import { ReadPositions } from './read-positions.ts'
import type { Segment } from './segment.ts'
import { readTail } from './tail-read.ts'

const READ_BYTES_MAX = 1 << 20
const READ_BYTES_MIN = 1 << 12
const SCAN_BYTES = 1 << 20

export class LogReader {
  readonly #state: LogState
  readonly #memory: ReadMemory
  readonly #failed: (error: DiskError) => void
  readonly #positions = new ReadPositions()
  #reading = 0
  #idle: (() => void)[] = []
  /** Pending while somebody has the files alone. */
  #alone: Promise<void> | null = null
  #isClosed = false

  /** `failed`: the disk could not be read where nothing was cut meanwhile. */
  constructor(state: LogState, memory: ReadMemory, failed: (error: DiskError) => void) {
    this.#state = state
    this.#memory = memory
    this.#failed = failed
  }

  /** @throws KafkaError OFFSET_OUT_OF_RANGE. */
  read(fromOffset: number, limitOffset: number, maxBytes: number, minOneBatch: boolean): LogRead | Promise<LogRead> {
    const { offsets, tail } = this.#state
    this.#checkRange(fromOffset)
    const end = Math.min(limitOffset, offsets.writtenEnd)
    if (fromOffset >= end || (maxBytes <= 0 && !minOneBatch)) return emptyRead(fromOffset)
    if (tail !== null) {
      const index = tail.find(fromOffset)
      if (index >= 0) return readTail(tail, index, fromOffset, end, maxBytes, minOneBatch)
    }
    return this.#readFile(fromOffset, end, maxBytes, minOneBatch)
  }

  readsFile(fromOffset: number): boolean {
    const { offsets, tail } = this.#state
    if (fromOffset < offsets.start || fromOffset >= offsets.writtenEnd) return false
    return tail === null || tail.find(fromOffset) < 0
  }

  /** Every entry below writtenEnd from the one that holds `fromOffset` on; `visit` returns false to stop. */
  async scan(fromOffset: number, visit: (bytes: Buffer, at: number, size: number) => boolean | void): Promise<void> {
    const { offsets } = this.#state
    let offset = Math.max(fromOffset, offsets.start)
    for (;;) {
      const read = await this.read(offset, offsets.writtenEnd, SCAN_BYTES, true)
      try {
        if (read.bytes === 0) return
        for (const piece of read.pieces) {
          const cursor = new BatchCursor().reset(piece)
          while (cursor.next()) if (visit(piece, cursor.at, cursor.size) === false) return
        }
        offset = read.nextOffset
      } finally {
        read.release()
      }
    }
  }

  #checkRange(offset: number): void {
    const { start, writtenEnd } = this.#state.offsets
    if (offset >= start && offset <= writtenEnd) return
    throw new KafkaError(
      'OFFSET_OUT_OF_RANGE',
      `Received request for offset ${offset}, but we only have log segments from offset ${start} up to ${writtenEnd}.`,
    )
  }

  /** Runs `read` such that `drained` and `alone` wait for it. */
  async guard<T>(read: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) await this.#alone
    // A reader that had the log in its hand when it was closed must not open its files again.
    if (this.#isClosed) throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.#state.world.place.directory} is closed`)
    this.#reading++
    const { segments } = this.#state
    const { cuts } = segments
    try {
      return await read()
    } catch (error) {
      // That this process has too many files open says nothing of the disk.
      const isDisk = error instanceof DiskError && error.code !== 'EMFILE'
      if (isDisk && segments.cuts === cuts && !this.#isClosed) this.#failed(error)
      throw error
    } finally {
      this.#reading--
      if (this.#reading === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  /** Runs `work` while nothing else is in the files, by descriptor or by name. Not from inside `guard`. */
  async alone(work: () => Promise<void>): Promise<void> {
    while (this.#alone !== null) await this.#alone
    let done!: () => void
    this.#alone = new Promise((resolve) => (done = resolve))
    try {
      await this.drained()
      await work()
    } finally {
      this.#alone = null
      done()
    }
  }

  /** No read is under way afterwards, and none begins. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.drained()
  }

  /** No read is under way: files may be closed. */
  async drained(): Promise<void> {
    if (this.#reading > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #readFile(from: number, end: number, maxBytes: number, minOneBatch: boolean): Promise<LogRead> {
    return this.guard(async () => {
      const { segments } = this.#state
      for (;;) {
        const { cuts } = segments
        try {
          const read = await this.#readSegments(from, end, maxBytes, minOneBatch)
          if (segments.cuts === cuts) return read
          read.release()
        } catch (error) {
          if (segments.cuts === cuts) throw error
        }
        // Truncated or deleted under us: positions found before mean nothing now.
        this.#checkRange(from)
      }
    })
  }

  async #readSegments(from: number, end: number, maxBytes: number, minOneBatch: boolean): Promise<LogRead> {
    const { segments } = this.#state
    for (let index = Math.max(0, segments.indexFor(from)); index < segments.all.length; index++) {
      const segment = segments.all[index]!
      if (segment.baseOffset >= end) break
      const read = await this.#readSegment(segment, from, end, maxBytes, minOneBatch)
      if (read !== null) return read
    }
    return emptyRead(from)
  }

  /** Null if the segment holds nothing from `from` on. */
  async #readSegment(
    segment: Segment,
    from: number,
    end: number,
    maxBytes: number,
    minOneBatch: boolean,
  ): Promise<LogRead | null> {
    const { segments } = this.#state
    const known = this.#positions.take(segment, from, segments.cuts)
    let position = from === segment.baseOffset ? 0 : known
    if (position === null || position > segment.writtenBytes) {
      position = await segment.positionFor(from)
      segments.usedIndex(segment)
    }
    const file = await segment.acquire()
    try {
      return await this.#readFrom(file, segment, position, from, end, maxBytes, minOneBatch)
    } finally {
      segment.release()
    }
  }

  async #readFrom(
    file: DiskFile,
    segment: Segment,
    start: number,
    from: number,
    end: number,
    maxBytes: number,
    minOneBatch: boolean,
  ): Promise<LogRead | null> {
    const { segments, offsets } = this.#state
    const { cuts } = segments
    let position = start
    let want = Math.min(READ_BYTES_MAX, Math.max(READ_BYTES_MIN, maxBytes))
    for (;;) {
      const length = Math.min(want, segment.writtenBytes - position)
      if (length < ENTRY_PREFIX_BYTES) return null
      const buffer = this.#memory.take(length)
      let kept = false
      try {
        const got = await file.read(buffer.length === length ? buffer : buffer.subarray(0, length), position)
        // A truncation may have come meanwhile: what it cut may not be seen.
        const limit = Math.min(end, offsets.writtenEnd)
        const cut = cutBatches(buffer, got, from, limit, maxBytes, minOneBatch)
        if (cut.kind === 'found') {
          kept = true
          if (segments.cuts === cuts) this.#positions.remember(segment, cut.nextOffset, position + cut.to, cuts)
          return fileRead(this.#memory, buffer, cut.from, cut.to, cut.nextOffset)
        }
        if (cut.kind === 'limit') return emptyRead(from)
        if (cut.at === 0 && got < length) return null
        if (cut.at === 0 && cut.needed <= length) {
          throw new OperationalError('LOG_CORRUPT', `${file.path}: no batch at position ${position}`)
        }
        position += cut.at
        want = Math.max(Math.min(READ_BYTES_MAX, Math.max(READ_BYTES_MIN, maxBytes)), cut.needed)
      } finally {
        if (!kept) this.#memory.give(buffer)
      }
    }
  }
}

function fileRead(memory: ReadMemory, buffer: Buffer, from: number, to: number, nextOffset: number): LogRead {
  let held: Buffer | null = buffer
  return {
    pieces: [buffer.subarray(from, to)],
    bytes: to - from,
    nextOffset,
    release() {
      if (held !== null) memory.give(held)
      held = null
    },
  }
}

function emptyRead(offset: number): LogRead {
  return { pieces: [], bytes: 0, nextOffset: offset, release() {} }
}
