/**
 * Combined nodes that form one cluster, as processes: each is Klamm or Apache Kafka, and may become the other on the same
 * directory with the same server.properties. With a network (network.mjs) each is in its own, and so are the clients.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { freePort, REGISTRATION } from './broker.mjs'
import { javaCommand } from './java.mjs'
import { run, start, until } from './process.mjs'

/** Levels that Klamm does not serve; a controller refuses a node that lacks one which is finalised. */
export const UNSERVED = ['group.version=0', 'share.version=0', 'streams.version=0']
const KAFKA_HEAP = ['-Xms128m', '-Xmx384m']
const START_MS = 90_000

/** @typedef {'klamm' | 'kafka'} Kind */

/** An id that no tool takes for an option. */
const uuid = () => `K${randomBytes(16).toString('base64url').slice(1, 21)}A`

export class Cluster {
  /** @type {ClusterNode[]} */
  nodes = []
  /** Where clients find it. */
  bootstrap = ''
  #suite
  #jars
  #network
  #admin = null

  /**
   * @param {import('./suite.mjs').Suite} suite
   * @param {{ jars: string | null, size?: number, settings?: Record<string, string>, network?: import('./network.mjs').Network | null, name?: string, brokers?: readonly number[], voters?: 'dynamic' | 'static' }} options
   *   jars: of Kafka; null: no node is ever Kafka. brokers: ids of nodes that are no controllers. voters: in the metadata log, or in server.properties
   */
  static async make(suite, options) {
    const { jars, size = 3, settings = {}, network = null, name = 'node', brokers = [], voters = 'dynamic' } = options
    const cluster = new Cluster(suite, jars, network, voters)
    for (let id = 1; id <= size; id++) {
      const host = network === null ? '127.0.0.1' : network.address(id)
      const ports = network === null ? [await freePort(), await freePort()] : [9092, 9093]
      const directory = join(suite.directory, `${name}-${id}`)
      cluster.nodes.push(new ClusterNode(cluster, id, directory, host, ports, !brokers.includes(id)))
    }
    cluster.bootstrap = cluster.nodes.map(({ address }) => address).join(',')
    for (const node of cluster.nodes) node.write(settings)
    return cluster
  }

  constructor(suite, jars, network, voters) {
    this.#suite = suite
    this.#jars = jars
    this.#network = network
    this.voters = voters
  }

  get controllers() {
    return this.nodes.filter(({ isController }) => isController).map(({ controller }) => controller)
  }

  /** As server.properties names them. */
  get quorum() {
    const controllers = this.nodes.filter(({ isController }) => isController)
    if (this.voters === 'dynamic') return { 'controller.quorum.bootstrap.servers': this.controllers.join(',') }
    return { 'controller.quorum.voters': controllers.map(({ id, controller }) => `${id}@${controller}`).join(',') }
  }

