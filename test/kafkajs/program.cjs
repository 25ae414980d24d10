/**
 * A program against kafkajs's API, which names no package: the same text runs on kafkajs and on klamm/kafkajs, and what it
 * prints must be equal. Offsets, placement, errors and events are printed; ids, times and order between partitions are not.
 *
 *     node test/kafkajs/program.cjs <package> <broker> <suffix>
 */
'use strict'
const [, , name, broker, suffix] = process.argv
const kafkajs = require(name)
const { Kafka, logLevel, CompressionTypes, Partitioners, AssignerProtocol, ConfigResourceTypes } = kafkajs

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const kafka = new Kafka({ clientId: 'program', brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 8 } })
const topicOf = (what) => `shim-${what}-${suffix}`
const print = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Of an error, what programs look at. */
function errorOf(error) {
  const { name, type, code, retriable } = error
  return { name, type, code, retriable, isKafkaJSError: error instanceof kafkajs.KafkaJSError }
}
async function failure(what, work) {
  try {
    await work()
    print(what, 'no error')
  } catch (error) {
    const errors = error.errors?.map(errorOf)
    print(what, errors === undefined ? errorOf(error) : { name: error.name, errors })
  }
}

async function until(what, isTrue) {
  const end = Date.now() + 120_000
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`${what} did not come`)
    await sleep(20)
  }
}

/**
 * kafkajs 2.2.4 waits for the leaders of a new topic, but not for a broker of Kafka that hasn't heard of it yet: that error says that
 * it was made all the same.
 */
async function create(admin, topic) {
  try {
    return await admin.createTopics({ topics: [topic] })
  } catch (error) {
    if (error.type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    await until(`topic ${topic.topic}`, async () => (await admin.listTopics()).includes(topic.topic))
    return true
  }
}

/** Runs a consumer until `isDone`, then disconnects it. */
async function consume({ topics, groupId, fromBeginning = true, config = {}, run, isDone, prepare = () => {} }) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, ...config })
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning })
  prepare(consumer)
  await consumer.run(run(consumer))
  await until(`end of ${groupId}`, isDone)
  await consumer.disconnect()
}

const byPlace = (a, b) =>
  a.partition - b.partition || Number(a.offset ?? a.baseOffset) - Number(b.offset ?? b.baseOffset)

async function administration(admin) {
  const topic = topicOf('admin')
  print('created', await create(admin, { topic, numPartitions: 3, replicationFactor: 1 }))
  print('created again', await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 1 }] }))
  await failure('bad topic', () => admin.createTopics({ topics: [{ topic: 'a/b', numPartitions: 1 }] }))
  await failure('no topics', () => admin.createTopics({}))
  print('listed', (await admin.listTopics()).includes(topic))
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  print(
    'metadata',
    topics.map((one) => ({
      ...one,
      partitions: one.partitions
        .toSorted((a, b) => a.partitionId - b.partitionId)
        .map(({ partitionErrorCode, partitionId, replicas }) => ({
          partitionErrorCode,
          partitionId,
          replicas: replicas.length,
        })),
    })),
  )
  const answers = (question) => question().then(Boolean, () => false)
  await until('the leaders', () => answers(() => admin.fetchTopicOffsets(topic)))
  print('offsets', (await admin.fetchTopicOffsets(topic)).sort(byPlace))
  print('offsets by time', (await admin.fetchTopicOffsetsByTimestamp(topic, 0)).sort(byPlace))
  print('more partitions', (await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })) ?? true)
  await failure('fewer partitions', () => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
  const resources = [
    { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'retention.ms', value: '12345' }] },
  ]
  print(
    'altered',
    await admin.alterConfigs({ validateOnly: false, resources }).then(({ resources: [one] }) => one.errorCode),
  )
  const question = {
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }],
  }
  let described
  // A broker of Kafka hears of it a moment after its controller has answered.
  await until('the setting', async () => {
    described = await admin.describeConfigs(question)
    return described.resources[0].configEntries[0].configValue === '12345'
  })
  print(
    'configs',
    described.resources.map(({ errorCode, resourceName, resourceType, configEntries }) => ({
      errorCode,
      resourceName,
      resourceType,
      entries: configEntries.map(({ configName, configValue, isDefault, readOnly, isSensitive, configSource }) => ({
        configName,
        configValue,
        isDefault,
        readOnly,
        isSensitive,
        configSource,
      })),
    })),
  )
  const cluster = await admin.describeCluster()
  print('cluster', { brokers: cluster.brokers.length, keys: Object.keys(cluster).sort() })
  const groupId = `shim-g-admin-${suffix}`
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })
  const committed = await admin.fetchOffsets({ groupId, topics: [topic] })
  print(
    'committed',
    committed.map((one) => ({ ...one, partitions: one.partitions.filter(({ partition }) => partition === 0) })),
  )
  for (const earliest of [false, true]) {
    await admin.resetOffsets({ groupId, topic, earliest })
    for (const resolveOffsets of [false, true]) {
      const [reset] = await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets })
      print('reset', { earliest, resolveOffsets, partition: reset.partitions.find(({ partition }) => partition === 0) })
    }
  }
  print(
    'group',
    (await admin.describeGroups([groupId])).groups.map(({ groupId: id, state, members, errorCode }) => ({
      id,
      state,
      members,
      errorCode,
    })),
  )
  print(
    'groups',
    (await admin.listGroups()).groups.some((one) => one.groupId === groupId),
  )
  print(
    'group deleted',
    await admin.deleteGroups([groupId]).then((all) => all.map(({ groupId: id, errorCode }) => ({ id, errorCode }))),
  )
  await failure('no group', () => admin.deleteGroups([`none-${suffix}`]))
  print(
    'unknown group',
    (await admin.describeGroups([`none-${suffix}`])).groups.map(({ state }) => state),
  )
  await admin.deleteTopics({ topics: [topic] })
  await until('the deletion', async () => !(await admin.listTopics()).includes(topic))
}

