/**
 * Recycled, reference-counted receive memory.
 *
 * Sockets receive into chunks of 1 MB, larger ones for larger frames; a frame is a range of a chunk; a produced batch inside it is checked, patched,
 * written, cached and sent from that same memory. Reuse (not fewer copies) is what makes the path fast: a fresh buffer per
 * read costs page faults and a cold cache. A chunk whose last holder let go returns to the free list; one missed `retain`
 * would corrupt silently, so with `poison` a freed chunk is overwritten at once (tests, simulator).
 */
import { assert } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'

export const CHUNK_BYTES = 1024 * 1024
/** What a connection receives into before it has sent more than a chunk. */
export const FIRST_CHUNK_BYTES = 8 * 1024
/** Larger chunks have a power of two times CHUNK_BYTES, so that they fit the next large frame too; beyond this they are not kept. */
const RECYCLED_BYTES_MAX = 8 * CHUNK_BYTES

export class Chunk implements Retainable {
  readonly buffer: Buffer
  #holders = 0
  readonly #freed: (chunk: Chunk) => void

  constructor(buffer: Buffer, freed: (chunk: Chunk) => void) {
    this.buffer = buffer
    this.#freed = freed
  }

  get holders(): number {
    return this.#holders
  }

  retain(): void {
    this.#holders++
  }

  release(): void {
    this.#holders--
    assert(this.#holders >= 0, 'a chunk is released no more often than it is retained')
    if (this.#holders === 0) this.#freed(this)
  }
}

export interface ChunkPoolOptions {
  /** Free chunks kept for reuse, in bytes; more are left to the garbage collector. */
  readonly freeBytesMax: number
  /** Overwrite freed chunks. */
  readonly poison: boolean
}

/** What a socket between two frames reads into; see frame-receiver. */
const LANDING_BYTES = 64 * 1024

export class ChunkPool {
  /** Shared by every connection that is not in the middle of a frame. Moved out of at once. */
  readonly landing = Buffer.allocUnsafeSlow(LANDING_BYTES)
  /** By size. */
  readonly #free = new Map<number, Chunk[]>()
  #freeBytes = 0
  readonly #options: ChunkPoolOptions
  #usedBytes = 0

  constructor(options: ChunkPoolOptions) {
    this.#options = options
  }

  /** Bytes of chunks that somebody holds. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** A chunk of at least `bytes`, held once by the caller. Those of FIRST_CHUNK_BYTES, CHUNK_BYTES and some multiples of it are recycled. */
  take(bytes: number): Chunk {
    const size = sizeFor(bytes)
    const recycled = this.#free.get(size)?.pop()
    if (recycled !== undefined) this.#freeBytes -= size
    const chunk = recycled ?? new Chunk(Buffer.allocUnsafeSlow(size), this.#freed)
    chunk.retain()
    this.#usedBytes += size
    return chunk
  }

  readonly #freed = (chunk: Chunk): void => {
    const size = chunk.buffer.length
    this.#usedBytes -= size
    if (this.#options.poison) chunk.buffer.fill(0xdb)
    if (!isRecycled(size) || !this.#makeRoom(size)) return
    this.#freeBytes += size
    const free = this.#free.get(size)
    if (free === undefined) this.#free.set(size, [chunk])
    else free.push(chunk)
  }

  /** What came free last is wanted next: chunks of sizes that were used before give way. */
  #makeRoom(size: number): boolean {
    const max = this.#options.freeBytesMax
    for (const [other, free] of this.#free) {
      if (other === size) continue
      while (this.#freeBytes + size > max && free.pop() !== undefined) this.#freeBytes -= other
    }
    return this.#freeBytes + size <= max
  }
}

function isRecycled(size: number): boolean {
  return size === FIRST_CHUNK_BYTES || (size >= CHUNK_BYTES && size <= RECYCLED_BYTES_MAX)
}

function sizeFor(bytes: number): number {
  if (bytes <= CHUNK_BYTES / 2 || bytes > RECYCLED_BYTES_MAX) return bytes
  let size = CHUNK_BYTES
  while (size < bytes) size *= 2
  return size
}
