/**
 * Programs as users of kafkajs write them, for its types alone: this compiles against ours here, and as it stands against kafkajs's
 * own in the interop suite `package`. Nothing of it is run.
 */
import {
  Kafka,
  logLevel,
  CompressionTypes,
  CompressionCodecs,
  Partitioners,
  PartitionAssigners,
  AssignerProtocol,
  ConfigResourceTypes,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
  KafkaJSError,
  KafkaJSProtocolError,
  KafkaJSNumberOfRetriesExceeded,
  type KafkaConfig,
  type ProducerConfig,
  type ConsumerConfig,
  type Producer,
  type Consumer,
  type Admin,
  type Transaction,
  type Message,
  type ProducerRecord,
  type ProducerBatch,
  type RecordMetadata,
  type EachMessagePayload,
  type EachBatchPayload,
  type EachMessageHandler,
  type EachBatchHandler,
  type KafkaMessage,
  type IHeaders,
  type Batch,
  type LogEntry,
  type logCreator,
  type Logger,
  type ICustomPartitioner,
  type PartitionerArgs,
  type PartitionAssigner,
  type Assigner,
  type RetryOptions,
  type TopicPartitionOffsetAndMetadata,
  type ITopicConfig,
  type GroupDescription,
  type ConsumerCrashEvent,
  type RequestEvent,
  type ConsumerGroupJoinEvent,
  type InstrumentationEvent,
  type SASLOptions,
  type Offsets,
  type TopicMessages,
  type ConsumerRunConfig,
  type ConsumerSubscribeTopics,
  type AdminConfig,
  type PartitionMetadata,
  type SeekEntry,
} from '../../src/kafkajs.ts'

const creator: logCreator =
  (level: logLevel) =>
  ({ namespace, label, log, level: own }: LogEntry) => {
    const { message, ...extra } = log
    if (own === logLevel.ERROR) console.error(namespace, label, message, extra, level)
  }
const sasl: SASLOptions = { mechanism: 'scram-sha-512', username: 'u', password: 'p' }
const retry: RetryOptions = { initialRetryTime: 100, retries: 8 }
const config: KafkaConfig = {
  clientId: 'app',
  brokers: ['a:9092'],
  ssl: true,
  sasl,
  retry,
  logLevel: logLevel.WARN,
  logCreator: creator,
  connectionTimeout: 1,
  requestTimeout: 2,
  enforceRequestTimeout: false,
  authenticationTimeout: 3,
}
export const kafka = new Kafka(config)
export const other = new Kafka({ brokers: async () => ['a:9092'] })
const logger: Logger = kafka.logger()
logger.info('x', { a: 1 })
logger.namespace('n').setLogLevel(logLevel.DEBUG)

const own: ICustomPartitioner =
  () =>
  ({ topic, partitionMetadata, message }: PartitionerArgs) => {
    const first: PartitionMetadata | undefined = partitionMetadata[0]
    return topic === 'a' && message.key ? 0 : (first?.partitionId ?? 0)
  }
