/** TxnOffsetCommit, and the markers that make its offsets committed or drop them. */
import { expect, test } from 'vitest'
import { ERROR_CODES as E } from '../../base/error-codes.ts'
import { TxnOffsetCommitRequest } from '../../protocol/generated/txn-offset-commit.ts'
import * as batch from '../../records/batch.ts'
import { context, GROUP, GroupBench, soon } from '../../testing/group-bench.ts'

test('offsets of a transaction are unstable until it is decided, and then committed or gone', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commit(5))
  expect(await soon(bench, bench.commitInTransaction(10))).toBe(0)
  expect([await bench.fetch(), await soon(bench, bench.fetch(0, true))]).toEqual([5, null])
  expect(await soon(bench, bench.endTransaction(false))).toBe('NONE')
  expect(await soon(bench, bench.fetch(0, true))).toBe(5)
  await soon(bench, bench.commitInTransaction(20))
  expect(await soon(bench, bench.endTransaction(true))).toBe('NONE')
  expect(await soon(bench, bench.fetch(0, true))).toBe(20)
})

test('a plain commit behind that of a transaction stands, also when the transaction is committed later', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commitInTransaction(10))
  await soon(bench, bench.commit(11))
  await soon(bench, bench.endTransaction(true))
  expect(await bench.fetch()).toBe(11)
})

test('each transaction is a batch of its producer, the marker a batch behind it, and a new leader reads the same', async () => {
  const bench = await GroupBench.start()
  const other = bench.commitInTransaction(3, { producerId: 8, producerEpoch: 2 }, 5, { partitionIndex: 1 })
  const answers = [bench.commit(1), bench.commitInTransaction(10), other, bench.commit(2, {}, 9, { partitionIndex: 2 })]
  expect(await soon(bench, Promise.all(answers))).toEqual([0, 0, 0, 0])
  expect(await soon(bench, bench.endTransaction(true))).toBe('NONE')
  const batches = bench.log.batches(0)
  expect(
    batches.map((bytes) => [
      Number(batch.producerId(bytes, 0)),
      batch.producerEpoch(bytes, 0),
      batch.baseSequence(bytes, 0),
      batch.isTransactional(bytes, 0),
      batch.isControl(bytes, 0),
    ]),
  ).toEqual(
    expect.arrayContaining([
      [-1, -1, 0, false, false],
      [7, 0, 0, true, false],
      [8, 2, 0, true, false],
      [7, 0, -1, true, true],
    ]),
  )
  const next = await GroupBench.start({}, { log: bench.log })
  expect([await next.fetch(0), await next.fetch(1), await next.fetch(2)]).toEqual([10, -1, 2])
  expect(await soon(next, next.fetch(1, true))).toBe(null)
  await soon(next, next.endTransaction(true, { producerId: 8, producerEpoch: 2 }))
  expect(await soon(next, next.fetch(1, true))).toBe(3)
})

test('a marker that cannot be written leaves the offsets as they were', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commitInTransaction(10))
  bench.log.refuses = 'NOT_ENOUGH_REPLICAS'
  expect(await soon(bench, bench.endTransaction(true))).toBe('NOT_ENOUGH_REPLICAS')
  bench.log.refuses = null
  expect([await bench.fetch(), await soon(bench, bench.fetch(0, true))]).toEqual([-1, null])
  bench.log.holdsCommits = true
  const lost = bench.endTransaction(true)
  await bench.clock.advance(0)
  bench.log.lose(0, 'NOT_LEADER_OR_FOLLOWER')
  expect(await soon(bench, lost)).toBe('NOT_LEADER_OR_FOLLOWER')
  bench.log.holdsCommits = false
  expect([await bench.fetch(), await soon(bench, bench.fetch(0, true))]).toEqual([-1, null])
  await soon(bench, bench.endTransaction(true))
  expect(await bench.fetch()).toBe(10)
})

