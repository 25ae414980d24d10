/**
 * A controller with many partitions: `node scripts/run.mjs bench/controller.ts [partitions]`.
 *
 * Prints seconds of the clock and of the processors for each phase, and fails if one takes longer than it may: what concerns one
 * broker must not walk over all partitions, and a log is replayed in linear time.
 */
import { promises as fs } from 'node:fs'
import { tmpdir } from 'node:os'
import { startMetadataNode } from '../src/testing/metadata-node.ts'
import { nodeWorld } from '../src/world/node/index.ts'
import { create, createLarge, heartbeat, registerBrokers } from './controller-load.ts'

const PARTITIONS = Number(process.argv[2] ?? 100_000)
const TOPICS = Math.max(1, Math.round(PARTITIONS / 100))
const HEARTBEATS = 1000
/** Seconds of the processors per 100,000 partitions (or 1,000 topics, or heartbeats); several times what was measured. */
const LIMITS = new Map([
  ['create 1,000 topics one by one', 15],
  ['heartbeats', 1],
  ['a broker begins its shutdown', 10],
  ['start', 15],
])

const failed: string[] = []

async function phase<Result>(name: string, count: number, work: () => Promise<Result>): Promise<Result> {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  const result = await work()
  const cpu = process.cpuUsage(before)
  const cpuSeconds = (cpu.user + cpu.system) / 1e6
  const seconds = (performance.now() - startedMs) / 1000
  const memory = `${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`
  console.log(
    `${name.padEnd(32)} ${String(count).padStart(7)}  ${seconds.toFixed(2)} s  ${cpuSeconds.toFixed(2)} CPU-s  ${memory}`,
  )
  if (cpuSeconds > (LIMITS.get(name) ?? Infinity)) failed.push(name)
  return result
}

const world = nodeWorld()
const logDirectory = await fs.mkdtemp(`${tmpdir()}/klamm-controller-`)

const node = await startMetadataNode(world, { logDirectory })
await registerBrokers(node)
await phase('create 1,000 topics one by one', Math.min(1000, TOPICS), async () => {
  for (let index = 0; index < Math.min(1000, TOPICS); index++) await create(node, `small-${index}`, 1)
})
await phase('create topics of 100 partitions', TOPICS, () => createLarge(node, TOPICS * 100))
await phase('heartbeats', HEARTBEATS, async () => {
  for (let index = 0; index < HEARTBEATS; index++) await heartbeat(node, 2)
})
await phase('a broker begins its shutdown', PARTITIONS, () => heartbeat(node, 1, true))
await phase('heartbeats', HEARTBEATS, async () => {
  for (let index = 0; index < HEARTBEATS; index++) await heartbeat(node, 1, true)
})
await node.controller.close()
const again = await phase('start', PARTITIONS, () => startMetadataNode(world, { logDirectory }))
await phase('create topic after the start', 1, () => create(again, 'last', 1))
await again.controller.close()
await fs.rm(logDirectory, { recursive: true })
if (failed.length > 0) {
  console.error(`longer than it may take: ${failed.join(', ')}`)
  process.exitCode = 1
}
