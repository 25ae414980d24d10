/** Quotas of clients, kept by a broker in a simulated network: what clients are told, when they are heard again, what they get. */
import { expect, test } from 'vitest'
import { startBroker } from '../broker.ts'
import { errorName } from '../base/error-codes.ts'
import { AlterClientQuotas } from '../protocol/generated/alter-client-quotas.ts'
import { CreatePartitions } from '../protocol/generated/create-partitions.ts'
import { CreateTopics } from '../protocol/generated/create-topics.ts'
import { DeleteTopics } from '../protocol/generated/delete-topics.ts'
import { DescribeClientQuotas } from '../protocol/generated/describe-client-quotas.ts'
import { Fetch } from '../protocol/generated/fetch.ts'
import { Metadata } from '../protocol/generated/metadata.ts'
import { Produce } from '../protocol/generated/produce.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { BrokerConnection } from '../rpc/broker-connection.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { connectionOptions } from '../testing/test-connection.ts'

interface Tried {
  readonly world: SeededWorld
  readonly connect: (clientId: string) => Promise<BrokerConnection>
  /** Null takes the bound away. */
  readonly bound: (
    entity: Readonly<Record<string, string | null>>,
    key: string,
    value: number | null,
  ) => Promise<string>
}

async function withBroker(trial: (tried: Tried) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const address = { host: world.main.ip, port: 9092 }
    await using _broker = await startBroker({ ...address, world: world.main.world, directory: '/data' })
    const connect = (clientId: string) =>
      BrokerConnection.open(address, { ...connectionOptions(world.node('client').world), clientId })
    const admin = await connect('admin')
    const bound: Tried['bound'] = async (entity, key, value) => {
      const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
      const ops = [{ key, value: value ?? 0, remove: value === null }]
      const { entries } = await admin.request(AlterClientQuotas, { entries: [{ entity: parts, ops }] })
      return errorName(entries[0]!.errorCode) ?? ''
    }
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }]
    await admin.request(CreateTopics, { topics, timeoutMs: 1000 })
    await trial({ world, connect, bound })
    admin.close()
  })
}

const NAMED = { versions: { max: 12 } }

function produce(client: BrokerConnection, bytes: number, acks = 1) {
  const records = buildBatch({ records: [{ value: Buffer.alloc(bytes, 'x') }] })
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
  return client.request(Produce, { acks, timeoutMs: 1000, topicData }, NAMED)
}

function fetch(client: BrokerConnection, session: { sessionId: number; sessionEpoch: number }, fetchOffset = 0) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }]
  const topics = [{ topic: 't', partitions }]
  return client.request(Fetch, { maxWaitMs: 100, minBytes: 1, maxBytes: 1 << 20, topics, ...session }, NAMED)
}

/** Asks on in a session, from its epoch 2 on, until there is something in the answer. */
async function untilGiven<Answer extends { readonly responses: readonly unknown[] }>(
  ask: (sessionEpoch: number) => Promise<Answer>,
): Promise<readonly [tries: number, answer: Answer]> {
  for (let tries = 1; ; tries++) {
    const answer = await ask(tries + 1)
    if (answer.responses.length > 0) return [tries, answer]
  }
}

test('who produces too much is answered at once, waits as long as the answer says, and no other client does', async () => {
  await withBroker(async ({ world, connect, bound }) => {
    const [eager, other] = [await connect('eager'), await connect('other')]
    expect(await bound({ 'client-id': 'eager' }, 'producer_byte_rate', 1000)).toBe('NONE')
    expect((await produce(eager, 5000)).throttleTimeMs).toBe(0)
    const startMs = world.elapsedMs()
    const { throttleTimeMs, responses } = await produce(eager, 15_000)
    expect(responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 1 })
    // 20 KB and some headers in ten seconds and what has passed, where 1 KB a second is allowed.
    expect(throttleTimeMs).toBeGreaterThan(10_000)
    expect(throttleTimeMs).toBeLessThan(10_500)
    expect(world.elapsedMs() - startMs).toBeLessThan(100)
    expect((await produce(other, 50_000)).throttleTimeMs).toBe(0)
    const heardMs = world.elapsedMs()
    await eager.request(Metadata, { topics: [] })
    expect(world.elapsedMs() - heardMs).toBeGreaterThan(throttleTimeMs - 200)
    eager.close()
    other.close()
  })
})