async function producing(admin) {
  const topic = topicOf('produce')
  await create(admin, { topic, numPartitions: 4 })
  const producer = kafka.producer()
  await failure('send before connect', () => producer.send({ topic, messages: [{ value: 'a' }] }))
  await producer.connect()
  const keyed = Array.from({ length: 40 }, (_, index) => ({
    key: `key-${index}`,
    value: `value ${index}`,
    timestamp: '1700000000000',
  }))
  const sent = await producer.send({ topic, messages: keyed })
  print(
    'sent',
    sent.sort(byPlace).map(({ topicName, partition, errorCode, baseOffset, logAppendTime }) => ({
      topicName,
      partition,
      errorCode,
      baseOffset,
      logAppendTime,
    })),
  )
  for (const [codec, type] of Object.entries(CompressionTypes)) {
    if (!['None', 'GZIP'].includes(codec)) continue
    const [one] = await producer.send({
      topic,
      compression: type,
      acks: 1,
      messages: [
        {
          partition: 1,
          key: codec,
          value: Buffer.from(codec),
          headers: { a: 'x', many: ['1', Buffer.from('2')] },
          timestamp: '1700000000001',
        },
      ],
    })
    print(codec, { partition: one.partition, errorCode: one.errorCode })
  }
  print(
    'tombstone',
    (await producer.send({ topic, messages: [{ partition: 1, key: 'k', value: null, timestamp: '1' }] })).length,
  )
  print(
    'acks 0',
    await producer.send({ topic, acks: 0, messages: [{ partition: 2, value: 'nobody answers', timestamp: '2' }] }),
  )
  const both = await producer.sendBatch({
    topicMessages: [
      { topic, messages: [{ partition: 0, value: 'b' }] },
      { topic, messages: [{ partition: 0, value: 'c' }] },
    ],
  })
  print(
    'batch',
    both.map(({ partition, baseOffset }) => ({ partition, baseOffset })),
  )
  await failure('no value', () => producer.send({ topic, messages: [{ key: 'a' }] }))
  await failure('no messages', () => producer.send({ topic }))
  await failure('no topic', () => producer.send({ messages: [] }))
  await failure('too large', () =>
    producer.send({ topic, messages: [{ partition: 0, value: Buffer.alloc(3_000_000) }] }),
  )
  await failure('no transaction', () => producer.transaction())
  await producer.disconnect()
  await failure('send after disconnect', () => producer.send({ topic, messages: [{ value: 'a' }] }))

  const legacy = kafka.producer({ createPartitioner: Partitioners.LegacyPartitioner })
  await legacy.connect()
  const placed = await legacy.send({
    topic,
    messages: Array.from({ length: 60 }, (_, index) => ({ key: `é-${index * 7919}`, value: String(index) })),
  })
  print(
    'legacy',
    placed.sort(byPlace).map(({ partition, baseOffset }) => ({ partition, baseOffset })),
  )
  await legacy.disconnect()

  const seen = []
  await consume({
    topics: [topic],
    groupId: `shim-g-produce-${suffix}`,
    run: () => ({
      eachMessage: async ({ partition, message }) => {
        const { key, value, offset, timestamp, headers } = message
        const times = timestamp.startsWith('17000') || timestamp.length < 3 ? timestamp : 'now'
        seen.push({
          partition,
          offset,
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          timestamp: times,
          headers: Object.fromEntries(
            Object.entries(headers).map(([k, v]) => [k, Array.isArray(v) ? v.map(String) : String(v)]),
          ),
        })
      },
    }),
    isDone: () => seen.length >= 106,
  })
  for (const one of seen.sort(byPlace)) print('message', one)
}

