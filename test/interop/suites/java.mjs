/** Today's Java clients and Kafka's own command line tools. */
import { writeFileSync } from 'node:fs'
import { complaints, KEEPS_OLD_TIMES, Place, startKlamm } from '../lib/broker.mjs'
import { maven } from '../lib/install.mjs'
import { compile, java, reportCases } from '../lib/java.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { until } from '../lib/process.mjs'

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const classPath = await compile(suite, 'classes', jars, ['Cases', 'Modern', 'Administration'])
  const place = await Place.make(suite, 'node', { 'num.partitions': '3', ...KEEPS_OLD_TIMES })
  const klamm = await startKlamm(place)
  for (const program of ['Modern', 'Administration']) {
    await reportCases(suite, program, (onLine) =>
      java(classPath, program, [place.address], { onLine, timeoutMs: 240_000 }),
    )
  }

  const tool = async (className, args, options) => {
    const { stdout } = await java(
      jars,
      `org.apache.kafka.tools.${className}`,
      ['--bootstrap-server', place.address, ...args],
      options,
    )
    return stdout.split('\n').slice(0, -1)
  }
  const topics = (...args) => tool('TopicCommand', args)
  /** The words of each line that begins as told. */
  const rows = (lines, start) => lines.filter((line) => line.startsWith(start)).map((line) => line.trim().split(/\s+/))

  await suite.test(
    'kafka-topics: create, list, describe, alter, delete',
    async () => {
      equal(await topics('--create', '--topic', 't', '--partitions', '2', '--config', 'retention.ms=1000000'), [
        'Created topic t.',
      ])
      holds((await topics('--list')).includes('t'), 'it is listed')
      await topics('--alter', '--topic', 't', '--partitions', '3')
      const described = await topics('--describe', '--topic', 't')
      holds(
        /^Topic: t\tTopicId: .{22}\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: \S+$/.test(described[0]),
        described[0],
      )
      // A cluster with eligible leader replicas states the first itself.
      equal(described[0].split('Configs: ')[1].split(',').sort(), ['min.insync.replicas=1', 'retention.ms=1000000'])
      equal(
        described.slice(1).map((line) => line.split('\t').slice(2, 6)),
        [0, 1, 2].map((partition) => [`Partition: ${partition}`, 'Leader: 1', 'Replicas: 1', 'Isr: 1']),
      )
      await topics('--create', '--topic', 'gone')
      await topics('--delete', '--topic', 'gone')
      await until(async () => !(await topics('--list')).includes('gone'), 'it is gone', 10_000)
      await tool('TopicCommand', ['--describe', '--topic', 'gone'], { expectExit: 1 })
    },
    90_000,
  )

  await suite.test(
    'kafka-console-producer and kafka-console-consumer',
    async () => {
      const lines = Array.from({ length: 500 }, (_, at) => `key${at}:value${at}`)
      const properties = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
      await tool('ConsoleProducer', ['--topic', 't', '--compression-codec', 'zstd', ...properties], {
        input: lines.join('\n'),
      })
      const format = ['--formatter-property', 'print.key=true', '--formatter-property', 'key.separator=:']
      const got = await tool('consumer.ConsoleConsumer', [
        '--topic',
        't',
        '--group',
        'console',
        '--from-beginning',
        '--max-messages',
        '500',
        '--timeout-ms',
        '80000',
        ...format,
      ])
      equal(got.sort(), lines.sort())
      const last = await tool('consumer.ConsoleConsumer', [
        '--topic',
        't',
        '--partition',
        '0',
        '--offset',
        '0',
        '--max-messages',
        '1',
      ])
      equal(last.length, 1)
    },
    90_000,
  )

  await suite.test('kafka-get-offsets', async () => {
    const latest = await tool('GetOffsetShell', ['--topic', 't'])
    equal(
      latest.map((line) => line.split(':').slice(0, 2).join(':')),
      ['t:0', 't:1', 't:2'],
    )
    equal(
      latest.reduce((sum, line) => sum + Number(line.split(':')[2]), 0),
      500,
    )
    equal(await tool('GetOffsetShell', ['--topic', 't', '--time', 'earliest']), ['t:0:0', 't:1:0', 't:2:0'])
  })

  await suite.test(
    'kafka-consumer-groups: list, describe, reset, delete',
    async () => {
      const groups = (...args) => tool('consumer.group.ConsumerGroupCommand', args)
      holds((await groups('--list')).includes('console'), 'it is listed')
      const described = rows(await groups('--describe', '--group', 'console'), 'console')
      equal(
        described.map((row) => [row[1], row[2], row[5]]).sort(),
        ['0', '1', '2'].map((partition) => ['t', partition, '0']),
      )
      const reset = rows(
        await groups('--group', 'console', '--reset-offsets', '--to-earliest', '--topic', 't', '--execute'),
        'console',
      )
      equal(
        reset.map((row) => row.slice(1)).sort(),
        ['0', '1', '2'].map((partition) => ['t', partition, '0']),
      )
      equal(
        rows(await groups('--describe', '--group', 'console'), 'console').map((row) => row[3]),
        ['0', '0', '0'],
      )
      const state = rows(await groups('--describe', '--state', '--group', 'console'), 'console')[0]
      equal([state[1], state.at(-2), state.at(-1)], [place.address, 'Empty', '0'])
      await groups('--delete', '--group', 'console')
      holds(!(await groups('--list')).includes('console'), 'it is gone')
    },
    90_000,
  )

  await suite.test(
    'kafka-configs: alter and describe a topic and a broker',
    async () => {
      const configs = async (...args) =>
        (await java(jars, 'kafka.admin.ConfigCommand', ['--bootstrap-server', place.address, ...args])).stdout
      const topic = ['--entity-type', 'topics', '--entity-name', 't']
      equal(
        await configs('--alter', ...topic, '--add-config', 'max.message.bytes=123456'),
        'Completed updating config for topic t.\n',
      )
      const described = await configs('--describe', ...topic)
      holds(
        described.includes(
          '  max.message.bytes=123456 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=123456, DEFAULT_CONFIG:message.max.bytes=1048588}',
        ),
        described,
      )
      await configs('--alter', ...topic, '--delete-config', 'max.message.bytes')
      holds(!(await configs('--describe', ...topic)).includes('max.message.bytes'), 'it is deleted')
      const broker = ['--entity-type', 'brokers', '--entity-name', '1']
      await configs('--alter', ...broker, '--add-config', 'log.retention.ms=99999999')
      holds((await configs('--describe', ...broker)).includes('log.retention.ms=99999999'), 'the broker has it')
      holds((await configs('--describe', '--all', ...broker)).includes('num.partitions=3'), 'all of them')
    },
    90_000,
  )

  await suite.test(
    'kafka-broker-api-versions, kafka-cluster, kafka-features, kafka-log-dirs, kafka-metadata-quorum, kafka-delete-records',
    async () => {
      holds(
        (await tool('BrokerApiVersionsCommand', [])).some((line) => line.includes('Produce(0): 0 to 13')),
        'versions',
      )
      const { stdout: cluster } = await java(jars, 'org.apache.kafka.tools.ClusterTool', [
        'cluster-id',
        '--bootstrap-server',
        place.address,
      ])
      holds(/^Cluster ID: .{22}$/m.test(cluster), cluster)
      holds(
        (await tool('FeatureCommand', ['describe'])).some((line) => line.startsWith('Feature: metadata.version')),
        'features',
      )
      holds(
        (await tool('LogDirsCommand', ['--describe'])).some((line) => line.includes('"partition":"t-0"')),
        'log directories',
      )
      holds(
        (await tool('MetadataQuorumCommand', ['describe', '--status'])).some((line) => /^LeaderId:\s+1$/.test(line)),
        'quorum',
      )
      await tool('MetadataQuorumCommand', ['describe', '--replication'])
      const plan = place.logFile('delete-records.json')
      writeFileSync(plan, '{"version":1,"partitions":[{"topic":"t","partition":0,"offset":1}]}')
      holds(
        (await tool('DeleteRecordsCommand', ['--offset-json-file', plan])).some((line) =>
          line.includes('low_watermark: 1'),
        ),
        'records',
      )
    },
    90_000,
  )

  await suite.test(
    'kafka-producer-perf-test and kafka-consumer-perf-test',
    async () => {
      const { stdout } = await java(jars, 'org.apache.kafka.tools.ProducerPerformance', [
        '--topic',
        'perf',
        '--num-records',
        '20000',
        '--record-size',
        '1000',
        '--throughput',
        '-1',
        '--bootstrap-server',
        place.address,
        '--command-property',
        'compression.type=lz4',
      ])
      holds(stdout.includes('20000 records sent'), stdout)
      const consumed = await tool('ConsumerPerformance', [
        '--topic',
        'perf',
        '--num-records',
        '20000',
        '--timeout',
        '80000',
      ])
      equal(consumed.at(-1).split(', ')[4], '20000')
    },
    90_000,
  )

  await suite.test('the broker had nothing to complain about', async () => {
    equal(await klamm.stop(), 143)
    equal(complaints(klamm.log()), [])
  })
}
