/**
 * Cuts what a socket receives into frames (int32 size, then that many bytes), copying as little as can be.
 *
 * A frame is a range of a pooled chunk and holds it until `release`. While a frame is half received, its bytes go straight
 * into the chunk. Between frames a socket has asked for room long before bytes arrive, and a connection that waits must not
 * hold a chunk: it is lent a landing that all connections of a pool share, which is safe because `received` is called
 * right after the read and moves the bytes out at once. So 10,000 idle connections hold 64 KB together. A connection that
 * sends large frames one after the other stays on its chunk until it rests. Measured by bench/path.bench.ts.
 */
import { assert } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'
import { CHUNK_BYTES, FIRST_CHUNK_BYTES, type Chunk, type ChunkPool } from './chunk-pool.ts'

const SIZE_BYTES = 4
/** Bytes asked of the kernel at a time; smaller reads cost callbacks, larger ones gain nothing. */
const READ_BYTES = 256 * 1024
/** From this size on moving the start of a frame costs more than finding out that the connection rests. */
const LARGE_FRAME_BYTES = 32 * 1024
/** With less room at its end a chunk is left for the next. */
const ROOM_BYTES_MIN = 64 * 1024

/** One message without its size field. Held by whoever processes it; `memory.release()` exactly once. */
export interface Frame {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly memory: Retainable
}

export class FrameReceiver {
  readonly #pool: ChunkPool
  readonly #frameBytesMax: number
  readonly #onFrame: (frame: Frame) => void
  readonly #onOversized: (declaredBytes: number) => void
  #chunk: Chunk | null = null
  /** Range of #chunk that is received but not yet cut into frames. */
  #start = 0
  #end = 0
  /** The last room was in #chunk, not on the shared landing. */
  #direct = false
  #stopped = false
  #receivedBytes = 0
  #lastFrameBytes = 0

  /** `onOversized` is told the declared size of a frame that is refused (below 1 or above the maximum); nothing follows. */
  constructor(
    pool: ChunkPool,
    frameBytesMax: number,
    onFrame: (frame: Frame) => void,
    onOversized: (declaredBytes: number) => void,
  ) {
    this.#pool = pool
    this.#frameBytesMax = frameBytesMax
    this.#onFrame = onFrame
    this.#onOversized = onOversized
  }

  /** Where the next bytes go. */
  room(): Buffer {
    this.#direct = !this.#stopped && (this.#end > this.#start || this.#staysOnChunk())
    if (!this.#direct) return this.#pool.landing
    const chunk = this.#chunkFor(this.#end > this.#start ? 1 : ROOM_BYTES_MIN)
    return chunk.buffer.subarray(this.#end, Math.min(chunk.buffer.length, this.#end + READ_BYTES))
  }

  received(length: number): void {
    if (this.#stopped) return
    if (!this.#direct) {
      const chunk = this.#chunkFor(length)
      this.#pool.landing.copy(chunk.buffer, this.#end, 0, length)
    }
    this.#end += length
    this.#receivedBytes += length
    this.#cutFrames()
  }

  /** Size of the frame that is being received, as far as it says so yet. */
  get expectedBytes(): number {
    const pending = this.#end - this.#start
    return this.#chunk === null || pending < SIZE_BYTES ? pending : this.#chunk.buffer.readInt32BE(this.#start)
  }

  /**
   * The connection has no request in work: memory that no frame is being received into goes back. True if the socket may
   * be about to read into it: then the room must be renewed before anything else happens.
   */
  idle(): boolean {
    if (this.#chunk === null || this.#start < this.#end) return false
    this.#letGo()
    this.#lastFrameBytes = 0
    return this.#direct
  }

  /** The connection is closed, or will be before the socket reads again. */
  stop(): void {
    this.#stopped = true
    this.#letGo()
  }

  #cutFrames(): void {
    const chunk = this.#chunk
    assert(chunk !== null, 'bytes are received into a chunk')
    while (!this.#stopped && this.#end - this.#start >= SIZE_BYTES) {
      const size = chunk.buffer.readInt32BE(this.#start)
      if (size <= 0 || size > this.#frameBytesMax) {
        this.stop()
        this.#onOversized(size)
        return
      }
      const frameEnd = this.#start + SIZE_BYTES + size
      if (frameEnd > this.#end) return
      chunk.retain()
      const frame = { buffer: chunk.buffer, start: this.#start + SIZE_BYTES, end: frameEnd, memory: chunk }
      this.#start = frameEnd
      this.#lastFrameBytes = size
      this.#onFrame(frame)
    }
  }

  /** A chunk with room for `length` more bytes and, if it fits one, for the rest of the frame that is being received. */
  #chunkFor(length: number): Chunk {
    const chunk = this.#chunk
    if (chunk === null) return this.#moveTo(this.#pool.take(Math.max(length, this.#chunkBytes())), 0)
    const pending = this.#end - this.#start
    const room = chunk.buffer.length - this.#end
    const frameBytes = pending >= SIZE_BYTES ? SIZE_BYTES + chunk.buffer.readInt32BE(this.#start) : 0
    if (room >= Math.max(length, frameBytes - pending)) return chunk
    // A frame larger than its chunk fills it from the start; only then is it moved to twice the room. A declared size alone
    // allocates nothing: whoever announces 100 MB must send them.
    if (this.#start === 0 && room >= length) return chunk
    const usual = this.#chunkBytes()
    // But who has sent as much before is believed at once.
    const believed = frameBytes <= this.#receivedBytes ? frameBytes : Math.max(pending * 2, usual)
    const wanted = frameBytes > usual ? Math.min(frameBytes, believed) : usual
    return this.#moveTo(this.#pool.take(Math.max(wanted, pending + length)), pending)
  }

  /** More frames like the last are expected, in the memory that is there anyway. */
  #staysOnChunk(): boolean {
    return this.#chunk !== null && this.#lastFrameBytes >= LARGE_FRAME_BYTES && this.#receivedBytes > CHUNK_BYTES
  }

  /** A connection earns pooled chunks by sending much: a thousand slow ones with half a frame each hold little. */
  #chunkBytes(): number {
    return this.#receivedBytes > CHUNK_BYTES ? CHUNK_BYTES : FIRST_CHUNK_BYTES
  }

  #moveTo(next: Chunk, pending: number): Chunk {
    this.#chunk?.buffer.copy(next.buffer, 0, this.#start, this.#end)
    this.#chunk?.release()
    this.#chunk = next
    this.#start = 0
    this.#end = pending
    return next
  }

  #letGo(): void {
    this.#chunk?.release()
    this.#chunk = null
    this.#start = 0
    this.#end = 0
  }
}
