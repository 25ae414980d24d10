/**
 * A metadata quorum of one Kafka node and two of Klamm, with voters named in the properties, whose metadata.version is raised step by
 * step while it runs. Before each step the other kind of node comes to lead, without a restart: nodes stand still for a moment.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'
import { Cluster, UNSERVED } from '../lib/cluster.mjs'
import { equal } from '../lib/expect.mjs'
import { sleep, until } from '../lib/process.mjs'
import { sameImage, sameLog } from './snapshots.mjs'

const KINDS = ['kafka', 'klamm', 'klamm']
const FIRST = 7
const STEP_MS = 120_000
/** Long enough for a node that stands still to lack something that the others have. */
const BEHIND_MS = 1500
const LEVEL = 'metadata.version'

/**
 * @param {import('../lib/suite.mjs').Suite} suite
 * @param {string} jars of Kafka
 * @param {Record<string, string>} settings
 * @param {readonly number[]} levels
 */
export async function upgrade(suite, jars, settings, levels) {
  const { Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
  const cluster = await Cluster.make(suite, { jars, name: 'raised', voters: 'static', settings })
  await cluster.format('klamm', [`${LEVEL}=${FIRST}`, ...UNSERVED])
  for (const [index, node] of cluster.nodes.entries()) node.launch(KINDS[index])
  for (const node of cluster.nodes) await node.isUp()
  const client = new Klamm({ brokers: cluster.bootstrap, metadataMaxAgeMs: 1000 })
  const admin = client.admin()
  for (const [index, level] of levels.entries()) {
    const kind = index % 2 === 0 ? 'klamm' : 'kafka'
    await suite.test(
      `${kind} leads, and raises ${LEVEL} to ${level} for both kinds`,
      async () => {
        await leads(cluster, kind)
        ;(await admin.updateFeatures([{ feature: LEVEL, maxVersionLevel: level }])).all()
        const name = `at-${level}`
        const topic = { name, replicasAssignments: [[1, 2, 3]], configs: { 'retention.ms': '-1' } }
        ;(await admin.createTopics([topic])).all()
        await cluster.isFull()
        equal((await leaderOf(cluster)).kind, kind)
        const moved = [{ topic: name, partition: 0, targetReplicas: [3, 1, 2] }]
        ;(await admin.alterPartitionReassignments(moved)).all()
        await sameLog(cluster)
      },
      STEP_MS,
    )
  }
  await suite.test(
    'all nodes have the same image in the end, in which all controllers and directories are registered',
    async () => {
      const image = await sameImage(jars, cluster)
      const registered = (type, told) => image.filter((record) => record.type === type).map(({ data }) => told(data))
      const ids = cluster.nodes.map(({ id }) => id)
      equal(
        registered('REGISTER_CONTROLLER_RECORD', ({ controllerId }) => controllerId),
        ids,
      )
      equal(
        registered('REGISTER_BROKER_RECORD', ({ brokerId, logDirs }) => [brokerId, logDirs.length]),
        ids.map((id) => [id, 1]),
      )
      return `${image.length} records`
    },
    STEP_MS,
  )
  await client.close()
  await cluster.stop()
}

async function leaderOf(cluster, at = cluster.bootstrap) {
  const found = await until(() => cluster.tryAsk('quorum', { at }), 'a controller leads')
  return cluster.nodes[found.leaderId - 1]
}

/** Has a node of the kind lead. */
async function leads(cluster, kind) {
  const isLed = async () => {
    const leader = await leaderOf(cluster)
    if (leader.kind === kind) return true
    await deposes(cluster, leader, kind)
    return (await leaderOf(cluster)).kind === kind
  }
  await until(isLed, `${kind} leads`, STEP_MS / 2)
}

/** Has another one lead, of the kind if it comes out well: what was under way to the others may make them equal again. */
async function deposes(cluster, leader, kind) {
  const others = cluster.nodes.filter((node) => node !== leader)
  // Of two that may follow, only the one whose log is longer can.
  const behind = others.find((node) => node.kind !== kind)
  if (behind !== undefined) {
    behind.pause()
    await sleep(BEHIND_MS)
  }
  leader.pause()
  behind?.resume()
  const next = others.find((node) => node.kind === kind)
  try {
    const isElected = async () => {
      const quorum = await cluster.tryAsk('quorum', { at: next.address })
      return quorum !== null && quorum.leaderId !== leader.id
    }
    await until(isElected, 'another one leads', STEP_MS / 2)
  } finally {
    leader.resume()
  }
  for (const node of cluster.nodes) await node.isUp()
}
