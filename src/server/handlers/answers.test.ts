/** Answers as Apache Kafka 4.3.1 gave them to the same requests (found by `npm run diff`). */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import type { Uuid } from '../../base/uuid.ts'
import { AlterPartitionReassignments } from '../../protocol/generated/alter-partition-reassignments.ts'
import { AlterReplicaLogDirs } from '../../protocol/generated/alter-replica-log-dirs.ts'
import { CreateTopics } from '../../protocol/generated/create-topics.ts'
import { DeleteRecords } from '../../protocol/generated/delete-records.ts'
import { DeleteTopics } from '../../protocol/generated/delete-topics.ts'
import { DescribeConfigs } from '../../protocol/generated/describe-configs.ts'
import { DescribeQuorum } from '../../protocol/generated/describe-quorum.ts'
import { ElectLeaders } from '../../protocol/generated/elect-leaders.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../protocol/generated/incremental-alter-configs.ts'
import { InitProducerId } from '../../protocol/generated/init-producer-id.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Metadata } from '../../protocol/generated/metadata.ts'
import { OffsetCommit } from '../../protocol/generated/offset-commit.ts'
import { OffsetDelete } from '../../protocol/generated/offset-delete.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { buildBatch } from '../../records/batch-builder.ts'
import { createTopic, withBroker } from '../../testing/asked-broker.ts'

test('DescribeQuorum answers in versions without addresses', () =>
  withBroker(async (client) => {
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
    for (const version of [0, 1, 2]) {
      expect((await client.request(DescribeQuorum, version, { topics })).errorCode).toBe(0)
    }
  }))

test('ListOffsets answers a partition that is named twice once, and a topic without partitions not at all', () =>
  withBroker(async (client) => {
    const partition = { partitionIndex: 0, timestamp: -1 }
    const topics = [{ name: 'a', partitions: [partition, partition] }, { name: 'b' }]
    const answer = await client.request(ListOffsets, 7, { replicaId: -1, topics })
    expect(answer.topics).toMatchObject([{ name: 'a', partitions: [{ partitionIndex: 0, errorCode: 42 }] }])
    expect(answer.topics[0]?.partitions).toHaveLength(1)
  }))

test('DeleteRecords answers a partition that is named twice once', () =>
  withBroker(async (client) => {
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0 }, { partitionIndex: 0 }] }]
    const answer = await client.request(DeleteRecords, 2, { topics, timeoutMs: 1000 })
    expect(answer.topics[0]?.partitions).toHaveLength(1)
  }))

test('a magic that does not exist fails the whole Produce request before anybody looks for a topic', () =>
  withBroker(async (client) => {
    const records = Buffer.alloc(70)
    records.writeInt32BE(58, 8)
    records.writeInt8(3, 16)
    const topicData = [{ name: 'nope', partitionData: [{ index: 0, records }] }]
    const { responses } = await client.request(Produce, 9, { acks: 1, timeoutMs: 1000, topicData })
    expect(responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 2,
      errorMessage: 'Invalid magic found in record: 3',
    })
  }))

test('Metadata refuses topic ids before version 12 and bad names at any', () =>
  withBroker(async (client) => {
    const byId = await client.request(Metadata, 10, { topics: [{ name: null }] })
    expect(byId.topics).toMatchObject([{ errorCode: 42 }])
    const badName = await client.request(Metadata, 9, { topics: [{ name: '..' }], allowAutoTopicCreation: false })
    expect(badName.topics).toMatchObject([{ errorCode: 17 }])
  }))

test('InitProducerId wants a producer id and an epoch together', () =>
  withBroker(async (client) => {
    const asked = { transactionalId: null, transactionTimeoutMs: 1000, producerId: 5 }
    expect((await client.request(InitProducerId, 4, asked)).errorCode).toBe(42)
  }))