async function consuming(admin) {
  const topic = topicOf('consume')
  await create(admin, { topic, numPartitions: 2 })
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  print('idempotent', producer.isIdempotent())
  await failure('idempotent acks', () => producer.send({ topic, acks: 1, messages: [{ value: 'a' }] }))
  for (let index = 0; index < 20; index++)
    await producer.send({ topic, messages: [{ partition: index % 2, value: String(index) }] })

  let groupId = `shim-g-batch-${suffix}`
  const batches = []
  const events = []
  const requests = new Map()
  await consume({
    topics: [topic],
    groupId,
    prepare: (consumer) => {
      for (const event of [
        consumer.events.GROUP_JOIN,
        consumer.events.START_BATCH_PROCESS,
        consumer.events.END_BATCH_PROCESS,
        consumer.events.COMMIT_OFFSETS,
        consumer.events.STOP,
        consumer.events.DISCONNECT,
        consumer.events.REQUEST,
      ]) {
        consumer.on(event, ({ type, payload }) =>
          events.push({ type, payload: payload ? Object.keys(payload).sort() : null }),
        )
      }
      consumer.on(consumer.events.REQUEST, ({ payload }) => requests.set(payload.apiName, payload))
    },
    run: () => ({
      eachBatchAutoResolve: false,
      eachBatch: async ({
        batch,
        resolveOffset,
        heartbeat,
        isRunning,
        isStale,
        uncommittedOffsets,
        commitOffsetsIfNecessary,
      }) => {
        for (const message of batch.messages) {
          resolveOffset(message.offset)
          await heartbeat()
        }
        const uncommitted = uncommittedOffsets()
          .topics.flatMap(({ partitions }) => partitions)
          .map(({ partition, offset }) => ({ partition: Number(partition), offset }))
          .filter(({ partition }) => partition === batch.partition)
        await commitOffsetsIfNecessary()
        batches.push({
          partition: batch.partition,
          first: batch.firstOffset(),
          last: batch.lastOffset(),
          count: batch.messages.length,
          lag: batch.offsetLag(),
          low: batch.offsetLagLow(),
          empty: batch.isEmpty(),
          running: isRunning(),
          stale: isStale(),
          high: batch.highWatermark,
          uncommitted,
        })
      },
    }),
    isDone: () => batches.length >= 2,
  })
  for (const one of batches.sort(byPlace)) print('batch', one)
  print('events', [...new Set(events.map((event) => JSON.stringify(event)))].sort())
  for (const name of [
    'GroupCoordinator',
    'JoinGroup',
    'SyncGroup',
    'OffsetFetch',
    'Fetch',
    'OffsetCommit',
    'LeaveGroup',
  ]) {
    const { apiName, apiKey, broker, size, duration } = requests.get(name)
    print('request', { apiName, apiKey, broker: /:\d+$/.test(broker), answered: size > 0, takes: duration >= 0 })
  }
  print(
    'after',
    (await admin.fetchOffsets({ groupId, topics: [topic] })).map((one) => one.partitions.sort(byPlace)),
  )

  // A function that fails is called again with the same message; what was done before is not.
  groupId = `shim-g-fail-${suffix}`
  const calls = []
  let failures = 0
  await consume({
    topics: [topic],
    groupId,
    config: { retry: { initialRetryTime: 50, retries: 5 } },
    run: () => ({
      eachMessage: async ({ partition, message }) => {
        if (partition === 0) calls.push(message.offset)
        if (partition === 0 && message.offset === '4' && failures++ < 2) throw new Error('on purpose')
      },
    }),
    isDone: () => calls.includes('9'),
  })
  print('calls', calls)

  // Seek, pause, resume.
  groupId = `shim-g-seek-${suffix}`
  const seeks = []
  await consume({
    topics: [topic],
    groupId,
    run: (consumer) => {
      return {
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          seeks.push(`${partition}:${message.offset}`)
          if (partition === 0 && message.offset === '9' && seeks.filter((one) => one === '0:9').length < 2)
            consumer.seek({ topic, partition: 0, offset: '7' })
          if (partition === 1 && message.offset === '3' && !seeks.includes('paused')) {
            seeks.push('paused')
            consumer.pause([{ topic, partitions: [1] }])
            print('paused', consumer.paused())
            setTimeout(() => consumer.resume([{ topic, partitions: [1] }]), 1000)
          }
        },
      }
    },
    isDone: () => seeks.includes('1:9') && seeks.filter((one) => one === '0:9').length >= 2,
  })
  print(
    'seek 0',
    seeks.filter((one) => one.startsWith('0')),
  )
  print(
    'seek 1',
    seeks.filter((one) => !one.startsWith('0')),
  )
  print(
    'nothing committed',
    (await admin.fetchOffsets({ groupId, topics: [topic] })).map((one) => one.partitions.sort(byPlace)),
  )

  // Too many failures crash the consumer, which may start again.
  groupId = `shim-g-crash-${suffix}`
  const crashes = []
  await consume({
    topics: [topic],
    groupId,
    config: { retry: { initialRetryTime: 20, retries: 1, restartOnFailure: async () => false } },
    prepare: (consumer) =>
      consumer.on(consumer.events.CRASH, ({ payload }) =>
        crashes.push({ ...errorOf(payload.error), retryCount: payload.error.retryCount, restart: payload.restart }),
      ),
    run: () => ({
      eachMessage: async () => {
        throw new Error('always')
      },
    }),
    isDone: () => crashes.length > 0,
  })
  print('crash', crashes)
  await failure('run again', async () => {
    const consumer = kafka.consumer({ groupId })
    consumer.pause([{ topic }])
  })

  // Members share, and a transaction is read once it is committed.
  groupId = `shim-g-many-${suffix}`
  const described = []
  await consume({
    topics: [topic],
    groupId,
    run: (consumer) => ({
      partitionsConsumedConcurrently: 2,
      eachBatch: async () => {
        if (described.length === 0) described.push(await consumer.describeGroup())
      },
    }),
    isDone: () => described.length > 0,
  })
  const [{ state, protocol, protocolType, members }] = described
  const [member] = members
  const { assignment } = AssignerProtocol.MemberAssignment.decode(member.memberAssignment)
  // In the order in which the broker names the partitions, which is none.
  for (const partitions of Object.values(assignment)) partitions.sort((one, other) => one - other)
  print('described', {
    state,
    protocol,
    protocolType,
    members: members.length,
    clientId: member.clientId,
    metadata: AssignerProtocol.MemberMetadata.decode(member.memberMetadata).topics,
    assignment,
  })
  await producer.disconnect()
}

