/** OffsetCommit, OffsetFetch, OffsetDelete, ListGroups, DeleteGroups and expiry. */
import { expect, test } from 'vitest'
import { ERROR_CODES as E } from '../../base/error-codes.ts'
import { OffsetCommitRequest } from '../../protocol/generated/offset-commit.ts'
import { OffsetDeleteRequest } from '../../protocol/generated/offset-delete.ts'
import { OffsetFetchRequest } from '../../protocol/generated/offset-fetch.ts'
import { context, GROUP, GroupBench, soon, topicId } from '../../testing/group-bench.ts'

const DAY_MS = 86_400_000

test('a commit without members makes a simple group', async () => {
  const bench = await GroupBench.start()
  expect(await soon(bench, bench.commit(42))).toBe(0)
  expect(await bench.fetch()).toBe(42)
  expect(await bench.fetch(1)).toBe(-1)
  expect(await bench.list()).toEqual(['g  Empty classic'])
})

test('a committed offset keeps all 64 bits, its leader epoch and its metadata', async () => {
  const bench = await GroupBench.start()
  const partition = { committedOffset: 9223372036854775807n, committedLeaderEpoch: 7, committedMetadata: 'é' }
  await soon(bench, bench.commit(0, {}, 9, partition))
  const groups = [{ groupId: GROUP, topics: null }]
  const answer = await bench.coordinator.offsetFetch(context(9), OffsetFetchRequest.make({ groups }))
  expect(answer.groups?.[0]?.topics).toMatchObject([
    { name: 't1', partitions: [{ committedOffset: 9223372036854775807n, committedLeaderEpoch: 7, metadata: 'é' }] },
  ])
})

test.each([
  ['a generation in a group that is not there', 8, { generationIdOrMemberEpoch: 1 }, E.ILLEGAL_GENERATION],
  ['a generation in a group that is not there', 9, { generationIdOrMemberEpoch: 1 }, E.GROUP_ID_NOT_FOUND],
])('a commit with %s is refused in v%i', async (_, apiVersion, fields, errorCode) => {
  const bench = await GroupBench.start()
  expect(await soon(bench, bench.commit(1, fields, apiVersion))).toBe(errorCode)
  expect(await bench.list()).toEqual([])
})

test('a commit to a group with members needs a member of its generation', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup('inst')
  const memberId = ids[0] ?? ''
  const commit = (fields: object): Promise<number | null> => soon(bench, bench.commit(1, fields))
  expect(await commit({})).toBe(E.UNKNOWN_MEMBER_ID)
  expect(await commit({ memberId, generationIdOrMemberEpoch: 2 })).toBe(E.ILLEGAL_GENERATION)
  expect(await commit({ memberId: 'x', generationIdOrMemberEpoch: 1 })).toBe(E.UNKNOWN_MEMBER_ID)
  expect(await commit({ memberId: 'x', groupInstanceId: 'inst', generationIdOrMemberEpoch: 1 })).toBe(
    E.FENCED_INSTANCE_ID,
  )
  expect(await commit({ memberId, generationIdOrMemberEpoch: 1 })).toBe(0)
})

test('a member that knows its generation but not its assignment may not commit yet', async () => {
  const bench = await GroupBench.start()
  const join = bench.join({}, 3)
  await bench.clock.advance(3000)
  const { memberId = '' } = await join
  expect(await soon(bench, bench.commit(1, { memberId, generationIdOrMemberEpoch: 1 }))).toBe(E.REBALANCE_IN_PROGRESS)
})

test('metadata above the limit is refused, at the limit it is kept', async () => {
  const bench = await GroupBench.start()
  expect(await soon(bench, bench.commit(1, {}, 9, { committedMetadata: 'ä'.repeat(4096) }))).toBe(0)
  const long = { committedMetadata: 'a'.repeat(4097) }
  expect(await soon(bench, bench.commit(2, {}, 9, long))).toBe(E.OFFSET_METADATA_TOO_LARGE)
  expect(await bench.fetch()).toBe(1)
})

