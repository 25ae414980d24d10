/**
 * A manager with two directories is killed, or loses power, at any moment of opening, appending, flushing, deleting,
 * moving between directories, following a leader, truncating, checkpointing and closing, several times in a row. Reopening never
 * fails; after a killed process everything written is
 * there, after a power loss everything flushed; what is there is whole, dense and right.
 */
import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { baseOffset, entryBytes } from '../records/batch.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { readRecords } from '../records/record-reader.ts'
import type { SeededRandom } from '../testing/seeded-random.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { World } from '../world/world.ts'
import { DEFAULT_MAINTENANCE_INTERVALS } from './log-maintenance.ts'
import type { LogManager } from './log-manager.ts'
import { writeMetaProperties } from './meta-properties.ts'
import type { PartitionLog } from './partition-log.ts'
import { topicPartitionName } from './topic-partition.ts'
import { openTestManager } from './test-log-manager.ts'

const IDS = ['nLiBKRtUTHOn4PqZgTBHRQ', 'kJuQTwa3GyYPGrQdyhK3bA'].map((id) => parseUuid(id) as Uuid)
const TOPIC = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const PATHS = ['/a', '/b']
const PARTITIONS = 6
const ROUNDS = 4
const SEEDS = Number(process.env['KLAMM_LOG_SEEDS'] ?? 40)
const FIRST_SEED = Number(process.env['KLAMM_LOG_SEED'] ?? 0)
const CONFIG = { ...DEFAULT_LOG_CONFIG, segmentBytes: 1500, segmentIndexBytes: 1200, indexIntervalBytes: 200 }
const INTERVALS = {
  ...DEFAULT_MAINTENANCE_INTERVALS,
  recoveryPointCheckpointMs: 70,
  logStartCheckpointMs: 90,
  highWatermarkCheckpointMs: 30,
}

/** What must be found again. Absent: the partition was never created, or is being deleted. */
interface Promised {
  written: number
  flushed: number
  /** Offsets that a power loss took while later ones stayed: pages and files are lost independently. */
  holes: ReadonlySet<number>
}

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))(
  'nothing promised is lost, seed %i',
  (seed) =>
    new SeededWorld(seed).run(async (world) => {
      // Four log files at once, or as many as they like.
      world.main.disk.openFilesMax = seed % 2 === 0 ? 8 : Infinity
      await format(world.main.world)
      const promised = new Map<string, Promised>()
      const observer = world.node('observer').world.clock
      for (let round = 0; round < ROUNDS; round++) {
        world.main.disk.rates.slow = 0
        const failures: Error[] = []
        live(world.main.world, world.choices, promised).catch((error: Error) => failures.push(error))
        const lifeMs = world.choices.below(world.choices.below(2) === 0 ? 30 : 600)
        await new Promise<void>((resolve) => void observer.at(observer.monotonicMs() + lifeMs, resolve))
        const power = world.choices.below(2) === 0
        if (power) world.main.powerLoss()
        else world.main.crash()
        const [failure] = failures
        if (failure !== undefined) throw failure
        const manager = await open(world.main.world)
        for (const [name, { written, flushed, holes }] of promised) {
          const [topic = '', partition = ''] = name.split('-')
          const log = manager.get(topic, Number(partition))
          const least = power ? flushed : written
          if (log === null) {
            expect(least, `${name} is gone`).toBe(0)
            promised.delete(name)
            continue
          }
          expect(log.writtenEnd, `end of ${name} after ${power ? 'a power loss' : 'a crash'}`).toBeGreaterThanOrEqual(
            least,
          )
          const missing = await missingOffsets(log, name)
          for (const offset of missing)
            if (offset < least && !holes.has(offset)) expect.unreachable(`${name}:${offset} is lost`)
          promised.set(name, { written: log.writtenEnd, flushed: Math.min(flushed, log.writtenEnd), holes: missing })
        }
        expect(manager.hasOfflineDirectories).toBe(false)
        if (world.choices.below(2) === 0) {
          await manager.close(round)
          for (const promise of promised.values()) promise.flushed = promise.written
        } else await manager.closeHard()
      }
    }),
)

