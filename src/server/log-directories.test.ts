/** A node with two log directories: one fails, replicas move between them, the metadata follows; the last one ends it. */
import { expect, test } from 'vitest'
import { startBroker, type Broker } from '../broker.ts'
import { ERROR_CODES } from '../base/error-codes.ts'
import { AlterReplicaLogDirs } from '../protocol/generated/alter-replica-log-dirs.ts'
import { CreatePartitions } from '../protocol/generated/create-partitions.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DescribeLogDirs } from '../protocol/generated/describe-log-dirs.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { Produce } from '../protocol/generated/produce.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { ChunkPool } from '../rpc/chunk-pool.ts'
import { ClientConnection } from '../rpc/client-connection.ts'
import { SeededWorld } from '../testing/seeded-world.ts'

const pool = new ChunkPool({ freeBytesMax: 0, poison: true })
const PARTITIONS = 6
const [FIRST, SECOND] = ['/data/first', '/data/second']

interface Cluster {
  readonly world: SeededWorld
  readonly broker: Broker
  readonly client: ClientConnection
}

async function start(world: SeededWorld): Promise<Cluster> {
  const { ip: host } = world.main
  const config = { 'log.dirs': `${FIRST},${SECOND}`, 'metadata.log.dir': FIRST }
  const broker = await startBroker({ world: world.main.world, directory: '/data', host, port: 9092, config })
  const address = { host, port: 9092 }
  const client = await ClientConnection.connect(world.node('client').world.network, address, { pool, clientId: 'test' })
  return { world, broker, client }
}

async function createTopic(client: ClientConnection): Promise<void> {
  const topics = [{ name: 'events', numPartitions: PARTITIONS, replicationFactor: 1 }]
  const answer = await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
  expect(answer.topics[0]?.errorCode).toBe(0)
}

