/**
 * One client's door to its cluster: finds nodes, keeps metadata fresh, sends one request to one node.
 *
 * Producer, consumer and admin each own one, as in Java: what one waits for never delays another. It makes one attempt;
 * what to do about an error, and asking again, is its user's (see `retrying`). Metadata is asked for when somebody wants
 * it, when something turned out stale, and when it is older than `metadataMaxAgeMs`; requests for it never overlap.
 */
import { RETRIABLE } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Api, Init } from '../protocol/codec.ts'
import { DescribeCluster } from '../protocol/generated/describe-cluster.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import type { BrokerConnection, RequestOptions } from '../rpc/broker-connection.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import type { Timer, World } from '../world/world.ts'
import { backoffMs, retrying, type CallOptions, type Retrying } from './call.ts'
import type { Address, ResolvedClientOptions } from './client-options.ts'
import { ClusterMetadata, type TopicMetadata } from './cluster-metadata.ts'
import { ClientError, errorOf, isRetriable, TOPIC_REFUSALS } from './errors.ts'
import { NodeConnections, type ConnectionKey, type Lane } from './node-connections.ts'

/** Memory that answers are received into is not kept for long: each client reads little at a time. */
const FREE_BYTES_MAX = 2 * 1024 * 1024

/** A node by id, the one that controls the cluster, or whichever is nearest at hand. */
export type Target = number | 'controller' | 'any'

export type ClientWorld = Pick<World, 'clock' | 'network' | 'random'>

/** Which topics metadata is kept of. */
export type TopicInterest = ReadonlySet<string> | 'all'

const NO_TOPICS: ReadonlySet<string> = new Set()

/** A request and what became of it. */
export interface ObservedRequest {
  readonly api: string
  /** Null for whichever was nearest at hand. */
  readonly node: number | null
  /** Monotonic. */
  readonly sentMs: number
  /** What the answer says of it; 0 without one. */
  readonly throttleTimeMs: number
  /** Null: it was answered, whatever the answer says. */
  readonly error: Error | null
}

/** Whoever counts requests. */
export interface RequestObserver {
  requested(): void
  settled(request: ObservedRequest): void
}

export class NetworkClient {
  readonly options: ResolvedClientOptions
  readonly world: ClientWorld
  /** Of an Admin. */
  requests: RequestObserver | null = null
  readonly metadata = new ClusterMetadata()
  readonly #connections: NodeConnections
  #interest: TopicInterest = NO_TOPICS
  /** Brokers may make topics that are asked for (allow.auto.create.topics). */
  #mayCreateTopics = false
  #refreshing: { readonly interest: TopicInterest; readonly done: Promise<void> } | null = null
  /** Monotonic, of the refresh that is planned. */
  #timer: { readonly timer: Timer; readonly atMs: number } | null = null
  #failures = 0
  /** Monotonic: when metadata was last asked for. */
  #askedMs = -Infinity
  /** Monotonic: when metadata last came, or the client was made. */
  #freshMs: number
  /** Something turned out wrong while the answer was on its way: it may not know of it. */
  #isStale = false
  #isClosed = false
  readonly #closeTasks = new Set<(reason: Error) => void>()
  /** Nobody could be reached, and that was told. */
  #isUnreachable = false

