/** A connection as a test makes one by hand, from a machine of a simulated network. */
import { BrokerConnection, type BrokerConnectionOptions } from '../rpc/broker-connection.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import type { World } from '../world/world.ts'

export function connectionOptions(
  { network, clock, random }: World,
  requestTimeoutMs = 60_000,
): BrokerConnectionOptions {
  return {
    network,
    clock,
    random,
    tls: null,
    pool: new ChunkPool({ freeBytesMax: 0, poison: true }),
    clientId: 'test',
    software: { name: 'test', version: '1' },
    connectTimeoutMs: 1000,
    requestTimeoutMs,
    authenticator: null,
  }
}

export function connectFrom(
  world: World,
  address: { readonly host: string; readonly port: number },
  requestTimeoutMs?: number,
): Promise<BrokerConnection> {
  return BrokerConnection.open(address, connectionOptions(world, requestTimeoutMs))
}
