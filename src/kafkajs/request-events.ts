/**
 * The events REQUEST and REQUEST_TIMEOUT of one client. Requests go out at once here, those that may not wait in the producer and
 * consumer as records and polls: so none is pending between its creation and its way out, and there is no queue of them to tell
 * the size of.
 */
import type { AnyApi } from '../protocol/codec.ts'
import type { RequestWatch, WatchedRequest } from '../rpc/request-watch.ts'
import type { Clock } from '../world/world.ts'
import type { Instrumentation, InstrumentationEvent } from './instrumentation.ts'

/** Times are milliseconds since 1970. */
export interface RequestTimeoutPayload {
  broker: string
  clientId: string
  correlationId: number
  createdAt: number
  sentAt: number
  pendingDuration: number
  apiName: string
  apiKey: number
  apiVersion: number
}
export interface RequestPayload extends RequestTimeoutPayload {
  /** Of the answer, in bytes; 0 if there is none. */
  size: number
  /** Milliseconds. */
  duration: number
}
export type RequestEvent = InstrumentationEvent<RequestPayload>
export type RequestTimeoutEvent = InstrumentationEvent<RequestTimeoutPayload>

/** Those of a producer, a consumer or an admin. */
export interface RequestEventNames {
  readonly REQUEST: string
  readonly REQUEST_TIMEOUT: string
}

export function requestWatch(
  events: RequestEventNames,
  instrumentation: Instrumentation,
  clock: Pick<Clock, 'wallMs' | 'monotonicMs'>,
  clientId: string,
): RequestWatch {
  const { REQUEST, REQUEST_TIMEOUT } = events
  return {
    sent(broker: string, api: AnyApi, apiVersion: number, correlationId: number): WatchedRequest | null {
      if (!instrumentation.isHeard(REQUEST, REQUEST_TIMEOUT)) return null
      const sentAt = clock.wallMs()
      const startMs = clock.monotonicMs()
      const times = { createdAt: sentAt, sentAt, pendingDuration: 0 }
      const what = { apiName: OWN_NAMES[api.name] ?? api.name, apiKey: api.key, apiVersion }
      const request = { broker, clientId, correlationId, ...times, ...what }
      return {
        answered: (size) => {
          const duration = Math.round(clock.monotonicMs() - startMs)
          instrumentation.emit(REQUEST, { ...request, size, duration } satisfies RequestPayload)
        },
        timedOut: () => instrumentation.emit(REQUEST_TIMEOUT, request satisfies RequestTimeoutPayload),
      }
    },
  }
}

/** Where kafkajs says another word than Kafka. */
const OWN_NAMES: Readonly<Record<string, string>> = { FindCoordinator: 'GroupCoordinator' }