const producerConfig: ProducerConfig = {
  createPartitioner: own,
  idempotent: true,
  maxInFlightRequests: 1,
  transactionalId: 't',
  allowAutoTopicCreation: false,
  retry,
}
const producer: Producer = kafka.producer(producerConfig)
export const legacy = kafka.producer({ createPartitioner: Partitioners.LegacyPartitioner })
export async function produce(): Promise<RecordMetadata[]> {
  await producer.connect()
  const headers: IHeaders = { a: 'b', c: Buffer.from('d'), e: ['f', Buffer.from('g')] }
  const message: Message = {
    key: 'k',
    value: JSON.stringify({}),
    headers,
    partition: 1,
    timestamp: Date.now().toString(),
  }
  const record: ProducerRecord = {
    topic: 't',
    messages: [message, { value: null }],
    acks: -1,
    timeout: 1000,
    compression: CompressionTypes.GZIP,
  }
  const remove = producer.on(producer.events.CONNECT, (event) => void event.timestamp)
  remove()
  const heard = ({ payload }: RequestEvent): void => console.log(payload.apiName, payload.duration, payload.size)
  producer.on(producer.events.REQUEST, heard)
  producer.on(producer.events.REQUEST_TIMEOUT, ({ payload }) => console.log(payload.broker, payload.sentAt))
  const topicMessages: TopicMessages[] = [{ topic: 't', messages: [message] }]
  const batch: ProducerBatch = { topicMessages, acks: 1 }
  await producer.sendBatch(batch)
  const transaction: Transaction = await producer.transaction()
  try {
    await transaction.send(record)
    const offsets: Offsets & { consumerGroupId: string } = {
      consumerGroupId: 'g',
      topics: [{ topic: 't', partitions: [{ partition: 0, offset: '1' }] }],
    }
    await transaction.sendOffsets(offsets)
    await transaction.commit()
  } catch (error) {
    if (transaction.isActive()) await transaction.abort()
    if (error instanceof KafkaJSProtocolError) console.error(error.type, error.code, error.retriable)
    if (error instanceof KafkaJSNumberOfRetriesExceeded) console.error(error.retryCount, error.retryTime)
    if (error instanceof KafkaJSError) console.error(error.name, error.helpUrl)
  }
  const [first] = await producer.send(record)
  return first === undefined
    ? []
    : [
        {
          topicName: first.topicName,
          partition: first.partition,
          errorCode: first.errorCode,
          baseOffset: first.baseOffset!,
        },
      ]
}

const assigner: PartitionAssigner = ({ cluster, groupId, logger: log }): Assigner => ({
  name: `mine-${groupId}`,
  version: 1,
  assign: async ({ members, topics }) => {
    log.debug('assigning')
    const assignment: { [topic: string]: number[] } = {}
    for (const topic of topics)
      assignment[topic] = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
    return members.map(({ memberId }) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 1, assignment, userData: Buffer.alloc(0) }),
    }))
  },
  protocol: ({ topics }) => ({
    name: 'mine',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
  }),
})
const consumerConfig: ConsumerConfig = {
  groupId: 'g',
  partitionAssigners: [assigner, PartitionAssigners.roundRobin],
  sessionTimeout: 1,
  rebalanceTimeout: 2,
  heartbeatInterval: 3,
  maxBytesPerPartition: 4,
  minBytes: 5,
  maxBytes: 6,
  maxWaitTimeInMs: 7,
  retry: { retries: 1, restartOnFailure: async (error) => error.message === '' },
  readUncommitted: true,
  rackId: 'r',
  metadataMaxAge: 8,
  allowAutoTopicCreation: true,
  maxInFlightRequests: 1,
}
const consumer: Consumer = kafka.consumer(consumerConfig)
const eachMessage: EachMessageHandler = async ({ topic, partition, message, heartbeat, pause }: EachMessagePayload) => {
  const text: string | undefined = message.value?.toString()
  const header: Buffer | string | (Buffer | string)[] | undefined = message.headers?.['a']
  const own: KafkaMessage = message
  console.log(topic, partition, text, header, message.offset, own.timestamp, message.key?.toString())
  await heartbeat()
  const resume = pause()
  setTimeout(resume, 1)
}
const eachBatch: EachBatchHandler = async (payload: EachBatchPayload) => {
  const { batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, uncommittedOffsets, isRunning, isStale, pause } =
    payload
  const whole: Batch = batch
  for (const message of whole.messages) {
    if (!isRunning() || isStale()) break
    resolveOffset(message.offset)
    await heartbeat()
  }
  pause()()
  await commitOffsetsIfNecessary(uncommittedOffsets())
  console.log(whole.firstOffset(), whole.lastOffset(), whole.highWatermark, whole.offsetLag(), whole.isEmpty())
}
export async function consume(): Promise<GroupDescription> {
  await consumer.connect()
  const topics: ConsumerSubscribeTopics = { topics: ['a', /b/], fromBeginning: true }
  await consumer.subscribe(topics)
  await consumer.subscribe({ topic: 'c' })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => void payload.memberAssignment['a'])
  consumer.on(consumer.events.CRASH, (event: ConsumerCrashEvent) => void event.payload.error.message)
  const joined = (event: ConsumerGroupJoinEvent): void => void event.payload.isLeader
  consumer.on('consumer.group_join', joined)
  const any = (event: InstrumentationEvent<null>): void => void event.id
  consumer.on(consumer.events.STOP, any)
  const run: ConsumerRunConfig = {
    eachMessage,
    autoCommitInterval: 5000,
    autoCommitThreshold: null,
    partitionsConsumedConcurrently: 3,
  }
  await consumer.run(run)
  await consumer.run({ eachBatch, eachBatchAutoResolve: false, autoCommit: false })
  const offsets: TopicPartitionOffsetAndMetadata[] = [{ topic: 'a', partition: 0, offset: '1', metadata: null }]
  await consumer.commitOffsets(offsets)
  consumer.seek({ topic: 'a', partition: 0, offset: '1' })
  consumer.pause([{ topic: 'a' }, { topic: 'b', partitions: [1] }])
  consumer.resume(consumer.paused())
  await consumer.stop()
  await consumer.disconnect()
  return consumer.describeGroup()
}

