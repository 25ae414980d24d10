/** A controller's listener: what it serves to brokers that follow its log and ask it. */
import { expect, test } from 'vitest'
import { ZERO_UUID, type Uuid } from '../base/uuid.ts'
import { ERROR_CODES, errorName } from '../base/error-codes.ts'
import { SILENT } from '../base/logger.ts'
import { parseBrokerConfig } from '../config/parse-broker-config.ts'
import { featureRanges } from '../metadata/features.ts'
import { AlterClientQuotas } from '../protocol/generated/alter-client-quotas.ts'
import { AlterUserScramCredentials } from '../protocol/generated/alter-user-scram-credentials.ts'
import { BrokerHeartbeat } from '../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistration } from '../protocol/generated/broker-registration.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DescribeCluster } from '../protocol/generated/describe-cluster.ts'
import { DescribeQuorum } from '../protocol/generated/describe-quorum.ts'
import { Envelope } from '../protocol/generated/envelope.ts'
import { ListPartitionReassignments } from '../protocol/generated/list-partition-reassignments.ts'
import { Vote } from '../protocol/generated/vote.ts'
import { RpcChannel } from '../quorum/rpc-channel.ts'
import { BrokerConnection, type BrokerConnectionOptions } from '../rpc/broker-connection.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectionOptions } from '../testing/test-connection.ts'
import { startControllerNode } from './controller-node.ts'
import type { Node } from './node-life.ts'
import { RemoteController, envelopeOf } from './remote-controller.ts'

const BROKER_DIRECTORY = 'eeeeeeeeeeeeeeeeeeeeeA' as Uuid

interface Running {
  readonly node: Node
  readonly world: SeededWorld
  readonly address: { readonly host: string; readonly port: number }
  readonly connection: BrokerConnectionOptions
}

async function withController(run: (running: Running) => Promise<void>): Promise<void> {
  const world = new SeededWorld(5)
  await world.run(async () => {
    const { config } = parseBrokerConfig(
      new Map([
        ['process.roles', 'controller'],
        ['node.id', '1'],
        ['controller.quorum.bootstrap.servers', 'main:9093'],
        ['controller.listener.names', 'CONTROLLER'],
        ['listeners', 'CONTROLLER://main:9093'],
        ['log.dirs', '/data'],
      ]),
    )
    const node = await startControllerNode({ world: world.main.world, config, logger: SILENT })
    const connection = { ...connectionOptions(world.node('broker').world, 5000), clientId: 'broker-2' }
    await run({ node, world, address: { host: 'main', port: 9093 }, connection })
    await node.close()
  })
}

test('an observer fetches the log with the voters in it, and is told of as one', async () => {
  await withController(async ({ node, address, connection }) => {
    const channel = new RpcChannel({ clusterId: node.clusterId, connection })
    const replica = { id: 2, directoryId: BROKER_DIRECTORY }
    const fetch = {
      kind: 'fetch',
      replica,
      epoch: 0,
      offset: 0,
      lastFetchedEpoch: 0,
      maxWaitMs: 100,
      highWatermark: -1,
    } as const
    expect(await channel.send(address, fetch)).toMatchObject({
      error: 'FENCED_LEADER_EPOCH',
      leader: { leaderId: 1, epoch: 1, endpoint: address },
    })
    const answer = await channel.send(address, { ...fetch, epoch: 1 })
    if (answer.kind !== 'fetch') throw new Error('a fetch is answered')
    expect(answer.batches[0]).toMatchObject({
      baseOffset: 0,
      epoch: 1,
      voters: { kraftVersion: 1, voters: [{ id: 1 }] },
    })
    const end = answer.batches.at(-1)!.endOffset
    expect(answer.highWatermark).toBe(end)
    await channel.send(address, { ...fetch, epoch: 1, offset: end, lastFetchedEpoch: 1, highWatermark: end })
    const open = await BrokerConnection.open(address, connection)
    const asked = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
    const { topics } = await open.request(DescribeQuorum, asked)
    expect(topics[0]!.partitions[0]).toMatchObject({
      leaderId: 1,
      currentVoters: [{ replicaId: 1 }],
      observers: [{ replicaId: 2, replicaDirectoryId: BROKER_DIRECTORY, logEndOffset: end }],
    })
    open.close()
    channel.close()
  })
})

