/**
 * metadata.version from 7 to 30 in clusters of both kinds of nodes. At each level one kind decides, a broker of the other kind
 * follows: their logs are the same bytes, and the images that each of them makes of it the same records, as Kafka's tool reads them
 * in their snapshots. What was answered, and what lasts of it, does not depend on who decided.
 *
 * Then a metadata quorum of both kinds is upgraded from 7 to 30 while it runs, led by either kind in turn.
 *
 *     npm run interop -- metadata-levels [--levels=7,14,…|all] [--part=levels|upgrade]
 *
 * CI runs three levels, and the upgrade through all six; `--levels=all` runs the six one by one.
 */
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { Cluster, UNSERVED } from '../lib/cluster.mjs'
import { equal } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { decisions } from '../levels/decisions.mjs'
import { lasting } from '../levels/lasting.mjs'
import { sameImage } from '../levels/snapshots.mjs'
import { upgrade } from '../levels/upgrade.mjs'

const ALL = [7, 14, 19, 21, 25, 30]
/** Without named directories, with them, with eligible leader replicas. */
const USUAL = [7, 19, 30]
/** Voters live in the metadata log from here on; before, they are named in the properties. */
const DYNAMIC_VOTERS_FROM = 21
const KINDS = ['kafka', 'klamm']
const CASE_MS = 180_000

const SETTINGS = {
  // A snapshot behind every few records.
  'metadata.log.max.record.bytes.between.snapshots': '100',
  'metadata.max.idle.interval.ms': '250',
  'default.replication.factor': '2',
  'min.insync.replicas': '1',
  'offsets.topic.replication.factor': '2',
  'transaction.state.log.replication.factor': '2',
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '500',
}

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  const { Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
  const part = suite.option('part')
  const asked = suite.option('levels')
  const levels = asked === '' ? USUAL : asked === 'all' ? ALL : asked.split(',').map(Number)
  for (const level of part === 'upgrade' ? [] : levels) {
    const outcomes = []
    for (const kind of KINDS) {
      const other = KINDS.find((one) => one !== kind)
      await suite.test(
        `metadata.version ${level}: ${kind} decides, ${other} follows, with the same log and the same image`,
        async () => void outcomes.push(await decided(suite, jars, Klamm, { level, kind, other })),
        CASE_MS,
      )
    }
    await suite.test(`metadata.version ${level}: whoever decided, the same was said, and the same lasts`, async () => {
      const [kafkas, klamms] = outcomes
      equal(klamms.told, kafkas.told)
      equal(klamms.lasting, kafkas.lasting)
      const refused = kafkas.told.filter((said) => !said.endsWith('done'))
      return [`${kafkas.lasting.length} records`, ...refused].join(', ')
    })
  }
  // Nobody shall be fenced for standing still.
  if (part !== 'levels') await upgrade(suite, jars, { ...SETTINGS, 'broker.session.timeout.ms': '20000' }, ALL.slice(1))
}

async function decided(suite, jars, Klamm, { level, kind, other }) {
  const voters = level >= DYNAMIC_VOTERS_FROM ? 'dynamic' : 'static'
  const name = `level-${level}-${kind}`
  const cluster = await Cluster.make(suite, { jars, size: 2, name, brokers: [2], voters, settings: SETTINGS })
  const [first, second] = cluster.nodes
  await cluster.format(kind, [`metadata.version=${level}`, ...UNSERVED])
  first.launch(kind)
  second.launch(other)
  for (const node of cluster.nodes) await node.isUp()
  const client = new Klamm({ brokers: cluster.bootstrap, metadataMaxAgeMs: 1000 })
  const decide = decisions(client)
  await decide.first()
  await cluster.isFull()
  await second.stop('SIGTERM')
  await second.start(other)
  await decide.second()
  await cluster.isFull()
  await client.close()
  const image = await sameImage(jars, cluster)
  await cluster.stop()
  for (const node of cluster.nodes) equal(node.unexpected, null)
  return { told: decide.told, lasting: lasting(image) }
}
