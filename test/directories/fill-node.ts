/**
 * Fills a node with everything it can hold: topics of many settings with records of all codecs and shapes, log-append
 * times, idempotent producers with ids of the cluster's, groups with static members and without members, settings of
 * topics, brokers, the cluster and client metrics, deleted records, deleted topics, topics that have grown.
 */
import { CreatePartitions } from '../../src/protocol/generated/create-partitions.ts'
import { DeleteRecords } from '../../src/protocol/generated/delete-records.ts'
import { DeleteTopics } from '../../src/protocol/generated/delete-topics.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/generated/incremental-alter-configs.ts'
import { InitProducerId } from '../../src/protocol/generated/init-producer-id.ts'
import { JoinGroup } from '../../src/protocol/generated/join-group.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { SyncGroup } from '../../src/protocol/generated/sync-group.ts'
import { CODECS } from '../../src/records/batch.ts'
import { buildBatch } from '../../src/records/batch-builder.ts'
import type { ClientConnection } from '../../src/rpc/client-connection.ts'
import { produceStream } from './produce-stream.ts'
import { createTopics, sendRequests, type BatchAnswer } from './send-stream.ts'
import type { StreamTopic } from './produce-stream.ts'

const REQUESTS = 120
const COORDINATOR_TRIES_MAX = 2000
const TIMEOUT_MS = 30_000
const SET = 0
const RESOURCE = { TOPIC: 2, BROKER: 4, CLIENT_METRICS: 16 } as const

const MORE_TOPICS: readonly StreamTopic[] = [
  { name: 'append-time', partitions: 2, configs: { 'message.timestamp.type': 'LogAppendTime' } },
  { name: 'compacted', partitions: 1, configs: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '86400000' } },
  { name: 'to-gzip', partitions: 1, configs: { 'compression.type': 'gzip', 'compression.gzip.level': '9' } },
  { name: 'to-snappy', partitions: 1, configs: { 'compression.type': 'snappy' } },
  { name: 'to-lz4', partitions: 1, configs: { 'compression.type': 'lz4' } },
  { name: 'to-zstd', partitions: 1, configs: { 'compression.type': 'zstd' } },
  { name: 'empty', partitions: 3, configs: { 'retention.bytes': '1000000', 'flush.messages': '17' } },
  { name: 'grown', partitions: 1, configs: {} },
  { name: 'deleted', partitions: 2, configs: {} },
  { name: 'dots.and_under-delete', partitions: 1, configs: {} },
]

export async function fillNode(client: ClientConnection, seed: number): Promise<void> {
  const stream = produceStream(seed, REQUESTS, ['clean'])
  const topics = [...stream.topics, ...MORE_TOPICS]
  await createTopics(client, topics)
  const requests = stream.sessions.flatMap((session) => session.requests)
  await sendRequests(client, topics, requests)
  await fillMore(client)
  await alterConfigs(client)
  await commitOffsets(client)
  await changeTopics(client)
}

/** All codecs to each of the other topics, by a producer with an id of the cluster's. */
async function fillMore(client: ClientConnection): Promise<void> {
  const { producerId, producerEpoch, errorCode } = await client.request(InitProducerId, 4, { transactionalId: null })
  check('InitProducerId', errorCode)
  let sequence = 0
  for (const { name } of MORE_TOPICS.filter((topic) => topic.name !== 'empty')) {
    sequence = 0
    for (const codec of CODECS) {
      const records = Array.from({ length: 20 }, (_, at) => ({
        timestamp: 1_700_000_000_000 + at,
        key: Buffer.from(`key ${at % 7}`),
        value: at % 9 === 0 ? null : Buffer.from(`${codec} of ${name}, record ${at}`),
        headers: at % 5 === 0 ? [{ key: 'at', value: Buffer.from([at]) }] : [],
      }))
      const batch = buildBatch({ records, codec, producerId, producerEpoch, baseSequence: sequence })
      sequence += records.length
      const request = { acks: -1, batches: [{ topic: name, partition: 0, records: batch }] }
      for (const answer of await sendRequests(client, [], [request])) checkBatch(answer)
    }
  }
}

