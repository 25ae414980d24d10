import { expect, test } from 'vitest'
import { errorName, type ErrorCode } from '../../base/error-codes.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { Heartbeat } from '../../protocol/generated/heartbeat.ts'
import { JoinGroup } from '../../protocol/generated/join-group.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { buildBatch } from '../../records/batch-builder.ts'
import { readRecords } from '../../records/record-reader.ts'
import { ChunkPool } from '../../rpc/chunk-pool.ts'
import { ClientConnection } from '../../rpc/client-connection.ts'
import { nodeWorld } from '../../world/node/index.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

const pool = new ChunkPool({ freeBytesMax: 0, poison: true })
const { clock, network } = nodeWorld()

function connect({ host, port }: TestBroker): Promise<ClientConnection> {
  return ClientConnection.connect(network, { host, port }, { pool, clientId: 'test' })
}

function codeOf(errorCode: number | undefined): ErrorCode | null {
  return errorCode === undefined ? null : errorName(errorCode)
}

async function createTopic(client: ClientConnection, config: Record<string, string> = {}): Promise<void> {
  const configs = Object.entries(config).map(([name, value]) => ({ name, value }))
  const { topics } = await client.request(CreateTopics, 5, {
    topics: [{ name: 'events', numPartitions: 1, replicationFactor: 1, configs }],
    timeoutMs: 1000,
  })
  expect(codeOf(topics[0]?.errorCode)).toBe('NONE')
}

async function produce(client: ClientConnection, value: string, timestamp = 1000): Promise<ErrorCode | null> {
  const records = buildBatch({ records: [{ value: Buffer.from(value), timestamp }] })
  const topicData = [{ name: 'events', partitionData: [{ index: 0, records }] }]
  const { responses } = await client.request(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  return codeOf(responses[0]?.partitionResponses[0]?.errorCode)
}

async function consume(client: ClientConnection, maxWaitMs = 0): Promise<string[] | ErrorCode | null> {
  const topics = [{ topic: 'events', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }]
  const { responses } = await client.request(Fetch, 11, { replicaId: -1, maxWaitMs, minBytes: 1, topics })
  const answer = responses[0]?.partitions[0]
  if (answer?.errorCode !== 0) return codeOf(answer?.errorCode)
  const records = answer.records ?? Buffer.alloc(0)
  const values: string[] = []
  for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
    for (const { value } of readRecords(records, at)) values.push(value?.toString() ?? '')
  }
  return values
}

async function withRecord(broker: TestBroker): Promise<ClientConnection> {
  const client = await connect(broker)
  await createTopic(client)
  expect(await produce(client, 'first')).toBe('NONE')
  return client
}

test('names that are no options are refused', async () => {
  await expect(startTestBroker({ start: 1 } as never)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'There is no option start: did you mean startMs?',
  })
})

test('it goes on at the same address with the same data after close, restart and kill', async () => {
  await using broker = await startTestBroker()
  const { address, clusterId } = broker
  let client = await withRecord(broker)
  await broker.restart()
  expect(client.isClosed).toBe(true)
  client = await connect(broker)
  expect(await produce(client, 'second')).toBe('NONE')
  await broker.kill()
  expect(broker.isRunning).toBe(false)
  await expect(connect(broker)).rejects.toThrow(/ECONNREFUSED/)
  await broker.start()
  expect({ address: broker.address, clusterId: broker.clusterId }).toEqual({ address, clusterId })
  client = await connect(broker)
  expect(await consume(client)).toEqual(['first', 'second'])
  client.close()
})

test('a power loss takes what was not synced, and the broker starts with the rest', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  await broker.restart()
  const again = await connect(broker)
  await produce(again, 'not synced')
  await broker.kill({ losePower: true })
  await broker.start()
  const after = await connect(broker)
  expect(await consume(after)).toEqual(['first'])
  after.close()
  client.close()
})

