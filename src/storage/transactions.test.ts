/**
 * Transactions in one log, on a disk of arbitrary delays that fills up, while the process is killed, the log is truncated
 * and opened again. What is in the log decides what has to be seen:
 *
 * 1. The last stable offset never passes an open transaction, nor one whose marker isn't below the high watermark.
 * 2. A read_committed reader, from any offset on, sees all records that are plain or committed, and no others.
 * 3. The index files hold one entry for each abort marker, also after a recovery; a start finds the producers that were.
 * 4. A batch that begins a transaction enters only with the guard of a question that is still open.
 */
import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { SILENT } from '../base/logger.ts'
import type { Int64 } from '../base/int64.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../config/log-config.ts'
import * as batch from '../records/batch.ts'
import { BatchCursor } from '../records/batches.ts'
import { buildMarker, readControlKey } from '../records/control.ts'
import { readRecords } from '../records/record-reader.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { SeededRandom } from '../testing/seeded-random.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { World } from '../world/world.ts'
import type { AppendOptions, Appended } from './log-surface.ts'
import { PartitionLog } from './partition-log.ts'
import { ProducerState } from './producer-state.ts'
import { TailCache } from './tail-cache.ts'
import { CLIENT, batchOf, testLog } from './test-log.ts'
import { decodeTransactionIndex, type TransactionIndexEntry } from './transaction-index.ts'

const SEEDS = Number(process.env['KLAMM_LOG_SEEDS'] ?? 60)
const FIRST_SEED = Number(process.env['KLAMM_LOG_SEED'] ?? 0)
const ROUNDS = 4
const PRODUCERS = [11, 12, 13, 4_000_000_000_001]

/** What the batches of a log mean, worked out anew from all of them. */
interface Truth {
  readonly stableOffset: number
  /** What a read_committed reader sees, up to the end of the log; batches are read whole. */
  readonly visible: readonly Seen[]
  readonly aborted: readonly TransactionIndexEntry[]
}

interface Seen {
  readonly offset: number
  readonly lastOfBatch: number
}

interface Known {
  readonly producerId: Int64
  readonly firstOffset: number
  readonly data: Seen[]
}

async function truthOf(log: PartitionLog): Promise<Truth> {
  const open = new Map<Int64, Known>()
  const visible: Seen[] = []
  const aborted: TransactionIndexEntry[] = []
  let unstable = Infinity
  await log.scan(0, (bytes, at) => {
    const producerId = batch.producerId(bytes, at)
    const lastOfBatch = batch.lastOffset(bytes, at)
    const offsets = readRecords(bytes, at).map(({ offset }) => ({ offset, lastOfBatch }))
    const firstOffset = batch.baseOffset(bytes, at)
    if (batch.isControl(bytes, at)) {
      const ended = open.get(producerId)
      open.delete(producerId)
      if (ended === undefined) return
      if (firstOffset >= log.highWatermark) unstable = Math.min(unstable, ended.firstOffset)
      const isAbort = readControlKey(readRecords(bytes, at)[0]?.key ?? null) === 'ABORT'
      if (!isAbort) visible.push(...ended.data)
      else {
        const others = [...open.values()].map((other) => other.firstOffset)
        const lastStableOffset = Math.min(...others, firstOffset + 1)
        aborted.push({ producerId, firstOffset: ended.firstOffset, lastOffset: firstOffset, lastStableOffset })
      }
    } else if (batch.isTransactional(bytes, at)) {
      const known = open.get(producerId) ?? { producerId, firstOffset, data: [] }
      open.set(producerId, known)
      known.data.push(...offsets)
    } else visible.push(...offsets)
  })
  for (const { firstOffset } of open.values()) unstable = Math.min(unstable, firstOffset)
  return {
    stableOffset: Math.min(unstable, log.highWatermark),
    visible: visible.sort((left, right) => left.offset - right.offset),
    aborted,
  }
}

