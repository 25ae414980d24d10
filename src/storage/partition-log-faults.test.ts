/**
 * One log on a disk of arbitrary delays and failures: appends, reads, truncations, rolls, flushes and retention run at
 * once, disks fill up, processes are killed and machines lose power.
 *
 * 1. No observer sees past the written end, nor anything but what was written there.
 * 2. Every acknowledged record survives any kill of the process; every flushed one a power loss.
 * 3. Offsets are dense but for what a power loss took and was not flushed, and no offset of an acknowledged record is
 *    given again unless it was truncated.
 * 4. A repeated batch gets the original's offset, and the original's fate.
 */
import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { SILENT } from '../base/logger.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../config/log-config.ts'
import { baseOffset } from '../records/batch.ts'
import { BatchCursor } from '../records/batches.ts'
import { readRecords } from '../records/record-reader.ts'
import type { SeededRandom } from '../testing/seeded-random.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { World } from '../world/world.ts'
import type { LogRead } from './log-surface.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionLog } from './partition-log.ts'
import { TailCache } from './tail-cache.ts'
import { batchOf } from './test-log.ts'

const SEEDS = Number(process.env['KLAMM_LOG_SEEDS'] ?? 60)
const FIRST_SEED = Number(process.env['KLAMM_LOG_SEED'] ?? 0)
const ROUNDS = 5
const POWER_LOSS = Number(process.env['KLAMM_POWER'] ?? 0.3)

/** What the outside knows of the log. */
class Model {
  /** Every value that was ever assigned an offset: a crash may bring any of them back where nothing was acknowledged. */
  readonly possible = new Map<number, Set<string>>()
  acknowledged = new Map<number, string>()
  /** Offset -> first offset of its batch: a truncation takes batches whole. */
  readonly batchOf = new Map<number, number>()
  flushedEnd = 0
  /** Offsets that a power loss took while later ones stayed. */
  holes = new Set<number>()
  /** The same that a truncation took since, or was to take when its process died. */
  readonly formerHoles = new Set<number>()
  /** What went wrong in work that nobody awaits. */
  failure: Error | null = null
  /** Counts truncations and cuts: reads that overlap one are not compared. */
  cuts = 0
  next = 0
  seen = { reads: 0, records: 0, failures: 0, duplicates: 0, truncations: 0 }

  assign(firstOffset: number, offset: number, value: string): void {
    this.batchOf.set(offset, firstOffset)
    const values = this.possible.get(offset) ?? new Set()
    values.add(value)
    this.possible.set(offset, values)
  }

  acknowledge(offset: number, value: string): void {
    expect(this.acknowledged.has(offset), `offset ${offset} was acknowledged before`).toBe(false)
    this.acknowledged.set(offset, value)
    this.formerHoles.delete(offset)
  }

  /** Holes go from `holesFrom` on: who brought a batch back may have begun it elsewhere. */
  cut(end: number, holesFrom = end): void {
    this.cuts++
    for (const offset of this.acknowledged.keys()) if (offset >= end) this.acknowledged.delete(offset)
    for (const offset of this.holes) {
      if (offset < holesFrom) continue
      this.holes.delete(offset)
      this.formerHoles.add(offset)
    }
    this.flushedEnd = Math.min(this.flushedEnd, end)
  }

  /** What a new process finds missing below the log's end. */
  found(missing: ReadonlySet<number>, afterPowerLoss: boolean): void {
    for (const offset of missing) {
      const known = this.holes.has(offset) || this.formerHoles.has(offset)
      if (!known && !(afterPowerLoss && offset >= this.flushedEnd)) expect.unreachable(`offset ${offset} is lost`)
    }
    this.holes = new Set(missing)
  }

  /** The next offset behind `offset` that is no hole, at most `end`. */
  afterHoles(offset: number, end: number): number {
    let next = offset
    while (next < end && this.holes.has(next)) next++
    return next
  }