async function produce(client: ClientConnection, index: number, text = 'x'): Promise<number> {
  const records = buildBatch({ records: [{ value: Buffer.from(text), timestamp: 1000 }] })
  const topicData = [{ name: 'events', partitionData: [{ index, records }] }]
  const { responses } = await client.request(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  return responses[0]?.partitionResponses[0]?.errorCode ?? -1
}

async function fetchError(client: ClientConnection, partition: number): Promise<number> {
  const topics = [{ topic: 'events', partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  const { responses } = await client.request(Fetch, 11, { replicaId: -1, maxWaitMs: 0, minBytes: 1, topics })
  return responses[0]?.partitions[0]?.errorCode ?? -1
}

/** Partitions by directory, the future ones with a star; the error of an offline directory. */
async function directories(client: ClientConnection): Promise<Record<string, (number | string)[]>> {
  const { results } = await client.request(DescribeLogDirs, 4, { topics: null })
  return Object.fromEntries(
    results.map(({ logDir, errorCode, topics }) => {
      const rows = topics.flatMap(({ partitions }) =>
        partitions.map(({ partitionIndex, isFutureKey }) => (isFutureKey ? `${partitionIndex}*` : partitionIndex)),
      )
      return [logDir, errorCode === 0 ? rows.sort() : [`error ${errorCode}`]]
    }),
  )
}

const leaders = async (client: ClientConnection) => {
  const { topics } = await client.request(Metadata, 9, { topics: [{ name: 'events' }] })
  const rows = [...(topics[0]?.partitions ?? [])].sort((a, b) => a.partitionIndex - b.partitionIndex)
  return rows.map(({ leaderId, offlineReplicas, isrNodes }) => ({ leaderId, offlineReplicas, isrNodes }))
}

async function until(world: SeededWorld, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = world.elapsedMs() + 60_000
  while (!(await holds())) expect(world.elapsedMs()).toBeLessThan(deadlineMs)
}

test.each([1, 2, 3])(
  'with seed %i a log directory that fails takes its partitions offline and nothing else',
  async (seed) => {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const { broker, client } = await start(world)
      await createTopic(client)
      for (let index = 0; index < PARTITIONS; index++) expect(await produce(client, index)).toBe(0)
      const { [FIRST]: kept = [], [SECOND]: lost = [] } = await directories(client)
      expect([kept.length, lost.length]).toEqual([PARTITIONS / 2, PARTITIONS / 2])
      const [some] = lost
      world.main.disk.failNext({ kinds: ['write', 'writeNow'], path: SECOND, code: 'EIO', times: 100 })
      expect(await produce(client, Number(some))).toBe(ERROR_CODES.KAFKA_STORAGE_ERROR)
      for (const index of lost) {
        expect(await produce(client, Number(index))).toBe(ERROR_CODES.KAFKA_STORAGE_ERROR)
        expect(await fetchError(client, Number(index))).toBe(ERROR_CODES.KAFKA_STORAGE_ERROR)
      }
      for (const index of kept) {
        expect(await produce(client, Number(index))).toBe(0)
        expect(await fetchError(client, Number(index))).toBe(0)
      }
      expect(await directories(client)).toEqual({
        [FIRST]: kept,
        [SECOND]: [`error ${ERROR_CODES.KAFKA_STORAGE_ERROR}`],
      })
      // The controller knows at once: leaderless, and the last in sync is an eligible leader.
      await until(world, async () => (await leaders(client))[Number(some)]?.leaderId === -1)
      for (const [index, partition] of (await leaders(client)).entries()) {
        const isLost = lost.includes(index)
        expect(partition).toEqual(
          isLost
            ? { leaderId: -1, offlineReplicas: [1], isrNodes: [] }
            : { leaderId: 1, offlineReplicas: [], isrNodes: [1] },
        )
      }
      world.main.disk.heal()
      await broker.close()
      client.close()

      // The disk is well again: a restart brings everything back.
      const again = await start(world)
      for (let index = 0; index < PARTITIONS; index++) expect(await produce(again.client, index)).toBe(0)
      expect((await leaders(again.client)).every(({ leaderId }) => leaderId === 1)).toBe(true)
      await again.broker.close()
    })
  },
)

test('partitions that a topic gets while a directory is offline are made in another one, and served', async () => {
  const world = new SeededWorld(6)
  await world.run(async () => {
    const { broker, client } = await start(world)
    await createTopic(client)
    world.main.disk.failNext({ kinds: ['write', 'writeNow'], path: SECOND, code: 'EIO', times: 100 })
    for (let index = 0; index < PARTITIONS; index++) await produce(client, index)
    const topics = [{ name: 'events', count: PARTITIONS + 2, assignments: null }]
    const { results } = await client.request(CreatePartitions, 2, { topics, timeoutMs: 1000 })
    expect(results[0]?.errorCode).toBe(0)
    expect([await produce(client, PARTITIONS), await produce(client, PARTITIONS + 1)]).toEqual([0, 0])
    expect((await leaders(client)).slice(PARTITIONS)).toEqual(
      [0, 1].map(() => ({ leaderId: 1, offlineReplicas: [], isrNodes: [1] })),
    )
    await broker.close()
  })
})

test('the last log directory that fails stops the node', async () => {
  const world = new SeededWorld(4)
  await world.run(async () => {
    const { broker, client } = await start(world)
    await createTopic(client)
    for (let index = 0; index < PARTITIONS; index++) await produce(client, index)
    const ended = broker.closed.then(
      () => 'as told',
      (error: unknown) => String(error),
    )
    world.main.disk.failNext({ kinds: ['write', 'writeNow', 'sync'], path: '/data/', code: 'EIO', times: 1000 })
    for (let index = 0; index < PARTITIONS; index++) await produce(client, index).catch(() => -1)
    expect(await ended).toMatch(/All log directories failed|metadata/i)
  })
})

test.each([5, 6, 7])('with seed %i a replica moves to another directory while it is written to', async (seed) => {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const { broker, client } = await start(world)
    await createTopic(client)
    for (let index = 0; index < 20; index++) expect(await produce(client, 0, `before ${index}`)).toBe(0)
    const before = await directories(client)
    const target = before[FIRST]?.includes(0) === true ? SECOND : FIRST
    const move = async (path: string, partition: number, name = 'events'): Promise<number> => {
      const dirs = [{ path, topics: [{ name, partitions: [partition] }] }]
      const { results } = await client.request(AlterReplicaLogDirs, 2, { dirs })
      return results[0]?.partitions[0]?.errorCode ?? -1
    }
    expect(await move('/data/nowhere', 0)).toBe(ERROR_CODES.LOG_DIR_NOT_FOUND)
    expect(await move(target, PARTITIONS)).toBe(ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await move(target, 0, 'nothing')).toBe(ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await move(target, 0)).toBe(0)
    let written = 20
    await until(world, async () => {
      expect(await produce(client, 0, `during ${written++}`)).toBe(0)
      return (await directories(client))[target]?.includes(0) === true
    })
    expect(await produce(client, 0, `after ${written++}`)).toBe(0)
    expect(await fetchError(client, 0)).toBe(0)
    // A start from what the move left, with the controller's word on where the replica is.
    await broker.close()
    client.close()
    const again = await start(world)
    expect((await directories(again.client))[target]).toContain(0)
    const { topics } = await again.client.request(Metadata, 9, { topics: [{ name: 'events' }] })
    expect(topics[0]?.partitions.every(({ errorCode }) => errorCode === 0)).toBe(true)
    const offsets = [{ topic: 'events', partitions: [{ partition: 0, fetchOffset: written, partitionMaxBytes: 10 }] }]
    const { responses } = await again.client.request(Fetch, 11, { replicaId: -1, maxWaitMs: 0, topics: offsets })
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: written })
    await again.broker.close()
  })
})
