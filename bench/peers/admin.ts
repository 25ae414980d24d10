/** What the benchmark itself asks of a broker, through Klamm's own client: is it there, topics to come and go. */
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { DeleteTopics } from '../../src/protocol/generated/delete-topics.ts'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { ChunkPool } from '../../src/rpc/chunk-pool.ts'
import { ClientConnection } from '../../src/rpc/client-connection.ts'
import { nodeWorld } from '../../src/world/node/index.ts'
import type { ServerProcess } from './server-process.ts'

const { network } = nodeWorld()
const pool = new ChunkPool({ freeBytesMax: 4 << 20, poison: false })
const START_MS_MAX = 60_000

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Milliseconds from `startedMs` to the first Metadata answer that names a broker. */
export async function firstMetadata(server: ServerProcess, startedMs: number, msMax = START_MS_MAX): Promise<number> {
  for (;;) {
    if (server.hasExited) throw new Error(`${server.peer} has ended; see its server.log`)
    try {
      const connection = await connect(server)
      try {
        const { brokers } = await connection.request(Metadata, 8, { topics: [] })
        if (brokers.length > 0) return performance.now() - startedMs
      } finally {
        connection.close()
      }
    } catch (error) {
      if (performance.now() - startedMs > msMax) throw error
    }
    await sleep(1)
  }
}

export async function createTopic(server: ServerProcess, name: string, partitions: number): Promise<void> {
  const connection = await connect(server)
  const topics = [{ name, numPartitions: partitions, replicationFactor: 1 }]
  const { topics: created } = await connection.request(CreateTopics, 5, { topics, timeoutMs: 30_000 })
  const errorCode = created[0]?.errorCode
  if (errorCode !== 0) throw new Error(`${server.peer}: CreateTopics answers ${errorCode}`)
  for (;;) {
    const { topics: known } = await connection.request(Metadata, 8, { topics: [{ name }] })
    if (known[0]?.errorCode === 0 && known[0].partitions.every(({ leaderId }) => leaderId >= 0)) break
    await sleep(20)
  }
  connection.close()
}

export async function deleteTopic(server: ServerProcess, name: string): Promise<void> {
  const connection = await connect(server)
  await connection.request(DeleteTopics, 5, { topicNames: [name], timeoutMs: 30_000 })
  connection.close()
}

export function connect({ port }: ServerProcess): Promise<ClientConnection> {
  return ClientConnection.connect(network, { host: '127.0.0.1', port }, { pool, clientId: 'bench' })
}
