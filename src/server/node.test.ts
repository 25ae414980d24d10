import { expect, test } from 'vitest'
import { startBroker, type Broker } from '../broker.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { FindCoordinator } from '../protocol/generated/find-coordinator.ts'
import { ListOffsets } from '../protocol/generated/list-offsets.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { Produce } from '../protocol/generated/produce.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { readRecords } from '../records/record-reader.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import { ClientConnection } from '../rpc/client-connection.ts'
import { SeededWorld } from '../testing/seeded-world.ts'

const pool = new ChunkPool({ freeBytesMax: 0, poison: true })

function start(world: SeededWorld): Promise<Broker> {
  const { ip: host } = world.main
  return startBroker({ world: world.main.world, directory: '/data', host, port: 9092 })
}

function connect(world: SeededWorld): Promise<ClientConnection> {
  const address = { host: world.main.ip, port: 9092 }
  return ClientConnection.connect(world.node('client').world.network, address, { pool, clientId: 'test' })
}

async function produce(client: ClientConnection, text: string): Promise<number> {
  const records = buildBatch({ records: [{ value: Buffer.from(text), timestamp: 1000 }] })
  const topicData = [{ name: 'events', partitionData: [{ index: 0, records }] }]
  const { responses } = await client.request(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const answer = responses[0]!.partitionResponses[0]!
  expect(answer.errorCode).toBe(0)
  return Number(answer.baseOffset)
}

async function consume(client: ClientConnection): Promise<string[]> {
  const topics = [{ topic: 'events', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }]
  const { responses } = await client.request(Fetch, 11, { replicaId: -1, maxWaitMs: 0, minBytes: 1, topics })
  const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
  const values: string[] = []
  for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
    for (const { value } of readRecords(records, at)) values.push(value?.toString() ?? '')
  }
  return values
}

async function createTopic(client: ClientConnection): Promise<void> {
  const { topics } = await client.request(CreateTopics, 5, {
    topics: [{ name: 'events', numPartitions: 1, replicationFactor: 1 }],
    timeoutMs: 1000,
  })
  expect(topics[0]?.errorCode).toBe(0)
}

test('a topic that was created can be produced to and fetched from at once', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const broker = await start(world)
    const client = await connect(world)
    await createTopic(client)
    expect(await produce(client, 'a')).toBe(0)
    expect(await produce(client, 'b')).toBe(1)
    expect(await consume(client)).toEqual(['a', 'b'])
    await broker.close()
  })
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'with seed %i a broker that is killed has every acknowledged record after its restart',
  async (seed) => {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const acknowledged: string[] = []
      for (let round = 0; round < 3; round++) {
        const broker = await start(world)
        const client = await connect(world)
        if (round === 0) await createTopic(client)
        expect((await consume(client)).slice(0, acknowledged.length)).toEqual(acknowledged)
        for (let at = 0; at < 5; at++) {
          acknowledged.push(`${round}-${at}`)
          expect(await produce(client, `${round}-${at}`)).toBe(acknowledged.length - 1)
        }
        await (seed % 2 === 0 ? broker.kill() : broker.close())
        client.close()
      }
    })
  },
)

test('a wall clock that jumps a day back and two forward changes nothing for what is appended and read', async () => {
  const world = new SeededWorld(3)
  await world.run(async () => {
    const broker = await start(world)
    const client = await connect(world)
    await createTopic(client)
    const texts: string[] = []
    for (const days of [0, -1, 2, -1]) {
      world.main.jumpWallClock(days * 86_400_000)
      texts.push(`after ${days}`)
      expect(await produce(client, `after ${days}`)).toBe(texts.length - 1)
      expect(await consume(client)).toEqual(texts)
    }
    await broker.close()
    const again = await start(world)
    expect(await consume(await connect(world))).toEqual(texts)
    await again.close()
  })
})

test('one seed gives one history of a whole broker, another seed another', async () => {
  const run = async (seed: number): Promise<string> => {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const broker = await start(world)
      const client = await connect(world)
      await createTopic(client)
      for (let at = 0; at < 10; at++) await produce(client, `${at}`)
      await broker.close()
    })
    return world.trace.hash
  }
  expect(await run(11)).toBe(await run(11))
  expect(await run(12)).not.toBe(await run(11))
})

test('a fetch waits for records until its time is over, and gets those that come meanwhile', async () => {
  const world = new SeededWorld(5)
  await world.run(async () => {
    const broker = await start(world)
    const [reader, writer] = [await connect(world), await connect(world)]
    await createTopic(writer)
    const topics = [{ topic: 'events', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }]
    const before = world.elapsedMs()
    const empty = await reader.request(Fetch, 11, { replicaId: -1, maxWaitMs: 300, minBytes: 1, topics })
    expect(empty.responses[0]?.partitions[0]?.records).toHaveLength(0)
    expect(world.elapsedMs() - before).toBeGreaterThanOrEqual(299)
    const waiting = reader.request(Fetch, 11, { replicaId: -1, maxWaitMs: 10_000, minBytes: 1, topics })
    await produce(writer, 'late')
    expect((await waiting).responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(0)
    expect(world.elapsedMs() - before).toBeLessThan(5000)
    await broker.close()
  })
})

test('an old client gets its offsets in version 0, and metadata names the broker it came to', async () => {
  const world = new SeededWorld(6)
  await world.run(async () => {
    const broker = await start(world)
    const client = await connect(world)
    await createTopic(client)
    await produce(client, 'a')
    const { topics } = await client.request(ListOffsets, 0, {
      replicaId: -1,
      topics: [{ name: 'events', partitions: [{ partitionIndex: 0, timestamp: -1, maxNumOffsets: 2 }] }],
    })
    expect(topics[0]?.partitions[0]?.oldStyleOffsets).toEqual([1, 0])
    const metadata = await client.request(Metadata, 0, { topics: [{ name: 'events' }] })
    expect(metadata.brokers).toMatchObject([{ nodeId: 1, port: 9092 }])
    expect(metadata.topics[0]?.partitions).toMatchObject([{ leaderId: 1, isrNodes: [1] }])
    await broker.close()
  })
})

test('the first consumer group costs the log one line for its fifty partitions', async () => {
  const world = new SeededWorld(21)
  await world.run(async () => {
    const lines: string[] = []
    const log = (message: string): void => void lines.push(message)
    const logger = { debug: () => undefined, info: log, warn: log, error: log }
    const { ip: host } = world.main
    const config = { 'offsets.topic.num.partitions': 50 }
    const broker = await startBroker({ world: world.main.world, directory: '/data', host, port: 9092, logger, config })
    const client = await connect(world)
    lines.length = 0
    const answer = await client.request(FindCoordinator, 3, { key: 'readers', keyType: 0 })
    expect([0, 15]).toContain(answer.errorCode)
    while ((await client.request(Metadata, 9, { topics: null })).topics.length === 0) continue
    expect(lines.filter((line) => !line.startsWith('Not compacted yet'))).toEqual([
      'Created __consumer_offsets: 50 partitions',
    ])
    await broker.close()
  })
})
