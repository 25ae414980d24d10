/** The controller on a real metadata log in a simulated world: APIs, restarts, snapshots, lost writes. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import { KafkaError } from '../base/errors.ts'
import { METADATA_TOPIC_ID, type Uuid } from '../base/uuid.ts'
import { CONFIG_RESOURCE } from '../metadata/configs-image.ts'
import { EMPTY_IMAGE, type MetadataImage } from '../metadata/image.ts'
import { LogReplay } from '../metadata/log-replay.ts'
import { encodeMetadataRecord, metadataRecord } from '../metadata/metadata-records.ts'
import { AllocateProducerIdsRequest } from '../protocol/generated/allocate-producer-ids.ts'
import { AlterPartitionRequest } from '../protocol/generated/alter-partition.ts'
import { BrokerHeartbeatRequest } from '../protocol/generated/broker-heartbeat.ts'
import { BrokerRegistrationRequest } from '../protocol/generated/broker-registration.ts'
import { CreatePartitionsRequest } from '../protocol/generated/create-partitions.ts'
import { CreateTopicsRequest } from '../protocol/generated/create-topics.ts'
import { DeleteTopicsRequest } from '../protocol/generated/delete-topics.ts'
import { ElectLeadersRequest } from '../protocol/generated/elect-leaders.ts'
import { IncrementalAlterConfigsRequest } from '../protocol/generated/incremental-alter-configs.ts'
import { UpdateFeaturesRequest } from '../protocol/generated/update-features.ts'
import { CLUSTER_ID, startMetadataNode, type MetadataNode, type MetadataNodeOptions } from '../testing/metadata-node.ts'
import { plainImage } from '../testing/plain-image.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { BatchCursor } from '../records/batches.ts'
import type { Controller } from './controller.ts'

const DIRECTORY = 'ddddddddddddddddddddDA' as Uuid
const INCARNATION = 'iiiiiiiiiiiiiiiiiiiiiA' as Uuid
const LATEST = { apiVersion: 99, clientHost: null }

function start(world: SeededWorld, options: Partial<MetadataNodeOptions> = {}): Promise<MetadataNode> {
  return startMetadataNode(world, { logDirectory: '/data', ...options })
}

async function register(controller: Controller, incarnationId: Uuid = INCARNATION, brokerId = 1): Promise<number> {
  const answer = await controller.registerBroker(
    BrokerRegistrationRequest.make({
      brokerId,
      clusterId: CLUSTER_ID,
      incarnationId,
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092, securityProtocol: 0 }],
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
      logDirs: [brokerId === 1 ? DIRECTORY : (`ddddddddddddddddddd${brokerId}DA` as Uuid)],
    }),
    LATEST,
  )
  expect(answer.errorCode).toBe(0)
  return Number(answer.brokerEpoch)
}

async function heartbeat(
  controller: Controller,
  brokerEpoch: number,
  more: { wantShutDown?: boolean; wantFence?: boolean } = {},
  brokerId = 1,
) {
  const currentMetadataOffset = controller.image.provenance.offset
  return controller.brokerHeartbeat(
    BrokerHeartbeatRequest.make({ brokerId, brokerEpoch, currentMetadataOffset, ...more }),
    LATEST,
  )
}

async function unfenced(controller: Controller): Promise<number> {
  const epoch = await register(controller)
  expect(await heartbeat(controller, epoch)).toMatchObject({ errorCode: 0, isFenced: false, isCaughtUp: true })
  return epoch
}

async function create(controller: Controller, name: string, numPartitions = 1, more: object = {}) {
  const request = CreateTopicsRequest.make({ topics: [{ name, numPartitions, replicationFactor: -1, ...more }] })
  return (await controller.createTopics(request, LATEST)).topics?.[0]
}

/** What a reader of the committed log would have. */
async function replayed(world: SeededWorld): Promise<MetadataImage> {
  const bytes = (await world.disk.readFile('/data/__cluster_metadata-0/00000000000000000000.log')) ?? Buffer.alloc(0)
  const replay = new LogReplay(EMPTY_IMAGE)
  for (const cursor = new BatchCursor().reset(bytes); cursor.next();) replay.replayBatch(bytes, cursor.at)
  return replay.take().image
}

