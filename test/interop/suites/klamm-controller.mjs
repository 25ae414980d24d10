/**
 * Apache Kafka's brokers on a Klamm controller (process.roles=controller): they follow its metadata log, register, replicate
 * among themselves as it decides, and go on when it was away.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaintsInCluster, listens, Place, REGISTRATION } from '../lib/broker.mjs'
import { UNSERVED } from '../lib/cluster.mjs'
import { equal } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { java, javaCommand } from '../lib/java.mjs'
import { becomes, start, until } from '../lib/process.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { ROOT } from '../../../scripts/setup.mjs'

const CLUSTER_ID = 'Rv2dkn2bQ5m8s4wqXo3a9A'
const BROKER_JVM = ['-Xms96m', '-Xmx320m']

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const place = await Place.make(suite, 'controller')
  writeProperties(place, {
    'process.roles': 'controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${place.controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `CONTROLLER://127.0.0.1:${place.controllerPort}`,
    'log.dirs': place.dataDirectory,
  })
  const storage = (where, ...args) =>
    java(jars, 'kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', where.propertiesFile, ...args])
  // Formatted by Kafka: its features are those of a directory that Kafka would start on, but for what this release lacks.
  await storage(place, '--standalone', ...UNSERVED.flatMap((level) => ['--feature', level]))
  const startController = async (logName) => {
    const logFile = place.logFile(logName)
    const command = [join(ROOT, 'dist', 'cli', 'server-start.js'), place.propertiesFile]
    const controller = start(process.execPath, command, { logFile })
    await until(() => listens(place.controllerPort), 'the controller listens')
    return { ...controller, log: () => readFileSync(logFile, 'utf8') }
  }
  let controller = await startController('klamm')

  const brokers = []
  for (const id of [2, 3]) {
    const broker = await Place.make(suite, `kafka-${id}`)
    writeProperties(broker, {
      'process.roles': 'broker',
      'node.id': String(id),
      'controller.quorum.bootstrap.servers': `127.0.0.1:${place.controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${broker.port}`,
      'log.dirs': broker.dataDirectory,
      'offsets.topic.replication.factor': '2',
      'offsets.topic.num.partitions': '4',
      'group.initial.rebalance.delay.ms': '0',
      'replica.lag.time.max.ms': '5000',
      ...REGISTRATION,
    })
    await storage(broker)
    const command = javaCommand(jars, 'kafka.Kafka', [broker.propertiesFile], BROKER_JVM)
    const running = start('java', command, { logFile: broker.logFile('kafka') })
    brokers.push({ place: broker, address: broker.address, stop: running.stop })
    await until(() => listens(broker.port), `Kafka ${id} listens`, 90_000)
  }
  const [first, second] = brokers

  const toolAt = async (address, className, args, options) => {
    const command = ['--bootstrap-server', address, ...args]
    const { stdout } = await java(jars, className, command, { timeoutMs: 90_000, ...options })
    return stdout.split('\n').filter((line) => line !== '')
  }
  const tool = (className, args, options) => toolAt(`${first.address},${second.address}`, className, args, options)
  const topics = (...args) => tool('org.apache.kafka.tools.TopicCommand', args)
  const topicsAt = (address, ...args) => toolAt(address, 'org.apache.kafka.tools.TopicCommand', args)
  const described = async (topic) => {
    const lines = await topics('--describe', '--topic', topic)
    return lines.slice(1).map((line) => {
      const [, leader, replicas, isr] = /Leader: (\S+)\s+Replicas: (\S+)\s+Isr: (\S*)/.exec(line)
      return { leader, replicas, isr: isr.split(',').sort().join() }
    })
  }
  const values = Array.from({ length: 500 }, (_, index) => `value ${String(index).padStart(4, '0')}`)
  const produce = (topic) =>
    tool('org.apache.kafka.tools.ConsoleProducer', ['--topic', topic, '--command-property', 'acks=all'], {
      input: values.join('\n'),
    })
  const consume = async (topic, count) => {
    const args = ['--topic', topic, '--from-beginning', '--max-messages', String(count), '--timeout-ms', '120000']
    return (await tool('org.apache.kafka.tools.consumer.ConsoleConsumer', args)).sort()
  }

  await suite.test(
    'both brokers follow the log, and a topic with two replicas is in sync on both',
    async () => {
      const created = await topics(
        '--create',
        '--topic',
        't',
        '--replica-assignment',
        '2:3,3:2',
        '--config',
        'min.insync.replicas=1',
      )
      equal(created, ['Created topic t.'])
      const both = [
        { leader: '2', replicas: '2,3', isr: '2,3' },
        { leader: '3', replicas: '3,2', isr: '2,3' },
      ]
      await becomes(() => described('t'), both, 'it is in sync on both')
      const args = ['--bootstrap-controller', `127.0.0.1:${place.controllerPort}`, 'describe', '--replication']
      const members = async () => {
        const { stdout } = await java(jars, 'org.apache.kafka.tools.MetadataQuorumCommand', args)
        const rows = stdout.trim().split('\n').slice(1)
        return rows.map((line) => line.trim().split(/\s+/)).map((row) => [row[0], row.at(-1)])
      }
      const expected = [
        ['1', 'Leader'],
        ['2', 'Observer'],
        ['3', 'Observer'],
      ]
      await becomes(members, expected, 'both observe')
    },
    120_000,
  )
  await suite.test(
    'records are replicated between them, and a consumer group reads them',
    async () => {
      await produce('t')
      equal(await consume('t', values.length), values)
    },
    120_000,
  )
  await suite.test(
    'configuration, partitions and deletion are decided here',
    async () => {
      const entity = ['--entity-type', 'topics', '--entity-name', 't']
      await tool('kafka.admin.ConfigCommand', [...entity, '--alter', '--add-config', 'retention.ms=123456789'])
      const lines = () => tool('kafka.admin.ConfigCommand', [...entity, '--describe'])
      await until(async () => (await lines()).some((line) => line.includes('retention.ms=123456789')), 'it is set')
      await topics('--alter', '--topic', 't', '--partitions', '3')
      await becomes(async () => (await described('t')).length, 3, 'there are three partitions')
      await topics('--create', '--topic', 'short', '--partitions', '2', '--replication-factor', '2')
      for (const { address } of brokers)
        await until(async () => (await topicsAt(address, '--list')).includes('short'), 'the topic is known')
      await topics('--delete', '--topic', 'short')
      for (const { address } of brokers)
        await until(async () => !(await topicsAt(address, '--list')).includes('short'), 'the topic is gone')
    },
    240_000,
  )
  await suite.test(
    'quotas are decided here, and both brokers have them',
    async () => {
      const entity = [
        '--entity-type',
        'users',
        '--entity-name',
        'alice',
        '--entity-type',
        'clients',
        '--entity-default',
      ]
      const quota = 'producer_byte_rate=1024,request_percentage=12.5'
      await tool('kafka.admin.ConfigCommand', [...entity, '--alter', '--add-config', quota])
      const at = (address) => toolAt(address, 'kafka.admin.ConfigCommand', [...entity, '--describe'])
      const told = (lines) =>
        lines.some((line) => /producer_byte_rate=1024/.test(line) && /percentage=12\.5/.test(line))
      for (const { address } of brokers) await until(async () => told(await at(address)), 'the quota is there')
      await tool('kafka.admin.ConfigCommand', [...entity, '--alter', '--delete-config', 'producer_byte_rate'])
      for (const { address } of brokers)
        await until(async () => !(await at(address)).join().includes('producer_byte_rate'), 'the quota is gone')
    },
    240_000,
  )
  await suite.test(
    'the controller is killed and comes back: brokers go on, and changes are decided again',
    async () => {
      await controller.stop('SIGKILL', 10_000)
      equal(await consume('t', values.length), values)
      controller = await startController('klamm-again')
      equal(await topics('--create', '--topic', 'after', '--replica-assignment', '3:2'), ['Created topic after.'])
      await becomes(() => described('after'), [{ leader: '3', replicas: '3,2', isr: '2,3' }], 'it is there')
    },
    240_000,
  )
  await suite.test(
    'a broker is killed: its partitions get the other leader, and it comes back into sync',
    async () => {
      await second.stop('SIGKILL', 10_000)
      const leaders = async () => (await described('t')).map(({ leader }) => leader)
      await becomes(leaders, ['2', '2', '2'], 'broker 2 leads all', 60_000)
      await produce('t')
      const command = javaCommand(jars, 'kafka.Kafka', [second.place.propertiesFile], BROKER_JVM)
      const again = start('java', command, { logFile: second.place.logFile('kafka-again') })
      await until(async () => (await described('t')).every(({ isr }) => isr === '2,3'), 'all are in sync', 90_000)
      equal((await consume('t', 2 * values.length)).length, 2 * values.length)
      equal(await again.stop('SIGTERM', 60_000), 143)
      await becomes(leaders, ['2', '2', '2'], 'broker 2 leads all again')
    },
    300_000,
  )
  await suite.test('it complains of nothing', async () => {
    equal(complaintsInCluster(controller.log()), [])
  })
  await first.stop('SIGTERM', 60_000)
  equal(await controller.stop('SIGTERM', 30_000), 143)
}

function writeProperties(place, properties) {
  mkdirSync(place.directory, { recursive: true })
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(place.propertiesFile, lines.join(''))
}