test('a jump of the clock ends sessions of groups', async () => {
  await using broker = await startTestBroker()
  const client = await connect(broker)
  const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
  const member = {
    groupId: 'g',
    protocolType: 'consumer',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 60_000,
    protocols,
  }
  await client.request(FindCoordinator, 2, { key: 'g', keyType: 0 })
  let joined = await client.request(JoinGroup, 2, { ...member, memberId: '' })
  while (codeOf(joined.errorCode) === 'COORDINATOR_LOAD_IN_PROGRESS' || codeOf(joined.errorCode) === 'NOT_COORDINATOR')
    joined = await client.request(JoinGroup, 2, { ...member, memberId: '' })
  const { memberId, generationId } = joined
  const heartbeat = { groupId: 'g', memberId, generationId }
  const alive = codeOf((await client.request(Heartbeat, 2, heartbeat)).errorCode)
  expect(['NONE', 'REBALANCE_IN_PROGRESS']).toContain(alive)
  await broker.clock.advance(29_000)
  await client.request(Heartbeat, 2, heartbeat)
  await broker.clock.advance(29_000)
  expect(codeOf((await client.request(Heartbeat, 2, heartbeat)).errorCode)).toBe(alive)
  await broker.clock.advance(31_000)
  expect(codeOf((await client.request(Heartbeat, 2, heartbeat)).errorCode)).toBe('UNKNOWN_MEMBER_ID')
  client.close()
})

test('a jump of weeks deletes what is older than its retention, and the broker goes on', async () => {
  const startMs = Date.UTC(2030, 0, 1)
  await using broker = await startTestBroker({ startMs })
  expect(broker.clock.now()).toBeGreaterThanOrEqual(startMs)
  expect(broker.clock.now()).toBeLessThan(startMs + 60_000)
  const client = await connect(broker)
  await createTopic(client, { 'retention.ms': '86400000' })
  await produce(client, 'old', startMs)
  await broker.clock.advance(21 * 86_400_000)
  expect(broker.clock.now()).toBeGreaterThanOrEqual(startMs + 21 * 86_400_000)
  // The connection was idle for longer than connections.max.idle.ms: its end is on its way over a real socket.
  await new Promise<void>((resolve) => client.onClosed(resolve))
  const later = await connect(broker)
  const earliest = await later.request(ListOffsets, 1, {
    replicaId: -1,
    topics: [{ name: 'events', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
  })
  expect(earliest.topics[0]?.partitions[0]?.offset).toBe(1)
  expect(await produce(later, 'new', broker.clock.now())).toBe('NONE')
  const { brokers } = await later.request(Metadata, 12, { topics: null })
  expect(brokers).toHaveLength(1)
  later.close()
})

test('while time is paused a long poll waits for ever, and a jump ends it', async () => {
  await using broker = await startTestBroker()
  const client = await connect(broker)
  await createTopic(client)
  broker.clock.pause()
  const pausedAtMs = broker.clock.now()
  let answered = false
  const poll = consume(client, 20).then((values) => {
    answered = true
    return values
  })
  await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + 60, resolve))
  expect(answered).toBe(false)
  expect(broker.clock.now()).toBe(pausedAtMs)
  await broker.clock.advance(20)
  expect(await poll).toEqual([])
  expect(broker.clock.now()).toBe(pausedAtMs + 20)
  expect(await produce(client, 'in paused time')).toBe('NONE')
  broker.clock.resume()
  expect(await consume(client, 30)).toEqual(['in paused time'])
  expect(() => broker.clock.advance(-1)).toThrow(/back/)
  client.close()
})

test('a read that fails is answered with the error of the storage', async () => {
  await using broker = await startTestBroker({ config: { 'log.dirs': ['/one', '/two'] } })
  const client = await withRecord(broker)
  expect(await consume(client)).toEqual(['first'])
  broker.disk.failNext('read', { path: 'events-0/' })
  expect(await consume(client)).toBe('KAFKA_STORAGE_ERROR')
  expect(broker.isRunning).toBe(true)
  client.close()
})

test.each(['write', 'full'] as const)(
  'a disk that fails (%s) stops the broker, and what was acknowledged is there again',
  async (how) => {
    await using broker = await startTestBroker()
    const client = await withRecord(broker)
    if (how === 'full') broker.disk.fill()
    else broker.disk.failNext('write', { path: 'events-0/', writtenBytes: 20 })
    const outcome = await produce(client, 'lost').catch(() => 'closed')
    expect(['KAFKA_STORAGE_ERROR', 'closed']).toContain(outcome)
    await expect(broker.closed).rejects.toThrow(/log director/)
    expect(broker.isRunning).toBe(false)
    await broker.heal()
    await broker.start()
    const again = await connect(broker)
    expect(await consume(again)).toEqual(['first'])
    expect(await produce(again, 'second')).toBe('NONE')
    again.close()
  },
)

