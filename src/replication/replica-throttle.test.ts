/** Both sides of a throttle (KIP-73), with a clock that is told to go. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { buildBatch } from '../records/batch-builder.ts'
import type { FetchPlace } from '../rpc/fetch-session.ts'
import type { Init } from '../protocol/codec.ts'
import { FetchResponse } from '../protocol/generated/fetch.ts'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import type { ManualClock } from '../testing/manual-clock.ts'
import type { DelayedFetch } from './delayed-fetch.ts'
import { fetchRecords } from './fetch.ts'
import { FollowerLog } from './follower-log.ts'
import { placeKey, type FetchAnswer, type LeaderLink } from './leader-link.ts'
import { Partition, type Assignment } from './partition.ts'
import { ReadBudget } from './read-budget.ts'
import { ReplicaFetcher } from './replica-fetcher.ts'
import { ReplicationQuota, type ReplicationSide } from './replication-quota.ts'
import { CONSUMER_FETCH, testContext } from './test-partition.ts'

const TOPIC_ID = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const SETTINGS = { waitMaxMs: 500, minBytes: 1, responseMaxBytes: 1 << 20, maxBytes: 1 << 20, backoffMs: 1000 }
const THROTTLED = {
  ...DEFAULT_LOG_CONFIG,
  leaderReplicationThrottledReplicas: ['*'],
  followerReplicationThrottledReplicas: ['0:1'],
}

function quotaOf(side: ReplicationSide, clock: ManualClock, bytesPerSecondMax: number): ReplicationQuota {
  const quota = new ReplicationQuota(side, 1, () => clock.monotonicMs(), { windowMs: 1000, windows: 11 })
  quota.bytes.bytesPerSecondMax = bytesPerSecondMax
  return quota
}

/** Broker 1 leads; 2 is in sync, 3 is a new replica. */
async function leader() {
  const context = testContext()
  const { clock } = context
  const log = await testLog({}, true).open()
  const led: Assignment = { leader: 1, leaderEpoch: 5, partitionEpoch: 0, isr: [1, 2], replicas: [1, 2, 3] }
  const partition = new Partition({ topic: 't', index: 0, topicId: null }, context, log, led)
  const write = (): Promise<void> => partition.append(log, batchOf('a'), { origin: CLIENT.origin }).written
  await write()
  const quota = quotaOf('leader', clock, 100)
  const waiting = new Set<DelayedFetch>()
  /** How many bytes, and when. */
  const fetch = async (replicaId: number, fetchOffset: number, maxWaitMs = 0): Promise<[number, number]> => {
    const epochs = { currentLeaderEpoch: 5, lastFetchedEpoch: -1 }
    const [result] = await fetchRecords(
      clock,
      [{ partition, error: null, fetchOffset, maxBytes: 1 << 20, logStartOffset: 0, ...epochs }],
      {
        ...CONSUMER_FETCH,
        maxWaitMs,
        minBytes: 1,
        reach: replicaId < 0 ? 'committed' : 'log end',
        replicaId,
        replicaEpoch: replicaId * 10,
        quota: replicaId < 0 ? null : quota,
      },
      new ReadBudget(1 << 20, null),
      (delayed) => waiting.add(delayed),
    )
    result?.release?.()
    if (result?.error) throw result.error
    return [result?.bytes ?? -1, clock.monotonicMs()]
  }
  return { clock, log, partition, quota, write, fetch, waiting }
}

