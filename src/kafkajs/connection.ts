/**
 * One kafkajs client's link to its cluster: settings become the client's options when `connect` is called (brokers may come from
 * a function), and `connect` fails if no broker can be reached in the time that the retries allow.
 */
import { resolveClientOptions, type ResolvedClientOptions } from '../client/client-options.ts'
import { NO_EVENTS } from '../client/client-events.ts'
import { NetworkClient, type ClientWorld } from '../client/network-client.ts'
import type { SaslOptions } from '../client/security-options.ts'
import type { TlsOptions } from '../world/world.ts'
import { asKafkaJS } from './error-mapping.ts'
import { KafkaJSConnectionError, KafkaJSError, KafkaJSNonRetriableError, KafkaJSNotImplemented } from './errors.ts'
import type { Instrumentation } from './instrumentation.ts'
import { clientLogger, type Logger } from './logger.ts'
import { requestWatch, type RequestEventNames } from './request-events.ts'
import { budgetMs, type RetryPolicy } from './retry.ts'
import type { KafkaConfig, SASLOptions } from './types.ts'

/** What a request may take where no limit is enforced: as long as a timer can be set for. */
const NO_LIMIT_MS = 0x7fff_ffff

const TLS_KEYS: ReadonlySet<string> = new Set([
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'servername',
  'verifyHost',
  'rejectUnauthorized',
  'ciphers',
  'minVersion',
  'maxVersion',
])

export interface ConnectionSettings {
  readonly world: ClientWorld
  readonly config: KafkaConfig
  readonly policy: RetryPolicy
  readonly logger: Logger
  /** Milliseconds. */
  readonly metadataMaxAge?: number | undefined
}

export class Connection {
  readonly world: ClientWorld
  readonly policy: RetryPolicy
  readonly #settings: ConnectionSettings
  #network: NetworkClient | null = null
  #connecting: Promise<void> | null = null
  #watched: { readonly events: RequestEventNames; readonly instrumentation: Instrumentation } | null = null

  constructor(settings: ConnectionSettings) {
    this.world = settings.world
    this.policy = settings.policy
    this.#settings = settings
    checkConfig(settings.config)
  }

  /** Tells of requests, of the next connection on, by these events. */
  watchRequests(events: RequestEventNames, instrumentation: Instrumentation): void {
    this.#watched = { events, instrumentation }
  }

  get isConnected(): boolean {
    return this.#network !== null
  }

  /** @throws KafkaJSError unless it is connected. */
  get network(): NetworkClient {
    if (this.#network === null) throw new KafkaJSError('The client is disconnected: call connect first.')
    return this.#network
  }

  get options(): ResolvedClientOptions {
    return this.network.options
  }

  /** Does nothing if it is connected. Rejects with KafkaJSNumberOfRetriesExceeded, KafkaJSSASLAuthenticationError. */
  async connect(): Promise<void> {
    if (this.#network !== null) return
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = null))
    await this.#connecting
  }

  async #connect(): Promise<void> {
    const options = await this.#resolved()
    const network = new NetworkClient(this.world, options)
    try {
      await network.ready({ timeoutMs: budgetMs(this.policy, options.connectTimeoutMs) })
    } catch (error) {
      network.close()
      throw asKafkaJS(error, this.policy)
    }
    this.#network = network
  }

  disconnect(): void {
    this.#network?.close()
    this.#network = null
  }

  async #resolved(): Promise<ResolvedClientOptions> {
    const { config, policy, logger, metadataMaxAge } = this.#settings
    const { clientId = 'kafkajs', connectionTimeout = 1000, enforceRequestTimeout = true } = config
    const requestTimeoutMs = enforceRequestTimeout ? (config.requestTimeout ?? 30_000) : NO_LIMIT_MS
    const brokers = await brokersOf(config)
    try {
      const options = resolveClientOptions({
        brokers,
        clientId,
        requestTimeoutMs,
        connectTimeoutMs: connectionTimeout,
        callTimeoutMs: Math.min(budgetMs(policy, requestTimeoutMs), NO_LIMIT_MS),
        retryBackoffMs: policy.initialRetryTime,
        retryBackoffMaxMs: Math.max(policy.initialRetryTime, policy.maxRetryTime),
        metadataMaxAgeMs: metadataMaxAge ?? 300_000,
        logger: clientLogger(logger),
        events: NO_EVENTS,
        ...(config.ssl === undefined || config.ssl === false ? {} : { tls: tlsOf(config.ssl) }),
        ...(config.sasl === undefined ? {} : { sasl: saslOf(config.sasl) }),
      })
      if (this.#watched === null) return options
      const { events, instrumentation } = this.#watched
      return { ...options, watch: requestWatch(events, instrumentation, this.world.clock, clientId) }
    } catch (error) {
      throw asKafkaJS(error, policy)
    }
  }
}

async function brokersOf({ brokers: given }: KafkaConfig): Promise<string[]> {
  let brokers: string[]
  try {
    brokers = typeof given === 'function' ? await given() : given
  } catch (error) {
    throw new KafkaJSConnectionError(`The brokers function failed: ${String(error)}`)
  }
  if (!Array.isArray(brokers) || brokers.length === 0) {
    throw new KafkaJSNonRetriableError('brokers must be a list of host:port that is not empty, or a function for it.')
  }
  // Addresses may be given as URLs.
  return brokers.map((broker) => broker.replace(/^[a-z+]+:\/\//i, ''))
}

function checkConfig(config: KafkaConfig): void {
  if (typeof config.brokers !== 'function' && (!Array.isArray(config.brokers) || config.brokers.length === 0)) {
    throw new KafkaJSNonRetriableError('brokers must be a list of host:port that is not empty, or a function for it.')
  }
  if ('socketFactory' in config && config.socketFactory !== undefined) {
    throw new KafkaJSNotImplemented('socketFactory is not supported: connections are made by Klamm.')
  }
  if (typeof config.ssl === 'object') tlsOf(config.ssl)
  if (config.sasl !== undefined) saslOf(config.sasl)
}

function tlsOf(ssl: true | TlsOptions): true | TlsOptions {
  if (ssl === true) return true
  const stranger = Object.keys(ssl).find((key) => !TLS_KEYS.has(key))
  if (stranger === undefined) return ssl
  throw new KafkaJSNotImplemented(`ssl.${stranger} is not supported; there are ${[...TLS_KEYS].join(', ')}.`)
}

function saslOf(sasl: SASLOptions): SaslOptions {
  const { mechanism } = sasl
  switch (mechanism.toLowerCase()) {
    case 'plain':
      return { ...(sasl as { username: string; password: string }), mechanism: 'PLAIN' }
    case 'scram-sha-256':
      return { ...(sasl as { username: string; password: string }), mechanism: 'SCRAM-SHA-256' }
    case 'scram-sha-512':
      return { ...(sasl as { username: string; password: string }), mechanism: 'SCRAM-SHA-512' }
    case 'oauthbearer': {
      const { oauthBearerProvider } = sasl as Extract<SASLOptions, { mechanism: 'oauthbearer' }>
      return { mechanism: 'OAUTHBEARER', token: async () => ({ value: (await oauthBearerProvider()).value }) }
    }
    default:
      throw new KafkaJSNotImplemented(
        `SASL ${mechanism} is not supported; there are plain, scram-sha-256, scram-sha-512 and oauthbearer.`,
      )
  }
}
