/** What a fetcher does about each error of the leader's answer, one partition at a time, on a clock that stands still. */
import { expect, test } from 'vitest'
import type { ErrorCode } from '../base/error-codes.ts'
import { KafkaError, OperationalError } from '../base/errors.ts'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { Fetch, type FetchResponse } from '../protocol/generated/fetch.ts'
import type { Init } from '../protocol/codec.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { ChunkPool, type Chunk } from '../rpc/chunk-pool.ts'
import type { FetchPlace } from '../rpc/fetch-session.ts'
import type { PartitionLog } from '../storage/partition-log.ts'
import { batchOf, testLog } from '../storage/test-log.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { FetchAnswer, LeaderLink } from './leader-link.ts'
import { Partition, type Assignment } from './partition.ts'
import type { ReplicaFetcher } from './replica-fetcher.ts'
import { testFetcher } from './test-fetcher.ts'
import { testContext } from './test-partition.ts'

const TOPIC_ID = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const LED_BY_2: Assignment = { leader: 2, leaderEpoch: 5, partitionEpoch: 5, isr: [1, 2], replicas: [1, 2] }
const BACKOFF_MS = 1_000
const SETTINGS = { waitMaxMs: 500, minBytes: 1, responseMaxBytes: 1 << 20, maxBytes: 1 << 20, backoffMs: BACKOFF_MS }

type Answer = Init<FetchResponse.PartitionData> | Error

/** A leader that answers from a list, and then no more. */
class ScriptedLink implements LeaderLink {
  readonly asked: FetchPlace[] = []
  readonly answers: Answer[] = []
  readonly offsets = { earliest: 0, latest: 0 }
  offsetsError: Error | null = null
  /** What is lent with each answer. */
  readonly memory: Chunk[] = []
  isClosed = false

  async fetch(places: ReadonlyMap<string, FetchPlace>): Promise<FetchAnswer> {
    const [[key, place]] = [...places] as [[string, FetchPlace]]
    this.asked.push(place)
    const answer = this.answers.shift()
    if (answer === undefined) return new Promise(() => {})
    if (answer instanceof Error) throw answer
    const made = Fetch.response.make({ responses: [{ partitions: [answer] }] })
    return { partitions: new Map([[key, made.responses[0]!.partitions[0]!]]), memory: this.memory.shift() ?? null }
  }

  async offset(_place: FetchPlace, which: 'earliest' | 'latest'): Promise<number> {
    if (this.offsetsError !== null) throw this.offsetsError
    return this.offsets[which]
  }

  close(): void {
    this.isClosed = true
  }
}

interface Setup {
  readonly clock: ManualClock
  readonly link: ScriptedLink
  readonly log: PartitionLog
  readonly partition: Partition
  readonly fetcher: ReplicaFetcher
  readonly offsetsAsked: () => number[]
  readonly warnings: string[]
}

/** A follower with ten records of epoch 4. */
async function follower(...answers: Answer[]): Promise<Setup> {
  const clock = new ManualClock()
  const log = await testLog().open()
  for (let record = 0; record < 10; record++) {
    await log.append(batchOf(`${record}`), { epoch: 4, origin: 'client' }).written
  }
  log.setHighWatermark(4)
  const partition = new Partition({ topic: 't', index: 0, topicId: TOPIC_ID }, testContext(1), log, LED_BY_2)
  const warnings: string[] = []
  const link = new ScriptedLink()
  link.answers.push(...answers)
  const fetcher = testFetcher({
    leaderId: 2,
    clock,
    link,
    log: () => log,
    settings: SETTINGS,
    logger: { ...SILENT, warn: (line) => void warnings.push(line) },
    broken: (error) => {
      throw error
    },
  })
  fetcher.add(partition)
  const offsetsAsked = (): number[] => link.asked.map(({ fetchOffset }) => fetchOffset)
  return { clock, link, log, partition, fetcher, offsetsAsked, warnings }
}

/** A round of the fetcher takes more turns than the clock lets run by itself. */
async function passed(clock: ManualClock, ms: number): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await clock.advance(0)
  await clock.advance(ms)
  for (let turn = 0; turn < 10; turn++) await clock.advance(0)
}

const failing = (code: ErrorCode): Answer => ({ errorCode: new KafkaError(code, '').errno })
const led = (offset: number, value = 'x'): Buffer =>
  buildBatch({ baseOffset: offset, epoch: 5, records: [{ timestamp: 0, value: Buffer.from(value) }] })

