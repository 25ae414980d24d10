/** A broker and its controller on two machines of one seeded world: what the broker follows, and how it copes when the other is away. */
import { expect, test } from 'vitest'
import { errorName } from '../base/error-codes.ts'
import { SILENT, type Logger } from '../base/logger.ts'
import { parseUuid } from '../base/uuid.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import { AlterClientQuotas } from '../protocol/generated/alter-client-quotas.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DeleteTopics } from '../protocol/generated/delete-topics.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { formatDirectory } from '../quorum/format.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectFrom } from '../testing/test-connection.ts'
import { startControllerNode } from './controller-node.ts'
import type { Node } from './node-life.ts'
import { startNode } from './node.ts'
import { CONSUMER_OFFSETS } from './topic-names.ts'

const METADATA = '/data/__cluster_metadata-0'

class Cluster {
  readonly world: SeededWorld
  controller: Node | null = null
  broker: Node | null = null

  constructor(world: SeededWorld) {
    this.world = world
  }

  async startController(): Promise<Node> {
    const config = configOf([
      ['process.roles', 'controller'],
      ['node.id', '1'],
      ['listeners', 'CONTROLLER://main:9093'],
      ['metadata.log.max.record.bytes.between.snapshots', '2000'],
      ['metadata.max.retention.bytes', '1'],
    ])
    this.controller = await startControllerNode({ world: this.world.main.world, config, logger: SILENT })
    return this.controller
  }

  async startBroker(logger: Logger = SILENT): Promise<Node> {
    const config = configOf([
      ['process.roles', 'broker'],
      ['node.id', '2'],
      ['listeners', 'PLAINTEXT://other:9092'],
    ])
    this.broker = await startNode({ world: this.world.node('other').world, config, logger })
    return this.broker
  }

  /** As its operator does: a broker doesn't know by itself to which cluster it belongs. */
  async formatBroker(): Promise<void> {
    await formatDirectory({
      ...this.world.node('other').world,
      directory: '/data',
      clusterId: this.controller!.clusterId,
      nodeId: 2,
      directoryId: parseUuid('eeeeeeeeeeeeeeeeeeeeeA')!,
      bootstrapValues: [],
      voters: null,
    })
  }

  connect(address = { host: 'other', port: 9092 }): Promise<BrokerConnection> {
    return connectFrom(this.world.node('client').world, address, 40_000)
  }

  /** Topics that the broker shows, through its front door. */
  async topics(): Promise<string[]> {
    const client = await this.connect()
    const { topics } = await client.request(Metadata, { topics: null }, { versions: { max: 9 } })
    client.close()
    return topics.map(({ name }) => name ?? '').sort()
  }

  async createTopics(...names: readonly string[]): Promise<void> {
    const client = await this.connect()
    for (const name of names) {
      const topics = [{ name, numPartitions: 3, replicationFactor: 1 }]
      const answer = await client.request(CreateTopics, { topics, timeoutMs: 30_000 })
      expect(answer.topics[0]).toMatchObject({ name, errorCode: 0 })
    }
    client.close()
  }
}

function configOf(properties: readonly (readonly [string, string])[]): BrokerConfig {
  const common = [
    ['controller.quorum.bootstrap.servers', 'main:9093'],
    ['controller.listener.names', 'CONTROLLER'],
    ['log.dirs', '/data'],
  ] as const
  return parseBrokerConfig(new Map([...common, ...properties])).config
}

async function withCluster(seed: number, run: (cluster: Cluster) => Promise<void>): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const cluster = new Cluster(world)
    await cluster.startController()
    await cluster.formatBroker()
    await cluster.startBroker()
    await run(cluster)
    await cluster.broker?.close()
    await cluster.controller?.close()
  })
}

