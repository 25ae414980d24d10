/**
 * Bounds the bytes of answers that peers do not take, over all connections of a node.
 *
 * A peer may read as slowly as it likes while there is room. Beyond the limit those that have taken no answer for longest
 * lose their connection, but nobody sooner than after `stalledMsMax`: a consumer asks again, and memory does not grow.
 */
import type { Clock, Timer } from '../world/world.ts'

const STALLED = 'it does not take its answers, and their memory is needed'

export interface Stalling {
  close(reason: string): void
}

interface Unsent {
  bytes: number
  /** Monotonic: when an answer was last taken, or the first of these was given to the socket. */
  sinceMs: number
}

export class UnsentAnswers {
  readonly #clock: Clock
  readonly #bytesMax: number
  readonly #stalledMsMax: number
  /** Longest without progress first. */
  readonly #unsent = new Map<Stalling, Unsent>()
  #bytes = 0
  #timer: Timer | null = null

  constructor(clock: Clock, bytesMax: number, stalledMsMax: number) {
    this.#clock = clock
    this.#bytesMax = bytesMax
    this.#stalledMsMax = stalledMsMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(connection: Stalling, bytes: number): void {
    const unsent = this.#unsent.get(connection)
    if (unsent === undefined) this.#unsent.set(connection, { bytes, sinceMs: this.#clock.monotonicMs() })
    else unsent.bytes += bytes
    this.#bytes += bytes
    if (this.#bytes > this.#bytesMax && this.#timer === null) this.#relieve()
  }

  /** The peer took them. */
  remove(connection: Stalling, bytes: number): void {
    const unsent = this.#unsent.get(connection)
    if (unsent === undefined) return
    this.#bytes -= bytes
    unsent.bytes -= bytes
    this.#unsent.delete(connection)
    if (unsent.bytes === 0) return
    unsent.sinceMs = this.#clock.monotonicMs()
    this.#unsent.set(connection, unsent)
  }

  /** The connection is closed. */
  forget(connection: Stalling): void {
    this.#bytes -= this.#unsent.get(connection)?.bytes ?? 0
    this.#unsent.delete(connection)
    if (this.#unsent.size > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }

  /** What the answers refer to is needed: who has taken none for longest is closed, if it had its time. */
  closeStalled(): void {
    const [longest] = this.#unsent
    if (longest === undefined) return
    const [connection, { sinceMs }] = longest
    if (this.#clock.monotonicMs() >= sinceMs + this.#stalledMsMax) connection.close(STALLED)
  }

  #relieve(): void {
    for (const [connection, { sinceMs }] of this.#unsent) {
      if (this.#bytes <= this.#bytesMax) return
      const dueMs = sinceMs + this.#stalledMsMax
      if (this.#clock.monotonicMs() < dueMs) {
        this.#timer = this.#clock.at(dueMs, () => {
          this.#timer = null
          this.#relieve()
        })
        return
      }
      connection.close(STALLED)
    }
  }
}
