/**
 * A Klamm broker whose controller is Apache Kafka: it joins the cluster, leads partitions beside a Kafka broker, passes on what
 * clients ask the controller for, takes part in transactions of either broker's coordinator and coordinates its own, leaves in
 * an orderly way, and comes back after a kill.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaintsInCluster, listens, Place, REGISTRATION, startKlamm } from '../lib/broker.mjs'
import { UNSERVED } from '../lib/cluster.mjs'
import { equal } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { compile, java, javaCommand, reportCases } from '../lib/java.mjs'
import { becomes, start, until } from '../lib/process.mjs'
import { KAFKA } from '../lib/versions.mjs'

const TRANSACTIONS = {
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
}

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const classPath = await compile(suite, 'classes', jars, ['Cases', 'Transactions'])
  const kafkaPlace = await Place.make(suite, 'kafka', TRANSACTIONS)
  const storage = (place, ...args) =>
    java(jars, 'kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', place.propertiesFile, ...args])
  await storage(kafkaPlace, '--standalone', ...UNSERVED.flatMap((level) => ['--feature', level]))
  const logFile = kafkaPlace.logFile('kafka')
  const kafka = start('java', javaCommand(jars, 'kafka.Kafka', [kafkaPlace.propertiesFile]), { logFile })
  await until(() => listens(kafkaPlace.port), 'Kafka listens', 60_000)

  const place = await Place.make(suite, 'klamm')
  writeBrokerProperties(place, kafkaPlace)
  await storage(place)
  let klamm = await startKlamm(place)

  const tool = async (server, className, args, options) => {
    const command = ['--bootstrap-server', server.address, ...args]
    const { stdout } = await java(jars, className, command, { timeoutMs: 60_000, ...options })
    return stdout.split('\n').filter((line) => line !== '')
  }
  const topics = (server, ...args) => tool(server, 'org.apache.kafka.tools.TopicCommand', args)
  const leadersOf = async (server, topic) => {
    const lines = await topics(server, '--describe', '--topic', topic)
    return lines.slice(1).map((line) => /Leader: (\S+)/.exec(line)?.[1])
  }
  const produce = (server, topic, values) =>
    tool(server, 'org.apache.kafka.tools.ConsoleProducer', ['--topic', topic], { input: values.join('\n') })
  const consume = async (server, topic, count) => {
    const args = ['--topic', topic, '--from-beginning', '--max-messages', String(count), '--timeout-ms', '120000']
    return (await tool(server, 'org.apache.kafka.tools.consumer.ConsoleConsumer', args)).sort()
  }
  const values = Array.from({ length: 500 }, (_, index) => `value ${String(index).padStart(4, '0')}`)

  await suite.test(
    'the broker is one of two, and a topic that is created through it has a leader on each',
    async () => {
      equal(await topics(place, '--create', '--topic', 't', '--replica-assignment', '1,2,2,1'), ['Created topic t.'])
      await becomes(() => leadersOf(kafkaPlace, 't'), ['1', '2', '2', '1'], 'the leaders are known')
      const members = async () => {
        const quorum = await tool(place, 'org.apache.kafka.tools.MetadataQuorumCommand', ['describe', '--replication'])
        return quorum.slice(1).map((line) => [line.split(/\s+/)[0], line.trim().split(/\s+/).at(-1)])
      }
      const expected = [
        ['1', 'Leader'],
        ['2', 'Observer'],
      ]
      await becomes(members, expected, 'it observes the quorum')
    },
    120_000,
  )
  await suite.test(
    'records that are sent through either broker are read through the other',
    async () => {
      await produce(place, 't', values)
      equal(await consume(kafkaPlace, 't', values.length), values)
    },
    120_000,
  )
  // Coordinators, partitions and groups are on both: questions and markers go both ways.
  await reportCases(suite, 'Transactions', (onLine) =>
    java(classPath, 'Transactions', [place.address, 'both-'], { onLine, timeoutMs: 240_000 }),
  )
  await suite.test(
    'what a client changes through it is decided by the controller',
    async () => {
      const configs = (server, ...args) =>
        tool(server, 'kafka.admin.ConfigCommand', ['--entity-type', 'topics', '--entity-name', 't', ...args])
      await configs(place, '--alter', '--add-config', 'retention.ms=123456789')
      // The other broker hears of it a moment after the controller has decided.
      await until(
        async () => (await configs(kafkaPlace, '--describe')).some((line) => line.includes('retention.ms=123456789')),
        'it is set',
      )
      await topics(place, '--alter', '--topic', 't', '--partitions', '5')
      await becomes(async () => (await leadersOf(kafkaPlace, 't')).length, 5, 'there are five partitions')
      equal(await topics(place, '--create', '--topic', 'short', '--partitions', '2'), ['Created topic short.'])
      await until(async () => (await topics(place, '--list')).includes('short'), 'the topic is known')
      await topics(place, '--delete', '--topic', 'short')
      for (const server of [kafkaPlace, place])
        await until(async () => !(await topics(server, '--list')).includes('short'), 'the topic is deleted')
    },
    240_000,
  )
  await suite.test(
    'it leaves in an orderly way, comes back, and has its records',
    async () => {
      equal(await klamm.stop('SIGTERM', 60_000), 143)
      const leaders = async () => (await leadersOf(kafkaPlace, 't')).slice(0, 4)
      await becomes(leaders, ['1', 'none', 'none', '1'], 'nobody leads what it led')
      klamm = await startKlamm(place, 'klamm-after-stop')
      await becomes(leaders, ['1', '2', '2', '1'], 'it leads again')
      equal(await consume(place, 't', values.length), values)
    },
    240_000,
  )
  await suite.test(
    'it is killed, waits for its session to end, and has its records',
    async () => {
      await klamm.stop('SIGKILL', 60_000)
      klamm = await startKlamm(place, 'klamm-again')
      const leaders = async () => (await leadersOf(kafkaPlace, 't')).slice(0, 4)
      await becomes(leaders, ['1', '2', '2', '1'], 'it leads again', 60_000)
      equal(await consume(kafkaPlace, 't', values.length), values)
    },
    240_000,
  )
  await suite.test('it complains of nothing', async () => {
    equal(complaintsInCluster(klamm.log()), [])
  })
  await klamm.stop('SIGTERM', 60_000)
  await kafka.stop('SIGTERM', 60_000)
}

const CLUSTER_ID = 'Rv2dkn2bQ5m8s4wqXo3a9A'

function writeBrokerProperties(place, controller) {
  mkdirSync(place.directory, { recursive: true })
  const properties = {
    'process.roles': 'broker',
    'node.id': '2',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controller.controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${place.port}`,
    'log.dirs': join(place.directory, 'data'),
    'offsets.topic.replication.factor': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...REGISTRATION,
    ...TRANSACTIONS,
  }
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(place.propertiesFile, lines.join(''))
}