/** As a consumer reads: from `fetchOffset` on, in pieces of up to `maxBytes`, aborted records left out. */
async function readCommitted(log: PartitionLog, fetchOffset: number, maxBytes: number): Promise<number[]> {
  const seen: number[] = []
  for (let next = fetchOffset; ;) {
    const read = await log.read(next, log.lastStableOffset, maxBytes, true)
    const aborted = [...(await log.abortedTransactions(next, read.nextOffset))]
    aborted.sort((left, right) => left.firstOffset - right.firstOffset)
    const skipping = new Set<Int64>()
    for (const piece of read.pieces) {
      const cursor = new BatchCursor().reset(piece)
      while (cursor.next()) {
        const { at } = cursor
        const producerId = batch.producerId(piece, at)
        while (aborted[0] !== undefined && aborted[0].firstOffset <= batch.lastOffset(piece, at))
          skipping.add(aborted.shift()!.producerId)
        if (batch.isControl(piece, at)) {
          if (readControlKey(readRecords(piece, at)[0]?.key ?? null) === 'ABORT') skipping.delete(producerId)
        } else if (!batch.isTransactional(piece, at) || !skipping.has(producerId)) {
          for (const { offset } of readRecords(piece, at)) if (offset >= fetchOffset) seen.push(offset)
        }
      }
    }
    const { nextOffset } = read
    read.release()
    if (nextOffset === next) return seen
    next = nextOffset
  }
}

async function indexEntries(world: World): Promise<TransactionIndexEntry[]> {
  const entries: TransactionIndexEntry[] = []
  const names = ((await world.disk.list('/d/t-0')) ?? []).map(({ name }) => name).sort()
  for (const name of names.filter((each) => each.endsWith('.txnindex'))) {
    const bytes = await world.disk.readFile(`/d/t-0/${name}`)
    if (bytes !== null) entries.push(...decodeTransactionIndex(bytes, Number.parseInt(name, 10), name))
  }
  return entries
}

async function expectTrue(
  world: World,
  log: PartitionLog,
  choices: SeededRandom,
  when: string,
  isRepaired = false,
): Promise<void> {
  const truth = await truthOf(log)
  // While a log whose disk was full is repaired, its readers see no more than before.
  if (isRepaired) expect(log.lastStableOffset, `stable ${when}`).toBeLessThanOrEqual(truth.stableOffset)
  else expect(log.lastStableOffset, `stable ${when}`).toBe(truth.stableOffset)
  for (const from of [0, choices.between(0, Math.max(truth.stableOffset, 0)), choices.between(0, truth.stableOffset)]) {
    const whole = truth.visible.filter((each) => each.offset >= from && each.lastOfBatch < truth.stableOffset)
    const expected = whole.map(({ offset }) => offset)
    const seen = await readCommitted(log, from, choices.between(1, 1500))
    expect(seen, `from ${from} ${when}`).toEqual(isRepaired ? expected.slice(0, seen.length) : expected)
  }
  expect(await indexEntries(world), `index files ${when}`).toEqual(truth.aborted)
}

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))('transactions of seed %i', (seed) =>
  new SeededWorld(seed).run(async (world) => {
    const { choices } = world
    const observer = world.node('observer').world.clock
    const { disk } = world.main
    const config: LogConfig = {
      ...DEFAULT_LOG_CONFIG,
      segmentBytes: choices.between(600, 4000),
      segmentIndexBytes: choices.between(40, 400),
      indexIntervalBytes: choices.between(0, 500),
    }
    const tailCache = choices.chance(0.5) ? new TailCache(choices.between(100, 4000), true) : null
    await world.main.world.disk.makeDirectory('/d')
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = { end: 0, failure: null as Error | null }
      let log = await open(world.main.world, config, tailCache, false)
      log.setHighWatermark(log.writtenEnd)
      await expectTrue(world.main.world, log, choices, 'after opening')
      const isFull = choices.chance(0.4)
      if (isFull) disk.failNext({ kinds: ['write', 'writeNow', 'open'], code: 'ENOSPC', writtenBytes: 20 })
      void live(world.main.world, log, choices, acknowledged, isFull)
      const lifeMs = choices.between(0, 200)
      await new Promise<void>((resolve) => void observer.at(observer.monotonicMs() + lifeMs, resolve))
      world.main.crash()
      if (acknowledged.failure !== null) throw acknowledged.failure
      disk.heal()
      log = await open(world.main.world, config, tailCache, false)
      expect(log.writtenEnd, 'after a kill').toBeGreaterThanOrEqual(acknowledged.end)
      // As in Kafka a start doesn't know of transactions that were decided above the high watermark: it is brought up.
      log.setHighWatermark(log.writtenEnd)
      await expectTrue(world.main.world, log, choices, 'after a kill')
      if (choices.chance(0.5)) {
        const producers = log.activeProducers()
        await log.close()
        log = await open(world.main.world, config, tailCache, true)
        expect(log.activeProducers()).toEqual(producers)
        log.setHighWatermark(log.writtenEnd)
        await expectTrue(world.main.world, log, choices, 'after a clean close')
        world.main.powerLoss()
        log = await open(world.main.world, config, tailCache, true)
        log.setHighWatermark(log.writtenEnd)
        await expectTrue(world.main.world, log, choices, 'after a power loss behind a clean close')
      }
      await log.closeHard()
    }
  }),
)

