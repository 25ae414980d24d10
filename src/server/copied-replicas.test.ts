/**
 * Two brokers with two log directories each, and their controller, on three machines of one seeded world: how long a new
 * replica takes with and without throttles, and what becomes of the replicas of a disk that was replaced.
 */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import type { PartitionImage } from '../metadata/topics-image.ts'
import { AlterPartitionReassignments } from '../protocol/generated/alter-partition-reassignments.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { IncrementalAlterConfigs } from '../protocol/generated/incremental-alter-configs.ts'
import { Produce } from '../protocol/generated/produce.ts'
import { formatDirectory } from '../quorum/format.ts'
import { buildBatch } from '../records/batch-builder.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import { randomUuid, readMetaProperties } from '../storage/meta-properties.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectFrom } from '../testing/test-connection.ts'
import { startControllerNode } from './controller-node.ts'
import type { Node } from './node-life.ts'
import { startNode } from './node.ts'

const BROKERS = [2, 3] as const
const [FIRST, SECOND] = ['/data/first', '/data/second']
const TOPIC_RESOURCE = 2
const BROKER_RESOURCE = 4
const SET = 0

class Cluster {
  readonly world: SeededWorld
  readonly #controller: Node
  readonly #brokers = new Map<number, Node>()

  private constructor(world: SeededWorld, controller: Node) {
    this.world = world
    this.#controller = controller
  }

  static async start(world: SeededWorld): Promise<Cluster> {
    const controller = await startControllerNode({
      world: world.main.world,
      config: configOf(1, [
        ['process.roles', 'controller'],
        ['listeners', 'CONTROLLER://main:9093'],
        ['log.dirs', '/data'],
      ]),
      logger: SILENT,
    })
    const cluster = new Cluster(world, controller)
    for (const id of BROKERS) {
      for (const path of [FIRST, SECOND]) await cluster.format(id, path)
      await cluster.startBroker(id)
    }
    await cluster.until(() => BROKERS.every((id) => controller.image.cluster.brokers.get(id)?.fenced === false))
    return cluster
  }

  /** As `kafka-storage.sh format --ignore-formatted` does with a new disk. */
  async format(id: number, directory: string): Promise<void> {
    const { world } = this.world.node(`b${id}`)
    await formatDirectory({
      ...world,
      directory,
      clusterId: this.#controller.clusterId,
      nodeId: id,
      directoryId: randomUuid(world.random),
      bootstrapValues: [],
      voters: null,
    })
  }

  async startBroker(id: number): Promise<void> {
    const config = configOf(id, [
      ['process.roles', 'broker'],
      ['listeners', `PLAINTEXT://b${id}:9092`],
      ['log.dirs', `${FIRST},${SECOND}`],
      ['replica.fetch.max.bytes', '100000'],
      ['replica.fetch.response.max.bytes', '100000'],
      ['broker.session.timeout.ms', '4000'],
    ])
    this.#brokers.set(id, await startNode({ world: this.world.node(`b${id}`).world, config, logger: SILENT }))
  }

  broker(id: number): Node {
    return this.#brokers.get(id)!
  }

  partitions(topic: string): readonly PartitionImage[] {
    return this.#controller.image.topics.byName(topic)?.partitions ?? []
  }

  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = this.world.elapsedMs() + 120_000
    for (; !(await holds()); await this.world.advance(50)) expect(this.world.elapsedMs()).toBeLessThan(deadlineMs)
  }

  /** All replicas are in sync. */
  inSync(topic: string, count: number): Promise<void> {
    return this.until(() => this.partitions(topic).every(({ isr }) => isr.length === count))
  }

  connect(id: number): Promise<BrokerConnection> {
    return connectFrom(this.world.node('client').world, { host: `b${id}`, port: 9092 }, 40_000)
  }

  async create(name: string, replicas: readonly (readonly number[])[]): Promise<void> {
    const client = await this.connect(2)
    const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const topics = [{ name, numPartitions: -1, replicationFactor: -1, assignments }]
    const answer = await client.request(CreateTopics, { topics, timeoutMs: 30_000 })
    expect(answer.topics[0]?.errorCode).toBe(0)
    client.close()
    await this.world.advance(500)
  }

  /** Batches of 50,000 bytes, all from one connection to the leader. */
  async produce(id: number, name: string, index: number, batches: number): Promise<void> {
    const client = await this.connect(id)
    for (let count = 0; count < batches; count++) {
      const records = buildBatch({ records: [{ timestamp: 0, value: Buffer.alloc(49_900) }] })
      const topicData = [{ name, partitionData: [{ index, records }] }]
      const answer = await client.request(Produce, { acks: -1, timeoutMs: 30_000, topicData }, { versions: { max: 9 } })
      expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
    }
    client.close()
  }

  async configure(
    resourceType: number,
    resourceName: string,
    entries: Readonly<Record<string, string>>,
  ): Promise<void> {
    const client = await this.connect(2)
    const configs = Object.entries(entries).map(([name, value]) => ({ name, value, configOperation: SET }))
    const answer = await client.request(IncrementalAlterConfigs, {
      resources: [{ resourceType, resourceName, configs }],
    })
    expect(answer.responses[0]?.errorCode).toBe(0)
    client.close()
  }

  /** How long a second replica of `t-0` takes. */
  async replicatedMs(): Promise<number> {
    const client = await this.connect(2)
    const startMs = this.world.elapsedMs()
    const answer = await client.request(AlterPartitionReassignments, {
      timeoutMs: 30_000,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [2, 3] }] }],
    })
    expect(answer.responses[0]?.partitions[0]?.errorCode).toBe(0)
    client.close()
    await this.until(() => this.partitions('t')[0]?.isr.length === 2)
    return this.world.elapsedMs() - startMs
  }

  async end(name: string, partition: number, from: number): Promise<number> {
    const client = await this.connect(from)
    const topics = [{ topic: name, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 }] }]
    const answer = await client.request(
      Fetch,
      { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics },
      { versions: { min: 11, max: 11 } },
    )
    client.close()
    return Number(answer.responses[0]?.partitions[0]?.highWatermark)
  }

  async close(): Promise<void> {
    for (const broker of this.#brokers.values()) await broker.close()
    await this.#controller.close()
  }
}