test('over its quota the leader gives no records of a throttled partition to who is not in sync, and all to who is', async () => {
  const { clock, log, quota, fetch } = await leader()
  const [all] = await fetch(3, 0)
  expect(all).toBe(log.sizeBytes)
  quota.bytes.record(1000)
  // Not in the list: nothing is held back.
  expect(await fetch(3, 0)).toEqual([all, 0])
  log.setConfig(THROTTLED)
  expect(await fetch(3, 0)).toEqual([0, 0])
  expect(await fetch(2, 0)).toEqual([all, 0])
  log.setHighWatermark(1)
  expect(await fetch(-1, 0)).toEqual([all, 0])
  // Who asks for what isn't there is told, throttled or not.
  await expect(fetch(3, 7)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
  await clock.advance(10_000)
  expect(await fetch(3, 0)).toEqual([all, 10_000])
})

test('what a replica that is held back asks for counts, and appends don’t wake it', async () => {
  const { clock, log, partition, quota, write, fetch } = await leader()
  log.setConfig(THROTTLED)
  quota.bytes.record(1_000_000)
  let watched = 0
  const watch = partition.watch.bind(partition)
  partition.watch = (...args) => {
    watched++
    watch(...args)
  }
  const held = fetch(3, 1, 500)
  await clock.advance(1)
  for (let count = 0; count < 5; count++) await write()
  await clock.advance(100)
  expect(watched).toBe(1)
  expect(partition.followersWith(1).map(({ id }) => id)).toEqual([])
  await clock.advance(399)
  expect(await held).toEqual([0, 500])
  // The quota has room again while it waits: the next append is given at once.
  quota.bytes.bytesPerSecondMax = 1
  const released = fetch(3, 1, 500)
  await clock.advance(10)
  quota.bytes.bytesPerSecondMax = 1e9
  await write()
  await clock.advance(0)
  const [bytes, atMs] = await released
  expect([bytes > 0, atMs]).toEqual([true, 510])
})

/** A leader that gives batches of 1000 bytes, of which `highWatermark` are committed. */
class GivingLink implements LeaderLink {
  readonly askedMs: number[] = []
  readonly #clock: ManualClock
  end = 1000
  highWatermark = 1000

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  async fetch(places: ReadonlyMap<string, FetchPlace>): Promise<FetchAnswer> {
    const [place] = places.values()
    this.askedMs.push(this.#clock.monotonicMs())
    const { fetchOffset } = place!
    if (fetchOffset >= this.end)
      await new Promise<void>((resolve) => this.#clock.at(this.#clock.monotonicMs() + 500, resolve))
    const given: Init<FetchResponse.PartitionData> = {
      partitionIndex: 0,
      highWatermark: this.highWatermark,
      logStartOffset: 0,
      records: fetchOffset < this.end ? batchAt(fetchOffset) : null,
    }
    const { responses } = FetchResponse.make({ responses: [{ topicId: TOPIC_ID, partitions: [given] }] })
    return { partitions: new Map([[placeKey(TOPIC_ID, 0), responses[0]!.partitions[0]!]]), memory: null }
  }

  offset(): Promise<number> {
    throw new Error('not asked for')
  }

  close(): void {}
}

const BATCH_BYTES = 1000

function batchAt(baseOffset: number): Buffer {
  const make = (bytes: number): Buffer =>
    buildBatch({ baseOffset, epoch: 5, records: [{ timestamp: 0, value: Buffer.alloc(bytes) }] })
  return make(BATCH_BYTES - (make(BATCH_BYTES).length - BATCH_BYTES))
}

async function follower(bytesPerSecondMax: number) {
  const context = testContext(1)
  const { clock } = context
  const log = await testLog().open()
  log.setConfig(THROTTLED)
  const led: Assignment = { leader: 2, leaderEpoch: 5, partitionEpoch: 0, isr: [2], replicas: [2, 1] }
  const partition = new Partition({ topic: 't', index: 0, topicId: TOPIC_ID }, context, log, led)
  const link = new GivingLink(clock)
  const quota = quotaOf('follower', clock, bytesPerSecondMax)
  const fetcher = new ReplicaFetcher({
    leaderId: 2,
    clock,
    logger: SILENT,
    link,
    followerLog: new FollowerLog({ cut: (_topic, _index, change) => change(log) }, SILENT),
    settings: () => SETTINGS,
    quota,
    idle: () => {},
    broken: (error) => {
      throw error
    },
  })
  fetcher.add(partition)
  const pass = async (ms: number): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await clock.advance(0)
    for (let passed = 0; passed < ms; passed += 100) {
      await clock.advance(100)
      for (let turn = 0; turn < 20; turn++) await clock.advance(0)
    }
  }
  return { clock, log, link, quota, fetcher, pass }
}

test('a follower that is behind copies as much as its quota allows, looking every replica.fetch.backoff.ms', async () => {
  const { log, link, fetcher, pass } = await follower(2000)
  await pass(20_000)
  expect(log.sizeBytes).toBeGreaterThanOrEqual(36_000)
  expect(log.sizeBytes).toBeLessThanOrEqual(44_000)
  const pauses = link.askedMs.slice(1).map((atMs, index) => atMs - link.askedMs[index]!)
  expect(pauses.filter((ms) => ms % 1000 !== 0)).toEqual([])
  expect(pauses.filter((ms) => ms === 1000).length).toBeGreaterThan(10)
  await fetcher.close()
})

test('a follower that has all that is committed is not held back, though what it copies counts', async () => {
  const { log, link, quota, fetcher, pass } = await follower(2000)
  link.end = 3
  link.highWatermark = 3
  await pass(4000)
  expect(log.writtenEnd).toBe(3)
  // In sync, it takes what comes, however much.
  link.end = 200
  await pass(1000)
  expect(log.writtenEnd).toBe(200)
  expect(quota.bytes.isExceeded).toBe(true)
  // It lost sight of the leader's high watermark.
  link.end = 400
  link.highWatermark = 400
  await pass(1000)
  expect(log.writtenEnd).toBe(201)
  await fetcher.close()
})

test('a partition that no list names is not held back by what others copy', async () => {
  const { log, link, quota, fetcher, pass } = await follower(2000)
  log.setConfig(DEFAULT_LOG_CONFIG)
  link.end = 100
  quota.bytes.record(1_000_000)
  await pass(300)
  expect(log.writtenEnd).toBe(100)
  await fetcher.close()
})