test('who fetches too much gets nothing, keeps its session, and gets it all when the time is over', async () => {
  await withBroker(async ({ world, connect, bound }) => {
    const [producer, consumer] = [await connect('p'), await connect('c')]
    for (let batch = 0; batch < 4; batch++) await produce(producer, 9000)
    expect(await bound({ user: null }, 'consumer_byte_rate', 1000)).toBe('NONE')
    const first = await fetch(consumer, { sessionId: 0, sessionEpoch: 0 })
    // Ten seconds' worth, and not more.
    expect(first.responses[0]!.partitions[0]!.records!.length).toBeLessThan(10_000)
    expect([first.throttleTimeMs, first.sessionId > 0]).toEqual([0, true])
    const { sessionId } = first
    const withheld = await fetch(consumer, { sessionId, sessionEpoch: 1 }, 1)
    expect(withheld).toMatchObject({ sessionId, responses: [], errorCode: 0 })
    expect(withheld.throttleTimeMs).toBeGreaterThan(5000)
    const startMs = world.elapsedMs()
    const [tries, next] = await untilGiven((sessionEpoch) => fetch(consumer, { sessionId, sessionEpoch }, 1))
    // What was given first is forgotten after eleven seconds: one more empty answer comes in between.
    expect(world.elapsedMs() - startMs).toBeGreaterThan(withheld.throttleTimeMs)
    expect(tries).toBe(2)
    expect(next.responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(9000)
    // Who begins anew while it is held back has no session afterwards.
    const anew = await fetch(consumer, { sessionId: 0, sessionEpoch: 0 }, 2)
    expect(anew).toMatchObject({ sessionId: 0, responses: [] })
    await bound({ user: null }, 'consumer_byte_rate', null)
    const free = await fetch(consumer, { sessionId: 0, sessionEpoch: 0 }, 1)
    expect([free.throttleTimeMs, free.responses[0]!.partitions[0]!.records!.length > 20_000]).toEqual([0, true])
    for (const client of [producer, consumer]) client.close()
  })
})

test('partitions beyond a rate are refused by new versions, made by old ones, and both have to wait', async () => {
  await withBroker(async ({ connect, bound }) => {
    const client = await connect('maker')
    expect(await bound({ user: null, 'client-id': 'maker' }, 'controller_mutation_rate', 1)).toBe('NONE')
    const create = async (max: number, ...counts: readonly number[]) => {
      const topics = counts.map((numPartitions, at) => ({
        name: `n${max}-${counts.join('-')}-${at}`,
        numPartitions,
        replicationFactor: 1,
      }))
      const answer = await client.request(CreateTopics, { topics, timeoutMs: 1000 }, { versions: { min: max, max } })
      return [answer.topics.map(({ errorCode }) => errorName(errorCode)), answer.throttleTimeMs] as const
    }
    expect(await create(6, 5)).toEqual([['NONE'], 0])
    const [codes, throttleMs] = await create(6, 10, 1)
    expect(codes).toEqual(['NONE', 'THROTTLING_QUOTA_EXCEEDED'])
    expect(throttleMs).toBeGreaterThan(3500)
    // The bucket is at zero when the client is heard again.
    const [older, olderMs] = await create(5, 2, 3)
    expect(older).toEqual(['NONE', 'NONE'])
    expect(olderMs).toBeGreaterThan(4000)
    const more = { topics: [{ name: 't', count: 3, assignments: null }], timeoutMs: 1000 }
    expect((await client.request(CreatePartitions, more)).results[0]!.errorCode).toBe(0)
    const deleted = await client.request(DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 })
    expect(errorName(deleted.responses[0]!.errorCode)).toBe('THROTTLING_QUOTA_EXCEEDED')
    expect(deleted.throttleTimeMs).toBeGreaterThan(0)
    const again = await client.request(DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 })
    expect(again.responses[0]!.errorCode).toBe(0)
    client.close()
  })
})

