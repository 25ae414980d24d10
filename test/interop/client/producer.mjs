/** The producer: every codec and partitioner, idempotence, limits of the broker, transactions. Read back with the consumer. */
import { equal, holds } from '../lib/expect.mjs'

/**
 * @param {import('../suites/client.mjs').Server} server
 * @param {typeof import('../../../src/index.ts')} klamm
 */
export async function cases(server, { Klamm, json, string }) {
  const kafka = new Klamm({ brokers: server.address, clientId: 'interop-producer' })
  const admin = kafka.admin()
  const create = async (topic, partitions = 1, configs = {}) => {
    const created = await admin.createTopics([
      { name: topic, numPartitions: partitions, replicationFactor: 1, configs },
    ])
    created.all()
  }
  /** The values of a topic's partition in order, as a reader of committed records sees them. */
  const read = async (topic, count, isolation = 'read_committed') => {
    const consumer = kafka.consumer({
      value: string(),
      key: string(),
      isolationLevel: isolation,
      offsetReset: 'earliest',
    })
    consumer.assign([{ topic, partition: 0 }])
    const records = []
    for await (const record of consumer.records()) {
      records.push({ key: record.key, value: record.value, offset: record.offset, timestamp: record.timestamp })
      if (records.length === count) break
    }
    await consumer.close()
    return records
  }

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    await server.test(`${compression}: 5,000 records are where send says, once and in order`, async () => {
      const topic = `p-${compression}`
      await create(topic)
      const producer = kafka.producer({ compression })
      const values = Array.from({ length: 5000 }, (_, index) => `value ${index} ${'x'.repeat(index % 90)}`)
      const sent = await producer.sendAll(values.map((value) => ({ topic, key: 'k', value })))
      equal(
        sent.map(({ offset }) => offset),
        values.map((_, index) => index),
      )
      await producer.close()
      equal(
        (await read(topic, 5000)).map(({ value }) => value),
        values,
      )
    })
  }
  await server.test('keys, headers, times and tombstones arrive as they were sent', async () => {
    await create('p-fields')
    const producer = kafka.producer({ value: json() })
    const headers = { text: 'grüße', bytes: Buffer.from([0, 255]), none: null }
    await producer.send({ topic: 'p-fields', key: 'ключ', value: { n: 1 }, headers, timestamp: 1_700_000_000_123 })
    await producer.send({ topic: 'p-fields', key: 'k', value: null })
    await producer.close()
    const [one, two] = await read('p-fields', 2)
    equal([one.key, one.value, one.timestamp], ['ключ', '{"n":1}', 1_700_000_000_123])
    equal([two.key, two.value], ['k', null])
  })
  await server.test('acks 0 and 1, and a producer without idempotence', async () => {
    await create('p-acks')
    for (const acks of [0, 1, -1]) {
      const producer = kafka.producer({ acks, idempotence: false })
      for (let index = 0; index < 100; index++) producer.post({ topic: 'p-acks', value: `${acks}` })
      await producer.flush()
      await producer.close()
    }
    equal((await read('p-acks', 300)).length, 300)
  })
  await server.test('a batch that is too large is split, a record that is too large is refused', async () => {
    await create('p-large', 1, { 'max.message.bytes': '2000' })
    const producer = kafka.producer({ batchBytes: 20_000, lingerMs: 50 })
    const records = Array.from({ length: 100 }, (_, index) => ({
      topic: 'p-large',
      value: `${index} ${'x'.repeat(100)}`,
    }))
    const sent = await producer.sendAll(records)
    equal(
      sent.map(({ offset }) => offset),
      records.map((_, index) => index),
    )
    const failure = await producer.send({ topic: 'p-large', value: 'x'.repeat(5000) }).catch((error) => error)
    equal(failure.code, 'MESSAGE_TOO_LARGE')
    await producer.close()
  })
  await server.test('a record without a key is refused by a compacted topic, with the reason', async () => {
    await create('p-compact', 1, { 'cleanup.policy': 'compact' })
    const producer = kafka.producer()
    const failure = await producer.send({ topic: 'p-compact', value: 'a' }).catch((error) => error)
    equal(failure.code, 'INVALID_RECORD')
    await producer.send({ topic: 'p-compact', key: 'k', value: 'a' })
    await producer.close()
  })
  await server.test('log-append time is what send tells', async () => {
    await create('p-time', 1, { 'message.timestamp.type': 'LogAppendTime' })
    const producer = kafka.producer()
    const { timestamp } = await producer.send({ topic: 'p-time', value: 'a', timestamp: 5 })
    holds(Math.abs(timestamp - Date.now()) < 60_000, `${timestamp} is now`)
    await producer.close()
  })
  await server.test('200,000 posted records over six partitions are all there', async () => {
    await create('p-many', 6)
    let delivered = 0
    const onDelivery = ({ records, error }) => {
      if (error !== null) throw error
      delivered += records
    }
    const producer = kafka.producer({ compression: 'lz4', onDelivery })
    for (let index = 0; index < 200_000; index++) {
      if (!producer.post({ topic: 'p-many', value: `record ${index}` })) await producer.drained()
    }
    await producer.close()
    equal(delivered, 200_000)
  })
  await transactions(server, kafka, create, read)
  await kafka.close()
}

