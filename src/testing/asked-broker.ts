/** A broker in a seeded world and a client of it, for tests of single answers. */
import { startBroker } from '../broker.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import { ClientConnection } from '../rpc/client-connection.ts'
import { SeededWorld } from './seeded-world.ts'

const pool = new ChunkPool({ freeBytesMax: 0, poison: true })

/** Ends when `ask` has ended and the broker is closed. */
export async function withBroker(ask: (client: ClientConnection, nowMs: () => number) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { ip: host } = world.main
    const broker = await startBroker({ world: world.main.world, directory: '/data', host, port: 9092 })
    const { network } = world.node('client').world
    const client = await ClientConnection.connect(network, { host, port: 9092 }, { pool, clientId: 'test' })
    await ask(client, () => world.clock.monotonicMs())
    await broker.close()
  })
}

/** Topic `a` of one partition. */
export async function createTopic(
  client: ClientConnection,
  configs: readonly { readonly name: string; readonly value: string }[] = [],
): Promise<void> {
  const topics = [{ name: 'a', numPartitions: 1, replicationFactor: 1, configs }]
  await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
}