test('a new log begins with the leader change and the bootstrap records in a transaction', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { controller, quorum } = await start(world)
    expect(controller.image.features.metadataVersion).toBe(30)
    expect(quorum.epoch).toBe(1)
    // leader change, begin, metadata.version, end, controller registration
    expect(quorum.endOffset).toBe(5)
    expect(quorum.committedEnd).toBe(5)
    expect(controller.image.cluster.controllers.size).toBe(1)
    const partition = await world.disk.readFile('/data/__cluster_metadata-0/partition.metadata')
    expect(partition?.toString()).toContain(METADATA_TOPIC_ID)
    await controller.close()
  })
})

test('a broker registers fenced, is unfenced when it knows of it, and leads what it is given', async () => {
  const world = new SeededWorld(2)
  await world.run(async () => {
    const { controller } = await start(world)
    const epoch = await register(controller)
    expect(controller.image.cluster.brokers.get(1)).toMatchObject({ epoch, fenced: true, directories: [DIRECTORY] })
    expect((await create(controller, 'early'))?.errorCode).toBe(ERROR_CODES.INVALID_REPLICATION_FACTOR)
    await heartbeat(controller, epoch)
    const made = await create(controller, 'orders', 3, { configs: [{ name: 'retention.ms', value: '1000' }] })
    expect(made).toMatchObject({ errorCode: 0, numPartitions: 3, replicationFactor: 1 })
    expect(made?.configs?.find((config) => config.name === 'retention.ms')).toMatchObject({
      value: '1000',
      configSource: 1,
    })
    expect(controller.image.topics.partition('orders', 2)).toMatchObject({
      leader: 1,
      isr: [1],
      directories: [DIRECTORY],
    })
    expect(controller.image.configs.get(CONFIG_RESOURCE.TOPIC, 'orders').get('retention.ms')).toBe('1000')
    expect(plainImage(await replayed(world))).toEqual(plainImage(controller.image))
    await controller.close()
  })
})

