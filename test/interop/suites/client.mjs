/**
 * The client against Apache Kafka 4.3.1, Apache Kafka 3.9.2 and Klamm: each part (test/interop/client/*.mjs) runs all its cases
 * against each of the three, which are started once. `KLAMM_SERVERS=klamm` runs them against one.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../../scripts/setup.mjs'
import { formatForKafka, KEEPS_OLD_TIMES, Place, startKafka, startKlamm } from '../lib/broker.mjs'
import { maven } from '../lib/install.mjs'
import { KAFKA, KAFKA_3 } from '../lib/versions.mjs'

/**
 * @typedef {object} Server
 * @property {string} name `kafka 4.3`, `kafka 3.9` or `klamm`
 * @property {string} address
 * @property {boolean} isKlamm
 * @property {(name: string, body: () => Promise<string | void>, timeoutMs?: number) => Promise<void>} test
 */

/** @param {import('../lib/suite.mjs').Suite} suite */
export async function run(suite) {
  const klamm = await import(pathToFileURL(join(ROOT, 'dist', 'index.js')).href)
  const parts = readdirSync(join(import.meta.dirname, '..', 'client')).filter((file) => file.endsWith('.mjs'))
  const peers = [
    { name: 'kafka 4.3', jars: await maven('kafka-4.3.1', KAFKA) },
    { name: 'kafka 3.9', jars: await maven('kafka-3.9.2', KAFKA_3) },
    { name: 'klamm', jars: null },
  ]
  const asked = process.env['KLAMM_SERVERS']?.toLowerCase().split(',') ?? null
  for (const { name, jars } of peers.filter((peer) => asked?.some((word) => peer.name.includes(word)) ?? true)) {
    mkdirSync(join(suite.directory, name), { recursive: true })
    const place = await Place.make(suite, name, KEEPS_OLD_TIMES)
    if (jars !== null) await formatForKafka(jars, place)
    const broker = jars === null ? await startKlamm(place) : await startKafka(jars, place)
    const server = {
      name,
      address: place.address,
      isKlamm: jars === null,
      test: (title, body, timeoutMs) => suite.test(`${name}: ${title}`, body, timeoutMs),
    }
    for (const part of parts) {
      const { cases } = await import(`../client/${part}`)
      await cases(server, klamm)
    }
    await broker.stop('SIGTERM', 60_000)
  }
}
