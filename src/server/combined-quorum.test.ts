/** Nodes that are broker and controller in one (process.roles=broker,controller), several in one seeded world: one quorum. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { SILENT, type Logger } from '../base/logger.ts'
import { ZERO_UUID, parseUuid, type Uuid } from '../base/uuid.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import { bootstrapValues } from '../metadata/bootstrap.ts'
import { AddRaftVoter } from '../protocol/generated/add-raft-voter.ts'
import { ApiVersions } from '../protocol/generated/api-versions.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DescribeQuorum, DescribeQuorumRequest } from '../protocol/generated/describe-quorum.ts'
import { Envelope } from '../protocol/generated/envelope.ts'
import { InitProducerId } from '../protocol/generated/init-producer-id.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { RemoveRaftVoter } from '../protocol/generated/remove-raft-voter.ts'
import { UpdateFeatures } from '../protocol/generated/update-features.ts'
import { formatDirectory } from '../quorum/format.ts'
import { KRAFT_VERSIONS } from '../raft/voters.ts'
import type { BrokerConnection } from '../rpc/broker-connection.ts'
import { plainImage } from '../testing/plain-image.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectFrom } from '../testing/test-connection.ts'
import type { Node } from './node-life.ts'
import type { NodeOptions } from './node-options.ts'
import { startNode } from './node.ts'
import { envelopeOf } from './remote-controller.ts'

const CLUSTER_ID = 'cccccccccccccccccccccA'
const IDS = [1, 2, 3]

class Cluster {
  readonly world: SeededWorld
  readonly nodes = new Map<number, Node>()
  readonly #config: ReadonlyMap<string, string>

  constructor(world: SeededWorld, config: Readonly<Record<string, string>> = {}) {
    this.world = world
    this.#config = new Map(Object.entries(config))
  }

  async format(id: number, voters: readonly number[] | null): Promise<void> {
    await formatDirectory({
      ...this.world.node(`n${id}`).world,
      directory: '/data',
      clusterId: CLUSTER_ID,
      nodeId: id,
      directoryId: directoryOf(id),
      bootstrapValues: bootstrapValues(30),
      voters:
        voters?.map((voter) => ({
          id: voter,
          directoryId: directoryOf(voter),
          kraftVersions: KRAFT_VERSIONS,
          endpoints: [{ name: 'CONTROLLER', host: `n${voter}`, port: 9093 }],
        })) ?? null,
    })
  }

  async start(id: number, options: Partial<NodeOptions> = {}): Promise<Node> {
    const properties = new Map([
      ['process.roles', 'broker,controller'],
      ['node.id', String(id)],
      ['listeners', `PLAINTEXT://n${id}:9092,CONTROLLER://n${id}:9093`],
      ['controller.quorum.bootstrap.servers', IDS.map((voter) => `n${voter}:9093`).join()],
      ['controller.listener.names', 'CONTROLLER'],
      ['log.dirs', '/data'],
      ...this.#config,
    ])
    const { config } = parseBrokerConfig(properties)
    const node = await startNode({ world: this.world.node(`n${id}`).world, config, logger: SILENT, ...options })
    this.nodes.set(id, node)
    return node
  }

  async startAll(): Promise<void> {
    await Promise.all(IDS.map((id) => this.start(id)))
  }

  async stop(id: number, how: 'close' | 'closeHard' = 'close'): Promise<void> {
    const node = this.nodes.get(id)
    this.nodes.delete(id)
    await node?.[how]()
  }

  async ask<Answer>(id: number, run: (client: BrokerConnection) => Promise<Answer>, port = 9092): Promise<Answer> {
    const client = await connectFrom(this.world.node('client').world, { host: `n${id}`, port })
    try {
      return await run(client)
    } finally {
      client.close()
    }
  }

  async createTopic(at: number, name: string): Promise<void> {
    const topics = [{ name, numPartitions: 3, replicationFactor: 1 }]
    const answer = await this.ask(at, (client) => client.request(CreateTopics, { topics, timeoutMs: 30_000 }))
    expect(answer.topics[0]).toMatchObject({ name, errorCode: 0 })
  }

  async topics(at: number): Promise<string[]> {
    const { topics } = await this.ask(at, (client) =>
      client.request(Metadata, { topics: null }, { versions: { max: 9 } }),
    )
    return topics.map(({ name }) => name ?? '').sort()
  }

  async raiseKraftVersion(
    at: number,
    validateOnly = false,
  ): Promise<{ readonly errorCode: number; readonly errorMessage: string | null }> {
    const featureUpdates = [{ feature: 'kraft.version', maxVersionLevel: 1 }]
    return this.ask(at, (client) => client.request(UpdateFeatures, { featureUpdates, validateOnly }))
  }

  /** As the broker tells its clients. */
  async kraftVersion(at: number): Promise<number> {
    const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const { finalizedFeatures } = await this.ask(at, (client) => client.request(ApiVersions, software))
    return finalizedFeatures.find(({ name }) => name === 'kraft.version')?.maxVersionLevel ?? 0
  }

  async removeVoter(at: number, id: number): Promise<number> {
    const voter = { clusterId: CLUSTER_ID, voterId: id, voterDirectoryId: directoryOf(id) }
    return (await this.ask(at, (client) => client.request(RemoveRaftVoter, voter))).errorCode
  }

  async snapshots(id: number): Promise<number> {
    const files = (await this.world.node(`n${id}`).world.disk.list('/data/__cluster_metadata-0')) ?? []
    return files.filter(({ name }) => name.endsWith('.checkpoint')).length
  }

  async quorum(at: number): Promise<{
    leaderId: number
    voters: number[]
    observers: number[]
    directories: string[]
    nodes: [number, string][]
  }> {
    const asked = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
    const answer = await this.ask(at, (client) => client.request(DescribeQuorum, asked))
    const { topics } = answer
    const { leaderId, currentVoters, observers } = topics[0]!.partitions[0]!
    const ids = (replicas: readonly { readonly replicaId: number }[]): number[] =>
      replicas.map(({ replicaId }) => replicaId).sort()
    const directories = currentVoters
      .toSorted((left, right) => left.replicaId - right.replicaId)
      .map(({ replicaDirectoryId }) => replicaDirectoryId)
    const nodes = answer.nodes
      .map(({ nodeId, listeners }): [number, string] => {
        return [nodeId, listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join()]
      })
      .sort(([left], [right]) => left - right)
    return { leaderId, voters: ids(currentVoters), observers: ids(observers), directories, nodes }
  }

  /** Committed on all nodes alike, and as clients are shown it. */
  async expectAlike(): Promise<void> {
    await this.world.advance(4000)
    const images = [...this.nodes.values()].map(({ image }) => ({ ...plainImage(image), provenance: null }))
    for (const image of images) expect(image).toEqual(images[0])
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.keys()].map((id) => this.stop(id)))
  }
}

