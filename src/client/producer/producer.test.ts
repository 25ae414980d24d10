import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { Produce, type ProduceRequest } from '../../protocol/generated/produce.ts'
import { magic } from '../../records/batch.ts'
import { ScriptedCluster, SILENCE, type ScriptedClusterOptions } from '../../testing/scripted/scripted-cluster.ts'
import { ScriptedLogs, type ProduceFault, type ScriptedLogsOptions } from '../../testing/scripted/scripted-log.ts'
import { SeededWorld } from '../../testing/seeded-world.ts'
import { pause } from '../call.ts'
import { resolveClientOptions, type ClientOptions } from '../client-options.ts'
import { json } from '../serde.ts'
import type { ProducerOptions } from './producer-options.ts'
import type { Bytes, Delivery } from './producer-record.ts'
import { Producer } from './producer.ts'

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  readonly client: (options?: Partial<ClientOptions>) => ReturnType<typeof resolveClientOptions>
  producer(options?: ProducerOptions<Bytes, Bytes>): Producer<Bytes, Bytes>
}

async function inCluster(
  task: (setting: Setting) => Promise<void>,
  options: ScriptedClusterOptions & ScriptedLogsOptions = {},
): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: 2, topics: { t: 2 }, ...options })
    const logs = new ScriptedLogs(cluster, { pause: (ms) => pause(world.clock, ms), ...options })
    const client = (more: Partial<ClientOptions> = {}) => resolveClientOptions({ brokers: cluster.bootstrap, ...more })
    const made: Producer<Bytes, Bytes>[] = []
    const producer = (producerOptions: ProducerOptions<Bytes, Bytes> = {}): Producer<Bytes, Bytes> => {
      const one = new Producer<Bytes, Bytes>(world, client(), producerOptions)
      made.push(one)
      return one
    }
    await task({ world, cluster, logs, client, producer })
    await Promise.all(made.map((one) => one.close({ timeoutMs: 100 }).catch(() => {})))
    await cluster.close()
  })
}

const tick = (world: SeededWorld): number => world.clock.monotonicMs()

test('a record is written where its key says, and send tells where that is', async () => {
  await inCluster(async ({ producer, logs }) => {
    const sent = await producer().send({ topic: 't', key: 'a', value: 'hello', timestamp: 1234 })
    expect(sent).toEqual({ topic: 't', partition: 0, offset: 0, timestamp: 1234 })
    expect(logs.records('t', 0)).toMatchObject([{ key: 'a', value: 'hello', timestamp: 1234 }])
  })
})

test('records of one turn share a batch, and linger lets those of later turns join', async () => {
  await inCluster(async ({ world, producer, cluster }) => {
    const one = producer({ lingerMs: 50 })
    await one.send({ topic: 't', partition: 0, value: 'first' })
    const before = cluster.count(Produce)
    const startedMs = tick(world)
    const sent = [one.send({ topic: 't', partition: 0, value: 'a' })]
    await pause(world.clock, 20)
    sent.push(one.send({ topic: 't', partition: 0, value: 'b' }))
    const [a, b] = await Promise.all(sent)
    expect([a!.offset, b!.offset]).toEqual([1, 2])
    expect(cluster.count(Produce)).toBe(before + 1)
    expect(tick(world) - startedMs).toBeGreaterThanOrEqual(50)
  })
})

test('sendAll resolves in the order of its records, and rejects with the first error when all have settled', async () => {
  await inCluster(async ({ producer, logs }) => {
    const one = producer({ maxRequestBytes: 1000 })
    const all = await one.sendAll([1, 0, 1].map((partition, index) => ({ topic: 't', partition, value: `${index}` })))
    expect(all.map(({ partition, offset }) => [partition, offset])).toEqual([
      [1, 0],
      [0, 0],
      [1, 1],
    ])
    const failing = one.sendAll([
      { topic: 't', partition: 0, value: 'x'.repeat(2000) },
      { topic: 't', partition: 0, value: 'fine' },
    ])
    await expect(failing).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    expect(logs.values('t', 0)).toEqual(['1', 'fine'])
    expect(await one.sendAll([])).toEqual([])
  })
})