test('topics that are not there are refused by name and by id, the others are committed', async () => {
  const bench = await GroupBench.start()
  const partitions = [{ partitionIndex: 0, committedOffset: 5 }]
  const byName = OffsetCommitRequest.make({
    groupId: GROUP,
    topics: [
      { name: 'none', partitions },
      { name: 't1', partitions },
    ],
  })
  expect((await soon(bench, bench.coordinator.offsetCommit(context(9), byName)))?.topics).toMatchObject([
    { name: 'none', partitions: [{ errorCode: E.UNKNOWN_TOPIC_OR_PARTITION }] },
    { name: 't1', partitions: [{ errorCode: 0 }] },
  ])
  const byId = OffsetCommitRequest.make({
    groupId: GROUP,
    topics: [
      { topicId: topicId('none'), partitions },
      { topicId: topicId('t2'), partitions },
    ],
  })
  expect((await soon(bench, bench.coordinator.offsetCommit(context(10), byId)))?.topics).toMatchObject([
    { topicId: topicId('none'), partitions: [{ errorCode: E.UNKNOWN_TOPIC_ID }] },
    { topicId: topicId('t2'), partitions: [{ errorCode: 0 }] },
  ])
  const groups = [
    {
      groupId: GROUP,
      topics: [
        { topicId: topicId('t2'), partitionIndexes: [0] },
        { topicId: topicId('none'), partitionIndexes: [3] },
      ],
    },
  ]
  expect(
    (await bench.coordinator.offsetFetch(context(10), OffsetFetchRequest.make({ groups }))).groups?.[0]?.topics,
  ).toMatchObject([
    { topicId: topicId('t2'), partitions: [{ partitionIndex: 0, committedOffset: 5, errorCode: 0 }] },
    { topicId: topicId('none'), partitions: [{ partitionIndex: 3, errorCode: E.UNKNOWN_TOPIC_ID }] },
  ])
})

test('partitions that are not there are refused beside those that are', async () => {
  const bench = await GroupBench.start()
  const partitions = [0, 99].map((partitionIndex) => ({ partitionIndex, committedOffset: 5 }))
  const commit = OffsetCommitRequest.make({ groupId: GROUP, topics: [{ name: 't1', partitions }] })
  const answered = [
    { partitionIndex: 99, errorCode: E.UNKNOWN_TOPIC_OR_PARTITION },
    { partitionIndex: 0, errorCode: 0 },
  ]
  expect((await soon(bench, bench.coordinator.offsetCommit(context(9), commit)))?.topics).toMatchObject([
    { name: 't1', partitions: answered },
  ])
  const remove = OffsetDeleteRequest.make({ groupId: GROUP, topics: [{ name: 't1', partitions }] })
  expect((await soon(bench, bench.coordinator.offsetDelete(context(0), remove)))?.topics).toMatchObject([
    { name: 't1', partitions: answered },
  ])
})

test('nothing is visible before its commit, except that a stable fetch waits for it', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commit(1))
  bench.log.holdsCommits = true
  const commit = bench.commit(2)
  expect(await soon(bench, commit)).toBeNull()
  expect(await bench.fetch()).toBe(1)
  const stable = bench.fetch(0, true)
  expect(await soon(bench, stable)).toBeNull()
  bench.log.commit(0)
  expect(await soon(bench, stable)).toBe(2)
  expect(await soon(bench, commit)).toBe(0)
  expect(await bench.fetch()).toBe(2)
})

test('all that is decided in one turn is one batch', async () => {
  const bench = await GroupBench.start()
  const commits = [1, 2, 3].map((offset) => bench.commit(offset, { groupId: `g${offset}` }))
  await bench.clock.advance(0)
  expect(await Promise.all(commits)).toEqual([0, 0, 0])
  expect(bench.log.appendCount).toBe(1)
})

test('several groups are fetched in one request, an error of one is its own', async () => {
  const bench = await GroupBench.start({ offsetsTopicPartitions: 2 })
  const [here, there] = ['a', 'b'].toSorted(
    (x, y) => bench.coordinator.partitionOf(x) - bench.coordinator.partitionOf(y),
  )
  await soon(bench, bench.commit(3, { groupId: here ?? '' }))
  bench.coordinator.onResigned(1)
  const groups = [here, there].map((groupId) => ({ groupId: groupId ?? '', topics: null }))
  const answer = await bench.coordinator.offsetFetch(context(9), OffsetFetchRequest.make({ groups }))
  expect(answer.groups).toMatchObject([
    { groupId: here, topics: [{ name: 't1' }] },
    { groupId: there, errorCode: E.NOT_COORDINATOR },
  ])
})

test.each([
  [1, { topics: [{ name: 't1', partitions: [{ errorCode: E.NOT_COORDINATOR, committedOffset: -1 }] }] }],
  [2, { errorCode: E.NOT_COORDINATOR }],
])('an error of the group in OffsetFetch v%i', async (apiVersion, expected) => {
  const bench = new GroupBench()
  const topics = [{ name: 't1', partitionIndexes: [0] }]
  const request = OffsetFetchRequest.make({ groupId: GROUP, topics })
  expect(await bench.coordinator.offsetFetch(context(apiVersion), request)).toMatchObject(expected)
})

