/** Transactions at the leader of a partition: Produce, WriteTxnMarkers and what readers see, over the wire. */
import { expect, test } from 'vitest'
import { ERROR_CODES as E } from '../../base/error-codes.ts'
import { startBroker } from '../../broker.ts'
import { AddPartitionsToTxn } from '../../protocol/generated/add-partitions-to-txn.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { DescribeProducers } from '../../protocol/generated/describe-producers.ts'
import { DescribeTransactions } from '../../protocol/generated/describe-transactions.ts'
import { EndTxn } from '../../protocol/generated/end-txn.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { ListTransactions } from '../../protocol/generated/list-transactions.ts'
import { OffsetFetch } from '../../protocol/generated/offset-fetch.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { TxnOffsetCommit } from '../../protocol/generated/txn-offset-commit.ts'
import { WriteTxnMarkers } from '../../protocol/generated/write-txn-markers.ts'
import { isControl, hasLogAppendTime, setBaseOffset } from '../../records/batch.ts'
import { BatchCursor } from '../../records/batches.ts'
import { buildBatch, type BatchInit } from '../../records/batch-builder.ts'
import { ChunkPool } from '../../rpc/chunk-pool.ts'
import { ClientConnection } from '../../rpc/client-connection.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'

const pool = new ChunkPool({ freeBytesMax: 0, poison: true })
const UNVERIFIED = { 'transaction.partition.verification.enable': 'false' }

async function withBroker(
  config: Readonly<Record<string, string>>,
  ask: (client: ClientConnection, another: ClientConnection, world: SeededWorld) => Promise<void>,
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { ip: host } = world.main
    const broker = await startBroker({ world: world.main.world, directory: '/data', host, port: 9092, config })
    const { network } = world.node('client').world
    const connect = (): Promise<ClientConnection> =>
      ClientConnection.connect(network, { host, port: 9092 }, { pool, clientId: 'test' })
    const client = await connect()
    const topics = [
      { name: 'a', numPartitions: 2, replicationFactor: 1 },
      {
        name: 'timed',
        numPartitions: 1,
        replicationFactor: 1,
        configs: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
      },
    ]
    await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
    await ask(client, await connect(), world)
    await broker.close()
  })
}

function transactional(baseSequence: number, init: Partial<BatchInit> = {}): Buffer {
  const records = [{ timestamp: 1_767_225_600_000, key: Buffer.from('k'), value: Buffer.from('v') }]
  const batch = buildBatch({
    records,
    producerId: 7,
    producerEpoch: 0,
    transactional: true,
    ...(init as object),
    baseSequence,
  })
  setBaseOffset(batch, 0, 0)
  return batch
}

async function produce(
  client: ClientConnection,
  version: number,
  records: readonly Buffer[],
  name = 'a',
): Promise<{ errorCode: number; errorMessage: string | null; baseOffset: unknown; logStartOffset: unknown }[]> {
  const partitionData = records.map((bytes, index) => ({ index, records: bytes }))
  const topicData = [{ name, partitionData }]
  const request = { transactionalId: 'x', acks: -1, timeoutMs: 1000, topicData }
  const { responses } = await client.request(Produce, version, request)
  return [...(responses[0]?.partitionResponses ?? [])]
}

async function mark(
  client: ClientConnection,
  transactionResult: boolean,
  fields: object = {},
  version = 1,
): Promise<unknown> {
  const topics = [{ name: 'a', partitionIndexes: [0] }]
  const marker = { producerId: 7, producerEpoch: 0, coordinatorEpoch: 0, topics, transactionResult, ...fields }
  const { markers } = await client.request(WriteTxnMarkers, version, { markers: [marker] })
  return markers.flatMap((each) =>
    each.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => `${name}-${partitionIndex} ${errorCode}`),
    ),
  )
}

function fetch(client: ClientConnection, fetchOffset: number, limits: object = {}, topic = 'a') {
  const partitions = [{ partition: 0, fetchOffset, currentLeaderEpoch: -1, partitionMaxBytes: 10_000 }]
  const wanted = { replicaId: -1, maxWaitMs: 0, minBytes: 1, isolationLevel: 1, sessionEpoch: -1, ...limits }
  return client
    .request(Fetch, 11, { maxBytes: 10_000, ...wanted, topics: [{ topic, partitions }] })
    .then(({ responses }) => responses[0]!.partitions[0]!)
}

async function endOf(client: ClientConnection, isolationLevel: number): Promise<number> {
  const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const answer = await client.request(ListOffsets, 7, { replicaId: -1, isolationLevel, topics })
  return Number(answer.topics[0]?.partitions[0]?.offset)
}

