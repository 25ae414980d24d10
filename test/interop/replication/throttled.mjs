/**
 * Throttles between Apache Kafka and Klamm: who leads holds back, who follows holds back, each of either kind, and the time that
 * a new replica takes says so. Then a replica of Klamm's moves between its log directories, throttled, over a kill -9; Kafka's
 * controller must agree to that.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { complaints } from '../lib/broker.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { java } from '../lib/java.mjs'
import { run, until } from '../lib/process.mjs'
import { EXPECTED_WARNINGS, KLAMM, MixedBrokers, segmentsOf } from './mixed-brokers.mjs'

const RATE = 500_000
const BYTES = 6_000_000
/** One fetch of a megabyte may go ahead of the rate, and who holds back looks each second. */
const THROTTLED_MS = { least: ((BYTES - 1_500_000) / RATE) * 1000, most: (BYTES / RATE) * 1000 + 5000 }
const FREE_MS = 5000

const LEADER = 'leader.replication.throttled'
const FOLLOWER = 'follower.replication.throttled'
const TOOL = 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand'

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function throttled(suite) {
  const second = join(suite.directory, 'throttled-second')
  const settingsOf = (id, place) => ({
    'broker.session.timeout.ms': '6000',
    'log.initial.task.delay.ms': '500',
    ...(id === KLAMM && place !== undefined ? { 'log.dirs': `${place.dataDirectory},${second}` } : {}),
  })
  const brokers = await MixedBrokers.start(suite, 'throttled', settingsOf)
  const { jars, places, kafka, admin } = brokers

  const partition = async (topic) => (await admin.describeTopics([topic])).get(topic).partitions[0]
  const fill = async (topic, leader) => {
    ;(await admin.createTopics([{ name: topic, replicasAssignments: [[leader]] }])).all()
    const producer = kafka.producer({ acks: 'all', batchBytes: 100_000 })
    const value = Buffer.alloc(10_000)
    await producer.sendAll(Array.from({ length: BYTES / value.length }, () => ({ topic, partition: 0, value })))
    await producer.close()
  }
  const configure = async (type, name, values) => {
    const operations = Object.entries(values).map(([key, value]) => ({ name: key, value: String(value) }))
    ;(await admin.incrementalAlterConfigs([{ resource: { type, name: String(name) }, operations }])).all()
  }
  /** How long the topic's second replica takes, from the moment it is wished for. */
  const replicatedMs = async (topic, leader, follower) => {
    const startedMs = performance.now()
    const wish = { topic, partition: 0, targetReplicas: [leader, follower] }
    ;(await admin.alterPartitionReassignments([wish])).all()
    await until(async () => (await partition(topic)).isr.length === 2, `${topic} is replicated`, 60_000)
    return performance.now() - startedMs
  }
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`
  const isThrottled = (ms, what) => {
    holds(ms >= THROTTLED_MS.least && ms <= THROTTLED_MS.most, `${what} took ${seconds(ms)}`)
  }
  const alike = (name, ids) => {
    const [first, ...others] = ids.map((id) => {
      const { dataDirectory } = places.get(id)
      const isInSecond = id === KLAMM && existsSync(join(second, name))
      return segmentsOf({ dataDirectory: isInSecond ? second : dataDirectory }, name, '.log')
    })
    holds(first.length > BYTES && others.every((other) => other.equals(first)), `${name} is alike on ${ids.join(', ')}`)
  }
  const configsOf = async (type, name) => {
    const resource = { type, name: String(name) }
    const entries = (await admin.describeConfigs([resource])).get(resource)
    return entries.filter(({ name, isDefault }) => /throttled|max\.bytes\.per\.second/.test(name) && !isDefault)
  }

  await suite.test(
    'a new replica takes no time where no list names it, whatever the rates are',
    async () => {
      for (const id of [2, KLAMM])
        await configure('BROKER', id, { [`${LEADER}.rate`]: RATE, [`${FOLLOWER}.rate`]: RATE })
      const took = []
      for (const [topic, leader, follower] of [
        ['free-klamm', KLAMM, 2],
        ['free-kafka', 2, KLAMM],
      ]) {
        await fill(topic, leader)
        const ms = await replicatedMs(topic, leader, follower)
        holds(ms < FREE_MS, `${topic} took ${seconds(ms)}`)
        took.push(seconds(ms))
      }
      return took.join(', ')
    },
    120_000,
  )
  await suite.test(
    `leader or follower, Klamm or Kafka: who is throttled to ${RATE} bytes a second makes ${BYTES} take so long`,
    async () => {
      const cases = [
        ['klamm-leads', KLAMM, 1, { [`${LEADER}.replicas`]: `0:${KLAMM}` }],
        ['klamm-follows', 1, KLAMM, { [`${FOLLOWER}.replicas`]: `0:${KLAMM}` }],
        ['kafka-leads', 2, KLAMM, { [`${LEADER}.replicas`]: `0:2` }],
        ['kafka-follows', KLAMM, 2, { [`${FOLLOWER}.replicas`]: `0:2` }],
      ]
      for (const [topic, leader, , lists] of cases) {
        await fill(topic, leader)
        await configure('TOPIC', topic, lists)
      }
      // Each counts for another bound: all at once.
      const took = await Promise.all(cases.map(([topic, leader, follower]) => replicatedMs(topic, leader, follower)))
      for (const [at, [topic, leader, follower]] of cases.entries()) {
        isThrottled(took[at], topic)
        alike(`${topic}-0`, [leader, follower])
      }
      return cases.map(([topic], at) => `${topic} ${seconds(took[at])}`).join(', ')
    },
    180_000,
  )
  await suite.test(
    'kafka-reassign-partitions --throttle of either kind slows a move to Klamm, and --verify takes the throttles away',
    async () => {
      const took = []
      for (const [kind, tool] of [
        [
          'klamm',
          (args) => run(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), 'kafka-reassign-partitions', ...args]),
        ],
        ['kafka', (args) => java(jars, TOOL, args)],
      ]) {
        const topic = `tool-of-${kind}`
        await fill(topic, 1)
        const file = join(suite.directory, `${topic}.json`)
        writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, replicas: [KLAMM] }] }))
        const call = (...args) =>
          tool(['--bootstrap-server', places.get(KLAMM).address, '--reassignment-json-file', file, ...args])
        const startedMs = performance.now()
        const { stdout } = await call('--execute', '--throttle', String(RATE))
        holds(stdout.includes(`The inter-broker throttle limit was set to ${RATE} B/s`), stdout)
        const lists = Object.fromEntries((await configsOf('TOPIC', topic)).map(({ name, value }) => [name, value]))
        equal(lists, { [`${LEADER}.replicas`]: '0:1', [`${FOLLOWER}.replicas`]: `0:${KLAMM}` })
        const running = await call('--verify')
        holds(running.stdout.includes(`${topic}-0 is still in progress`), running.stdout)
        const isMoved = async () => (await partition(topic)).replicas.map(({ id }) => id).join() === String(KLAMM)
        await until(isMoved, `${topic} has moved`, 60_000)
        const ms = performance.now() - startedMs
        holds(ms >= THROTTLED_MS.least, `${topic} took ${seconds(ms)}`)
        took.push(`${kind} ${seconds(ms)}`)
        const ended = await call('--verify')
        holds(ended.stdout.includes(`${topic}-0 is completed`), ended.stdout)
        equal(await configsOf('TOPIC', topic), [])
        for (const id of [1, KLAMM]) equal(await configsOf('BROKER', id), [])
      }
      return took.join(', ')
    },
    180_000,
  )
  await suite.test(
    'a replica moves to another directory of Klamm, throttled, over a kill -9, when Kafka’s controller agrees',
    async () => {
      const topic = 'klamm-follows'
      const replica = { topic, partition: 0, brokerId: KLAMM }
      const where = async () => (await admin.describeReplicaLogDirs([replica])).get(replica)
      const { dataDirectory } = places.get(KLAMM)
      const from = (await where()).currentReplicaLogDir
      const to = from === second ? dataDirectory : second
      const file = join(suite.directory, 'move.json')
      const wish = { topic, partition: 0, replicas: [1, KLAMM], log_dirs: ['any', to] }
      writeFileSync(file, JSON.stringify({ version: 1, partitions: [wish] }))
      const call = (...args) =>
        java(jars, TOOL, ['--bootstrap-server', places.get(KLAMM).address, '--reassignment-json-file', file, ...args])
      const startedMs = performance.now()
      await call('--execute', '--replica-alter-log-dirs-throttle', String(RATE))
      const { stdout } = await java(jars, 'org.apache.kafka.tools.LogDirsCommand', [
        ...[
          '--bootstrap-server',
          places.get(KLAMM).address,
          '--describe',
          '--broker-list',
          String(KLAMM),
          '--topic-list',
          topic,
        ],
      ])
      const told = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{')))
      const shown = told.brokers[0].logDirs.flatMap(({ logDir, partitions }) =>
        partitions.map(({ isFuture }) => `${logDir} ${isFuture}`),
      )
      equal(shown.sort(), [`${from} false`, `${to} true`].sort())
      await brokers.stop(KLAMM, 'SIGKILL')
      const left = () => readdirSync(to).filter((name) => name.startsWith(`${topic}-0`))
      holds(
        left().some((name) => name.endsWith('-future')),
        'what was copied is there',
      )
      await brokers.start(KLAMM, 'klamm-again')
      await until(async () => (await where()).currentReplicaLogDir === to, 'it has moved', 60_000)
      const ms = performance.now() - startedMs
      holds(ms >= THROTTLED_MS.least, `it took ${seconds(ms)}`)
      await until(async () => (await partition(topic)).isr.length === 2, 'it is in sync', 30_000)
      equal(left(), [`${topic}-0`])
      const ended = await call('--verify')
      holds(ended.stdout.includes(`replica ${topic}-0-${KLAMM} completed successfully`), ended.stdout)
      equal(await configsOf('BROKER', KLAMM), [])
      return seconds(ms)
    },
    180_000,
  )
  await suite.test('it complains of nothing', async () => {
    equal(complaints(brokers.node(KLAMM).log(), EXPECTED_WARNINGS), [])
  })
  await brokers.close()
}
