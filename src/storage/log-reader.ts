/**
 * Reads of one log: from the tail cache at once, else by single reads of up to 1 MB into pooled memory.
 *
 * A read begins with the batch that holds the offset (records below it come along) and ends at a batch boundary, so
 * nobody gets half a batch to throw away. Where a sequential reader will go on is remembered by offset, which saves it
 * the index lookup and the scan. Offsets in a gap that compaction left read the next batch, in a later segment if need be.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import { BATCH_HEADER_BYTES, ENTRY_PREFIX_BYTES, entryBytes, magic } from '../records/batch.ts'
import { entryLastOffset } from '../records/batches.ts'
import { DiskError, type DiskFile } from '../world/world.ts'
import type { LogState } from './log-state.ts'
import type { LogRead } from './log-surface.ts'
import type { ReadMemory } from './read-memory.ts'
import type { Segment } from './segment.ts'
import type { LogTail } from './tail-cache.ts'

const READ_BYTES_MAX = 1 << 20
const READ_BYTES_MIN = 1 << 12
const NEXT_POSITIONS_MAX = 64

export class LogReader {
  readonly #state: LogState
  readonly #memory: ReadMemory
  readonly #failed: (error: DiskError) => void
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
    const { writtenEnd, tail } = this.#state
    this.#checkRange(fromOffset)
    const end = Math.min(limitOffset, writtenEnd)
    if (fromOffset >= end || (maxBytes <= 0 && !minOneBatch)) return emptyRead(fromOffset)
    if (tail !== null) {
      const index = tail.find(fromOffset)
      if (index >= 0) return readTail(tail, index, fromOffset, end, maxBytes, minOneBatch)
    }
    return this.#readFile(fromOffset, end, maxBytes, minOneBatch)
  }

  readsFile(fromOffset: number): boolean {
    const { startOffset, writtenEnd, tail } = this.#state
    if (fromOffset < startOffset || fromOffset >= writtenEnd) return false
    return tail === null || tail.find(fromOffset) < 0
  }

  #checkRange(offset: number): void {
    const { startOffset, writtenEnd } = this.#state
    if (offset >= startOffset && offset <= writtenEnd) return
    throw new KafkaError(
      'OFFSET_OUT_OF_RANGE',
      `Received request for offset ${offset}, but we only have log segments from offset ${startOffset} up to ${writtenEnd}.`,
    )
  }

  /** Runs `read` such that `drained` and `alone` wait for it. */
  async guard<T>(read: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) await this.#alone
    // A reader that had the log in its hand when it was closed must not open its files again.
    if (this.#isClosed) throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.#state.world.place.directory} is closed`)
    this.#reading++
    const { cuts } = this.#state
    try {
      return await read()
    } catch (error) {
      // That this process has too many files open says nothing of the disk.
      const isDisk = error instanceof DiskError && error.code !== 'EMFILE'
      if (isDisk && this.#state.cuts === cuts && !this.#isClosed) this.#failed(error)
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
      for (;;) {
        const { cuts } = this.#state
        try {
          const read = await this.#readSegments(from, end, maxBytes, minOneBatch)
          if (this.#state.cuts === cuts) return read
          read.release()
        } catch (error) {
          if (this.#state.cuts === cuts) throw error
        }
        // Truncated or deleted under us: positions found before mean nothing now.
        this.#checkRange(from)
      }
    })
  }

  async #readSegments(from: number, end: number, maxBytes: number, minOneBatch: boolean): Promise<LogRead> {
    for (let index = Math.max(0, this.#state.segmentAt(from)); index < this.#state.segments.length; index++) {
      const segment = this.#state.segments[index]!
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
    const { nextPositions } = this.#state
    let position = from === segment.baseOffset ? 0 : nextPositions.get(from)
    if (position === undefined || position > segment.writtenBytes) {
      position = await segment.positionFor(from)
      this.#state.usedIndex(segment)
    } else nextPositions.delete(from)
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
    const { cuts } = this.#state
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
        const limit = Math.min(end, this.#state.writtenEnd)
        const cut = cutBatches(buffer, got, from, limit, maxBytes, minOneBatch)
        if (cut.kind === 'found') {
          kept = true
          if (this.#state.cuts === cuts) this.#remember(cut.nextOffset, position + cut.to)
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

  #remember(offset: number, position: number): void {
    const { nextPositions } = this.#state
    if (nextPositions.size >= NEXT_POSITIONS_MAX) {
      for (const oldest of nextPositions.keys()) {
        nextPositions.delete(oldest)
        break
      }
    }
    nextPositions.set(offset, position)
  }
}

type Cut =
  | { readonly kind: 'found'; readonly from: number; readonly to: number; readonly nextOffset: number }
  /** The first batch may not be given: past the limit, or larger than asked for. */
  | { readonly kind: 'limit' }
  /** Nothing whole yet: read on at `at`, at least `needed` bytes. */
  | { readonly kind: 'more'; readonly at: number; readonly needed: number }

/** The run of whole batches from the one holding `fromOffset` on, below `limit`, up to `maxBytes`. */
function cutBatches(
  bytes: Buffer,
  length: number,
  fromOffset: number,
  limit: number,
  maxBytes: number,
  minOneBatch: boolean,
): Cut {
  let at = 0
  let start = -1
  let nextOffset = fromOffset
  while (length - at >= ENTRY_PREFIX_BYTES) {
    const size = entryBytes(bytes, at)
    if (size < ENTRY_PREFIX_BYTES) break
    if (magic(bytes, at) >= 2 && length - at < BATCH_HEADER_BYTES) break
    const lastOffset = entryLastOffset(bytes, at)
    if (start < 0 && lastOffset < fromOffset) {
      at += size
      continue
    }
    if (lastOffset >= limit) return start < 0 ? { kind: 'limit' } : { kind: 'found', from: start, to: at, nextOffset }
    if (start < 0 && size > maxBytes && !minOneBatch) return { kind: 'limit' }
    if (start >= 0 && at + size - start > maxBytes) break
    if (at + size > length) {
      if (start < 0) return { kind: 'more', at, needed: size }
      break
    }
    if (start < 0) start = at
    nextOffset = lastOffset + 1
    at += size
  }
  // A batch below `fromOffset` may reach past what was read: what comes next begins behind it, not at the end of the read.
  if (start < 0) return { kind: 'more', at, needed: ENTRY_PREFIX_BYTES }
  return { kind: 'found', from: start, to: at, nextOffset }
}

function readTail(
  tail: LogTail,
  index: number,
  fromOffset: number,
  limit: number,
  maxBytes: number,
  minOneBatch: boolean,
): LogRead {
  const pieces: Buffer[] = []
  const held: { release(): void }[] = []
  let bytes = 0
  let nextOffset = fromOffset
  for (let at = index; at < tail.end; at++) {
    const pieceFirst = tail.firstOffsetAt(at)
    if (pieceFirst >= limit) break
    const pieceNext = tail.nextOffsetAt(at)
    const records = tail.bytesAt(at)
    const whole = pieceFirst >= fromOffset && pieceNext <= limit && bytes + records.length <= maxBytes
    let from = 0
    let to = records.length
    if (whole) nextOffset = pieceNext
    else {
      const cut = cutBatches(
        records,
        to,
        Math.max(fromOffset, pieceFirst),
        limit,
        maxBytes - bytes,
        minOneBatch && bytes === 0,
      )
      if (cut.kind !== 'found') break
      from = cut.from
      to = cut.to
      nextOffset = cut.nextOffset
    }
    pieces.push(whole ? records : records.subarray(from, to))
    bytes += to - from
    const memory = tail.memoryAt(at)
    if (memory !== null) {
      memory.retain()
      held.push(memory)
    }
    if (nextOffset < pieceNext) break
  }
  return {
    pieces,
    bytes,
    nextOffset,
    release() {
      for (const memory of held.splice(0)) memory.release()
    },
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
