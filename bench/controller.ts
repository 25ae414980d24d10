/**
 * A controller with many partitions: `node scripts/run.mjs bench/controller.ts [partitions]`.
 *
 * Prints seconds of the clock and of the processors for each phase, and fails if one takes longer than it may: what concerns one
 * broker must not walk over all partitions, and a log is replayed in linear time.
 */
import { promises as fs } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Uuid } from '../src/base/uuid.ts'
import { BrokerHeartbeatRequest } from '../src/protocol/generated/broker-heartbeat.ts'
import { BrokerRegistrationRequest } from '../src/protocol/generated/broker-registration.ts'
import { CreateTopicsRequest } from '../src/protocol/generated/create-topics.ts'
import { CLUSTER_ID, startMetadataNode, type MetadataNode } from '../src/testing/metadata-node.ts'
import { nodeWorld } from '../src/world/node/index.ts'

const PARTITIONS = Number(process.argv[2] ?? 100_000)
const TOPICS = Math.max(1, Math.round(PARTITIONS / 100))
const BROKERS = [1, 2, 3, 4, 5, 6]
const HEARTBEATS = 1000
const LATEST = { apiVersion: 99, clientHost: null }
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
const epochs = new Map<number, number>()

async function register({ controller }: MetadataNode, brokerId: number): Promise<void> {
  const { brokerEpoch } = await controller.registerBroker(
    BrokerRegistrationRequest.make({
      brokerId,
      clusterId: CLUSTER_ID,
      incarnationId: `iiiiiiiiiiiiiiiiiii${brokerId}DA` as Uuid,
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
      logDirs: [`ddddddddddddddddddd${brokerId}DA` as Uuid],
    }),
    LATEST,
  )
  epochs.set(brokerId, Number(brokerEpoch))
}

async function heartbeat({ controller, quorum }: MetadataNode, brokerId: number, wantShutDown = false): Promise<void> {
  const brokerEpoch = epochs.get(brokerId) ?? -1
  const currentMetadataOffset = quorum.endOffset - 1
  const request = BrokerHeartbeatRequest.make({ brokerId, brokerEpoch, currentMetadataOffset, wantShutDown })
  await controller.brokerHeartbeat(request, LATEST)
}

async function create({ controller }: MetadataNode, name: string, numPartitions: number): Promise<void> {
  const request = CreateTopicsRequest.make({ topics: [{ name, numPartitions, replicationFactor: 3 }] })
  const { topics } = await controller.createTopics(request, LATEST)
  const { errorCode, errorMessage } = topics?.[0] ?? {}
  if (errorCode !== 0) throw new Error(`${name}: ${errorMessage}`)
}

const node = await startMetadataNode(world, { logDirectory })
for (const id of BROKERS) await register(node, id)
for (const id of BROKERS) await heartbeat(node, id)
await phase('create 1,000 topics one by one', Math.min(1000, TOPICS), async () => {
  for (let index = 0; index < Math.min(1000, TOPICS); index++) await create(node, `small-${index}`, 1)
})
await phase('create topics of 100 partitions', TOPICS, async () => {
  const names = Array.from({ length: TOPICS }, (_, index) => `large-${index}`)
  await Promise.all(names.map((name) => create(node, name, 100)))
})
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
