/**
 * What the client throws: `KafkaError` where the protocol has a code for it, `ClientError` where the client itself gave up.
 * Both have `code`; `isRetriable` and `isFatal` say what may be done about either (KIP-1050's groups).
 */
import { RETRIABLE, type ErrorCode, errorName } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'

export type ClientErrorCode =
  /** The call's time is over; `cause` is the last error that made it try again. */
  | 'TIMED_OUT'
  /** The producer, consumer or admin was closed. */
  | 'CLOSED'
  /** What was asked makes no sense, whatever the cluster says. */
  | 'INVALID_ARGUMENT'
  /** Records that wait for their delivery fill the producer's memory. */
  | 'BUFFER_FULL'
  | 'SERIALIZATION_FAILED'
  | 'DESERIALIZATION_FAILED'
  /** Records that were posted have failed; `cause` is the first error. */
  | 'DELIVERY_FAILED'
  /** The transaction was aborted before the record was sent. */
  | 'ABORTED'
  /** The state of the producer, consumer or transaction does not allow the call. */
  | 'ILLEGAL_STATE'
  /** There is no committed offset, and the consumer was told not to choose one. */
  | 'NO_OFFSET'
  /** An authentication failed before the broker could answer with a code. */
  | 'AUTHENTICATION_FAILED'

export class ClientError extends Error {
  readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'ClientError'
    this.code = code
  }
}

/** Codes after which the producer or member that met them can't go on: it must be closed and made anew. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'FENCED_INSTANCE_ID',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNRELEASED_INSTANCE_ID',
])

/** What a topic is refused for by name. Whatever else is wrong with it, such as too few brokers to make it, may pass. */
export const TOPIC_REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
])

/** The same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof KafkaError) return RETRIABLE.has(error.code)
  return error instanceof OperationalError && error.code === 'NETWORK_FAILED'
}

/** The same, once metadata is asked for anew: it may be that it names no such node just now, and will again. */
export function isPassing(error: unknown): boolean {
  return isRetriable(error) || (error instanceof KafkaError && error.code === 'BROKER_NOT_AVAILABLE')
}

/** Whoever met it must be made anew. */
export function isFatal(error: unknown): boolean {
  return error instanceof KafkaError && FATAL.has(error.code)
}

/** The error of an answer; null for success. `detail` is what the broker says, or else what the request was about. */
export function errorOf(code: number, detail: string | null = null): KafkaError | null {
  if (code === 0) return null
  const name = errorName(code) ?? 'UNKNOWN_SERVER_ERROR'
  return new KafkaError(name, detail ?? `The broker answered ${name}.`)
}

/** @throws KafkaError unless `code` is 0. */
export function throwOnError(code: number, detail: string | null = null): void {
  const error = errorOf(code, detail)
  if (error !== null) throw error
}

/** Runs `parts` of one answer, where each has its own outcome: an error as a value. */
export type Outcome<T> = T | KafkaError
