/**
 * Two brokers of Apache Kafka, one of which is the controller, and one of Klamm, in one cluster: how they are laid out, started,
 * stopped and started again, a client of all three, and what lies in their files.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'
import { Place, REGISTRATION, startKafka, startKlamm } from '../lib/broker.mjs'
import { UNSERVED } from '../lib/cluster.mjs'
import { maven } from '../lib/install.mjs'
import { java } from '../lib/java.mjs'
import { until } from '../lib/process.mjs'
import { filesOf } from '../lib/replicas.mjs'
import { KAFKA } from '../lib/versions.mjs'

export const KAFKAS = [1, 2]
export const KLAMM = 3
const CLUSTER_ID = 'Rv2dkn2bQ5m8s4wqXo3a9A'
const ALL = [...KAFKAS, KLAMM]
const STOP_MS = 60_000

export class MixedBrokers {
  #nodes = new Map()

  /**
   * Resolves when each of the three knows of all.
   * @param {import('../lib/suite.mjs').Suite} suite
   * @param {string} name of their places
   * @param {(id: number, place?: Place) => Record<string, string>} settingsOf
   * @param clientOptions of `kafka`, but `brokers`
   */
  static async start(suite, name, settingsOf, clientOptions = {}) {
    const jars = await maven('kafka-4.3.1', KAFKA)
    const { Klamm } = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
    const places = await makePlaces(suite, jars, name, settingsOf)
    const addresses = ALL.map((id) => places.get(id).address)
    const brokers = new MixedBrokers(jars, places, new Klamm({ brokers: addresses, ...clientOptions }))
    await Promise.all(ALL.map((id) => brokers.start(id)))
    const known = async () => (await brokers.admin.describeCluster()).nodes.length
    await until(async () => (await known()) === ALL.length, 'all brokers are there')
    return brokers
  }

  constructor(jars, places, kafka) {
    this.jars = jars
    /** By node id. */
    this.places = places
    this.kafka = kafka
    this.admin = kafka.admin()
  }

  /** The process that was started last. */
  node(id) {
    return this.#nodes.get(id)
  }

  /** @param {string} [logName] so that the log of an earlier process is kept */
  async start(id, logName) {
    const place = this.places.get(id)
    this.#nodes.set(id, id === KLAMM ? await startKlamm(place, logName) : await startKafka(this.jars, place, logName))
  }

  /** Resolves to how it ended. */
  stop(id, signal) {
    return this.#nodes.get(id).stop(signal, STOP_MS)
  }

  /** All, the controller last. */
  async close() {
    await this.kafka.close()
    for (const id of [KLAMM, 2, 1]) await this.stop(id, 'SIGTERM')
  }
}

/**
 * By node id.
 * @param {import('../lib/suite.mjs').Suite} suite
 * @param {string} name of the places
 * @param {(id: number, place?: Place) => Record<string, string>} settingsOf of brokers that are no controller, with their place
 */
async function makePlaces(suite, jars, name, settingsOf) {
  const places = new Map()
  for (const id of ALL) places.set(id, await Place.make(suite, `${name}-${id}`, settingsOf(id)))
  const controller = places.get(1)
  const format = (place, ...args) =>
    java(jars, 'kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', place.propertiesFile, ...args])
  await format(controller, '--standalone', ...UNSERVED.flatMap((level) => ['--feature', level]))
  for (const id of [2, KLAMM]) {
    const place = places.get(id)
    const properties = {
      'process.roles': 'broker',
      'node.id': String(id),
      'controller.quorum.bootstrap.servers': `127.0.0.1:${controller.controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${place.port}`,
      'log.dirs': place.dataDirectory,
      'group.initial.rebalance.delay.ms': '0',
      ...REGISTRATION,
      ...settingsOf(id, place),
    }
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(place.propertiesFile, lines.join(''))
    await format(place)
  }
  return places
}

/** Values of which no two are alike. */
export const values = (count) => Array.from({ length: count }, (_, index) => `value ${index}`.padEnd(120, ' '))

export function namesOf(place, partition, suffix) {
  const names = readdirSync(join(place.dataDirectory, partition))
  return names.filter((name) => name.endsWith(suffix)).sort()
}

/** The files of all segments, one behind the other. */
export function segmentsOf(place, partition, suffix) {
  return Buffer.concat(filesOf(join(place.dataDirectory, partition), suffix).map(({ bytes }) => bytes))
}

export function epochsOf(place, partition) {
  return readFileSync(join(place.dataDirectory, partition, 'leader-epoch-checkpoint'), 'utf8')
}

/** What a broker in a mixed cluster may warn of, because leaders come and go. */
export const EXPECTED_WARNINGS = [
  /WARN Fetching \S+ from broker \d failed/,
  /WARN Error in response for fetch request to broker/,
]
