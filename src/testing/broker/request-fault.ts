/** What a test may ask of requests. Apart from the code that does it, so that a program's types don't hold the whole broker. */
import type { ErrorCode } from '../../base/error-codes.ts'

export interface RequestFault {
  /** As Kafka names it: `Produce`, `Fetch`, `OffsetCommit` … */
  readonly api: string
  /** The answer says this of every topic, partition or group of the request. */
  readonly code?: ErrorCode
  /** The connection is closed in the place of an answer. */
  readonly close?: boolean
  /** The answer leaves so much later, in the time of the broker's clock. */
  readonly delayMs?: number
  /** How many requests; 1 if left out, Infinity for all. */
  readonly times?: number
  /** The request takes effect nevertheless, and only its answer goes wrong: what an idempotent producer is for. */
  readonly handled?: boolean
  /** Only requests for which this is true; the request has the fields of Kafka's schema, and `apiVersion` is its version. */
  readonly when?: (request: unknown, apiVersion: number) => boolean
}

/** A fault that was asked for. */
export interface RequestedFault {
  /** Requests that met it. */
  readonly hits: number
  cancel(): void
}