  /**
   * Formats all directories for one quorum, by the storage tool of one kind.
   * @param {Kind} kind
   * @param {readonly string[]} levels of features that shall not have the latest one
   */
  async format(kind, levels = UNSERVED) {
    const id = uuid()
    const controllers = this.nodes.filter(({ isController }) => isController)
    const voters = controllers.map((node) => `${node.id}@${node.controller}:${node.directoryId}`).join(',')
    const ofControllers = [
      ...(this.voters === 'dynamic' ? ['--initial-controllers', voters] : []),
      ...levels.flatMap((level) => ['--feature', level]),
    ]
    for (const node of this.nodes) {
      const args = ['format', '-t', id, '-c', node.propertiesFile, ...(node.isController ? ofControllers : [])]
      if (kind === 'kafka')
        await run('java', javaCommand(this.#jars, 'kafka.tools.StorageTool', args), { timeoutMs: 60_000 })
      else await run(join(ROOT, 'bin', 'kafka-storage.sh'), args, { timeoutMs: 60_000 })
    }
  }

  /** Starts all, and waits until each is part of the cluster. @param {Kind} kind */
  async start(kind) {
    for (const node of this.nodes) node.launch(kind)
    for (const node of this.nodes) await node.isUp()
  }

  /** @param {Kind} kind */
  command(node, kind) {
    const server = [join(ROOT, 'dist', 'cli', 'server-start.js'), node.propertiesFile]
    const [command, args] =
      kind === 'klamm'
        ? [process.execPath, server]
        : ['java', javaCommand(this.#jars, 'kafka.Kafka', [node.propertiesFile], KAFKA_HEAP)]
    return this.#network === null ? [command, args] : this.#network.within(node.id, command, args)
  }

  /** A program of clients, where they are. */
  client(command, args) {
    return this.#network === null ? [command, args] : this.#network.within('clients', command, args)
  }

  /**
   * A question of cluster-admin.mjs.
   * @param {string} question
   * @param {object} [how]
   */
  async ask(question, how = {}) {
    this.#admin ??= this.#startAdmin()
    const { waiting, process: asker } = this.#admin
    const id = waiting.next++
    const answer = new Promise((resolve, reject) => waiting.of.set(id, { resolve, reject }))
    asker.stdin.write(`${JSON.stringify({ id, ask: question, ...how })}\n`)
    return answer
  }

  #startAdmin() {
    const waiting = { next: 1, of: new Map() }
    const onLine = (line) => {
      const { id, answer, error } = JSON.parse(line)
      const { resolve, reject } = waiting.of.get(id)
      waiting.of.delete(id)
      if (error === undefined) resolve(answer)
      else reject(new Error(error))
    }
    const program = [join(import.meta.dirname, 'cluster-admin.mjs'), this.bootstrap]
    const [command, args] = this.client(process.execPath, program)
    const asker = start(command, args, { logFile: join(this.#suite.directory, 'admin.log'), onLine })
    void asker.ended.then(() => {
      this.#admin = null
      for (const { reject } of waiting.of.values()) reject(new Error('the asking process has ended'))
    })
    return { waiting, process: asker }
  }

  /** The answer, or null while there is none. */
  tryAsk(question, how) {
    return this.ask(question, how).catch(() => null)
  }

  /** Waits until every partition is led and all its replicas are in sync, as all or one of the nodes know it. */
  async isFull(timeoutMs = 90_000, at = this.bootstrap) {
    let missing = null
    const full = async () => {
      const partitions = await this.tryAsk('partitions', { at })
      if (partitions === null) return false
      missing = partitions.filter(({ leader, replicas, isr }) => leader === null || replicas.length !== isr.length)
      return missing.length === 0
    }
    await until(full, 'all replicas are in sync', timeoutMs).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(missing?.slice(0, 5) ?? 'no answer')}`)
    })
  }

  async stop() {
    this.#admin?.process.stdin.end()
    await Promise.all(this.nodes.map((node) => node.stop('SIGTERM', 30_000)))
  }
}

export class ClusterNode {
  id
  directory
  dataDirectory
  propertiesFile
  directoryId = uuid()
  address
  controller
  /** @type {Kind | null} null: not running */
  kind = null
  #cluster
  #process = null
  #launches = 0
  #logFile = ''
  #isExpectedToEnd = false

  constructor(cluster, id, directory, host, [port, controllerPort], isController) {
    this.#cluster = cluster
    this.isController = isController
    this.id = id
    this.directory = directory
    this.dataDirectory = join(directory, 'data')
    this.propertiesFile = join(directory, 'server.properties')
    this.address = `${host}:${port}`
    this.controller = `${host}:${controllerPort}`
    mkdirSync(directory, { recursive: true })
  }

  /** @param {Record<string, string>} settings */
  write(settings) {
    const listeners = `PLAINTEXT://${this.address}${this.isController ? `,CONTROLLER://${this.controller}` : ''}`
    const properties = {
      'process.roles': this.isController ? 'broker,controller' : 'broker',
      'node.id': String(this.id),
      ...this.#cluster.quorum,
      'controller.listener.names': 'CONTROLLER',
      listeners,
      'advertised.listeners': listeners,
      'log.dirs': this.dataDirectory,
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.num.partitions': '4',
      'transaction.state.log.min.isr': '2',
      'group.initial.rebalance.delay.ms': '0',
      'log.retention.ms': '-1',
      ...REGISTRATION,
      ...settings,
    }
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.propertiesFile, lines.join(''))
  }

  /** @param {Kind} kind */
  launch(kind) {
    const [command, args] = this.#cluster.command(this, kind)
    this.#logFile = join(this.directory, `${kind}-${++this.#launches}.log`)
    this.#process = start(command, args, { logFile: this.#logFile })
    this.kind = kind
    this.#isExpectedToEnd = false
    const launched = this.#process
    void launched.ended.then((how) => {
      if (this.#process !== launched) return
      this.kind = null
      if (!this.#isExpectedToEnd)
        this.unexpected = `node ${this.id} (${kind}) ended with ${how}: ${this.log().slice(-3000)}`
    })
  }

  /** How it ended without being told; null: it did not. */
  unexpected = null

  log() {
    return readFileSync(this.#logFile, 'utf8')
  }

  /** Lines of all its logs that no fault from outside may bring: bugs, broken files, directories taken offline. */
  alarms() {
    const lines = readdirSync(this.directory)
      .filter((file) => file.startsWith('klamm-'))
      .flatMap((file) =>
        readFileSync(join(this.directory, file), 'utf8')
          .split('\n')
          .map((line) => `${file}: ${line}`),
      )
    return lines.filter((line) => /\bFATAL\b|\bbug: |LOG_CORRUPT|goes offline/.test(line))
  }

  /** Waits until it answers, as a part of the cluster. Others may still take it for the process that it was before. */
  async isUp() {
    const isThere = async () => {
      if (this.unexpected !== null) throw new Error(this.unexpected)
      return (await this.#cluster.tryAsk('nodes', { at: this.address }))?.includes(this.id) ?? false
    }
    await until(isThere, `node ${this.id} is part of the cluster`, START_MS)
  }

  /** Starts it, and waits until it serves and all replicas are in sync. @param {Kind} kind */
  async start(kind) {
    this.launch(kind)
    await this.isUp()
    await this.#cluster.isFull(START_MS, this.address)
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal = 'SIGTERM', timeoutMs = 120_000) {
    if (this.kind === null) return null
    this.#isExpectedToEnd = true
    const how = await this.#process.stop(signal, timeoutMs)
    this.kind = null
    return how
  }

  pause() {
    this.#process.signal('SIGSTOP')
  }

  resume() {
    this.#process.signal('SIGCONT')
  }
}
