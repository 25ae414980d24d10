/**
 * This broker's own connections to the others of its cluster, one each, made when they are needed and again when they broke;
 * and further ones for whoever keeps others waiting (`dial`).
 */
import type { Logger } from '../base/logger.ts'
import { BrokerConnection } from '../rpc/broker-connection.ts'
import type { ChunkPool } from '../rpc/chunk-pool.ts'
import type { Clock, Network, Random } from '../world/world.ts'
import type { Endpoint } from './endpoints.ts'

export interface BrokerPeersOptions {
  readonly clock: Clock
  readonly network: Network
  readonly random: Random
  readonly pool: ChunkPool
  readonly logger: Logger
  readonly nodeId: number
  readonly requestTimeoutMs: () => number
}

interface Peer {
  readonly where: string
  readonly opening: Promise<BrokerConnection>
  connection: BrokerConnection | null
}

export class BrokerPeers {
  readonly #options: BrokerPeersOptions
  readonly #peers = new Map<number, Peer>()
  #isClosed = false

  constructor(options: BrokerPeersOptions) {
    this.#options = options
  }

  get logger(): Logger {
    return this.#options.logger
  }

  get nodeId(): number {
    return this.#options.nodeId
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Rejects as BrokerConnection.open does; the next one who asks tries again. */
  connection(endpoint: Endpoint): Promise<BrokerConnection> {
    const where = `${endpoint.host}:${endpoint.port}`
    const known = this.#peers.get(endpoint.id)
    if (known !== undefined && known.where === where && known.connection?.isClosed !== true) return known.opening
    known?.connection?.close()
    const peer: Peer = { where, opening: this.#open(endpoint, this.#options.requestTimeoutMs()), connection: null }
    this.#peers.set(endpoint.id, peer)
    peer.opening.then(
      (connection) => {
        peer.connection = connection
        // The broker has another address by now, or nobody asks any more.
        if (this.#peers.get(endpoint.id) !== peer) connection.close()
      },
      () => {
        if (this.#peers.get(endpoint.id) === peer) this.#peers.delete(endpoint.id)
      },
    )
    return peer.opening
  }

  /** Another connection, which belongs to the caller; every request on it may take `requestTimeoutMs`. */
  dial(endpoint: Endpoint, requestTimeoutMs: number): Promise<BrokerConnection> {
    return this.#open(endpoint, requestTimeoutMs)
  }

  close(): void {
    this.#isClosed = true
    for (const { connection } of this.#peers.values()) connection?.close()
    this.#peers.clear()
  }

  #open(endpoint: Endpoint, timeoutMs: number): Promise<BrokerConnection> {
    const { clock, network, random, pool, nodeId } = this.#options
    return BrokerConnection.open(endpoint, {
      network,
      clock,
      random,
      pool,
      tls: null,
      clientId: `broker-${nodeId}`,
      software: { name: 'klamm', version: 'broker' },
      connectTimeoutMs: timeoutMs,
      requestTimeoutMs: timeoutMs,
      authenticator: null,
    })
  }
}
