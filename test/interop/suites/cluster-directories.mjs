/**
 * The directories of a cluster of three that Apache Kafka left (test/golden/fixtures/kraft-cluster3), as running nodes: three of Klamm
 * form the cluster again, with every record, topic and group as Kafka told of them, and write on; three of Kafka go on from what
 * those leave.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { ROOT } from '../../../scripts/setup.mjs'
import { complaints, KEEPS_OLD_TIMES } from '../lib/broker.mjs'
import { Cluster } from '../lib/cluster.mjs'
import { equal } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { replicasAreEqual } from '../lib/replicas.mjs'
import { KAFKA } from '../lib/versions.mjs'

const FIXTURE = join(ROOT, 'test', 'golden', 'fixtures', 'kraft-cluster3')
/** As the voters of its metadata log are known. */
const PORTS = { broker: (id) => 21_082 + id * 10, controller: (id) => 21_083 + id * 10 }
const FOREVER = '2147483647'
const SETTINGS = {
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '3',
  'transaction.state.log.min.isr': '1',
  'min.insync.replicas': '1',
  'auto.create.topics.enable': 'false',
  'broker.session.timeout.ms': '6000',
  'log.retention.ms': '-1',
  'offsets.retention.minutes': FOREVER,
  'producer.id.expiration.ms': FOREVER,
  'transactional.id.expiration.ms': FOREVER,
  'log.index.size.max.bytes': '65536',
  // What is compared shall not be compacted meanwhile.
  'log.cleaner.backoff.ms': '86400000',
  ...KEEPS_OLD_TIMES,
}
const GROUP = 'g'
const OURS = 'by-klamm'
const CASE_MS = 180_000
/** What Klamm does not serve of them is named once; and who stops last has no controller to ask. */
const EXPECTED = [/group\.version/, /WARN Groups of types that are not served yet/, /WARN A heartbeat failed/]

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const { Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
  const told = JSON.parse(gunzipSync(readFileSync(join(FIXTURE, 'expected', 'state.json.gz'))).toString())
  const cluster = await copied(suite, jars)

  await suite.test(
    'three Klamm nodes form the cluster again: every partition is led, with all its replicas in sync',
    async () => {
      await cluster.start('klamm')
      await cluster.isFull()
      const { voters } = await cluster.ask('quorum')
      equal(voters.toSorted(), [1, 2, 3])
    },
    CASE_MS,
  )
  const client = new Klamm({ brokers: cluster.bootstrap, metadataMaxAgeMs: 1000 })
  const partitions = Object.keys(told.records).map((name) => {
    const at = name.lastIndexOf('-')
    return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) }
  })
  let before
  await suite.test(
    'topics, records and committed offsets are those that Kafka told of',
    async () => {
      before = await stateOf(client, partitions, [GROUP])
      equal(before.topics, told.topics)
      equal(before.offsets, committedOf(told))
      const expected = Object.fromEntries(
        Object.entries(told.records).map(([name, { read_uncommitted }]) => [name, read_uncommitted]),
      )
      equal(before.records, expected)
      const { state } = (await client.admin().describeTransactions(['c3tx'])).get('c3tx')
      equal(state, 'CompleteCommit')
      return `${Object.values(expected).flat().length} records`
    },
    CASE_MS,
  )
  await suite.test(
    'more is written, by a transaction too, and offsets are committed',
    async () => {
      const producer = client.producer({ acks: 'all', transactionalId: 'c3tx' })
      await producer.transaction((transaction) =>
        transaction.sendAll(
          ['two', 'txn'].map((topic) => ({ topic, partition: 0, key: 'k', value: `of Klamm, to ${topic}` })),
        ),
      )
      await producer.close()
      const offset = { topic: 'fail', partition: 1, offset: 33 }
      ;(await client.admin().alterConsumerGroupOffsets(OURS, [offset])).all()
      before = await stateOf(client, partitions, [GROUP, OURS])
      equal(before.records['two-0'].length, told.records['two-0'].read_uncommitted.length + 1)
    },
    CASE_MS,
  )
  await suite.test('all stop, having complained of nothing, with equal replicas', async () => {
    await Promise.all(cluster.nodes.map(async (node) => equal(await node.stop('SIGTERM', 60_000), 143)))
    equal(
      cluster.nodes.flatMap((node) => complaints(node.log(), EXPECTED)),
      [],
    )
    return await replicasAreEqual(cluster.nodes, { replicas: null })
  })
  await suite.test(
    'three Kafka nodes go on: the same topics, records and offsets',
    async () => {
      await cluster.start('kafka')
      await cluster.isFull()
      equal(await stateOf(client, partitions, [GROUP, OURS]), before)
    },
    CASE_MS,
  )
  await client.close()
  await cluster.stop()
}

