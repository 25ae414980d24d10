/**
 * Klamm as a user starts it: `node dist/cli/server-start.js server.properties`, on a directory and two ports of its own.
 * The same server.properties starts Apache Kafka on the same directory.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { java, javaCommand } from './java.mjs'
import { run, start, until } from './process.mjs'

/**
 * Ports below the range from which outgoing connections take theirs: a client that asks again and again for a broker that
 * is down could otherwise be given the broker's own port, and talk to itself.
 */
const PORTS = { first: 20_000, count: 990 }
let nextPort = PORTS.first + ((process.pid * 10) % PORTS.count)

export async function freePort() {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = nextPort
    nextPort = nextPort + 1 < PORTS.first + PORTS.count ? nextPort + 1 : PORTS.first
    if (await isFree(port)) return port
  }
  throw new Error('no free port')
}

/** @param {number} port */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}

/** @param {number} port */
export function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** A broker is given up that cannot register in a minute; the controllers that it waits for may take longer on a slow machine. */
export const REGISTRATION = { 'initial.broker.registration.timeout.ms': '300000' }
const UP = 'Kafka Server started'

/** Retention first looks after a day: it would take records that tell old times. */
export const KEEPS_OLD_TIMES = { 'log.initial.task.delay.ms': '86400000' }

/** A place for a node: directory, ports, server.properties. Whether Klamm or Kafka runs there is another question. */
export class Place {
  directory
  dataDirectory
  port
  controllerPort
  address
  propertiesFile

  /**
   * @param {import('./suite.mjs').Suite} suite
   * @param {string} name
   * @param {Record<string, string>} [settings]
   */
  static async make(suite, name, settings = {}) {
    return new Place(join(suite.directory, name), await freePort(), await freePort(), settings)
  }

  /**
   * @param {string} directory
   * @param {number} port
   * @param {number} controllerPort
   * @param {Record<string, string>} settings
   */
  constructor(directory, port, controllerPort, settings) {
    this.directory = directory
    this.dataDirectory = join(directory, 'data')
    this.port = port
    this.controllerPort = controllerPort
    this.address = `127.0.0.1:${port}`
    this.propertiesFile = join(directory, 'server.properties')
    mkdirSync(directory, { recursive: true })
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'log.dirs': this.dataDirectory,
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '8',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'share.coordinator.state.topic.replication.factor': '1',
      'share.coordinator.state.topic.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      ...REGISTRATION,
      ...settings,
    }
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.propertiesFile, lines.join(''))
  }

  /**
   * Over what is in server.properties: the last line of a key counts.
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    appendFileSync(this.propertiesFile, `${key}=${value}\n`)
  }

  /** As formatting drew it. */
  directoryId() {
    return /^directory\.id=(.*)$/m.exec(readFileSync(join(this.dataDirectory, 'meta.properties'), 'utf8'))?.[1] ?? ''
  }

  /** @param {string} name */
  logFile(name) {
    return join(this.directory, `${name}.log`)
  }
}

/** Starts Klamm there and waits until it says that it is up: its port is open before. */
export async function startKlamm(place, logName = 'klamm') {
  const logFile = place.logFile(logName)
  let isUp = false
  const process_ = start(process.execPath, [join(ROOT, 'dist', 'cli', 'server-start.js'), place.propertiesFile], {
    logFile,
    onLine: (line) => (isUp ||= line.includes(UP)),
  })
  let how
  void process_.ended.then((code) => (how = code))
  await until(
    () => {
      if (how !== undefined) throw new Error(`Klamm ended with ${how}:\n${readFileSync(logFile, 'utf8').slice(-3000)}`)
      return isUp && listens(place.port)
    },
    'Klamm is up',
    90_000,
  )
  return { ...process_, logFile, log: () => readFileSync(logFile, 'utf8') }
}

/** With eligible leader replicas every topic is shown with a setting that nobody made. */
export const WITHOUT_ELR = ['--feature', 'eligible.leader.replicas.version=0']

/**
 * Makes the directory that Apache Kafka starts on; Klamm makes its own.
 * @param {string} jars
 * @param {Place} place
 * @param {readonly string[]} more arguments
 */
export async function formatForKafka(jars, place, more = []) {
  await java(jars, 'kafka.tools.StorageTool', formatArguments(place, more))
}

/**
 * For what Klamm would not choose itself.
 * @param {Place} place
 * @param {readonly string[]} more arguments
 */
export async function formatForKlamm(place, more) {
  await run(join(ROOT, 'bin', 'kafka-storage.sh'), formatArguments(place, more), { timeoutMs: 30_000 })
}

function formatArguments(place, more) {
  // An id that begins with a dash would be an option.
  const id = `K${randomBytes(16).toString('base64url').slice(1)}`
  return ['format', '--standalone', '-t', id, '-c', place.propertiesFile, ...more]
}

/**
 * Starts Apache Kafka there and waits until it listens.
 * @param {string} jars
 * @param {Place} place
 */
export async function startKafka(jars, place, logName = 'kafka') {
  const logFile = place.logFile(logName)
  const kafka = start('java', javaCommand(jars, 'kafka.Kafka', [place.propertiesFile]), { logFile })
  let how
  void kafka.ended.then((code) => (how = code))
  await until(
    () => {
      if (how !== undefined) throw new Error(`Kafka ended with ${how}; see ${logFile}`)
      return listens(place.port)
    },
    'Kafka listens',
    60_000,
  )
  return kafka
}

/** server.properties above names settings for Kafka's sake; and this release does not compact. */
const EXPECTED = [
  /WARN Not supported yet and without effect: [a-z., ]+ \(/,
  /WARN Not compacted yet, all records are kept: /,
]

/** What a node says of another one that did not answer in time, and that it asks again. */
const OF_PEERS = [
  /WARN A heartbeat failed/,
  /WARN coordinator \d+ was asked in vain/,
  /WARN broker \d+ took no markers, they are sent again/,
  /WARN In-sync replicas could not be changed, which is tried again/,
  /WARN The controller could not be told where replicas lie/,
]
/** A busy machine brings so many of them; more would have a reason of their own. */
const OF_PEERS_MAX = 5

/**
 * The same for a node of a cluster.
 * @param {string} log
 * @param {readonly RegExp[]} expected
 */
export function complaintsInCluster(log, expected = []) {
  const lines = complaints(log, expected)
  const others = lines.filter((line) => !OF_PEERS.some((pattern) => pattern.test(line)))
  return lines.length - others.length > OF_PEERS_MAX ? lines : others
}

/**
 * What Klamm logged at WARN or above, but for what is expected.
 * @param {string} log
 * @param {readonly RegExp[]} expected
 */
export function complaints(log, expected = []) {
  const known = [...EXPECTED, ...expected]
  return log
    .split('\n')
    .filter((line) => /\b(ERROR|FATAL|WARN)\b/.test(line) && !known.some((pattern) => pattern.test(line)))
}
