/**
 * The records written last, kept in the memory in which they were received: consumers and followers at the tail are
 * served from here by reference, without a disk read.
 *
 * One `TailCache` per node bounds the memory of all its logs. Bytes are counted by chunk (the ArrayBuffer behind a piece,
 * once, however many pieces of it are held), because a small batch pins its whole chunk; a small piece of
 * a large chunk is copied out instead. Eviction is first in, first out over all logs, so each log keeps one run of offsets
 * without gaps, ending at its writtenEnd. Only written pieces are added: nothing above writtenEnd is ever served.
 */
import { assert } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'
import { Ring } from '../base/ring.ts'

/**
 * A piece below 1/8 of its chunk is copied out if that is cheap. Larger ones stay: their chunk is full of others of their
 * kind, and fresh memory for each would cost more than all the rest of an append (bench/path.bench.ts).
 */
const COPY_FRACTION = 8
const COPY_BYTES_MAX = 16 * 1024
/** Copies lie side by side in these: memory of its own for each record of a chatty producer would cost more than the record. */
const SLAB_BYTES = 64 * 1024
const FREE_SLABS_MAX = 16
/** Copies that follow each other in log and slab become one piece, up to this size: readers walk through a piece from its start. */
const JOINED_BYTES_MAX = 8 * 1024
/** What a piece takes beside its bytes. Uncounted, pieces of a hundred bytes took several times the budget. */
const PIECE_BYTES = 120

/** Memory of copies; used again when the last piece and the last reader have let go. */
class Slab implements Retainable {
  readonly bytes: Buffer
  used = 0
  #holders = 1
  readonly #freed: (slab: Slab) => void

  constructor(bytes: Buffer, freed: (slab: Slab) => void) {
    this.bytes = bytes
    this.#freed = freed
  }

  retain(): void {
    this.#holders++
  }