test('what topics may not be created as, each with its code', async () => {
  const world = new SeededWorld(3)
  await world.run(async () => {
    const { controller } = await start(world)
    await unfenced(controller)
    await create(controller, 'a.b')
    const cases: [string, number, object, keyof typeof ERROR_CODES][] = [
      ['', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['..', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['x'.repeat(250), 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['a b', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['a_b', 1, {}, 'INVALID_TOPIC_EXCEPTION'],
      ['a.b', 1, {}, 'TOPIC_ALREADY_EXISTS'],
      ['__cluster_metadata', 1, {}, 'INVALID_REQUEST'],
      ['t', 0, {}, 'INVALID_PARTITIONS'],
      ['t', -2, {}, 'INVALID_PARTITIONS'],
      ['t', 1, { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
      ['t', 1, { replicationFactor: 2 }, 'INVALID_REPLICATION_FACTOR'],
      ['t', 10_001, {}, 'POLICY_VIOLATION'],
      ['t', 1, { configs: [{ name: 'no.such.key', value: '1' }] }, 'INVALID_CONFIG'],
      ['t', 1, { configs: [{ name: 'retention.ms', value: null }] }, 'INVALID_CONFIG'],
      ['t', 1, { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, 'INVALID_REQUEST'],
      ['t', -1, { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }, 'INVALID_REPLICA_ASSIGNMENT'],
      ['t', -1, { assignments: [{ partitionIndex: 0, brokerIds: [9] }] }, 'INVALID_REPLICA_ASSIGNMENT'],
      ['t', -1, { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }, 'INVALID_REPLICA_ASSIGNMENT'],
      ['t', -1, { assignments: [{ partitionIndex: 0, brokerIds: [] }] }, 'INVALID_REPLICA_ASSIGNMENT'],
    ]
    const before = controller.image
    for (const [name, partitions, more, code] of cases) {
      expect((await create(controller, name, partitions, more))?.errorCode, `${name} ${code}`).toBe(ERROR_CODES[code])
    }
    expect(controller.image).toBe(before)
    const twice = CreateTopicsRequest.make({
      topics: [
        { name: 'd', numPartitions: 1, replicationFactor: 1 },
        { name: 'd', numPartitions: 1, replicationFactor: 1 },
      ],
    })
    expect((await controller.createTopics(twice, LATEST)).topics).toMatchObject([
      { name: 'd', errorCode: ERROR_CODES.INVALID_REQUEST },
    ])
    await controller.close()
  })
})

test('partitions are added, topics deleted with their configuration, by name and by id', async () => {
  const world = new SeededWorld(4)
  await world.run(async () => {
    const { controller } = await start(world)
    await unfenced(controller)
    await create(controller, 'one', 1, { configs: [{ name: 'cleanup.policy', value: 'compact' }] })
    await create(controller, 'two')
    const grow = async (count: number) =>
      (
        await controller.createPartitions(
          CreatePartitionsRequest.make({ topics: [{ name: 'one', count, assignments: null }] }),
          LATEST,
        )
      ).results?.[0]?.errorCode
    expect(await grow(3)).toBe(0)
    expect(await grow(3)).toBe(ERROR_CODES.INVALID_PARTITIONS)
    expect(controller.image.topics.byName('one')?.partitions.length).toBe(3)
    const topicId = controller.image.topics.byName('two')!.id
    const request = DeleteTopicsRequest.make({
      topics: [{ name: 'one' }, { topicId }, { name: 'none' }, { name: 'one', topicId }, {}],
    })
    const { responses } = await controller.deleteTopics(request, { apiVersion: 6, clientHost: null })
    expect(responses?.map((one) => one.errorCode)).toEqual([
      ERROR_CODES.INVALID_REQUEST,
      ERROR_CODES.INVALID_REQUEST,
      ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION,
      0,
      0,
    ])
    expect(controller.image.topics.size).toBe(0)
    expect(controller.image.configs.get(CONFIG_RESOURCE.TOPIC, 'one').size).toBe(0)
    await controller.close()
  })
})

test('configs are set, appended, subtracted and deleted; append to a key that is no list is refused', async () => {
  const world = new SeededWorld(5)
  await world.run(async () => {
    const { controller } = await start(world)
    await unfenced(controller)
    await create(controller, 't')
    const alter = async (name: string, configOperation: number, value: string | null) => {
      const resources = [{ resourceType: 2, resourceName: 't', configs: [{ name, configOperation, value }] }]
      return (await controller.incrementalAlterConfigs(IncrementalAlterConfigsRequest.make({ resources }), LATEST))
        .responses?.[0]?.errorCode
    }
    const value = (name: string) => controller.image.configs.get(CONFIG_RESOURCE.TOPIC, 't').get(name)
    expect(await alter('cleanup.policy', 2, 'compact')).toBe(0)
    expect(value('cleanup.policy')).toBe('delete,compact')
    expect(await alter('cleanup.policy', 3, 'delete')).toBe(0)
    expect(value('cleanup.policy')).toBe('compact')
    expect(await alter('retention.ms', 2, '5')).toBe(ERROR_CODES.INVALID_CONFIG)
    expect(await alter('retention.ms', 0, 'abc')).toBe(ERROR_CODES.INVALID_CONFIG)
    expect(await alter('retention.ms', 0, '77')).toBe(0)
    expect(await alter('retention.ms', 1, null)).toBe(0)
    expect(value('retention.ms')).toBeUndefined()
    await controller.close()
  })
})

test('a broker of a new incarnation loses its leaderships until it is unfenced, in a new leader epoch', async () => {
  const world = new SeededWorld(6)
  await world.run(async () => {
    const { controller } = await start(world)
    const epoch = await unfenced(controller)
    await create(controller, 't')
    const other = 'jjjjjjjjjjjjjjjjjjjjjA' as Uuid
    const refused = BrokerRegistrationRequest.make({
      brokerId: 1,
      clusterId: CLUSTER_ID,
      incarnationId: other,
      logDirs: [DIRECTORY],
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
    })
    expect((await controller.registerBroker(refused, LATEST)).errorCode).toBe(ERROR_CODES.DUPLICATE_BROKER_REGISTRATION)
    expect((await heartbeat(controller, epoch + 1)).errorCode).toBe(ERROR_CODES.STALE_BROKER_EPOCH)
    await world.advance(12_000)
    expect(controller.image.cluster.brokers.get(1)?.fenced).toBe(true)
    expect(controller.image.topics.partition('t', 0)).toMatchObject({ leader: -1, isr: [1], leaderEpoch: 1 })
    const newEpoch = await register(controller, other)
    await heartbeat(controller, newEpoch)
    expect(controller.image.topics.partition('t', 0)).toMatchObject({ leader: 1, isr: [1], leaderEpoch: 2 })
    await controller.close()
  })
})

test('a controlled shutdown moves leaderships first and then lets the broker go', async () => {
  const world = new SeededWorld(7)
  await world.run(async () => {
    const { controller } = await start(world)
    const epoch = await unfenced(controller)
    await create(controller, 't')
    expect(await heartbeat(controller, epoch, { wantShutDown: true })).toMatchObject({ shouldShutDown: false })
    expect(controller.image.cluster.brokers.get(1)?.inControlledShutdown).toBe(true)
    expect(controller.image.topics.partition('t', 0)?.leader).toBe(-1)
    expect(await heartbeat(controller, epoch, { wantShutDown: true })).toMatchObject({ shouldShutDown: true })
    expect(controller.image.cluster.brokers.get(1)?.fenced).toBe(true)
    await controller.close()
  })
})

test('producer ids come in blocks that are never given twice, over restarts too', async () => {
  const world = new SeededWorld(8)
  await world.run(async () => {
    let { controller } = await start(world)
    let brokerEpoch = await unfenced(controller)
    const allocate = () =>
      controller.allocateProducerIds(AllocateProducerIdsRequest.make({ brokerId: 1, brokerEpoch }), LATEST)
    expect(await allocate()).toMatchObject({ producerIdStart: 0, producerIdLen: 1000 })
    expect(await allocate()).toMatchObject({ producerIdStart: 1000 })
    await controller.close()
    ;({ controller } = await start(world))
    brokerEpoch = controller.image.cluster.brokers.get(1)!.epoch
    expect(await allocate()).toMatchObject({ producerIdStart: 2000 })
    await controller.close()
  })
})

test('metadata.version goes up, and down only where nothing is lost', async () => {
  const world = new SeededWorld(9)
  await world.run(async () => {
    const { controller } = await start(world, { metadataVersion: 26 })
    await unfenced(controller)
    const update = async (feature: string, maxVersionLevel: number, upgradeType = 1) =>
      (
        await controller.updateFeatures(
          UpdateFeaturesRequest.make({ featureUpdates: [{ feature, maxVersionLevel, upgradeType }] }),
          { apiVersion: 2, clientHost: null },
        )
      ).errorCode
    expect(await update('metadata.version', 29)).toBe(0)
    expect(await update('metadata.version', 31)).toBe(ERROR_CODES.INVALID_UPDATE_VERSION)
    expect(await update('metadata.version', 28)).toBe(ERROR_CODES.INVALID_UPDATE_VERSION)
    expect(await update('metadata.version', 28, 2)).toBe(0)
    expect(await update('metadata.version', 22, 2)).toBe(ERROR_CODES.INVALID_UPDATE_VERSION)
    expect(await update('group.version', 1)).toBe(ERROR_CODES.INVALID_UPDATE_VERSION)
    expect(controller.image.features.metadataVersion).toBe(28)
    await controller.close()
  })
})

test('every metadata.version: the image survives a restart, and its log', async () => {
  for (let level = 7; level <= 30; level++) {
    const world = new SeededWorld(level)
    await world.run(async () => {
      const { controller } = await start(world, { metadataVersion: level })
      const epoch = await unfenced(controller)
      await create(controller, 't', 2)
      await heartbeat(controller, epoch, { wantShutDown: true })
      const image = plainImage(controller.image)
      expect(plainImage(await replayed(world)), `metadata.version ${level}`).toEqual(image)
      await controller.close()
      const again = await start(world)
      expect(plainImage(again.controller.image), `metadata.version ${level}`).toEqual(image)
      await again.controller.close()
    })
  }
})

test('a snapshot is written when enough was added, and a start from it with retention behind gives the same image', async () => {
  const world = new SeededWorld(10)
  await world.run(async () => {
    const node = await start(world, { snapshotBytes: 4000 })
    await unfenced(node.controller)
    for (let index = 0; index < 60; index++) await create(node.controller, `topic-${index}`)
    await world.advance(100)
    const names = (await world.disk.list('/data/__cluster_metadata-0'))!.map((entry) => entry.name)
    expect(names.filter((name) => name.endsWith('.checkpoint')).length).toBeGreaterThan(1)
    expect(names.filter((name) => name.endsWith('.part'))).toEqual([])
    const image = plainImage(node.controller.image)
    await node.controller.close()
    const again = await start(world)
    expect(again.quorum.latestSnapshot).not.toBeNull()
    expect(plainImage(again.controller.image)).toEqual(image)
    await again.controller.close()
  })
})

test('when the write fails, waiting answers become NOT_CONTROLLER and the state is the replay of what was committed', async () => {
  const world = new SeededWorld(11)
  await world.run(async () => {
    const { controller } = await start(world)
    await unfenced(controller)
    await create(controller, 'kept')
    const committed = controller.image
    const failures: Error[] = []
    controller.onFailed((error) => failures.push(error))
    world.main.disk.failNext({ kinds: ['sync'], path: '__cluster_metadata', code: 'EIO' })
    const lost = await Promise.allSettled([
      create(controller, 'lost-1'),
      create(controller, 'lost-2'),
      create(controller, 'kept'),
    ])
    for (const outcome of lost) {
      expect(outcome.status).toBe('rejected')
      if (outcome.status === 'rejected') expect((outcome.reason as KafkaError).code).toBe('NOT_CONTROLLER')
    }
    expect(controller.isActive).toBe(false)
    expect(failures.length).toBe(1)
    expect(controller.image).toBe(committed)
    await expect(create(controller, 'later')).rejects.toThrow(KafkaError)
  })
})

test('a log that fails while it takes a decision refuses that decision too', async () => {
  for (let seed = 0; seed < 8; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const { controller } = await start(world)
      await unfenced(controller)
      world.main.disk.failNext({ kinds: ['write', 'writeNow'], path: '__cluster_metadata', code: 'EIO' })
      await expect(create(controller, 'lost')).rejects.toThrow(KafkaError)
      expect(controller.isActive).toBe(false)
    })
  }
})

test('decisions see what was appended before them, committed or not', async () => {
  const world = new SeededWorld(12)
  await world.run(async () => {
    const { controller } = await start(world)
    await unfenced(controller)
    const [first, second] = await Promise.all([create(controller, 'same'), create(controller, 'same')])
    expect(first?.errorCode).toBe(0)
    expect(second?.errorCode).toBe(ERROR_CODES.TOPIC_ALREADY_EXISTS)
    await controller.close()
  })
})

test('listeners see every committed image once, in order, before the answer', async () => {
  const world = new SeededWorld(13)
  await world.run(async () => {
    const { controller } = await start(world)
    await unfenced(controller)
    const seen: string[] = []
    controller.onImage((image, delta) => {
      expect(delta.image(image.provenance)).toBe(image)
      seen.push(...delta.changedTopics().map((change) => change.after.name))
    })
    await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        await create(controller, name)
        seen.push(`${name} answered`)
      }),
    )
    expect(seen.filter((name) => name.length === 1)).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'b', 'c']) expect(seen.indexOf(name)).toBeLessThan(seen.indexOf(`${name} answered`))
    await controller.close()
  })
})

