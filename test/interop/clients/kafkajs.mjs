/** kafkajs against Klamm: `kafkajs.mjs BOOTSTRAP PACKAGES`. */
import { createRequire } from 'node:module'
import { done, equal, testCase, until } from './cases.mjs'

const [bootstrap, packages] = process.argv.slice(2)
const { CompressionTypes, Kafka, logLevel } = createRequire(`${packages}/package.json`)('kafkajs')
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 3 } })
const admin = kafka.admin()
await admin.connect()

const messages = (count) =>
  Array.from({ length: count }, (_, at) => ({ key: `k${at}`, value: `v${at}`, partition: 0, headers: { h: '1' } }))

async function send(topic, count, options = {}, config = {}) {
  const producer = kafka.producer(config)
  await producer.connect()
  await producer.send({ topic, messages: messages(count), ...options })
  await producer.disconnect()
}

async function consume(groupId, topic, count) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 300, maxWaitTimeInMs: 100 })
  const got = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void got.push(message) })
  await until(`${count} records`, () => got.length >= count)
  await consumer.disconnect()
  return got
}

await testCase('admin: create topics', async () => {
  await admin.createTopics({
    topics: ['js-none', 'js-gzip', 'js-idempotent', 'js-pair'].map((topic) => ({ topic, numPartitions: 3 })),
  })
  equal((await admin.listTopics()).filter((topic) => topic.startsWith('js-')).length, 4)
})
for (const [name, compression] of [
  ['none', CompressionTypes.None],
  ['gzip', CompressionTypes.GZIP],
]) {
  await testCase(`${name}: produced and consumed by a group`, async () => {
    await send(`js-${name}`, 500, { compression })
    const got = await consume(`js-${name}`, `js-${name}`, 500)
    equal(
      got.map(({ offset, key, value }) => `${offset} ${key} ${value}`),
      Array.from({ length: 500 }, (_, at) => `${at} k${at} v${at}`),
    )
    equal(String(got[7].headers.h), '1')
  })
}
for (const acks of [0, 1, -1]) {
  await testCase(`acks ${acks}`, async () => {
    await send(`js-acks${acks}`, 50, { acks })
    await until('all are there', async () =>
      (await admin.fetchTopicOffsets(`js-acks${acks}`)).some(({ high }) => high === '50'),
    )
  })
}
await testCase('an idempotent producer', async () => {
  await send('js-idempotent', 200, {}, { idempotent: true, maxInFlightRequests: 1 })
  equal((await admin.fetchTopicOffsets('js-idempotent')).find(({ partition }) => partition === 0).high, '200')
})
await testCase('two members share a topic; one leaves and the other takes over', async () => {
  const assigned = [0, 0]
  const members = [0, 1].map((index) => {
    const consumer = kafka.consumer({ groupId: 'js-pair', heartbeatInterval: 200, maxWaitTimeInMs: 100 })
    consumer.on(
      consumer.events.GROUP_JOIN,
      ({ payload }) => (assigned[index] = (payload.memberAssignment['js-pair'] ?? []).length),
    )
    return consumer
  })
  for (const member of members) {
    await member.connect()
    await member.subscribe({ topic: 'js-pair' })
    await member.run({ eachMessage: async () => {} })
  }
  await until('both have some', () => assigned[0] + assigned[1] === 3 && assigned[0] > 0 && assigned[1] > 0)
  await members[1].disconnect()
  await until('the first has all', () => assigned[0] === 3)
  const [group] = (await admin.describeGroups(['js-pair'])).groups
  equal([group.state, group.members.length], ['Stable', 1])
  await members[0].disconnect()
})
await testCase('admin: offsets, groups, configurations, records, deletion', async () => {
  equal(
    (await admin.fetchOffsets({ groupId: 'js-gzip', topics: ['js-gzip'] }))[0].partitions.find(
      ({ partition }) => partition === 0,
    ).offset,
    '500',
  )
  await admin.setOffsets({ groupId: 'js-gzip', topic: 'js-gzip', partitions: [{ partition: 0, offset: '5' }] })
  await admin.deleteTopicRecords({ topic: 'js-gzip', partitions: [{ partition: 0, offset: '100' }] })
  equal((await admin.fetchTopicOffsets('js-gzip')).find(({ partition }) => partition === 0).low, '100')
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: 2, name: 'js-gzip', configEntries: [{ name: 'retention.ms', value: '777777' }] }],
  })
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: 'js-gzip', configNames: ['retention.ms'] }],
  })
  equal(resources[0].configEntries[0].configValue, '777777')
  await admin.createPartitions({ topicPartitions: [{ topic: 'js-gzip', count: 5 }] })
  equal((await admin.fetchTopicMetadata({ topics: ['js-gzip'] })).topics[0].partitions.length, 5)
  await admin.deleteGroups(['js-gzip'])
  await admin.deleteTopics({ topics: ['js-gzip'] })
  equal((await admin.listTopics()).includes('js-gzip'), false)
})
done()
