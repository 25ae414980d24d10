/** SyncGroup, Heartbeat, LeaveGroup and sessions. */
import { expect, test } from 'vitest'
import { ERROR_CODES as E } from '../../base/error-codes.ts'
import { GroupBench, soon, watch } from '../../testing/group-bench.ts'

async function joinedPair(bench: GroupBench): Promise<{ leader: string; follower: string }> {
  const joins = [watch(bench.join({}, 3)), watch(bench.join({}, 3))]
  await bench.clock.advance(9000)
  const leader = joins[0]?.value?.leader ?? ''
  const follower = joins.map(({ value }) => value?.memberId ?? '').find((id) => id !== leader) ?? ''
  return { leader, follower }
}

test('a follower waits for the assignment that the leader brings, a member left out gets an empty one', async () => {
  const bench = await GroupBench.start()
  const { leader, follower } = await joinedPair(bench)
  const held = watch(bench.sync({ memberId: follower, generationId: 1 }))
  await bench.clock.advance(5000)
  expect(held.value).toBeNull()
  const assignments = [{ memberId: leader, assignment: Buffer.from('all') }]
  const own = await soon(bench, bench.sync({ memberId: leader, generationId: 1, assignments }))
  expect(own).toMatchObject({ errorCode: 0, protocolName: 'range', assignment: Buffer.from('all') })
  expect(held.value).toMatchObject({ errorCode: 0, assignment: Buffer.alloc(0) })
  expect((await bench.describe()).groupState).toBe('Stable')
})

test('nothing is Stable before the assignment is committed', async () => {
  const bench = await GroupBench.start()
  const { leader } = await joinedPair(bench)
  bench.log.holdsCommits = true
  const sync = watch(bench.sync({ memberId: leader, generationId: 1 }))
  await bench.clock.advance(10)
  expect(sync.value).toBeNull()
  expect((await bench.describe()).groupState).toBe('CompletingRebalance')
  bench.log.commit(0)
  await bench.clock.advance(0)
  expect(sync.value?.errorCode).toBe(0)
  expect((await bench.describe()).groupState).toBe('Stable')
})

test.each([
  ['NOT_ENOUGH_REPLICAS', E.COORDINATOR_NOT_AVAILABLE],
  ['NOT_LEADER_OR_FOLLOWER', E.NOT_COORDINATOR],
  ['MESSAGE_TOO_LARGE', E.UNKNOWN_SERVER_ERROR],
] as const)('an assignment that meets %s is answered to all and a rebalance begins', async (refusal, errorCode) => {
  const bench = await GroupBench.start()
  const { leader, follower } = await joinedPair(bench)
  const held = watch(bench.sync({ memberId: follower, generationId: 1 }))
  bench.log.refuses = refusal
  expect((await soon(bench, bench.sync({ memberId: leader, generationId: 1 })))?.errorCode).toBe(errorCode)
  expect(held.value?.errorCode).toBe(errorCode)
  expect((await bench.describe()).groupState).toBe('PreparingRebalance')
})

test.each([
  ['an unknown member', { memberId: 'nobody', generationId: 1 }, E.UNKNOWN_MEMBER_ID],
  ['another generation', { generationId: 0 }, E.ILLEGAL_GENERATION],
  ['an unknown instance', { generationId: 1, groupInstanceId: 'nobody' }, E.UNKNOWN_MEMBER_ID],
  ['another protocol', { generationId: 1, protocolName: 'sticky' }, E.INCONSISTENT_GROUP_PROTOCOL],
  ['no protocol', { generationId: 1, protocolName: null }, E.INCONSISTENT_GROUP_PROTOCOL],
  ['no group', { groupId: 'nowhere', generationId: 1 }, E.UNKNOWN_MEMBER_ID],
  ['an empty group id', { groupId: '', generationId: 1 }, E.INVALID_GROUP_ID],
])('a sync with %s is refused', async (_, fields, errorCode) => {
  const bench = await GroupBench.start()
  const { leader } = await joinedPair(bench)
  expect((await soon(bench, bench.sync({ memberId: leader, ...fields })))?.errorCode).toBe(errorCode)
})

test('a join while a sync is held sends the members back to joining', async () => {
  const bench = await GroupBench.start()
  const { follower } = await joinedPair(bench)
  const held = watch(bench.sync({ memberId: follower, generationId: 1 }))
  void bench.join({}, 3)
  await bench.clock.advance(0)
  expect(held.value).toMatchObject({ errorCode: E.REBALANCE_IN_PROGRESS, protocolName: null })
  expect((await soon(bench, bench.sync({ memberId: follower, generationId: 1 })))?.errorCode).toBe(
    E.REBALANCE_IN_PROGRESS,
  )
})

