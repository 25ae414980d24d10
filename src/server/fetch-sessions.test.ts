import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import type { Uuid } from '../base/uuid.ts'
import { FetchRequest } from '../protocol/generated/fetch.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { FetchSessions, type FetchContext } from './fetch-sessions.ts'

const TOPIC_ID = 'oP1bLrFESPGzqOSWRCCd9w' as Uuid

class Sessions {
  readonly clock = new ManualClock()
  #seed = 0
  readonly sessions: FetchSessions

  constructor(slots: number, partitionsMax?: number) {
    const random = { uint32: () => 0, below: () => this.#seed++, bytes: (length: number) => Buffer.alloc(length) }
    this.sessions = new FetchSessions(this.clock, random, () => slots, partitionsMax)
  }

  /** Partitions as `topic` numbers with their offsets; `forget` drops some. */
  fetch(
    sessionId: number,
    sessionEpoch: number,
    partitions: Readonly<Record<number, number>>,
    forget: readonly number[] = [],
    version = 12,
    replicaId = -1,
  ): FetchContext {
    const named = version >= 13 ? { topicId: TOPIC_ID } : { topic: 't' }
    const request = FetchRequest.make({
      replicaId,
      sessionId,
      sessionEpoch,
      topics: [
        {
          ...named,
          partitions: Object.entries(partitions).map(([partition, fetchOffset]) => ({
            partition: Number(partition),
            fetchOffset,
            partitionMaxBytes: 1000,
          })),
        },
      ],
      forgottenTopicsData: forget.length === 0 ? [] : [{ ...named, partitions: forget }],
    })
    return this.sessions.open(request, version, () => 't')
  }
}

const numbers = (context: FetchContext): number[] => context.partitions.map(({ partition }) => partition)

test('a full fetch makes a session, and an incremental one adds, changes and forgets partitions', () => {
  const sessions = new Sessions(10)
  const full = sessions.fetch(0, 0, { 0: 5, 1: 6 })
  expect(full.sessionId).toBeGreaterThan(0)
  expect(full.incremental).toBe(false)
  const next = sessions.fetch(full.sessionId, 1, { 1: 7, 2: 8 }, [0])
  expect(next.incremental).toBe(true)
  expect(numbers(next)).toEqual([1, 2])
  expect(next.partitions.map(({ fetchOffset }) => fetchOffset)).toEqual([7, 8])
  expect(numbers(sessions.fetch(full.sessionId, 2, {}))).toEqual([1, 2])
})

test('a wrong epoch is refused and does not move the epoch that is expected', () => {
  const sessions = new Sessions(10)
  const { sessionId } = sessions.fetch(0, 0, { 0: 0 })
  expect(() => sessions.fetch(sessionId, 2, {})).toThrow(
    expect.objectContaining({ code: 'INVALID_FETCH_SESSION_EPOCH' }),
  )
  expect(numbers(sessions.fetch(sessionId, 1, {}))).toEqual([0])
})

test('an unknown session is refused, and so is one that is used with the other kind of topic names', () => {
  const sessions = new Sessions(10)
  expect(() => sessions.fetch(99, 1, {})).toThrow(expect.objectContaining({ code: 'FETCH_SESSION_ID_NOT_FOUND' }))
  const { sessionId } = sessions.fetch(0, 0, { 0: 0 })
  expect(() => sessions.fetch(sessionId, 1, {}, [], 13)).toThrow(
    expect.objectContaining({ code: 'FETCH_SESSION_TOPIC_ID_ERROR' }),
  )
})

test('a session that is left without partitions is gone, and so is one that is closed', () => {
  const sessions = new Sessions(10)
  const first = sessions.fetch(0, 0, { 0: 0 })
  expect(sessions.fetch(first.sessionId, 1, {}, [0]).sessionId).toBe(0)
  expect(sessions.sessions.size).toBe(0)
  const second = sessions.fetch(0, 0, { 0: 0 })
  expect(sessions.fetch(second.sessionId, -1, { 0: 0 }).sessionId).toBe(0)
  expect(sessions.sessions.size).toBe(0)
})

test('partitions that gave data move behind the others', () => {
  const sessions = new Sessions(10)
  const full = sessions.fetch(0, 0, { 0: 0, 1: 0, 2: 0 })
  full.answered(full.partitions[0]!, true)
  expect(numbers(sessions.fetch(full.sessionId, 1, {}))).toEqual([1, 2, 0])
})

test('a full cache gives no session until one was unused for two minutes', async () => {
  const sessions = new Sessions(1)
  const first = sessions.fetch(0, 0, { 0: 0 })
  expect(sessions.fetch(0, 0, { 0: 0 }).sessionId).toBe(0)
  await sessions.clock.advance(120_001)
  expect(sessions.fetch(0, 0, { 0: 0 }).sessionId).toBeGreaterThan(0)
  expect(() => sessions.fetch(first.sessionId, 1, {})).toThrow(KafkaError)
})

test('fetches before version 7 know no sessions', () => {
  const sessions = new Sessions(1)
  expect(sessions.fetch(0, -1, { 0: 0 }, [], 6).sessionId).toBe(0)
  expect(sessions.sessions.size).toBe(0)
})

test('all sessions together remember a bounded number of partitions; who comes later has no session', () => {
  const sessions = new Sessions(10, 4)
  const first = sessions.fetch(0, 0, { 0: 0, 1: 0 })
  const second = sessions.fetch(0, 0, { 0: 0, 1: 0 })
  const third = sessions.fetch(0, 0, { 0: 0 })
  expect([third.sessionId, numbers(third)]).toEqual([0, [0]])
  expect(sessions.sessions.cachedPartitions).toBe(4)
  // One that grows beyond it is gone; the client then asks for everything, without a session.
  expect(() => sessions.fetch(first.sessionId, 1, { 2: 0 })).toThrow(
    expect.objectContaining({ code: 'FETCH_SESSION_ID_NOT_FOUND' }),
  )
  expect(sessions.sessions.cachedPartitions).toBe(2)
  expect(sessions.fetch(0, 0, { 0: 0, 1: 0, 2: 0 }).sessionId).toBe(0)
  expect(numbers(sessions.fetch(second.sessionId, 1, { 2: 0 }, [0, 1]))).toEqual([2])
  expect(sessions.sessions.cachedPartitions).toBe(1)
  sessions.fetch(second.sessionId, -1, {})
  expect(sessions.sessions.cachedPartitions).toBe(0)
  expect(sessions.fetch(0, 0, { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0 }).sessionId).toBe(0)
})

test('what an incremental fetch asks for and forgets, so that nothing is left, is fetched without a session', () => {
  const sessions = new Sessions(10)
  const { sessionId } = sessions.fetch(0, 0, { 0: 5 })
  const last = sessions.fetch(sessionId, 1, { 0: 6 }, [0])
  expect([last.sessionId, last.incremental, numbers(last)]).toEqual([0, false, [0]])
  expect([sessions.sessions.size, sessions.sessions.cachedPartitions]).toEqual([0, 0])
})

test('a session keeps the name of a topic whose id is gone, and learns one that it did not know', () => {
  const sessions = new FetchSessions(
    new ManualClock(),
    { uint32: () => 0, below: () => 1, bytes: (length) => Buffer.alloc(length) },
    () => 10,
  )
  const fetch = (sessionEpoch: number, name: string | null) => {
    const topics = [{ topicId: TOPIC_ID, partitions: [{ partition: 0, partitionMaxBytes: 1000 }] }]
    return sessions.open(FetchRequest.make({ sessionId: 2, sessionEpoch, topics }), 13, () => name)
  }
  const names = [fetch(0, null), fetch(1, 't'), fetch(2, null)].map(({ partitions }) => partitions[0]?.topic)
  // One object over the session's life: what it is called is seen at the end.
  expect(names).toEqual(['t', 't', 't'])
})

test('the session of a broker that replicates pushes out a consumer’s at once, and is never pushed out by one', async () => {
  const sessions = new Sessions(1)
  expect(sessions.fetch(0, 0, { 0: 0, 1: 0 }).sessionId).toBeGreaterThan(0)
  const replica = sessions.fetch(0, 0, { 0: 0 }, [], 12, 2)
  expect(replica.sessionId).toBeGreaterThan(0)
  expect(sessions.fetch(0, 0, { 0: 0, 1: 0 }).sessionId).toBe(0)
  await sessions.clock.advance(120_000)
  sessions.fetch(replica.sessionId, 1, {}, [], 12, 2)
  await sessions.clock.advance(1)
  expect(sessions.fetch(0, 0, { 0: 0, 1: 0 }).sessionId).toBe(0)
  expect(sessions.fetch(0, 0, { 0: 0, 1: 0 }, [], 12, 3).sessionId).toBeGreaterThan(0)
})