test('a transaction that nobody coordinates is answered as one that cannot be verified now', () =>
  withBroker({}, async (client) => {
    for (const version of [3, 9, 11, 12]) {
      const [answer] = await produce(client, version, [transactional(0)])
      expect(answer).toMatchObject({ errorCode: E.NOT_ENOUGH_REPLICAS, baseOffset: -1 })
      if (version >= 8)
        expect(answer?.errorMessage).toBe(
          'Unable to verify the partition has been added to the transaction. Underlying error: COORDINATOR_NOT_AVAILABLE',
        )
    }
    expect([await endOf(client, 0), await endOf(client, 1)]).toEqual([0, 0])
  }))

test('clients of transactions v2 leave it to the leader to add the partition, verified or not', () =>
  withBroker(UNVERIFIED, async (client) => {
    expect(await produce(client, 11, [transactional(0)])).toMatchObject([{ errorCode: 0 }])
    expect(await produce(client, 12, [transactional(0, { producerId: 8 })])).toMatchObject([
      { errorCode: E.NOT_ENOUGH_REPLICAS },
    ])
    // What is open already is asked of nobody.
    expect(await produce(client, 12, [transactional(1)])).toMatchObject([{ errorCode: 0, baseOffset: 1 }])
  }))

test('the batches of a request are of one producer and its one epoch', () =>
  withBroker(UNVERIFIED, async (client) => {
    const two = [transactional(0), transactional(0, { producerEpoch: 1 })]
    const code = { errorCode: E.INVALID_PRODUCER_ID_MAPPING }
    expect(await produce(client, 9, two)).toMatchObject([code, code])
    expect(await endOf(client, 0)).toBe(0)
  }))

test('readers see of a transaction what their isolation lets them, and which ones were aborted', () =>
  withBroker(UNVERIFIED, async (client) => {
    await produce(client, 9, [transactional(0)])
    await produce(client, 9, [transactional(0, { producerId: 8 })])
    expect([await endOf(client, 0), await endOf(client, 1)]).toEqual([2, 0])
    expect(await fetch(client, 0)).toMatchObject({ highWatermark: 2, lastStableOffset: 0, abortedTransactions: [] })
    expect(await fetch(client, 0, { isolationLevel: 0 })).toMatchObject({
      lastStableOffset: 0,
      abortedTransactions: null,
    })
    expect(await mark(client, false)).toEqual(['a-0 0'])
    expect([await endOf(client, 0), await endOf(client, 1)]).toEqual([3, 1])
    expect(await fetch(client, 0)).toMatchObject({
      lastStableOffset: 1,
      abortedTransactions: [{ producerId: 7, firstOffset: 0 }],
    })
    expect(await mark(client, true, { producerId: 8 })).toEqual(['a-0 0'])
    expect(await endOf(client, 1)).toBe(4)
    expect(await fetch(client, 1)).toMatchObject({ abortedTransactions: [{ producerId: 7, firstOffset: 0 }] })
    expect(await fetch(client, 3)).toMatchObject({ abortedTransactions: [] })
    const described = await client.request(DescribeProducers, 0, { topics: [{ name: 'a', partitionIndexes: [0] }] })
    expect(described.topics[0]?.partitions[0]?.activeProducers).toMatchObject([
      { producerId: 7, coordinatorEpoch: 0, currentTxnStartOffset: -1 },
      { producerId: 8, coordinatorEpoch: 0, currentTxnStartOffset: -1 },
    ])
  }))

test('a read_committed fetch that waits is answered by the end of the transaction, however little that is itself', () =>
  withBroker(UNVERIFIED, async (client, another, world) => {
    let answered: number | null = null
    const waiting = fetch(another, 0, { maxWaitMs: 60_000, minBytes: 300 }).then((answer) => {
      answered = answer.records?.length ?? 0
    })
    for (let sequence = 0; sequence < 6; sequence++) await produce(client, 9, [transactional(sequence)])
    await world.advance(1000)
    expect(answered).toBe(null)
    await mark(client, true)
    await world.advance(100)
    expect(answered).toBeGreaterThan(6 * 61)
    await waiting
  }))