test('what is appended raises the high watermark as far as it is written, and the start of the log', async () => {
  const { clock, log, link, fetcher } = await follower(
    { highWatermark: 99, logStartOffset: 3, records: led(10) },
    { highWatermark: 7, logStartOffset: 2 },
  )
  await passed(clock, 0)
  expect(link.asked.map((place) => [place.fetchOffset, place.lastFetchedEpoch, place.logStartOffset])).toEqual([
    [10, 4, 0],
    [11, 5, 3],
    [11, 5, 3],
  ])
  expect([log.writtenEnd, log.highWatermark, log.startOffset]).toEqual([11, 11, 3])
  await fetcher.close()
})

test.each([
  'UNKNOWN_LEADER_EPOCH',
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
  'KAFKA_STORAGE_ERROR',
  'CORRUPT_MESSAGE',
  'UNKNOWN_SERVER_ERROR',
] as const)('after %s the partition is asked for again when the back-off is over', async (code) => {
  const { clock, fetcher, offsetsAsked } = await follower(failing(code), { records: led(10) })
  await passed(clock, BACKOFF_MS - 1)
  expect(offsetsAsked()).toEqual([10])
  await passed(clock, 1)
  expect(offsetsAsked()).toEqual([10, 10, 11])
  await fetcher.close()
})

test('a topic that the leader does not know is worth a warning the second time: it may be new', async () => {
  const unknown = failing('UNKNOWN_TOPIC_ID')
  const { clock, fetcher, warnings } = await follower(unknown, unknown, failing('NOT_LEADER_OR_FOLLOWER'))
  await passed(clock, 0)
  expect(warnings).toEqual([])
  await passed(clock, BACKOFF_MS)
  expect(warnings).toEqual(['Fetching t-0 from broker 2 failed: the leader answered UNKNOWN_TOPIC_ID'])
  await fetcher.close()
})

test('an answer that is lost, or records that are corrupt, change nothing and are asked for again', async () => {
  const damaged = led(10)
  damaged[damaged.length - 1]! ^= 1
  const lost = new OperationalError('NETWORK_FAILED', 'lost')
  const { clock, log, fetcher, offsetsAsked } = await follower(lost, { records: damaged }, { records: led(10) })
  await passed(clock, BACKOFF_MS)
  expect([log.writtenEnd, ...offsetsAsked()]).toEqual([10, 10, 10])
  await passed(clock, BACKOFF_MS)
  expect([log.writtenEnd, ...offsetsAsked()]).toEqual([11, 10, 10, 10, 11])
  await fetcher.close()
})

const marker = (key: Buffer | null, value: Buffer | null): Buffer => {
  const of = { producerId: 9, producerEpoch: 0, baseSequence: -1, transactional: true, control: true }
  return buildBatch({ baseOffset: 10, epoch: 5, ...of, records: [{ timestamp: 0, key, value }] })
}
test.each([
  ['a short key', marker(Buffer.from([0]), null)],
  ['no key', marker(null, Buffer.alloc(6))],
  ['an abort without a value', marker(Buffer.alloc(4), null)],
  ['an abort with a short value', marker(Buffer.alloc(4), Buffer.alloc(1))],
])('a marker with %s and a good checksum costs its partition an attempt, and the log nothing', async (_, odd) => {
  const { clock, log, fetcher, warnings } = await follower({ records: odd }, { records: led(10) })
  const before = log.sizeBytes
  await passed(clock, 0)
  expect(warnings).toEqual([expect.stringMatching(/^Fetching t-0 from broker 2 failed: The batch at offset 10: /)])
  expect([log.assignedEnd, log.writtenEnd, log.sizeBytes, log.latestEpoch]).toEqual([10, 10, before, 4])
  await passed(clock, BACKOFF_MS)
  const read = await log.read(10, 11, 1 << 20, true)
  expect([log.writtenEnd, log.sizeBytes, read.bytes]).toEqual([11, before + led(10).length, led(10).length])
  await fetcher.close()
})

test('a fenced epoch is given up until the partition has a new one', async () => {
  const { clock, partition, link, fetcher } = await follower(failing('FENCED_LEADER_EPOCH'))
  await passed(clock, 60_000)
  expect(link.asked).toHaveLength(1)
  expect(fetcher.partitionCount).toBe(0)
  await fetcher.close()
  expect(partition.leaderEpoch).toBe(5)
})