test('a leader epoch of -2 is as stale as any old one: only -1 is none, but in Fetch', () =>
  withBroker(async (client) => {
    await createTopic(client)
    for (const [currentLeaderEpoch, errorCode] of [
      [-2, ERROR_CODES.FENCED_LEADER_EPOCH],
      [-1, ERROR_CODES.NONE],
    ] as const) {
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1 }] }]
      const answer = await client.request(ListOffsets, 7, { replicaId: -1, topics })
      expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(errorCode)
    }
    const partitions = [{ partition: 0, currentLeaderEpoch: -2, partitionMaxBytes: 1000 }]
    const wanted = { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'a', partitions }] }
    const fetched = await client.request(Fetch, 11, wanted)
    expect(fetched.responses[0]?.partitions[0]?.errorCode).toBe(ERROR_CODES.NONE)
  }))

test('a topic that does not exist is named by OffsetDelete even without partitions, and by ListOffsets 0', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const offsets = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }]
    const commit = { groupId: 'g', generationIdOrMemberEpoch: -1, topics: offsets }
    await client.request(FindCoordinator, 1, { key: 'g' })
    let committed = await client.request(OffsetCommit, 5, commit)
    while (committed.topics[0]?.partitions[0]?.errorCode !== 0)
      committed = await client.request(OffsetCommit, 5, commit)
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0 }] }, { name: 'nope' }]
    const answer = await client.request(OffsetDelete, 0, { groupId: 'g', topics })
    expect(answer.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['nope', 0],
      ['a', 1],
    ])
    const listed = await client.request(ListOffsets, 0, { replicaId: -1, topics: [{ name: 'nope' }] })
    expect(listed.topics).toHaveLength(1)
  }))

test('one resource type that does not exist refuses all of DescribeConfigs', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const resources = [2, 3].map((resourceType) => ({ resourceType, resourceName: 'a' }))
    const { results } = await client.request(DescribeConfigs, 4, { resources })
    expect(results.map(({ errorCode, configs }) => [errorCode, configs.length])).toEqual([
      [ERROR_CODES.INVALID_REQUEST, 0],
      [ERROR_CODES.INVALID_REQUEST, 0],
    ])
  }))

test('settings of groups are bounded by those of the broker, and patterns of client metrics are read', () =>
  withBroker(async (client) => {
    const change = (resourceType: number, name: string, value: string) => ({
      resourceType,
      resourceName: 'x',
      configs: [{ name, configOperation: 0, value }],
    })
    const metrics = {
      resourceType: 16,
      resourceName: 'y',
      configs: [{ name: 'metrics', configOperation: 2, value: '*' }],
    }
    const resources = [metrics, change(32, 'streams.num.standby.replicas', '99'), change(16, 'match', 'bad')]
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources })
    expect(responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      [40, "Can't APPEND to key metrics because its type is not LIST."],
      [40, 'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas'],
      [40, 'Illegal client matching pattern: bad'],
    ])
  }))

test('subtracting from a broker setting that is no list is refused before other settings are looked at', () =>
  withBroker(async (client) => {
    const configs = [
      { name: 'offsets.topic.num.partitions', configOperation: 3, value: '9' },
      { name: 'ssl.keystore.location', configOperation: 0, value: 'x' },
    ]
    const resources = [{ resourceType: 4, resourceName: '', configs }]
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources })
    expect(responses).toMatchObject([
      {
        errorCode: 40,
        errorMessage: 'Config value subtract is not allowed for config key: offsets.topic.num.partitions',
      },
    ])
  }))

test('topics that are named twice do not count for the limit of partitions', () =>
  withBroker(async (client) => {
    const topic = (name: string, numPartitions: number) => ({ name, numPartitions, replicationFactor: 1 })
    const topics = [topic('a', 1), topic('b', 20_000), topic('b', 1)]
    const answer = await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
    expect(new Map(answer.topics.map(({ name, errorCode }) => [name, errorCode]))).toEqual(
      new Map([
        ['a', 0],
        ['b', 42],
      ]),
    )
  }))

test('the metadata topic that is named twice is first of all named twice', () =>
  withBroker(async (client) => {
    const topic = { name: '__cluster_metadata', numPartitions: 1, replicationFactor: 1 }
    const answer = await client.request(CreateTopics, 5, { topics: [topic, topic], timeoutMs: 1000 })
    expect(answer.topics).toMatchObject([{ errorCode: 42, errorMessage: 'Duplicate topic name.' }])
    const once = await client.request(CreateTopics, 5, { topics: [topic], timeoutMs: 1000 })
    expect(once.topics[0]?.errorMessage).toMatch(/^Creation of internal topic/)
  }))

