/** Answers as Apache Kafka 4.3.1 gave them to the same requests (found by `npm run diff`). */
import { expect, test } from 'vitest'
import { startBroker } from '../../broker.ts'
import { DeleteRecords } from '../../protocol/generated/delete-records.ts'
import { DescribeQuorum } from '../../protocol/generated/describe-quorum.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { ChunkPool } from '../../rpc/chunk-pool.ts'
import { ClientConnection } from '../../rpc/client-connection.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'

const pool = new ChunkPool({ freeBytesMax: 0, poison: true })

async function withBroker(ask: (client: ClientConnection) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { ip: host } = world.main
    const broker = await startBroker({ world: world.main.world, directory: '/data', host, port: 9092 })
    const { network } = world.node('client').world
    await ask(await ClientConnection.connect(network, { host, port: 9092 }, { pool, clientId: 'test' }))
    await broker.close()
  })
}

test('DescribeQuorum answers in versions without addresses', () =>
  withBroker(async (client) => {
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
    for (const version of [0, 1, 2]) {
      expect((await client.request(DescribeQuorum, version, { topics })).errorCode).toBe(0)
    }
  }))

test('ListOffsets answers a partition that is named twice once, and a topic without partitions not at all', () =>
  withBroker(async (client) => {
    const partition = { partitionIndex: 0, timestamp: -1 }
    const topics = [{ name: 'a', partitions: [partition, partition] }, { name: 'b' }]
    const answer = await client.request(ListOffsets, 7, { replicaId: -1, topics })
    expect(answer.topics).toMatchObject([{ name: 'a', partitions: [{ partitionIndex: 0, errorCode: 42 }] }])
    expect(answer.topics[0]?.partitions).toHaveLength(1)
  }))

test('DeleteRecords answers a partition that is named twice once', () =>
  withBroker(async (client) => {
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0 }, { partitionIndex: 0 }] }]
    const answer = await client.request(DeleteRecords, 2, { topics, timeoutMs: 1000 })
    expect(answer.topics[0]?.partitions).toHaveLength(1)
  }))

test('a magic that does not exist fails the whole Produce request before anybody looks for a topic', () =>
  withBroker(async (client) => {
    const records = Buffer.alloc(70)
    records.writeInt32BE(58, 8)
    records.writeInt8(3, 16)
    const topicData = [{ name: 'nope', partitionData: [{ index: 0, records }] }]
    const { responses } = await client.request(Produce, 9, { acks: 1, timeoutMs: 1000, topicData })
    expect(responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 2,
      errorMessage: 'Invalid magic found in record: 3',
    })
  }))

test('Metadata refuses topic ids before version 12 and bad names at any', () =>
  withBroker(async (client) => {
    const byId = await client.request(Metadata, 10, { topics: [{ name: null }] })
    expect(byId.topics).toMatchObject([{ errorCode: 42 }])
    const badName = await client.request(Metadata, 9, { topics: [{ name: '..' }], allowAutoTopicCreation: false })
    expect(badName.topics).toMatchObject([{ errorCode: 17 }])
  }))

test('InitProducerId wants a producer id and an epoch together', () =>
  withBroker(async (client) => {
    const asked = { transactionalId: null, transactionTimeoutMs: 1000, producerId: 5 }
    expect((await client.request(InitProducerId, 4, asked)).errorCode).toBe(42)
  }))