async function alterConfigs(client: ClientConnection): Promise<void> {
  const wanted = [
    [RESOURCE.TOPIC, 'plain', { 'max.message.bytes': '900000', 'delete.retention.ms': '12345' }],
    [RESOURCE.TOPIC, 'empty', { 'min.insync.replicas': '1' }],
    [RESOURCE.BROKER, '1', { 'log.cleaner.threads': '2' }],
    [RESOURCE.BROKER, '', { 'message.max.bytes': '2000000', 'background.threads': '11' }],
    [RESOURCE.CLIENT_METRICS, 'slow', { 'interval.ms': '30000', metrics: 'org.apache.kafka.producer.' }],
  ] as const
  const { responses } = await client.request(IncrementalAlterConfigs, 1, {
    resources: wanted.map(([resourceType, resourceName, values]) => ({
      resourceType,
      resourceName,
      configs: Object.entries(values).map(([name, value]) => ({ name, configOperation: SET, value })),
    })),
  })
  for (const { resourceName, errorCode, errorMessage } of responses) {
    check(`settings of ${resourceName}: ${errorMessage}`, errorCode)
  }
}

async function commitOffsets(client: ClientConnection): Promise<void> {
  await untilCoordinated(client)
  for (let group = 0; group < 5; group++) await commit(client, `simple-${group}`, '', null, -1, group)
  const groupId = 'static'
  const groupInstanceId = 'instance-1'
  const member = {
    groupId,
    groupInstanceId,
    sessionTimeoutMs: 1_800_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('plain') }],
  }
  const joined = await client.request(JoinGroup, 7, { ...member, memberId: '' })
  check('JoinGroup', joined.errorCode)
  const { memberId, generationId } = joined
  const synced = await client.request(SyncGroup, 5, {
    groupId,
    generationId,
    memberId,
    groupInstanceId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: assignment('plain', 3) }],
  })
  check('SyncGroup', synced.errorCode)
  await commit(client, groupId, memberId, groupInstanceId, generationId, 7)
}

/** The first request creates the topic of the offsets. */
async function untilCoordinated(client: ClientConnection): Promise<void> {
  for (let tries = 0; tries < COORDINATOR_TRIES_MAX; tries++) {
    const { coordinators } = await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['static'] })
    if (coordinators[0]?.errorCode === 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('no coordinator')
}

async function commit(
  client: ClientConnection,
  groupId: string,
  memberId: string,
  groupInstanceId: string | null,
  generationIdOrMemberEpoch: number,
  offset: number,
): Promise<void> {
  const partitions = [0, 1, 2].map((partitionIndex) => ({
    partitionIndex,
    committedOffset: offset + partitionIndex,
    committedLeaderEpoch: partitionIndex === 0 ? -1 : 0,
    committedMetadata: partitionIndex === 2 ? 'some metadata é' : '',
  }))
  const { topics } = await client.request(OffsetCommit, 8, {
    groupId,
    memberId,
    groupInstanceId,
    generationIdOrMemberEpoch,
    topics: [{ name: 'plain', partitions }],
  })
  for (const { partitions: rows } of topics) for (const { errorCode } of rows) check(`commit of ${groupId}`, errorCode)
}

async function changeTopics(client: ClientConnection): Promise<void> {
  const grown = await client.request(CreatePartitions, 3, {
    topics: [{ name: 'grown', count: 4, assignments: null }],
    timeoutMs: TIMEOUT_MS,
  })
  check('CreatePartitions', grown.results[0]?.errorCode)
  const deleted = await client.request(DeleteTopics, 6, { topics: [{ name: 'deleted' }], timeoutMs: TIMEOUT_MS })
  check('DeleteTopics', deleted.responses[0]?.errorCode)
  const records = await client.request(DeleteRecords, 2, {
    topics: [
      { name: 'plain', partitions: [{ partitionIndex: 0, offset: 13 }] },
      { name: 'append-time', partitions: [{ partitionIndex: 0, offset: -1 }] },
    ],
    timeoutMs: TIMEOUT_MS,
  })
  for (const { partitions } of records.topics) check('DeleteRecords', partitions[0]?.errorCode)
}

/** Of the consumer protocol, version 0. */
function subscription(topic: string): Buffer {
  const name = Buffer.from(topic)
  return Buffer.concat([int16(0), int32(1), int16(name.length), name, int32(-1)])
}

function assignment(topic: string, partitions: number): Buffer {
  const name = Buffer.from(topic)
  const numbers = Array.from({ length: partitions }, (_, at) => int32(at))
  return Buffer.concat([int16(0), int32(1), int16(name.length), name, int32(partitions), ...numbers, int32(-1)])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function checkBatch({ partition, errorCode }: BatchAnswer): void {
  check(`batch to ${partition}`, errorCode)
}

function check(what: string, errorCode: number | undefined): void {
  if (errorCode !== 0) throw new Error(`${what}: error ${errorCode}`)
}
