/**
 * The memory of records that wait for their delivery: a limit, and buffers of one batch that are used again, because fresh
 * memory costs more than what is written into it.
 *
 * What is taken counts against the limit until it is given back, used or not; buffers that are kept for later count too.
 */
export class BufferPool {
  readonly limitBytes: number
  /** Buffers of these sizes are kept. */
  readonly #kept = new Map<number, Buffer[]>()
  readonly #least: number
  #usedBytes = 0
  #keptBytes = 0

  /** @param sizes of the buffers that are used again; the least is what any buffer has */
  constructor(limitBytes: number, sizes: readonly number[]) {
    this.limitBytes = limitBytes
    this.#least = Math.min(...sizes)
    for (const size of sizes) if (size > 0) this.#kept.set(size, [])
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get availableBytes(): number {
    return this.limitBytes - this.#usedBytes
  }

  /** At least `bytes`, and at least the least. Null while there is no room. */
  take(bytes: number): Buffer | null {
    const size = Math.max(bytes, this.#least)
    if (!this.reserve(size)) return null
    const kept = this.#kept.get(size)?.pop()
    if (kept !== undefined) {
      this.#keptBytes -= size
      return kept
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
    const kept = this.#kept.get(buffer.length)
    if (kept === undefined) return
    kept.push(buffer)
    this.#keptBytes += buffer.length
  }

  #trim(): void {
    for (const kept of this.#kept.values()) {
      while (this.#usedBytes + this.#keptBytes > this.limitBytes) {
        const dropped = kept.pop()
        if (dropped === undefined) break
        this.#keptBytes -= dropped.length
      }
    }
  }
}