  release(): void {
    this.#holders--
    assert(this.#holders >= 0, 'a slab is released no more often than it is retained')
    if (this.#holders === 0) this.#freed(this)
  }
}

export class TailCache {
  readonly budgetBytes: number
  readonly #poison: boolean
  readonly #chunks = new Map<ArrayBufferLike, number>()
  /** Whose piece came when. */
  readonly #arrivals = new Ring<LogTail | null>(null)
  #heldBytes = 0
  /** Copies go here; held once for that. */
  #slab: Slab | null = null
  readonly #freeSlabs: Buffer[] = []

  /** @param poison overwrite memory that comes free, for tests. */
  constructor(budgetBytes: number, poison: boolean) {
    this.budgetBytes = budgetBytes
    this.#poison = poison
  }

  /** With what the pieces themselves take. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** @internal The memory that records are copied to, and its end; null: they stay where they are. */
  copy(records: Buffer): Slab | null {
    if (records.length > COPY_BYTES_MAX || records.length * COPY_FRACTION >= records.buffer.byteLength) return null
    const slab = this.#slabFor(records.length)
    slab.used += records.copy(slab.bytes, slab.used)
    return slab
  }

  /** @internal A piece was added. */
  hold(owner: LogTail, chunk: ArrayBufferLike): void {
    const uses = this.#chunks.get(chunk) ?? 0
    this.#chunks.set(chunk, uses + 1)
    this.#heldBytes += uses === 0 ? chunk.byteLength + PIECE_BYTES : PIECE_BYTES
    this.#arrivals.push(owner)
    while (this.#heldBytes > this.budgetBytes && this.#arrivals.length > 0) this.#arrivals.shift()?.dropOldest()
  }

  /** @internal A piece is gone. */
  drop(chunk: ArrayBufferLike): void {
    const uses = this.#chunks.get(chunk) ?? 1
    this.#heldBytes -= PIECE_BYTES
    if (uses > 1) this.#chunks.set(chunk, uses - 1)
    else {
      this.#chunks.delete(chunk)
      this.#heldBytes -= chunk.byteLength
    }
  }

  #slabFor(length: number): Slab {
    const slab = this.#slab
    if (slab !== null && slab.used + length <= slab.bytes.length) return slab
    const size = Math.max(length, Math.min(SLAB_BYTES, this.budgetBytes >>> 3))
    const free = size === SLAB_BYTES ? this.#freeSlabs.pop() : undefined
    const next = new Slab(free ?? Buffer.allocUnsafeSlow(size), this.#slabFreed)
    this.#slab = next
    slab?.release()
    return next
  }

  readonly #slabFreed = ({ bytes }: Slab): void => {
    if (this.#poison) bytes.fill(0xdb)
    if (bytes.length === SLAB_BYTES && this.#freeSlabs.length < FREE_SLABS_MAX) this.#freeSlabs.push(bytes)
  }
}

const NOTHING = Buffer.alloc(0)

/**
 * The run of one log. A piece is a place in each column: objects would be many, and old when they go, and what V8 lets lie until
 * it collects everything took more memory than the records.
 */
export class LogTail {
  readonly #cache: TailCache
  readonly #first = new Ring(0)
  readonly #next = new Ring(0)
  /** The records of a piece are bytes[start … end). */
  readonly #bytes = new Ring<Buffer>(NOTHING)
  readonly #start = new Ring(0)
  readonly #end = new Ring(0)
  readonly #memory = new Ring<Retainable | null>(null)
  /** Arrivals that were cleared before their turn to go. */
  #cleared = 0

  constructor(cache: TailCache) {
    this.#cache = cache
  }

  /** First offset held, or null when nothing is. */
  get firstOffset(): number | null {
    return this.#first.length === 0 ? null : this.#first.at(this.#first.head)
  }

  /** `records` were written; takes over one reference to `memory`. */
  add(firstOffset: number, nextOffset: number, records: Buffer, memory: Retainable | null): void {
    const slab = this.#cache.copy(records)
    if (slab === null) {
      this.#push(firstOffset, nextOffset, records, 0, records.length, memory)
      return
    }
    memory?.release()
    const start = slab.used - records.length
    if (this.#join(slab, start, nextOffset)) return
    slab.retain()
    this.#push(firstOffset, nextOffset, slab.bytes, start, slab.used, slab)
  }

  /** Place of the piece holding `offset`, or -1. */
  find(offset: number): number {
    let low = this.#first.head
    let high = this.#first.end - 1
    if (low > high || offset < this.#first.at(low) || offset >= this.#next.at(high)) return -1
    while (low < high) {
      const middle = low + ((high - low) >>> 1)
      if (this.#next.at(middle) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** One past the last place. */
  get end(): number {
    return this.#first.end
  }

  firstOffsetAt(place: number): number {
    return this.#first.at(place)
  }

  nextOffsetAt(place: number): number {
    return this.#next.at(place)
  }

  bytesAt(place: number): Buffer {
    return this.#bytes.at(place).subarray(this.#start.at(place), this.#end.at(place))
  }

  memoryAt(place: number): Retainable | null {
    return this.#memory.at(place)
  }

  /** @internal The cache is full, and it is this log's turn. */
  dropOldest(): void {
    if (this.#cleared > 0) this.#cleared--
    else this.#shift()
  }

  /** Forgets all: truncation, close, failure. */
  clear(): void {
    this.#cleared += this.#first.length
    while (this.#first.length > 0) this.#shift()
    for (const column of [this.#first, this.#next, this.#bytes, this.#start, this.#end, this.#memory]) column.clear()
  }

  /** The copy follows the newest piece, in the log and in memory. */
  #join(slab: Slab, start: number, nextOffset: number): boolean {
    const last = this.#first.end - 1
    if (this.#first.length === 0 || this.#memory.at(last) !== slab || this.#end.at(last) !== start) return false
    if (slab.used - this.#start.at(last) > JOINED_BYTES_MAX) return false
    this.#end.set(last, slab.used)
    this.#next.set(last, nextOffset)
    return true
  }

  #push(first: number, next: number, bytes: Buffer, start: number, end: number, memory: Retainable | null): void {
    if (bytes.buffer.byteLength > this.#cache.budgetBytes) {
      memory?.release()
      this.clear()
      return
    }
    this.#first.push(first)
    this.#next.push(next)
    this.#bytes.push(bytes)
    this.#start.push(start)
    this.#end.push(end)
    this.#memory.push(memory)
    // Last: the piece itself may have to go again at once.
    this.#cache.hold(this, bytes.buffer)
  }

  #shift(): void {
    this.#first.shift()
    this.#next.shift()
    this.#start.shift()
    this.#end.shift()
    this.#cache.drop(this.#bytes.shift().buffer)
    this.#memory.shift()?.release()
  }
}