test('a topic that a client asks for by its name counts towards its partitions', async () => {
  await withBroker(async ({ connect, bound }) => {
    const client = await connect('asker')
    await bound({ 'client-id': 'asker' }, 'controller_mutation_rate', 0.1)
    const ask = async (...names: readonly string[]) => {
      const topics = names.map((name) => ({ name }))
      const answer = await client.request(Metadata, { topics, allowAutoTopicCreation: true })
      return answer.topics.map(({ errorCode }) => errorName(errorCode))
    }
    expect(await ask('a', 'b', 'c')).toEqual(['NONE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
    client.close()
  })
})

test('an address that opens connections too fast has the surplus closed without an answer, and may again later', async () => {
  await withBroker(async ({ world, connect, bound }) => {
    expect(await bound({ ip: null }, 'connection_creation_rate', 1)).toBe('NONE')
    const open = []
    for (let count = 0; count < 10; count++) open.push(await connect(`c${count}`))
    await expect(connect('surplus')).rejects.toThrow('connection reset')
    await world.advance(11_000)
    open.push(await connect('later'))
    for (const one of open) one.close()
  })
})

test('quotas are described by what a filter names, as Kafka does, and wrong filters are refused', async () => {
  await withBroker(async ({ connect, bound }) => {
    const client = await connect('d')
    for (const entity of [
      { user: 'u' },
      { user: null },
      { user: 'u', 'client-id': 'c' },
      { user: null, 'client-id': 'c' },
      { 'client-id': 'c' },
      { ip: '10.0.0.1' },
    ])
      await bound(entity, 'ip' in entity ? 'connection_creation_rate' : 'request_percentage', 100)
    const shown = async (strict: boolean, ...components: readonly (readonly [string, number, string | null])[]) => {
      const answer = await client.request(DescribeClientQuotas, {
        components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
        strict,
      })
      if (answer.errorCode !== 0) return [errorName(answer.errorCode), answer.errorMessage, answer.entries]
      return (answer.entries ?? [])
        .map(({ entity }) => entity.map((part) => `${part.entityType}=${part.entityName ?? '<default>'}`).join())
        .sort()
    }
    expect(await shown(false)).toHaveLength(6)
    expect(await shown(true)).toEqual([])
    expect(await shown(false, ['user', 0, 'u'])).toEqual(['client-id=c,user=u', 'user=u'])
    expect(await shown(true, ['user', 0, 'u'])).toEqual(['user=u'])
    expect(await shown(false, ['user', 1, null])).toEqual(['client-id=c,user=<default>', 'user=<default>'])
    expect(await shown(true, ['user', 2, null], ['client-id', 2, null])).toEqual([
      'client-id=c,user=<default>',
      'client-id=c,user=u',
    ])
    expect(await shown(false, ['ip', 2, null])).toEqual(['ip=10.0.0.1'])
    expect(await shown(false, ['', 2, null])).toEqual(['INVALID_REQUEST', 'Invalid empty entity type.', null])
    expect((await shown(false, ['group', 2, null]))[0]).toBe('UNSUPPORTED_VERSION')
    for (const wrong of [
      [['user', 0, null]],
      [['user', 1, 'u']],
      [['user', 2, 'u']],
      [['user', 3, null]],
      [
        ['user', 2, null],
        ['user', 0, 'u'],
      ],
      [
        ['ip', 2, null],
        ['user', 2, null],
      ],
    ] as const)
      expect((await shown(false, ...wrong))[0]).toBe('INVALID_REQUEST')
    client.close()
  })
})

test('a node ends at once though a client is muted', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const address = { host: world.main.ip, port: 9092 }
    const broker = await startBroker({ ...address, world: world.main.world, directory: '/data' })
    const options = { ...connectionOptions(world.node('client').world), clientId: 'c' }
    const client = await BrokerConnection.open(address, options)
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }]
    await client.request(CreateTopics, { topics, timeoutMs: 1000 })
    const entity = [{ entityType: 'user', entityName: null }]
    const ops = [{ key: 'producer_byte_rate', value: 1, remove: false }]
    await client.request(AlterClientQuotas, { entries: [{ entity, ops }] })
    expect((await produce(client, 5000)).throttleTimeMs).toBeGreaterThan(4_000_000)
    const startMs = world.elapsedMs()
    await broker[Symbol.asyncDispose]()
    expect(world.elapsedMs() - startMs).toBeLessThan(5000)
    client.close()
  })
})