test('too many partitions refuse all topics, as often as they are named', () =>
  withBroker(async (client) => {
    const topic = (name: string, numPartitions: number) => ({ name, numPartitions, replicationFactor: 1 })
    const topics = [topic('a', 1), topic('b', 10_001), topic('a', 1), topic('__cluster_metadata', 1)]
    const answer = await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
    expect(answer.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 44],
      ['b', 44],
      ['a', 44],
      ['__cluster_metadata', 44],
    ])
  }))

test('DescribeConfigs shows a list as it is read: what stands twice in it once, but of replicas', () =>
  withBroker(async (client) => {
    const replicas = 'leader.replication.throttled.replicas'
    await createTopic(client, [
      { name: 'cleanup.policy', value: 'delete,delete' },
      { name: replicas, value: '0:1,0:1' },
    ])
    const resources = [{ resourceType: 2, resourceName: 'a', configurationKeys: ['cleanup.policy', replicas] }]
    const { results } = await client.request(DescribeConfigs, 4, { resources })
    expect(results[0]?.configs.map(({ value }) => value).sort()).toEqual(['0:1,0:1', 'delete'])
  }))

test('behind a divergence Fetch says nothing of aborted transactions', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const partitions = [{ partition: 0, fetchOffset: 5, lastFetchedEpoch: 0, partitionMaxBytes: 1000 }]
    const topics = [{ topic: 'a', partitions }]
    const asked = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1000, isolationLevel: 1, topics }
    const { responses } = await client.request(Fetch, 12, asked)
    expect(responses[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 0, endOffset: 0 },
      abortedTransactions: null,
    })
  }))

test('Fetch says nothing of aborted transactions of a batch that is too large, but of the end of a log', () =>
  withBroker(async (client) => {
    const topics = [{ name: 'a', numPartitions: 3, replicationFactor: 1 }]
    await client.request(CreateTopics, 5, { topics, timeoutMs: 1000 })
    const records = () => buildBatch({ records: [{ value: Buffer.alloc(100), timestamp: 1_700_000_000_000 }] })
    const partitionData = [0, 1].map((index) => ({ index, records: records() }))
    await client.request(Produce, 8, { acks: -1, timeoutMs: 1000, topicData: [{ name: 'a', partitionData }] })
    const partitions = [1000, 20, 20].map((partitionMaxBytes, partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes,
    }))
    const asked = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1000, isolationLevel: 1 }
    const { responses } = await client.request(Fetch, 11, { ...asked, topics: [{ topic: 'a', partitions }] })
    expect(responses[0]?.partitions.map(({ abortedTransactions }) => abortedTransactions)).toEqual([[], null, []])
  }))

test('what the cluster does not know brings no Fetch back sooner, unless nothing else is asked for', () =>
  withBroker(async (client, nowMs) => {
    await createTopic(client)
    const waitedMs = async (...names: string[]) => {
      const topics = names.map((topic) => ({ topic, partitions: [{ partition: 0, partitionMaxBytes: 1000 }] }))
      const beganMs = nowMs()
      await client.request(Fetch, 11, { replicaId: -1, maxWaitMs: 400, minBytes: 1, maxBytes: 1000, topics })
      return nowMs() - beganMs
    }
    expect(await waitedMs('nope')).toBeLessThan(100)
    expect(await waitedMs('nope', 'a')).toBeGreaterThanOrEqual(400)
  }))

test('records of a topic with neither policy may be deleted by request, those of a compacted one not', () =>
  withBroker(async (client) => {
    for (const [policy, errorCode] of [
      ['', 0],
      ['compact,delete', 0],
      ['compact', 44],
    ] as const) {
      const name = `t${policy.length}`
      const configs = [{ name: 'cleanup.policy', value: policy }]
      const created = [{ name, numPartitions: 1, replicationFactor: 1, configs }]
      await client.request(CreateTopics, 5, { topics: created, timeoutMs: 1000 })
      const topics = [{ name, partitions: [{ partitionIndex: 0, offset: 0 }] }]
      const answer = await client.request(DeleteRecords, 1, { topics, timeoutMs: 1000 })
      expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(errorCode)
    }
  }))

