/** Versions of twelve years as Apache Kafka 3.9.2 and 4.3.1 answer them (found by `npm run diff`). */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../base/error-codes.ts'
import { Fetch } from '../../protocol/generated/fetch.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import { JoinGroup } from '../../protocol/generated/join-group.ts'
import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { buildBatch } from '../../records/batch-builder.ts'
import type { Codec } from '../../records/batch.ts'
import { buildMessageSet } from '../../records/message-builder.ts'
import type { ClientConnection } from '../../rpc/client-connection.ts'
import { createTopic, withBroker } from '../../testing/asked-broker.ts'

const records = [{ value: Buffer.from('hello'), timestamp: 1_700_000_000_000 }]

async function produce(client: ClientConnection, codec: Codec = 'none'): Promise<void> {
  const partitionData = [{ index: 0, records: buildBatch({ codec, records }) }]
  await client.request(Produce, 8, { acks: -1, timeoutMs: 1000, topicData: [{ name: 'a', partitionData }] })
}

async function fetchBytes(client: ClientConnection, version: number) {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000 }]
  const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 10_000, topics: [{ topic: 'a', partitions }] }
  const { responses } = await client.request(Fetch, version, request)
  const [answer] = responses[0]?.partitions ?? []
  return [answer?.errorCode, answer?.records === null ? null : (answer?.records?.length ?? 0) > 0]
}

test('zstd is given from version 4 on, which takes batches as they are; before, it has no form', () =>
  withBroker(async (client) => {
    await createTopic(client)
    await produce(client, 'zstd')
    for (const version of [0, 2, 3]) {
      expect(await fetchBytes(client, version)).toEqual([ERROR_CODES.UNSUPPORTED_COMPRESSION_TYPE, null])
    }
    for (const version of [4, 9, 10, 12]) expect(await fetchBytes(client, version)).toEqual([0, true])
  }))

test('a topic that is compressed with zstd gives nothing to versions before 4, not even that it is empty', () =>
  withBroker(async (client) => {
    await createTopic(client, [{ name: 'compression.type', value: 'zstd' }])
    expect(await fetchBytes(client, 1)).toEqual([ERROR_CODES.UNSUPPORTED_COMPRESSION_TYPE, null])
    expect(await fetchBytes(client, 4)).toEqual([0, false])
  }))

test('what is no entry behind the first one refuses the whole Produce of an old client', () =>
  withBroker(async (client) => {
    await createTopic(client)
    const good = buildMessageSet({ magic: 1, records })
    const broken = Buffer.concat([good, Buffer.alloc(20, 0xff)])
    const partitionData = [
      { index: 0, records: broken },
      { index: 7, records: good },
    ]
    const codes = async (version: number) =>
      (
        await client.request(Produce, version, { acks: 1, timeoutMs: 1000, topicData: [{ name: 'a', partitionData }] })
      ).responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)
    expect(await codes(2)).toEqual([ERROR_CODES.CORRUPT_MESSAGE, ERROR_CODES.CORRUPT_MESSAGE])
    expect(await codes(3)).toEqual([ERROR_CODES.INVALID_RECORD, ERROR_CODES.UNKNOWN_TOPIC_OR_PARTITION])
  }))

test('the end of the log is of now for ListOffsets 0', () =>
  withBroker(async (client) => {
    await createTopic(client)
    await produce(client)
    const offsets = async (timestamp: number) => {
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp, maxNumOffsets: 5 }] }]
      const answer = await client.request(ListOffsets, 0, { replicaId: -1, topics })
      return answer.topics[0]?.partitions[0]?.oldStyleOffsets
    }
    expect(await offsets(Number.MAX_SAFE_INTEGER)).toEqual([1, 0])
    expect(await offsets(0)).toEqual([])
  }))

test('a protocol of the empty name is null in a version that has null', () =>
  withBroker(async (client) => {
    const wanted = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: '', metadata: Buffer.alloc(0) }],
    }
    await client.request(FindCoordinator, 1, { key: 'g' })
    let joined = await client.request(JoinGroup, 7, { ...wanted, groupInstanceId: 'i' })
    while (joined.errorCode !== 0) joined = await client.request(JoinGroup, 7, { ...wanted, groupInstanceId: 'i' })
    expect(joined.protocolName).toBeNull()
    const older = await client.request(JoinGroup, 5, { ...wanted, groupId: 'h', groupInstanceId: 'i' })
    expect([older.errorCode, older.protocolName]).toEqual([0, ''])
  }))
