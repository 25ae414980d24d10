/**
 * The records written last, kept in the memory in which they were received: consumers and followers at the tail are
 * served from here by reference, without a disk read.
 *
 * One `TailCache` per node bounds the memory of all its logs. Bytes are counted by chunk (the ArrayBuffer behind a piece,
 * once, however many pieces of it are held), because a small batch pins its whole chunk; a small piece of
 * a large chunk is copied out instead. Eviction is first in, first out over all logs, so each log keeps one run of offsets
 * without gaps, ending at its writtenEnd. Only written pieces are added: nothing above writtenEnd is ever served.
 */
import type { Retainable } from '../base/retainable.ts'

/**
 * A piece below 1/8 of its chunk is copied out if that is cheap. Larger ones stay: their chunk is full of others of their
 * kind, and fresh memory for each would cost more than all the rest of an append (bench/path.bench.ts).
 */
const COPY_FRACTION = 8
const COPY_BYTES_MAX = 16 * 1024
/** Copies lie side by side in these: memory of its own for each record of a chatty producer would cost more than the record. */
const SLAB_BYTES = 64 * 1024

export interface CachedPiece {
  readonly firstOffset: number
  readonly nextOffset: number
  readonly bytes: Buffer
  readonly memory: Retainable | null
  /** Null once evicted. */
  owner: LogTail | null
}

export class TailCache {
  readonly budgetBytes: number
  readonly #chunks = new Map<ArrayBufferLike, number>()
  /** In order of arrival from #head on; evicted out of order (truncation) have no owner. */
  #pieces: CachedPiece[] = []
  #head = 0
  #heldBytes = 0
  #slab: Buffer = Buffer.alloc(0)
  #slabUsed = 0

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** @internal Takes over one reference to `memory` if it returns a piece that still has it, else releases that. */
  admit(
    owner: LogTail,
    firstOffset: number,
    nextOffset: number,
    records: Buffer,
    memory: Retainable | null,
  ): CachedPiece | null {
    let bytes = records
    let held = memory
    if (records.length <= COPY_BYTES_MAX && records.length * COPY_FRACTION < records.buffer.byteLength) {
      bytes = this.#copy(records)
      memory?.release()
      held = null
    }
    if (bytes.buffer.byteLength > this.budgetBytes) {
      held?.release()
      return null
    }
    const piece: CachedPiece = { firstOffset, nextOffset, bytes, memory: held, owner }
    const uses = this.#chunks.get(bytes.buffer) ?? 0
    this.#chunks.set(bytes.buffer, uses + 1)
    if (uses === 0) this.#heldBytes += bytes.buffer.byteLength
    this.#pieces.push(piece)
    return piece
  }

  #copy(records: Buffer): Buffer {
    if (this.#slabUsed + records.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(records.length, Math.min(SLAB_BYTES, this.budgetBytes >>> 3)))
      this.#slabUsed = 0
    }
    const start = this.#slabUsed
    this.#slabUsed += records.copy(this.#slab, start)
    return this.#slab.subarray(start, this.#slabUsed)
  }

  /** @internal After the piece is in its log's run, so that a log may lose it at once. */
  shrink(): void {
    while (this.#heldBytes > this.budgetBytes && this.#head < this.#pieces.length) {
      const oldest = this.#pieces[this.#head++]!
      if (oldest.owner === null) continue
      oldest.owner.dropOldest(oldest)
      this.drop(oldest)
    }
    if (this.#head > 1024 && this.#head * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#head)
      this.#head = 0
    }
  }

  /** @internal */
  drop(piece: CachedPiece): void {
    if (piece.owner === null) return
    piece.owner = null
    const chunk = piece.bytes.buffer
    const uses = this.#chunks.get(chunk) ?? 1
    if (uses > 1) this.#chunks.set(chunk, uses - 1)
    else {
      this.#chunks.delete(chunk)
      this.#heldBytes -= chunk.byteLength
    }
    piece.memory?.release()
  }
}

/** The run of one log. */
export class LogTail {
  readonly #cache: TailCache
  #pieces: CachedPiece[] = []
  #head = 0

  constructor(cache: TailCache) {
    this.#cache = cache
  }

  /** First offset held, or null when nothing is. */
  get firstOffset(): number | null {
    return this.#pieces[this.#head]?.firstOffset ?? null
  }

  /** `records` were written; takes over one reference to `memory`. */
  add(firstOffset: number, nextOffset: number, records: Buffer, memory: Retainable | null): void {
    const piece = this.#cache.admit(this, firstOffset, nextOffset, records, memory)
    if (piece === null) return this.clear()
    this.#pieces.push(piece)
    this.#cache.shrink()
  }

  /** Index of the piece holding `offset` for `at`, or -1. */
  find(offset: number): number {
    let low = this.#head
    let high = this.#pieces.length - 1
    if (low > high || offset < this.#pieces[low]!.firstOffset || offset >= this.#pieces[high]!.nextOffset) return -1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#pieces[middle]!.nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  at(index: number): CachedPiece | undefined {
    return this.#pieces[index]
  }

  /** @internal Called by the cache, which then drops it. */
  dropOldest(piece: CachedPiece): void {
    if (this.#pieces[this.#head] !== piece) return
    this.#head++
    if (this.#head > 256 && this.#head * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#head)
      this.#head = 0
    }
  }

  /** Forgets all: truncation, close, failure. */
  clear(): void {
    for (let at = this.#head; at < this.#pieces.length; at++) this.#cache.drop(this.#pieces[at]!)
    this.#pieces = []
    this.#head = 0
  }
}
