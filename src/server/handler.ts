/**
 * What a request handler is: one file per API under handlers/, each exporting one `handler(...)`.
 *
 * A handler gets the decoded request and answers with the fields that are not default. It may throw a KafkaError, which
 * `failed` turns into the API's own error shape; without `failed` an error costs the connection, as it does in Kafka for
 * requests whose answer has no place for one. ApiVersions is computed from the table of handlers: what has no handler is
 * not advertised.
 */
import type { KafkaError } from '../base/errors.ts'
import type { Retainable } from '../base/retainable.ts'
import type { Api, Init } from '../protocol/codec.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { RequestMeter } from './quotas/request-meter.ts'
import type { Services } from './services.ts'

/** Who asks, and how. */
export interface RequestContext {
  readonly apiVersion: number
  readonly correlationId: number
  /** What the client calls itself; null where it did not. */
  readonly clientId: string | null
  /** The peer's address as Kafka prints it, with a leading slash: `/127.0.0.1`. */
  readonly clientHost: string
  /** Upper-case name of the listener that the connection came to. */
  readonly listener: string
  /** The address that the client reached us at. */
  readonly localHost: string
  readonly localPort: number
  /** The memory that the request's bytes lie in; retain it to keep them beyond the answer. */
  readonly memory: Retainable
  /** Distinguishes connections for as long as they are open. */
  readonly connectionId: number
  /** Null: no client is bounded by a quota. */
  readonly meter: RequestMeter | null
  /** Nothing is read of the request's bytes any more: further requests may have the room, however long the answer takes. */
  letGo(): void
  /** Runs `release` once the answer is in the kernel's hands, or will never be sent. */
  afterSend(release: () => void): void
  /** Before `handle` returns: the effect isn't ordered yet, so the next request waits for the answer, pipelined or not. */
  holdNext(): void
}

/** Send nothing (acks=0). */
export const NO_ANSWER = Symbol('no answer')
/** Close the connection instead of an answer. */
export const CLOSE = Symbol('close')

export type Handled<Response> = Init<Response> | typeof NO_ANSWER | typeof CLOSE

/** All that is needed to pass a request on to the controller. */
export interface AsksController {
  readonly controller: ControllerApi
}

/** `Parts`: what of a node's parts the handler works with; those of a broker unless it says otherwise. */
export interface HandlerSpec<Request, Response, Parts = Services> {
  /** Versions that are served, where they are fewer than the schema has. */
  readonly versions?: { readonly lowest: number; readonly highest: number }
  /** The next request of the connection may start before this one is answered: its effect is ordered when `handle` returns. */
  readonly pipelined?: boolean
  /** What the request counts towards its client's quotas beside its time; `exempt`: not even that. */
  readonly counts?: 'produced bytes' | 'exempt'
  readonly handle: (
    services: Parts,
    request: Request,
    context: RequestContext,
  ) => Handled<Response> | Promise<Handled<Response>>
  /** The answer when `handle` threw. */
  readonly failed?: (request: Request, error: KafkaError, version: number) => Init<Response>
}

/**
 * Stands between a request and its handler: `proceed` runs the handler. It may answer in its place, before or after it, or throw
 * what the handler could throw. For tests of clients; production has none.
 */
export type Around = (
  handler: Handler<never>,
  request: unknown,
  context: RequestContext,
  proceed: () => Handled<object> | Promise<Handled<object>>,
) => Handled<object> | Promise<Handled<object>>

export interface Handler<Parts = Services> {
  // oxlint-disable-next-line typescript/no-explicit-any -- the table holds handlers of all types
  readonly api: Api<any, any>
  readonly lowestVersion: number
  readonly highestVersion: number
  // oxlint-disable-next-line typescript/no-explicit-any -- the table holds handlers of all types
  readonly spec: HandlerSpec<any, any, Parts>
}

export function handler<Request, Response, Parts = Services>(
  api: Api<Request, Response>,
  spec: HandlerSpec<Request, Response, Parts>,
): Handler<Parts> {
  return {
    api,
    lowestVersion: spec.versions?.lowest ?? api.request.lowestVersion,
    highestVersion: spec.versions?.highest ?? api.request.highestVersion,
    spec,
  }
}
