/**
 * Transactions of today's Java clients at both versions of transactions, what kcat sees of them, Kafka's tool for those that
 * hang, and a loop that consumes, transforms and produces exactly once while its broker is killed again and again.
 */
import { join } from 'node:path'
import { complaints, Place, startKlamm } from '../lib/broker.mjs'
import { debian, maven } from '../lib/install.mjs'
import { compile, java, javaCommand, reportCases } from '../lib/java.mjs'
import { run as runCommand, sleep, start, until } from '../lib/process.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { equal, holds } from '../lib/expect.mjs'

const SETTINGS = {
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
}
const LOOP_RECORDS = 20_000
const KILLS = 8

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  await debian('kcat', ['-V'])
  const jars = await maven('kafka-4.3.1', KAFKA)
  const classPath = await compile(suite, 'classes', jars, ['Cases', 'Transactions'])
  const place = await Place.make(suite, 'node', SETTINGS)
  let klamm = await startKlamm(place)
  const tool = async (className, ...args) => {
    const { stdout } = await java(jars, `org.apache.kafka.tools.${className}`, [
      '--bootstrap-server',
      place.address,
      ...args,
    ])
    return stdout
  }
  for (const version of ['2', '0']) {
    const [feature, direction] = [`transaction.version=${version}`, version === '0' ? 'downgrade' : 'upgrade']
    await suite.test(`the feature is at level ${version}`, async () => {
      if (version === '0') await tool('FeatureCommand', direction, '--feature', feature)
      const described = await tool('FeatureCommand', 'describe')
      holds(new RegExp(`transaction.version.*FinalizedVersionLevel: ${version}`).test(described), described)
    })
    await reportCases(suite, `Transactions v${version}`, (onLine) =>
      java(classPath, 'Transactions', [place.address, `v${version}-`], { onLine, timeoutMs: 240_000 }),
    )
  }

  await suite.test('kcat reads what was committed, or everything', async () => {
    const read = async (isolation) => {
      const args = ['-b', place.address, '-C', '-q', '-e', '-t', 'v2-isolation', '-X', `isolation.level=${isolation}`]
      return (await runCommand('kcat', args)).stdout.split('\n').slice(0, -1)
    }
    equal(await read('read_committed'), ['a', 'c'])
    equal(await read('read_uncommitted'), ['a', 'b', 'c'])
  })

  await suite.test('kafka-transactions: list, describe, describe-producers', async () => {
    holds((await tool('TransactionsCommand', 'list')).includes('v2-isolation'), 'it is listed')
    const described = await tool('TransactionsCommand', 'describe', '--transactional-id', 'v2-isolation')
    holds(/v2-isolation\s+\d+\s+\d+\s+CompleteCommit/.test(described), described)
    const producers = await tool(
      'TransactionsCommand',
      'describe-producers',
      '--topic',
      'v2-isolation',
      '--partition',
      '0',
    )
    holds(/None\s*$/.test(producers.trimEnd()), producers)
  })

  await suite.test(
    `a loop of ${LOOP_RECORDS} records, exactly once over ${KILLS} kills`,
    async () => {
      const lines = []
      const args = javaCommand(classPath, 'Transactions', [place.address, 'loop-', 'loop', String(LOOP_RECORDS)])
      const loop = start('java', args, {
        logFile: join(suite.directory, 'loop.log'),
        onLine: (line) => lines.push(line),
      })
      const progress = () => lines.filter((line) => line.startsWith('done ')).length
      const isOver = () => lines.some((line) => line.startsWith('result: '))
      await until(() => lines.includes('begun'), 'the input is there', 60_000)
      for (let kill = 0; kill < KILLS && !isOver(); kill++) {
        const before = progress()
        await until(() => progress() > before + 2 || isOver(), 'the loop goes on', 90_000)
        await sleep(30 * kill)
        equal(await klamm.stop('SIGKILL'), 'SIGKILL')
        klamm = await startKlamm(place, `klamm-${kill}`)
      }
      await until(isOver, 'all is done', 180_000)
      await loop.ended
      const result = lines.find((line) => line.startsWith('result: '))
      holds(result.startsWith(`result: ${LOOP_RECORDS} records, ${LOOP_RECORDS} distinct`), result)
      return result
    },
    400_000,
  )

  await suite.test('the broker had nothing to complain about', async () => {
    equal(await klamm.stop(), 143)
    equal(complaints(klamm.log()), [])
  })
}
