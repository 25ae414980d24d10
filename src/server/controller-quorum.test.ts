/** Three controllers and a broker on four machines of one seeded world: elections, fail-over, voter changes. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { AddRaftVoter } from '../protocol/generated/add-raft-voter.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DescribeQuorum } from '../protocol/generated/describe-quorum.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { UpdateFeatures } from '../protocol/generated/update-features.ts'
import { RemoveRaftVoter } from '../protocol/generated/remove-raft-voter.ts'
import { formatDirectory } from '../quorum/format.ts'
import { KRAFT_VERSIONS } from '../raft/voters.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import { plainImage } from '../testing/plain-image.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectFrom } from '../testing/test-connection.ts'
import { startControllerNode } from './controller-node.ts'
import type { Node } from './node-life.ts'
import { startNode } from './node.ts'

const CLUSTER_ID = 'cccccccccccccccccccccA'
const VOTERS = [1, 2, 3]
const BROKER = 9

class Cluster {
  readonly world: SeededWorld
  readonly controllers = new Map<number, Node>()
  broker: Node | null = null
  readonly #level: number

  constructor(world: SeededWorld, level: number) {
    this.world = world
    this.#level = level
  }

  async format(id: number): Promise<void> {
    await formatDirectory({
      ...this.world.node(`n${id}`).world,
      directory: '/data',
      clusterId: CLUSTER_ID,
      nodeId: id,
      directoryId: directoryOf(id),
      bootstrapValues: bootstrapValues(this.#level),
      voters: VOTERS.includes(id)
        ? VOTERS.map((voter) => ({
            id: voter,
            directoryId: directoryOf(voter),
            kraftVersions: KRAFT_VERSIONS,
            endpoints: [{ name: 'CONTROLLER', host: `n${voter}`, port: 9093 }],
          }))
        : null,
    })
  }

  async start(id: number): Promise<void> {
    const config = configOf(id, 'controller', `CONTROLLER://n${id}:9093`)
    this.controllers.set(
      id,
      await startControllerNode({ world: this.world.node(`n${id}`).world, config, logger: SILENT }),
    )
  }

  async stop(id: number): Promise<void> {
    const node = this.controllers.get(id)
    this.controllers.delete(id)
    await node?.close()
  }

  async startBroker(): Promise<void> {
    const config = configOf(BROKER, 'broker', `PLAINTEXT://n${BROKER}:9092`)
    this.broker = await startNode({ world: this.world.node(`n${BROKER}`).world, config, logger: SILENT })
  }

  connect(address = { host: `n${BROKER}`, port: 9092 }): Promise<BrokerConnection> {
    return connectFrom(this.world.node('client').world, address)
  }

  async createTopic(name: string): Promise<void> {
    const client = await this.connect()
    const topics = [{ name, numPartitions: 1, replicationFactor: 1 }]
    const answer = await client.request(CreateTopics, { topics, timeoutMs: 30_000 })
    expect(answer.topics[0]).toMatchObject({ name, errorCode: 0 })
    client.close()
  }

  async topics(): Promise<string[]> {
    const client = await this.connect()
    const { topics } = await client.request(Metadata, { topics: null }, { versions: { max: 9 } })
    client.close()
    return topics.map(({ name }) => name ?? '').sort()
  }

  /** As the broker passes it on. */
  async quorum(): Promise<{ leaderId: number; voters: number[]; observers: number[] }> {
    const client = await this.connect()
    const asked = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
    const { topics } = await client.request(DescribeQuorum, asked)
    client.close()
    const { leaderId, currentVoters, observers } = topics[0]!.partitions[0]!
    const ids = (replicas: readonly { readonly replicaId: number }[]): number[] =>
      replicas.map(({ replicaId }) => replicaId).sort()
    return { leaderId, voters: ids(currentVoters), observers: ids(observers) }
  }
}

function directoryOf(id: number): Uuid {
  return parseUuid(`ddddddddddddddddddd0${id}A`)!
}

function configOf(id: number, role: string, listeners: string): BrokerConfig {
  return parseBrokerConfig(
    new Map([
      ['process.roles', role],
      ['node.id', String(id)],
      ['listeners', listeners],
      ['controller.quorum.bootstrap.servers', VOTERS.map((voter) => `n${voter}:9093`).join()],
      ['controller.listener.names', 'CONTROLLER'],
      ['log.dirs', '/data'],
    ]),
  ).config
}

async function withCluster(seed: number, run: (cluster: Cluster) => Promise<void>, level = 30): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const cluster = new Cluster(world, level)
    for (const id of [...VOTERS, BROKER]) await cluster.format(id)
    for (const id of VOTERS) await cluster.start(id)
    await cluster.startBroker()
    await run(cluster)
    await cluster.broker!.close()
    for (const id of [...cluster.controllers.keys()]) await cluster.stop(id)
  })
}

