/**
 * Metadata quorums with static voters (controller.quorum.voters, kraft.version 0) of Klamm's nodes and Apache Kafka's, once with
 * each kind in the majority. The odd one leads, then the others; these raise kraft.version to 1. Then the odd one is taken out of
 * the voters and put in again by the other kind's tool, loses its disk, and comes back with nothing: it fetches the others'
 * snapshot and joins the voters by itself (KIP-1186). The metadata logs are the same bytes after each step.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { complaints } from '../lib/broker.mjs'
import { Cluster, UNSERVED } from '../lib/cluster.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { java } from '../lib/java.mjs'
import { sameUpTo } from '../lib/metadata-log.mjs'
import { run as runProcess, until } from '../lib/process.mjs'
import { KAFKA } from '../lib/versions.mjs'

const STEP_MS = 90_000
const NO_DIRECTORY = 'A'.repeat(22)
const ODD = 3
const CLASSES = {
  'kafka-features.sh': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-metadata-quorum.sh': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-storage.sh': 'kafka.tools.StorageTool',
}

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  await upgrade(suite, jars, { 1: 'klamm', 2: 'klamm', 3: 'kafka' })
  await upgrade(suite, jars, { 1: 'kafka', 2: 'kafka', 3: 'klamm' })
}

async function upgrade(suite, jars, kinds) {
  const [most, odd] = [kinds[1], kinds[ODD]]
  const quorum = await StaticQuorum.make(suite, jars, kinds)
  const test = (what, body) => suite.test(`2 ${most}, 1 ${odd}: ${what}`, body, STEP_MS)

  await test('static voters elect, and have no directories for either kind of tool', async () => {
    await quorum.start()
    await quorum.createTopic('first')
    const voters = [1, 2, 3].map((id) => ({ id, directory: NO_DIRECTORY }))
    for (const kind of ['klamm', 'kafka']) equal(await quorum.voters(kind), voters)
    await quorum.settled()
  })
  await test(`the ${odd} leads`, async () => {
    await quorum.leadByOdd()
    await quorum.createTopic(`led-by-${odd}`)
    await quorum.settled()
  })
  await test(`it stops, and a ${most} leads`, async () => {
    await quorum.node(ODD).stop()
    await quorum.createTopic(`led-by-${most}`)
    await quorum.launch(ODD)
    holds((await quorum.leader()) !== ODD, `a ${most} leads`)
    await quorum.settled()
  })
  await test(`led by a ${most} kraft.version goes up, and not down again`, async () => {
    const raise = (kind, ...more) =>
      quorum.tool(kind, 'kafka-features.sh', ['upgrade', '--feature', 'kraft.version=1', ...more])
    // Voters tell their leader what they are some seconds after it was elected.
    await until(
      async () => (await raise('klamm', '--dry-run')).includes('can be upgraded to 1'),
      'it can be raised',
      30_000,
    )
    equal((await quorum.voters('klamm'))[0].directory, NO_DIRECTORY)
    holds((await raise('kafka')).includes('kraft.version was upgraded to 1'), 'it is raised')
    const voters = [1, 2, 3].map((id) => ({ id, directory: quorum.directoryId(id) }))
    equal(await quorum.voters('klamm'), voters)
    const lower = ['downgrade', '--feature', 'kraft.version=0']
    const words = "Can't downgrade the version of this feature."
    holds((await quorum.tool('klamm', 'kafka-features.sh', lower)).includes(words), 'it stays')
    await quorum.settled()
  })
  await test(`the ${odd} is removed from the voters by the ${most}'s tool, and added by its own`, async () => {
    const key = ['--controller-id', `${ODD}`, '--controller-directory-id', quorum.directoryId(ODD)]
    await quorum.tool(most, 'kafka-metadata-quorum.sh', ['remove-controller', ...key])
    equal(
      (await quorum.voters('klamm')).map(({ id }) => id),
      [1, 2],
    )
    const config = ['--command-config', quorum.node(ODD).propertiesFile]
    await quorum.tool(odd, 'kafka-metadata-quorum.sh', [...config, 'add-controller'])
    equal(
      (await quorum.voters('klamm')).map(({ id }) => id),
      [1, 2, 3],
    )
    await quorum.createTopic('added')
    await quorum.settled()
  })
  await test(`the ${odd} loses its disk, fetches the snapshot of the ${most}, and joins the voters`, async () => {
    await until(() => quorum.snapshotEnd(1) > 0 && quorum.snapshotEnd(2) > 0, 'there are snapshots', 30_000)
    const former = quorum.directoryId(ODD)
    await quorum.replace(ODD)
    const own = () => quorum.voters('klamm').then((voters) => voters.find(({ id }) => id === ODD)?.directory)
    await until(async () => (await own()) === quorum.directoryId(ODD), 'it votes', 40_000)
    holds(quorum.directoryId(ODD) !== former, 'its directory is another')
    holds(quorum.snapshotEnd(ODD) > 0, 'it has a snapshot')
    await quorum.createTopic('replaced')
    await quorum.settled()
  })
  await test(`the active ${most} stops, and the quorum goes on`, async () => {
    const active = await quorum.leader()
    await quorum.node(active).stop()
    await quorum.createTopic('last')
    holds((await quorum.leader()) !== active, 'another leads')
    await quorum.settled()
  })
  await test('Klamm complains of nothing', async () => equal(quorum.complaints(), []))
  await quorum.stop()
}

class StaticQuorum {
  #cluster
  #jars
  #kinds

  constructor(cluster, jars, kinds) {
    this.#cluster = cluster
    this.#jars = jars
    this.#kinds = kinds
  }

  static async make(suite, jars, kinds) {
    const options = { jars, name: `most-${kinds[1]}`, voters: 'static', settings: SETTINGS }
    const cluster = await Cluster.make(suite, options)
    const quorum = new StaticQuorum(cluster, jars, kinds)
    for (const { id } of cluster.nodes) await quorum.#format(id, [])
    return quorum
  }

  node(id) {
    return this.#cluster.nodes[id - 1]
  }

  /** The odd one first where it is quick: who asks for votes first may lead first. */
  async start() {
    for (const id of [ODD, 1, 2]) this.node(id).launch(this.#kinds[id])
    for (const id of [1, 2, ODD]) await this.node(id).isUp()
  }

  async launch(id) {
    this.node(id).launch(this.#kinds[id])
    await this.node(id).isUp()
  }

  stop() {
    return this.#cluster.stop()
  }

  async #format(id, more) {
    const features = UNSERVED.flatMap((level) => ['--feature', level])
    const args = ['format', '-t', CLUSTER_ID, '-c', this.node(id).propertiesFile, ...more, ...features]
    await this.#run(this.#kinds[id], 'kafka-storage.sh', args)
  }

  /** Output of a tool, whatever its exit code. */
  tool(kind, name, args) {
    return this.#run(kind, name, [
      '--bootstrap-server',
      this.#running()
        .map(({ address }) => address)
        .join(),
      ...args,
    ])
  }

  async #run(kind, name, args) {
    const options = { timeoutMs: 60_000 }
    return outputOf(
      kind === 'klamm'
        ? runProcess(join(ROOT, 'bin', name), args, options)
        : java(this.#jars, CLASSES[name], args, options),
    )
  }

  #running() {
    return this.#cluster.nodes.filter(({ kind }) => kind !== null)
  }

  /** Of one of the nodes that keep their disk. */
  async createTopic(name) {
    const { id, address } = this.#running().find((node) => node.id !== ODD)
    const args = ['--bootstrap-server', address, '--create', '--topic', name, '--replica-assignment', `${id}`]
    // A controller that was just elected, or a broker that was just stopped, is heard of a moment later.
    await until(
      async () => {
        const text = await outputOf(runProcess(join(ROOT, 'bin', 'kafka-topics.sh'), args, { timeoutMs: 40_000 }))
        return text.includes('Created topic') || text.includes('already exists')
      },
      `topic ${name} is created`,
      45_000,
    )
  }

  async leader() {
    const { leaderId } = await this.#quorum()
    return leaderId
  }

  /** As one of the nodes tells, while there is a leader. */
  async #quorum() {
    let answer = null
    await until(async () => {
      answer = await this.#cluster.tryAsk('quorum', { at: this.#running()[0].address })
      return answer !== null && answer.leaderId > 0
    }, 'the quorum is described')
    return answer
  }

  /** Where the others lag behind, only the odd one can be elected. */
  async leadByOdd() {
    const active = await this.leader()
    if (active === ODD) return
    const other = [1, 2].find((id) => id !== active)
    await this.node(other).stop()
    await this.createTopic(`behind-${other}`)
    await this.node(active).stop('SIGKILL')
    await this.launch(other)
    equal(await this.leader(), ODD)
    await this.launch(active)
  }

  /** Ids and directories, in the words of a kind's tool. */
  async voters(kind) {
    const text = await this.tool(kind, 'kafka-metadata-quorum.sh', ['describe', '--replication'])
    const rows = text
      .trim()
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
    return rows
      .filter((cells) => ['Leader', 'Follower'].includes(cells.at(-1)))
      .map(([id, directory]) => ({ id: Number(id), directory }))
      .sort((left, right) => left.id - right.id)
  }

  directoryId(id) {
    const text = readFileSync(join(this.node(id).dataDirectory, 'meta.properties'), 'utf8')
    return /^directory\.id=(.*)$/m.exec(text)?.[1] ?? ''
  }

  /** Of the newest in its directory; 0: none. */
  snapshotEnd(id) {
    const names = readdirSync(join(this.node(id).dataDirectory, '__cluster_metadata-0'))
    return Math.max(
      0,
      ...names.filter((name) => name.endsWith('.checkpoint')).map((name) => Number(name.split('-')[0])),
    )
  }

  /** Once kraft.version is 1, who has no log must not take itself for a voter: configuration only says whom to ask. */
  async replace(id) {
    const node = this.node(id)
    await node.stop()
    rmSync(node.dataDirectory, { recursive: true })
    this.#cluster.voters = 'dynamic'
    node.write({ ...SETTINGS, 'controller.quorum.auto.join.enable': 'true' })
    await this.#format(id, ['--no-initial-controllers'])
    await this.launch(id)
  }

  /** The logs are the same as far as they are committed, from where each begins. */
  async settled() {
    const directories = this.#running().map(({ dataDirectory }) => dataDirectory)
    const { highWatermark } = await this.#quorum()
    await until(() => sameUpTo(directories, highWatermark), `the metadata logs are the same up to ${highWatermark}`)
  }

  complaints() {
    const passing = [/WARN A heartbeat failed/, /WARN The active controller refused the registration/]
    const logs = this.#cluster.nodes.flatMap(({ directory }) =>
      readdirSync(directory)
        .filter((name) => name.startsWith('klamm-'))
        .map((name) => readFileSync(join(directory, name), 'utf8')),
    )
    return [...new Set(logs.flatMap((log) => complaints(log, passing)))]
  }
}

/** Of a tool that may fail. */
async function outputOf(ran) {
  try {
    const { stdout, stderr } = await ran
    return stdout + stderr
  } catch (error) {
    if (error.isOfTool) return error.message
    throw error
  }
}

const CLUSTER_ID = 'KstaticVotersToDynamic'
const SETTINGS = {
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '500',
  'metadata.log.max.record.bytes.between.snapshots': '4000',
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
}
