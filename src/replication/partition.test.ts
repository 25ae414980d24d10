import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogConfig } from '../config/log-config.ts'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import { Partition, type Assignment } from './partition.ts'
import type { IsrAnswer } from './isr-changes.ts'
import { testContext, type TestContext } from './test-partition.ts'

const LED: Assignment = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1, 2, 3], replicas: [1, 2, 3] }

async function ledPartition(changes: Partial<Assignment> = {}, config: Partial<LogConfig> = {}) {
  const context = testContext()
  const log = await testLog(config).open()
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, context, log, { ...LED, ...changes })
  const write = async (count = 1): Promise<void> => {
    for (let at = 0; at < count; at++) await partition.append(log, batchOf('a'), { origin: CLIENT.origin }).written
  }
  const fetch = (replicaId: number, offset: number, brokerEpoch = replicaId * 10, logStartOffset = 0): void =>
    partition.replicaFetched(log, { replicaId, brokerEpoch, offset, logStartOffset })
  const answer = (at: number, given: IsrAnswer): boolean => context.asked[at]!.settle(given)
  return { context, log, partition, write, fetch, answer }
}

const wantedIsr = ({ asked }: TestContext, at: number): number[] =>
  asked[at]!.proposal.isr.map(({ brokerId }) => brokerId)

test('who waits for a commit behind a change of leadership is told at once', async () => {
  const log = await testLog().open()
  const led = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1] }
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, testContext(), log, led)
  const { lastOffset } = partition.append(log, batchOf('a'), { origin: CLIENT.origin })
  partition.assign({ ...led, leader: -1, leaderEpoch: 1, partitionEpoch: 1 })
  await expect(partition.whenCommitted(lastOffset + 2, null)).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' })
  await log.close()
})

test('the high watermark is the least end of the replicas in sync, and who waits for it is told', async () => {
  const { log, partition, write, fetch } = await ledPartition()
  await write(3)
  const committed: number[] = []
  for (const end of [2, 1, 3]) void partition.whenCommitted(end, null).then(() => committed.push(end))
  fetch(2, 3)
  expect(log.highWatermark).toBe(0)
  fetch(3, 2)
  await Promise.resolve()
  expect([log.highWatermark, committed]).toEqual([2, [1, 2]])
  fetch(3, 3)
  await Promise.resolve()
  expect([log.highWatermark, committed]).toEqual([3, [1, 2, 3]])
})

test('with fewer in-sync replicas than min.insync.replicas the high watermark stands still', async () => {
  const { log, write, fetch, partition } = await ledPartition({ isr: [1] }, { minInsyncReplicas: 2 })
  await write(2)
  expect(log.highWatermark).toBe(0)
  partition.assign({ ...LED, isr: [1, 2], partitionEpoch: 1 })
  fetch(2, 2)
  expect(log.highWatermark).toBe(2)
})

test('a replica that is fast enough holds the high watermark before it is in sync; one that may not be in sync does not', async () => {
  const { context, log, write, fetch } = await ledPartition({ isr: [1] })
  fetch(3, 0)
  fetch(2, 0)
  expect(wantedIsr(context, 0)).toEqual([1, 3])
  await write(2)
  fetch(3, 2)
  expect(log.highWatermark).toBe(0)
  context.live.delete(2)
  fetch(3, 2)
  expect(log.highWatermark).toBe(2)
})

test('what held the high watermark back and is gone, without a word of any follower, is noticed in time', async () => {
  const { context, log, partition, write, fetch } = await ledPartition({ isr: [1] }, { minInsyncReplicas: 2 })
  await write(2)
  log.setConfig({ ...log.config, minInsyncReplicas: 1 })
  partition.shrinkIsr()
  expect(log.highWatermark).toBe(2)

  // It was fast enough until it died; its broker is fenced, which changes nothing of a partition that it wasn't in sync with.
  context.shuttingDown.add(2)
  fetch(2, 2)
  context.shuttingDown.clear()
  await write(1)
  expect(log.highWatermark).toBe(2)
  context.live.delete(2)
  const committed = partition.whenCommitted(3, 1000)
  partition.shrinkIsr()
  await committed
})

test('a follower joins the ISR when it has everything that is committed and has reached the leader epoch', async () => {
  const log = await testLog().open()
  await log.append(batchOf('a', 4), CLIENT).written
  log.setHighWatermark(2)
  const context = testContext()
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, context, log, { ...LED, isr: [1, 3] })
  const fetch = (offset: number, brokerEpoch = 20): void =>
    partition.replicaFetched(log, { replicaId: 2, brokerEpoch, offset, logStartOffset: 0 })
  fetch(1)
  fetch(3)
  expect(context.asked).toHaveLength(0)
  context.shuttingDown.add(2)
  fetch(4)
  context.shuttingDown.clear()
  context.live.set(2, 21)
  expect(() => fetch(4)).toThrow(expect.objectContaining({ code: 'NOT_LEADER_OR_FOLLOWER' }))
  context.live.delete(2)
  fetch(4)
  expect(context.asked).toHaveLength(0)
  context.live.set(2, 20)
  fetch(4)
  fetch(4)
  expect(context.asked.map(({ proposal }) => proposal)).toMatchObject([
    {
      partitionEpoch: 0,
      isr: [
        { brokerId: 1, brokerEpoch: null },
        { brokerId: 3, brokerEpoch: -1 },
        { brokerId: 2, brokerEpoch: 20 },
      ],
    },
  ])
  await log.close()
})

