/**
 * klamm/kafkajs beside kafkajs 2.2.4: one program (test/kafkajs/program.cjs) prints the same on both, and members of both are in one
 * group, as while a service is moved from one to the other.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { equal } from '../lib/expect.mjs'
import { npm } from '../lib/install.mjs'
import { run, until } from '../lib/process.mjs'
import { NODE } from '../lib/versions.mjs'

const PROGRAM = join(ROOT, 'test', 'kafkajs', 'program.cjs')
const OURS = join(ROOT, 'dist', 'kafkajs.js')
const LONG_MS = 180_000
const ENV = { KAFKAJS_NO_PARTITIONER_WARNING: '1' }

/** @param {import('../suites/client.mjs').Server} server */
export async function cases(server) {
  const packages = await npm(`clients-${process.versions.node.split('.')[0]}`, NODE)
  const theirs = join(packages, 'node_modules', 'kafkajs')

  await server.test(
    'a program on kafkajs prints the same with klamm/kafkajs',
    async () => {
      const printed = async (name, suffix) => {
        const args = ['--no-warnings', PROGRAM, name, server.address, suffix]
        const { stdout } = await run(process.execPath, args, { timeoutMs: LONG_MS, env: ENV })
        return stdout.replaceAll(new RegExp(`(shim-[a-z-]+-)${suffix}\\b`, 'g'), '$1').split('\n')
      }
      const [expected, actual] = await Promise.all([printed(theirs, 'a'), printed(OURS, 'b')])
      equal(actual, expected)
      return `${actual.length} lines`
    },
    LONG_MS,
  )

  await server.test(
    'members on kafkajs and on klamm/kafkajs share a group, and each record comes once',
    async () => {
      const require = createRequire(import.meta.url)
      const makers = [require(theirs), await import(OURS)].map(({ Kafka, logLevel }) => {
        return new Kafka({ clientId: 'mixed', brokers: [server.address], logLevel: logLevel.NOTHING })
      })
      const admin = makers[1].admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: 'mixed', numPartitions: 6 }] })
      const seen = [new Set(), new Set()]
      const assigned = [[], []]
      const consumers = makers.map((kafka) => kafka.consumer({ groupId: 'mixed', maxWaitTimeInMs: 100 }))
      for (const [index, consumer] of consumers.entries()) {
        consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
          assigned[index] = payload.memberAssignment['mixed'] ?? []
        })
        await consumer.connect()
        await consumer.subscribe({ topic: 'mixed', fromBeginning: true })
        await consumer.run({
          eachMessage: async ({ partition, message }) => void seen[index].add(`${partition} ${message.value}`),
        })
      }
      await until(() => assigned.every((partitions) => partitions.length === 3), 'each has three partitions')
      equal(assigned.flat().toSorted(), [0, 1, 2, 3, 4, 5])
      const producer = makers[0].producer()
      await producer.connect()
      const messages = Array.from({ length: 60 }, (_, index) => ({ partition: index % 6, value: String(index) }))
      await producer.send({ topic: 'mixed', messages })
      await until(() => seen[0].size + seen[1].size >= 60, 'everything is read')
      equal(
        seen.map(({ size }) => size),
        [30, 30],
      )
      // The one that is left takes over, whichever it is.
      await consumers[0].disconnect()
      await until(() => assigned[1].length === 6, 'the one that is left has all partitions')
      await producer.send({ topic: 'mixed', messages: messages.map(({ partition }) => ({ partition, value: 'late' })) })
      await until(() => seen[1].size === 36, 'it reads all of them')
      await Promise.all([consumers[1].disconnect(), producer.disconnect(), admin.disconnect()])
    },
    60_000,
  )
}