test('post takes records without a promise, and flush waits for them', async () => {
  await inCluster(async ({ producer, logs }) => {
    const deliveries: Delivery[] = []
    const one = producer({ lingerMs: 60_000, onDelivery: (delivery) => deliveries.push(delivery) })
    for (let index = 0; index < 10; index++) one.post({ topic: 't', partition: 0, value: `${index}` })
    await one.flush()
    expect(logs.values('t', 0)).toHaveLength(10)
    expect(deliveries).toEqual([
      { topic: 't', partition: 0, baseOffset: 0, records: 10, logAppendTimeMs: -1, logStartOffset: 0, error: null },
    ])
  })
})

test('flush rejects once for posted records that failed, and not for those that somebody waited for', async () => {
  await inCluster(
    async ({ producer }) => {
      const one = producer()
      const awaited = one.send({ topic: 't', partition: 0, value: 'a' })
      await expect(awaited).rejects.toMatchObject({ code: 'INVALID_RECORD' })
      await one.flush()
      one.post({ topic: 't', partition: 0, value: 'b' })
      one.post({ topic: 't', partition: 0, value: 'c' })
      await expect(one.flush()).rejects.toMatchObject({ code: 'DELIVERY_FAILED', cause: { code: 'INVALID_RECORD' } })
      await one.flush()
    },
    { fault: () => ({ refuse: 'INVALID_RECORD' }) },
  )
})

test('a record has failed when its delivery time is over, whatever the brokers do', async () => {
  await inCluster(async ({ world, cluster, producer }) => {
    cluster.on(Produce, () => SILENCE)
    const one = producer({ deliveryTimeoutMs: 40_000, lingerMs: 0 })
    const startedMs = tick(world)
    await expect(one.send({ topic: 't', partition: 0, value: 'a' })).rejects.toMatchObject({
      code: 'TIMED_OUT',
      cause: { code: 'NETWORK_EXCEPTION' },
    })
    expect(tick(world) - startedMs).toBeGreaterThanOrEqual(40_000)
    expect(tick(world) - startedMs).toBeLessThan(40_100)
  })
})

test('what waits behind a record whose time is over is sent at once', async () => {
  let isShort = true
  const fault = (): ProduceFault | null => (isShort ? { refuse: 'NOT_ENOUGH_REPLICAS' } : null)
  await inCluster(
    async ({ world, producer, logs }) => {
      const one = producer({ deliveryTimeoutMs: 40_000, lingerMs: 0 })
      const first = one.send({ topic: 't', partition: 0, value: 'a' })
      const refused = expect(first).rejects.toMatchObject({ code: 'TIMED_OUT', cause: { code: 'NOT_ENOUGH_REPLICAS' } })
      await pause(world.clock, 20_000)
      const second = one.send({ topic: 't', partition: 0, value: 'b' })
      await refused
      isShort = false
      const startedMs = tick(world)
      await second
      expect(tick(world) - startedMs).toBeLessThan(2000)
      expect(logs.values('t', 0)).toEqual(['b'])
    },
    { fault },
  )
})