test('followers that lag for too long leave the ISR, and the high watermark waits for them until that is decided', async () => {
  const { context, log, partition, write, fetch, answer } = await ledPartition()
  await write(2)
  fetch(2, 2)
  await context.clock.advance(30_000)
  partition.shrinkIsr()
  expect(context.asked).toHaveLength(0)
  await context.clock.advance(1)
  partition.shrinkIsr()
  partition.shrinkIsr()
  expect(context.asked).toHaveLength(1)
  expect([wantedIsr(context, 0), log.highWatermark]).toEqual([[1, 2], 0])
  expect(answer(0, { error: null, leaderEpoch: 0, partitionEpoch: 1, isr: [1, 2] })).toBe(false)
  expect([partition.assignment.isr, log.highWatermark]).toEqual([[1, 2], 2])
})

test('a follower that is to come holds the high watermark, and does not count for min.insync.replicas yet', async () => {
  const { context, log, partition, write, fetch, answer } = await ledPartition({ isr: [1] }, { minInsyncReplicas: 2 })
  fetch(2, 0)
  expect(wantedIsr(context, 0)).toEqual([1, 2])
  await write()
  expect(() => partition.checkInSyncReplicas(log, 'NOT_ENOUGH_REPLICAS')).toThrow(
    expect.objectContaining({ code: 'NOT_ENOUGH_REPLICAS' }),
  )
  partition.checkInSyncReplicas(log, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND')
  fetch(2, 1)
  expect(log.highWatermark).toBe(0)
  answer(0, { error: null, leaderEpoch: 0, partitionEpoch: 1, isr: [1, 2] })
  expect(log.highWatermark).toBe(1)
})

test.each(['INELIGIBLE_REPLICA', 'OPERATION_NOT_ATTEMPTED'] as const)(
  'after %s the change was not made, and may be asked for anew',
  async (error) => {
    const { context, fetch, answer } = await ledPartition({ isr: [1] })
    fetch(2, 0)
    expect(answer(0, { error })).toBe(false)
    fetch(2, 0)
    expect(context.asked).toHaveLength(2)
  },
)

test.each(['INVALID_UPDATE_VERSION', 'FENCED_LEADER_EPOCH', 'NEW_LEADER_ELECTED', 'UNKNOWN_TOPIC_ID'] as const)(
  'after %s the change stays under way until the metadata tells',
  async (error) => {
    const { context, partition, fetch, answer } = await ledPartition({ isr: [1] })
    fetch(2, 0)
    expect(answer(0, { error })).toBe(false)
    fetch(2, 0)
    expect(context.asked).toHaveLength(1)
    partition.assign({ ...LED, isr: [1], partitionEpoch: 1 })
    fetch(2, 0)
    expect(context.asked[1]!.proposal).toMatchObject({ partitionEpoch: 1 })
  },
)

test('after any other error it is asked again, unless the metadata overruled it', async () => {
  const { context, partition, fetch, answer } = await ledPartition({ isr: [1] })
  fetch(2, 0)
  expect([answer(0, { error: 'NOT_CONTROLLER' }), context.asked[0]!.isWanted()]).toEqual([true, true])
  partition.assign({ ...LED, isr: [1], partitionEpoch: 1 })
  expect([answer(0, { error: 'NOT_CONTROLLER' }), context.asked[0]!.isWanted()]).toEqual([false, false])
})

test('of an answer and the metadata the newer one holds, and replicas that only the metadata tells are taken from it', async () => {
  const { partition, fetch, answer } = await ledPartition({ isr: [1] })
  fetch(2, 0)
  answer(0, { error: null, leaderEpoch: 0, partitionEpoch: -1, isr: [1, 2] })
  expect(partition.assignment).toEqual({ ...LED, isr: [1] })
  answer(0, { error: null, leaderEpoch: 0, partitionEpoch: 2, isr: [1, 2] })
  partition.assign({ ...LED, isr: [1], partitionEpoch: 1 })
  expect(partition.assignment).toEqual({ ...LED, isr: [1, 2], partitionEpoch: 2 })
  partition.assign({ ...LED, isr: [1, 2], replicas: [1, 2], partitionEpoch: 2 })
  expect(partition.assignment.replicas).toEqual([1, 2])
  fetch(3, 0)
  expect(() => partition.checkReplica(3, -1)).toThrow(expect.objectContaining({ code: 'NOT_LEADER_OR_FOLLOWER' }))
  expect(() => partition.checkReplica(3, 0)).toThrow(expect.objectContaining({ code: 'UNKNOWN_LEADER_EPOCH' }))
})

test('a replica that a reassignment just took away is asked for in vain, and later changes are asked for again', async () => {
  const { context, partition, write, fetch, answer } = await ledPartition({ isr: [1, 2] })
  fetch(3, 0)
  // The third replica completes a reassignment that ends the second: the answer doesn't tell the replicas.
  answer(0, { error: null, leaderEpoch: 0, partitionEpoch: 1, isr: [1, 3] })
  fetch(2, 0)
  expect(wantedIsr(context, 1)).toEqual([1, 3, 2])
  expect(answer(1, { error: 'INVALID_REQUEST' })).toBe(false)
  partition.assign({ ...LED, partitionEpoch: 1, isr: [1, 3], replicas: [1, 3] })
  await write()
  await context.clock.advance(31_000)
  partition.shrinkIsr()
  expect(wantedIsr(context, 2)).toEqual([1])
})

test('records are deleted when no replica that is up has them', async () => {
  const { context, log, partition, write, fetch } = await ledPartition()
  await write(3)
  fetch(2, 3)
  fetch(3, 3)
  log.deleteRecordsBefore(2)
  let done = false
  void partition.whenDeleted(2, 60_000).then(() => (done = true))
  fetch(2, 3, 20, 2)
  await Promise.resolve()
  expect([partition.lowWatermark(log), done]).toEqual([0, false])
  context.live.delete(3)
  expect(partition.lowWatermark(log)).toBe(2)
  fetch(2, 3, 20, 2)
  await Promise.resolve()
  expect(done).toBe(true)
})

test('who waits for a replica that stays away is told when its time is over, and the others go on', async () => {
  const { context, log, partition, write, fetch } = await ledPartition()
  await write(3)
  const said: string[] = []
  const wait = (end: number, timeoutMs: number | null): void =>
    void partition.whenCommitted(end, timeoutMs).then(
      () => said.push(`${end} committed`),
      ({ code }) => said.push(`${end} ${code}`),
    )
  wait(3, 100)
  wait(2, null)
  wait(1, 200)
  await context.clock.advance(100)
  expect(said).toEqual(['3 REQUEST_TIMED_OUT'])
  fetch(2, 3)
  fetch(3, 2)
  await context.clock.advance(200)
  expect([said.slice(1), log.highWatermark]).toEqual([['1 committed', '2 committed'], 2])
  log.deleteRecordsBefore(1)
  await Promise.all([
    expect(partition.whenDeleted(1, 500)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' }),
    context.clock.advance(500),
  ])
  expect(context.clock.pendingCount).toBe(0)
})

const event = fc.oneof(
  fc.record({ kind: fc.constant('write' as const) }),
  fc.record({ kind: fc.constant('fetch' as const), id: fc.constantFrom(2, 3), by: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 20_000, 40_000) }),
  fc.record({ kind: fc.constant('shrink' as const) }),
  fc.record({
    kind: fc.constant('answer' as const),
    at: fc.nat(3),
    error: fc.constantFrom(null, null, null, 'x', 'y'),
  }),
  fc.record({ kind: fc.constant('image' as const), isr: fc.constantFrom([1], [1, 2], [1, 3], [1, 2, 3]) }),
)

test('whatever happens in whatever order, the high watermark never goes back, and never past a replica in sync', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const { context, log, partition, write, fetch } = await ledPartition()
      const ends = new Map([
        [2, 0],
        [3, 0],
      ])
      // The controller's view, which may be ahead of what the leader was told.
      let epoch = 0
      let highest = 0
      for (const event of events) {
        const isrBefore = partition.assignment.isr
        if (event.kind === 'write') await write()
        else if (event.kind === 'fetch') {
          const end = Math.min(log.writtenEnd, ends.get(event.id)! + event.by)
          ends.set(event.id, end)
          fetch(event.id, end)
        } else if (event.kind === 'wait') await context.clock.advance(event.ms)
        else if (event.kind === 'shrink') partition.shrinkIsr()
        else if (event.kind === 'image') {
          // The controller shrinks an ISR by itself; it grows only by what a leader asks for.
          const isr = event.isr.filter((id) => isrBefore.includes(id))
          partition.assign({ ...LED, isr, partitionEpoch: ++epoch })
        } else if (context.asked.length > event.at) {
          const { proposal, settle } = context.asked[context.asked.length - 1 - event.at]!
          if (event.error === null) {
            if (proposal.partitionEpoch !== epoch) continue
            const isr = proposal.isr.map(({ brokerId }) => brokerId)
            settle({ error: null, leaderEpoch: 0, partitionEpoch: ++epoch, isr })
          } else settle({ error: event.error === 'x' ? 'INELIGIBLE_REPLICA' : 'INVALID_UPDATE_VERSION' })
        }
        expect(log.highWatermark).toBeGreaterThanOrEqual(highest)
        highest = log.highWatermark
        for (const id of partition.assignment.isr) {
          if (id !== 1) expect(log.highWatermark).toBeLessThanOrEqual(Math.max(ends.get(id)!, 0))
        }
      }
      await log.close()
    }),
    { numRuns: 300 },
  )
})
