/**
 * The roll: a cluster of three Apache Kafka nodes is replaced node by node with Klamm on the same directories, with the same
 * server.properties, by controlled shutdown, and then back, by kill -9, while Java's clients and Klamm's produce and consume. No
 * record is lost or there twice, no send and no poll fails, and the replicas are equal byte for byte.
 *
 * `--from=kafka --to=kafka` rolls Kafka to itself: what the suite asks for is no more than Kafka does.
 */
import { Cluster } from '../lib/cluster.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { compile } from '../lib/java.mjs'
import { sleep, until } from '../lib/process.mjs'
import { replicasAreEqual } from '../lib/replicas.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { inWords, RunningLoad } from '../history/loads.mjs'

const PARTITIONS = 6
const STEP_MS = 120_000
/** Sessions of killed nodes shall end within the suite's time, of stopped ones nobody waits for it. */
const SETTINGS = {
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '1000',
  'log.segment.bytes': '1048576',
}

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const from = suite.option('from', 'kafka')
  const to = suite.option('to', 'klamm')
  const jars = await maven('kafka-4.3.1', KAFKA)
  const classPath = await compile(suite, 'classes', jars, ['HistoryLoad'])
  const cluster = await Cluster.make(suite, { jars, settings: SETTINGS })
  await cluster.format(from)
  await cluster.start(from)
  const topics = ['rolled', 'rolled-java'].map((name) => ({ name, numPartitions: PARTITIONS, replicationFactor: 3 }))
  await cluster.ask('create', { topics })
  const loads = [
    RunningLoad.ofKlamm(suite, cluster, { topic: 'rolled', partitions: PARTITIONS, seed: 1, recordsPerSecond: 150 }),
    RunningLoad.ofJava(suite, cluster, classPath, {
      topic: 'rolled-java',
      partitions: PARTITIONS,
      recordsPerSecond: 150,
    }),
  ]
  for (const load of loads) await load.goesOn()
  await cluster.isFull()

  const replace = (node, kind, signal, how) =>
    suite.test(
      `node ${node.id}: ${node.kind} is ${how}, ${kind} goes on`,
      async () => {
        const before = await until(() => cluster.tryAsk('quorum'), 'the quorum is told')
        equal(await node.stop(signal), signal === 'SIGKILL' ? 'SIGKILL' : 143)
        await node.start(kind)
        await cluster.isFull()
        for (const load of loads) await load.goesOn()
        const after = await until(() => cluster.tryAsk('quorum'), 'the quorum is told')
        return `active controller ${before.leaderId}, then ${after.leaderId}`
      },
      STEP_MS,
    )
  for (const node of cluster.nodes) await replace(node, to, 'SIGTERM', 'stopped')
  for (const node of cluster.nodes) await replace(node, from, 'SIGKILL', 'killed')

  await suite.test(
    'everything is read, nothing failed, and the histories have no anomaly',
    async () => {
      await sleep(1000)
      const told = []
      for (const load of loads) {
        await load.end()
        const judgement = await load.judge()
        equal(judgement.anomalies, [])
        equal(judgement.failures.slice(0, 20), [])
        holds(judgement.totals.sent > 1000, 'there was a load')
        told.push(`${load.name}: ${inWords(judgement)}`)
      }
      return told.join('; ')
    },
    400_000,
  )
  await suite.test('the replicas of every partition are equal byte for byte', async () => {
    for (const node of cluster.nodes) equal(node.unexpected, null)
    await cluster.isFull()
    return await replicasAreEqual(cluster.nodes)
  })
  await cluster.stop()
}
