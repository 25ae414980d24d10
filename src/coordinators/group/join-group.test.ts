import { expect, test } from 'vitest'
import { ERROR_CODES as E } from '../../base/error-codes.ts'
import { GroupBench, RANGE, soon, subscription, watch } from '../../testing/group-bench.ts'

test.each([
  ['an empty group id', { groupId: '' }, E.INVALID_GROUP_ID],
  ['a session timeout below the least', { sessionTimeoutMs: 5999 }, E.INVALID_SESSION_TIMEOUT],
  ['a session timeout above the most', { sessionTimeoutMs: 1_800_001 }, E.INVALID_SESSION_TIMEOUT],
  ['no protocols', { protocols: [] }, E.INCONSISTENT_GROUP_PROTOCOL],
  ['no protocol type', { protocolType: '' }, E.INCONSISTENT_GROUP_PROTOCOL],
  ['a member id in a group that is not there', { memberId: 'm' }, E.UNKNOWN_MEMBER_ID],
])('a join with %s is refused at once', async (_, fields, errorCode) => {
  const bench = await GroupBench.start()
  const answer = await Promise.race([bench.join(fields), bench.clock.advance(0).then(() => null)])
  expect(answer?.errorCode).toBe(errorCode)
})

test('a new dynamic member gets its id first and joins with it', async () => {
  const bench = await GroupBench.start()
  const first = watch(bench.join())
  await bench.clock.advance(0)
  expect(first.value?.errorCode).toBe(E.MEMBER_ID_REQUIRED)
  expect(first.value?.memberId).toMatch(/^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const second = watch(bench.join({ memberId: first.value?.memberId ?? '' }))
  await bench.clock.advance(2999)
  expect(second.value).toBeNull()
  await bench.clock.advance(1)
  expect(second.value).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', protocolType: 'consumer' })
  expect(second.value?.leader).toBe(second.value?.memberId)
  expect(second.value?.members).toHaveLength(1)
})

test('before v4 a new member joins at once', async () => {
  const bench = await GroupBench.start()
  const join = watch(bench.join({}, 3))
  await bench.clock.advance(3000)
  expect(join.value).toMatchObject({ errorCode: 0, generationId: 1 })
})

test('in v0 the session timeout is the rebalance timeout too', async () => {
  const bench = await GroupBench.start()
  const a = watch(bench.join({ sessionTimeoutMs: 6000, rebalanceTimeoutMs: -1 }, 0))
  await bench.clock.advance(3000)
  const memberId = a.value?.memberId ?? ''
  await watchAll(bench, [bench.sync({ memberId, generationId: 1 }, 0)])
  watch(bench.join({ sessionTimeoutMs: 6000, rebalanceTimeoutMs: -1 }, 0))
  await bench.clock.advance(5999)
  expect((await bench.describe()).groupState).toBe('PreparingRebalance')
  await bench.clock.advance(2)
  expect((await bench.describe()).members).toHaveLength(1)
})

test('the initial rebalance is extended by each join, up to the rebalance timeout', async () => {
  const bench = await GroupBench.start()
  const joins = [watch(bench.join({ rebalanceTimeoutMs: 7000 }, 3))]
  for (let at = 0; at < 4; at++) {
    await bench.clock.advance(2000)
    joins.push(watch(bench.join({ rebalanceTimeoutMs: 7000 }, 3)))
  }
  expect(joins.filter(({ value }) => value !== null)).toHaveLength(4)
  expect(joins[0]?.value).toMatchObject({ generationId: 1 })
  expect(bench.clock.monotonicMs()).toBe(8000)
})

test('only the leader is told of the members, and the protocol that most prefer among the common ones is chosen', async () => {
  const bench = await GroupBench.start()
  const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: Buffer.from(name) }))
  const joins = [
    bench.join({ protocols: protocols('only-a', 'x', 'y') }, 3),
    bench.join({ protocols: protocols('y', 'x') }, 3),
    bench.join({ protocols: protocols('y', 'only-c', 'x') }, 3),
  ].map(watch)
  await bench.clock.advance(9000)
  expect(joins.map(({ value }) => [value?.protocolName, value?.members?.length])).toEqual([
    ['y', 3],
    ['y', 0],
    ['y', 0],
  ])
  expect(joins[0]?.value?.members?.[1]?.metadata?.toString()).toBe('y')
})

test('a member whose protocols nobody shares, or of another type, is refused', async () => {
  const bench = await GroupBench.start()
  await bench.stableGroup(null)
  const answers = await watchAll(bench, [
    bench.join({ protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] }),
    bench.join({ protocolType: 'connect' }),
  ])
  expect(answers.map((answer) => answer?.errorCode)).toEqual([
    E.INCONSISTENT_GROUP_PROTOCOL,
    E.INCONSISTENT_GROUP_PROTOCOL,
  ])
})

test('a rebalance ends when its time is over, without the dynamic members that did not join', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup(null, null)
  const again = watch(bench.join({ memberId: ids[0] ?? '' }))
  await bench.clock.advance(0)
  expect((await bench.describe()).groupState).toBe('PreparingRebalance')
  expect(await soon(bench, bench.heartbeat({ memberId: ids[1] ?? '', generationId: 1 }))).toBe(E.REBALANCE_IN_PROGRESS)
  for (let at = 0; at < 7; at++) {
    await bench.clock.advance(9000)
    void bench.heartbeat({ memberId: ids[1] ?? '', generationId: 1 })
  }
  expect(again.value).toMatchObject({ errorCode: 0, generationId: 2 })
  expect(again.value?.members).toHaveLength(1)
})