test('a slow disk delays acknowledgements by the time of the broker', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.clock.pause()
  broker.disk.slowDown(5000)
  let acknowledged = false
  const slow = produce(client, 'slow').then((code) => {
    acknowledged = true
    return code
  })
  await broker.clock.advance(4000)
  expect(acknowledged).toBe(false)
  broker.disk.heal()
  await broker.clock.advance(2000)
  expect(await slow).toBe('NONE')
  client.close()
})

test('a disk that hangs holds acknowledgements back until it is healed', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.disk.hang()
  let acknowledged = false
  const held = produce(client, 'held').then((code) => {
    acknowledged = true
    return code
  })
  await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + 30, resolve))
  expect(acknowledged).toBe(false)
  broker.disk.heal()
  expect(await held).toBe('NONE')
  client.close()
})

test('a corrupted record reaches its reader with a checksum that is wrong', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.disk.corrupt({ topic: 'events', offset: 0 })
  expect(() => broker.disk.corrupt({ topic: 'events', offset: 7 })).toThrow(/no record 7 of events-0/)
  const outcome = await consume(client).catch((error: unknown) => error)
  expect(outcome).not.toEqual(['first'])
  client.close()
})

test('connections are refused and accepted again, and dropped', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  await broker.network.refuseConnections()
  await expect(connect(broker)).rejects.toThrow(/ECONNREFUSED/)
  expect(await consume(client)).toEqual(['first'])
  await broker.network.acceptConnections()
  const other = await connect(broker)
  expect(await consume(other)).toEqual(['first'])
  expect(broker.network.connectionCount).toBe(2)
  broker.network.dropConnections()
  await Promise.all([client, other].map((each) => new Promise<void>((resolve) => each.onClosed(resolve))))
  expect(broker.network.connectionCount).toBe(0)
})

test('answers are late by the time of the broker, and keep their order', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.clock.pause()
  broker.network.delayAnswers(10_000)
  const order: string[] = []
  const both = [produce(client, 'a').then(() => order.push('a')), produce(client, 'b').then(() => order.push('b'))]
  await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + 30, resolve))
  expect(order).toEqual([])
  await broker.clock.advance(10_000)
  await Promise.all(both)
  expect(order).toEqual(['a', 'b'])
  await broker.network.heal()
  expect(await consume(client)).toEqual(['first', 'a', 'b'])
  client.close()
})

test('half-open connections are silent until the network heals', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.network.hang()
  let answered = false
  const values = consume(client).then((found) => {
    answered = true
    return found
  })
  const late = await connect(broker)
  await new Promise<void>((resolve) => clock.at(clock.monotonicMs() + 40, resolve))
  expect(answered).toBe(false)
  expect(client.isClosed).toBe(false)
  await broker.network.heal()
  expect(await values).toEqual(['first'])
  expect(await consume(late)).toEqual(['first'])
  client.close()
  late.close()
})

test('the next requests of an API are answered with an error, then no more', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  const fault = broker.failRequests({ api: 'Produce', code: 'NOT_LEADER_OR_FOLLOWER', times: 2 })
  expect(await produce(client, 'x')).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(fault.hits).toBe(1)
  expect(await produce(client, 'x')).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(await produce(client, 'second')).toBe('NONE')
  expect(fault.hits).toBe(2)
  expect(await consume(client)).toEqual(['first', 'second'])
  client.close()
})

