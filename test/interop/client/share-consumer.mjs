/** The share consumer against a server that has share groups: shared reading, every kind of answer, both modes, locks. */
import { equal, holds } from '../lib/expect.mjs'
import { until } from '../lib/process.mjs'

/**
 * @param {import('../suites/client.mjs').Server} server
 * @param {typeof import('../../../src/index.ts')} klamm
 */
export async function cases({ name, address, test }, { Klamm, string }) {
  if (name !== 'kafka 4.3') return
  const kafka = new Klamm({ brokers: address, clientId: 'interop-share' })
  const admin = kafka.admin()
  const unique = Date.now().toString(36)

  /** A topic with `count` records, and a group that reads it from its beginning. */
  const filled = async (what, count, partitions = 2) => {
    const topic = `shared-${what}-${unique}`
    const groupId = `share-${what}-${unique}`
    ;(await admin.createTopics([{ name: topic, numPartitions: partitions, replicationFactor: 1 }])).all()
    const resource = { type: 'GROUP', name: groupId }
    const operations = [{ name: 'share.auto.offset.reset', value: 'earliest', operation: 'SET' }]
    ;(await admin.incrementalAlterConfigs([{ resource, operations }])).all()
    const producer = kafka.producer({ value: string() })
    for (let from = 0; from < count; from += 100) {
      await producer.sendAll(
        Array.from({ length: Math.min(100, count - from) }, (_, n) => ({
          topic,
          partition: n % partitions,
          value: `v${from + n}`,
        })),
      )
    }
    await producer.close()
    return { topic, groupId }
  }

  await test('share consumer: two members share the partitions, and each record is accepted once', async () => {
    const { topic, groupId } = await filled('both', 2000)
    const seen = new Map()
    const errors = []
    const start = () => {
      const consumer = kafka.shareConsumer({
        groupId,
        value: string(),
        maxPollRecords: 50,
        onAcknowledged: (key, error) => error !== null && errors.push(`${key}: ${error.message}`),
      })
      consumer.subscribe(topic)
      const loop = (async () => {
        for await (const batch of consumer) {
          for (const record of batch) seen.set(record.value, (seen.get(record.value) ?? 0) + 1)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      })()
      return { consumer, loop }
    }
    const members = [start(), start()]
    await until(() => seen.size >= 2000, 'everything is read')
    for (const { consumer, loop } of members) {
      consumer.stop()
      await loop
      await consumer.close()
    }
    equal(
      [...seen].filter(([, times]) => times !== 1),
      [],
    )
    equal(errors, [])
  })

  await test('share consumer: released records come again and count, rejected ones do not', async () => {
    const { topic, groupId } = await filled('kinds', 3, 1)
    const consumer = kafka.shareConsumer({ groupId, value: string(), acknowledgement: 'explicit' })
    consumer.subscribe([topic])
    const batch = await consumer.poll({ timeoutMs: 120_000 })
    equal(
      [...batch].map(({ value, deliveryCount }) => [value, deliveryCount]),
      [
        ['v0', 1],
        ['v1', 1],
        ['v2', 1],
      ],
    )
    const [first, second, third] = batch
    first.acknowledge()
    second.acknowledge('release')
    let refused = ''
    await consumer.poll().catch((error) => (refused = error.code))
    equal(refused, 'ILLEGAL_STATE')
    third.acknowledge('reject')
    equal([...(await consumer.commit())], [[`${topic}-0`, null]])
    const again = await consumer.poll({ timeoutMs: 120_000 })
    equal(
      [...again].map(({ value, deliveryCount }) => [value, deliveryCount]),
      [['v1', 2]],
    )
    again.acknowledgeAll()
    await consumer.commit()
    equal(await consumer.poll({ timeoutMs: 1500 }), null)
    await consumer.close()
  })

  await test('share consumer: what is in hand at the end is given back at once', async () => {
    const { topic, groupId } = await filled('back', 5, 1)
    const first = kafka.shareConsumer({ groupId, value: string() })
    first.subscribe(topic)
    equal((await first.poll({ timeoutMs: 120_000 })).length, 5)
    await first.close()
    const second = kafka.shareConsumer({ groupId, value: string() })
    second.subscribe(topic)
    const batch = await second.poll({ timeoutMs: 120_000 })
    equal(
      [...batch].map(({ deliveryCount }) => deliveryCount),
      [2, 2, 2, 2, 2],
    )
    equal([...(await second.commit())], [[`${topic}-0`, null]])
    await second.close()
  })

  await test('share consumer: a lock that is renewed holds, and records can be asked for one by one', async () => {
    const { topic, groupId } = await filled('locks', 4, 1)
    const consumer = kafka.shareConsumer({ groupId, value: string(), acquire: 'records', maxPollRecords: 1 })
    consumer.subscribe(topic)
    const values = []
    for await (const record of consumer.records()) {
      await record.renew()
      values.push(record.value)
      if (values.length === 4) break
    }
    equal(values, ['v0', 'v1', 'v2', 'v3'])
    equal([...(await consumer.commit())], [[`${topic}-0`, null]])
    holds((await consumer.poll({ timeoutMs: 1000 })) === null, 'nothing is left')
    await consumer.close()
  })

  await kafka.close()
}
