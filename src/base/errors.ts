/**
 * Three families of errors, three fates (see STYLE in CONTRIBUTING.md):
 *
 * - `KafkaError`: the protocol has a code for it; it becomes the answer of the request that met it.
 * - `OperationalError`: a disk, the network or the configuration failed; its owner takes something offline.
 * - a failed `assert`: we are wrong; the node stops. Nothing that a peer sends may reach one.
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'

/** Longer details name something that a peer sent, and would not fit into the string of an answer. */
const DETAIL_CHARS_MAX = 8000

/**
 * An error with a protocol code. `message` is what a client may read. It has no stack, as in Kafka: one request may ask for
 * 100,000 partitions that do not exist, and the trace would be most of the work.
 */
export class KafkaError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, detail: string) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail.length > DETAIL_CHARS_MAX ? `${detail.slice(0, DETAIL_CHARS_MAX)}…` : detail)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'KafkaError'
    this.code = code
  }

  /** The number that goes over the wire. */
  get errno(): number {
    return ERROR_CODES[this.code]
  }
}

export type OperationalCode =
  | 'LOG_CORRUPT'
  | 'DISK_FULL'
  | 'DISK_FAILED'
  | 'DIRECTORY_LOCKED'
  | 'CONFIG_INVALID'
  | 'ADDRESS_IN_USE'
  | 'NETWORK_FAILED'
  /** A handshake of TLS: a certificate, a version, a listener that speaks none. The same attempt fails again. */
  | 'TLS_FAILED'
  | 'WRONG_CLUSTER'
  | 'NOT_SUPPORTED'

/** Disk, network or configuration failed: something goes offline, its owner decides what. */
export class OperationalError extends Error {
  readonly code: OperationalCode

  constructor(code: OperationalCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'OperationalError'
    this.code = code
  }
}

/** A broken invariant. Stops the node (its host process need not), in production too. */
export class InvariantError extends Error {
  constructor(rule: string) {
    super(`bug: ${rule}`)
    this.name = 'InvariantError'
  }
}

export function assert(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new InvariantError(rule)
}

/** Marks a branch that the types already rule out. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value ${String(value)}`)
}
