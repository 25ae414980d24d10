/**
 * A controller alone starts on a metadata log with many partitions, Klamm's and Kafka's in turns on copies of one directory.
 *
 * "Active" is: it decides what only the active controller decides.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AllocateProducerIds } from '../../src/protocol/generated/allocate-producer-ids.ts'
import { CLUSTER_ID, startMetadataNode } from '../../src/testing/metadata-node.ts'
import { nodeWorld } from '../../src/world/node/index.ts'
import { createLarge, registerBrokers } from '../controller-load.ts'
import { connect, sleep } from './admin.ts'
import { median, table } from './report.ts'
import { ServerProcess, type Peer, type ServerPlace } from './server-process.ts'

/** To a broker that doesn't know its epoch; a controller that isn't active answers NOT_CONTROLLER. */
const STALE_BROKER_EPOCH = 77
const ACTIVE_MS_MAX = 120_000

export async function controllerStartRows(
  peers: readonly Peer[],
  place: (peer: Peer, name: string) => ServerPlace,
  partitions: number,
  rounds: number,
): Promise<string> {
  const { directory: origin } = place('klamm', 'controller-log')
  await makeLog(join(origin, 'data'), partitions)
  const found: Record<Peer, Figures[]> = { klamm: [], kafka: [] }
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      const at = place(peer, `controller-${peer}-${round}`)
      cpSync(origin, at.directory, { recursive: true })
      const figures = await measure(peer, { ...at, properties: writeProperties(at) })
      console.error(peer, JSON.stringify(figures))
      found[peer].push(figures)
    }
  }
  const rows = peers.map((peer) => {
    const of = (field: keyof Figures): string => {
      const values = found[peer].map((figures) => figures[field])
      return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`
    }
    return [peer, of('activeSeconds'), of('cpuSeconds'), of('rssMegabytes')]
  })
  return table([`controller start, ${partitions} partitions`, 'until active, s', 'CPU-s until then', 'RSS MB'], rows)
}

interface Figures {
  readonly activeSeconds: number
  readonly cpuSeconds: number
  readonly rssMegabytes: number
}

async function makeLog(logDirectory: string, partitions: number): Promise<void> {
  mkdirSync(logDirectory, { recursive: true })
  const node = await startMetadataNode(nodeWorld(), { logDirectory })
  await registerBrokers(node)
  await createLarge(node, partitions)
  await node.controller.close()
  const properties = ['version=1', `cluster.id=${CLUSTER_ID}`, 'node.id=1', 'directory.id=nLiBKRtUTHOn4PqZgTBHRQ', '']
  writeFileSync(join(logDirectory, 'meta.properties'), properties.join('\n'))
}

function writeProperties({ directory, port }: ServerPlace): string {
  const path = join(directory, 'server.properties')
  writeFileSync(
    path,
    `process.roles=controller
node.id=1
listeners=CONTROLLER://127.0.0.1:${port}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:${port}
log.dirs=${join(directory, 'data')}
`,
  )
  return path
}

async function measure(peer: Peer, place: ServerPlace): Promise<Figures> {
  const startedMs = performance.now()
  const server = ServerProcess.spawn(peer, place)
  while (!(await isActive(server))) {
    if (server.hasExited || performance.now() - startedMs > ACTIVE_MS_MAX) throw new Error(`${peer} isn't active`)
    await sleep(5)
  }
  const activeSeconds = (performance.now() - startedMs) / 1000
  const figures = { activeSeconds, cpuSeconds: server.cpuSeconds(), rssMegabytes: server.rssBytes() / 1e6 }
  await server.kill()
  return figures
}

async function isActive(server: ServerProcess): Promise<boolean> {
  try {
    const connection = await connect(server)
    try {
      const { errorCode } = await connection.request(AllocateProducerIds, 0, { brokerId: 1, brokerEpoch: -1n })
      return errorCode === STALE_BROKER_EPOCH
    } finally {
      connection.close()
    }
  } catch {
    return false
  }
}
