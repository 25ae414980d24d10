/**
 * Two brokers of Apache Kafka, one of which is the controller, and one of Klamm: their places, formatted as one cluster, and what
 * lies in their files.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Place, REGISTRATION } from '../lib/broker.mjs'
import { UNSERVED } from '../lib/cluster.mjs'
import { java } from '../lib/java.mjs'
import { filesOf } from '../lib/replicas.mjs'

export const KAFKAS = [1, 2]
export const KLAMM = 3
const CLUSTER_ID = 'Rv2dkn2bQ5m8s4wqXo3a9A'

/**
 * By node id.
 * @param {import('../lib/suite.mjs').Suite} suite
 * @param {string} name of the places
 * @param {(id: number, place?: Place) => Record<string, string>} settingsOf of brokers that are no controller, with their place
 */
export async function makePlaces(suite, jars, name, settingsOf) {
  const places = new Map()
  for (const id of [...KAFKAS, KLAMM]) places.set(id, await Place.make(suite, `${name}-${id}`, settingsOf(id)))
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
