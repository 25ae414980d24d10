/** Connections of this node to others of its cluster. */
import { RpcChannel } from '../quorum/rpc-channel.ts'
import type { BrokerConnectionOptions } from '../rpc/broker-connection.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import type { NodeOptions } from './node-options.ts'

/** Kept for the next frames of the quorum. */
const FREE_CHUNK_BYTES_MAX = 4 * 1024 * 1024
/** Of a request to the controller, with all its attempts. */
export const REQUEST_TIMEOUT_MS = 30_000

/** What connections of the quorum receive into. */
export function quorumMemory({ poison }: NodeOptions): ChunkPool {
  return new ChunkPool({ freeBytesMax: FREE_CHUNK_BYTES_MAX, poison: poison ?? false })
}

export function clusterConnections(options: NodeOptions): BrokerConnectionOptions {
  const { world, config } = options
  const { network, clock, random } = world
  return {
    network,
    clock,
    random,
    pool: quorumMemory(options),
    clientId: String(config.nodeId),
    software: { name: 'klamm', version: '0' },
    connectTimeoutMs: config.quorumRequestTimeoutMs,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    tls: null,
    authenticator: null,
  }
}

/** A connection on which an answer is late is given up, or the next requests would wait behind it. */
export function quorumChannel(options: NodeOptions, clusterId: string): RpcChannel {
  const connection = { ...clusterConnections(options), requestTimeoutMs: options.config.quorumRequestTimeoutMs }
  return new RpcChannel({ clusterId, connection })
}
