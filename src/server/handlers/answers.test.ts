/** Answers as Apache Kafka 4.3.1 gave them to the same requests (found by `npm run diff`). */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { Uuid } from '../../base/uuid.ts'
import { startBroker } from '../../broker.ts'
import { AlterReplicaLogDirs } from '../../protocol/generated/alter-replica-log-dirs.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { DeleteRecords } from '../../protocol/generated/delete-records.ts'
import { DeleteTopics } from '../../protocol/generated/delete-topics.ts'
import { DescribeConfigs } from '../../protocol/generated/describe-configs.ts'
import { DescribeQuorum } from '../../protocol/generated/describe-quorum.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../protocol/generated/incremental-alter-configs.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { OffsetDelete } from '../../protocol/generated/offset-delete.ts'
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

async function createTopic(client: ClientConnection): Promise<void> {
  const topics = [{ name: 'a', numPartitions: 1, replicationFactor: 1 }]
  await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
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

test('a leader epoch of -2 is as stale as any old one: only -1 is none, but in Fetch', () =>
  withBroker(async (client) => {
    await createTopic(client)
    for (const [currentLeaderEpoch, errorCode] of [
      [-2, ERROR_CODES.FENCED_LEADER_EPOCH],
      [-1, ERROR_CODES.NONE],
    ] as const) {
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1 }] }]
      const answer = await client.request(ListOffsets, 7, { replicaId: -1, topics })
      expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(errorCode)
    }
    const partitions = [{ partition: 0, currentLeaderEpoch: -2, partitionMaxBytes: 1000 }]
    const wanted = { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'a', partitions }] }
    const fetched = await client.request(Fetch, 11, wanted)
    expect(fetched.responses[0]?.partitions[0]?.errorCode).toBe(ERROR_CODES.NONE)
  }))

test('a topic that does not exist is named by OffsetDelete even without partitions, and by ListOffsets 0', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const offsets = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }]
    const commit = { groupId: 'g', generationIdOrMemberEpoch: -1, topics: offsets }
    await client.request(FindCoordinator, 1, { key: 'g' })
    let committed = await client.request(OffsetCommit, 5, commit)
    while (committed.topics[0]?.partitions[0]?.errorCode !== 0)
      committed = await client.request(OffsetCommit, 5, commit)
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0 }] }, { name: 'nope' }]
    const answer = await client.request(OffsetDelete, 0, { groupId: 'g', topics })
    expect(answer.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['nope', 0],
      ['a', 1],
    ])
    const listed = await client.request(ListOffsets, 0, { replicaId: -1, topics: [{ name: 'nope' }] })
    expect(listed.topics).toHaveLength(1)
  }))

test('one resource type that does not exist refuses all of DescribeConfigs', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const resources = [2, 3].map((resourceType) => ({ resourceType, resourceName: 'a' }))
    const { results } = await client.request(DescribeConfigs, 4, { resources })
    expect(results.map(({ errorCode, configs }) => [errorCode, configs.length])).toEqual([
      [ERROR_CODES.INVALID_REQUEST, 0],
      [ERROR_CODES.INVALID_REQUEST, 0],
    ])
  }))

test('settings of groups are bounded by those of the broker, and patterns of client metrics are read', () =>
  withBroker(async (client) => {
    const change = (resourceType: number, name: string, value: string) => ({
      resourceType,
      resourceName: 'x',
      configs: [{ name, configOperation: 0, value }],
    })
    const metrics = {
      resourceType: 16,
      resourceName: 'y',
      configs: [{ name: 'metrics', configOperation: 2, value: '*' }],
    }
    const resources = [metrics, change(32, 'streams.num.standby.replicas', '99'), change(16, 'match', 'bad')]
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources })
    expect(responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      [40, "Can't APPEND to key metrics because its type is not LIST."],
      [40, 'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas'],
      [40, 'Illegal client matching pattern: bad'],
    ])
  }))

test('subtracting from a broker setting that is no list is refused before other settings are looked at', () =>
  withBroker(async (client) => {
    const configs = [
      { name: 'offsets.topic.num.partitions', configOperation: 3, value: '9' },
      { name: 'ssl.keystore.location', configOperation: 0, value: 'x' },
    ]
    const resources = [{ resourceType: 4, resourceName: '', configs }]
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources })
    expect(responses).toMatchObject([
      {
        errorCode: 40,
        errorMessage: 'Config value subtract is not allowed for config key: offsets.topic.num.partitions',
      },
    ])
  }))

test('topics that are named twice do not count for the limit of partitions', () =>
  withBroker(async (client) => {
    const topic = (name: string, numPartitions: number) => ({ name, numPartitions, replicationFactor: 1 })
    const topics = [topic('a', 1), topic('b', 20_000), topic('b', 1)]
    const answer = await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
    expect(new Map(answer.topics.map(({ name, errorCode }) => [name, errorCode]))).toEqual(
      new Map([
        ['a', 0],
        ['b', 42],
      ]),
    )
  }))

test('a topic name that leaves no room for the mark of a move is refused before the directory is looked for', () =>
  withBroker(async (client) => {
    const dirs = ['n'.repeat(213), 'n'.repeat(214)].map((name) => ({
      path: '/nowhere',
      topics: [{ name, partitions: [0] }],
    }))
    const { results } = await client.request(AlterReplicaLogDirs, 2, { dirs: [...dirs, ...dirs] })
    expect(results.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))).toEqual([
      ERROR_CODES.LOG_DIR_NOT_FOUND,
      ERROR_CODES.INVALID_TOPIC_EXCEPTION,
    ])
  }))

test('DeleteTopics refuses a topic by name and id as often as it stands there, a name once', () =>
  withBroker(async (client) => {
    const topicId = 'Zm9vYmFyYmF6cXV4MTIzNA' as Uuid
    const [both, name] = [{ name: 'a', topicId }, { name: 'b' }]
    const answer = await client.request(DeleteTopics, 6, { topics: [both, both, name, name], timeoutMs: 1000 })
    expect(answer.responses.map((response) => response.name).sort()).toEqual(['a', 'a', 'b'])
  }))