test('a member that never syncs is removed when the rebalance timeout is over', async () => {
  const bench = await GroupBench.start()
  const { leader, follower } = await joinedPair(bench)
  await soon(bench, bench.sync({ memberId: leader, generationId: 1 }))
  for (let at = 0; at < 13; at++) {
    await bench.clock.advance(5000)
    for (const memberId of [leader, follower]) void bench.heartbeat({ memberId, generationId: 1 })
  }
  expect(await soon(bench, bench.heartbeat({ memberId: follower, generationId: 1 }))).toBe(E.UNKNOWN_MEMBER_ID)
  expect((await bench.describe()).groupState).toBe('PreparingRebalance')
})

test.each([
  ['of its generation', {}, 0],
  ['of another generation', { generationId: 2 }, E.ILLEGAL_GENERATION],
  ['of an unknown member', { memberId: 'x' }, E.UNKNOWN_MEMBER_ID],
  ['in an unknown group', { groupId: 'x' }, E.UNKNOWN_MEMBER_ID],
  ['in a group without a name', { groupId: '' }, E.INVALID_GROUP_ID],
])('a heartbeat %s is answered', async (_, fields, errorCode) => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null)
  expect(await soon(bench, bench.heartbeat({ memberId: ids[0] ?? '', generationId: 1, ...fields }))).toBe(errorCode)
})

test('a session lives on heartbeats and commits and ends without them', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null)
  const memberId = ids[0] ?? ''
  for (let at = 0; at < 4; at++) {
    await bench.clock.advance(9000)
    if (at % 2 === 0) void bench.heartbeat({ memberId, generationId: 1 })
    else void bench.commit(at, { memberId, generationIdOrMemberEpoch: 1 })
    await bench.clock.advance(0)
  }
  expect((await bench.describe()).groupState).toBe('Stable')
  await bench.clock.advance(10_001)
  expect(await bench.describe()).toMatchObject({ groupState: 'Empty', members: [] })
  expect((await bench.describe()).protocolType).toBe('consumer')
})

test('a leader that leaves hands over, the last one leaves an empty group with a new generation', async () => {
  const bench = await GroupBench.start()
  const { ids, leader } = await bench.stableGroup(null, null)
  const other = ids.find((id) => id !== leader) ?? ''
  expect(await soon(bench, bench.leave({ members: [{ memberId: leader }] }))).toMatchObject({
    errorCode: 0,
    members: [{ memberId: leader, errorCode: 0 }],
  })
  const again = watch(bench.join({ memberId: other }))
  await bench.clock.advance(0)
  expect(again.value).toMatchObject({ generationId: 2, leader: other })
  await soon(bench, bench.leave({ memberId: other }, 2))
  expect((await bench.describe()).groupState).toBe('Empty')
  const next = watch(bench.join({}, 3))
  await bench.clock.advance(3000)
  expect(next.value?.generationId).toBe(4)
})

test('several members leave at once, each with its own error, by id or by instance', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup('a', 'b', 'c')
  const members = [
    { memberId: ids[0] ?? '', groupInstanceId: 'a' },
    { memberId: '', groupInstanceId: 'b' },
    { memberId: 'wrong', groupInstanceId: 'c' },
    { memberId: '', groupInstanceId: 'nobody' },
    { memberId: 'nobody' },
  ]
  const answer = await soon(bench, bench.leave({ members }))
  expect(answer?.members?.map(({ errorCode }) => errorCode)).toEqual([
    0,
    0,
    E.FENCED_INSTANCE_ID,
    E.UNKNOWN_MEMBER_ID,
    E.UNKNOWN_MEMBER_ID,
  ])
  expect((await bench.describe()).members).toHaveLength(1)
})

test.each([
  [2, { memberId: 'm' }, { errorCode: E.UNKNOWN_MEMBER_ID }],
  [3, { members: [{ memberId: 'm' }] }, { errorCode: 0, members: [{ memberId: 'm', errorCode: E.UNKNOWN_MEMBER_ID }] }],
])('leaving a group that is not there in v%i is an error of the member', async (apiVersion, fields, answer) => {
  const bench = await GroupBench.start()
  expect(await soon(bench, bench.leave(fields, apiVersion))).toMatchObject(answer)
})

test('a member whose join is held does not expire, unless it is new', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null, null)
  const waiting = watch(bench.join({ memberId: ids[0] ?? '', rebalanceTimeoutMs: 400_000 }))
  const fresh = watch(bench.join({ rebalanceTimeoutMs: 400_000 }, 3))
  for (let at = 0; at < 38; at++) {
    await bench.clock.advance(8000)
    void bench.heartbeat({ memberId: ids[1] ?? '', generationId: 1 })
  }
  expect(waiting.value).toBeNull()
  expect(fresh.value?.errorCode).toBe(E.UNKNOWN_MEMBER_ID)
})