test('a leader that ends before the follower cuts it, one that begins behind it makes it begin anew', async () => {
  const cut = await follower(failing('OFFSET_OUT_OF_RANGE'))
  Object.assign(cut.link.offsets, { earliest: 0, latest: 6 })
  await passed(cut.clock, 0)
  expect([cut.log.writtenEnd, cut.log.highWatermark, ...cut.offsetsAsked()]).toEqual([6, 4, 10, 6])
  await cut.fetcher.close()

  const anew = await follower(failing('OFFSET_OUT_OF_RANGE'))
  Object.assign(anew.link.offsets, { earliest: 30, latest: 40 })
  await passed(anew.clock, 0)
  expect([anew.log.startOffset, anew.log.writtenEnd, ...anew.offsetsAsked()]).toEqual([30, 30, 10, 30])
  expect(anew.link.asked.at(-1)?.lastFetchedEpoch).toBe(-1)
  await anew.fetcher.close()

  const untold = await follower(failing('OFFSET_OUT_OF_RANGE'))
  untold.link.offsetsError = new KafkaError('NOT_LEADER_OR_FOLLOWER', 'not any more')
  await passed(untold.clock, 0)
  expect([untold.log.writtenEnd, ...untold.offsetsAsked()]).toEqual([10, 10])
  await untold.fetcher.close()
})

test('a leader whose log begins inside of its first batch sends that whole, and the follower begins with it', async () => {
  const three = ['a', 'b', 'c'].map((value) => ({ timestamp: 0, value: Buffer.from(value) }))
  const records = buildBatch({ baseOffset: 30, epoch: 5, records: three })
  const { clock, link, log, fetcher } = await follower(failing('OFFSET_OUT_OF_RANGE'), {
    highWatermark: 33,
    logStartOffset: 31,
    records,
  })
  Object.assign(link.offsets, { earliest: 31, latest: 33 })
  await passed(clock, 0)
  expect([log.startOffset, log.writtenEnd, log.highWatermark]).toEqual([31, 33, 33])
  await fetcher.close()
})

test('a follower that has only what its leader deleted begins with the batch inside of which that starts', async () => {
  const three = ['a', 'b', 'c'].map((value) => ({ timestamp: 0, value: Buffer.from(value) }))
  const records = buildBatch({ baseOffset: 8, epoch: 5, records: three })
  const { clock, log, fetcher } = await follower({ highWatermark: 11, logStartOffset: 10, records })
  await passed(clock, 0)
  expect([log.startOffset, log.writtenEnd]).toEqual([10, 11])
  await fetcher.close()
})

test('the memory of an answer is given back when all of it is written or refused', async () => {
  const pool = new ChunkPool({ freeBytesMax: 0, poison: true })
  const lent = (records: Buffer): Chunk => {
    const chunk = pool.take(records.length)
    chunk.buffer.set(records)
    return chunk
  }
  const damaged = led(11, 'damaged')
  damaged[damaged.length - 1]! ^= 1
  const chunks = [lent(led(10)), lent(damaged)]
  const { clock, link, log, fetcher } = await follower(...chunks.map(({ buffer }) => ({ records: buffer })))
  link.memory.push(...chunks)
  await passed(clock, 0)
  expect([log.writtenEnd, pool.usedBytes]).toEqual([11, 0])
  const { pieces } = await log.read(10, 11, 1000, true)
  expect(Buffer.concat(pieces)).toEqual(led(10))
  await fetcher.close()
})

test('the answer of a leader that is none any more changes nothing', async () => {
  const { clock, link, log, partition, fetcher } = await follower()
  let answer = (_: FetchAnswer): void => {}
  const places: ReadonlyMap<string, FetchPlace>[] = []
  link.fetch = (asked) => {
    places.push(asked)
    return new Promise((resolve) => (answer = resolve))
  }
  await passed(clock, 0)
  await fetcher.remove(partition)
  partition.assign({ ...LED_BY_2, leaderEpoch: 6, partitionEpoch: 6 })
  fetcher.add(partition)
  const [[key]] = [...places[0]!] as [[string, FetchPlace]]
  const made = Fetch.response.make({ responses: [{ partitions: [{ records: led(10) }] }] })
  answer({ partitions: new Map([[key, made.responses[0]!.partitions[0]!]]), memory: null })
  await passed(clock, 0)
  expect(log.writtenEnd).toBe(10)
  expect([...places[1]!.values()][0]?.currentLeaderEpoch).toBe(6)
  await fetcher.close()
})

test('it ends without the answer of a leader that gives none, and by itself when it has nothing to follow', async () => {
  const waiting = await follower()
  await passed(waiting.clock, 0)
  await waiting.fetcher.close()
  expect(waiting.link.isClosed).toBe(true)

  const idle = await follower(failing('FENCED_LEADER_EPOCH'))
  await passed(idle.clock, 4_000)
  expect(idle.link.isClosed).toBe(false)
  await passed(idle.clock, 2_000)
  expect(idle.link.isClosed).toBe(true)
})
