/**
 * What every producer, consumer and admin is told about its cluster, and the defaults: those of Java's clients, whose
 * names the docstrings give.
 */
import type { Logger } from '../base/logger.ts'
import { SILENT } from '../base/logger.ts'
import type { Authenticator } from '../rpc/broker-connection.ts'
import type { RequestWatch } from '../rpc/request-watch.ts'
import type { HttpPost } from '../rpc/sasl/client-credentials.ts'
import type { TlsOptions } from '../world/world.ts'
import { NO_EVENTS, type EventSink } from './client-events.ts'
import { exactly } from './check-options.ts'
import { ClientError } from './errors.ts'
import { callable, either, flag, list, number, text, withMethods, type Shape } from './expected.ts'
import { authenticatorOf, SASL_OPTIONS, TLS_OPTIONS, type SaslOptions } from './security-options.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ClientOptions {
  /** `host:port`, several by commas or as a list: where to ask first (bootstrap.servers). */
  readonly brokers?: string | readonly string[]
  /** Controllers, in place of `brokers`: for an Admin alone (bootstrap.controllers, KIP-919). */
  readonly controllers?: string | readonly string[]
  /** Speaks TLS with brokers (security.protocol SSL, SASL_SSL). In the clear if left out. */
  readonly tls?: boolean | TlsOptions
  /** Proves to brokers who we are (security.protocol SASL_PLAINTEXT, SASL_SSL). */
  readonly sasl?: SaslOptions
  /** Posts for `sasl.clientCredentials`. `fetch` with the package's own `Klamm`. */
  readonly http?: HttpPost
  /** Names this program in the broker's logs, quotas and metrics (client.id). `klamm` if left out. */
  readonly clientId?: string
  /** Milliseconds until a request is given up (request.timeout.ms). 30,000 if left out. */
  readonly requestTimeoutMs?: number
  /** Milliseconds for connecting, the handshakes included (socket.connection.setup.timeout.ms). 10,000 if left out. */
  readonly connectTimeoutMs?: number
  /** Milliseconds that a call takes in all, its retries included (default.api.timeout.ms). 60,000 if left out. */
  readonly callTimeoutMs?: number
  /** First and longest pause before a broker is connected to again (reconnect.backoff.ms, .max.ms). 50 and 1000. */
  readonly reconnectBackoffMs?: number
  readonly reconnectBackoffMaxMs?: number
  /** First and longest pause before something is tried again (retry.backoff.ms, .max.ms). 100 and 1000. */
  readonly retryBackoffMs?: number
  readonly retryBackoffMaxMs?: number
  /** Milliseconds after which metadata is asked for again unasked (metadata.max.age.ms). 300,000 if left out. */
  readonly metadataMaxAgeMs?: number
  /**
   * Milliseconds without metadata after which the bootstrap addresses are asked again
   * (metadata.recovery.rebootstrap.trigger.ms, KIP-1102). 300,000 if left out.
   */
  readonly rebootstrapTriggerMs?: number
  /** Silent if left out. */
  readonly logger?: Logger
  /** Where events go. The channels of node:diagnostics_channel with the package's own `Klamm`. */
  readonly events?: EventSink
}

/** What each of them may be. */
export const CLIENT_OPTIONS: Shape<ClientOptions> = {
  brokers: either(text, list(text)),
  controllers: either(text, list(text)),
  tls: either(flag, exactly(TLS_OPTIONS)),
  sasl: SASL_OPTIONS,
  http: callable(),
  clientId: text,
  requestTimeoutMs: number,
  connectTimeoutMs: number,
  callTimeoutMs: number,
  reconnectBackoffMs: number,
  reconnectBackoffMaxMs: number,
  retryBackoffMs: number,
  retryBackoffMaxMs: number,
  metadataMaxAgeMs: number,
  rebootstrapTriggerMs: number,
  logger: withMethods('debug', 'info', 'warn', 'error'),
  events: callable(),
}

