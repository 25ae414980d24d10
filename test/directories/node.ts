/** Klamm in this process, opened on a place with its server.properties; and a raw client of whatever serves there. */
import type { Logger } from '../../src/base/logger.ts'
import { parseBrokerConfig } from '../../src/config/parse-broker-config.ts'
import { ChunkPool } from '../../src/rpc/chunk-pool.ts'
import { ClientConnection } from '../../src/rpc/client-connection.ts'
import type { Node } from '../../src/server/node-life.ts'
import { startNode } from '../../src/server/node.ts'
import { nodeWorld } from '../../src/world/node/index.ts'
import type { Place } from './place.ts'

export interface RunningKlamm {
  readonly node: Node
  /** What it logged at WARN and above. */
  readonly complaints: readonly string[]
}

export async function startKlamm(place: Place): Promise<RunningKlamm> {
  const complaints: string[] = []
  const complain = (message: string, error?: unknown): void => {
    complaints.push(error === undefined ? message : `${message}: ${String(error)}`)
  }
  const logger: Logger = { debug() {}, info() {}, warn: complain, error: complain }
  const { config } = parseBrokerConfig(place.properties)
  const node = await startNode({ world: nodeWorld(), config, logger, hostName: '127.0.0.1' })
  return { node, complaints }
}

export function connectTo(port: number): Promise<ClientConnection> {
  const pool = new ChunkPool({ freeBytesMax: 1 << 22, poison: false })
  return ClientConnection.connect(nodeWorld().network, { host: '127.0.0.1', port }, { pool, clientId: 'directories' })
}
