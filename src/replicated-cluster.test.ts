/** Partitions with three replicas on three brokers, one of which is killed. */
import { expect, test } from 'vitest'
import { startCluster, type Cluster } from './broker.ts'
import { Klamm } from './index.ts'
import { Produce } from './protocol/generated/produce.ts'
import { buildBatch } from './records/batch-builder.ts'
import { ChunkPool } from './rpc/chunk-pool.ts'
import { ClientConnection } from './rpc/client-connection.ts'
import { nodeWorld } from './world/node/index.ts'

const CONFIG = { 'offsets.topic.replication.factor': 3, 'min.insync.replicas': 2 }
const PARTITIONS = [0, 1, 2]

/** A topic whose partitions each broker leads one of. */
async function replicatedTopic(cluster: Cluster, name: string): Promise<void> {
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const replicasAssignments = [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ]
  const created = await kafka.admin().createTopics([{ name, replicasAssignments }])
  created.all()
}

const values = (word: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${word} ${index}`)

test('what is acknowledged by all replicas outlives a killed broker, with the offsets of groups', async () => {
  await using cluster = await startCluster({ nodes: 3, config: CONFIG })
  await replicatedTopic(cluster, 't')
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const producer = kafka.producer({ acks: 'all' })
  const sendAll = (word: string): Promise<unknown> =>
    producer.sendAll(values(word, 30).map((value, index) => ({ topic: 't', partition: index % 3, value })))
  await sendAll('before')

  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId: 'g', autoCommit: false })
  await consumer.commit([{ topic: 't', partition: 0, offset: 7 }])
  const [description] = (await admin.describeTopics(['__consumer_offsets'])).get('__consumer_offsets').partitions
  const coordinator = description?.leader?.id ?? 0
  await cluster.broker(coordinator).kill()
  // Nothing else is sent: whoever leads must see by itself that nobody waits for the dead one any more.
  await sendAll('while it is away')
  const offsets = await admin.listConsumerGroupOffsets([{ groupId: 'g' }])
  expect(offsets.get('g').get({ topic: 't', partition: 0 })?.offset).toBe(7)

  await cluster.broker(coordinator).start()
  await sendAll('again')
  const found: string[] = []
  const reader = kafka.consumer({ offsetReset: 'earliest' })
  reader.assign(PARTITIONS.map((partition) => ({ topic: 't', partition })))
  for await (const batch of reader) {
    for (const record of batch) found.push(String(record.value))
    if (found.length >= 90) break
  }
  const sent = ['before', 'while it is away', 'again'].flatMap((word) => values(word, 30))
  expect(found.sort()).toEqual(sent.sort())
})

test('more than a leader takes in at once is acknowledged by all replicas', async () => {
  await using cluster = await startCluster({ nodes: 2, config: { 'min.insync.replicas': 2 } })
  await using kafka = new Klamm({ brokers: cluster.bootstrapServers })
  const created = await kafka.admin().createTopics([{ name: 't', replicasAssignments: [[1, 2]] }])
  created.all()
  await kafka.producer({ acks: 'all' }).sendAll([{ topic: 't', partition: 0, value: 'first' }])
  const [host = '', port] = cluster.bootstrapServers[0]!.split(':')
  const address = { host, port: Number(port) }
  const pool = new ChunkPool({ freeBytesMax: 0, poison: false })
  const { network } = nodeWorld()
  const connections = await Promise.all(
    Array.from({ length: 40 }, () => ClientConnection.connect(network, address, { pool, clientId: null })),
  )
  const codes = connections.map(async (connection) => {
    const records = buildBatch({ records: [{ value: Buffer.alloc(900_000, 'x') }] })
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const { responses } = await connection.request(Produce, 9, { acks: -1, timeoutMs: 20_000, topicData })
    return responses[0]?.partitionResponses[0]?.errorCode
  })
  expect(new Set(await Promise.all(codes))).toEqual(new Set([0]))
  for (const connection of connections) connection.close()
})