/** A cluster on copies of the directories. */
async function copied(suite, jars) {
  const cluster = await Cluster.make(suite, { jars })
  for (const node of cluster.nodes) {
    node.address = `127.0.0.1:${PORTS.broker(node.id)}`
    node.controller = `127.0.0.1:${PORTS.controller(node.id)}`
    execFileSync('tar', [
      'xzf',
      join(FIXTURE, 'data.tar.gz'),
      '-C',
      node.directory,
      '--strip-components=2',
      `./node${node.id}`,
    ])
    renameSync(join(node.directory, 'd1'), node.dataDirectory)
  }
  cluster.bootstrap = cluster.nodes.map(({ address }) => address).join(',')
  for (const node of cluster.nodes) node.write(SETTINGS)
  return cluster
}

const placeName = (place) => (typeof place === 'string' ? place : `${place.topic}-${place.partition}`)
const committedOf = ({ groups }) => ({
  [GROUP]: Object.fromEntries(Object.entries(groups[GROUP].offsets).map(([name, { offset }]) => [name, offset])),
})

/** Topics as the document of the fixture has them, every record, and what groups have committed. */
async function stateOf(client, partitions, groups) {
  const admin = client.admin()
  const names = [...new Set(partitions.map(({ topic }) => topic))]
  const described = (await admin.describeTopics(names)).all()
  const topics = Object.fromEntries(
    [...described.values()].map(({ name, topicId, isInternal, partitions: all }) => [
      name,
      {
        id: topicId,
        internal: isInternal,
        partitions: all.map(({ partition, replicas }) => ({ partition, replicas: replicas.map(({ id }) => id) })),
      },
    ]),
  )
  const offsets = {}
  for (const groupId of groups) {
    const committed = (await admin.listConsumerGroupOffsets([{ groupId }])).get(groupId).all()
    offsets[groupId] = Object.fromEntries([...committed].map(([place, { offset }]) => [placeName(place), offset]))
  }
  return { topics, offsets, records: await recordsOf(client, partitions) }
}

async function recordsOf(client, partitions) {
  const consumer = client.consumer({ offsetReset: 'earliest', isolationLevel: 'read_uncommitted' })
  const ends = await consumer.endOffsets(partitions)
  const records = Object.fromEntries(partitions.map(({ topic, partition }) => [`${topic}-${partition}`, []]))
  consumer.assign(partitions)
  const base64 = (bytes) => bytes?.toString('base64') ?? null
  const isRead = async () => {
    for (const place of partitions) if ((await consumer.position(place)) < ends.get(placeName(place))) return false
    return true
  }
  while (!(await isRead())) {
    const batch = await consumer.poll({ timeoutMs: 1000 })
    batch?.forEach((record) => {
      records[`${record.topic}-${record.partition}`].push({
        headers: record.headers.map(({ key, value }) => ({ key, value: base64(value) })),
        key: base64(record.keyBytes),
        leaderEpoch: record.leaderEpoch,
        offset: record.offset,
        timestamp: record.timestamp,
        timestampType: record.timestampType,
        value: base64(record.valueBytes),
      })
    })
  }
  await consumer.close()
  return records
}