test('three controllers elect one, which decides, and all have the same image', async () => {
  await withCluster(1, async (cluster) => {
    await cluster.createTopic('a')
    await cluster.world.advance(3000)
    expect(await cluster.topics()).toEqual(['a'])
    expect(await cluster.quorum()).toMatchObject({ voters: VOTERS, observers: [BROKER] })
    const images = [...cluster.controllers.values()].map(({ image }) => ({
      ...plainImage(image),
      provenance: null,
    }))
    expect(images[1]).toEqual(images[0])
    expect(images[2]).toEqual(images[0])
    expect(images[0]).toMatchObject({ features: { metadataVersion: 30 } })
    // Those that stand by have registered with the active one.
    expect([...cluster.controllers.get(1)!.image.cluster.controllers.keys()].sort()).toEqual(VOTERS)
  })
})

test.each([2, 3, 4])(
  'with seed %i the active controller is stopped again and again, and nothing that it decided is lost',
  async (seed) => {
    await withCluster(seed, async (cluster) => {
      const names: string[] = []
      for (let round = 0; round < 4; round++) {
        const name = `round-${round}`
        await cluster.createTopic(name)
        names.push(name)
        const { leaderId } = await cluster.quorum()
        if (round % 2 === 0) await cluster.stop(leaderId)
        else cluster.world.net.isolate(`n${leaderId}`)
        const during = `${name}-without-${leaderId}`
        await cluster.createTopic(during)
        names.push(during)
        expect((await cluster.quorum()).leaderId).not.toBe(leaderId)
        if (round % 2 === 0) await cluster.start(leaderId)
        else cluster.world.net.heal()
        await cluster.world.advance(8000)
      }
      expect(await cluster.topics()).toEqual(names.sort())
      for (const { image } of cluster.controllers.values()) {
        expect([...image.topics.all()].map(({ name }) => name).sort()).toEqual(names)
      }
    })
  },
)

test('all controllers are stopped and started: the cluster is there again', async () => {
  await withCluster(5, async (cluster) => {
    await cluster.createTopic('a')
    for (const id of VOTERS) await cluster.stop(id)
    await cluster.world.advance(5000)
    expect(await cluster.topics()).toEqual(['a'])
    for (const id of VOTERS) await cluster.start(id)
    await cluster.createTopic('b')
    await cluster.world.advance(2000)
    expect(await cluster.topics()).toEqual(['a', 'b'])
  })
})

test('a fourth controller observes and is added as a voter, and the active one is removed', async () => {
  await withCluster(6, async (cluster) => {
    await cluster.format(4)
    await cluster.start(4)
    await cluster.world.advance(3000)
    const before = await cluster.quorum()
    expect(before).toMatchObject({ voters: VOTERS, observers: [4, BROKER] })
    const active = await cluster.connect({ host: `n${before.leaderId}`, port: 9093 })
    const listeners = [{ name: 'CONTROLLER', host: 'n4', port: 9093 }]
    const added = { clusterId: CLUSTER_ID, timeoutMs: 5000, voterId: 4, voterDirectoryId: directoryOf(4), listeners }
    expect(await active.request(AddRaftVoter, added)).toMatchObject({ errorCode: 0 })
    expect((await cluster.quorum()).voters).toEqual([1, 2, 3, 4])
    const { leaderId } = before
    const removed = { clusterId: CLUSTER_ID, voterId: leaderId, voterDirectoryId: directoryOf(leaderId) }
    expect(await active.request(RemoveRaftVoter, removed)).toMatchObject({ errorCode: 0 })
    active.close()
    await cluster.createTopic('after')
    const after = await cluster.quorum()
    expect(after.leaderId).not.toBe(leaderId)
    expect(after.voters).toEqual([1, 2, 3, 4].filter((id) => id !== leaderId))
    await cluster.world.advance(3000)
    expect(await cluster.topics()).toEqual(['after'])
  })
})

test('a metadata.version that is raised to know controllers and directories has all of them registered', async () => {
  const before = 14
  await withCluster(
    5,
    async (cluster) => {
      const registered = () =>
        [...cluster.controllers.values()].map(({ image }) => {
          const { controllers, brokers } = image.cluster
          return [[...controllers.keys()].sort(), brokers.get(BROKER)?.directories]
        })
      expect(registered()).toEqual(VOTERS.map(() => [[], []]))
      const client = await cluster.connect()
      const featureUpdates = [{ feature: 'metadata.version', maxVersionLevel: 17, upgradeType: 1 }]
      const { errorCode } = await client.request(UpdateFeatures, { timeoutMs: 30_000, featureUpdates })
      client.close()
      expect(errorCode).toBe(0)
      await cluster.world.advance(3000)
      expect(registered()).toEqual(VOTERS.map(() => [VOTERS, [directoryOf(BROKER)]]))
    },
    before,
  )
})
