/**
 * Recycled, reference-counted receive memory.
 *
 * Sockets receive into chunks of 1 MB; a frame is a range of a chunk; a produced batch inside it is checked, patched,
 * written, cached and sent from that same memory. Reuse (not fewer copies) is what makes the path fast: a fresh buffer per
 * read costs page faults and a cold cache. A chunk whose last holder let go returns to the free list; one missed `retain`
 * would corrupt silently, so with `poison` a freed chunk is overwritten at once (tests, simulator).
 */
import { assert } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'

export const CHUNK_BYTES = 1024 * 1024

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
  readonly #free: Chunk[] = []
  readonly #options: ChunkPoolOptions
  #usedBytes = 0

  constructor(options: ChunkPoolOptions) {
    this.#options = options
  }

  /** Bytes of chunks that somebody holds. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** A chunk of `bytes`, held once by the caller. Only those of CHUNK_BYTES are recycled. */
  take(bytes: number): Chunk {
    const recycled = bytes === CHUNK_BYTES ? this.#free.pop() : undefined
    const chunk = recycled ?? new Chunk(Buffer.allocUnsafeSlow(bytes), this.#freed)
    chunk.retain()
    this.#usedBytes += chunk.buffer.length
    return chunk
  }

  readonly #freed = (chunk: Chunk): void => {
    this.#usedBytes -= chunk.buffer.length
    if (this.#options.poison) chunk.buffer.fill(0xdb)
    if (chunk.buffer.length === CHUNK_BYTES && (this.#free.length + 1) * CHUNK_BYTES <= this.#options.freeBytesMax) {
      this.#free.push(chunk)
    }
  }
}
