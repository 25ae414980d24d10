/**
 * One data directory, two brokers: what Klamm wrote is opened by Apache Kafka and the other way round, with the same
 * server.properties and so the same node and cluster, and both say the same of it: records with offsets, times, epochs and
 * headers, topics with ids, configurations, groups with committed offsets. Kafka's own inspector finds no fault in any file.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaints, KEEPS_OLD_TIMES, Place, startKafka, startKlamm } from '../lib/broker.mjs'
import { maven } from '../lib/install.mjs'
import { compile, java } from '../lib/java.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { equal, holds } from '../lib/expect.mjs'

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const classPath = await compile(suite, 'classes', jars, ['State'])
  const kafka = (place, logName) => startKafka(jars, place, logName)

  /**
   * What a broker says of a directory on which it is started and stopped again: `tasks` are those of State.java, and each
   * `print` gives a list of lines.
   */
  const opened = async (startBroker, place, logName, ...tasks) => {
    const broker = await startBroker(place, logName)
    const { stdout } = await java(classPath, 'State', [place.address, ...tasks], { timeoutMs: 90_000 })
    equal(await broker.stop('SIGTERM', 60_000), 143)
    const answers = stdout.split('\ndone\n').map((answer) => answer.split('\n'))
    answers.pop() // what follows the last `done`
    equal(answers.length, tasks.filter((task) => task === 'print').length)
    return answers
  }
  const inspect = async (place) => {
    const wrong = []
    const files = []
    for (const directory of readdirSync(place.dataDirectory, { withFileTypes: true })) {
      if (!directory.isDirectory()) continue
      const inside = join(place.dataDirectory, directory.name)
      for (const file of readdirSync(inside)) {
        if (!/\.(log|index|timeindex|snapshot)$/.test(file)) continue
        files.push(join(inside, file))
      }
    }
    const dump = async (args) => {
      const { stdout, stderr } = await java(jars, 'org.apache.kafka.tools.DumpLogSegments', args, {
        timeoutMs: 120_000,
      })
      // It also says of each segment but the first that its offset doesn't follow -1.
      for (const line of `${stdout}\n${stderr}`.split('\n')) {
        if (/isvalid: false|mismatch|corrupt|invalid|exception|error|^\s*\d+ is followed by/i.test(line))
          wrong.push(line)
      }
      return stdout
    }
    const isMetadata = (path) => path.includes('__cluster_metadata-0')
    const data = files.filter((path) => !isMetadata(path))
    await dump(['--deep-iteration', '--files', data.filter((path) => path.endsWith('.log')).join(',')])
    await dump(['--index-sanity-check', '--files', data.filter((path) => /index$/.test(path)).join(',')])
    await dump(['--files', data.filter((path) => path.endsWith('.snapshot')).join(',')])
    const log = files.filter((path) => isMetadata(path) && path.endsWith('.log')).join(',')
    const decoded = await dump(['--cluster-metadata-decoder', '--files', log])
    holds(decoded.includes('"type":"REGISTER_BROKER_RECORD"'), 'the metadata log is decoded')
    equal(wrong.slice(0, 20), [])
    return `${files.length} files`
  }

  const ours = await Place.make(suite, 'ours', KEEPS_OLD_TIMES)
  let before = []
  await suite.test(
    'Klamm writes a directory',
    async () => {
      ;[before] = await opened(startKlamm, ours, 'klamm-1', 'k', 'print')
      holds(before.filter((line) => line.startsWith('record ')).length > 1500, 'there are records')
      for (const kind of ['cluster', 'topic', 'config', 'offsets', 'group', 'committed'])
        holds(
          before.some((line) => line.startsWith(`${kind} `)),
          `there is a ${kind}`,
        )
    },
    120_000,
  )
  await suite.test('kafka-dump-log finds no fault in it', () => inspect(ours), 240_000)
  await suite.test(
    'Kafka reads the same and writes more, Klamm reads that and writes more, Kafka reads all of it',
    async () => {
      const [read, written] = await opened(kafka, ours, 'kafka-1', 'print', 'more', 'print')
      equal(read, before)
      const [again, last] = await opened(startKlamm, ours, 'klamm-2', 'print', 'again', 'print')
      equal(again, written)
      equal(await opened(kafka, ours, 'kafka-2', 'print'), [last])
    },
    300_000,
  )
  await suite.test('kafka-dump-log finds no fault in what both wrote', () => inspect(ours), 240_000)

  const theirs = await Place.make(suite, 'theirs', KEEPS_OLD_TIMES)
  await suite.test(
    'Kafka formats and writes a directory with all its features; Klamm reads the same, names what it does not serve, and writes',
    async () => {
      const format = ['format', '--standalone', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', theirs.propertiesFile]
      await java(jars, 'kafka.tools.StorageTool', format)
      const [written] = await opened(kafka, theirs, 'kafka-1', 'k', 'print')
      holds(
        written.some((line) => line.includes('transaction.version')),
        'the features are finalised',
      )
      const [read, more] = await opened(startKlamm, theirs, 'klamm-1', 'print', 'more', 'print')
      equal(read, written)
      const log = readFileSync(theirs.logFile('klamm-1'), 'utf8')
      const naming = log.split('\n').filter((line) => /group\.version/.test(line))
      equal(naming.length, 1)
      for (const feature of ['group.version', 'share.version', 'streams.version'])
        holds(naming[0].includes(feature), naming[0])
      holds(!naming[0].includes('transaction.version'), naming[0])
      equal(complaints(log, [/group\.version/]), [])
      equal(await opened(kafka, theirs, 'kafka-2', 'print'), [more])
    },
    300_000,
  )
  await suite.test('kafka-dump-log finds no fault in that', () => inspect(theirs), 240_000)
}