test('a topic that is created through the broker is led by it, and the controller knows', async () => {
  await withCluster(2, async (cluster) => {
    expect(cluster.controller!.image.cluster.brokers.get(2)).toMatchObject({ id: 2, fenced: false })
    expect(cluster.broker!.clusterId).toBe(cluster.controller!.clusterId)
    await cluster.createTopics('a')
    await cluster.world.advance(1000)
    expect(await cluster.topics()).toEqual(['a'])
    const led = cluster.controller!.image.topics.byName('a')!.partitions.map(({ leader, isr }) => [leader, isr])
    expect(led).toEqual([
      [2, [2]],
      [2, [2]],
      [2, [2]],
    ])
  })
})

test('the controller counts the partitions of each client by its id, and the broker mutes whom it tells to wait', async () => {
  await withCluster(4, async (cluster) => {
    const { world } = cluster
    const client = await cluster.connect()
    const create = async (name: string, numPartitions: number) => {
      const topics = [{ name, numPartitions, replicationFactor: 1 }]
      return client.request(CreateTopics, { topics, timeoutMs: 30_000 })
    }
    const entity = [{ entityType: 'client-id', entityName: 'test' }]
    const ops = [{ key: 'controller_mutation_rate', value: 1, remove: false }]
    await client.request(AlterClientQuotas, { entries: [{ entity, ops }] })
    expect((await create('a', 20)).topics[0]!.errorCode).toBe(0)
    const refused = await create('b', 1)
    expect(errorName(refused.topics[0]!.errorCode)).toBe('THROTTLING_QUOTA_EXCEEDED')
    expect(refused.throttleTimeMs).toBeGreaterThan(8000)
    const startMs = world.elapsedMs()
    await client.request(Metadata, { topics: [] })
    expect(world.elapsedMs() - startMs).toBeGreaterThan(refused.throttleTimeMs - 200)
    expect((await create('b', 1)).topics[0]!.errorCode).toBe(0)
    client.close()
  })
})

test('a broker that was away for long gets the snapshot, keeps it, and starts from it', async () => {
  await withCluster(3, async (cluster) => {
    await cluster.createTopics('gone', 'stays')
    await cluster.broker!.close()
    await cluster.world.advance(1000)
    const { controller, world } = cluster
    // A log that is idle grows too; with every few kilobytes of it a snapshot replaces what was before.
    await world.advance(120_000)
    expect(controller!.image.topics.byName('gone')).not.toBe(null)
    await world.node('other').world.disk.removeTree(METADATA)
    await cluster.startBroker()
    await world.advance(1000)
    expect(await cluster.topics()).toEqual(['gone', 'stays'])
    const names = (await world.node('other').world.disk.list(METADATA))!.map(({ name }) => name)
    expect(names.filter((name) => name.endsWith('.checkpoint'))).toHaveLength(1)
    expect(names).not.toContain('00000000000000000000.log')
    await cluster.broker!.close()
    await cluster.startBroker()
    await world.advance(1000)
    expect(await cluster.topics()).toEqual(['gone', 'stays'])
  })
})

test('a killed broker that comes back within its session leads nothing before it is registered anew', async () => {
  await withCluster(5, async (cluster) => {
    const internal = { name: CONSUMER_OFFSETS, numPartitions: 1, replicationFactor: 1 }
    const client = await cluster.connect()
    await client.request(CreateTopics, { topics: [internal], timeoutMs: 30_000 })
    client.close()
    await cluster.world.advance(1000)
    cluster.world.node('other').crash()
    const lines: string[] = []
    const told = (line: string): void => void lines.push(line)
    await cluster.startBroker({ debug: told, info: told, warn: told, error: told })
    await cluster.world.advance(1000)
    const refused = lines.findIndex((line) => line.includes('DUPLICATE_BROKER_REGISTRATION'))
    const registered = lines.findIndex((line) => line.startsWith('Registered broker 2'))
    const loaded = lines.findIndex((line) => line.startsWith('Loaded group coordinator partition 0'))
    expect(refused).toBeGreaterThanOrEqual(0)
    expect(registered).toBeGreaterThan(refused)
    expect(loaded).toBeGreaterThan(registered)
    expect(lines[loaded]).not.toContain('at epoch 0')
  })
})