test('markers: partitions that are not here, of stale epochs, several for one producer, without any', () =>
  withBroker(UNVERIFIED, async (client) => {
    await produce(client, 9, [transactional(0, { producerEpoch: 3 }), transactional(0, { producerEpoch: 3 })])
    const nowhere = [
      { name: 'a', partitionIndexes: [9] },
      { name: 'b', partitionIndexes: [0] },
    ]
    expect(await mark(client, true, { topics: nowhere })).toEqual(['a-9 3', 'b-0 3'])
    expect(await mark(client, true, { producerEpoch: 2 })).toEqual([`a-0 ${E.INVALID_PRODUCER_EPOCH}`])
    const v2 = { producerEpoch: 3, transactionVersion: 2 }
    expect(await mark(client, true, v2, 2)).toEqual([`a-0 ${E.INVALID_PRODUCER_EPOCH}`])
    expect(await mark(client, true, { ...v2, producerEpoch: 4, coordinatorEpoch: 5 }, 2)).toEqual(['a-0 0'])
    expect(await mark(client, true, { producerEpoch: 4, coordinatorEpoch: 4 })).toEqual([
      `a-0 ${E.TRANSACTION_COORDINATOR_FENCED}`,
    ])
    // A producer that is new here has no coordinator's epoch yet, which is -1.
    expect(await mark(client, false, { producerId: 8, coordinatorEpoch: -2 })).toEqual([
      `a-0 ${E.TRANSACTION_COORDINATOR_FENCED}`,
    ])
    expect(await mark(client, false, { producerId: -1 })).toEqual([`a-0 ${E.INVALID_PRODUCER_EPOCH}`])
    const both = [0, 1].map((index) => ({
      producerId: 7,
      producerEpoch: 9,
      coordinatorEpoch: 5,
      topics: [{ name: 'a', partitionIndexes: [index, index] }],
    }))
    const { markers } = await client.request(WriteTxnMarkers, 1, { markers: both })
    expect(markers).toMatchObject([{ producerId: 7, topics: [{ partitions: [{ errorCode: 0 }, { errorCode: 0 }] }] }])
    expect((await client.request(WriteTxnMarkers, 1, { markers: [] })).markers).toEqual([])
  }))

test('a marker of a topic with log-append times has one, too', () =>
  withBroker(UNVERIFIED, async (client) => {
    await produce(client, 9, [transactional(0)], 'timed')
    expect(await mark(client, true, { topics: [{ name: 'timed', partitionIndexes: [0] }] })).toEqual(['timed-0 0'])
    const { records } = await fetch(client, 0, {}, 'timed')
    const cursor = new BatchCursor().reset(records ?? Buffer.alloc(0))
    const kinds: boolean[][] = []
    while (cursor.next()) kinds.push([isControl(cursor.bytes, cursor.at), hasLogAppendTime(cursor.bytes, cursor.at)])
    expect(kinds).toEqual([
      [false, true],
      [true, true],
    ])
  }))

test('a transaction of version 2 from the wire: an id, records and offsets, the end, and what is read of it', () =>
  withBroker({}, async (client, another, world) => {
    const coordinated = async (key: string, keyType: number): Promise<void> => {
      let code = -1
      while (code !== 0) code = (await client.request(FindCoordinator, 3, { key, keyType })).errorCode
    }
    await coordinated('x', 1)
    await coordinated('g', 0)
    const init = async () => {
      const request = { transactionalId: 'x', transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
      return client.request(InitProducerId, 5, request)
    }
    let producer = await init()
    while (producer.errorCode !== 0) producer = await init()
    const { producerId, producerEpoch } = producer
    const send = (sequence: number, epoch: number) =>
      produce(client, 12, [transactional(sequence, { producerId, producerEpoch: epoch })])
    expect(await send(0, producerEpoch)).toMatchObject([{ errorCode: 0, baseOffset: 0 }])
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 42 }] }]
    const offsets = { transactionalId: 'x', groupId: 'g', producerId, producerEpoch, topics }
    const committed = async (): Promise<unknown> =>
      (await client.request(TxnOffsetCommit, 5, offsets)).topics[0]?.partitions[0]?.errorCode
    while ((await committed()) !== 0);
    expect([await endOf(client, 0), await endOf(client, 1)]).toEqual([1, 0])
    const waiting = fetch(another, 0, { maxWaitMs: 10_000 })
    const end = { transactionalId: 'x', producerId, producerEpoch, committed: true }
    const ended = await client.request(EndTxn, 5, end)
    expect(ended).toMatchObject({ errorCode: 0, producerId, producerEpoch: producerEpoch + 1 })
    expect((await waiting).lastStableOffset).toBe(2)
    await world.advance(200)
    const described = await client.request(DescribeTransactions, 0, { transactionalIds: ['x'] })
    expect(described.transactionStates).toMatchObject([{ transactionState: 'CompleteCommit', topics: [] }])
    const groups = { groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0] }], requireStable: true }
    const fetched = await client.request(OffsetFetch, 7, groups)
    expect(fetched.topics[0]?.partitions[0]).toMatchObject({ committedOffset: 42, errorCode: 0 })
    // The epoch that is over opens nothing any more.
    expect(await send(1, producerEpoch)).toMatchObject([{ errorCode: E.INVALID_PRODUCER_EPOCH }])
    expect(await send(0, producerEpoch + 1)).toMatchObject([{ errorCode: 0, baseOffset: 2 }])
    const listed = await client.request(ListTransactions, 1, { durationFilter: -1 })
    expect(listed.transactionStates).toMatchObject([{ transactionalId: 'x', transactionState: 'Ongoing' }])
  }))

