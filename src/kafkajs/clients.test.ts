import { expect, test } from 'vitest'
import { pause } from '../client/call.ts'
import { ListGroups } from '../protocol/generated/list-groups.ts'
import { Produce } from '../protocol/generated/produce.ts'
import { ScriptedCluster, SILENCE } from '../testing/scripted/scripted-cluster.ts'
import { ScriptedGroup } from '../testing/scripted/scripted-group.ts'
import { ScriptedLogs } from '../testing/scripted/scripted-logs.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { AssignerProtocol, type PartitionAssigner } from './assigners.ts'
import type { Consumer } from './consumer.ts'
import type { ConsumerConfig } from './consumer-types.ts'
import { KafkaJSNonRetriableError } from './errors.ts'
import { KafkaClients } from './kafka.ts'
import type { RequestPayload, RequestTimeoutPayload } from './request-events.ts'

interface Setting {
  readonly world: SeededWorld
  readonly cluster: ScriptedCluster
  readonly logs: ScriptedLogs
  readonly group: ScriptedGroup
  readonly kafka: KafkaClients
  /** Connected, subscribed to orders from the beginning. */
  consumer(config?: Partial<ConsumerConfig>): Promise<Consumer>
  until(isTrue: () => boolean): Promise<void>
}

async function inCluster(task: (setting: Setting) => Promise<void>): Promise<void> {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const cluster = await ScriptedCluster.start(world, { nodes: 2, topics: { orders: 2, others: 1 } })
    const logs = new ScriptedLogs(world, cluster)
    const group = new ScriptedGroup(world, cluster)
    const brokers = (): string[] => [...cluster.bootstrap]
    const kafka = new KafkaClients({ world, logCreator: () => () => {} }, { brokers })
    const made: Consumer[] = []
    const consumer = async (config: Partial<ConsumerConfig> = {}): Promise<Consumer> => {
      const one = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 100, ...config })
      made.push(one)
      await one.connect()
      await one.subscribe({ topics: ['orders'], fromBeginning: true })
      return one
    }
    const until = async (isTrue: () => boolean): Promise<void> => {
      const endMs = world.clock.monotonicMs() + 60_000
      while (!isTrue()) {
        if (world.clock.monotonicMs() > endMs) throw new Error('it did not come about')
        await pause(world.clock, 20)
      }
    }
    await task({ world, cluster, logs, group, kafka, consumer, until })
    for (const one of made) await one.disconnect()
    await cluster.close()
    expect(cluster.unexpected).toEqual([])
  })
}

test('run resolves when the member has its partitions, and what is done is committed', async () => {
  await inCluster(async ({ logs, group, consumer: make, until }) => {
    logs.append('orders', 0, 5)
    const consumer = await make()
    let joins = 0
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joins++
      expect(payload.memberAssignment).toEqual({ orders: [0, 1] })
    })
    const seen: string[] = []
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.offset) })
    expect(joins).toBe(1)
    await until(() => seen.length === 5)
    await consumer.stop()
    expect(seen).toEqual(['0', '1', '2', '3', '4'])
    expect(group.offsets.get('orders-0')?.offset).toBe(5)
  })
})

test('seek and pause right behind run, before the member has joined, come into force', async () => {
  await inCluster(async ({ world, logs, consumer: make, until }) => {
    for (const partition of [0, 1]) logs.append('orders', partition, 4)
    const consumer = await make()
    const seen: string[] = []
    const running = consumer.run({
      eachMessage: async ({ partition, message }) => void seen.push(`${partition}-${message.offset}`),
    })
    consumer.seek({ topic: 'orders', partition: 0, offset: '2' })
    consumer.pause([{ topic: 'orders', partitions: [1] }])
    await running
    await until(() => seen.length === 2)
    await pause(world.clock, 2000)
    expect(seen).toEqual(['0-2', '0-3'])
    expect(consumer.paused()).toEqual([{ topic: 'orders', partitions: [1] }])
    consumer.resume([{ topic: 'orders' }])
    await until(() => seen.length === 6)
  })
})