test('a time out of range is told the range that there is, without any limit too', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const records = buildBatch({ records: [{ value: Buffer.from('x'), timestamp: 40_000_000_000_000 }] })
    const topicData = [{ name: 'a', partitionData: [{ index: 0, records }] }]
    const { responses } = await client.request(Produce, 8, { acks: 1, timeoutMs: 1000, topicData })
    const told = responses[0]?.partitionResponses[0]?.recordErrors[0]?.batchIndexErrorMessage
    expect(told).toMatch(/should be within \[-92233\d{14}, \d{13}\]$/)
  }))

test('a topic name that leaves no room for the mark of a move is refused before the directory is looked for', () =>
  withBroker(async (client) => {
    const dirs = ['n'.repeat(213), 'n'.repeat(214)].map((name) => ({
      path: '/nowhere',
      topics: [{ name, partitions: [0] }],
    }))
    const { results } = await client.request(AlterReplicaLogDirs, 2, { dirs: [...dirs, ...dirs] })
    expect(results.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))).toEqual([
      ERROR_CODES.LOG_DIR_NOT_FOUND,
      ERROR_CODES.INVALID_TOPIC_EXCEPTION,
    ])
  }))

test('DeleteTopics refuses a topic by name and id as often as it stands there, a name once', () =>
  withBroker(async (client) => {
    const topicId = 'Zm9vYmFyYmF6cXV4MTIzNA' as Uuid
    const [both, name] = [{ name: 'a', topicId }, { name: 'b' }]
    const answer = await client.request(DeleteTopics, 6, { topics: [both, both, name, name], timeoutMs: 1000 })
    expect(answer.responses.map((response) => response.name).sort()).toEqual(['a', 'a', 'b'])
  }))

test('DeleteTopics: an id that stands beside itself with a name is deleted, one whose name is there too is not', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const asked = { topics: [{ name: 'a' }], allowAutoTopicCreation: false }
    const topicId = (await client.request(Metadata, 12, asked)).topics[0]?.topicId ?? ('' as Uuid)
    const kept = await client.request(DeleteTopics, 6, { topics: [{ name: null, topicId }, { name: 'a' }] })
    const errorMessage = 'The provided topic name maps to an ID that was already supplied.'
    expect(kept.responses).toMatchObject([{ name: 'a', topicId, errorCode: 42, errorMessage }])
    const topics = [
      { name: null, topicId },
      { name: '', topicId },
    ]
    const { responses } = await client.request(DeleteTopics, 6, { topics })
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['', 42],
      ['a', 0],
    ])
  }))

test('the first bad setting is named in the order in which Kafka reads them, an unknown one before', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const change = (resourceType: number, settings: readonly (readonly [string, string])[]) => ({
      resourceType,
      resourceName: resourceType === 2 ? 'a' : 'g',
      configs: settings.map(([name, value]) => ({ name, configOperation: 0, value })),
    })
    const refusals = async (resources: ReturnType<typeof change>[]) =>
      (await client.request(IncrementalAlterConfigs, 1, { resources })).responses.map((answer) => answer.errorMessage)
    const [policy, bytes] = [['cleanup.policy', 'bad'] as const, ['segment.bytes', '1'] as const]
    const [standby, heartbeat] = [
      ['streams.num.standby.replicas', '99'] as const,
      ['consumer.heartbeat.interval.ms', '50000'] as const,
    ]
    expect(await refusals([change(2, [policy, bytes]), change(32, [standby, heartbeat])])).toEqual([
      'Invalid value 1 for configuration segment.bytes: Value must be at least 1048576',
      'consumer.heartbeat.interval.ms must be less than or equal to group.consumer.max.heartbeat.interval.ms',
    ])
    expect(await refusals([change(2, [bytes, ['no.such', 'x']]), change(32, [heartbeat, ['no.such', 'x']])])).toEqual([
      'Unknown topic config name: no.such',
      'Unknown group config name: no.such',
    ])
  }))