const adminConfig: AdminConfig = { retry }
const admin: Admin = kafka.admin(adminConfig)
export async function administer(): Promise<void> {
  const topics: ITopicConfig[] = [
    { topic: 't', numPartitions: 1, replicationFactor: 1, configEntries: [{ name: 'a', value: 'b' }] },
  ]
  const isNew: boolean = await admin.createTopics({ topics, waitForLeaders: true, timeout: 1, validateOnly: false })
  const names: string[] = await admin.listTopics()
  const metadata = await admin.fetchTopicMetadata({ topics: ['t'] })
  const leader: number | undefined = metadata.topics[0]?.partitions[0]?.leader
  const high: string | undefined = (await admin.fetchTopicOffsets('t'))[0]?.high
  const seeks: SeekEntry[] = await admin.fetchTopicOffsetsByTimestamp('t', Date.now())
  const offsets = await admin.fetchOffsets({ groupId: 'g', topics: ['t'], resolveOffsets: true })
  const text: string | null | undefined = offsets[0]?.partitions[0]?.metadata
  await admin.setOffsets({ groupId: 'g', topic: 't', partitions: seeks })
  await admin.resetOffsets({ groupId: 'g', topic: 't', earliest: true })
  const { brokers, controller, clusterId } = await admin.describeCluster()
  const configs = await admin.describeConfigs({
    includeSynonyms: true,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: 't', configNames: ['a'] }],
  })
  const value: string | undefined = configs.resources[0]?.configEntries[0]?.configValue
  await admin.alterConfigs({
    validateOnly: true,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: 't', configEntries: [{ name: 'a', value: 'b' }] }],
  })
  const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId)
  const states = (await admin.describeGroups(groups)).groups.map(({ state, members }) => [
    state,
    members[0]?.clientHost,
  ])
  const deleted = (await admin.deleteGroups(groups)).map(({ groupId, errorCode, error }) => [
    groupId,
    errorCode,
    error?.type,
  ])
  await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 0, offset: '-1' }] })
  const acl = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: 't',
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:a',
    host: '*',
    operation: AclOperationTypes.ALL,
    permissionType: AclPermissionTypes.ALLOW,
  }
  await admin.createAcls({ acl: [acl] })
  const { resources } = await admin.describeAcls(acl)
  await admin.deleteAcls({ filters: [acl] })
  await admin.createPartitions({ topicPartitions: [{ topic: 't', count: 2, assignments: [[1]] }] })
  await admin.alterPartitionReassignments({
    topics: [{ topic: 't', partitionAssignment: [{ partition: 0, replicas: [1] }] }],
  })
  await admin.listPartitionReassignments({ topics: [{ topic: 't', partitions: [0] }] })
  admin.on(admin.events.CONNECT, ({ payload }) => void payload)
  console.log(
    isNew,
    names,
    leader,
    high,
    text,
    brokers[0]?.nodeId,
    controller,
    clusterId,
    value,
    states,
    deleted,
    resources[0]?.acls[0]?.principal,
  )
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async () => Buffer.alloc(0),
    decompress: async () => Buffer.alloc(0),
  })
}