function directoryOf(id: number): Uuid {
  return parseUuid(`ddddddddddddddddddd0${id}A`)!
}

async function withCluster(
  seed: number,
  run: (cluster: Cluster) => Promise<void>,
  config?: Readonly<Record<string, string>>,
): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    const cluster = new Cluster(world, config)
    await run(cluster)
    await cluster.close()
  })
}

const STATIC = { 'controller.quorum.voters': IDS.map((id) => `${id}@n${id}:9093`).join() }

test.each([
  ['dynamic', 1, {}],
  ['static', 2, STATIC],
])('three nodes with both roles and %s voters are one cluster', async (kind, seed, config) => {
  await withCluster(
    seed,
    async (cluster) => {
      for (const id of IDS) await cluster.format(id, kind === 'dynamic' ? IDS : null)
      await cluster.startAll()
      for (const id of IDS) await cluster.createTopic(id, `by-${id}`)
      await cluster.expectAlike()
      for (const id of IDS) {
        expect(await cluster.topics(id)).toEqual(['by-1', 'by-2', 'by-3'])
        expect(await cluster.quorum(id)).toMatchObject({ voters: IDS, observers: [] })
      }
      const { brokers, controllers } = cluster.nodes.get(1)!.image.cluster
      expect([...brokers.values()].map(({ id, fenced }) => [id, fenced]).sort()).toEqual(IDS.map((id) => [id, false]))
      expect([...controllers.keys()].sort()).toEqual(IDS)
      // Blocks of producer ids come from the active controller, whoever asks.
      const given = await Promise.all(
        IDS.map((id) =>
          cluster.ask(id, (client) =>
            client.request(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1000 }),
          ),
        ),
      )
      expect(new Set(given.map(({ producerId }) => producerId)).size).toBe(3)
    },
    config,
  )
})

