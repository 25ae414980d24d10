/**
 * Klamm leads, Apache Kafka follows: two Kafka brokers, one of which is the controller, and a Klamm broker. Whatever becomes of
 * followers and leader, the files of a partition hold the same bytes on all three, and Kafka's tools see who is in sync.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { complaintsInCluster } from '../lib/broker.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { java } from '../lib/java.mjs'
import { until } from '../lib/process.mjs'
import {
  epochsOf,
  EXPECTED_WARNINGS,
  KAFKAS,
  KLAMM,
  MixedBrokers,
  namesOf,
  segmentsOf,
  values,
} from './mixed-brokers.mjs'

const SETTINGS = {
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'transaction.state.log.num.partitions': '3',
  'broker.session.timeout.ms': '6000',
  'replica.lag.time.max.ms': '4000',
  'log.initial.task.delay.ms': '500',
  'log.retention.check.interval.ms': '1000',
  'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
}

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function leading(suite) {
  const brokers = await MixedBrokers.start(suite, 'leading', settingsOf)
  const { jars, places, kafka, admin } = brokers
  const produce = async (topic, values, options = {}) => {
    const producer = kafka.producer({ lingerMs: 5, acks: 'all', ...options })
    try {
      await producer.sendAll(values.map((value, index) => ({ topic, partition: 0, key: `key ${index % 7}`, value })))
    } finally {
      await producer.close()
    }
  }
  const create = async (name, replicas, configs = {}) => {
    ;(await admin.createTopics([{ name, replicasAssignments: [replicas], configs }])).all()
  }
  /** `leader:isr`, as Kafka's controller has it. */
  const stateOf = async (topic) => {
    const [{ leader, isr }] = (await admin.describeTopics([topic])).get(topic).partitions
    const ids = isr.map(({ id }) => id).sort()
    return `${leader?.id ?? 'none'}:${ids.join(',')}`
  }
  const becomes = (topic, state) =>
    until(async () => (await stateOf(topic)) === state, `${topic} becomes ${state}`, 60_000)
  const under = async (topic) => {
    const args = ['--describe', '--under-replicated-partitions', '--topic', topic]
    const { stdout } = await java(jars, 'org.apache.kafka.tools.TopicCommand', [
      '--bootstrap-server',
      places.get(KLAMM).address,
      ...args,
    ])
    return stdout.split('\n').filter((line) => line.includes(`Topic: ${topic}`)).length
  }
  const bytesOn = (id, name, suffix = '.log') => segmentsOf(places.get(id), name, suffix)
  const alike = async (name, suffix = '.log') => {
    const same = () => {
      const [first, ...others] = [KLAMM, ...KAFKAS].map((id) => bytesOn(id, name, suffix))
      return first.length > 0 && others.every((other) => other.equals(first))
    }
    await until(same, `the ${suffix} files of ${name} are alike`, 30_000)
    return `${bytesOn(KLAMM, name, suffix).length} bytes`
  }

  // Who listens may be fenced still.
  await suite.test(
    'acks=all waits for both followers, whose files hold what the leader has, byte for byte',
    async () => {
      await create('t', [KLAMM, 1, 2], { 'min.insync.replicas': '3', 'segment.bytes': '1048576' })
      await becomes('t', '3:1,2,3')
      for (const compression of ['none', 'gzip', 'zstd']) {
        await produce(
          't',
          Array.from({ length: 3000 }, (_, index) => `${compression} ${index} `.repeat(20)),
          { compression, batchBytes: 30_000 },
        )
      }
      await until(async () => (await under('t')) === 0, 'none is under-replicated')
      return alike('t-0')
    },
    120_000,
  )
  await suite.test(
    'transactions, aborted ones too, are known to the followers as to the leader',
    async () => {
      await create('decided', [KLAMM, 1, 2])
      const producer = kafka.producer({ transactionalId: 'led' })
      for (let round = 0; round < 6; round++) {
        const work = producer.transaction(async (transaction) => {
          const texts = Array.from({ length: 50 }, (_, index) => `${round} ${index}`)
          await transaction.sendAll(texts.map((value) => ({ topic: 'decided', partition: 0, value })))
          if (round % 2 === 1) throw new Error('no')
        })
        await work.catch((error) => equal(error.message, 'no'))
      }
      await producer.close()
      await alike('decided-0')
      return alike('decided-0', '.txnindex')
    },
    120_000,
  )
  await suite.test(
    'a follower that is killed under load leaves the ISR, which needs no more than min.insync.replicas, and comes back',
    async () => {
      await create('load', [KLAMM, 1, 2], { 'min.insync.replicas': '2', 'segment.bytes': '1048576' })
      await becomes('load', '3:1,2,3')
      const sending = produce('load', values(30_000))
      await until(() => bytesOn(2, 'load-0').length > 100_000, 'it has begun')
      await brokers.stop(2, 'SIGKILL')
      await sending
      await becomes('load', '3:1,3')
      await until(async () => (await under('load')) === 1, 'it is under-replicated')
      await produce('load', values(1000))
      const refused = await produce('t', ['too few'], { deliveryTimeoutMs: 3000, requestTimeoutMs: 1000 }).then(
        () => null,
        (error) => error,
      )
      holds(refused !== null, 'what needs three replicas is refused')
      await brokers.start(2, 'kafka-2-again')
      await becomes('load', '3:1,2,3')
      await until(async () => (await under('load')) === 0, 'it is not under-replicated any more')
      await produce('load', values(1000))
      return alike('load-0')
    },
    180_000,
  )
  await suite.test(
    'a follower that stands still while its session goes on leaves the ISR for its lag alone',
    async () => {
      await create('slow', [KLAMM, 2, 1])
      await becomes('slow', '3:1,2,3')
      const producer = kafka.producer({ acks: 'all' })
      await producer.send({ topic: 'slow', partition: 0, value: 'a' })
      process.kill(brokers.node(2).pid, 'SIGSTOP')
      const startedMs = performance.now()
      let tookMs = 0
      try {
        await producer.send({ topic: 'slow', partition: 0, value: 'b' })
        tookMs = performance.now() - startedMs
      } finally {
        process.kill(brokers.node(2).pid, 'SIGCONT')
      }
      await producer.close()
      await becomes('slow', '3:1,2,3')
      await alike('slow-0')
      return `acks=all took ${(tookMs / 1000).toFixed(1)} s`
    },
    120_000,
  )
  await suite.test(
    'DeleteRecords answers when all followers have moved their start',
    async () => {
      const outcomes = await admin.deleteRecords([{ topic: 'load', partition: 0, beforeOffset: 20_000 }])
      for (const deleted of outcomes.all().values()) equal(deleted, { lowWatermark: 20_000 })
      // Kafka rolls segments of its own where a fetch brought several batches.
      const first = (id) => namesOf(places.get(id), 'load-0', '.log')[0]
      await until(
        () => [KLAMM, ...KAFKAS].every((id) => !first(id).startsWith('0'.repeat(20))),
        'old segments are gone',
        30_000,
      )
    },
    60_000,
  )
  await suite.test(
    'a consumer is sent to the replica in its rack, by Klamm to Kafka and by Kafka to Klamm',
    async () => {
      const channel = 'klamm:consumer:fetch'
      for (const [topic, replicas, near] of [
        ['to-kafka', [KLAMM, 1, 2], 2],
        ['to-klamm', [1, KLAMM, 2], KLAMM],
      ]) {
        await create(topic, replicas)
        await becomes(topic, `${replicas[0]}:1,2,3`)
        await produce(topic, values(500))
        const nodes = new Set()
        const note = ({ node, records }) => void (records > 0 && nodes.add(node))
        subscribe(channel, note)
        const consumer = kafka.consumer({ rack: `rack-${near}`, offsetReset: 'earliest' })
        consumer.assign([{ topic, partition: 0 }])
        let count = 0
        for await (const batch of consumer) {
          for (const _ of batch) count++
          if (count >= 500) break
        }
        await consumer.close()
        unsubscribe(channel, note)
        equal([topic, count, [...nodes]], [topic, 500, [near]])
      }
    },
    120_000,
  )
  await suite.test(
    'the leader moves to Kafka when Klamm stops, and back, with the same epochs on all',
    async () => {
      await create('moving', [KLAMM, 1, 2])
      await becomes('moving', '3:1,2,3')
      await produce('moving', values(500))
      equal(await brokers.stop(KLAMM, 'SIGTERM'), 143)
      await becomes('moving', '1:1,2')
      await produce('moving', values(500))
      await brokers.start(KLAMM, 'klamm-again')
      await becomes('moving', '1:1,2,3')
      await until(
        async () => {
          await admin.electLeaders('PREFERRED', [{ topic: 'moving', partition: 0 }])
          return (await stateOf('moving')) === '3:1,2,3'
        },
        'Klamm leads again',
        60_000,
      )
      await produce('moving', values(500))
      const size = await alike('moving-0')
      const epochs = (id) => epochsOf(places.get(id), 'moving-0')
      await until(() => KAFKAS.every((id) => epochs(id) === epochs(KLAMM)), 'the epochs are alike')
      return size
    },
    240_000,
  )
  await suite.test(
    'a leader that is killed is succeeded, and follows when it is back',
    async () => {
      await produce('moving', values(500))
      await brokers.stop(KLAMM, 'SIGKILL')
      await becomes('moving', '1:1,2')
      await produce('moving', values(500))
      await brokers.start(KLAMM, 'klamm-killed')
      await becomes('moving', '1:1,2,3')
      const consumer = kafka.consumer({ offsetReset: 'earliest' })
      consumer.assign([{ topic: 'moving', partition: 0 }])
      let count = 0
      for await (const batch of consumer) {
        for (const _ of batch) count++
        if (count >= 2500) break
      }
      await consumer.close()
      equal(count, 2500)
      return alike('moving-0')
    },
    240_000,
  )
  await suite.test('it complains of nothing', async () => {
    equal(complaintsInCluster(brokers.node(KLAMM).log(), EXPECTED_WARNINGS), [])
  })
  await brokers.close()
}

const settingsOf = (id) => ({ ...SETTINGS, 'broker.rack': `rack-${id}` })
