/**
 * Buffers for reads from files, given back once the socket has sent them: a fresh megabyte for each read would cost more
 * in page faults than the read itself. Three sizes; what is free beyond a limit is left to the garbage collector.
 */
const SIZES = [1 << 16, 1 << 18, 1 << 20]
const FREE_BYTES_MAX = 16 << 20

export class ReadMemory {
  readonly #free: Buffer[][] = SIZES.map(() => [])
  #freeBytes = 0

  /** At least `length` bytes; larger than the largest size it is a buffer of its own. */
  take(length: number): Buffer {
    const index = SIZES.findIndex((size) => size >= length)
    if (index < 0) return Buffer.allocUnsafeSlow(length)
    const free = this.#free[index]!.pop()
    if (free === undefined) return Buffer.allocUnsafeSlow(SIZES[index]!)
    this.#freeBytes -= free.length
    return free
  }

  /** `buffer` came from `take` and nobody refers to it any more. */
  give(buffer: Buffer): void {
    const index = SIZES.indexOf(buffer.length)
    if (index < 0 || this.#freeBytes + buffer.length > FREE_BYTES_MAX) return
    this.#freeBytes += buffer.length
    this.#free[index]!.push(buffer)
  }
}