test('an idle log gets a NoOp record each interval', async () => {
  const world = new SeededWorld(14)
  await world.run(async () => {
    const { controller, quorum } = await start(world, { maxIdleIntervalMs: 500 })
    const before = quorum.committedEnd
    await world.advance(5200)
    expect(quorum.committedEnd - before).toBeGreaterThanOrEqual(8)
    await controller.close()
  })
})

test('whatever write fails, and when: nothing acknowledged is lost, and nothing half-made is found', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      await world.disk.makeDirectory('/data')
      await world.disk.syncDirectory('/')
      const { controller } = await start(world, { snapshotBytes: 3000 })
      await unfenced(controller)
      const answered = new Set<string>()
      const deleted = new Set<string>()
      const work: Promise<unknown>[] = []
      const unanswered = (): void => {}
      for (let index = 0; index < 40; index++) {
        if (index === world.choices.below(40)) {
          const kinds = [(['write', 'sync'] as const)[world.choices.below(2)]!]
          world.main.disk.failNext({ kinds, path: '__cluster_metadata-0/0', code: 'EIO' })
        }
        const name = `t${index}`
        work.push(
          create(controller, name, 1 + world.choices.below(5)).then((made) => {
            if (made?.errorCode === 0) answered.add(name)
          }, unanswered),
        )
        if (index % 3 === 2) {
          const victim = `t${index - 2}`
          work.push(
            controller
              .deleteTopics(DeleteTopicsRequest.make({ topics: [{ name: victim }] }), {
                apiVersion: 6,
                clientHost: null,
              })
              .then(() => deleted.add(victim), unanswered),
          )
        }
        if (index % 5 === 0) await world.advance(world.choices.below(20))
      }
      await Promise.all(work)
      const image = controller.image
      for (const name of answered) if (!deleted.has(name)) expect(image.topics.byName(name), name).not.toBeNull()
      world.main.disk.heal()
      const power = world.choices.below(2) === 0
      if (power) world.main.powerLoss()
      else world.main.crash()

      const again = await start(world)
      for (const name of answered) {
        if (Number(name.slice(1)) % 3 !== 0)
          expect(again.controller.image.topics.byName(name), `seed ${seed} ${name}`).not.toBeNull()
      }
      for (const name of deleted) expect(again.controller.image.topics.byName(name), `seed ${seed} ${name}`).toBeNull()
      // Batches are atomic: a topic has the partitions that its creation made.
      for (const topic of image.topics.all()) {
        const found = again.controller.image.topics.byName(topic.name)
        if (found !== null) expect(found.partitions.length).toBe(topic.partitions.length)
      }
      await again.controller.close()
    })
  }
})