test('what is behind the last message and is none, such as a marker that came later, counts as done', async () => {
  await inCluster(async ({ logs, group, consumer: make, until }) => {
    const transaction = { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true }
    const committed = (partition: number): number | undefined => group.offsets.get(`orders-${partition}`)?.offset
    logs.append('orders', 0, 2, transaction)
    const consumer = await make()
    const seen: string[] = []
    await consumer.run({
      eachMessage: async ({ partition, message }) => void seen.push(`${partition}-${message.offset}`),
    })
    await until(() => committed(0) === 2)
    logs.endTransaction('orders', 0, 5, 'COMMIT', 0)
    await until(() => committed(0) === 3)
    expect(seen).toEqual(['0-0', '0-1'])
    await consumer.stop()
    // Before anything was handed out, too, if the group has been there.
    logs.endTransaction('orders', 0, 5, 'COMMIT', 3)
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.offset) })
    await until(() => committed(0) === 4)
    expect(seen).toHaveLength(2)
    expect(committed(1)).toBeUndefined()
  })
})

test('an offset that is sought while nothing comes is not passed over', async () => {
  await inCluster(async ({ world, logs, group, consumer: make, until }) => {
    logs.append('orders', 0, 4)
    const consumer = await make()
    const seen: string[] = []
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(message.offset)
        if (seen.length === 5) throw new Error('on purpose')
      },
    })
    await until(() => seen.length === 4)
    await pause(world.clock, 1000)
    consumer.seek({ topic: 'orders', partition: 0, offset: '-2' })
    await until(() => seen.length === 9)
    expect(seen).toEqual(['0', '1', '2', '3', '0', '0', '1', '2', '3'])
    await consumer.stop()
    expect(group.offsets.get('orders-0')?.offset).toBe(4)
  })
})

test('topics that the group gives a member which is not subscribed to them are left alone', async () => {
  await inCluster(async ({ world, logs, consumer: make, until }) => {
    const careless: PartitionAssigner = () => ({
      name: 'careless',
      version: 0,
      assign: async ({ members }) => {
        const assignment = { orders: [0, 1], others: [0] }
        return members.map(({ memberId }) => {
          const memberAssignment = AssignerProtocol.MemberAssignment.encode({
            version: 0,
            assignment,
            userData: Buffer.alloc(0),
          })
          return { memberId, memberAssignment }
        })
      },
      protocol: ({ topics }) => {
        const metadata = AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) })
        return { name: 'careless', metadata }
      },
    })
    const consumer = await make({ partitionAssigners: [careless] })
    let given: unknown = null
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => (given = payload.memberAssignment))
    const seen: string[] = []
    await consumer.run({ eachMessage: async ({ topic }) => void seen.push(topic) })
    await pause(world.clock, 3000)
    for (const topic of ['others', 'orders']) logs.append(topic, 0, 2)
    await until(() => seen.length >= 2)
    await pause(world.clock, 3000)
    expect(seen).toEqual(['orders', 'orders'])
    expect(given).toEqual({ orders: [0, 1] })
  })
})

test('a heartbeat interval of 0 tells of one at each message, and one as long as the session is refused', async () => {
  await inCluster(async ({ logs, consumer: make, until }) => {
    logs.append('orders', 0, 3)
    const consumer = await make({ heartbeatInterval: 0 })
    let beats = 0
    consumer.on(consumer.events.HEARTBEAT, () => beats++)
    let seen = 0
    await consumer.run({ eachMessage: async () => void seen++ })
    await until(() => seen === 3)
    expect(beats).toBeGreaterThanOrEqual(3)
    const slow = { heartbeatInterval: 10_000, sessionTimeout: 10_000 }
    await expect(make(slow)).rejects.toThrow(/heartbeatInterval .* must be lower than sessionTimeout/)
  })
})