function open(
  world: World,
  config: LogConfig,
  tailCache: TailCache | null,
  cleanShutdown: boolean,
): Promise<PartitionLog> {
  return PartitionLog.open({
    ...world,
    logger: SILENT,
    directory: '/d/t-0',
    topicPartition: { topic: 't', partition: 0 },
    topicId: null,
    config,
    cleanShutdown,
    recoveryPoint: 0,
    logStartOffset: 0,
    producerIdExpirationMs: Number.MAX_SAFE_INTEGER,
    tailCache,
  })
}

async function live(
  world: World,
  log: PartitionLog,
  choices: SeededRandom,
  acknowledged: { end: number; failure: Error | null },
  isFull: boolean,
): Promise<void> {
  try {
    for (;;) {
      await new Promise<void>(
        (resolve) => void world.clock.at(world.clock.monotonicMs() + choices.between(0, 4), resolve),
      )
      const writing: Promise<void>[] = []
      for (let more = choices.between(1, 4); more > 0; more--) {
        const appended = step(world, log, choices)
        if (appended !== null) writing.push(settled(appended, acknowledged))
      }
      await Promise.all(writing)
      if (choices.chance(0.3)) log.setHighWatermark(choices.between(0, log.writtenEnd))
      if (choices.chance(0.05)) await orRefused(log.flush())
      if (choices.chance(0.05)) {
        const end = choices.between(log.highWatermark, log.writtenEnd)
        acknowledged.end = Math.min(acknowledged.end, end - 10)
        await orRefused(log.truncateTo(end))
        acknowledged.end = Math.min(acknowledged.end, log.writtenEnd)
      }
      if (choices.chance(0.2)) await expectTrue(world, log, choices, 'while it lives', isFull)
    }
  } catch (error) {
    acknowledged.failure ??= error instanceof Error ? error : new Error(String(error))
  }
}

function step(world: World, log: PartitionLog, choices: SeededRandom): Appended | null {
  const producerId = PRODUCERS[choices.below(PRODUCERS.length)]!
  const known = log.activeProducers().find((producer) => producer.producerId === producerId)
  const isOpen = known !== undefined && known.currentTxnStartOffset >= 0
  const kind = choices.below(10)
  if (kind === 0)
    return append(log, batchOf(`plain${choices.below(99)}`.padEnd(choices.between(1, 90), '.'), 2), CLIENT)
  if (kind < 4) {
    // With transactions v2 the marker raises the epoch.
    const raises = choices.chance(0.5)
    const marker = buildMarker({
      type: choices.chance(0.5) ? 'ABORT' : 'COMMIT',
      producerId,
      producerEpoch: (known?.producerEpoch ?? 0) + (raises ? 1 : 0),
      coordinatorEpoch: Math.max(known?.coordinatorEpoch ?? 0, 0),
      timestampMs: world.clock.wallMs(),
    })
    return append(log, marker, { epoch: 0, origin: 'coordinator', transactionVersion: raises ? 2 : 1 })
  }
  const baseSequence = (known?.lastSequence ?? -1) + 1
  const producerEpoch = known?.producerEpoch ?? 0
  const init = { producerId, producerEpoch, baseSequence, transactional: true }
  const records = batchOf(`t${choices.below(99)}`.padEnd(choices.between(1, 90), '.'), choices.between(1, 4), init)
  if (!choices.chance(0.5)) return append(log, records, CLIENT)
  const guard = log.startVerification({ producerId, producerEpoch, baseSequence, addsPartition: choices.chance(0.5) })
  expect(guard === null).toBe(isOpen)
  const endBefore = log.assignedEnd
  if (!isOpen && choices.chance(0.3)) {
    const stale = choices.chance(0.5) ? { producerId } : null
    expect(append(log, Buffer.from(records), { ...CLIENT, verification: stale })).toBe(null)
    expect(log.assignedEnd).toBe(endBefore)
  }
  return append(log, records, { ...CLIENT, verification: guard })
}

