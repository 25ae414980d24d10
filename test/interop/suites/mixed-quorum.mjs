/**
 * Nodes with both roles, Klamm's and Apache Kafka's, as one metadata quorum: 1 Klamm + 2 Kafka, then 2 Klamm + 1 Kafka. The
 * active controller goes (killed, and in an orderly way), so that the quorum is led by either kind in turn; a voter is
 * taken out and added again by the other kind's tool, through a broker. Whatever was decided is there after each step, on every node, and
 * the metadata logs are the same bytes as far as they are committed.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { complaints, Place, startKafka, startKlamm } from '../lib/broker.mjs'
import { UNSERVED } from '../lib/cluster.mjs'
import { equal, holds } from '../lib/expect.mjs'
import { maven } from '../lib/install.mjs'
import { java } from '../lib/java.mjs'
import { sameUpTo } from '../lib/metadata-log.mjs'
import { run as runProcess, until } from '../lib/process.mjs'
import { KAFKA } from '../lib/versions.mjs'
import { ROOT } from '../../../scripts/setup.mjs'

const IDS = [1, 2, 3]
const STEP_MS = 90_000

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const jars = await maven('kafka-4.3.1', KAFKA)
  await inTurn(suite, jars, { 1: 'klamm', 2: 'kafka', 3: 'kafka' })
  await inTurn(suite, jars, { 1: 'kafka', 2: 'klamm', 3: 'klamm' })
}

/** Node 1 is of one kind, 2 and 3 are of the other. */
async function inTurn(suite, jars, kinds) {
  const cluster = await MixedCluster.make(suite, jars, kinds)
  const [one, other] = [kinds[1], kinds[2]]
  const title = (what) => `1 ${one}, 2 ${other}: ${what}`
  const test = (what, body) => suite.test(title(what), body, STEP_MS)

  await test('they elect a controller, which both kinds of tools describe alike', async () => {
    await Promise.all(IDS.map((id) => cluster.start(id)))
    for (const id of IDS) await cluster.createTopic(id, `by-${id}`)
    await cluster.settled()
    // Whoever leads may change between two questions.
    let ours = []
    await until(async () => {
      ours = await cluster.replicas('klamm', cluster.throughBroker(2))
      const others = [await cluster.replicas('kafka', cluster.throughBroker(1)), await cluster.replicas('kafka')]
      return others.every((theirs) => isDeepStrictEqual(theirs, ours))
    }, 'both tools tell the same')
    equal(
      ours.map(([id, status]) => `${id} ${status === 'Leader' ? 'Follower' : status}`),
      IDS.map((id) => `${id} Follower`),
    )
  })
  await test(`node 1 is killed if it leads, and a ${other} leads`, async () => {
    if ((await cluster.leader()) === 1) {
      await cluster.stop(1, 'SIGKILL')
      await cluster.createTopic(2, 'without-1')
      await cluster.start(1)
    }
    holds((await cluster.leader()) !== 1, 'node 1 does not lead')
    await cluster.settled()
  })
  await test(`the active ${other} is killed while the other lags behind, and the ${one} takes over`, async () => {
    const active = await cluster.leader()
    const behind = IDS.find((id) => id !== 1 && id !== active)
    await cluster.stop(behind, 'SIGTERM')
    await cluster.createTopic(1, `led-by-${active}`)
    await cluster.stop(active, 'SIGKILL')
    await cluster.start(behind)
    await cluster.createTopic(behind, 'led-by-1')
    equal(await cluster.leader(), 1)
    await cluster.start(active)
    await cluster.settled()
  })
  await test(`the active ${one} stops in an orderly way, and a ${other} takes over`, async () => {
    await cluster.stop(1, 'SIGTERM')
    await cluster.createTopic(2, 'after-1')
    holds((await cluster.leader()) !== 1, 'another leads')
    await cluster.start(1)
    await cluster.settled()
  })
  await test('a voter is removed by the one kind of tool, observes, and is added by the other', async () => {
    const tools = one === 'klamm' ? ['klamm', 'kafka'] : ['kafka', 'klamm']
    await cluster.removeController(tools[0], 1, cluster.throughBroker(2))
    await until(
      async () => (await cluster.replicas(tools[1])).find(([id]) => id === 1)?.[1] === 'Observer',
      'it observes',
    )
    await cluster.createTopic(1, 'by-an-observer')
    let isAdded = false
    await until(async () => {
      if ((await cluster.replicas(tools[0])).every(([, status]) => status !== 'Observer')) return true
      if (!isAdded) await cluster.addController(tools[1], 1, cluster.throughBroker(1))
      isAdded = true
      return false
    }, 'it votes')
    await cluster.createTopic(1, 'by-a-voter')
    await cluster.settled()
  })
  await test('all stop, and start again', async () => {
    await Promise.all(IDS.map((id) => cluster.stop(id, 'SIGTERM')))
    await Promise.all(IDS.map((id) => cluster.start(id)))
    await cluster.createTopic(3, 'again')
    await cluster.settled()
  })
  await test('Klamm complains of nothing', async () => {
    equal(cluster.complaints(), [])
  })
  await Promise.all(IDS.map((id) => cluster.stop(id, 'SIGTERM')))
}

