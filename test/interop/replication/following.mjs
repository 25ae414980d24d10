/**
 * Apache Kafka leads, Klamm follows: two Kafka brokers, one of which is the controller, and a Klamm broker. Whatever is done to
 * a topic, its partitions' files on Klamm hold the bytes that they hold on Kafka, and the controller sees Klamm in sync.
 */
import { readdirSync } from 'node:fs'
import { complaintsInCluster } from '../lib/broker.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { becomes, until } from '../lib/process.mjs'
import { epochsOf, EXPECTED_WARNINGS, KLAMM, MixedBrokers, namesOf, segmentsOf, values } from './mixed-brokers.mjs'

const SETTINGS = {
  'offsets.topic.replication.factor': '2',
  'transaction.state.log.replication.factor': '2',
  'transaction.state.log.num.partitions': '2',
  'broker.session.timeout.ms': '6000',
  'log.retention.check.interval.ms': '1000',
  'log.cleaner.backoff.ms': '500',
  'log.initial.task.delay.ms': '500',
  'message.max.bytes': '8000000',
}
/** A batch larger than replica.fetch.max.bytes comes whole nevertheless. */
const LARGE_BYTES = 3_000_000
/** Of an entry in a .txnindex. */
const ABORTED_BYTES = 34

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function following(suite) {
  const brokers = await MixedBrokers.start(suite, 'following', () => SETTINGS)
  const { places, kafka, admin } = brokers
  const produce = async (topic, values, options = {}) => {
    const producer = kafka.producer({ lingerMs: 5, maxRequestBytes: 8_000_000, ...options })
    await producer.sendAll(values.map((value, index) => ({ topic, key: `key ${index % 7}`, value })))
    await producer.close()
  }
  const create = async (name, replicasAssignments, configs = {}) => {
    ;(await admin.createTopics([{ name, replicasAssignments, configs }])).all()
  }
  const partitionsOf = async (topic) => (await admin.describeTopics([topic])).get(topic).partitions
  const inSync = (topic, ids) =>
    until(
      async () => {
        const partitions = await partitionsOf(topic)
        return partitions.every(({ isr }) => ids.every((id) => isr.some((node) => node.id === id)))
      },
      `${ids.join(' and ')} are in sync for ${topic}`,
      60_000,
    )
  /** The same bytes on every broker. */
  const alike = async (name, ids) => {
    const bytesOn = (id) => segmentsOf(places.get(id), name, '.log')
    const same = () => {
      const [first, ...others] = ids.map(bytesOn)
      return first.length > 0 && others.every((other) => other.equals(first))
    }
    await until(same, `the files of ${name} are alike on ${ids.join(', ')}`, 30_000)
    return bytesOn(ids[0]).length
  }

  await suite.test(
    'what Kafka appends in any form is in the files of Klamm byte for byte, and acks=all waits for it',
    async () => {
      await create(
        'mixed',
        [
          [1, 3, 2],
          [2, 3, 1],
        ],
        { 'segment.bytes': '4194304', 'min.insync.replicas': '3', 'max.message.bytes': '8000000' },
      )
      await inSync('mixed', [1, 2, 3])
      for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        const values = Array.from({ length: 2000 }, (_, index) => `${compression} ${index} `.repeat(20))
        await produce('mixed', values, { compression, acks: 'all', batchBytes: 30_000 })
      }
      await produce(
        'mixed',
        ['large', 'huge'].map((word) => word.padEnd(LARGE_BYTES, '.')),
      )
      await produce('mixed', ['small'])
      let bytes = 0
      for (const index of [0, 1]) bytes += await alike(`mixed-${index}`, [1, 2, 3])
      return `${bytes} bytes`
    },
    120_000,
  )
  await suite.test(
    'transactions, aborted ones too, are known to the follower as to the leader',
    async () => {
      await create('decided', [[1, 3]])
      const producer = kafka.producer({ transactionalId: 'replicated' })
      for (let round = 0; round < 6; round++) {
        const work = producer.transaction(async (transaction) => {
          const texts = Array.from({ length: 50 }, (_, index) => `${round} ${index}`)
          await transaction.sendAll(texts.map((value) => ({ topic: 'decided', value })))
          if (round % 2 === 1) throw new Error('no')
        })
        await work.catch((error) => equal(error.message, 'no'))
      }
      await producer.close()
      const aborted = (id) => segmentsOf(places.get(id), 'decided-0', '.txnindex')
      // The last marker is written after the producer was told.
      await until(() => aborted(1).length === 3 * ABORTED_BYTES, 'three transactions were aborted')
      await alike('decided-0', [1, 3])
      // The last one says how far the log was decided when it was written.
      await becomes(() => aborted(3).toString('hex'), aborted(1).toString('hex'), 'the follower knows them')
    },
    120_000,
  )
  await suite.test(
    'a follower that is killed under load comes back, and is in sync again',
    async () => {
      await create('load', [[1, 3, 2]], { 'segment.bytes': '1048576' })
      await inSync('load', [1, 2, 3])
      const sending = produce('load', values(20_000), { acks: 'all' })
      await until(() => segmentsOf(places.get(KLAMM), 'load-0', '.log').length > 100_000, 'it has begun')
      await brokers.stop(KLAMM, 'SIGKILL')
      await sending
      await brokers.start(KLAMM, 'klamm-again')
      await inSync('load', [1, 2, 3])
      return `${await alike('load-0', [1, 2, 3])} bytes`
    },
    120_000,
  )
  await suite.test(
    'DeleteRecords waits for the follower, and its old segments go as the leader’s do',
    async () => {
      const outcomes = await admin.deleteRecords([{ topic: 'load', partition: 0, beforeOffset: 15_000 }])
      for (const deleted of outcomes.all().values()) equal(deleted, { lowWatermark: 15_000 })
      await until(
        () => {
          const [leader, follower] = [1, 3].map((id) => namesOf(places.get(id), 'load-0', '.log'))
          return leader[0] !== '00000000000000000000.log' && leader.join() === follower.join()
        },
        'the same segments are left',
        30_000,
      )
    },
    60_000,
  )
  await suite.test(
    'a new replica takes over a log that was compacted, with its gaps',
    async () => {
      const configs = { 'cleanup.policy': 'compact', 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.01' }
      await create('compact', [[1]], { ...configs, 'segment.bytes': '1048576' })
      const before = () => segmentsOf(places.get(1), 'compact-0', '.log').length
      for (let round = 0; round < 4; round++)
        await produce(
          'compact',
          values(3000).map((value) => value + round),
        )
      const whole = before()
      await until(
        async () => {
          await produce('compact', ['tick'])
          return before() < whole / 2
        },
        'the leader has compacted',
        60_000,
      )
      const outcomes = await admin.alterPartitionReassignments([
        { topic: 'compact', partition: 0, targetReplicas: [1, 3] },
      ])
      outcomes.all()
      await inSync('compact', [1, 3])
      // What the leader compacts from here on, the follower keeps: this release does not compact.
      const end = (id) => lastBatchOf(segmentsOf(places.get(id), 'compact-0', '.log'))
      await until(() => end(1).equals(end(3)), 'both end alike', 30_000)
      return `${before()} bytes of ${whole}`
    },
    120_000,
  )
  await suite.test(
    'what only a leader had that failed is cut off again by epochs, and replaced by what its successor has',
    async () => {
      await create('unclean', [[2, 3]])
      await produce('unclean', values(100))
      await alike('unclean-0', [2, 3])
      equal(await brokers.stop(2, 'SIGTERM'), 143)
      const leads = (id) =>
        until(async () => (await partitionsOf('unclean'))[0].leader?.id === id, `${id} leads`, 60_000)
      await leads(KLAMM)
      await produce(
        'unclean',
        values(50).map((value) => `lost ${value}`),
      )
      await brokers.stop(KLAMM, 'SIGKILL')
      await until(async () => (await partitionsOf('unclean'))[0].leader === null, 'nobody leads', 60_000)
      await brokers.start(2, 'kafka-again')
      await until(
        async () => {
          await admin.electLeaders('UNCLEAN', [{ topic: 'unclean', partition: 0 }])
          return (await partitionsOf('unclean'))[0].leader?.id === 2
        },
        '2 leads',
        60_000,
      )
      await produce(
        'unclean',
        values(20).map((value) => `kept ${value}`),
      )
      await brokers.start(KLAMM, 'klamm-unclean')
      await inSync('unclean', [2, 3])
      await alike('unclean-0', [2, 3])
      await until(() => brokers.node(KLAMM).log().includes('Truncating unclean-0 '), 'it says that something was cut')
      holds(!segmentsOf(places.get(KLAMM), 'unclean-0', '.log').includes('lost value'), 'what was lost is gone')
      const epochs = (id) => epochsOf(places.get(id), 'unclean-0')
      await until(() => epochs(3) === epochs(2), 'the epochs are alike')
    },
    240_000,
  )
  await suite.test(
    'a replica that is taken away from it is deleted, as is a topic',
    async () => {
      const outcomes = await admin.alterPartitionReassignments([
        { topic: 'decided', partition: 0, targetReplicas: [1] },
      ])
      outcomes.all()
      const deleted = await admin.deleteTopics(['mixed'])
      deleted.all()
      const left = () =>
        readdirSync(places.get(KLAMM).dataDirectory).filter((name) => /^(decided|mixed)-\d$/.test(name))
      await until(() => left().length === 0, 'both are gone', 30_000)
    },
    60_000,
  )
  await suite.test('it complains of nothing', async () => {
    equal(complaintsInCluster(brokers.node(KLAMM).log(), EXPECTED_WARNINGS), [])
  })
  await brokers.close()
}

function lastBatchOf(bytes) {
  let last = 0
  // Of one that is being written there may be a part.
  for (let at = 0; at + 12 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) last = at
  return bytes.subarray(last)
}