function configOf(id: number, properties: readonly (readonly [string, string])[]): BrokerConfig {
  const common = [
    ['node.id', String(id)],
    ['controller.quorum.bootstrap.servers', 'main:9093'],
    ['controller.listener.names', 'CONTROLLER'],
  ] as const
  return parseBrokerConfig(new Map([...common, ...properties])).config
}

const RATES = {
  'leader.replication.throttled.rate': '200000',
  'follower.replication.throttled.rate': '200000',
}

test.each([
  ['nothing', {}],
  ['the leader', { 'leader.replication.throttled.replicas': '0:2' }],
  ['the follower', { 'follower.replication.throttled.replicas': '0:3' }],
  [
    'nobody of this partition',
    { 'leader.replication.throttled.replicas': '1:2,0:3', 'follower.replication.throttled.replicas': '0:2' },
  ],
] as const)('a new replica of 4 MB at 200 kB a second, where %s is throttled', async (who, lists) => {
  const world = new SeededWorld(7)
  await world.run(async () => {
    const cluster = await Cluster.start(world)
    await cluster.create('t', [[2]])
    await cluster.produce(2, 't', 0, 80)
    await cluster.configure(BROKER_RESOURCE, '', RATES)
    if (Object.keys(lists).length > 0) await cluster.configure(TOPIC_RESOURCE, 't', lists)
    await world.advance(1000)
    const tookMs = await cluster.replicatedMs()
    if (who === 'the leader' || who === 'the follower') {
      expect(tookMs).toBeGreaterThan(18_000)
      expect(tookMs).toBeLessThan(22_000)
    } else {
      expect(tookMs).toBeLessThan(2500)
    }
    // Once in sync it gets everything at once.
    const startMs = world.elapsedMs()
    await cluster.produce(2, 't', 0, 20)
    expect(world.elapsedMs() - startMs).toBeLessThan(3000)
    await cluster.close()
  })
})

test.each([1, 2, 3])(
  'with seed %i what lay on a disk that failed comes back from the other replicas when it was replaced',
  async (seed) => {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const cluster = await Cluster.start(world)
      await cluster.create('t', [
        [2, 3],
        [3, 2],
        [2, 3],
        [3, 2],
      ])
      await cluster.inSync('t', 2)
      for (const [index, leader] of [2, 3, 2, 3].entries()) await cluster.produce(leader, 't', index, 5)
      const { disk: hardware, world: machine } = world.node('b3')
      hardware.failNext({ kinds: ['write', 'writeNow', 'sync'], path: SECOND, code: 'EIO', times: 1000 })
      // What it leads goes to the other broker, and its replicas there are out of sync; those on the other disk stay.
      for (const index of [0, 2]) await cluster.produce(2, 't', index, 5)
      await cluster.until(() => cluster.partitions('t').filter(({ isr }) => isr.length === 1).length === 2)
      await cluster.until(() => cluster.partitions('t').every(({ leader, isr }) => isr.includes(leader)))
      await cluster.broker(3).close()
      hardware.heal()
      await machine.disk.removeTree(SECOND)
      await cluster.format(3, SECOND)
      const before = cluster.partitions('t').map(({ directories, replicas }) => directories[replicas.indexOf(3)])
      await cluster.startBroker(3)
      await cluster.inSync('t', 2)
      // The controller knows where they lie now: in directories that exist.
      const properties = await readMetaProperties(machine.disk, SECOND)
      await cluster.until(() => {
        const now = cluster.partitions('t').map(({ directories, replicas }) => directories[replicas.indexOf(3)])
        return (
          now.filter((directory) => directory === properties?.directoryId).length === 2 &&
          now.filter((directory, at) => directory === before[at]).length === 2
        )
      })
      await cluster.broker(2).close()
      await cluster.until(() => cluster.partitions('t').every(({ leader }) => leader === 3))
      for (const index of [0, 1, 2, 3]) expect(await cluster.end('t', index, 3)).toBe(index % 2 === 0 ? 10 : 5)
      await cluster.close()
    })
  },
)
