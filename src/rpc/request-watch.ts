/**
 * For whoever wants to know of each request of a connection: when it went, and what became of it. Asked once per request, and
 * nothing is measured or kept for one that nobody wants to know of.
 */
import type { AnyApi } from '../protocol/codec.ts'

export interface RequestWatch {
  /** `broker` is its host:port. Null: nobody wants to know. */
  sent(broker: string, api: AnyApi, version: number, correlationId: number): WatchedRequest | null
}

/** At most one of them is called, and once; neither, if the connection closed before. They must not throw. */
export interface WatchedRequest {
  /** `bytes` of the answer behind its size; 0 for a request that has none, which is over when it is sent. */
  answered(bytes: number): void
  timedOut(): void
}