test('a metadata transaction that was never ended is aborted by the next controller, and nothing of it is seen', async () => {
  const world = new SeededWorld(15)
  await world.run(async () => {
    const first = await start(world)
    const feature = metadataRecord('FeatureLevelRecord', 0, { name: 'group.version', featureLevel: 1 })
    first.quorum.append([metadataRecord('BeginTransactionRecord', 0, { name: 'x' }), feature].map(encodeMetadataRecord))
    await first.controller.close()
    const second = await start(world)
    expect(second.controller.image.features.levels.size).toBe(0)
    const image = second.controller.image
    await second.controller.close()
    const third = await start(world)
    expect(plainImage(third.controller.image)).toEqual(plainImage(image))
    expect(plainImage(await replayed(world))).toEqual(plainImage(image))
    await third.controller.close()
  })
})

test('a leader changes its ISR by epochs; a preferred leader is elected back', async () => {
  const world = new SeededWorld(16)
  await world.run(async () => {
    const { controller } = await start(world)
    const epochs = new Map<number, number>()
    for (const brokerId of [1, 2]) {
      const epoch = await register(controller, INCARNATION, brokerId)
      epochs.set(brokerId, epoch)
      await heartbeat(controller, epoch, {}, brokerId)
    }
    await create(controller, 't', -1, { assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })
    const topicId = controller.image.topics.byName('t')!.id
    const partition = () => controller.image.topics.partition('t', 0)!
    expect(partition()).toMatchObject({ leader: 1, isr: [1, 2] })
    const alter = async (
      brokerId: number,
      isr: readonly number[],
      partitionEpoch: number,
      leaderEpoch = partition().leaderEpoch,
    ) => {
      const newIsrWithEpochs = isr.map((id) => ({ brokerId: id, brokerEpoch: epochs.get(id)! }))
      const partitions = [{ partitionIndex: 0, leaderEpoch, newIsrWithEpochs, partitionEpoch }]
      const request = AlterPartitionRequest.make({
        brokerId,
        brokerEpoch: epochs.get(brokerId)!,
        topics: [{ topicId, partitions }],
      })
      return (await controller.alterPartition(request, { apiVersion: 3, clientHost: null })).topics?.[0]
        ?.partitions?.[0]
    }
    expect((await alter(1, [1], 5))?.errorCode).toBe(ERROR_CODES.NOT_CONTROLLER)
    expect((await alter(2, [2], 0))?.errorCode).toBe(ERROR_CODES.INVALID_REQUEST)
    expect((await alter(1, [2], 0))?.errorCode).toBe(ERROR_CODES.INVALID_REQUEST)
    expect(await alter(1, [1], 0)).toMatchObject({ errorCode: 0, isr: [1], partitionEpoch: 1, leaderEpoch: 0 })
    expect((await alter(1, [1, 2], 0))?.errorCode).toBe(ERROR_CODES.INVALID_UPDATE_VERSION)
    expect(await alter(1, [1, 2], 1)).toMatchObject({ errorCode: 0, isr: [1, 2], partitionEpoch: 2 })

    await heartbeat(controller, epochs.get(1)!, { wantFence: true }, 1)
    expect(partition()).toMatchObject({ leader: 2, isr: [2], leaderEpoch: 1 })
    expect((await alter(2, [2, 1], partition().partitionEpoch))?.errorCode).toBe(ERROR_CODES.INELIGIBLE_REPLICA)
    await heartbeat(controller, epochs.get(1)!, {}, 1)
    expect(await alter(2, [2, 1], partition().partitionEpoch)).toMatchObject({ errorCode: 0 })
    const elect = async () => {
      const request = ElectLeadersRequest.make({ electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }] })
      return (await controller.electLeaders(request, { apiVersion: 2, clientHost: null })).replicaElectionResults?.[0]
        ?.partitionResult?.[0]?.errorCode
    }
    expect(await elect()).toBe(0)
    expect(partition()).toMatchObject({ leader: 1, leaderEpoch: 2 })
    expect(await elect()).toBe(ERROR_CODES.ELECTION_NOT_NEEDED)
    await controller.close()
  })
})
