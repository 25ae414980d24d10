/** A data directory, its ports and the server.properties with which Klamm and Kafka open it alike. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const HOST = '127.0.0.1'
/** Below the ports that outgoing connections take. */
const PORTS = { first: 24_000, count: 900 }
const FOREVER = '2147483647'
const DAY_MS = '86400000'

let nextPort = PORTS.first + ((process.pid * 8) % PORTS.count)

export interface Place {
  readonly directory: string
  readonly logDirs: readonly string[]
  readonly port: number
  readonly properties: ReadonlyMap<string, string>
  readonly propertiesFile: string
}

/** Nothing expires or is cleaned by itself: what is compared must not change with time. */
export async function makePlace(
  directory: string,
  settings: Readonly<Record<string, string>> = {},
  logDirNames: readonly string[] = ['data'],
  voters: 'static' | 'dynamic' = 'dynamic',
): Promise<Place> {
  const port = await freePort()
  const controllerPort = await freePort()
  const logDirs = logDirNames.map((name) => join(directory, name))
  const properties = new Map(
    Object.entries({
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://${HOST}:${port}`,
      'log.dirs': logDirs.join(','),
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '4',
      'offsets.retention.minutes': FOREVER,
      'group.initial.rebalance.delay.ms': '0',
      'auto.create.topics.enable': 'false',
      'log.retention.ms': '-1',
      'log.initial.task.delay.ms': DAY_MS,
      'log.retention.check.interval.ms': DAY_MS,
      'log.index.size.max.bytes': '65536',
      'producer.id.expiration.ms': FOREVER,
      'log.message.timestamp.after.max.ms': '9223372036854775807',
      ...(voters === 'static'
        ? { 'controller.quorum.voters': `1@${HOST}:${controllerPort}` }
        : { 'controller.quorum.bootstrap.servers': `${HOST}:${controllerPort}` }),
      ...settings,
    }),
  )
  mkdirSync(directory, { recursive: true })
  const propertiesFile = join(directory, 'server.properties')
  writeFileSync(propertiesFile, [...properties].map(([key, value]) => `${key}=${value}\n`).join(''))
  return { directory, logDirs, port, properties, propertiesFile }
}

async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = nextPort
    nextPort = port + 1 < PORTS.first + PORTS.count ? port + 1 : PORTS.first
    if (await isFree(port)) return port
  }
  throw new Error('no free port')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen({ port, host: HOST }, () => server.close(() => resolve(true)))
  })
}
