/**
 * Coordinators that move with their partitions: `__consumer_offsets` and `__transaction_state` have one partition each, whose leader goes
 * from Kafka to Klamm and back, stopped in an orderly way and killed. Members stay in the generation that they were in, what
 * they had committed is there, transactions that were open are committed or aborted by the next coordinator, the one that
 * nobody ends is aborted by whoever leads when its time is over; and the files are the same bytes on all three.
 */
import { equal, holds } from '../lib/expect.mjs'
import { compile } from '../lib/java.mjs'
import { until } from '../lib/process.mjs'
import { JavaClients, KlammClients } from './coordinated.mjs'
import { KAFKAS, KLAMM, MixedBrokers, segmentsOf } from './mixed-brokers.mjs'

const SETTINGS = {
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  'min.insync.replicas': '1',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '300',
}
const INTERNAL = ['__consumer_offsets', '__transaction_state']
/** The Kafka broker that is not the controller. */
const OTHER = 2
const STEP_MS = 120_000
const RECORDS = 20

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function coordinating(suite) {
  const brokers = await MixedBrokers.start(suite, 'coordinating', () => SETTINGS, { metadataMaxAgeMs: 1000 })
  const { jars, places, kafka, admin } = brokers
  const classPath = await compile(suite, 'coordinated', jars, ['Coordinated'])
  const addresses = [...places.values()].map(({ address }) => address).join()
  // Led by the controller's broker, which stays.
  const topics = ['input', 'output'].map((name) => ({ name, replicasAssignments: [[1, OTHER, KLAMM]] }))
  ;(await admin.createTopics(topics)).all()
  const input = kafka.producer({ acks: 'all' })
  const clients = [
    new JavaClients(suite, classPath, addresses, 'input', 'output'),
    new KlammClients(kafka, 'input', 'output'),
  ]
  const idOf = (client, name) => `${client.group}-${name}`

  const leadersOf = async () => {
    const described = (await admin.describeTopics(INTERNAL)).all()
    return [...described.values()].map(({ partitions: [{ leader, isr }] }) => ({ leader: leader?.id, isr: isr.length }))
  }
  const leads = (id, inSync) =>
    until(
      async () => (await leadersOf()).every(({ leader, isr }) => leader === id && isr === inSync),
      `node ${id} coordinates, with ${inSync} in sync`,
      60_000,
    )
  let sent = 0
  /** Members read what is sent, and commit it. */
  const membersGoOn = async () => {
    const records = Array.from({ length: RECORDS }, (_, index) => ({ topic: 'input', partition: 0, value: `${index}` }))
    await input.sendAll(records)
    sent += RECORDS
    for (const { group: groupId } of clients) {
      const committed = async () => {
        const offsets = (await admin.listConsumerGroupOffsets([{ groupId }])).get(groupId)
        const place = { topic: 'input', partition: 0 }
        return offsets.has(place) ? offsets.get(place)?.offset : null
      }
      await until(async () => (await committed()) === sent, `${groupId} has committed ${sent}`, 60_000)
    }
    return Promise.all(clients.map((client) => client.member()))
  }
  const expected = []
  const outputIs = async () => {
    const consumer = kafka.consumer({ offsetReset: 'earliest', isolationLevel: 'read_committed' })
    consumer.assign([{ topic: 'output', partition: 0 }])
    const found = []
    const read = async () => {
      const batch = await consumer.poll({ timeoutMs: 100 })
      batch?.forEach((record) => found.push(record.valueBytes.toString()))
      return found.length >= expected.length
    }
    await until(read, `the output has ${expected.length} committed records`)
    await consumer.close()
    equal(found.toSorted(), expected.toSorted())
  }
  /** The producer's epoch never goes back. */
  const epochs = new Map()
  const epochsGoOn = async () => {
    const ids = clients.flatMap((client) => ['commits', 'aborts'].map((name) => idOf(client, name)))
    for (const [id, { producerId, producerEpoch }] of (await admin.describeTransactions(ids)).all()) {
      const before = epochs.get(id)
      holds(
        before === undefined || (before.producerId === producerId && before.producerEpoch <= producerEpoch),
        `${id} goes on: ${JSON.stringify({ before, producerId, producerEpoch })}`,
      )
      epochs.set(id, { producerId, producerEpoch })
    }
  }

  let members
  await suite.test(
    'coordinators are on Kafka, groups and transactions begin',
    async () => {
      for (const client of clients) {
        await client.begin(idOf(client, 'commits'), idOf(client, 'first'))
        await client.commit(idOf(client, 'commits'))
        expected.push(idOf(client, 'first'))
      }
      await membersGoOn()
      const order = INTERNAL.map((topic) => ({ topic, partition: 0, targetReplicas: [OTHER, KLAMM, 1] }))
      ;(await admin.alterPartitionReassignments(order)).all()
      const places_ = INTERNAL.map((topic) => ({ topic, partition: 0 }))
      await until(async () => {
        await admin.electLeaders('PREFERRED', places_)
        return (await leadersOf()).every(({ leader }) => leader === OTHER)
      }, 'broker 2 coordinates')
      members = await membersGoOn()
      await outputIs()
    },
    STEP_MS,
  )
  let step = 0
  const moves = (what, { from, to, signal, inSync, lost }) =>
    suite.test(
      what,
      async () => {
        step++
        for (const client of clients) {
          for (const name of ['commits', 'aborts'])
            await client.begin(idOf(client, name), `${idOf(client, name)}-${step}`)
          if (lost !== undefined) await client.begin(idOf(client, lost), 'lost', 10_000)
        }
        await brokers.stop(from, signal)
        await leads(to, inSync)
        for (const client of clients) {
          await client.commit(idOf(client, 'commits'))
          await client.abort(idOf(client, 'aborts'))
          expected.push(`${idOf(client, 'commits')}-${step}`)
        }
        equal(await membersGoOn(), members)
        await epochsGoOn()
        await brokers.start(from)
        await leads(to, 3)
        if (lost !== undefined) {
          const ids = clients.map((client) => idOf(client, lost))
          const isOver = async () => {
            const told = [...(await admin.describeTransactions(ids)).all().values()]
            return told.every(({ state }) => state === 'CompleteAbort')
          }
          await until(isOver, 'what nobody ends is aborted', 30_000)
        }
        await outputIs()
      },
      STEP_MS,
    )
  await moves('Kafka stops, Klamm coordinates', {
    from: OTHER,
    to: KLAMM,
    signal: 'SIGTERM',
    inSync: 2,
    lost: 'lost-1',
  })
  await moves('Klamm is killed, Kafka coordinates', {
    from: KLAMM,
    to: OTHER,
    signal: 'SIGKILL',
    inSync: 2,
    lost: 'lost-2',
  })
  await moves('Kafka is killed, Klamm coordinates', { from: OTHER, to: KLAMM, signal: 'SIGKILL', inSync: 2 })
  await moves('Klamm stops, Kafka coordinates', { from: KLAMM, to: OTHER, signal: 'SIGTERM', inSync: 2 })
  await suite.test('the files of both topics are the same bytes on all three', async () => {
    for (const client of clients) await client.close()
    const alike = (name) => {
      const [first, ...others] = [...KAFKAS, KLAMM].map((id) => segmentsOf(places.get(id), name, '.log'))
      return first.length > 0 && others.every((other) => other.equals(first))
    }
    for (const topic of [...INTERNAL, 'output']) await until(() => alike(`${topic}-0`), `${topic} is alike`)
  })
  await input.close()
  await brokers.close()
}