test('a topic that does not exist fails after max.block.ms, with its records in order before and after', async () => {
  await inCluster(async ({ world, cluster, producer, logs }) => {
    const one = producer({ maxBlockMs: 3000 })
    const startedMs = tick(world)
    await expect(one.send({ topic: 'never', value: 'a' })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(tick(world) - startedMs).toBeLessThan(3200)
    const sent = ['a', 'b', 'c'].map((value) => one.send({ topic: 'late', partition: 0, value }))
    cluster.createTopic('late', 1)
    await Promise.all(sent)
    expect(logs.values('late', 0)).toEqual(['a', 'b', 'c'])
  })
})

test('a partition that the topic gets later is waited for', async () => {
  await inCluster(async ({ world, cluster, producer, logs }) => {
    const one = producer()
    await one.send({ topic: 't', partition: 0, value: 'a' })
    const beyond = one.send({ topic: 't', partition: 2, value: 'b' })
    await one.send({ topic: 't', partition: 1, value: 'c' })
    cluster.topics.get('t')!.leaders.push(1)
    cluster.topics.get('t')!.epochs.push(0)
    await expect(beyond).resolves.toMatchObject({ partition: 2, offset: 0 })
    expect(logs.values('t', 2)).toEqual(['b'])
    await expect(one.send({ topic: 't', partition: 9, value: 'd' })).rejects.toMatchObject({ code: 'TIMED_OUT' })
    expect(tick(world)).toBeGreaterThan(60_000)
  })
})

test('without memory send waits, post asks to wait and then throws, and drained tells when there is room', async () => {
  await inCluster(
    async ({ producer, logs }) => {
      const one = producer({ bufferBytes: 4000, batchBytes: 500 })
      const value = 'x'.repeat(400)
      await one.send({ topic: 't', partition: 0, value })
      const taken = Array.from({ length: 6 }, () => one.post({ topic: 't', partition: 0, value }))
      expect(taken).toEqual([true, true, true, true, true, true])
      expect(one.post({ topic: 't', partition: 0, value })).toBe(false)
      expect(one.post({ topic: 't', partition: 0, value })).toBe(false)
      expect(() => one.post({ topic: 't', partition: 0, value })).toThrow('await drained()')
      const sent = one.send({ topic: 't', partition: 0, value })
      await one.drained()
      expect(one.post({ topic: 't', partition: 0, value })).toBe(true)
      await sent
      await one.flush()
      expect(logs.values('t', 0)).toHaveLength(11)
    },
    { fault: () => ({ delayMs: 100 }) },
  )
})

test('who waits for room goes on when records that filled the memory have failed', async () => {
  await inCluster(async ({ world, cluster, producer }) => {
    cluster.on(InitProducerId, () => ({ errorCode: ERROR_CODES.CLUSTER_AUTHORIZATION_FAILED }))
    const failed: Delivery[] = []
    const one = producer({ bufferBytes: 64_000, batchBytes: 16_000, onDelivery: (delivery) => failed.push(delivery) })
    await one.partitionsFor('t')
    while (one.post({ topic: 't', partition: 0, value: 'x'.repeat(1000) }));
    const startedMs = tick(world)
    await one.drained()
    expect(tick(world) - startedMs).toBeLessThan(1000)
    expect(failed[0]?.error).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' })
  })
})

test('records that got no memory in max.block.ms fail as BUFFER_FULL', async () => {
  await inCluster(async ({ cluster, producer }) => {
    cluster.on(Produce, () => SILENCE)
    const one = producer({ bufferBytes: 1000, batchBytes: 500, maxBlockMs: 2000 })
    const sent = Array.from({ length: 4 }, () => one.send({ topic: 't', partition: 0, value: 'x'.repeat(400) }))
    for (const each of sent) each.catch(() => {})
    await expect(sent[3]).rejects.toMatchObject({ code: 'BUFFER_FULL' })
  })
})

test('a batch that is too large for the broker is sent in parts, in order', async () => {
  await inCluster(
    async ({ producer, logs }) => {
      const one = producer({ batchBytes: 4000, lingerMs: 10 })
      const values = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(2, '0')}${'x'.repeat(60)}`)
      const sent = await one.sendAll(values.map((value) => ({ topic: 't', partition: 0, value })))
      expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, index) => index))
      expect(logs.values('t', 0)).toEqual(values)
      const alone = one.send({ topic: 't', partition: 0, value: 'x'.repeat(2000) })
      await expect(alone).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
      await one.send({ topic: 't', partition: 0, value: 'after' })
    },
    { batchBytesMax: 500 },
  )
})

test('the leader that a refusing broker names is asked at once, without new metadata', async () => {
  await inCluster(async ({ world, cluster, producer }) => {
    const one = producer({ lingerMs: 0 })
    await one.send({ topic: 't', partition: 0, value: 'a' })
    await one.send({ topic: 't', partition: 1, value: 'a' })
    const known = cluster.count(Metadata)
    cluster.moveLeader('t', 0, 2)
    const startedMs = tick(world)
    await one.send({ topic: 't', partition: 0, value: 'b' })
    expect(tick(world) - startedMs).toBeLessThan(50)
    expect(cluster.count(Metadata)).toBe(known)
    expect(cluster.log.filter((line) => line.startsWith('Produce')).slice(-2)).toEqual([
      'Produce v13 at 1',
      'Produce v13 at 2',
    ])
  })
})

test('a broker that throttles is left alone for so long', async () => {
  let throttles = true
  await inCluster(
    async ({ world, producer }) => {
      const one = producer({ lingerMs: 0 })
      await one.send({ topic: 't', partition: 0, value: 'a' })
      throttles = false
      const startedMs = tick(world)
      await one.send({ topic: 't', partition: 0, value: 'b' })
      expect(tick(world) - startedMs).toBeGreaterThanOrEqual(690)
    },
    { fault: () => (throttles ? { throttleMs: 700 } : null) },
  )
})

test('when a log has forgotten the producer the epoch is bumped, and nothing is lost or twice', async () => {
  await inCluster(async ({ producer, logs, cluster }) => {
    const one = producer({ lingerMs: 0 })
    await one.send({ topic: 't', partition: 0, value: 'a' })
    // Numbers that the broker does not expect: as if it had lost what it acknowledged.
    cluster.once(Produce, ({ topicData }) => ({
      responses: topicData.map(({ topicId, partitionData }) => ({
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: 45, baseOffset: -1 })),
      })),
    }))
    await one.send({ topic: 't', partition: 0, value: 'b' })
    await one.send({ topic: 't', partition: 1, value: 'c' })
    expect(logs.records('t', 0).map(({ value, producerEpoch }) => [value, producerEpoch])).toEqual([
      ['a', 0],
      ['b', 1],
    ])
    expect(logs.records('t', 1)[0]!.producerEpoch).toBe(1)
    expect(cluster.count(InitProducerId)).toBe(1)
  })
})

test('which records of a refused batch were invalid is told, and the others that they may be sent again', async () => {
  await inCluster(async ({ producer, cluster }) => {
    const one = producer()
    cluster.once(Produce, ({ topicData }) => ({
      responses: topicData.map(({ topicId, partitionData }) => ({
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({
          index,
          errorCode: 87,
          baseOffset: -1,
          errorMessage: 'bad',
          recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }],
        })),
      })),
    }))
    const [first, second] = await Promise.allSettled(
      ['a', 'b'].map((value) => one.send({ topic: 't', partition: 0, value })),
    )
    expect(first).toMatchObject({
      reason: { code: 'INVALID_RECORD', message: expect.stringContaining('may be sent again') },
    })
    expect(second).toMatchObject({ reason: { code: 'INVALID_RECORD', message: 'no key' } })
  })
})

test('acks 0 resolves without an answer, and acks are those of the options', async () => {
  await inCluster(async ({ producer, cluster }) => {
    const asked: ProduceRequest[] = []
    cluster.on(Produce, (request) => {
      asked.push(request)
      return undefined
    })
    expect(await producer({ acks: 0 }).send({ topic: 't', partition: 0, value: 'a' })).toMatchObject({ offset: -1 })
    expect(await producer({ acks: 1 }).send({ topic: 't', partition: 1, value: 'b' })).toMatchObject({ offset: 0 })
    await producer().send({ topic: 't', partition: 1, value: 'c' })
    expect(asked.map(({ acks }) => acks)).toEqual(expect.arrayContaining([0, 1, -1]))
  })
})

test('with acks 0 memory is held until the kernel has the records, so that post asks to wait', async () => {
  await inCluster(async ({ world, producer, logs }) => {
    const one = producer({ acks: 0, bufferBytes: 4000, batchBytes: 500 })
    const value = 'x'.repeat(400)
    let waited = 0
    await one.send({ topic: 't', partition: 0, value })
    for (let index = 0; index < 50; index++) {
      if (one.post({ topic: 't', partition: 0, value })) continue
      waited += 1
      await one.drained()
    }
    await one.flush()
    await pause(world.clock, 100)
    expect(logs.values('t', 0)).toHaveLength(51)
    expect(waited).toBeGreaterThan(3)
  })
})

test('old brokers get old messages, and topics by name', async () => {
  for (const [max, expected] of [
    [2, 1],
    [1, 0],
    [3, 2],
  ] as const) {
    const magics: number[] = []
    await inCluster(
      async ({ producer, cluster }) => {
        cluster.on(Produce, ({ topicData }) => {
          const [{ records } = { records: null }] = topicData[0]!.partitionData
          magics.push(magic(records!, 0))
          return { responses: [{ name: topicData[0]!.name, partitionResponses: [{ index: 0, baseOffset: 5 }] }] }
        })
        const sent = await producer({ idempotence: false, compression: 'gzip' }).send({
          topic: 't',
          partition: 0,
          value: 'a',
        })
        expect(sent.offset).toBe(5)
      },
      { versions: { Produce: { min: 0, max } } },
    )
    expect(magics).toEqual([expected])
  }
})

test('serdes, interceptors and partitioners of one’s own see each record', async () => {
  await inCluster(async ({ world, client, logs }) => {
    const told: Delivery[] = []
    const one = new Producer<Bytes, { readonly n: number }>(world, client(), {
      value: json<{ readonly n: number }>(),
      partitioner: ({ value, metadata }) => (value![5]! - 48) % metadata.partitions.length,
      interceptors: [
        { onSend: (record) => ({ ...record, headers: { by: 'me' } }), onDelivery: (delivery) => told.push(delivery) },
        {
          onSend: () => {
            throw new Error('is logged')
          },
        },
      ],
    })
    await one.send({ topic: 't', value: { n: 1 } })
    await one.send({ topic: 't', value: { n: 2 } })
    expect([logs.values('t', 0), logs.values('t', 1)]).toEqual([['{"n":2}'], ['{"n":1}']])
    expect(told).toHaveLength(2)
    await expect(one.send({ topic: 't', value: undefined as never, key: 5 as never })).rejects.toMatchObject({
      code: 'SERIALIZATION_FAILED',
    })
    await one.close()
  })
})

test('an aborted send rejects with the reason, and the record is written nevertheless', async () => {
  await inCluster(async ({ world, producer, logs }) => {
    const one = producer({ lingerMs: 100 })
    const stop = new AbortController()
    const sent = one.send({ topic: 't', partition: 0, value: 'a' }, { signal: stop.signal })
    world.clock.at(tick(world) + 50, () => stop.abort(new Error('enough')))
    await expect(sent).rejects.toThrow('enough')
    await one.flush()
    expect(logs.values('t', 0)).toEqual(['a'])
  })
})

test.each([100, 0])(
  'a broker that has forgotten the producer, its log beginning at %i, gets the batch once more, under the next epoch',
  async (logStartOffset) => {
    await inCluster(async ({ cluster, producer, logs }) => {
      const one = producer()
      await one.send({ topic: 't', partition: 0, value: 'a' })
      logs.forgetProducers('t', 0)
      cluster.once(Produce, ({ topicData }) => ({
        responses: topicData.map(({ topicId, partitionData }) => ({
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({
            index,
            errorCode: ERROR_CODES.UNKNOWN_PRODUCER_ID,
            baseOffset: -1,
            logStartOffset,
          })),
        })),
      }))
      await one.sendAll(['b', 'c'].map((value) => ({ topic: 't', partition: 0, value })))
      const written = logs.records('t', 0).map(({ value, producerEpoch }) => `${value} ${producerEpoch}`)
      expect(written).toEqual(['a 0', 'b 1', 'c 1'])
    })
  },
)

test('close sends what waits; what has no outcome by its time fails as CLOSED', async () => {
  await inCluster(async ({ cluster, producer, logs }) => {
    const one = producer({ lingerMs: 60_000 })
    const sent = one.send({ topic: 't', partition: 0, value: 'a' })
    await one.close()
    expect((await sent).offset).toBe(0)
    expect(() => one.post({ topic: 't', value: 'b' })).toThrow('closed')
    cluster.on(Produce, () => SILENCE)
    const other = producer()
    const lost = other.send({ topic: 't', partition: 0, value: 'b' })
    const lostRefused = expect(lost).rejects.toMatchObject({ code: 'CLOSED' })
    await other.close({ timeoutMs: 500 })
    await lostRefused
    expect(logs.values('t', 0)).toEqual(['a'])
  })
})

test('metadata of a topic that gets no records is forgotten, and asked for again when it does', async () => {
  await inCluster(async ({ world, cluster, producer, logs }) => {
    const one = producer({ metadataMaxIdleMs: 10_000 })
    await one.send({ topic: 't', partition: 0, value: 'a' })
    await pause(world.clock, 20_000)
    const known = cluster.count(Metadata)
    await one.send({ topic: 't', partition: 0, value: 'b' })
    expect(cluster.count(Metadata)).toBeGreaterThan(known)
    // Numbers go on: the same producer, no epoch bump.
    expect(logs.records('t', 0).map(({ producerEpoch }) => producerEpoch)).toEqual([0, 0])
  })
})

test('events reach whoever listens, and metrics count', async () => {
  await inCluster(async ({ world, client }) => {
    const heard: unknown[] = []
    const events = (name: string) => ({
      hasSubscribers: name === 'klamm:producer:send',
      publish: (message: unknown) => heard.push([name, message]),
    })
    const one = new Producer<Bytes, Bytes>(world, client({ events, clientId: 'me' }), {})
    await one.send({ topic: 't', partition: 0, value: 'a' })
    expect(heard).toMatchObject([['klamm:producer:send', { clientId: 'me', topic: 't', partition: 0, records: 1 }]])
    const counted = [...one.metrics.all()].find(({ name }) => name.name === 'record-send-total')
    expect(counted).toMatchObject({ kind: 'counter', counter: { count: 1 } })
    await one.close()
  })
})

test('settings that contradict each other are refused with a sentence', async () => {
  await inCluster(async ({ producer }) => {
    const refused: [ProducerOptions<Bytes, Bytes>, string][] = [
      [{ acks: 1, idempotence: true }, "Idempotence needs acks 'all', and acks is 1."],
      [{ transactionalId: 'a', idempotence: false }, 'A transactional producer is idempotent'],
      [{ transactionalId: 'a', maxInFlight: 6 }, 'maxInFlight of at most 5'],
      [{ deliveryTimeoutMs: 100 }, 'deliveryTimeoutMs must be at least lingerMs + requestTimeoutMs'],
      [{ compression: 'lz4', compressionLevel: 3 }, 'compressionLevel 3 is none of lz4'],
      [{ batchBytes: -1 }, 'batchBytes must be a whole number from 0 on'],
    ]
    for (const [options, sentence] of refused) expect(() => producer(options)).toThrow(sentence)
    producer({ acks: 1 })
    await Promise.resolve()
  })
})

test('a record whose topic is no text is refused at once, and those of other topics go on', async () => {
  await inCluster(async ({ producer, logs }) => {
    const one = producer()
    for (const [topic, words] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [5, 'the number 5'],
      ['', 'the empty string'],
    ]) {
      const refused = { code: 'INVALID_ARGUMENT', message: `A record needs the name of its topic: topic is ${words}.` }
      await expect(one.send({ topic: topic as never, value: 'lost' })).rejects.toMatchObject(refused)
    }
    await expect(one.send({ topic: 'x'.repeat(40_000), value: 'lost' })).rejects.toThrow('at most 255 characters')
    expect(() => one.post({ value: 'lost' } as never)).toThrow('needs the name of its topic')
    await one.send({ topic: 't', partition: 0, value: 'kept' })
    expect(logs.records('t', 0)).toMatchObject([{ value: 'kept' }])
  })
})

test('a codec that does not exist is refused when the producer is made', async () => {
  await inCluster(async ({ producer }) => {
    expect(() => producer({ compression: 'brotli' as never })).toThrow(
      'compression must be one of none, gzip, snappy, lz4, zstd, and is brotli.',
    )
    await Promise.resolve()
  })
})

test('what is no record, and values that would be passed over, are refused in one sentence', async () => {
  await inCluster(async ({ producer, logs }) => {
    const one = producer()
    const refused: [record: unknown, sentence: string][] = [
      [undefined, 'A record must be an object with topic and value, and is undefined.'],
      ['hello', "A record must be an object with topic and value, and is the string 'hello'."],
      [[{ topic: 't', value: 'a' }], 'A record must be an object with topic and value, and is a list.'],
      [
        { topic: 't', messages: [{ value: 'a' }] },
        'The record has no value, but messages, which is none of topic, key, ',
      ],
      [
        { topic: 't', value: 'a', headers: { count: 3 } },
        'headers.count must be a string, bytes or null, and is the number 3.',
      ],
      [
        { topic: 't', value: 'a', headers: [['count', 3]] },
        'headers.count must be a string, bytes or null, and is the number 3.',
      ],
      [
        { topic: 't', value: 'a', headers: ['count'] },
        "headers[0] must be a pair [name, value], and is the string 'count'.",
      ],
      [
        { topic: 't', value: 'a', headers: new Map([['a', 'b']]) },
        'headers must be an object or a list of pairs [name, value], and is a Map.',
      ],
      [
        { topic: 't', value: 'a', headers: null },
        'headers must be an object or a list of pairs [name, value], and is null.',
      ],
      [
        { topic: 't', value: 'a', partition: '0' },
        "partition must be a whole number from 0 on, and is the string '0'.",
      ],
      [{ topic: 't', value: 5 }, 'The value of a record for t: the number 5 needs a serde'],
    ]
    for (const [record, sentence] of refused) {
      await expect(one.send(record as never)).rejects.toThrow(sentence)
      expect(() => one.post(record as never)).toThrow(sentence)
    }
    await expect(one.sendAll({ topic: 't', value: 'a' } as never)).rejects.toThrow(
      'sendAll: records must be a list, and is an object.',
    )
    await expect(one.send({ topic: 't', value: 'a' }, { timeout: 5 } as never)).rejects.toThrow(
      'There is no option timeout: did you mean timeoutMs?',
    )
    await one.send({ topic: 't', partition: 0, value: 'kept' })
    expect(logs.records('t', 0)).toMatchObject([{ value: 'kept' }])
  })
})

test('a serde that makes no bytes is told of, and nothing is written', async () => {
  await inCluster(async ({ world, client, logs }) => {
    const broken = { serialize: (value: string) => value.toUpperCase() as never, deserialize: String }
    const one = new Producer<string, string>(world, client(), { value: broken })
    await expect(one.send({ topic: 't', value: 'a' })).rejects.toMatchObject({
      code: 'SERIALIZATION_FAILED',
      message: "The value of a record for t: its serde must make bytes, and made the string 'A' of the string 'a'",
    })
    await one.close()
    expect(logs.records('t', 0)).toEqual([])
  })
})
