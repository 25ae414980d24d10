/**
 * A connection to a broker that is ready for use: connected, versions known, authenticated. Chooses the version of each
 * request, and gives every request a time limit. A proof of who we are that grows old is made anew before the next request.
 *
 * After a request timed out nothing is known about the ones behind it either, so the connection is closed, as Java's client
 * does; whoever owns it connects again. Retries, leaders and back-off are the business of the owner.
 */
import { abortable } from '../base/abortable.ts'
import type { ByteReader } from '../base/byte-reader.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import { ERROR_CODES, errorName } from '../base/error-codes.ts'
import type { Api, Init } from '../protocol/codec.ts'
import { readResponse } from '../protocol/frames.ts'
import { ApiVersions, type ApiVersionsResponse } from '../protocol/generated/api-versions.ts'
import type { Clock, Network, Random, Timer, TlsOptions } from '../world/world.ts'
import { ApiVersionTable, type VersionRange } from './api-version-table.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { ClientConnection, type Lent } from './client-connection.ts'
import type { RequestWatch } from './request-watch.ts'

export interface BrokerConnectionOptions {
  readonly network: Network
  readonly clock: Clock
  readonly pool: ChunkPool
  readonly clientId: string | null
  /** What the broker's metrics call this client (KIP-511): letters, digits, dots and dashes. */
  readonly software: { readonly name: string; readonly version: string }
  /** For connecting and all that comes before the first request, in milliseconds. */
  readonly connectTimeoutMs: number
  /** For a request that says nothing else, in milliseconds. */
  readonly requestTimeoutMs: number
  readonly random: Random
  /** Null: in the clear. */
  readonly tls: TlsOptions | null
  /** Proves who we are before anything else is asked. Null: nothing to prove. */
  readonly authenticator: Authenticator | null
  /** Is told of every request. */
  readonly watch?: RequestWatch | null
}

/** What a connection lets an authenticator do before it is ready, and while all else waits. */
export interface AuthenticationDoor {
  readonly clock: Clock
  readonly random: Random
  readonly versions: ApiVersionTable
  request<Request, Response>(
    api: Api<Request, Response>,
    message: Init<Request>,
    options?: RequestOptions,
  ): Promise<Response>
  /** Bytes without a header, both ways. */
  exchangeBare(bytes: Buffer): Promise<Buffer>
}

export interface Authenticator {
  /**
   * Runs on a new connection whose versions are known, and again on one whose proof grows old (KIP-368). Resolves to how long
   * the proof is good for in ms, 0 for as long as the connection lives. Rejects with KafkaError SASL_AUTHENTICATION_FAILED
   * or the like.
   */
  authenticate(door: AuthenticationDoor, address: { readonly host: string }): Promise<{ readonly lifetimeMs: number }>
}

/** As ClientConnection says that the peer closed, in order or not. */
const HUNG_UP = /closed the connection|ECONNRESET/

/** The share of a proof's life after which it is made anew, spread so that not all connections do so together. */
const PROOF_SHARE = [0.85, 0.95] as const

export interface RequestOptions {
  /** Milliseconds until the connection is given up. */
  readonly timeoutMs?: number
  /** Versions that say what the request means to say. */
  readonly versions?: Partial<VersionRange>
  /** The answer is not copied out of the memory that it was received into, which is left to it. */
  readonly keepsMemory?: boolean
}

export class BrokerConnection {
  /** Monotonic: the broker wants nothing before (KIP-219). Its owner writes it, and sees to it. */
  throttledUntilMs = 0
  readonly #options: BrokerConnectionOptions
  readonly #connection: ClientConnection
  readonly #address: { readonly host: string }
  /** Monotonic: from then on nothing is sent before the proof of who we are is made anew. */
  #proofEndsMs = Infinity
  /** The proof that is being made; what is sent meanwhile waits for it. */
  #proving: Promise<void> | null = null
  #versions = new ApiVersionTable({})
  /** Monotonic: when the last answer came, or the connection was made. */
  #lastActiveMs: number

  private constructor(
    connection: ClientConnection,
    address: { readonly host: string },
    options: BrokerConnectionOptions,
  ) {
    this.#connection = connection
    this.#address = address
    this.#options = options
    this.#lastActiveMs = options.clock.monotonicMs()
  }