  get acknowledgedEnd(): number {
    return Math.max(-1, ...this.acknowledged.keys()) + 1
  }
}

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))('faults of seed %i', (seed) =>
  new SeededWorld(seed).run(async (world) => {
    const model = new Model()
    const { choices } = world
    const observer = world.node('observer').world.clock
    const disk = world.main.disk
    const config: LogConfig = {
      ...DEFAULT_LOG_CONFIG,
      segmentBytes: choices.between(1200, 4000),
      segmentIndexBytes: choices.between(40, 400),
      indexIntervalBytes: choices.between(0, 500),
      preallocate: choices.chance(0.2),
      flushMessages: choices.chance(0.2) ? choices.between(1, 5) : Number.MAX_SAFE_INTEGER,
    }
    const tailCache = choices.chance(0.5) ? new TailCache(choices.between(100, 4000), true) : null
    await world.main.world.disk.makeDirectory('/d')
    await world.main.world.disk.syncDirectory('/')
    for (let round = 0; round < ROUNDS; round++) {
      disk.rates.slow = choices.chance(0.5) ? 0.05 : 0
      let log = await open(world.main.world, config, tailCache, false, choices.between(1, 4))
      await expectAll(log, model, 'after opening')
      live(world.main.world, log, choices, model)
      const faults = choices.between(0, 3)
      for (let index = 0; index < faults; index++) {
        await new Promise<void>((resolve) => void observer.at(observer.monotonicMs() + choices.between(0, 40), resolve))
        const code = choices.chance(0.85) ? 'ENOSPC' : 'EIO'
        disk.failNext({ kinds: ['write', 'writeNow', 'truncate', 'open'], code, writtenBytes: choices.between(0, 200) })
      }
      await new Promise<void>((resolve) => void observer.at(observer.monotonicMs() + choices.between(0, 80), resolve))
      const power = choices.chance(POWER_LOSS)
      if (power) world.main.powerLoss()
      else world.main.crash()
      if (model.failure !== null) throw model.failure
      disk.heal()
      const least = power ? model.flushedEnd : model.acknowledgedEnd
      log = await open(world.main.world, config, tailCache, false, choices.between(1, 4))
      expect(log.writtenEnd, power ? 'after a power loss' : 'after a kill').toBeGreaterThanOrEqual(least)
      // What was not flushed may even be what a truncation had taken before.
      model.cut(power ? Math.min(model.flushedEnd, log.writtenEnd) : log.writtenEnd)
      model.found(await missingOffsets(log), power)
      await expectAll(log, model, 'after the end of a process')
      if (choices.chance(0.5)) {
        await log.close()
        log = await open(world.main.world, config, tailCache, true, choices.between(1, 4))
        await expectAll(log, model, 'after a clean close')
        model.flushedEnd = log.writtenEnd
      }
      await log.closeHard()
    }
    expect(tailCache === null ? 0 : tailCache.heldBytes).toBeLessThanOrEqual(4000)
  }),
)

function open(
  world: World,
  config: LogConfig,
  tailCache: TailCache | null,
  cleanShutdown: boolean,
  openFilesMax: number,
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
    producerIdExpirationMs: 86_400_000,
    tailCache,
    openFiles: new OpenFiles(openFilesMax),
  })
}

