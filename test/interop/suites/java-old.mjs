/**
 * Java clients since 0.8.2. What they write (magic 0 and 1 before 0.11) is read by kcat as what it is stored as, and what
 * kcat writes is read by them, converted down where they know no better.
 */
import { complaints, KEEPS_OLD_TIMES, Place, startKlamm } from '../lib/broker.mjs'
import { debian, maven } from '../lib/install.mjs'
import { compile, java, reportCases } from '../lib/java.mjs'
import { run as runCommand } from '../lib/process.mjs'
import { KAFKA, OLD_CLIENTS, OLDEST_PRODUCER } from '../lib/versions.mjs'
import { equal } from '../lib/expect.mjs'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const ACKS = ['0', '1', 'all']

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  await debian('kcat', ['-V'])
  const place = await Place.make(suite, 'node', { 'num.partitions': '3', ...KEEPS_OLD_TIMES })
  const klamm = await startKlamm(place)
  const kcat = (args, options) => runCommand('kcat', ['-b', place.address, ...args], options)
  const consume = async (topic, format) => {
    const { stdout } = await kcat(['-C', '-q', '-e', '-t', topic, '-f', `${format}\n`, '-p', '0', '-o', 'beginning'])
    return stdout.split('\n').slice(0, -1)
  }
  const count = (length, line) => Array.from({ length }, (_, at) => line(at))

  await suite.test('kcat writes what the old clients shall read', async () => {
    const lines = count(200, (at) => `k${at}:today ${at}\n`).join('')
    for (const codec of CODECS) {
      const args = ['-P', '-t', `from-today-${codec}`, '-p', '0', '-K', ':', '-z', codec, '-H', 'origin=kcat']
      await kcat(args, { input: lines })
    }
  })

  await suite.test(
    'a topic with LogAppendTime for those who know times',
    async () => {
      const topic = ['--create', '--topic', 'append-time', '--config', 'message.timestamp.type=LogAppendTime']
      const args = ['--bootstrap-server', place.address, ...topic]
      await java(await maven('kafka-4.3.1', KAFKA), 'org.apache.kafka.tools.TopicCommand', args)
    },
    600_000,
  )

  await suite.test(
    'all generations of clients are to be had',
    async () => {
      for (const { version, jars } of [...OLD_CLIENTS, OLDEST_PRODUCER]) await maven(`clients-${version}`, jars)
    },
    600_000,
  )

  const oldest = OLDEST_PRODUCER
  const oldestPath = await compile(suite, 'oldest', await maven(`clients-${oldest.version}`, oldest.jars), [
    'Cases',
    'Producer08',
  ])
  await reportCases(suite, oldest.version, (onLine) =>
    java(oldestPath, 'Producer08', [place.address, 'oldest', oldest.codecs.join(',')], { onLine, timeoutMs: 120_000 }),
  )
  await suite.test(
    `${oldest.version}: kcat reads what it wrote`,
    async () => {
      for (const codec of oldest.codecs) {
        for (const acks of ACKS)
          equal(
            await consume(`oldest-${codec}-${acks}`, '%o %k %s'),
            count(200, (at) => `${at} k${at} v${at}`),
          )
      }
    },
    60_000,
  )

  for (const { version, jars, codecs, more } of OLD_CLIENTS) {
    const sources = ['Cases', 'Old', ...more]
    const classPath = await compile(suite, version, await maven(`clients-${version}`, jars), sources)
    const name = `v${version.replaceAll('.', '_')}`
    await reportCases(suite, version, (onLine) =>
      java(classPath, 'Old', [place.address, name, codecs.join(',')], { onLine, timeoutMs: 240_000 }),
    )
    await suite.test(`${version}: kcat reads what it wrote`, async () => {
      for (const codec of codecs) {
        const expected = count(1000, (at) => `${at} k${at} value of record number ${at}`)
        equal(await consume(`${name}-${codec}`, '%o %k %s'), expected, codec)
      }
    })
  }

  await suite.test('the broker had nothing to complain about', async () => {
    equal(await klamm.stop(), 143)
    equal(complaints(klamm.log()), [])
  })
}