/** Null if it was refused, as a log that is being changed or whose disk is full does; and as transactions ask for. */
function append(log: PartitionLog, records: Buffer, options: AppendOptions): Appended | null {
  try {
    return log.append(records, options)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    // A question about a batch that was lost since then holds later ones back.
    expect(['KAFKA_STORAGE_ERROR', 'INVALID_TXN_STATE', 'OUT_OF_ORDER_SEQUENCE_NUMBER']).toContain(error.code)
    return null
  }
}

async function settled(appended: Appended, acknowledged: { end: number }): Promise<void> {
  const done = await orRefused(appended.written.then(() => true))
  if (done === true) acknowledged.end = Math.max(acknowledged.end, appended.lastOffset + 1)
}

async function orRefused<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result
  } catch (error) {
    if (error instanceof KafkaError) return null
    throw error
  }
}

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
  return 'NONE'
}
const producer = (baseSequence: number, producerEpoch = 0): object => ({
  producerId: 9,
  producerEpoch,
  baseSequence,
  transactional: true,
})
const question = (baseSequence: number, producerEpoch = 0, addsPartition = false) => ({
  producerId: 9,
  producerEpoch,
  baseSequence,
  addsPartition,
})
const marker = (type: 'ABORT' | 'COMMIT', producerEpoch: number, coordinatorEpoch = 0): Buffer =>
  buildMarker({ type, producerId: 9, producerEpoch, coordinatorEpoch, timestampMs: 5 })
const coordinator = (transactionVersion: number): AppendOptions => ({
  epoch: 0,
  origin: 'coordinator',
  transactionVersion,
})

test('a guard is good for one transaction: a marker that comes between takes it away', async () => {
  const log = await testLog().open()
  const guard = log.startVerification(question(0))
  log.append(marker('ABORT', 0), coordinator(1))
  const late = { ...CLIENT, verification: guard }
  expect(codeOf(() => log.append(batchOf('a', 1, producer(0)), late))).toBe('INVALID_TXN_STATE')
  const next = log.startVerification(question(0))
  expect(next).not.toBe(guard)
  log.append(batchOf('a', 1, producer(0)), { ...CLIENT, verification: next })
  expect(log.startVerification(question(1))).toBe(null)
  log.append(batchOf('b', 1, producer(1)), { ...CLIENT, verification: null })
  await log.close()
})

test('with transactions v2 the marker of the last transaction leaves the question about the next one alone', async () => {
  const log = await testLog().open()
  log.append(batchOf('a', 1, producer(0)), CLIENT)
  const guard = log.startVerification(question(0, 1, true))
  log.append(marker('COMMIT', 1), coordinator(2))
  log.append(batchOf('b', 1, producer(0, 1)), { ...CLIENT, verification: guard })
  expect(log.activeProducers()).toMatchObject([{ producerEpoch: 1, currentTxnStartOffset: 2 }])
  await log.close()
})