test('a request that took effect can still be answered with an error, late, or lose its connection', async () => {
  await using broker = await startTestBroker()
  let client = await withRecord(broker)
  broker.failRequests({ api: 'Produce', code: 'REQUEST_TIMED_OUT', handled: true })
  expect(await produce(client, 'second')).toBe('REQUEST_TIMED_OUT')
  broker.failRequests({ api: 'Produce', close: true, handled: true })
  await expect(produce(client, 'third')).rejects.toThrow(/closed/)
  client = await connect(broker)
  broker.failRequests({ api: 'Produce', delayMs: 40 })
  const before = clock.monotonicMs()
  expect(await produce(client, 'fourth')).toBe('NONE')
  expect(clock.monotonicMs() - before).toBeGreaterThan(38)
  expect(await consume(client)).toEqual(['first', 'second', 'third', 'fourth'])
  client.close()
})

test('errors stand where clients look for them', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.failRequests({ api: 'Fetch', code: 'OFFSET_OUT_OF_RANGE' })
  expect(await consume(client)).toBe('OFFSET_OUT_OF_RANGE')
  broker.failRequests({ api: 'Metadata', code: 'LEADER_NOT_AVAILABLE' })
  const metadata = await client.request(Metadata, 12, { topics: [{ name: 'events' }] })
  expect(metadata).toMatchObject({ brokers: [{ port: broker.port }], topics: [{ name: 'events', partitions: [] }] })
  expect(codeOf(metadata.topics[0]?.errorCode)).toBe('LEADER_NOT_AVAILABLE')
  broker.failRequests({ api: 'ListOffsets', code: 'NOT_LEADER_OR_FOLLOWER' })
  const topics = [{ name: 'events', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const offsets = await client.request(ListOffsets, 1, { replicaId: -1, topics })
  expect(codeOf(offsets.topics[0]?.partitions[0]?.errorCode)).toBe('NOT_LEADER_OR_FOLLOWER')
  broker.failRequests({ api: 'OffsetCommit', code: 'NOT_COORDINATOR' })
  const commit = await client.request(OffsetCommit, 8, {
    groupId: 'g',
    topics: [{ name: 'events', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }],
  })
  expect(codeOf(commit.topics[0]?.partitions[0]?.errorCode)).toBe('NOT_COORDINATOR')
  client.close()
})

test('a fetch session is told to name its partitions again, and then meets the fault', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  const fetch = { replicaId: -1, maxWaitMs: 0, minBytes: 1 }
  const topics = [{ topic: 'events', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  const { sessionId } = await client.request(Fetch, 11, { ...fetch, topics, sessionId: 0, sessionEpoch: 0 })
  expect(sessionId).toBeGreaterThan(0)
  const fault = broker.failRequests({ api: 'Fetch', code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  const inside = await client.request(Fetch, 11, { ...fetch, sessionId, sessionEpoch: 1 })
  expect(codeOf(inside.errorCode)).toBe('FETCH_SESSION_ID_NOT_FOUND')
  expect(fault.hits).toBe(0)
  expect(await consume(client)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  client.close()
})

test('faults can be narrowed, cancelled and healed; names that do not exist are refused', async () => {
  await using broker = await startTestBroker()
  const client = await withRecord(broker)
  const versions: number[] = []
  const never = broker.failRequests({
    api: 'Produce',
    code: 'INVALID_RECORD',
    when: (_request, version) => {
      versions.push(version)
      return false
    },
  })
  expect(await produce(client, 'a')).toBe('NONE')
  expect(versions).toEqual([9])
  never.cancel()
  broker.failRequests({ api: 'Produce', code: 'INVALID_RECORD', times: Number.POSITIVE_INFINITY })
  expect(await produce(client, 'x')).toBe('INVALID_RECORD')
  expect(await produce(client, 'x')).toBe('INVALID_RECORD')
  await broker.heal()
  expect(await produce(client, 'b')).toBe('NONE')
  expect(() => broker.failRequests({ api: 'Produced', code: 'INVALID_RECORD' })).toThrow(/no API Produced/)
  expect(() => broker.failRequests({ api: 'Produce' })).toThrow(/needs a code/)
  client.close()
})

test('close ends whatever the faults are', async () => {
  const broker = await startTestBroker()
  const client = await withRecord(broker)
  broker.clock.pause()
  broker.disk.hang()
  broker.network.hang()
  void produce(client, 'never').catch(() => undefined)
  await broker.close()
  expect(broker.isRunning).toBe(false)
  await broker.close()
  await broker.closed
})