  constructor(world: ClientWorld, options: ResolvedClientOptions) {
    this.world = world
    this.options = options
    this.#freshMs = world.clock.monotonicMs()
    this.#connections = new NodeConnections({
      ...options,
      network: world.network,
      clock: world.clock,
      random: world.random,
      pool: new ChunkPool({ freeBytesMax: FREE_BYTES_MAX, poison: false }),
      backoff: { firstMs: options.reconnectBackoffMs, maxMs: options.reconnectBackoffMaxMs },
    })
  }

  /** What `retrying` needs. */
  get retries(): Retrying {
    const { retryBackoffMs, retryBackoffMaxMs, callTimeoutMs } = this.options
    const { clock, random } = this.world
    const backoff = { firstMs: retryBackoffMs, maxMs: retryBackoffMaxMs }
    return { clock, random, backoff, callTimeoutMs, whenClosed: this.#whenClosed }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The topics whose metadata is kept from now on. */
  setInterest(interest: TopicInterest, { mayCreateTopics = false }: { readonly mayCreateTopics?: boolean } = {}): void {
    this.#interest = interest
    this.#mayCreateTopics = mayCreateTopics
    this.metadata.retain(interest)
  }

  /**
   * Asks once for the metadata of everything of interest. Joins a request in work that covers it. Rejects with the last
   * error when no node answers.
   */
  async refresh(): Promise<void> {
    this.#throwIfClosed()
    const current = this.#refreshing
    if (current !== null) {
      if (covers(current.interest, this.#interest)) return current.done
      await current.done.catch(() => {})
      return this.refresh()
    }
    const interest = this.#interest
    const done = this.#refresh(interest)
    this.#refreshing = { interest, done }
    return done
  }

  /** Something that was known turned out wrong: asks soon, and until it is answered. For whoever does not wait for it. */
  refreshSoon(): void {
    if (this.#isClosed) return
    if (this.#refreshing !== null) this.#isStale = true
    else this.#schedule(this.#askedMs + this.#refreshPauseMs())
  }

  /** Metadata that names at least one node; asked for if nothing is known yet. */
  async ready(call: CallOptions = {}): Promise<ClusterMetadata> {
    if (this.metadata.nodes.size === 0) {
      await retrying(this.retries, 'Asking for metadata', call, () => this.refresh())
    }
    return this.metadata
  }

  /** One attempt to know a node, where none is known: for whoever tries again itself. */
  async findNodes(): Promise<void> {
    if (this.metadata.nodes.size === 0) await this.refresh()
  }

  /**
   * The metadata of one topic of interest; waits until the topic is there.
   * Rejects with ClientError TIMED_OUT (its cause says why) or KafkaError INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED.
   */
  async topic(name: string, call: CallOptions = {}): Promise<TopicMetadata> {
    const known = this.metadata.topic(name)
    if (known !== null) return known
    return retrying(this.retries, `Asking for the metadata of topic ${name}`, call, async () => {
      await this.refresh()
      const topic = this.metadata.topic(name)
      if (topic !== null) return topic
      const code = this.metadata.errorOf(name) ?? 'UNKNOWN_TOPIC_OR_PARTITION'
      const isTold = TOPIC_REFUSALS.has(code) || RETRIABLE.has(code)
      const known = isTold ? code : 'UNKNOWN_TOPIC_OR_PARTITION'
      throw new KafkaError(known, `Topic ${name} is not available: ${code}.`)
    })
  }

  /** A connection that is ready. One attempt: see NodeConnections.get. */
  async connection(target: Target, lane: Lane = 'data'): Promise<BrokerConnection> {
    this.#throwIfClosed()
    if (target === 'any') return this.#anyConnection(lane)
    await this.findNodes()
    const id = target === 'controller' ? this.metadata.controllerId : target
    const node = this.metadata.nodes.get(id)
    if (node !== undefined) {
      try {
        return await this.#connections.get(id, lane, node)
      } catch (error) {
        // It may be gone for good, and another one be the controller.
        if (error instanceof OperationalError) this.refreshSoon()
        throw error
      }
    }
    this.refreshSoon()
    if (target === 'controller') throw new KafkaError('NOT_CONTROLLER', 'The cluster has no controller just now.')
    throw new KafkaError('BROKER_NOT_AVAILABLE', `Node ${id} is not among the nodes of the cluster just now.`)
  }

  /** One request, one attempt. Rejects as BrokerConnection.request does. */
  async request<Request, Response>(
    target: Target,
    api: Api<Request, Response>,
    message: Init<Request>,
    { lane = 'data', ...options }: RequestOptions & { readonly lane?: Lane } = {},
  ): Promise<Response> {
    const connection = await this.connection(target, lane)
    try {
      return await connection.request(api, message, options)
    } catch (error) {
      this.#throwIfClosed()
      // The node may be gone, or no longer where it was.
      if (error instanceof OperationalError) this.refreshSoon()
      throw error
    }
  }

  /** Ends what waits. Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#timer?.timer.cancel()
    this.#timer = null
    this.#connections.close()
    for (const task of this.#closeTasks) task(closed())
    this.#closeTasks.clear()
  }

  readonly #whenClosed = (task: (reason: Error) => void): (() => void) => {
    if (this.#isClosed) task(closed())
    else this.#closeTasks.add(task)
    return () => this.#closeTasks.delete(task)
  }

  async #refresh(interest: TopicInterest): Promise<void> {
    const { clock } = this.world
    this.#timer?.timer.cancel()
    this.#timer = null
    this.#askedMs = clock.monotonicMs()
    this.#isStale = false
    try {
      const connection = await this.#anyConnection('data')
      if (this.options.endpoint === 'controllers') await this.#describeControllers(connection)
      else await this.#askMetadata(connection, interest)
      // Before the next one is planned: from here on `refreshSoon` plans by itself.
      this.#refreshing = null
      this.#failures = 0
      this.#freshMs = clock.monotonicMs()
      const isSettled = !this.#isStale && !this.#hasLeaderless(interest)
      this.#schedule(isSettled ? this.#freshMs + this.#ageMaxMs(interest) : this.#askedMs + this.#refreshPauseMs())
    } catch (error) {
      this.#refreshing = null
      this.#failures += 1
      // What a call ends with, such as refused credentials, may be mended too, but not by asking often.
      const pauseMs = isRetriable(error) ? this.#refreshPauseMs() : this.options.metadataMaxAgeMs
      this.#schedule(clock.monotonicMs() + pauseMs)
      throw error
    }
  }

  async #askMetadata(connection: BrokerConnection, interest: TopicInterest): Promise<void> {
    const names = interest === 'all' ? null : [...interest]
    const topics = names?.map((name) => ({ name })) ?? null
    // Before 4 whoever asks makes topics whether it wants or not; then it is not for us to say.
    const version = connection.versions.choose(Metadata, { min: 1 })
    const allowAutoTopicCreation = version < 4 || this.#mayCreateTopics
    const answer = await connection.request(
      Metadata,
      { topics, allowAutoTopicCreation },
      { versions: { max: version } },
    )
    const error = errorOf(answer.errorCode)
    if (error?.code === 'REBOOTSTRAP_REQUIRED') {
      this.metadata.clear()
      throw new OperationalError('NETWORK_FAILED', error.message, { cause: error })
    }
    if (error !== null) throw error
    // It has just started, and another one, or a later attempt, will know more.
    if (answer.brokers.length === 0) throw new OperationalError('NETWORK_FAILED', 'The broker knows no nodes yet.')
    this.metadata.apply(answer, interest)
  }

  async #describeControllers(connection: BrokerConnection): Promise<void> {
    const answer = await connection.request(DescribeCluster, { endpointType: 2 }, { versions: { min: 1 } })
    const error = errorOf(answer.errorCode, answer.errorMessage)
    if (error !== null) throw error
    const nodes = answer.brokers.map(({ brokerId, host, port, rack }) => ({ id: brokerId, host, port, rack }))
    this.metadata.applyNodes(nodes, answer.clusterId, answer.controllerId)
  }

  /** An open connection if there is one, else to a node at random; those that refused of late come last. */
  async #anyConnection(lane: Lane): Promise<BrokerConnection> {
    this.#throwIfClosed()
    const candidates = this.#candidates()
    let best: BrokerConnection | null = null
    for (const [key] of candidates) {
      const open = this.#connections.peek(key, lane)
      if (open !== null && (best === null || open.inFlight < best.inFlight)) best = open
    }
    if (best !== null) return best
    let failure: unknown = null
    for (const [key, address] of this.#shuffled(candidates, lane)) {
      try {
        const connection = await this.#connections.get(key, lane, address)
        this.#isUnreachable = false
        return connection
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error
        failure = error
      }
    }
    this.#tellUnreachable(failure)
    throw failure
  }

  /** Once until one is reached again: calls may go on trying for a minute, and a consumer for ever. */
  #tellUnreachable(failure: unknown): void {
    if (this.#isUnreachable || this.#isClosed || !(failure instanceof OperationalError)) return
    this.#isUnreachable = true
    this.options.logger.warn(`No broker can be reached, trying on: ${failure.message}`)
  }

  #candidates(): (readonly [ConnectionKey, Address])[] {
    const { bootstrap, rebootstrapTriggerMs } = this.options
    if (this.world.clock.monotonicMs() - this.#freshMs > rebootstrapTriggerMs) this.metadata.clear()
    const { nodes } = this.metadata
    if (nodes.size > 0) return [...nodes.values()].map((node) => [node.id, node])
    return bootstrap.map((address) => [`${address.host}:${address.port}`, address])
  }

  #shuffled<T extends readonly [ConnectionKey, Address]>(candidates: readonly T[], lane: Lane): T[] {
    const ranks = candidates.map((candidate) => ({
      candidate,
      isBackingOff: this.#connections.isBackingOff(candidate[0], lane),
      rank: this.world.random.uint32(),
    }))
    ranks.sort((one, other) => Number(one.isBackingOff) - Number(other.isBackingOff) || one.rank - other.rank)
    return ranks.map(({ candidate }) => candidate)
  }

  #hasLeaderless(interest: TopicInterest): boolean {
    if (interest === 'all') return false
    for (const name of interest) {
      if (this.metadata.errorOf(name) === 'LEADER_NOT_AVAILABLE') return true
      // Or it leads and is not among the nodes: an answer knew one and not the other.
      const partitions = this.metadata.topic(name)?.partitions ?? []
      if (partitions.some(({ partition }) => this.metadata.leader(name, partition) === null)) return true
    }
    return false
  }

  /** A topic that is not there may be new to the broker, or come: whoever reads it waits for metadata to say so. */
  #ageMaxMs(interest: TopicInterest): number {
    const { metadataMaxAgeMs, retryBackoffMaxMs } = this.options
    const isMissing = (name: string): boolean => {
      const code = this.metadata.errorOf(name)
      return code !== null && !TOPIC_REFUSALS.has(code)
    }
    const hasMissing = interest !== 'all' && [...interest].some(isMissing)
    return hasMissing ? Math.min(retryBackoffMaxMs, metadataMaxAgeMs) : metadataMaxAgeMs
  }

  #refreshPauseMs(): number {
    return backoffMs(this.retries.backoff, Math.max(this.#failures, 1), this.world.random)
  }

  /** At most one timer: for the sooner of what is planned and `atMs`. */
  #schedule(atMs: number): void {
    if (this.#isClosed || (this.#timer !== null && this.#timer.atMs <= atMs)) return
    this.#timer?.timer.cancel()
    const timer = this.world.clock.at(atMs, () => {
      this.#timer = null
      this.refresh().catch((error: unknown) => this.options.logger.debug(`metadata: ${String(error)}`))
    })
    this.#timer = { timer, atMs }
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw closed()
  }
}

const closed = (): ClientError => new ClientError('CLOSED', 'The client is closed.')

function covers(one: TopicInterest, other: TopicInterest): boolean {
  if (one === 'all') return true
  return other !== 'all' && [...other].every((name) => one.has(name))
}
