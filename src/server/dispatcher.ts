/**
 * From a frame to a handler and back to bytes: header, version, decoding, errors.
 *
 * What Kafka does not answer costs the connection here too: an API we do not serve, a version outside its range, a body
 * that does not parse. Only ApiVersions is told politely (version 0 body, error 35). A KafkaError of a handler becomes the
 * API's own error shape; a broken invariant stops the node; anything else is logged and answered with UNKNOWN_SERVER_ERROR.
 *
 * Where a client is bounded by a quota each request has a meter (quotas/request-meter.ts): how long the client is muted stands in
 * the answer, if its version has a place for that.
 */
import { ByteReader, MalformedError } from '../base/byte-reader.ts'
import { InvariantError, KafkaError, OperationalError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { ApiVersions } from '../protocol/generated/api-versions.ts'
import { peekRequestStart, readRequestHeader, writeResponse } from '../protocol/frames.ts'
import type { Dispatched, Outcome } from '../rpc/dispatched.ts'
import type { Frame } from '../rpc/frame-receiver.ts'
import type { ServerConnection } from '../rpc/server-connection.ts'
import {
  CLOSE,
  NO_ANSWER,
  type Around,
  type Handled,
  type Handler,
  type HandlerSpec,
  type RequestContext,
} from './handler.ts'
import { UNSUPPORTED_VERSION_ANSWER } from './handlers/api-versions.ts'
import type { ClientQuotas } from './quotas/client-quotas.ts'
import type { RequestMeter } from './quotas/request-meter.ts'
import type { Services } from './services.ts'

/** As most answers say it. */
interface Throttled {
  readonly throttleTimeMs?: number
}

export interface ConnectionInfo {
  readonly id: number
  readonly listener: string
}

/** What every node has, whatever it serves. */
export interface DispatchedParts {
  readonly logger: Logger
  /** Null: nothing that is asked here counts towards quotas. */
  readonly quotas: Pick<ClientQuotas, 'isInForce' | 'meter'> | null
  /** A broken invariant: the node stops. */
  fail(error: unknown): void
}

export class Dispatcher<Parts extends DispatchedParts = Services> {
  readonly #services: Parts
  readonly #handlers: ReadonlyMap<number, Handler<Parts>>
  readonly #around: Around | null

  constructor(services: Parts, handlers: readonly Handler<Parts>[], around: Around | null = null) {
    this.#services = services
    this.#around = around
    this.#handlers = new Map(handlers.map((handler) => [handler.api.key, handler]))
  }

  dispatch(frame: Frame, connection: ServerConnection, info: ConnectionInfo): Dispatched {
    const releases: (() => void)[] = []
    try {
      const reader = new ByteReader(frame.buffer, frame.start, frame.end)
      const { apiKey, apiVersion: version, correlationId } = peekRequestStart(reader)
      const handler = this.#handlers.get(apiKey)
      if (handler === undefined) throw new MalformedError(`a request of API ${apiKey}, which is not served`)
      if (version < handler.lowestVersion || version > handler.highestVersion) {
        if (handler.api === ApiVersions) {
          readRequestHeader(reader, handler.api, version)
          const outcome = encode(handler, 0, correlationId, UNSUPPORTED_VERSION_ANSWER, releases, 0)
          return { outcome, pipelined: false, isPaced: false }
        }
        throw new MalformedError(`${handler.api.name} version ${version}, which is not served`)
      }
      const { clientId } = readRequestHeader(reader, handler.api, version)
      const { quotas } = this.#services
      const meter = quotas?.isInForce === true ? quotas.meter(clientId ?? '', frame.end - frame.start) : null
      const request: unknown =
        meter === null
          ? handler.api.request.read(reader, version)
          : meter.takes(() => handler.api.request.read(reader, version) as unknown)
      const { socket } = connection
      const context: RequestContext = {
        apiVersion: version,
        correlationId,
        clientId,
        clientHost: `/${socket.remoteHost}`,
        listener: info.listener,
        localHost: socket.localHost,
        localPort: socket.localPort,
        memory: frame.memory,
        connectionId: info.id,
        meter,
        letGo: () => connection.letGo(frame),
        afterSend: (release) => releases.push(release),
        holdNext: () => {
          pipelined = false
        },
      }
      let pipelined = handler.spec.pipelined === true
      const outcome = this.#handle(handler, request, context, releases)
      const isPaced = meter !== null && meter.isBounded
      return { outcome, pipelined: pipelined && !isPaced, isPaced }
    } catch (error) {
      releaseAll(releases)
      if (!(error instanceof MalformedError)) this.#services.fail(error)
      return { outcome: { kind: 'close', reason: messageOf(error) }, pipelined: false, isPaced: false }
    }
  }

  #handle(
    handler: Handler<Parts>,
    request: unknown,
    context: RequestContext,
    releases: (() => void)[],
  ): Outcome | Promise<Outcome> {
    try {
      const handled =
        this.#around === null
          ? this.#run(handler, request, context)
          : this.#around(handler, request, context, () => this.#run(handler, request, context))
      if (handled instanceof Promise) {
        return handled.then(
          (settled) => this.#finish(handler, request, context, settled, releases),
          (error: unknown) => this.#failed(handler, request, context, error, releases),
        )
      }
      return this.#finish(handler, request, context, handled, releases)
    } catch (error) {
      return this.#failed(handler, request, context, error, releases)
    }
  }

  #run(handler: Handler<Parts>, request: unknown, context: RequestContext): Handled<object> | Promise<Handled<object>> {
    const { meter } = context
    if (meter === null) return handler.spec.handle(this.#services, request, context)
    return meter.takes(() => handler.spec.handle(this.#services, request, context))
  }

  #finish(
    handler: Handler<Parts>,
    request: unknown,
    context: RequestContext,
    handled: Handled<object>,
    releases: (() => void)[],
  ): Outcome {
    const { meter } = context
    if (meter !== null && handled !== CLOSE) count(handler.spec.counts, handled, meter)
    if (handled === NO_ANSWER) {
      releaseAll(releases)
      return { kind: 'silent', muteMs: meter?.throttleMs ?? 0 }
    }
    if (handled === CLOSE) {
      releaseAll(releases)
      return { kind: 'close', reason: `${handler.api.name} failed and has no answer to say so` }
    }
    try {
      return answered(handler, context, handled, releases)
    } catch (error) {
      return this.#failed(handler, request, context, error, releases)
    }
  }

  #failed(
    handler: Handler<Parts>,
    request: unknown,
    context: RequestContext,
    error: unknown,
    releases: (() => void)[],
  ): Outcome {
    releaseAll(releases)
    if (error instanceof MalformedError) return { kind: 'close', reason: error.message }
    if (error instanceof InvariantError) this.#services.fail(error)
    else if (!(error instanceof KafkaError)) {
      this.#services.logger.error(`${handler.api.name} v${context.apiVersion} from ${context.clientHost} failed`, error)
    }
    const answer = handler.spec.failed
    if (answer === undefined) return { kind: 'close', reason: messageOf(error) }
    try {
      if (handler.spec.counts === 'exempt') context.meter?.exempt()
      context.meter?.settle(0)
      return answered(handler, context, answer(request, asKafkaError(error), context.apiVersion), [])
    } catch (second) {
      this.#services.logger.error(`the error answer of ${handler.api.name} could not be encoded`, second)
      return { kind: 'close', reason: messageOf(second) }
    }
  }
}