test('the coordinator of the transaction is asked first, and what it refuses is not written', async () => {
  const bench = await GroupBench.start()
  expect(await soon(bench, bench.commitInTransaction(1, { producerEpoch: 4 }, 3))).toBe(0)
  expect(bench.log.questions).toEqual([{ transactionalId: 'x', producerId: 7, producerEpoch: 4, apiVersion: 3 }])
  const before = bench.log.appendCount
  const refusal = async (code: keyof typeof E, apiVersion: number): Promise<number | null> => {
    bench.log.refusesTransactions = code
    return soon(bench, bench.commitInTransaction(2, {}, apiVersion))
  }
  expect(await refusal('INVALID_TXN_STATE', 3)).toBe(E.INVALID_TXN_STATE)
  expect(await refusal('CONCURRENT_TRANSACTIONS', 5)).toBe(E.CONCURRENT_TRANSACTIONS)
  expect(await refusal('NETWORK_EXCEPTION', 2)).toBe(E.COORDINATOR_LOAD_IN_PROGRESS)
  expect(await refusal('NETWORK_EXCEPTION', 1)).toBe(E.COORDINATOR_NOT_AVAILABLE)
  expect(await refusal('NOT_LEADER_OR_FOLLOWER', 5)).toBe(E.NOT_COORDINATOR)
  expect(bench.log.appendCount).toBe(before)
})

test('member and generation are compared if they are given; the state of the group is not asked', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup('inst')
  const memberId = ids[0] ?? ''
  const commit = (fields: object): Promise<number | null> => soon(bench, bench.commitInTransaction(1, fields, 3))
  expect(await commit({})).toBe(0)
  expect(await commit({ memberId, generationId: 1 })).toBe(0)
  expect(await commit({ memberId, generationId: 2 })).toBe(E.ILLEGAL_GENERATION)
  expect(await commit({ memberId: 'x', generationId: 1 })).toBe(E.UNKNOWN_MEMBER_ID)
  expect(await commit({ memberId: 'x', groupInstanceId: 'inst', generationId: 1 })).toBe(E.FENCED_INSTANCE_ID)
  expect(await commit({ groupId: 'other', generationId: 1 })).toBe(E.ILLEGAL_GENERATION)
  expect(await commit({ groupId: 'other' })).toBe(0)
  expect(await commit({ groupId: '' })).toBe(E.INVALID_GROUP_ID)
})

test('unknown topics and partitions and long metadata are refused by partition', async () => {
  const bench = await GroupBench.start()
  const request = TxnOffsetCommitRequest.make({
    transactionalId: 'x',
    groupId: GROUP,
    producerId: 7,
    topics: [
      { name: 't1', partitions: [{ partitionIndex: 0, committedOffset: 1 }, { partitionIndex: 99 }] },
      { name: 'nowhere', partitions: [{ partitionIndex: 0 }] },
      { name: 't2', partitions: [{ partitionIndex: 1, committedMetadata: 'a'.repeat(4097) }] },
    ],
  })
  const { topics } = (await soon(bench, bench.coordinator.txnOffsetCommit(context(5), request))) ?? {}
  expect(topics).toEqual([
    {
      name: 't1',
      partitions: [
        { partitionIndex: 99, errorCode: E.UNKNOWN_TOPIC_OR_PARTITION },
        { partitionIndex: 0, errorCode: 0 },
      ],
    },
    { name: 'nowhere', partitions: [{ partitionIndex: 0, errorCode: E.UNKNOWN_TOPIC_OR_PARTITION }] },
    { name: 't2', partitions: [{ partitionIndex: 1, errorCode: E.OFFSET_METADATA_TOO_LARGE }] },
  ])
})

test('a marker for a coordinator that is loading or gone waits for nobody', async () => {
  const bench = new GroupBench()
  expect(await soon(bench, bench.endTransaction(true))).toBe('NOT_COORDINATOR')
  bench.coordinator.close()
  expect(await soon(bench, bench.endTransaction(true))).toBe('COORDINATOR_NOT_AVAILABLE')
})
