/**
 * Finds the broker that coordinates a group or a transactional id, and sends it one request per call.
 *
 * Whoever gets an error that says "not here" tells it by `check`, and the next request looks anew. A lost connection
 * does the same by itself. KIP-699 changed how FindCoordinator asks; what is asked for stays one key.
 */
import { KafkaError, OperationalError } from '../base/errors.ts'
import type { Api, Init } from '../protocol/codec.ts'
import { FindCoordinator } from '../protocol/generated/find-coordinator.ts'
import type { BrokerConnection, RequestOptions } from '../rpc/broker-connection.ts'
import { throwOnError } from './errors.ts'
import type { NetworkClient } from './network-client.ts'
import type { Lane } from './node-connections.ts'

export type CoordinatorKind = 'group' | 'transaction'

const KEY_TYPES: Readonly<Record<CoordinatorKind, number>> = { group: 0, transaction: 1 }
const BATCHED_FROM = 4

export class Coordinator {
  readonly #network: NetworkClient
  readonly #kind: CoordinatorKind
  readonly #key: string
  #node: number | null = null
  #finding: Promise<number> | null = null

  constructor(network: NetworkClient, kind: CoordinatorKind, key: string) {
    this.#network = network
    this.#kind = kind
    this.#key = key
  }

  /** The node that is thought to coordinate; null until one was found. */
  get node(): number | null {
    return this.#node
  }

  /** One attempt. Rejects with KafkaError COORDINATOR_NOT_AVAILABLE and the like, or as NetworkClient.request does. */
  async connection(lane: Lane = 'coordinator'): Promise<BrokerConnection> {
    const node = this.#node ?? (await (this.#finding ??= this.#find().finally(() => (this.#finding = null))))
    try {
      return await this.#network.connection(node, lane)
    } catch (error) {
      this.#lost(node)
      // It was named, but metadata does not name it yet, or not any more.
      if (error instanceof KafkaError && error.code === 'BROKER_NOT_AVAILABLE') {
        throw new KafkaError('COORDINATOR_NOT_AVAILABLE', error.message)
      }
      throw error
    }
  }

  /** One request, one attempt. */
  async request<Request, Response>(
    api: Api<Request, Response>,
    message: Init<Request>,
    { lane = 'coordinator', ...options }: RequestOptions & { readonly lane?: Lane } = {},
  ): Promise<Response> {
    const connection = await this.connection(lane)
    const node = this.#node
    try {
      return await connection.request(api, message, options)
    } catch (error) {
      if (error instanceof OperationalError && node !== null) this.#lost(node)
      throw error
    }
  }

  /** @throws KafkaError unless `code` is 0; forgets the node if that is what the code says. */
  check(code: number, detail: string | null = null): void {
    try {
      throwOnError(code, detail)
    } catch (error) {
      this.noticed(error)
      throw error
    }
  }

  /** Forgets the node if the error says that it is the wrong one. */
  noticed(error: unknown): void {
    if (error instanceof KafkaError && SAYS_NOT_HERE.has(error.code)) this.#node = null
  }

  #lost(node: number): void {
    if (this.#node === node) this.#node = null
    this.#network.refreshSoon()
  }

  async #find(): Promise<number> {
    const keyType = KEY_TYPES[this.#kind]
    const connection = await this.#network.connection('any')
    const version = connection.versions.choose(FindCoordinator)
    const message = version < BATCHED_FROM ? { key: this.#key, keyType } : { keyType, coordinatorKeys: [this.#key] }
    const answer = await this.#network.request('any', FindCoordinator, message, {
      versions: { min: version < BATCHED_FROM ? 0 : BATCHED_FROM, max: version < BATCHED_FROM ? 3 : Infinity },
    })
    const found = version < BATCHED_FROM ? answer : answer.coordinators[0]
    if (found === undefined) throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'The broker named no coordinator.')
    throwOnError(found.errorCode, found.errorMessage)
    this.#node = found.nodeId
    if (!this.#network.metadata.nodes.has(found.nodeId)) await this.#network.refresh()
    return found.nodeId
  }
}

const SAYS_NOT_HERE: ReadonlySet<string> = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'])