test('a follower that joins again unchanged is answered at once, the leader starts a rebalance', async () => {
  const bench = await GroupBench.start()
  const { ids, leader } = await bench.stableGroup(null, null)
  const follower = ids.find((id) => id !== leader) ?? ''
  const same = await soon(bench, bench.join({ memberId: follower }))
  expect(same).toMatchObject({ errorCode: 0, generationId: 1, members: [], leader })
  expect((await bench.describe()).groupState).toBe('Stable')
  watch(bench.join({ memberId: leader }))
  await bench.clock.advance(0)
  expect((await bench.describe()).groupState).toBe('PreparingRebalance')
})

test('changed metadata starts a rebalance', async () => {
  const bench = await GroupBench.start()
  const { ids, leader } = await bench.stableGroup(null, null)
  const follower = ids.find((id) => id !== leader) ?? ''
  watch(bench.join({ memberId: follower, protocols: [{ name: 'range', metadata: subscription('t2') }] }))
  await bench.clock.advance(0)
  expect((await bench.describe()).groupState).toBe('PreparingRebalance')
})

test('the metadata of a member is copied out of the request', async () => {
  const bench = await GroupBench.start()
  const metadata = Buffer.from('original')
  const join = watch(bench.join({ protocols: [{ name: 'x', metadata }], protocolType: 'test' }, 3))
  metadata.fill(0)
  await bench.clock.advance(3000)
  expect(join.value?.members?.[0]?.metadata?.toString()).toBe('original')
})

test('a full group refuses new members and keeps those that it has', async () => {
  const bench = await GroupBench.start({ maxGroupSize: 1 })
  const { ids } = await bench.stableGroup(null)
  expect(await soon(bench, bench.join())).toMatchObject({ errorCode: E.GROUP_MAX_SIZE_REACHED, memberId: '' })
  const again = watch(bench.join({ memberId: ids[0] ?? '' }))
  await bench.clock.advance(0)
  expect(again.value?.generationId).toBe(2)
})

test('a static member that comes back keeps its place without a rebalance, its former self is fenced', async () => {
  const bench = await GroupBench.start()
  const { ids, generation } = await bench.stableGroup('inst', 'other')
  const back = await soon(bench, bench.join({ groupInstanceId: 'inst' }))
  expect(back).toMatchObject({ errorCode: 0, generationId: generation })
  expect(back?.memberId).not.toBe(ids[0])
  expect(back?.memberId).toMatch(/^inst-/)
  expect((await bench.describe()).groupState).toBe('Stable')
  const sync = await soon(
    bench,
    bench.sync({ memberId: back?.memberId ?? '', generationId: generation, groupInstanceId: 'inst' }),
  )
  expect(sync?.assignment?.toString()).toBe(`for ${ids[0]}`)
  const former = { memberId: ids[0] ?? '', generationId: generation, groupInstanceId: 'inst' }
  expect(await soon(bench, bench.heartbeat(former))).toBe(E.FENCED_INSTANCE_ID)
})

test('a static leader that comes back is told to skip the assignment, in versions that know it', async () => {
  const bench = await GroupBench.start()
  const { ids } = await bench.stableGroup('inst')
  const v9 = await soon(bench, bench.join({ groupInstanceId: 'inst' }))
  expect(v9).toMatchObject({ skipAssignment: true, leader: v9?.memberId })
  expect(v9?.members).toHaveLength(1)
  const v8 = await soon(bench, bench.join({ groupInstanceId: 'inst' }, 8))
  expect(v8).toMatchObject({ skipAssignment: false, leader: v9?.memberId, members: [] })
  expect(ids[0]).not.toBe(v9?.memberId)
})

test('a static member that cannot be persisted under its new id keeps the old one', async () => {
  const bench = await GroupBench.start()
  const { ids, generation } = await bench.stableGroup('inst')
  bench.log.refuses = 'NOT_ENOUGH_REPLICAS'
  expect((await soon(bench, bench.join({ groupInstanceId: 'inst' })))?.errorCode).toBe(E.COORDINATOR_NOT_AVAILABLE)
  bench.log.refuses = null
  const mine = { memberId: ids[0] ?? '', generationId: generation, groupInstanceId: 'inst' }
  expect(await soon(bench, bench.heartbeat(mine))).toBe(0)
})

test('a static member that comes back with other protocols starts a rebalance if the choice changes', async () => {
  const bench = await GroupBench.start()
  await bench.stableGroup('inst')
  const protocols = [{ name: 'sticky', metadata: Buffer.alloc(0) }, ...RANGE]
  const back = watch(bench.join({ groupInstanceId: 'inst', protocols }))
  await bench.clock.advance(0)
  expect(back.value).toMatchObject({ generationId: 2, protocolName: 'sticky' })
})

test('an id that was handed out but never used is forgotten after the session timeout', async () => {
  const bench = await GroupBench.start()
  const first = await soon(bench, bench.join())
  await bench.clock.advance(10_001)
  expect((await soon(bench, bench.join({ memberId: first?.memberId ?? '' })))?.errorCode).toBe(E.UNKNOWN_MEMBER_ID)
})

test('a new group whose first record is refused does not exist afterwards', async () => {
  const bench = await GroupBench.start()
  bench.log.refuses = 'NOT_LEADER_OR_FOLLOWER'
  expect((await soon(bench, bench.join({}, 3)))?.errorCode).toBe(E.NOT_COORDINATOR)
  expect(await bench.list()).toEqual([])
})

async function watchAll<T>(bench: GroupBench, promises: Promise<T>[]): Promise<(T | null)[]> {
  const watched = promises.map(watch)
  await bench.clock.advance(0)
  return watched.map(({ value }) => value)
}