/** Its bytes, its time, and what the controller made of it. */
function count(
  counts: HandlerSpec<never, never>['counts'],
  handled: object | typeof NO_ANSWER,
  meter: RequestMeter,
): void {
  if (counts === 'exempt') meter.exempt()
  if (counts === 'produced bytes') meter.produced(handled !== NO_ANSWER)
  else meter.settle(handled === NO_ANSWER ? 0 : ((handled as Throttled).throttleTimeMs ?? 0))
}

function answered(
  handler: Pick<Handler, 'api'>,
  { meter, apiVersion, correlationId }: RequestContext,
  response: object,
  releases: readonly (() => void)[],
): Outcome {
  if (meter === null) return encode(handler, apiVersion, correlationId, response, releases, 0)
  const { throttleMs } = meter
  const told = throttleMs === 0 ? response : { ...response, throttleTimeMs: throttleMs }
  return meter.takes(() => encode(handler, apiVersion, correlationId, told, releases, throttleMs))
}

function encode(
  handler: Pick<Handler, 'api'>,
  version: number,
  correlationId: number,
  response: object,
  releases: readonly (() => void)[],
  muteMs: number,
): Outcome {
  const pieces = writeResponse<object>(handler.api, version, correlationId, response)
  return { kind: 'answer', pieces, release: releases.length === 0 ? null : () => releaseAll(releases), muteMs }
}

function releaseAll(releases: readonly (() => void)[]): void {
  for (const release of releases) release()
}

function asKafkaError(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  if (error instanceof OperationalError && error.code !== 'CONFIG_INVALID') {
    return new KafkaError('KAFKA_STORAGE_ERROR', error.message)
  }
  return new KafkaError(
    'UNKNOWN_SERVER_ERROR',
    'The server experienced an unexpected error when processing the request.',
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