test('while a batch is verified no later one overtakes it, and with transactions v2 a producer begins at 0', async () => {
  const log = await testLog().open()
  const guard = log.startVerification(question(7))
  expect(log.startVerification(question(5))).toBe(guard)
  const verified = { ...CLIENT, verification: guard }
  expect(codeOf(() => log.append(batchOf('a', 1, producer(7)), verified))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  log.append(batchOf('a', 2, producer(5)), verified)
  expect(log.append(batchOf('b', 1, producer(7)), { ...CLIENT, verification: null }).firstOffset).toBe(2)
  log.append(marker('COMMIT', 1), coordinator(2))
  const v2 = { ...CLIENT, verification: log.startVerification(question(3, 1, true)) }
  expect(codeOf(() => log.append(batchOf('c', 1, producer(3, 1)), v2))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  await log.close()
})

test('markers: by version an equal epoch ends a transaction, repeats a marker, or comes from the past', async () => {
  const log = await testLog().open()
  log.append(batchOf('a', 1, producer(0, 3)), CLIENT)
  expect(codeOf(() => log.append(marker('ABORT', 2), coordinator(1)))).toBe('INVALID_PRODUCER_EPOCH')
  expect(codeOf(() => log.append(marker('ABORT', 3), coordinator(2)))).toBe('INVALID_PRODUCER_EPOCH')
  log.append(marker('ABORT', 4, 2), coordinator(2))
  expect(log.append(marker('ABORT', 4, 2), coordinator(2)).duplicate).toBe(false)
  expect(codeOf(() => log.append(marker('ABORT', 4, 1), coordinator(2)))).toBe('TRANSACTION_COORDINATOR_FENCED')
  expect(codeOf(() => log.startVerification(question(0, 3)))).toBe('INVALID_PRODUCER_EPOCH')
  expect(log.append(batchOf('b', 1, producer(0, 4)), CLIENT).firstOffset).toBe(3)
  log.append(marker('COMMIT', 4, 2), coordinator(1))
  expect(log.activeProducers()).toMatchObject([{ producerEpoch: 4, coordinatorEpoch: 2, currentTxnStartOffset: -1 }])
  await log.close()
})

test('who reads from a segment that is deleted meanwhile is told so, instead of seeing what was aborted', async () => {
  const at = testLog({ segmentBytes: 300, retentionBytes: 1, retentionMs: -1 })
  const log = await at.open()
  log.append(batchOf('aborted', 1, producer(0)), CLIENT)
  await log.append(marker('ABORT', 0), coordinator(1)).written
  for (let more = 0; more < 5; more++) await log.append(batchOf('later', 3), CLIENT).written
  log.setHighWatermark(log.writtenEnd)
  const read = await log.read(0, log.lastStableOffset, 100, true)
  expect(await log.abortedTransactions(0, read.nextOffset)).toEqual([{ producerId: 9, firstOffset: 0 }])
  await log.deleteOldSegments(0)
  expect(codeOf(() => log.abortedTransactions(0, read.nextOffset))).toBe('OFFSET_OUT_OF_RANGE')
  read.release()
  await log.close()
})

test('while a truncation works out the producers anew, nobody sees past the transaction that is open', async () => {
  const log = await testLog().open()
  log.append(batchOf('a'), CLIENT)
  log.append(batchOf('open', 1, producer(0)), CLIENT)
  for (let more = 0; more < 4; more++) await log.append(batchOf('b'), CLIENT).written
  log.setHighWatermark(6)
  const seen = new Set<number>()
  let isDone = false
  const truncated = log.truncateTo(4).then(() => (isDone = true))
  while (!isDone) {
    seen.add(log.lastStableOffset)
    await Promise.resolve()
  }
  await truncated
  expect([...seen, log.lastStableOffset, log.highWatermark]).toEqual([1, 1, 4])
  await log.close()
})

test('a producer is forgotten when its time is over, but not in the middle of a transaction', () => {
  const clock = new ManualClock()
  const state = new ProducerState()
  state.apply(batchOf('a', 1, { ...producer(0), timestampMs: clock.wallMs() }), 0)
  state.removeExpired(clock.wallMs() + 10_000, 1000)
  expect(state.firstUnstableOffset).toBe(0)
  const completed = state.apply(marker('ABORT', 0), 0)
  if (completed !== null) state.complete(completed)
  state.onHighWatermark(5)
  state.removeExpired(clock.wallMs() + 10_000, 1000)
  expect([state.size, state.firstUnstableOffset]).toEqual([0, null])
})

test('a question that nobody came back to is forgotten', () => {
  const state = new ProducerState()
  const guard = state.startVerification(question(0), 0)
  state.removeExpired(999, 1000)
  expect(state.startVerification(question(0), 1000)).toBe(guard)
  state.removeExpired(1000, 1000)
  expect(state.startVerification(question(0), 1000)).not.toBe(guard)
})