test('the controller is killed and comes back: the broker serves on, and its next requests are decided', async () => {
  await withCluster(4, async (cluster) => {
    await cluster.createTopics('a')
    const { world } = cluster
    await cluster.controller!.close()
    await world.advance(3000)
    expect(await cluster.topics()).toEqual(['a'])
    const created = cluster.createTopics('b')
    await world.advance(2000)
    const controller = await cluster.startController()
    await created
    await world.advance(1000)
    expect(await cluster.topics()).toEqual(['a', 'b'])
    await world.advance(20_000)
    expect(controller.image.cluster.brokers.get(2)).toMatchObject({ fenced: false })
  })
})

test('a partition that heals: the broker is fenced meanwhile, follows again, and is unfenced', async () => {
  await withCluster(5, async (cluster) => {
    await cluster.createTopics('a')
    const { world, controller } = cluster
    world.net.isolate('main')
    await world.advance(20_000)
    expect(controller!.image.cluster.brokers.get(2)).toMatchObject({ fenced: true })
    world.net.heal()
    await world.advance(15_000)
    expect(controller!.image.cluster.brokers.get(2)).toMatchObject({ fenced: false })
    expect(controller!.image.topics.byName('a')!.partitions.map(({ leader }) => leader)).toEqual([2, 2, 2])
    const client = await cluster.connect()
    const answer = await client.request(
      DeleteTopics,
      { topicNames: ['a'], timeoutMs: 30_000 },
      { versions: { max: 5 } },
    )
    expect(answer.responses[0]).toMatchObject({ errorCode: 0 })
    client.close()
    await world.advance(1000)
    expect(await cluster.topics()).toEqual([])
  })
})

test('a broker that runs while it is cut off gets a snapshot too, and lets go of what is gone', async () => {
  await withCluster(7, async (cluster) => {
    await cluster.createTopics('goes', 'stays')
    const { world } = cluster
    world.net.cut('main', 'other')
    const client = await cluster.connect({ host: 'main', port: 9093 })
    const request = { topicNames: ['goes'], timeoutMs: 30_000 }
    const answer = await client.request(DeleteTopics, request, { versions: { max: 5 } })
    expect(answer.responses[0]).toMatchObject({ errorCode: 0 })
    client.close()
    await world.advance(120_000)
    expect(await cluster.topics()).toEqual(['goes', 'stays'])
    world.net.heal()
    await world.advance(15_000)
    expect(await cluster.topics()).toEqual(['stays'])
    const names = (await world.node('other').world.disk.list(METADATA))!.map(({ name }) => name)
    expect(names).not.toContain('00000000000000000000.log')
    const directories = (await world.node('other').world.disk.list('/data'))!.map(({ name }) => name)
    expect(directories.filter((name) => /^goes-\d$/.test(name))).toEqual([])
    await cluster.createTopics('new')
    await world.advance(1000)
    expect(await cluster.topics()).toEqual(['new', 'stays'])
  })
})

test('a broker of another cluster is not let in', async () => {
  const world = new SeededWorld(6)
  await world.run(async () => {
    const cluster = new Cluster(world)
    await cluster.startController()
    await formatDirectory({
      ...world.node('other').world,
      directory: '/data',
      clusterId: 'xxxxxxxxxxxxxxxxxxxxxA',
      nodeId: 2,
      directoryId: parseUuid('eeeeeeeeeeeeeeeeeeeeeA')!,
      bootstrapValues: [],
      voters: null,
    })
    const lines: string[] = []
    const started = cluster.startBroker({ ...SILENT, error: (line) => lines.push(line) })
    started.catch(() => {})
    await world.advance(5000)
    expect(cluster.controller!.image.cluster.brokers.size).toBe(0)
    // It asks again and again, and says why once.
    expect(lines).toEqual([
      expect.stringMatching(/Fetch is refused: INCONSISTENT_CLUSTER_ID\. .* two clusters: compare cluster\.id/),
    ])
    await cluster.controller!.close()
  })
})