async function transactions(admin) {
  const topic = topicOf('transaction')
  await create(admin, { topic, numPartitions: 1 })
  const producer = kafka.producer({ transactionalId: `shim-t-${suffix}`, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const groupId = `shim-g-tx-${suffix}`
  const first = await producer.transaction()
  print('active', first.isActive())
  await failure('second', () => producer.transaction())
  await first.send({ topic, messages: [{ value: 'kept' }] })
  await first.sendOffsets({
    consumerGroupId: groupId,
    topics: [{ topic, partitions: [{ partition: 0, offset: '5' }] }],
  })
  await first.commit()
  print('ended', first.isActive())
  await failure('after its end', () => first.send({ topic, messages: [{ value: 'late' }] }))
  const second = await producer.transaction()
  await second.sendBatch({ topicMessages: [{ topic, messages: [{ value: 'dropped' }] }] })
  await second.abort()
  const third = await producer.transaction()
  await third.send({ topic, messages: [{ value: 'last' }] })
  await third.commit()
  await producer.disconnect()
  print('offsets of the transaction', await admin.fetchOffsets({ groupId, topics: [topic] }))
  const values = []
  await consume({
    topics: [new RegExp(`^${topic}$`)],
    groupId: `${groupId}-2`,
    run: () => ({ eachMessage: async ({ message }) => values.push([message.offset, message.value.toString()]) }),
    isDone: () => values.some(([, value]) => value === 'last'),
  })
  print('values', values)
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  const parts = { administration, producing, consuming, transactions }
  for (const part of (process.env.PARTS ?? Object.keys(parts).join(',')).split(',')) {
    print('part', part)
    await parts[part](admin)
  }
  await admin.disconnect()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
