/**
 * Bounds the bytes of requests in work over all connections of a node: at the limit sockets with large ones are not read, so memory
 * does not grow and the clients feel it. The gate opens again well below the limit, because stopping and starting reads costs.
 */
export class ReadGate {
  readonly #closeAbove: number
  readonly #openBelow: number
  readonly #waiting = new Set<() => void>()
  #inFlightBytes = 0
  #open = true

  constructor(closeAboveBytes: number, openBelowBytes: number) {
    this.#closeAbove = closeAboveBytes
    this.#openBelow = openBelowBytes
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  get isOpen(): boolean {
    return this.#open
  }

  add(bytes: number): void {
    this.#inFlightBytes += bytes
    if (this.#inFlightBytes > this.#closeAbove) this.#open = false
  }

  remove(bytes: number): void {
    this.#inFlightBytes -= bytes
    if (this.#open || this.#inFlightBytes > this.#openBelow) return
    this.#open = true
    const resumed = [...this.#waiting]
    this.#waiting.clear()
    for (const resume of resumed) resume()
  }

  /** Runs `resume` once when the gate opens. */
  wait(resume: () => void): void {
    this.#waiting.add(resume)
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume)
  }
}
