import { expect, test } from 'vitest'
import { ERROR_CODES } from '../base/error-codes.ts'
import type { Uuid } from '../base/uuid.ts'
import type { ControllerApi } from '../controller/controller-api.ts'
import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/generated/alter-partition.ts'
import type { Init } from '../protocol/codec.ts'
import type { IsrProposal } from '../replication/isr-changes.ts'
import { ControllerIsrWriter } from './controller-isr-writer.ts'

const [A, B] = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'] as [Uuid, Uuid]

function setUp(answer: Init<AlterPartitionResponse>, metadataVersion = 30, brokerEpoch = 77) {
  const asked: [AlterPartitionRequest, number][] = []
  const controller: Pick<ControllerApi, 'alterPartition'> = {
    alterPartition: (request, { apiVersion }) => {
      asked.push([request, apiVersion])
      return Promise.resolve(answer)
    },
  }
  const writer = new ControllerIsrWriter({
    nodeId: 1,
    controller,
    brokerEpoch: () => brokerEpoch,
    metadataVersion: () => metadataVersion,
  })
  return { asked, writer }
}

const proposal = (topicId: Uuid, partition: number): IsrProposal => ({
  topic: 't',
  topicId,
  partition,
  leaderEpoch: 3,
  partitionEpoch: 4,
  before: [1],
  isr: [
    { brokerId: 1, brokerEpoch: null },
    { brokerId: 2, brokerEpoch: 20 },
  ],
})

test('changes of many partitions go in one request, with the epochs of the members, and each gets its own answer', async () => {
  const made = { partitionIndex: 1, leaderEpoch: 3, partitionEpoch: 5, isr: [1, 2] }
  const { asked, writer } = setUp({
    topics: [
      { topicId: B, partitions: [{ partitionIndex: 0, errorCode: ERROR_CODES.INELIGIBLE_REPLICA }] },
      { topicId: A, partitions: [made] },
    ],
  })
  expect(await writer.write([proposal(A, 1), proposal(B, 0), proposal(A, 0)])).toEqual([
    { error: null, leaderEpoch: 3, partitionEpoch: 5, isr: [1, 2] },
    { error: 'INELIGIBLE_REPLICA' },
    null,
  ])
  const [[request, version]] = asked as [[AlterPartitionRequest, number]]
  expect([version, request.brokerId, request.brokerEpoch]).toEqual([3, 1, 77])
  expect(request.topics.map(({ topicId, partitions }) => [topicId, partitions.length])).toEqual([
    [A, 2],
    [B, 1],
  ])
  expect(request.topics[0]!.partitions[0]).toMatchObject({
    newIsr: [],
    newIsrWithEpochs: [
      { brokerId: 1, brokerEpoch: 77 },
      { brokerId: 2, brokerEpoch: 20 },
    ],
  })
})

test('controllers before 3.5 are told the members without epochs', async () => {
  const { asked, writer } = setUp({ topics: [] }, 8)
  await writer.write([proposal(A, 0)])
  expect(asked[0]).toMatchObject([{ topics: [{ partitions: [{ newIsr: [1, 2], newIsrWithEpochs: [] }] }] }, 2])
})

test('a broker that is not registered, or no more, has changed nothing', async () => {
  await expect(setUp({}, 30, -1).writer.write([proposal(A, 0)])).rejects.toMatchObject({
    code: 'BROKER_ID_NOT_REGISTERED',
  })
  const { writer } = setUp({ errorCode: ERROR_CODES.STALE_BROKER_EPOCH })
  await expect(writer.write([proposal(A, 0)])).rejects.toMatchObject({ code: 'STALE_BROKER_EPOCH' })
})