test('an operation that does not exist is refused by the broker that it is for, before what it is to do', () =>
  withBroker(async (client) => {
    const refusal = async (configs: readonly { name: string; configOperation: number; value: string }[]) => {
      const resources = [{ resourceType: 4, resourceName: '', configs }]
      return (await client.request(IncrementalAlterConfigs, 1, { resources })).responses
    }
    expect(await refusal([{ name: 'node.id', configOperation: -1, value: '2' }])).toMatchObject([
      { errorCode: 42, errorMessage: 'Unknown operations type -1' },
    ])
    expect(await refusal([{ name: 'my.own.key', configOperation: 2, value: 'x' }])).toMatchObject([
      { errorCode: 40, errorMessage: 'Unknown config name: my.own.key' },
    ])
  }))

test('what is added to a list keeps its form and is there once', () =>
  withBroker(async (client) => {
    await createTopic(client, [{ name: 'cleanup.policy', value: 'compact' }])
    const configs = [{ name: 'cleanup.policy', configOperation: 2, value: 'delete,delete' }]
    const resource = { resourceType: 2, resourceName: 'a' }
    await client.request(IncrementalAlterConfigs, 1, { resources: [{ ...resource, configs }] })
    const described = { resources: [{ ...resource, configurationKeys: ['cleanup.policy'] }] }
    const { results } = await client.request(DescribeConfigs, 4, described)
    expect(results[0]?.configs[0]?.value).toBe('compact,delete')
  }))

test('Metadata that creates answers a topic which cannot be as absent, whatever the controller said', () =>
  withBroker(async (client) => {
    const ask = async (name: string) =>
      (await client.request(Metadata, 4, { topics: [{ name }], allowAutoTopicCreation: true })).topics[0]?.errorCode
    expect(await ask('a_b')).toBe(ERROR_CODES.NONE)
    expect(await ask('a.b')).toBe(ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await ask('..')).toBe(ERROR_CODES.INVALID_TOPIC_EXCEPTION)
  }))

test('Metadata wants a name or an id of each topic', () =>
  withBroker(async (client) => {
    expect((await client.request(Metadata, 12, { topics: [{ name: null }] })).topics).toMatchObject([{ errorCode: 42 }])
  }))

test('ElectLeaders of all partitions names every topic, of none nothing, and of an unknown type fails each partition', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const elect = (version: number, request: object) => client.request(ElectLeaders, version, request)
    expect(await elect(0, { topicPartitions: null })).toMatchObject({
      replicaElectionResults: [{ topic: 'a', partitionResult: [] }],
    })
    expect(await elect(2, { electionType: 2, topicPartitions: [] })).toMatchObject({
      errorCode: 0,
      replicaElectionResults: [],
    })
    const errorCode = ERROR_CODES.INVALID_REQUEST
    const partitionResult = [{ partitionId: 7, errorCode, errorMessage: 'Unknown election type 2' }]
    expect(await elect(2, { electionType: 2, topicPartitions: [{ topic: 'a', partitions: [7] }] })).toMatchObject({
      errorCode,
      replicaElectionResults: [{ topic: 'a', partitionResult }],
    })
  }))

test('AlterPartitionReassignments of nothing answers the defaults of its fields', () =>
  withBroker(async (client) => {
    const request = { topics: [], allowReplicationFactorChange: false }
    const answer = await client.request(AlterPartitionReassignments, 1, request)
    expect(answer).toMatchObject({ errorCode: 0, errorMessage: '', allowReplicationFactorChange: true, responses: [] })
  }))

test('Fetch of a follower that is none names the leader, but not where it is', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const topicId = (await client.request(Metadata, 12, { topics: [{ name: 'a' }] })).topics[0]?.topicId
    const asFollower = await client.request(Fetch, 17, {
      replicaState: { replicaId: 0, replicaEpoch: -1 },
      sessionEpoch: -1,
      topics: [{ topicId: topicId as Uuid, partitions: [{ partition: 0, partitionMaxBytes: 1000 }] }],
    })
    expect(asFollower.responses[0]?.partitions[0]?.errorCode).not.toBe(0)
    expect(asFollower.responses[0]?.partitions[0]?.currentLeader.leaderId).toBe(1)
    expect(asFollower.nodeEndpoints).toEqual([])
  }))