test('reassignments of topics that are not named properly are refused before anybody is asked', async () => {
  await inCluster(async ({ kafka }) => {
    const admin = kafka.admin()
    const ask = (...topics: readonly object[]) => admin.listPartitionReassignments({ topics: topics as never })
    const a = { topic: 'a', partitions: [0] }
    for (const wrong of [[{ topic: 123 }], [a, a], [{ topic: 'a' }]]) {
      await expect(ask(...wrong)).rejects.toThrow(KafkaJSNonRetriableError)
    }
  })
})

test('a message whose function failed comes again after a pause, and those before it do not', async () => {
  await inCluster(async ({ world, logs, group, consumer: make, until }) => {
    logs.append('orders', 0, 4)
    const consumer = await make({ retry: { initialRetryTime: 500 } })
    const calls: [string, number][] = []
    await consumer.run({
      eachMessage: async ({ message }) => {
        calls.push([message.offset, world.clock.monotonicMs()])
        if (message.offset === '2' && calls.length < 4) throw new Error('on purpose')
      },
    })
    await until(() => calls.length === 5)
    expect(calls.map(([offset]) => offset)).toEqual(['0', '1', '2', '2', '3'])
    expect(calls[3]![1] - calls[2]![1]).toBeGreaterThanOrEqual(400)
    await consumer.stop()
    expect(group.offsets.get('orders-0')?.offset).toBe(4)
  })
})

test('too many failures in a row crash the run, and it begins again if that is wished', async () => {
  await inCluster(async ({ logs, group, consumer: make, until }) => {
    logs.append('orders', 0, 2)
    let wishes = 0
    const consumer = await make({
      retry: { initialRetryTime: 50, retries: 1, restartOnFailure: async () => ++wishes < 2 },
    })
    const crashes: unknown[] = []
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => crashes.push([error.name, restart]))
    let calls = 0
    const eachMessage = async (): Promise<void> => {
      calls++
      throw new Error('always')
    }
    await consumer.run({ eachMessage })
    await until(() => crashes.length === 2)
    expect(crashes).toEqual([
      ['KafkaJSNumberOfRetriesExceeded', true],
      ['KafkaJSNumberOfRetriesExceeded', false],
    ])
    expect(calls).toBe(4)
    expect(group.offsets.get('orders-0')).toBeUndefined()
  })
})

test('what trying again cannot mend crashes at once', async () => {
  await inCluster(async ({ logs, consumer: make, until }) => {
    logs.append('orders', 0, 1)
    const consumer = await make()
    const crashes: unknown[] = []
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => crashes.push([error.name, restart]))
    let calls = 0
    await consumer.run({
      eachMessage: async () => {
        calls++
        throw new KafkaJSNonRetriableError('hopeless')
      },
    })
    await until(() => crashes.length === 1)
    expect(crashes).toEqual([['KafkaJSNonRetriableError', false]])
    expect(calls).toBe(1)
  })
})

test('as many partitions at once as were asked for, and one batch of each', async () => {
  await inCluster(async ({ world, logs, consumer: make, until }) => {
    for (const partitionsConsumedConcurrently of [1, 2]) {
      for (const partition of [0, 1]) logs.append('orders', partition, 3)
      const consumer = await make()
      let running = 0
      let most = 0
      let done = 0
      await consumer.run({
        partitionsConsumedConcurrently,
        eachBatch: async ({ batch }) => {
          most = Math.max(most, ++running)
          await pause(world.clock, 300)
          running--
          done += batch.messages.length
        },
      })
      await until(() => done === 6)
      expect(most).toBe(partitionsConsumedConcurrently)
      await consumer.disconnect()
    }
  })
})

test('a producer and an admin that are not connected say so, or connect', async () => {
  await inCluster(async ({ kafka }) => {
    const producer = kafka.producer()
    await expect(producer.send({ topic: 'orders', messages: [] })).rejects.toMatchObject({ name: 'KafkaJSError' })
    expect(() => kafka.producer({ idempotent: true, retry: { retries: 0 } })).toThrow(KafkaJSNonRetriableError)
    const admin = kafka.admin()
    expect(await admin.listTopics()).toEqual(['orders', 'others'])
    await admin.disconnect()
  })
})