test('static voters become voters in the log, which come and go, and are so after snapshots, leader changes and restarts', async () => {
  // Other than what a running node is told, configuration stays: whoever starts again has the voters of the log.
  const config = { ...STATIC, 'metadata.log.max.record.bytes.between.snapshots': '2000' }
  await withCluster(
    13,
    async (cluster) => {
      for (const id of IDS) await cluster.format(id, null)
      await cluster.startAll()
      const first = await cluster.quorum(1)
      expect(first.directories).toEqual([ZERO_UUID, ZERO_UUID, ZERO_UUID])
      const refused = await cluster.raiseKraftVersion(2)
      expect(refused.errorMessage).toContain('because not all of the voters support it')
      await cluster.world.advance(5000)
      expect((await cluster.raiseKraftVersion(2, true)).errorCode).toBe(0)
      expect(await cluster.kraftVersion(2)).toBe(0)
      expect((await cluster.raiseKraftVersion(2)).errorCode).toBe(0)
      for (const id of IDS) {
        await cluster.world.advance(1000)
        expect(await cluster.kraftVersion(id)).toBe(1)
        expect(await cluster.quorum(id)).toMatchObject({ voters: IDS, directories: IDS.map(directoryOf) })
      }
      const { leaderId } = await cluster.quorum(1)
      await cluster.stop(leaderId)
      const [other = 0, third = 0] = IDS.filter((id) => id !== leaderId)
      for (let topic = 0; topic < 10; topic++) await cluster.createTopic(other, `without-${leaderId}-${topic}`)
      await cluster.start(leaderId)
      expect(await cluster.removeVoter(third, third)).toBe(0)
      await cluster.createTopic(other, 'of-two')
      expect(await cluster.quorum(other)).toMatchObject({ voters: [leaderId, other].sort(), observers: [third] })
      for (const id of IDS) await cluster.stop(id, 'closeHard')
      await cluster.startAll()
      await cluster.createTopic(third, 'again')
      for (const id of IDS) {
        expect(await cluster.kraftVersion(id)).toBe(1)
        expect(await cluster.snapshots(id)).toBeGreaterThan(0)
        expect(await cluster.quorum(id)).toMatchObject({ voters: [leaderId, other].sort() })
      }
      await cluster.expectAlike()
    },
    config,
  )
})

test('a controller that stands by does not describe the quorum, and sends brokers that pass it on to the active one', async () => {
  await withCluster(12, async (cluster) => {
    for (const id of IDS) await cluster.format(id, IDS)
    await cluster.startAll()
    const { leaderId } = await cluster.quorum(1)
    const asked = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
    for (const id of IDS) {
      const { topics } = await cluster.ask(id, (client) => client.request(DescribeQuorum, asked), 9093)
      const errorCode = id === leaderId ? 0 : ERROR_CODES.NOT_LEADER_OR_FOLLOWER
      expect(topics[0]!.partitions[0]).toMatchObject({ errorCode })
      const question = DescribeQuorumRequest.make(asked)
      const envelope = envelopeOf(DescribeQuorum, 2, question, { clientHost: '/127.0.0.1', clientId: null })
      const passed = await cluster.ask(id, (client) => client.request(Envelope, envelope), 9093)
      expect(passed.errorCode).toBe(id === leaderId ? 0 : ERROR_CODES.NOT_CONTROLLER)
    }
  })
})

test.each([3, 4, 5, 6])(
  'with seed %i the active controller goes again and again, its broker with it, and nothing that it decided is lost',
  async (seed) => {
    await withCluster(seed, async (cluster) => {
      for (const id of IDS) await cluster.format(id, IDS)
      await cluster.startAll()
      const names: string[] = []
      const create = async (at: number, name: string): Promise<void> => {
        await cluster.createTopic(at, name)
        names.push(name)
      }
      for (let round = 0; round < 4; round++) {
        const { leaderId } = await cluster.quorum(1)
        const [other = 0, third = 0] = IDS.filter((id) => id !== leaderId)
        await create(other, `round-${round}`)
        if (round % 2 === 0) await cluster.stop(leaderId)
        else await cluster.stop(leaderId, 'closeHard')
        await create(third, `round-${round}-without-${leaderId}`)
        expect((await cluster.quorum(other)).leaderId).not.toBe(leaderId)
        await cluster.start(leaderId)
        await create(leaderId, `round-${round}-again`)
        await cluster.expectAlike()
        for (const id of IDS) expect(await cluster.topics(id)).toEqual([...names].sort())
      }
    })
  },
)