test('partitions are added by a client of transactions v1, all or none, and verified by the leader', () =>
  withBroker({}, async (client) => {
    while ((await client.request(FindCoordinator, 3, { key: 'x', keyType: 1 })).errorCode !== 0);
    const init = () => client.request(InitProducerId, 4, { transactionalId: 'x', transactionTimeoutMs: 60_000 })
    let producer = await init()
    while (producer.errorCode !== 0) producer = await init()
    const { producerId, producerEpoch } = producer
    const add = async (topic: string, partition: number): Promise<unknown[]> => {
      const topics = [
        { name: 'a', partitions: [0] },
        { name: topic, partitions: [partition] },
      ]
      const answer = await client.request(AddPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: 'x',
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: topics,
      })
      return answer.resultsByTopicV3AndBelow.map(({ resultsByPartition }) => resultsByPartition[0]?.partitionErrorCode)
    }
    const batches = [transactional(0, { producerId, producerEpoch }), transactional(0, { producerId, producerEpoch })]
    expect(await add('nowhere', 0)).toEqual([E.OPERATION_NOT_ATTEMPTED, E.UNKNOWN_TOPIC_OR_PARTITION])
    expect(await produce(client, 11, batches)).toMatchObject([
      { errorCode: E.TRANSACTION_ABORTABLE },
      { errorCode: E.TRANSACTION_ABORTABLE },
    ])
    expect(await produce(client, 9, batches)).toMatchObject([
      { errorCode: E.INVALID_TXN_STATE, errorMessage: 'Partition was not added to the transaction' },
      { errorCode: E.INVALID_TXN_STATE },
    ])
    expect(await add('timed', 0)).toEqual([0, 0])
    expect(await produce(client, 9, batches)).toMatchObject([{ errorCode: 0 }, { errorCode: E.INVALID_TXN_STATE }])
    // A topic that is named twice is one.
    expect(await add('a', 1)).toEqual([0])
    const named = [{ name: 'a' }, { name: 'nowhere' }, { name: 'a' }]
    const empty = await client.request(AddPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: 'x',
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: named,
    })
    expect(empty.resultsByTopicV3AndBelow).toEqual(named.map((topic) => ({ ...topic, resultsByPartition: [] })))
    const described = await client.request(DescribeTransactions, 0, { transactionalIds: ['x'] })
    expect(described.transactionStates[0]?.topics).toEqual([
      { topic: 'a', partitions: [0, 1] },
      { topic: 'timed', partitions: [0] },
    ])
  }))

test('offsets of a transaction wait for its marker in the partition of the group', () =>
  withBroker({ ...UNVERIFIED, 'offsets.topic.num.partitions': '3' }, async (client) => {
    const commit = async (version: number): Promise<number | undefined> => {
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 42 }] }]
      const request = { transactionalId: 'x', groupId: 'g', producerId: 7, producerEpoch: 0, topics }
      return (await client.request(TxnOffsetCommit, version, request)).topics[0]?.partitions[0]?.errorCode
    }
    const fetched = async (requireStable: boolean) => {
      const request = { groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0] }], requireStable }
      return (await client.request(OffsetFetch, 7, request)).topics[0]?.partitions[0]
    }
    await client.request(FindCoordinator, 1, { key: 'g' })
    let committed = await commit(3)
    while (committed === E.NOT_COORDINATOR || committed === E.COORDINATOR_LOAD_IN_PROGRESS) committed = await commit(3)
    expect([committed, await commit(5)]).toEqual([0, 0])
    expect(await fetched(true)).toMatchObject({ errorCode: E.UNSTABLE_OFFSET_COMMIT })
    expect(await fetched(false)).toMatchObject({ committedOffset: -1, errorCode: 0 })
    const topics = [{ name: '__consumer_offsets', partitionIndexes: [0, 1, 2] }]
    expect(await mark(client, true, { topics })).toEqual([0, 1, 2].map((index) => `__consumer_offsets-${index} 0`))
    expect(await fetched(true)).toMatchObject({ committedOffset: 42, errorCode: 0 })
  }))