/** Starts everything that happens until the process dies; nothing of it is awaited. */
function live(world: World, log: PartitionLog, choices: SeededRandom, model: Model): void {
  const pause = (): Promise<void> =>
    new Promise((resolve) => void world.clock.at(world.clock.monotonicMs() + choices.between(0, 4), resolve))
  log.onWritten((end) => {
    if (end > log.writtenEnd) model.failure ??= new Error(`told of a write up to ${end}, the end is ${log.writtenEnd}`)
  })
  const forever = async (step: () => Promise<void> | void): Promise<void> => {
    try {
      for (;;) {
        await pause()
        await step()
      }
    } catch (error) {
      model.failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }
  void forever(() => append(log, choices, model))
  void forever(() => append(log, choices, model))
  void forever(() => readSome(log, choices, model))
  void forever(() => readSome(log, choices, model))
  void forever(async () => {
    if (choices.below(20) > 0) return
    if (choices.chance(0.5)) {
      const end = await orStorageError(log.flush())
      if (end !== null && end <= model.acknowledgedEnd) model.flushedEnd = Math.max(model.flushedEnd, end)
      return
    }
    const end = Math.max(log.startOffset, log.writtenEnd - choices.below(6))
    const cutEnd = model.batchOf.get(end) ?? end
    model.cut(cutEnd, end)
    model.seen.truncations++
    await orStorageError(log.truncateTo(end))
    model.cut(cutEnd, end)
  })
}

async function append(log: PartitionLog, choices: SeededRandom, model: Model): Promise<void> {
  const count = choices.between(1, 4)
  const idempotent = choices.chance(0.3)
  const value = `${model.next++}`.padEnd(choices.between(1, 200), '.')
  const producer = idempotent ? { producerId: model.next, producerEpoch: 0, baseSequence: 0 } : {}
  const build = (): Buffer => batchOf(value, count, producer)
  const words = Array.from({ length: count }, (_, index) => (count > 1 ? `${value}${index}` : value))
  let appended
  const cuts = model.cuts
  try {
    const before = log.writtenEnd
    appended = log.append(build(), { epoch: 0, origin: 'client' })
    expect(appended.duplicate).toBe(false)
    expect(appended.firstOffset).toBeGreaterThanOrEqual(before)
    const { firstOffset } = appended
    words.forEach((word, index) => model.assign(firstOffset, firstOffset + index, word))
    if (idempotent && choices.chance(0.5)) {
      const again = log.append(build(), { epoch: 0, origin: 'client' })
      expect([again.duplicate, again.firstOffset, again.lastOffset]).toEqual([
        true,
        appended.firstOffset,
        appended.lastOffset,
      ])
      model.seen.duplicates++
      if (again.written !== appended.written) await Promise.all([again.written, appended.written])
    }
  } catch (error) {
    expect(error).toBeInstanceOf(KafkaError)
    if (error instanceof KafkaError) expect(error.code).toBe('KAFKA_STORAGE_ERROR')
    appended?.written.catch(() => {})
    model.seen.failures++
    model.cuts++
    return
  }
  const { firstOffset, lastOffset } = appended
  try {
    await appended.written
  } catch (error) {
    expect(error).toBeInstanceOf(KafkaError)
    model.seen.failures++
    model.cuts++
    return
  }
  if (model.cuts !== cuts && lastOffset >= log.writtenEnd) return // truncated right away
  expect(log.writtenEnd).toBeGreaterThan(lastOffset)
  if (model.cuts === cuts) words.forEach((word, index) => model.acknowledge(firstOffset + index, word))
}

async function readSome(log: PartitionLog, choices: SeededRandom, model: Model): Promise<void> {
  const from = choices.between(log.startOffset, log.writtenEnd)
  const limit = choices.chance(0.5) ? Number.MAX_SAFE_INTEGER : choices.between(0, log.writtenEnd + 3)
  const cuts = model.cuts
  const read = await orStorageError(
    (async () => log.read(from, limit, choices.between(1, 3000), choices.chance(0.7)))(),
  )
  if (read === null) return
  try {
    if (model.cuts === cuts) check(log, model, from, Math.min(limit, log.writtenEnd), read)
  } finally {
    read.release()
  }
}

function check(log: PartitionLog, model: Model, from: number, limit: number, read: LogRead): void {
  model.seen.reads++
  let next: number | null = null
  for (const piece of read.pieces) {
    const cursor = new BatchCursor().reset(piece)
    while (cursor.next()) {
      if (next === null) expect(baseOffset(piece, cursor.at)).toBeLessThanOrEqual(model.afterHoles(from, limit))
      else expect(baseOffset(piece, cursor.at), 'offsets are dense').toBe(model.afterHoles(next, limit))
      for (const record of readRecords(piece, cursor.at)) {
        expect(record.offset, 'below the limit').toBeLessThan(limit)
        expect(record.offset, 'below the written end').toBeLessThan(log.writtenEnd)
        const value = record.value?.toString() ?? ''
        expect(model.possible.get(record.offset)?.has(value), `${value} at ${record.offset}`).toBe(true)
        const acknowledged = model.acknowledged.get(record.offset)
        if (acknowledged !== undefined) expect(value).toBe(acknowledged)
        next = record.offset + 1
        model.seen.records++
      }
    }
    expect(cursor.position, 'whole batches').toBe(piece.length)
  }
  expect(read.nextOffset).toBe(next ?? from)
}

/** Reads the log from its start: dense, right, up to its end. */
async function expectAll(log: PartitionLog, model: Model, when: string): Promise<void> {
  let next = log.startOffset
  await log.scan(next, (bytes, at) => {
    next = model.afterHoles(next, baseOffset(bytes, at))
    for (const record of readRecords(bytes, at)) {
      expect(record.offset, when).toBe(next)
      const value = record.value?.toString() ?? ''
      expect(model.possible.get(next)?.has(value), `${value} at ${next} ${when}`).toBe(true)
      const acknowledged = model.acknowledged.get(next)
      if (acknowledged !== undefined) expect(value, when).toBe(acknowledged)
      next++
    }
  })
  expect(model.afterHoles(next, log.writtenEnd), `the end ${when}`).toBe(log.writtenEnd)
}

async function missingOffsets(log: PartitionLog): Promise<Set<number>> {
  const missing = new Set<number>()
  let next = log.startOffset
  await log.scan(log.startOffset, (bytes, at) => {
    for (const record of readRecords(bytes, at)) {
      for (; next < record.offset; next++) missing.add(next)
      next = record.offset + 1
    }
  })
  for (; next < log.writtenEnd; next++) missing.add(next)
  return missing
}

async function orStorageError<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result
  } catch (error) {
    if (error instanceof KafkaError) return null
    if (error instanceof Error && error.name === 'DiskError') return null
    throw error
  }
}