test('a fetch of another cluster, and a snapshot that is not there, are refused', async () => {
  await withController(async ({ node, address, connection }) => {
    const foreign = new RpcChannel({ clusterId: 'another', connection })
    const replica = { id: 2, directoryId: ZERO_UUID }
    const fetch = {
      kind: 'fetch',
      replica,
      epoch: 1,
      offset: 0,
      lastFetchedEpoch: 0,
      maxWaitMs: 0,
      highWatermark: 0,
    } as const
    // The answer of a node that is well: by the same connection it may be asked again.
    const refused = { code: 'INCONSISTENT_CLUSTER_ID', message: 'Fetch is refused: INCONSISTENT_CLUSTER_ID' }
    const twice = [foreign.send(address, fetch), foreign.send(address, fetch)]
    for (const asked of twice) await expect(asked).rejects.toMatchObject(refused)
    foreign.close()
    const channel = new RpcChannel({ clusterId: node.clusterId, connection })
    const snapshotId = { endOffset: 7, epoch: 1 }
    const asked = { kind: 'fetchSnapshot', replica, epoch: 1, snapshotId, position: 0 } as const
    expect(await channel.send(address, asked)).toMatchObject({ error: 'SNAPSHOT_NOT_FOUND' })
    channel.close()
  })
})

test('a broker registers, and what its clients ask comes in an envelope', async () => {
  await withController(async ({ node, world, address, connection }) => {
    const { clock } = world.node('broker').world
    const controller = new RemoteController({
      own: null,
      clock,
      connection,
      leader: () => address,
      timeoutMs: 5000,
      heartbeatTimeoutMs: 4500,
      retryMs: 50,
    })
    const own = { apiVersion: 4, clientHost: null }
    const registration = BrokerRegistration.request.make({
      brokerId: 2,
      clusterId: node.clusterId,
      incarnationId: BROKER_DIRECTORY,
      listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092 }],
      features: featureRanges(),
      logDirs: [BROKER_DIRECTORY],
    })
    const { brokerEpoch = -1 } = await controller.registerBroker(registration, own)
    expect(Number(brokerEpoch)).toBeGreaterThan(0)
    const beat = { brokerId: 2, brokerEpoch, currentMetadataOffset: 1_000_000 }
    const heartbeat = { ...beat, wantFence: false, wantShutDown: false, offlineLogDirs: [], cordonedLogDirs: [] }
    expect(await controller.brokerHeartbeat(heartbeat, own)).toMatchObject({ errorCode: 0, isFenced: false })
    const topics = [{ name: 't', numPartitions: 2, replicationFactor: 1 }]
    const request = CreateTopics.request.make({ topics, timeoutMs: 1000 })
    const client = { apiVersion: 7, clientHost: '/10.0.0.9' }
    expect(await controller.createTopics(request, client)).toMatchObject({ topics: [{ name: 't', errorCode: 0 }] })
    expect(node.image.topics.byName('t')?.partitions.map(({ leader }) => leader)).toEqual([2, 2])
    expect(await controller.createTopics(request, client)).toMatchObject({
      topics: [{ errorCode: ERROR_CODES.TOPIC_ALREADY_EXISTS }],
    })
    controller.close()
  })
})

test('a heartbeat that the controller does not answer is tried again within half a session', async () => {
  await withController(async ({ node, world, address, connection }) => {
    let asked = 0
    const controller = new RemoteController({
      own: null,
      clock: connection.clock,
      connection: { ...connection, requestTimeoutMs: 30_000 },
      leader: () => {
        asked += 1
        return address
      },
      timeoutMs: 30_000,
      heartbeatTimeoutMs: 4500,
      retryMs: 50,
    })
    const own = { apiVersion: 2, clientHost: null }
    const request = BrokerHeartbeat.request.make({ brokerId: 7, brokerEpoch: 1, currentMetadataOffset: 0 })
    const unknown = { errorCode: ERROR_CODES.STALE_BROKER_EPOCH }
    expect(await controller.brokerHeartbeat(request, own)).toMatchObject(unknown)
    world.net.isolate('main')
    const late = controller.brokerHeartbeat(request, own)
    await world.advance(4400)
    expect(asked).toBe(2)
    await world.advance(300)
    expect(asked).toBeGreaterThan(2)
    world.net.heal()
    expect(await late).toMatchObject(unknown)
    expect(node.image.cluster.brokers.size).toBe(0)
    controller.close()
  })
})

