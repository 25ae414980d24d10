/**
 * Sends the requests of a transaction manager: one at a time, by priority, to a coordinator that it finds and finds again.
 *
 * A request is repeated until its answer means something: a lost connection or a moved coordinator is not an outcome. Bounds in
 * time are those of whoever waits.
 */
import { ClientError, isPassing } from '../errors.ts'
import type { NetworkClient } from '../network-client.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import type { BrokerConnection } from '../../rpc/broker-connection.ts'
import { findCoordinator, type CoordinatorKind, type Outcome, type TransactionRequest } from './transaction-requests.ts'
import { remove } from './partition-queue.ts'

export interface RequestLaneOptions {
  readonly network: NetworkClient
  /** A request was answered, or may be sent. */
  readonly wake: () => void
}

/** From this version on InitProducerId bumps an epoch that it is given (KIP-360). */
const BUMPING_VERSION = 3

export class RequestLane {
  readonly #network: NetworkClient
  readonly #wake: () => void
  readonly #answered: (request: TransactionRequest, outcome: Outcome) => void
  /** By priority, then in the order in which they came. */
  readonly #queue: TransactionRequest[] = []
  #inFlight: TransactionRequest | null = null
  readonly #coordinators: Record<CoordinatorKind, { nodeId: number; key: string } | null> = {
    transaction: null,
    group: null,
  }
  /** The transaction coordinator can bump epochs. */
  coordinatorBumpsEpochs = false
  /** The finalised transaction.version, as the coordinator tells; 0 where it doesn't. */
  transactionVersion = 0
  #isClosed = false

  constructor(
    { network, wake }: RequestLaneOptions,
    answered: (request: TransactionRequest, outcome: Outcome) => void,
  ) {
    this.#network = network
    this.#wake = wake
    this.#answered = answered
  }

  add(request: TransactionRequest): void {
    const place = this.#queue.findIndex(({ priority }) => priority > request.priority)
    this.#queue.splice(place < 0 ? this.#queue.length : place, 0, request)
    this.#wake()
  }

  /** What is to be sent now, if anything. The end of a transaction waits for its batches. */
  next(nowMs: number, hasIncomplete: boolean): TransactionRequest | null {
    if (this.#inFlight !== null) return null
    const [first] = this.#queue
    if (first === undefined || first.notBeforeMs > nowMs) return null
    return first.name === 'EndTxn' && hasIncomplete ? null : first
  }

  /** Monotonic: when `next` will have something without any news. */
  get nextMs(): number {
    const [first] = this.#queue
    return this.#inFlight !== null || first === undefined || first.notBeforeMs === 0 ? Infinity : first.notBeforeMs
  }

  /** Ends a request without sending it. */
  drop(request: TransactionRequest, error: Error | null): void {
    remove(this.#queue, request)
    if (error === null) request.resolve()
    else request.reject(error)
  }

  failAll(error: Error): void {
    this.#isClosed ||= error instanceof ClientError && error.code === 'CLOSED'
    for (const request of this.#queue.splice(0)) request.reject(error)
    if (this.#isClosed) this.#inFlight?.reject(error)
  }

  send(request: TransactionRequest): void {
    const { coordinator, key } = request
    if (coordinator !== null && this.#coordinatorOf(coordinator, key) === null) {
      this.#lookUp(coordinator, key)
      return
    }
    remove(this.#queue, request)
    this.#inFlight = request
    void this.#send(request)
  }

  async #send(request: TransactionRequest): Promise<void> {
    const { coordinator, key } = request
    let outcome: Outcome
    try {
      const connection = await this.#connectionOf(request)
      outcome = await request.send(connection)
    } catch (error) {
      if (isPassing(error)) {
        outcome = { kind: 'moved' }
      } else outcome = { kind: 'fatal', error: error instanceof Error ? error : new Error(String(error)) }
    }
    this.#inFlight = null
    if (this.#isClosed) return
    if (outcome.kind === 'moved') {
      this.#network.refreshSoon()
      if (coordinator !== null) {
        this.#coordinators[coordinator] = null
        this.#lookUp(coordinator, key)
      }
    }
    if (outcome.kind === 'moved' || outcome.kind === 'again') {
      const { retryBackoffMs } = this.#network.options
      const pauseMs = Math.min(retryBackoffMs, (outcome.kind === 'again' ? outcome.pauseMs : undefined) ?? Infinity)
      request.notBeforeMs = this.#network.world.clock.monotonicMs() + pauseMs
      this.add(request)
    } else this.#answered(request, outcome)
    this.#wake()
  }

  async #connectionOf({ coordinator, key }: TransactionRequest): Promise<BrokerConnection> {
    if (coordinator === null) {
      await this.#network.findNodes()
      return this.#network.connection('any', 'coordinator')
    }
    const nodeId = this.#coordinatorOf(coordinator, key)!
    const connection = await this.#network.connection(nodeId, 'coordinator')
    if (coordinator === 'transaction') {
      const { versions } = connection
      this.coordinatorBumpsEpochs = (versions.find(InitProducerId) ?? 0) >= BUMPING_VERSION
      this.transactionVersion = versions.features.get('transaction.version') ?? 0
    }
    return connection
  }

  #coordinatorOf(kind: CoordinatorKind, key: string): number | null {
    const known = this.#coordinators[kind]
    return known !== null && known.key === key ? known.nodeId : null
  }

  #lookUp(kind: CoordinatorKind, key: string): void {
    if (this.#queue.some(({ name }) => name === 'FindCoordinator')) return
    const found = (nodeId: number): void => {
      this.#coordinators[kind] = { nodeId, key }
    }
    // When it fails, the error's state ends those who wait for it.
    this.add(findCoordinator(kind, key, found, { resolve: () => {}, reject: () => {} }))
  }
}