test('the broker of an active controller that is cut off asks the next one when it is heard again', async () => {
  await withCluster(7, async (cluster) => {
    for (const id of IDS) await cluster.format(id, IDS)
    await cluster.startAll()
    const { leaderId } = await cluster.quorum(1)
    const [other = 0] = IDS.filter((id) => id !== leaderId)
    cluster.world.net.isolate(`n${leaderId}`)
    await cluster.createTopic(other, 'meanwhile')
    await cluster.world.advance(20_000)
    const fenced = (): boolean | undefined => cluster.nodes.get(other)!.image.cluster.brokers.get(leaderId)?.fenced
    expect(fenced()).toBe(true)
    cluster.world.net.heal()
    await cluster.createTopic(leaderId, 'after')
    await cluster.expectAlike()
    expect(fenced()).toBe(false)
    expect(await cluster.topics(leaderId)).toEqual(['after', 'meanwhile'])
  })
})

test('a node that was alone gets others as voters, asked for by any broker, and hands the quorum over to them', async () => {
  await withCluster(8, async (cluster) => {
    await cluster.format(1, [1])
    await cluster.start(1)
    await cluster.createTopic(1, 'alone')
    for (const id of [2, 3]) {
      await cluster.format(id, null)
      await cluster.start(id)
      await cluster.world.advance(3000)
      const listeners = [{ name: 'CONTROLLER', host: `n${id}`, port: 9093 }]
      const added = {
        clusterId: CLUSTER_ID,
        timeoutMs: 5000,
        voterId: id,
        voterDirectoryId: directoryOf(id),
        listeners,
      }
      // Its own broker passes it on; the active controller's has it decided next door.
      for (const [at, errorCode] of [
        [id, 0],
        [1, ERROR_CODES.DUPLICATE_VOTER],
      ] as const) {
        expect(await cluster.ask(at, (client) => client.request(AddRaftVoter, added))).toMatchObject({ errorCode })
      }
    }
    const nodes = IDS.map((id) => [id, `CONTROLLER://n${id}:9093`])
    for (const id of IDS) expect(await cluster.quorum(id)).toMatchObject({ leaderId: 1, voters: IDS, nodes })
    await cluster.createTopic(3, 'of-three')
    await cluster.stop(1)
    await cluster.createTopic(3, 'of-two')
    expect((await cluster.quorum(2)).leaderId).not.toBe(1)
    await cluster.start(1)
    await cluster.expectAlike()
    expect(await cluster.topics(1)).toEqual(['alone', 'of-three', 'of-two'])
  })
})

function recording(lines: string[]): Logger {
  return { ...SILENT, info: (line) => void lines.push(line) }
}

test('a start without a quorum waits and says for what, and goes on when there is one', async () => {
  await withCluster(9, async (cluster) => {
    for (const id of IDS) await cluster.format(id, IDS)
    const lines: string[] = []
    const first = cluster.start(1, { logger: recording(lines) })
    await cluster.world.advance(10_000)
    const waiting = lines.filter((line) => line.includes('Waiting for the metadata quorum'))
    expect(waiting[0]).toBe(
      '[BrokerServer id=1] Waiting for the metadata quorum: no leader is known; its voters are 1 at n1:9093, 2 at n2:9093, 3 at n3:9093.',
    )
    expect(waiting.length).toBe(2)
    await Promise.all([first, cluster.start(2)])
    await cluster.createTopic(1, 'a')
  })
})

test('a start without a quorum can be called off, and leaves nothing behind', async () => {
  await withCluster(10, async (cluster) => {
    for (const id of IDS) await cluster.format(id, IDS)
    const calls = new AbortController()
    const started = cluster.start(1, { signal: calls.signal })
    await cluster.world.advance(10_000)
    const reason = new Error('not any more')
    calls.abort(reason)
    await expect(started).rejects.toBe(reason)
    await cluster.startAll()
    await cluster.createTopic(1, 'a')
  })
})

test('a start without a quorum ends after initial.broker.registration.timeout.ms', async () => {
  await withCluster(
    11,
    async (cluster) => {
      for (const id of IDS) await cluster.format(id, IDS)
      const started = cluster.start(1).catch((error: unknown) => error)
      await cluster.world.advance(15_000)
      expect(await started).toMatchObject({
        code: 'NETWORK_FAILED',
        message:
          'This broker could not register with the controller quorum in 15 s (initial.broker.registration.timeout.ms): ' +
          'no leader is known; its voters are 1 at n1:9093, 2 at n2:9093, 3 at n3:9093.',
      })
    },
    { 'initial.broker.registration.timeout.ms': '15000' },
  )
})