test('bounds of clients are altered on the listener and in an envelope, each entity with its own answer', async () => {
  await withController(async ({ node, address, connection }) => {
    const open = await BrokerConnection.open(address, connection)
    const entity = [{ entityType: 'user', entityName: 'a' }]
    const ops = (value: number) => [{ key: 'producer_byte_rate', value, remove: false }]
    const entries = [
      { entity, ops: ops(100) },
      { entity: [{ entityType: 'user', entityName: null }], ops: ops(0) },
    ]
    const answered = await open.request(AlterClientQuotas, { entries })
    expect(answered.entries.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'INVALID_REQUEST'])
    const rates = () => [...node.image.quotas.values()].flatMap(({ values }) => [...values.values()])
    expect(rates()).toEqual([100])
    const { errorCode } = await open.request(
      Envelope,
      envelopeOf(
        AlterClientQuotas,
        1,
        { entries: [{ entity, ops: ops(7) }] },
        { clientHost: '/10.0.0.9', clientId: null },
      ),
    )
    expect(errorName(errorCode)).toBe('NONE')
    expect(rates()).toEqual([7])
    open.close()
  })
})

test('no reassignment is on the way, and an envelope around what is not served says so', async () => {
  await withController(async ({ address, connection }) => {
    const open = await BrokerConnection.open(address, connection)
    expect(await open.request(ListPartitionReassignments, { topics: null })).toMatchObject({ errorCode: 0, topics: [] })
    const envelope = envelopeOf(Vote, 2, {}, { clientHost: '/10.0.0.9', clientId: null })
    expect(await open.request(Envelope, envelope)).toMatchObject({ errorCode: ERROR_CODES.UNSUPPORTED_VERSION })
    open.close()
  })
})

test('an envelope that lacks a principal or an address carries nothing, nor one whose request cannot be read', async () => {
  await withController(async ({ address, connection }) => {
    const open = await BrokerConnection.open(address, connection)
    const envelope = envelopeOf(
      CreateTopics,
      7,
      { topics: [{ name: 'forged' }], timeoutMs: 1000 },
      { clientHost: '/10.0.0.9', clientId: null },
    )
    const errorOf = async (change: Partial<typeof envelope> | { readonly requestPrincipal: null }) => {
      const { errorCode } = await open.request(Envelope, { ...envelope, ...change })
      return errorName(errorCode)
    }
    const { requestPrincipal, requestData } = envelope
    const newer = Buffer.from(requestPrincipal)
    newer.writeInt16BE(1, 0)
    for (const principal of [null, Buffer.alloc(0), requestPrincipal.subarray(0, 9), newer]) {
      expect(await errorOf({ requestPrincipal: principal })).toBe('PRINCIPAL_DESERIALIZATION_FAILURE')
    }
    expect(await errorOf({ clientHostAddress: Buffer.alloc(3) })).toBe('INVALID_REQUEST')
    for (const length of [0, 3, 6, 20]) {
      expect(await errorOf({ requestData: requestData.subarray(0, length) }), `${length} bytes`).toBe(
        'UNSUPPORTED_VERSION',
      )
    }
    expect(await errorOf({})).toBe('NONE')
    open.close()
  })
})

test('the controllers are named to who asks for them, and what is not built is not advertised', async () => {
  await withController(async ({ node, address, connection }) => {
    const open = await BrokerConnection.open(address, connection)
    const described = await open.request(DescribeCluster, { endpointType: 2 })
    expect(described).toMatchObject({
      clusterId: node.clusterId,
      controllerId: 1,
      brokers: [{ brokerId: 1, ...address }],
    })
    expect(await open.request(DescribeCluster, { endpointType: 1 })).toMatchObject({
      errorCode: ERROR_CODES.MISMATCHED_ENDPOINT_TYPE,
    })
    await expect(open.request(AlterUserScramCredentials, {})).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' })
    open.close()
  })
})