class MixedCluster {
  #jars
  #kinds
  #places
  #running = new Map()
  #logs = []
  /** Names of the topics that were created. */
  #topics = []

  constructor(jars, kinds, places) {
    this.#jars = jars
    this.#kinds = kinds
    this.#places = places
  }

  static async make(suite, jars, kinds) {
    const places = new Map()
    const settings = (id) => ({
      'node.id': String(id),
      'broker.session.timeout.ms': '6000',
      'broker.heartbeat.interval.ms': '500',
      // A voter that doesn't come to run for a moment is no reason for an election.
      'controller.quorum.fetch.timeout.ms': '6000',
    })
    for (const id of IDS) places.set(id, await Place.make(suite, `${kinds[1]}-${kinds[2]}-${id}`, settings(id)))
    const servers = IDS.map((id) => `127.0.0.1:${places.get(id).controllerPort}`).join()
    for (const place of places.values()) place.set('controller.quorum.bootstrap.servers', servers)
    const cluster = new MixedCluster(jars, kinds, places)
    const initial = IDS.map((id) => `${id}@127.0.0.1:${places.get(id).controllerPort}:${newId()}`).join()
    const clusterId = newId()
    for (const id of IDS) await cluster.#format(id, clusterId, initial)
    return cluster
  }

  async #format(id, clusterId, initial) {
    const place = this.#places.get(id)
    const features = UNSERVED.flatMap((level) => ['--feature', level])
    const args = ['format', '-t', clusterId, '-c', place.propertiesFile, '--initial-controllers', initial, ...features]
    if (this.#kinds[id] === 'klamm') await runProcess(join(ROOT, 'bin', 'kafka-storage.sh'), args)
    else await java(this.#jars, 'kafka.tools.StorageTool', args)
  }

  async start(id) {
    const place = this.#places.get(id)
    const node = this.#kinds[id] === 'klamm' ? await startKlamm(place) : await startKafka(this.#jars, place)
    this.#running.set(id, node)
    if (node.log !== undefined) this.#logs.push(node.log)
  }

  async stop(id, signal) {
    const node = this.#running.get(id)
    this.#running.delete(id)
    await node?.stop(signal, 60_000)
  }

  complaints() {
    const passing = [/WARN A heartbeat failed/, /WARN The active controller refused the registration/]
    return [...new Set(this.#logs.flatMap((log) => complaints(log(), passing)))]
  }

  /** Of brokers that run. */
  #servers(first = [...this.#running.keys()][0]) {
    return this.#places.get(first).address
  }

  /** A tool of either kind, asking a broker or (`--bootstrap-controller`) a controller. */
  async #tool(kind, name, args, options = {}) {
    const [script, className] = TOOLS[name]
    const { stdout } =
      kind === 'klamm'
        ? await runProcess(join(ROOT, 'bin', script), args, { timeoutMs: 40_000, ...options })
        : await java(this.#jars, className, args, { timeoutMs: 60_000, ...options })
    return stdout
  }

  /** One partition on each broker that runs. */
  async createTopic(at, name) {
    const assignment = [...this.#running.keys()].sort().join()
    const args = [
      '--bootstrap-server',
      this.#servers(at),
      '--create',
      '--topic',
      name,
      '--replica-assignment',
      assignment,
    ]
    // A broker that was just stopped or started is heard of a moment later.
    await until(
      async () => {
        const out = await this.#tool('klamm', 'topics', args, { expectExit: 0 }).catch((error) => String(error))
        return out.includes(`Created topic ${name}`) || out.includes('already exists')
      },
      `${name} is created`,
      45_000,
    )
    this.#topics.push(name)
  }

  async #status() {
    const args = [...this.#throughControllers(), 'describe', '--status']
    const text = await this.#tool('klamm', 'quorum', args)
    return new Map(text.split('\n').map((line) => line.split(/:\s+/)))
  }

  async leader() {
    return await until(async () => {
      const id = Number((await this.#status()).get('LeaderId'))
      return id > 0 ? id : null
    }, 'somebody leads')
  }

  /**
   * Id and status of each replica. A Kafka broker that has not asked the controller for anything of late may pass the question on to a
   * former one: once the controller has changed, controllers are asked directly.
   */
  async replicas(kind, through = this.#throughControllers()) {
    const text = await this.#tool(kind, 'quorum', [...through, 'describe', '--replication'])
    const rows = text.trim().split('\n').slice(1)
    return rows
      .map((row) => row.trim().split(/\s+/))
      .map((cells) => [Number(cells[0]), cells.at(-1)])
      .sort(([left], [right]) => left - right)
  }

  async removeController(kind, id, through) {
    const directory = this.#places.get(id).directoryId()
    const args = ['remove-controller', '--controller-id', String(id), '--controller-directory-id', directory]
    await this.#tool(kind, 'quorum', [...through, ...args])
  }

  async addController(kind, id, through) {
    const { propertiesFile } = this.#places.get(id)
    const command = [...through, '--command-config', propertiesFile, 'add-controller']
    await this.#tool(kind, 'quorum', command)
  }

  throughBroker(id) {
    return ['--bootstrap-server', this.#servers(id)]
  }

  #throughControllers() {
    return ['--bootstrap-controller', IDS.map((id) => `127.0.0.1:${this.#places.get(id).controllerPort}`).join()]
  }

  /** Every node shows every topic, and the logs are the same. */
  async settled() {
    for (const id of this.#running.keys()) {
      await until(
        async () => {
          const args = ['--bootstrap-server', this.#servers(id), '--list', '--exclude-internal']
          return (
            (await this.#tool('klamm', 'topics', args)).trim().split('\n').sort().join() === this.#topics.sort().join()
          )
        },
        `node ${id} shows ${this.#topics.join()}`,
        45_000,
      )
    }
    const end = Number((await this.#status()).get('HighWatermark'))
    const directories = [...this.#running.keys()].map((id) => this.#places.get(id).dataDirectory)
    await until(() => sameUpTo(directories, end), `the metadata logs are the same up to ${end}`)
  }
}

const TOOLS = {
  topics: ['kafka-topics.sh', 'org.apache.kafka.tools.TopicCommand'],
  quorum: ['kafka-metadata-quorum.sh', 'org.apache.kafka.tools.MetadataQuorumCommand'],
}

/** An id that begins with a dash would be an option. */
const newId = () => `K${randomBytes(16).toString('base64url').slice(1)}`