async function transactions(server, kafka, create, read) {
  await server.test('transactions: readers see what was committed, and not what was aborted', async () => {
    await create('p-tx')
    const producer = kafka.producer({ transactionalId: 'p-tx' })
    for (const value of ['a', 'b', 'c', 'd']) {
      const work = producer.transaction(async (transaction) => {
        await transaction.send({ topic: 'p-tx', value: `${value}1` })
        transaction.post({ topic: 'p-tx', value: `${value}2` })
        if (value === 'b') throw new Error('aborted')
      })
      await work.catch((error) => equal(error.message, 'aborted'))
    }
    await producer.close()
    equal(
      (await read('p-tx', 6)).map(({ value }) => value),
      ['a1', 'a2', 'c1', 'c2', 'd1', 'd2'],
    )
  })
  await server.test('transactions: offsets of a group are committed with them', async () => {
    await create('p-tx-offsets')
    const producer = kafka.producer({ transactionalId: 'p-tx-offsets' })
    const group = { groupId: 'p-tx-group', generationId: -1, memberId: '', groupInstanceId: null }
    const commit = (offset, fails) =>
      producer.transaction(async (transaction) => {
        await transaction.sendOffsets([{ topic: 'p-tx-offsets', partition: 0, offset }], group)
        await transaction.send({ topic: 'p-tx-offsets', value: `${offset}` })
        if (fails) throw new Error('aborted')
      })
    await commit(7, false)
    await commit(9, true).catch(() => {})
    await producer.close()
    const consumer = kafka.consumer({ groupId: 'p-tx-group' })
    const committed = await consumer.committed([{ topic: 'p-tx-offsets', partition: 0 }])
    equal(
      [...committed.values()].map((each) => each.offset),
      [7],
    )
    await consumer.close()
  })
  await server.test('transactions: who takes the id over fences whoever had it', async () => {
    await create('p-fenced')
    const old = kafka.producer({ transactionalId: 'p-fenced' })
    await old.beginTransaction()
    await old.send({ topic: 'p-fenced', value: 'old' })
    const next = kafka.producer({ transactionalId: 'p-fenced' })
    await next.transaction(async (transaction) => {
      await transaction.send({ topic: 'p-fenced', value: 'new' })
    })
    const failure = await old.commitTransaction().catch((error) => error)
    equal(failure.code, 'PRODUCER_FENCED')
    await old.close({ timeoutMs: 1000 })
    await next.close()
    equal(
      (await read('p-fenced', 1)).map(({ value }) => value),
      ['new'],
    )
  })
}