/** One process until it dies: opens, works, perhaps closes. */
async function live(world: World, choices: SeededRandom, promised: Map<string, Promised>): Promise<void> {
  const manager = await open(world)
  manager.start(null)
  const steps = choices.below(60)
  for (let step = 0; step < steps; step++) {
    const topic = 't'
    const partition = choices.below(PARTITIONS)
    const name = topicPartitionName(topic, partition)
    const log = manager.get(topic, partition)
    if (log === null || log.topicId === null) {
      await manager.getOrCreate(topic, partition, { topicId: TOPIC, isNew: true, directoryId: null })
      if (!promised.has(name)) promised.set(name, { written: 0, flushed: 0, holes: new Set() })
      continue
    }
    const kind = choices.below(20)
    if (kind < choices.below(4)) {
      promised.delete(name)
      await manager.delete(topic, partition)
    } else if (kind < 7) {
      const end = await log.flush()
      const promise = promised.get(name)
      if (promise !== undefined) promise.flushed = Math.max(promise.flushed, end)
    } else if (kind === 8) {
      await manager.writeCheckpoints('recoveryPoint')
    } else if (kind === 9) {
      await manager.moveTo(topic, partition, PATHS[choices.below(2)] ?? '')
    } else if (kind === 10) {
      await truncate(log, choices, promised.get(name), (end) => log.truncateTo(end))
    } else if (kind === 11) {
      // As followers do it, whose log may be on its way elsewhere.
      await truncate(log, choices, promised.get(name), (end) =>
        manager.cut(topic, partition, (at) => at.truncateTo(end)),
      )
    } else if (kind < 14) {
      await follow(log, name, choices, promised)
    } else {
      const appends = Array.from({ length: 1 + choices.below(5) }, () => appendOne(log, name, promised))
      await Promise.all(appends)
      log.setHighWatermark(log.writtenEnd)
    }
  }
  const all = [...manager.all()].map((log) => ({ name: nameOf(log), end: log.writtenEnd }))
  await manager.close(1)
  for (const { name, end } of all) Object.assign(promised.get(name) ?? {}, { written: end, flushed: end })
}

async function truncate(
  log: PartitionLog,
  choices: SeededRandom,
  promise: Promised | undefined,
  cutTo: (end: number) => Promise<void>,
): Promise<void> {
  const end = Math.max(log.startOffset, log.writtenEnd - choices.below(20))
  // Batches hold three records: the one with `end` goes whole.
  const least = Math.max(log.startOffset, end - 2)
  if (promise !== undefined) {
    promise.written = Math.min(promise.written, least)
    promise.flushed = Math.min(promise.flushed, least)
  }
  await orRefused(cutTo(end))
  if (promise !== undefined) promise.written = Math.min(log.writtenEnd, promise.written)
}

/** While a log changes directories it takes nothing; when it has, there is another log for the partition. */
async function orRefused(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'KAFKA_STORAGE_ERROR') return false
    throw error
  }
}

async function appendOne(log: PartitionLog, name: string, promised: Map<string, Promised>): Promise<void> {
  const records = recordsOf(name, log.assignedEnd)
  let lastOffset = -1
  const write = async (): Promise<void> => {
    const appended = log.append(buildBatch({ records }), { epoch: 0, origin: 'client' })
    lastOffset = appended.lastOffset
    await appended.written
  }
  const isWritten = await orRefused(write())
  const promise = promised.get(name)
  if (isWritten && promise !== undefined) promise.written = Math.max(promise.written, lastOffset + 1)
}

/** Some batches of a leader at once, the last of them perhaps in part. */
async function follow(
  log: PartitionLog,
  name: string,
  choices: SeededRandom,
  promised: Map<string, Promised>,
): Promise<void> {
  const batches: Buffer[] = []
  let end = log.assignedEnd
  for (let count = 1 + choices.below(8); count > 0; count--) {
    batches.push(buildBatch({ baseOffset: end, epoch: 0, records: recordsOf(name, end) }))
    end += 3
  }
  const whole = Buffer.concat(batches)
  const isCut = choices.below(2) === 0
  const write = async (): Promise<void> => {
    await log.appendAsFollower(isCut ? whole.subarray(0, whole.length - 1) : whole, 0)?.written
  }
  const isWritten = await orRefused(write())
  const promise = promised.get(name)
  if (isWritten && promise !== undefined) promise.written = Math.max(promise.written, isCut ? end - 3 : end)
}

function recordsOf(name: string, offset: number): { timestamp: number; value: Buffer }[] {
  return Array.from({ length: 3 }, (_, index) => ({
    timestamp: 1_767_225_600_000,
    value: Buffer.from(`${name}:${offset + index}`.padEnd(60, '.')),
  }))
}

/** Reads all; each record must say its own name and offset, in order. */
async function missingOffsets(log: PartitionLog, name: string): Promise<Set<number>> {
  const missing = new Set<number>()
  let next = log.startOffset
  await log.scan(next, (bytes, at, size) => {
    expect(entryBytes(bytes, at)).toBe(size)
    expect(baseOffset(bytes, at)).toBeGreaterThanOrEqual(next)
    for (; next < baseOffset(bytes, at); next++) missing.add(next)
    for (const record of readRecords(bytes, at)) {
      expect([record.offset, record.value?.toString().replace(/\.+$/, '')]).toEqual([next, `${name}:${next}`])
      next++
    }
  })
  for (; next < log.writtenEnd; next++) missing.add(next)
  return missing
}

function nameOf({ topicPartition: { topic, partition } }: PartitionLog): string {
  return topicPartitionName(topic, partition)
}

async function format(world: World): Promise<void> {
  for (const [index, path] of PATHS.entries()) {
    await world.disk.makeDirectory(path)
    const properties = { version: 1, clusterId: 'c', nodeId: 1, directoryId: IDS[index] ?? null } as const
    await writeMetaProperties(world.disk, path, properties, 0)
  }
  await world.disk.syncDirectory('/')
}

function open(world: World): Promise<LogManager> {
  return openTestManager(world, PATHS, { defaultConfig: CONFIG, intervals: INTERVALS, inFlightMax: 3 })
}
