/** The client's errors as kafkajs's. What is neither (a bug, an error of the user's own) stays as it is. */
import { ERROR_CODES, RETRIABLE, type ErrorCode } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import { ClientError } from '../client/errors.ts'
import {
  KafkaJSAggregateError,
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  type ProtocolReason,
} from './errors.ts'
import { lastPauseMs, type RetryPolicy } from './retry.ts'

/** Codes that kafkajs knows by an older name. */
const OLDER: Partial<Record<ErrorCode, string>> = {
  UNKNOWN_SERVER_ERROR: 'UNKNOWN',
  NOT_LEADER_OR_FOLLOWER: 'NOT_LEADER_FOR_PARTITION',
  COORDINATOR_LOAD_IN_PROGRESS: 'GROUP_LOAD_IN_PROGRESS',
  COORDINATOR_NOT_AVAILABLE: 'GROUP_COORDINATOR_NOT_AVAILABLE',
  NOT_COORDINATOR: 'NOT_COORDINATOR_FOR_GROUP',
}

const OF_SASL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
])

export function protocolReason({ code, message }: KafkaError): ProtocolReason {
  const prefix = `${code}: `
  return {
    message: message.startsWith(prefix) ? message.slice(prefix.length) : message,
    type: OLDER[code] ?? code,
    code: ERROR_CODES[code],
    retriable: RETRIABLE.has(code),
  }
}

/** @param policy what tells how often it was tried before the call's time was over */
export function asKafkaJS(error: unknown, policy: RetryPolicy): Error {
  if (error instanceof KafkaJSError || error instanceof KafkaJSAggregateError) return error
  if (error instanceof KafkaError) {
    return OF_SASL.has(error.code)
      ? new KafkaJSSASLAuthenticationError(error)
      : new KafkaJSProtocolError(protocolReason(error))
  }
  if (error instanceof OperationalError) return new KafkaJSConnectionError(error, { code: error.code })
  if (error instanceof ClientError) {
    if (error.code === 'AUTHENTICATION_FAILED') return new KafkaJSSASLAuthenticationError(error)
    if (error.code === 'CLOSED') return new KafkaJSError(error)
    if (error.code !== 'TIMED_OUT') return new KafkaJSNonRetriableError(error, { cause: error })
    const cause = error.cause instanceof Error ? asKafkaJS(error.cause, policy) : new KafkaJSRequestTimeoutError(error)
    return new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: policy.retries, retryTime: lastPauseMs(policy) })
  }
  return error instanceof Error ? error : new KafkaJSError(String(error))
}

/** Runs `work`; what it rejects with is one of kafkajs's errors. */
export async function mapped<T>(policy: RetryPolicy, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asKafkaJS(error, policy)
  }
}
