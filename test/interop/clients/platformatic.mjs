/** @platformatic/kafka against Klamm: `platformatic.mjs BOOTSTRAP PACKAGES`. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { done, equal, testCase } from './cases.mjs'

const [bootstrap, packages] = process.argv.slice(2)
const entry = createRequire(`${packages}/package.json`).resolve('@platformatic/kafka')
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } = await import(pathToFileURL(entry).href)
const common = { clientId: 'interop', bootstrapBrokers: [bootstrap] }
const admin = new Admin(common)

await testCase('admin: create topics', async () => {
  const created = await admin.createTopics({
    topics: ['pl-none', 'pl-gzip', 'pl-zstd', 'pl-snappy', 'pl-lz4', 'pl-idempotent'],
    partitions: 2,
    replicas: 1,
  })
  equal(created.length, 6)
})
for (const compression of ['none', 'gzip', 'snappy', 'lz4', ...(process.versions.node >= '22.15' ? ['zstd'] : [])]) {
  await testCase(`${compression}: produced and consumed by a group`, async () => {
    const topic = `pl-${compression}`
    const producer = new Producer({ ...common, serializers: stringSerializers, compression })
    const messages = Array.from({ length: 300 }, (_, at) => ({
      topic,
      key: `k${at}`,
      value: `v${at}`,
      partition: 0,
      headers: { h: '1' },
    }))
    await producer.send({ messages })
    await producer.close()
    const consumer = new Consumer({ ...common, groupId: topic, deserializers: stringDeserializers })
    const stream = await consumer.consume({
      topics: [topic],
      mode: 'earliest',
      autocommit: true,
      sessionTimeout: 10000,
      heartbeatInterval: 500,
    })
    const got = []
    for await (const message of stream) {
      got.push(`${message.offset} ${message.key} ${message.value} ${message.headers.get('h')}`)
      if (got.length === 300) break
    }
    equal(
      got,
      Array.from({ length: 300 }, (_, at) => `${at} k${at} v${at} 1`),
    )
    await consumer.close(true)
  })
}
await testCase('an idempotent producer', async () => {
  const producer = new Producer({ ...common, serializers: stringSerializers, idempotent: true })
  for (let round = 0; round < 5; round++) {
    const { offsets } = await producer.send({
      messages: [{ topic: 'pl-idempotent', key: 'k', value: `v${round}`, partition: 0 }],
    })
    equal(offsets[0].offset, BigInt(round))
  }
  await producer.close()
})
await testCase('admin: groups and topics', async () => {
  const groups = await admin.listGroups()
  equal(groups.has('pl-none'), true)
  await admin.deleteTopics({ topics: ['pl-none'] })
  equal((await admin.listTopics({ includeInternals: true })).includes('pl-none'), false)
})
done()