test('an offset is deleted unless the group subscribes to its topic', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null)
  const commit = { memberId: ids[0] ?? '', generationIdOrMemberEpoch: 1 }
  await soon(bench, bench.commit(1, commit))
  const error = async (topic: string): Promise<number | undefined> =>
    (await soon(bench, bench.deleteOffset(0, topic)))?.topics?.[0]?.partitions?.[0]?.errorCode
  expect(await error('t1')).toBe(E.GROUP_SUBSCRIBED_TO_TOPIC)
  expect(await error('t2')).toBe(0)
  expect(await error('none')).toBe(E.UNKNOWN_TOPIC_OR_PARTITION)
  await soon(bench, bench.leave({ members: [{ memberId: ids[0] ?? '' }] }))
  expect(await error('t1')).toBe(0)
  expect(await bench.fetch()).toBe(-1)
})

test('a group is deleted when it is empty, with its offsets', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null)
  await soon(bench, bench.commit(1, { memberId: ids[0] ?? '', generationIdOrMemberEpoch: 1 }))
  expect(await soon(bench, bench.delete(GROUP, 'none'))).toEqual([E.NON_EMPTY_GROUP, E.GROUP_ID_NOT_FOUND])
  await soon(bench, bench.leave({ members: [{ memberId: ids[0] ?? '' }] }))
  expect(await soon(bench, bench.delete(GROUP, GROUP))).toEqual([0])
  expect(await bench.list()).toEqual([])
  expect(await bench.fetch()).toBe(-1)
  expect(await bench.describe(GROUP, 5)).toEqual({ groupId: GROUP, groupState: 'Dead' })
  expect(await bench.describe()).toMatchObject({ groupState: 'Dead', errorCode: E.GROUP_ID_NOT_FOUND })
})

test('groups are listed by state and type without regard to case', async () => {
  const bench = await GroupBench.start()
  await bench.stableGroup(null)
  await soon(bench, bench.commit(1, { groupId: 'simple' }))
  expect(await bench.list()).toEqual(['g consumer Stable classic', 'simple  Empty classic'])
  expect(await bench.list({ statesFilter: ['STABLE'] })).toEqual(['g consumer Stable classic'])
  expect(await bench.list({ typesFilter: ['consumer'] })).toEqual([])
  expect(await bench.list({ typesFilter: ['CLASSIC'], statesFilter: ['empty'] })).toEqual(['simple  Empty classic'])
})

test('an offset of a simple group expires a retention after its commit, and the group with it', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commit(1))
  await bench.clock.advance(7 * DAY_MS - 1)
  expect(await bench.fetch()).toBe(1)
  await bench.clock.advance(600_000)
  expect(await bench.fetch()).toBe(-1)
  expect(await bench.list()).toEqual([])
})

test('offsets of a group that had members expire a retention after it became empty', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null)
  const memberId = ids[0] ?? ''
  await soon(bench, bench.commit(1, { memberId, generationIdOrMemberEpoch: 1 }))
  for (let at = 0; at < 200; at++) {
    await bench.clock.advance(6000)
    void bench.heartbeat({ memberId, generationId: 1 })
  }
  await soon(bench, bench.leave({ members: [{ memberId }] }))
  await bench.clock.advance(7 * DAY_MS - 60_000)
  expect(await bench.fetch()).toBe(1)
  await bench.clock.advance(700_000)
  expect(await bench.fetch()).toBe(-1)
})

test('a retention time of its own lets an offset expire earlier, and survives a reload', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commit(1, { retentionTimeMs: 1_000_000 }, 4))
  const second = await GroupBench.start({}, { log: bench.log })
  await second.clock.advance(600_000)
  expect(await second.fetch()).toBe(1)
  await second.clock.advance(600_000)
  expect(await second.fetch()).toBe(-1)
})

test('offsets of a deleted topic go, also if it is there again under another id', async () => {
  const bench = await GroupBench.start()
  await soon(bench, bench.commit(1))
  bench.setTopics('t2')
  await bench.clock.advance(0)
  bench.setTopics('t1', 't2')
  expect(await bench.fetch()).toBe(-1)
})

test('offsets of a topic that is deleted while the partition is loaded go too', async () => {
  const first = await GroupBench.start()
  await soon(first, first.commit(1))
  const bench = new GroupBench({}, { log: first.log })
  const loaded = bench.coordinator.onElected(0, 2)
  bench.setTopics('t2')
  await loaded
  await bench.clock.advance(0)
  expect(await bench.fetch()).toBe(-1)
})

test('more tombstones than fit into a batch are spread over several', async () => {
  const bench = await GroupBench.start({ offsetsRetentionMs: 1000 })
  for (let at = 0; at < 50; at++) void bench.commit(at, { groupId: `group-${at}` })
  await bench.clock.advance(0)
  bench.log.batchBytesMax = 1000
  await bench.clock.advance(600_000)
  expect(await bench.list()).toEqual([])
  expect(bench.log.appendCount).toBeGreaterThanOrEqual(5)
})
