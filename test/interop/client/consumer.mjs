/**
 * The consumer against one server: assigned partitions, positions, transactions, groups of both protocols that grow and shrink,
 * commits, patterns, static members (see suites/client.mjs for what a part is given).
 */
import { equal, holds } from '../lib/expect.mjs'
import { until } from '../lib/process.mjs'

const PARTITIONS = 6
const RECORDS = 3000
/** The records say that they are some years old. */
const FOR_EVER = { 'retention.ms': '-1' }

/**
 * @param {import('../suites/client.mjs').Server} server
 * @param {typeof import('../../../src/index.ts')} klamm
 */
export async function cases({ name, address, test }, { Klamm, string, SubscriptionPattern }) {
  const kafka = new Klamm({ brokers: address, clientId: 'interop-consumer' })
  const admin = kafka.admin()
  // 3.9 has KIP-848 only as a preview.
  const hasModernGroups = name === 'kafka 4.3'
  const text = { key: string(), value: string(), offsetReset: 'earliest' }
  const unique = `${Date.now().toString(36)}`
  const topic = `consumed-${unique}`
  const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))

  await test('consumer: a topic to read from is filled', async () => {
    ;(
      await admin.createTopics([{ name: topic, numPartitions: PARTITIONS, replicationFactor: 1, configs: FOR_EVER }])
    ).all()
    const producer = kafka.producer({ key: string(), value: string(), compression: 'lz4' })
    const records = Array.from({ length: RECORDS }, (_, n) => ({
      topic,
      partition: n % PARTITIONS,
      key: `k${n}`,
      value: `v${n}`,
      headers: { n: `${n}` },
      timestamp: 1_700_000_000_000 + n,
    }))
    await producer.sendAll(records)
    await producer.close()
  })

  await test('consumer: assigned partitions are read once, in order, with headers and times', async () => {
    const consumer = kafka.consumer(text)
    consumer.assign(places)
    const next = new Map()
    let count = 0
    for await (const batch of consumer) {
      for (const record of batch) {
        equal(record.offset, next.get(record.partition) ?? 0)
        next.set(record.partition, record.offset + 1)
        const n = record.offset * PARTITIONS + record.partition
        equal([record.key, record.value, record.timestamp], [`k${n}`, `v${n}`, 1_700_000_000_000 + n])
        equal(record.header('n')?.toString(), `${n}`)
        count++
      }
      if (count === RECORDS) break
    }
    equal(consumer.lag(places[0]), 0)
    await consumer.close()
  })

  await test('consumer: offsets by end and time, seek, position and pause', async () => {
    const consumer = kafka.consumer(text)
    consumer.assign(places.slice(0, 2))
    const each = RECORDS / PARTITIONS
    equal(await consumer.endOffsets(places.slice(0, 1)), new Map([[`${topic}-0`, each]]))
    equal(await consumer.beginningOffsets(places.slice(0, 1)), new Map([[`${topic}-0`, 0]]))
    const times = await consumer.offsetsForTimes([{ ...places[0], timestampMs: 1_700_000_000_000 + 601 }])
    equal(times.get(`${topic}-0`)?.offset, 101)
    consumer.seekToEnd()
    equal(await consumer.position(places[0]), each)
    consumer.seek(places[0], each - 1)
    const batch = await consumer.poll({ timeoutMs: 60_000 })
    equal([batch.length, batch.nextOffset], [1, each])
    consumer.pause([places[0]])
    consumer.seek(places[0], 0)
    equal(await consumer.poll({ timeoutMs: 700 }), null)
    consumer.resume([places[0]])
    holds((await consumer.poll({ timeoutMs: 60_000 })).length > 0, 'resumed partitions are read')
    await consumer.close()
  })

  await test('consumer: read_committed leaves out what was aborted, and offsets of a transaction are read back', async () => {
    const decided = `decided-${unique}`
    ;(await admin.createTopics([{ name: decided, numPartitions: 1, replicationFactor: 1 }])).all()
    const producer = kafka.producer({ value: string(), transactionalId: `consumed-${unique}` })
    const groupId = `decided-${unique}`
    const inGroup = kafka.consumer({ groupId })
    for (const value of ['kept', 'aborted', 'kept too']) {
      const work = producer.transaction(async (transaction) => {
        for (let n = 0; n < 9; n++) transaction.post({ topic: decided, value: `${value} ${n}` })
        // What an aborted transaction has not sent yet is never sent.
        await transaction.send({ topic: decided, value: `${value} 9` })
        await transaction.sendOffsets([{ topic: decided, partition: 0, offset: 7 }], inGroup.groupMetadata())
        if (value === 'aborted') throw new Error('no')
      })
      await work.catch((error) => equal(error.message, 'no'))
    }
    const values = async (isolationLevel, count) => {
      const consumer = kafka.consumer({ ...text, isolationLevel })
      consumer.assign([{ topic: decided, partition: 0 }])
      const read = []
      for await (const record of consumer.records()) {
        read.push(record.value)
        if (read.length === count) break
      }
      equal(await consumer.poll({ timeoutMs: 300 }), null)
      await consumer.close()
      return read
    }
    equal(
      (await values('read_committed', 20)).filter((value) => value.startsWith('aborted')),
      [],
    )
    equal((await values('read_uncommitted', 30)).length, 30)
    const committed = await inGroup.committed([{ topic: decided, partition: 0 }])
    equal(committed.get(`${decided}-0`)?.offset, 7)
    await inGroup.close()
    await producer.close()
  })

  const groups = [
    ['classic', 'range'],
    ['classic', 'roundrobin'],
    ['classic', 'sticky'],
    ['classic', 'cooperative-sticky'],
  ]
  if (hasModernGroups) groups.push(['consumer', 'uniform'], ['consumer', 'range'])
  for (const [protocol, assignor] of groups) {
    await test(`consumer: a group (${protocol}, ${assignor}) grows and shrinks; each record is finished once`, async () => {
      const groupId = `${protocol}-${assignor}-${unique}`
      const seen = new Map()
      const start = () => {
        const consumer = kafka.consumer({
          ...text,
          groupId,
          groupProtocol: protocol,
          ...(protocol === 'classic'
            ? { assignors: [assignor], heartbeatIntervalMs: 200 }
            : { remoteAssignor: assignor }),
          maxPartitionFetchBytes: 1500,
        })
        consumer.subscribe(topic)
        const loop = (async () => {
          for await (const record of consumer.records()) {
            const key = `${record.partition}-${record.offset}`
            seen.set(key, (seen.get(key) ?? 0) + 1)
            if (seen.size % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
          }
        })()
        return { consumer, loop }
      }
      const first = start()
      await until(() => seen.size >= 200, 'the first reads')
      const second = start()
      await until(() => seen.size >= 1200 && second.consumer.assignment().length > 0, 'the second has partitions')
      first.consumer.stop()
      await first.loop
      await first.consumer.close()
      await until(() => seen.size >= RECORDS, 'everything is read')
      second.consumer.stop()
      await second.loop
      await second.consumer.close()
      equal(
        [...seen].filter(([, times]) => times !== 1),
        [],
      )
      const reader = kafka.consumer({ groupId })
      const committed = await reader.committed(places)
      equal(
        [...committed.values()].map((one) => one?.offset),
        places.map(() => RECORDS / PARTITIONS),
      )
      await reader.close()
    })
  }

  await test('consumer: without a choice the newest protocol is spoken, and commits by hand are kept with their metadata', async () => {
    const groupId = `auto-${unique}`
    const consumer = kafka.consumer({ ...text, groupId, autoCommit: false })
    consumer.subscribe([topic])
    const batch = await consumer.poll({ timeoutMs: 120_000 })
    await batch.commit({ metadata: 'half way' })
    const [group] = (await admin.listGroups()).all().filter((one) => one.groupId === groupId)
    equal(group.type?.toLowerCase?.() ?? 'classic', hasModernGroups ? 'consumer' : 'classic')
    const committed = (await consumer.committed([batch])).get(`${topic}-${batch.partition}`)
    equal([committed.offset, committed.metadata], [batch.nextOffset, 'half way'])
    await consumer.close()
    const next = kafka.consumer({ ...text, groupId })
    next.assign([batch])
    equal(await next.position(batch), batch.nextOffset)
    await next.close()
  })

  await test('consumer: patterns are matched, here and by the coordinator', async () => {
    const patterns = [new RegExp(`^consumed-${unique}$`)]
    if (hasModernGroups) patterns.push(new SubscriptionPattern(`consumed-${unique}.*`))
    for (const pattern of patterns) {
      const consumer = kafka.consumer(text)
      consumer.subscribe(pattern)
      holds((await consumer.poll({ timeoutMs: 120_000 })).topic === topic, 'the topic matches')
      await consumer.close()
    }
  })

  await test('consumer: a static member comes back to its partitions without a rebalance', async () => {
    const options = { ...text, groupId: `static-${unique}`, groupInstanceId: 'one', groupProtocol: 'classic' }
    const first = kafka.consumer(options)
    first.subscribe(topic)
    await first.poll({ timeoutMs: 120_000 })
    const { generationId } = first.groupMetadata()
    await first.close()
    const again = kafka.consumer(options)
    again.subscribe(topic)
    await again.poll({ timeoutMs: 120_000 })
    equal(again.groupMetadata().generationId, generationId)
    await again.close({ membership: 'leave' })
  })

  await test('consumer: columns say the same as records', async () => {
    const consumer = kafka.consumer(text)
    consumer.assign(places.slice(0, 1))
    let count = 0
    for await (const batch of consumer) {
      const records = [...batch]
      const columns = batch.columns()
      equal(
        Array.from({ length: columns.length }, (_, at) => {
          const [header] = columns.headers(at)
          return [columns.offsets[at], columns.timestamps[at], columns.key(at), columns.value(at), `${header?.value}`]
        }),
        records.map((record) => [record.offset, record.timestamp, record.key, record.value, `${record.header('n')}`]),
      )
      count += records.length
      if (count >= RECORDS / PARTITIONS) break
    }
    equal(count, RECORDS / PARTITIONS)
    await consumer.close()
  })

  await test('consumer: interceptors see batches and commits, and what one leaves out is committed too', async () => {
    const committed = []
    const consumer = kafka.consumer({
      ...text,
      groupId: `intercepted-${unique}`,
      autoCommit: false,
      interceptors: [
        {
          onConsume: (batch) => batch.filter(({ offset }) => offset % 2 === 0),
          onCommit: (offsets) => committed.push(...offsets),
        },
      ],
    })
    consumer.assign(places.slice(0, 1))
    const batch = await consumer.poll({ timeoutMs: 120_000 })
    const records = [...batch]
    holds(records.length > 0 && records.every(({ offset }) => offset % 2 === 0), 'every other record is left out')
    await batch.commit()
    equal(
      committed.map(({ partition, offset }) => [partition, offset]),
      [[0, batch.nextOffset]],
    )
    await consumer.close()
  })

  await test('consumer: a member that asks for it makes its group rebalance', async () => {
    const consumer = kafka.consumer({ ...text, groupId: `enforced-${unique}`, groupProtocol: 'classic' })
    consumer.subscribe(topic)
    await consumer.poll({ timeoutMs: 120_000 })
    const { generationId } = consumer.groupMetadata()
    consumer.enforceRebalance('the test asks for it')
    await until(async () => {
      await consumer.poll({ timeoutMs: 100 })
      return consumer.groupMetadata().generationId > generationId
    }, 'a new generation comes')
    equal(consumer.assignment().length, PARTITIONS)
    await consumer.close()
  })

  await admin.deleteTopics([topic])
  await kafka.close()
}
