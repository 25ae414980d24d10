/**
 * Connections that were closed because what came on them is no Kafka request: a line of the log for each, so that whoever set up
 * the other side finds out what is wrong with it, and few of them, so that a port scanner can't fill a disk.
 *
 * INFO: the node itself is well.
 */
import type { Logger } from '../base/logger.ts'
import type { Clock } from '../world/world.ts'

const LINES_MAX = 10
const WINDOW_MS = 60_000

export class RefusedConnections {
  readonly #clock: Clock
  readonly #logger: Logger
  /** Monotonic. */
  #windowEndsMs = -Infinity
  #lines = 0
  #leftOut = 0

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** `peer` is `host:port`. */
  tell(peer: string, listener: string, reason: string): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs >= this.#windowEndsMs) {
      if (this.#leftOut > 0) this.#logger.info(`${this.#leftOut} more connections were closed for such reasons`)
      this.#windowEndsMs = nowMs + WINDOW_MS
      this.#lines = 0
      this.#leftOut = 0
    }
    this.#lines += 1
    if (this.#lines > LINES_MAX) this.#leftOut += 1
    else this.#logger.info(`Closed the connection from ${peer} on listener ${listener}: ${reason}`)
  }
}

/** The first bytes of other protocols, read as the size that a Kafka request begins with. */
const HTTP = new Set(['GET ', 'POST', 'PUT ', 'HEAD', 'DELE', 'OPTI', 'PATC', 'CONN', 'PRI '])

/** What a declared size that is not allowed says of the peer. */
export function reasonOfSize(size: number, maxBytes: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(size)
  const text = bytes.toString('latin1')
  const declared = `it began with a size of ${size} bytes`
  if (bytes[0] === 0x16 && bytes[1] === 0x03)
    return `${declared}, which looks like a TLS handshake, and this listener speaks no TLS (security.protocol of the client)`
  if (HTTP.has(text)) return `${declared}, which looks like an HTTP request`
  if (text === 'SSH-') return `${declared}, which looks like SSH`
  if (size <= 0) return `${declared}, which is no Kafka request`
  return `a request of ${size} bytes, more than the ${maxBytes} of socket.request.max.bytes`
}