/** The same with every default in its place. */
export interface ResolvedClientOptions {
  readonly bootstrap: readonly Address[]
  /** Whether `bootstrap` are controllers (bootstrap.controllers, KIP-919). */
  readonly endpoint: 'brokers' | 'controllers'
  readonly clientId: string
  readonly software: { readonly name: string; readonly version: string }
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly callTimeoutMs: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly metadataMaxAgeMs: number
  readonly rebootstrapTriggerMs: number
  /** Null: in the clear. */
  readonly tls: TlsOptions | null
  readonly authenticator: Authenticator | null
  readonly logger: Logger
  readonly events: EventSink
  /** Is told of every request. Nobody if left out. */
  readonly watch?: RequestWatch
}

const DEFAULTS = {
  clientId: 'klamm',
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  callTimeoutMs: 60_000,
  reconnectBackoffMs: 50,
  reconnectBackoffMaxMs: 1000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1000,
  metadataMaxAgeMs: 300_000,
  rebootstrapTriggerMs: 300_000,
}

/** @throws ClientError INVALID_ARGUMENT with one sentence. */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const { clientId = DEFAULTS.clientId, logger = SILENT, events = NO_EVENTS } = options
  const ms = (key: Exclude<keyof typeof DEFAULTS, 'clientId'>): number => {
    const value = options[key] ?? DEFAULTS[key]
    if (Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff) return value
    throw new ClientError('INVALID_ARGUMENT', `${key} must be a whole number of milliseconds, and is ${value}.`)
  }
  return {
    ...bootstrapOf(options),
    clientId,
    software: { name: 'klamm', version: '0.1.0' },
    requestTimeoutMs: ms('requestTimeoutMs'),
    connectTimeoutMs: ms('connectTimeoutMs'),
    callTimeoutMs: ms('callTimeoutMs'),
    reconnectBackoffMs: ms('reconnectBackoffMs'),
    reconnectBackoffMaxMs: ms('reconnectBackoffMaxMs'),
    retryBackoffMs: ms('retryBackoffMs'),
    retryBackoffMaxMs: ms('retryBackoffMaxMs'),
    metadataMaxAgeMs: ms('metadataMaxAgeMs'),
    rebootstrapTriggerMs: ms('rebootstrapTriggerMs'),
    tls: options.tls === true ? {} : options.tls === false ? null : (options.tls ?? null),
    authenticator: authenticatorOf(options.sasl, options.http),
    logger,
    events,
  }
}

function bootstrapOf({ brokers, controllers }: ClientOptions): Pick<ResolvedClientOptions, 'bootstrap' | 'endpoint'> {
  if (brokers !== undefined && controllers !== undefined) {
    throw new ClientError('INVALID_ARGUMENT', 'brokers and controllers are both given: name one of them.')
  }
  if (controllers !== undefined) return { bootstrap: parseAddresses(controllers), endpoint: 'controllers' }
  return { bootstrap: parseAddresses(brokers ?? []), endpoint: 'brokers' }
}

/** @throws ClientError INVALID_ARGUMENT. IPv6 addresses stand in brackets. */
export function parseAddresses(brokers: string | readonly string[]): Address[] {
  const texts = (typeof brokers === 'string' ? [brokers] : brokers).flatMap((text) => text.split(','))
  const addresses = texts.map((text) => text.trim()).filter((text) => text !== '')
  if (addresses.length === 0) {
    throw new ClientError('INVALID_ARGUMENT', 'No broker is given: brokers must name at least one as host:port.')
  }
  return addresses.map(parseAddress)
}

function parseAddress(text: string): Address {
  // A listener's name or protocol in front is taken off, as Java's clients do.
  const parts = /^(?:[A-Za-z0-9_]+:\/\/)?\[?([0-9a-zA-Z\-._%:]+?)\]?:(\d{1,5})$/.exec(text)
  const port = Number(parts?.[2])
  if (parts === null || port > 65_535) {
    throw new ClientError('INVALID_ARGUMENT', `'${text}' is not an address of a broker: it must be host:port.`)
  }
  return { host: parts[1]!, port }
}
