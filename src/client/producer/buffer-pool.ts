/**
 * The memory of records that wait for their delivery: a limit, and buffers of one batch that are used again, because fresh
 * memory costs more than what is written into it.
 *
 * What is taken counts against the limit until it is given back, used or not; buffers that are kept for later count too.
 */
export class BufferPool {
  readonly limitBytes: number
  readonly #batchBytes: number
  #free: Buffer[] = []
  #usedBytes = 0

  constructor(limitBytes: number, batchBytes: number) {
    this.limitBytes = limitBytes
    this.#batchBytes = batchBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get availableBytes(): number {
    return this.limitBytes - this.#usedBytes
  }

  /** At least `bytes`, and at least a batch. Null while there is no room. */
  take(bytes: number): Buffer | null {
    const size = Math.max(bytes, this.#batchBytes)
    if (!this.reserve(size)) return null
    if (size === this.#batchBytes) {
      const kept = this.#free.pop()
      if (kept !== undefined) return kept
    }
    this.#trim()
    return Buffer.allocUnsafeSlow(size)
  }

  /** A larger one in the place of `buffer`, with its first `used` bytes. Null while there is no room. */
  grow(buffer: Buffer, bytes: number, used: number): Buffer | null {
    const size = Math.max(bytes, buffer.length * 2)
    if (!this.reserve(size - buffer.length)) return null
    const grown = Buffer.allocUnsafeSlow(size)
    buffer.copy(grown, 0, 0, used)
    this.#keep(buffer)
    this.#trim()
    return grown
  }

  /** Nobody writes into it or sends it any more. */
  give(buffer: Buffer): void {
    this.release(buffer.length)
    this.#keep(buffer)
  }

  /** Counts memory that isn't a buffer of ours. */
  reserve(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.limitBytes) return false
    this.#usedBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes
  }

  #keep(buffer: Buffer): void {
    if (buffer.length === this.#batchBytes) this.#free.push(buffer)
  }

  #trim(): void {
    while (this.#free.length > 0 && this.#usedBytes + this.#free.length * this.#batchBytes > this.limitBytes) {
      this.#free.pop()
    }
  }
}