test('REQUEST and REQUEST_TIMEOUT tell of the requests of a producer, a consumer and an admin to whoever listens', async () => {
  await inCluster(async ({ world, cluster, logs, kafka, consumer: make, until }) => {
    const told: RequestPayload[] = []
    const producer = kafka.producer()
    const ids: unknown[] = []
    const remove = producer.on(producer.events.REQUEST, ({ payload, type, id }) => {
      ids.push(id)
      expect(type).toBe('producer.network.request')
      told.push(payload)
    })
    await producer.connect()
    cluster.on(Produce, async ({ topicData, acks }) => {
      if (acks === 0) return SILENCE
      await pause(world.clock, 200)
      const partitionResponses = [{ index: 0, errorCode: 0, baseOffset: 12, logStartOffset: 7 }]
      return { responses: topicData.map(({ name, topicId }) => ({ name, topicId, partitionResponses })) }
    })
    expect(await producer.send({ topic: 'orders', messages: [{ value: 'a', partition: 0 }] })).toEqual([
      {
        topicName: 'orders',
        partition: 0,
        errorCode: 0,
        baseOffset: '12',
        logAppendTime: '-1',
        logStartOffset: '7',
      },
    ])
    const produced = told.find(({ apiName }) => apiName === 'Produce')!
    expect(told.map(({ apiName }) => apiName)).toEqual(expect.arrayContaining(['ApiVersions', 'Metadata', 'Produce']))
    expect(produced).toMatchObject({ apiKey: 0, broker: cluster.bootstrap[0], clientId: 'kafkajs', pendingDuration: 0 })
    expect(ids).toEqual(told.map((_, index) => index))
    expect(produced.duration).toBeGreaterThanOrEqual(200)
    expect(produced.duration).toBeLessThan(300)
    expect(produced.sentAt).toBe(produced.createdAt)
    expect(produced.size).toBeGreaterThan(20)
    expect(produced.correlationId).toBeGreaterThan(0)
    const count = told.length
    remove()
    await producer.send({ topic: 'orders', messages: [{ value: 'b', partition: 0 }] })
    expect(told).toHaveLength(count)
    // Without an answer it is over when it is sent.
    producer.on(producer.events.REQUEST, ({ payload }) => void told.push(payload))
    await producer.send({ topic: 'orders', acks: 0, messages: [{ value: 'c', partition: 0 }] })
    expect(told.at(-1)).toMatchObject({ apiName: 'Produce', size: 0 })
    await producer.disconnect()

    const consumer = await make()
    const asked = new Set<string>()
    consumer.on(consumer.events.REQUEST, ({ payload: { apiName } }) => void asked.add(apiName))
    logs.append('orders', 1, 1)
    let seen = 0
    await consumer.run({ eachMessage: async () => void (seen += 1) })
    await until(() => seen === 1)
    expect([...asked]).toEqual(expect.arrayContaining(['GroupCoordinator', 'JoinGroup', 'SyncGroup', 'Fetch']))

    const late: RequestTimeoutPayload[] = []
    const admin = new KafkaClients(
      { world, logCreator: () => () => {} },
      { brokers: [...cluster.bootstrap], requestTimeout: 500, retry: { retries: 1 } },
    ).admin()
    admin.on(admin.events.REQUEST_TIMEOUT, ({ payload }) => void late.push(payload))
    await admin.connect()
    cluster.on(ListGroups, () => SILENCE)
    await expect(admin.listGroups()).rejects.toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' })
    expect(late[0]).toMatchObject({ apiName: 'ListGroups', apiKey: 16, clientId: 'kafkajs' })
    expect(late[0]).not.toHaveProperty('size')
    await admin.disconnect()
  })
})

test('connect gives up when the time of the retries is over', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const retry = { retries: 2, initialRetryTime: 100 }
    const kafka = new KafkaClients(
      { world, logCreator: () => () => {} },
      { brokers: ['10.0.0.9:9092'], retry, connectionTimeout: 200 },
    )
    const startMs = world.clock.monotonicMs()
    await expect(kafka.admin().connect()).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      retryCount: 2,
    })
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(2000)
  })
})
