/**
 * What a coordinator answers when its write failed: the client must not learn of the internal topic, only whether to
 * retry here, look for another coordinator or give up.
 */
import { KafkaError, OperationalError } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/error-codes.ts'
import { DiskError } from '../../world/world.ts'

const ANSWERS: Partial<Record<ErrorCode, ErrorCode>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'COORDINATOR_NOT_AVAILABLE',
  REQUEST_TIMED_OUT: 'COORDINATOR_NOT_AVAILABLE',
  NETWORK_EXCEPTION: 'COORDINATOR_LOAD_IN_PROGRESS',
  NOT_LEADER_OR_FOLLOWER: 'NOT_COORDINATOR',
  FENCED_LEADER_EPOCH: 'NOT_COORDINATOR',
  KAFKA_STORAGE_ERROR: 'NOT_COORDINATOR',
  MESSAGE_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
  RECORD_LIST_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
  INVALID_FETCH_SIZE: 'UNKNOWN_SERVER_ERROR',
}

/** The code that a client sees for a write that failed with `code`. */
export function answerToWriteError(code: ErrorCode): ErrorCode {
  return ANSWERS[code] ?? code
}

/** The code of a decider's error; rethrows what is not for a client: a bug. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.code
  throw error
}

/** The code of an error of the log. That a disk failed is dealt with by its owner: here the write is lost. */
export function codeOfLogError(error: unknown): ErrorCode {
  return error instanceof OperationalError || error instanceof DiskError ? 'KAFKA_STORAGE_ERROR' : codeOf(error)
}