  /**
   * Rejects with OperationalError NETWORK_FAILED, KafkaError UNSUPPORTED_VERSION for a broker that knows no ApiVersions
   * version of ours, and what the authenticator rejects with. `signal` ends the attempt, which rejects with its reason.
   */
  static async open(
    address: { readonly host: string; readonly port: number },
    options: BrokerConnectionOptions,
    signal?: AbortSignal,
  ): Promise<BrokerConnection> {
    const { clock, connectTimeoutMs } = options
    signal?.throwIfAborted()
    const attempt = new AbortController()
    const timer = clock.at(clock.monotonicMs() + connectTimeoutMs, () => {
      const where = `${address.host}:${address.port}`
      const text = `cannot connect to ${where}: no answer in ${connectTimeoutMs} ms`
      attempt.abort(new OperationalError('NETWORK_FAILED', text))
    })
    const aborted = (): void => attempt.abort(signal!.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    try {
      return await abortable(BrokerConnection.#ready(address, options, attempt.signal), attempt.signal)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', aborted)
    }
  }

  static async #ready(
    address: { readonly host: string; readonly port: number },
    options: BrokerConnectionOptions,
    signal: AbortSignal,
  ): Promise<BrokerConnection> {
    const { host, port } = address
    const { network, watch = null, tls, pool, clientId } = options
    const socket = await network.connect({ host, port, tls }, signal)
    const watched = watch === null ? null : watch.sent.bind(watch, `${host}:${port}`)
    const connection = new BrokerConnection(new ClientConnection(socket, pool, clientId, watched), address, options)
    const aborted = (): void => connection.close('it took too long to get ready, or is no longer wanted')
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
    try {
      await connection.#greet()
      await connection.#prove()
      return connection
    } catch (error) {
      connection.close()
      throw error
    } finally {
      signal.removeEventListener('abort', aborted)
    }
  }

  get versions(): ApiVersionTable {
    return this.#versions
  }

  get isClosed(): boolean {
    return this.#connection.isClosed
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.#connection.inFlight
  }

  get lastActiveMs(): number {
    return this.#lastActiveMs
  }

  /** Runs once when the connection is closed, by whom ever. */
  onClosed(task: () => void): void {
    this.#connection.onClosed(task)
  }

  /**
   * Rejects with OperationalError NETWORK_FAILED when the connection closes, by the time limit too, and with KafkaError
   * UNSUPPORTED_VERSION before anything is sent. Errors inside of the answer are the caller's.
   */
  async request<Request, Response>(
    api: Api<Request, Response>,
    message: Init<Request>,
    options: RequestOptions = {},
  ): Promise<Response> {
    const proof = this.#proof()
    if (proof !== null) await proof
    return this.#request(api, message, options)
  }

  async #request<Request, Response>(
    api: Api<Request, Response>,
    message: Init<Request>,
    options: RequestOptions,
  ): Promise<Response> {
    const version = this.#versions.choose(api, options.versions)
    return this.#inTime(
      api.name,
      options.timeoutMs,
      this.#connection.request(api, version, message, options.keepsMemory),
    )
  }

  /** The same with an answer that is not copied: its memory is received into again when the caller has released it. */
  async borrow<Request, Response>(
    api: Api<Request, Response>,
    message: Init<Request>,
    options: Omit<RequestOptions, 'keepsMemory'> = {},
  ): Promise<Lent<Response>> {
    const proof = this.#proof()
    if (proof !== null) await proof
    const version = this.#versions.choose(api, options.versions)
    return this.#inTime(api.name, options.timeoutMs, this.#connection.borrow(api, version, message))
  }

  /** The same for whoever builds the message by version, or reads the answer in a way of its own. */
  async exchange<Request, Result>(
    api: Api<Request, unknown>,
    message: (version: number) => Init<Request>,
    read: (reader: ByteReader, version: number) => Result,
    options: RequestOptions = {},
  ): Promise<Result> {
    const proof = this.#proof()
    if (proof !== null) await proof
    const version = this.#versions.choose(api, options.versions)
    const answered = this.#connection.exchange(api, version, message(version), (reader) => read(reader, version))
    return this.#inTime(api.name, options.timeoutMs, answered)
  }

  /** A request without an answer: Produce with acks=0. `sent` runs when the kernel has it, or the connection closed. */
  post<Request>(
    api: Api<Request, unknown>,
    message: (version: number) => Init<Request>,
    options: RequestOptions = {},
    sent?: () => void,
  ): void {
    const version = this.#versions.choose(api, options.versions)
    const proof = this.#proof()
    const post = (): void => this.#connection.post(api, version, message(version), sent)
    if (proof === null) post()
    // A proof that fails closes the connection, and its owner learns of that.
    else void proof.then(post, () => sent?.())
  }

  /** What waits rejects. Idempotent. */
  close(reason?: string): void {
    this.#connection.close(reason)
  }

  /** Null while nothing has to wait for a proof of who we are. */
  #proof(): Promise<void> | null {
    if (this.#proving !== null) return this.#proving
    if (this.#proofEndsMs === Infinity || this.#options.clock.monotonicMs() < this.#proofEndsMs) return null
    this.#proofEndsMs = Infinity
    this.#proving = this.#proveInTime()
      .catch((error: unknown) => {
        this.close(`who we are could not be proven anew: ${error instanceof Error ? error.message : String(error)}`)
        throw error
      })
      .finally(() => (this.#proving = null))
    return this.#proving
  }

  /** As when the connection was made: whoever makes tokens may never answer, and all that is sent waits for it. */
  async #proveInTime(): Promise<void> {
    const { clock, connectTimeoutMs } = this.#options
    let timer: Timer | null = null
    const late = new Promise<never>((_, reject) => {
      timer = clock.at(clock.monotonicMs() + connectTimeoutMs, () =>
        reject(new OperationalError('NETWORK_FAILED', `no proof of who we are in ${connectTimeoutMs} ms`)),
      )
    })
    const proven = this.#prove()
    try {
      await Promise.race([proven, late])
    } finally {
      timer!.cancel()
      proven.catch(() => {})
      late.catch(() => {})
    }
  }

  async #prove(): Promise<void> {
    const { authenticator, clock, random } = this.#options
    if (authenticator === null) return
    const door: AuthenticationDoor = {
      clock,
      random,
      versions: this.#versions,
      request: (api, message, options = {}) => this.#request(api, message, options),
      exchangeBare: (bytes) => this.#inTime('a token of SASL', undefined, this.#connection.exchangeBare(bytes)),
    }
    const { lifetimeMs } = await authenticator.authenticate(door, this.#address)
    if (lifetimeMs <= 0) return
    const [least, most] = PROOF_SHARE
    const share = least + ((most - least) * random.uint32()) / 0x1_0000_0000
    this.#proofEndsMs = clock.monotonicMs() + lifetimeMs * share
  }

  async #inTime<Result>(name: string, timeoutMs: number | undefined, answered: Promise<Result>): Promise<Result> {
    const { clock, requestTimeoutMs } = this.#options
    const limitMs = timeoutMs ?? requestTimeoutMs
    const { lastCorrelationId } = this.#connection
    const timer = clock.at(clock.monotonicMs() + limitMs, () => {
      this.#connection.timedOut(lastCorrelationId)
      this.close(`no answer to ${name} in ${limitMs} ms`)
    })
    try {
      return await answered
    } finally {
      timer.cancel()
      this.#lastActiveMs = clock.monotonicMs()
    }
  }

  /** A broker that hangs up on the first request says no more; what it may have meant depends on what was spoken. */
  async #greet(): Promise<void> {
    try {
      await this.#negotiate()
    } catch (error) {
      const { tls } = this.#options
      if (!(error instanceof OperationalError) || !HUNG_UP.test(error.message)) throw error
      if (tls?.cert !== undefined || tls?.pfx !== undefined) throw error
      const meant = tls === null ? 'this listener of it speaks TLS' : 'it wants a certificate of ours'
      const text = `${error.message}, before it answered anything: perhaps ${meant}`
      throw new OperationalError('NETWORK_FAILED', text, { cause: error })
    }
  }

  /**
   * A broker that does not know the version asked answers in version 0 with UNSUPPORTED_VERSION and, since 2.4, the range
   * that it knows; older ones are asked again at 0.
   */
  async #negotiate(): Promise<void> {
    const { name, version } = this.#options.software
    let asked = ApiVersions.request.highestVersion
    for (;;) {
      const at = asked
      const message = { clientSoftwareName: name, clientSoftwareVersion: version }
      const answered = this.#connection.exchange(ApiVersions, at, message, (reader) => readApiVersions(reader, at))
      const answer = await this.#inTime(ApiVersions.name, undefined, answered)
      if (answer.errorCode === 0) {
        this.#versions = new ApiVersionTable(answer)
        return
      }
      const error = errorName(answer.errorCode) ?? 'UNKNOWN_SERVER_ERROR'
      const known = new ApiVersionTable(answer).find(ApiVersions, { max: at - 1 })
      // Whatever else is wrong with it may pass: Java's client disconnects, and connects again.
      if (error !== 'UNSUPPORTED_VERSION')
        throw new OperationalError('NETWORK_FAILED', `The broker does not tell its versions: ${error}.`)
      if (at === 0) throw new KafkaError(error, 'The broker does not tell its versions.')
      asked = known ?? 0
    }
  }
}

/** Behind the correlation id, which is all of the header here (KIP-511). */
const ERROR_CODE_AT = 4

function readApiVersions(reader: ByteReader, version: number): ApiVersionsResponse {
  const refused = reader.buffer.readInt16BE(reader.position + ERROR_CODE_AT) === ERROR_CODES.UNSUPPORTED_VERSION
  return readResponse(ApiVersions, refused ? 0 : version, reader)
}
