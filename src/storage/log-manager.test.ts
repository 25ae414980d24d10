import { expect, test } from 'vitest'
import { SILENT, type Logger } from '../base/logger.ts'
import { DIRECTORY_LOST, DIRECTORY_UNASSIGNED, parseUuid, type Uuid } from '../base/uuid.ts'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../config/log-config.ts'
import { baseOffset } from '../records/batch.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { readRecords } from '../records/record-reader.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { DEFAULT_MAINTENANCE_INTERVALS } from './log-maintenance.ts'
import type { DirectoryFailure, LogManager, LogManagerOptions } from './log-manager.ts'
import { writeMetaProperties } from './meta-properties.ts'
import type { PartitionLog } from './partition-log.ts'
import { openTestManager } from './test-log-manager.ts'

const IDS = ['nLiBKRtUTHOn4PqZgTBHRQ', 'kJuQTwa3GyYPGrQdyhK3bA', 'HR-7oTqQvIZtcYr5prXTfw'].map(
  (id) => parseUuid(id) as Uuid,
)
const TOPIC = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const PATHS = ['/a', '/b', '/c']
const CONFIG: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 4096, segmentIndexBytes: 4096 }
const NEW = { topicId: TOPIC, isNew: true, directoryId: null }

async function format(world: SeededWorld, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const path = PATHS[index] ?? ''
    await world.disk.makeDirectory(path)
    const properties = { version: 1, clusterId: 'c', nodeId: 1, directoryId: IDS[index] ?? null } as const
    await writeMetaProperties(world.disk, path, properties, 0)
  }
  await world.disk.syncDirectory('/')
}

function open(world: SeededWorld, count: number, change: Partial<LogManagerOptions> = {}): Promise<LogManager> {
  return openTestManager(world, PATHS.slice(0, count), { defaultConfig: CONFIG, ...change })
}

function seeded(seed: number, count: number, task: (world: SeededWorld) => Promise<void>): Promise<void> {
  return new SeededWorld(seed).run(async (world) => {
    await format(world, count)
    await task(world)
  })
}

async function append(log: PartitionLog, text = 'value'): Promise<number> {
  const appended = log.append(batch(text), { epoch: 0, origin: 'client' })
  await appended.written
  return appended.firstOffset
}

function batch(text: string): Buffer {
  return buildBatch({ records: [{ timestamp: 1_767_225_600_000, key: null, value: Buffer.from(text) }] })
}

async function names(world: SeededWorld, path: string): Promise<string[]> {
  return ((await world.disk.list(path)) ?? []).map(({ name }) => name).sort()
}

test('records, offsets and places survive a clean shutdown, which is known as one', () =>
  seeded(1, 2, async (world) => {
    const first = await open(world, 2)
    expect(first.previousBrokerEpoch).toBe(-1)
    for (let partition = 0; partition < 4; partition++) {
      const log = await first.getOrCreate('t', partition, NEW)
      for (let record = 0; record <= partition; record++) await append(log)
      log.setHighWatermark(log.writtenEnd)
    }
    await first.close(14)
    expect(await names(world, '/a')).toEqual([
      '.kafka_cleanshutdown',
      '.lock',
      'log-start-offset-checkpoint',
      'meta.properties',
      'recovery-point-offset-checkpoint',
      'replication-offset-checkpoint',
      't-0',
      't-2',
    ])
    const checkpoint = await world.disk.readFile('/a/recovery-point-offset-checkpoint')
    expect(checkpoint?.toString()).toBe('0\n2\nt 0 1\nt 2 3\n')
    expect((await world.disk.readFile('/b/log-start-offset-checkpoint'))?.toString()).toBe('0\n0\n')
    const second = await open(world, 2)
    expect(second.previousBrokerEpoch).toBe(14)
    for (let partition = 0; partition < 4; partition++) {
      const log = second.get('t', partition)
      expect([log?.writtenEnd, log?.highWatermark, log?.topicId]).toEqual([partition + 1, partition + 1, TOPIC])
    }
    expect(await names(world, '/a')).not.toContain('.kafka_cleanshutdown')
    await second.close(15)
  }))

test('new logs go to the directory with the fewest, or to the one that is asked for', () =>
  seeded(2, 3, async (world) => {
    const manager = await open(world, 3)
    for (let partition = 0; partition < 4; partition++) {
      await manager.getOrCreate('asked', partition, { ...NEW, directoryId: IDS[1] ?? null })
    }
    manager.setPreferredDirectory('preferred', 0, '/c')
    await manager.getOrCreate('preferred', 0, { ...NEW, directoryId: IDS[1] ?? null })
    for (let partition = 0; partition < 3; partition++) await manager.getOrCreate('free', partition, NEW)
    const at = (topic: string, partition: number): string | undefined => manager.directoryOf(topic, partition)?.path
    expect([0, 1, 2, 3].map((partition) => at('asked', partition))).toEqual(['/b', '/b', '/b', '/b'])
    expect(at('preferred', 0)).toBe('/c')
    expect([0, 1, 2].map((partition) => at('free', partition))).toEqual(['/a', '/a', '/c'])
    await manager.close(1)
  }))

test('one partition asked for by many at once is created once', () =>
  seeded(3, 2, async (world) => {
    const manager = await open(world, 2)
    const logs = await Promise.all([1, 2, 3].map(() => manager.getOrCreate('t', 0, NEW)))
    expect(new Set(logs).size).toBe(1)
    expect([...manager.all()].length).toBe(1)
    await manager.close(1)
  }))

test('a log of another topic id under the same name is not handed out', () =>
  seeded(4, 1, async (world) => {
    const manager = await open(world, 1)
    await append(await manager.getOrCreate('t', 0, NEW))
    await expect(manager.getOrCreate('t', 0, { ...NEW, topicId: IDS[0] ?? null })).rejects.toMatchObject({
      code: 'INCONSISTENT_TOPIC_ID',
    })
    await manager.close(1)
  }))

test('a deleted partition is gone at once, its files after the delay, and its name is free again', () =>
  seeded(5, 1, async (world) => {
    const manager = await open(world, 1)
    await append(await manager.getOrCreate('t', 0, NEW))
    await manager.writeCheckpoints('recoveryPoint')
    const deleting = manager.delete('t', 0)
    expect(manager.get('t', 0)).toBe(null)
    const anew = await manager.getOrCreate('t', 0, { ...NEW, topicId: IDS[2] ?? null })
    await deleting
    expect(anew.writtenEnd).toBe(0)
    const left = (await names(world, '/a')).filter((name) => name.startsWith('t-'))
    expect(left).toEqual(['t-0', expect.stringMatching(/^t-0\.[0-9a-f]{32}-delete$/)])
    await passed(world, 61_000)
    expect((await names(world, '/a')).filter((name) => name.startsWith('t-'))).toEqual(['t-0'])
    await manager.close(1)
  }))

test('directories that wait for removal are removed after the delay of a restart too', () =>
  seeded(6, 1, async (world) => {
    const first = await open(world, 1)
    await first.getOrCreate('t', 0, NEW)
    await first.delete('t', 0)
    await first.close(1)
    const second = await open(world, 1)
    expect(second.get('t', 0)).toBe(null)
    expect((await names(world, '/a')).some((name) => name.endsWith('-delete'))).toBe(true)
    await passed(world, 61_000)
    expect((await names(world, '/a')).some((name) => name.endsWith('-delete'))).toBe(false)
    await second.close(1)
  }))

test('a new log does not inherit the checkpoints of a deleted one with its name, whenever the crash comes', async () => {
  for (let lifeMs = 0; lifeMs < 60; lifeMs += 2) {
    const world = new SeededWorld(lifeMs)
    await world.run(async () => {
      await format(world, 1)
      const first = await open(world, 1)
      const log = await first.getOrCreate('t', 0, NEW)
      for (let record = 0; record < 3; record++) await append(log)
      log.setHighWatermark(3)
      await log.flush()
      await first.writeCheckpoints('recoveryPoint')
      await first.writeCheckpoints('highWatermark')
      void first.delete('t', 0)
      const observer = world.node('observer').world.clock
      await new Promise<void>((resolve) => void observer.at(observer.monotonicMs() + lifeMs, resolve))
      world.main.crash()
      const second = await open(world, 1)
      const anew = second.get('t', 0) ?? (await second.getOrCreate('t', 0, NEW))
      const isOld = anew.writtenEnd === 3
      await second.closeHard()
      const recovery = (await world.disk.readFile('/a/recovery-point-offset-checkpoint'))?.toString()
      if (!isOld) expect([lifeMs, recovery]).toEqual([lifeMs, '0\n0\n'])
    })
  }
})

test('what the cluster does not know is renamed and no longer served', () =>
  seeded(7, 1, async (world) => {
    const first = await open(world, 1)
    await append(await first.getOrCreate('known', 0, NEW))
    await append(await first.getOrCreate('ghost', 0, { ...NEW, topicId: IDS[2] ?? null }))
    await first.getOrCreate('empty', 0, { ...NEW, topicId: null })
    await first.close(1)
    const second = await open(world, 1, { isKnown: ({ topicId }) => topicId === TOPIC })
    expect([...second.all()].map((log) => log.topicPartition.topic)).toEqual(['known'])
    await second.close(1)
    const third = await open(world, 1)
    expect([...third.all()].map((log) => log.topicPartition.topic)).toEqual(['known'])
    expect((await names(world, '/a')).filter((name) => name.endsWith('-stray')).length).toBe(2)
    await third.close(1)
  }))

test('a crash at the end of a move leaves two logs of a partition: the one that goes further serves', () =>
  seeded(8, 2, async (world) => {
    const first = await open(world, 2)
    const log = await first.getOrCreate('t', 0, NEW)
    const { path = '' } = first.directoryOf('t', 0) ?? {}
    const other = path === '/a' ? '/b' : '/a'
    await append(log, 'in both')
    await log.flush()
    await world.disk.makeDirectory(`${other}/t-0`)
    for (const { name } of (await world.disk.list(`${path}/t-0`)) ?? []) {
      const bytes = await world.disk.readFile(`${path}/t-0/${name}`)
      await world.disk.writeFile(`${other}/t-0/${name}`, bytes ?? Buffer.alloc(0))
    }
    await append(log, 'only here')
    await first.closeHard()
    const second = await open(world, 2)
    expect([second.directoryOf('t', 0)?.path, second.get('t', 0)?.writtenEnd]).toEqual([path, 2])
    expect((await names(world, other)).filter((name) => name.startsWith('t-'))).toEqual([
      expect.stringMatching(/-stray$/),
    ])
    await second.close(1)
  }))

test('a truncation below what was flushed lowers the stored recovery point before anything is cut', () =>
  seeded(8, 1, async (world) => {
    const manager = await open(world, 1)
    const log = await manager.getOrCreate('t', 0, NEW)
    for (const text of ['a', 'b', 'c']) await append(log, text)
    await log.flush()
    await manager.writeCheckpoints('recoveryPoint')
    await log.truncateTo(1)
    const text = (await world.disk.readFile('/a/recovery-point-offset-checkpoint'))?.toString()
    expect(text).toContain('t 0 1\n')
    await manager.close(1)
  }))

test('one partition of two topics in two directories stops the start', () =>
  seeded(8, 2, async (world) => {
    for (const [path, id] of [
      ['/a', 'AAAAAAAAAAAAAAAAAAAAAQ'],
      ['/b', 'AAAAAAAAAAAAAAAAAAAAAg'],
    ]) {
      await world.disk.makeDirectory(`${path}/t-0`)
      await world.disk.writeFile(`${path}/t-0/partition.metadata`, Buffer.from(`version: 0\ntopic_id: ${id}`))
    }
    await expect(open(world, 2)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^Duplicate log directories for t-0 are found in both/),
    })
  }))

test('of one partition of two topics in two directories the one that the cluster knows is served', () =>
  seeded(8, 2, async (world) => {
    const first = await open(world, 2)
    await append(await first.getOrCreate('t', 0, NEW))
    const { path } = first.directoryOf('t', 0) ?? {}
    await first.close(1)
    // The topic was deleted and made again while this directory was offline.
    const other = path === '/a' ? '/b' : '/a'
    await world.disk.makeDirectory(`${other}/t-0`)
    const metadata = Buffer.from(`version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg`)
    await world.disk.writeFile(`${other}/t-0/partition.metadata`, metadata)
    const second = await open(world, 2, { isKnown: ({ topicId }) => topicId === TOPIC })
    expect([...second.all()].map((log) => [log.directory, log.writtenEnd])).toEqual([[`${path}/t-0`, 1]])
    expect((await names(world, other)).filter((name) => name.endsWith('-stray'))).toHaveLength(1)
    await second.close(1)
  }))

test('a disk error takes one directory offline, with its logs; the others live on', () =>
  seeded(9, 2, async (world) => {
    const lines: string[] = []
    const logger: Logger = { ...SILENT, error: (line) => void lines.push(line) }
    const manager = await open(world, 2, { logger })
    const failures: DirectoryFailure[] = []
    manager.onDirectoryFailed((failure) => failures.push(failure))
    for (let partition = 0; partition < 4; partition++) await append(await manager.getOrCreate('t', partition, NEW))
    const broken = manager.get('t', 0)
    world.main.disk.failNext({ kinds: ['write', 'writeNow'], path: '/a/t-0', code: 'EIO', times: 9 })
    await expect(append(broken as PartitionLog)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    await passed(world, 1000)
    expect(failures).toMatchObject([
      {
        path: '/a',
        id: IDS[0],
        liveDirectories: 1,
        partitions: [
          { topic: 't', partition: 0 },
          { topic: 't', partition: 2 },
        ],
      },
    ])
    expect(lines.some((line) => line.includes('Stopping serving logs in dir /a'))).toBe(true)
    expect([0, 1, 2, 3].map((partition) => manager.isOffline('t', partition))).toEqual([true, false, true, false])
    expect([0, 1, 2, 3].map((partition) => manager.get('t', partition) === null)).toEqual([true, false, true, false])
    await append(manager.get('t', 1) as PartitionLog)
    // It may be on the directory that is offline.
    await expect(manager.getOrCreate('t', 0, { ...NEW, isNew: false })).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
    })
    await manager.getOrCreate('new', 0, NEW)
    expect(manager.directoryOf('new', 0)?.path).toBe('/b')
    // It is not there: the cluster has it in the other one.
    await manager.getOrCreate('t', 2, { ...NEW, isNew: false, directoryId: IDS[1]! })
    expect([manager.directoryOf('t', 2)?.path, manager.isOffline('t', 2)]).toEqual(['/b', false])
    // Lost, it may be there; without a place yet (a topic made while the node was away), it is made.
    const known = { ...NEW, isNew: false }
    await expect(manager.getOrCreate('u', 0, { ...known, directoryId: DIRECTORY_LOST })).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
    })
    await manager.getOrCreate('u', 1, { ...known, directoryId: DIRECTORY_UNASSIGNED })
    expect(manager.directoryOf('u', 1)?.path).toBe('/b')
    expect((await manager.describe()).map(({ path, isOffline }) => [path, isOffline])).toEqual([
      ['/a', true],
      ['/b', false],
    ])
    await manager.close(3)
    expect(await names(world, '/a')).not.toContain('.kafka_cleanshutdown')
    expect(await names(world, '/b')).toContain('.kafka_cleanshutdown')
  }))

test('a log whose directory fails while it is made is made in another one', () =>
  seeded(12, 2, async (world) => {
    const manager = await open(world, 2)
    for (let partition = 0; partition < 2; partition++) await append(await manager.getOrCreate('t', partition, NEW))
    const broken = manager.get('t', 0) as PartitionLog
    expect(broken.directory).toBe('/a/t-0')
    world.main.disk.failNext({ kinds: ['write', 'writeNow'], path: '/a/t-0', code: 'EIO', times: 9 })
    const made = manager.getOrCreate('new', 0, NEW)
    await expect(append(broken)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    expect((await made).directory).toBe('/b/new-0')
    expect(manager.directoryOf('t', 0)).toBe(null)
    await append(manager.get('new', 0) as PartitionLog)
    await manager.close(1)
  }))

test('a checkpoint that cannot be written takes the directory offline; with the last one the node has nothing left', () =>
  seeded(10, 2, async (world) => {
    const manager = await open(world, 2)
    manager.start(null)
    // What is as it was is not written again.
    for (let partition = 0; partition < 2; partition++) await append(await manager.getOrCreate('t', partition, NEW))
    const left: number[] = []
    manager.onDirectoryFailed((failure) => left.push(failure.liveDirectories))
    world.main.disk.failNext({ kinds: ['sync'], path: '/b/replication-offset-checkpoint', code: 'EIO' })
    await passed(world, 6000)
    expect(left).toEqual([1])
    world.main.disk.failNext({ kinds: ['open', 'write'], path: '/a/recovery-point', code: 'ENOSPC' })
    await passed(world, 60_000)
    expect(left).toEqual([1, 0])
    await manager.close(1)
  }))

test('a directory that cannot be loaded is offline, and a node without any stops', () =>
  seeded(11, 2, async (world) => {
    const first = await open(world, 2)
    for (let partition = 0; partition < 2; partition++) await append(await first.getOrCreate('t', partition, NEW))
    await first.closeHard()
    world.main.disk.failNext({ kinds: ['read', 'open', 'list'], path: '/b/t-1', code: 'EIO', times: 9 })
    const second = await open(world, 2)
    expect(second.liveDirectories.map(({ path }) => path)).toEqual(['/a'])
    expect(second.previousBrokerEpoch).toBe(-1)
    expect(second.get('t', 0)?.writtenEnd).toBe(1)
    await second.closeHard()
    world.main.disk.heal()
    world.main.disk.failNext({ kinds: ['list'], path: '/', code: 'EIO', times: 9 })
    await expect(open(world, 2)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  }))

test('checkpoints follow the logs: high watermarks every 5 s, recovery points and log starts every minute', () =>
  seeded(12, 1, async (world) => {
    const manager = await open(world, 1)
    manager.start(null)
    const log = await manager.getOrCreate('t', 0, NEW)
    for (let record = 0; record < 5; record++) await append(log)
    log.setHighWatermark(4)
    log.deleteRecordsBefore(3)
    const read = async (name: string): Promise<string | undefined> =>
      (await world.disk.readFile(`/a/${name}`))?.toString()
    await passed(world, 6000)
    expect(await read('replication-offset-checkpoint')).toBe('0\n1\nt 0 4\n')
    await log.flush()
    await passed(world, 90_000)
    expect(await read('recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 5\n')
    expect(await read('log-start-offset-checkpoint')).toBe('0\n1\nt 0 3\n')
    await manager.closeHard()
    const second = await open(world, 1)
    expect(second.get('t', 0)).toMatchObject({ startOffset: 3, highWatermark: 4, writtenEnd: 5 })
    await second.close(1)
  }))

test('a log start that the first segment says itself is in no checkpoint', () =>
  seeded(13, 1, async (world) => {
    const manager = await open(world, 1)
    const log = await manager.getOrCreate('t', 0, NEW)
    await log.truncateFullyAndStartAt(100)
    await append(log)
    await manager.writeCheckpoints('logStart')
    expect((await world.disk.readFile('/a/log-start-offset-checkpoint'))?.toString()).toBe('0\n0\n')
    await manager.close(1)
  }))

test('old segments go after the first half minute, by the configuration of their topic', () =>
  seeded(14, 1, async (world) => {
    const short = { ...CONFIG, retentionBytes: 4096 }
    const manager = await open(world, 1, { topicConfigs: new Map([['short', short]]) })
    for (const topic of ['short', 'long', 'later']) {
      const log = await manager.getOrCreate(topic, 0, NEW)
      for (let record = 0; record < 8; record++) await append(log, 'x'.repeat(2000))
      log.setHighWatermark(log.writtenEnd)
    }
    manager.start(null)
    await passed(world, 29_000)
    expect(manager.get('short', 0)?.startOffset).toBe(0)
    await passed(world, 10_000)
    expect(manager.get('short', 0)?.startOffset).toBeGreaterThan(2)
    expect(manager.get('long', 0)?.startOffset).toBe(0)
    manager.setTopicConfig('later', short)
    manager.setDefaultConfig({ ...CONFIG, retentionMs: 12_345 })
    expect(manager.get('later', 0)?.config).toBe(short)
    expect(manager.get('long', 0)?.config.retentionMs).toBe(12_345)
    await passed(world, 301_000)
    expect(manager.get('later', 0)?.startOffset).toBeGreaterThan(2)
    await manager.close(1)
  }))

test('flush.ms is kept by the scheduler', () =>
  seeded(15, 1, async (world) => {
    const intervals = { ...DEFAULT_MAINTENANCE_INTERVALS, flushSchedulerMs: 1000 }
    const manager = await open(world, 1, { intervals, defaultConfig: { ...CONFIG, flushMs: 2000 } })
    manager.start(null)
    const log = await manager.getOrCreate('t', 0, NEW)
    await append(log)
    expect(log.recoveryPoint).toBe(0)
    await passed(world, 35_000)
    expect(log.recoveryPoint).toBe(1)
    await manager.close(1)
  }))

test('a description tells sizes, lags and space', () =>
  seeded(16, 1, async (world) => {
    const manager = await open(world, 1)
    const log = await manager.getOrCreate('t', 0, NEW)
    await append(log)
    const [directory] = await manager.describe()
    expect(directory?.partitions).toEqual([
      { topic: 't', partition: 0, sizeBytes: log.sizeBytes, offsetLag: 0, isFuture: false },
    ])
    expect(directory?.usableBytes).toBeGreaterThan(0)
    expect(directory?.totalBytes).toBeGreaterThanOrEqual(directory?.usableBytes ?? Infinity)
    await manager.close(1)
  }))

test('a partition moves to another directory under load: nothing is lost, the old directory goes', () =>
  seeded(17, 2, async (world) => {
    const manager = await open(world, 2)
    manager.start(null)
    const moved: PartitionLog[] = []
    manager.onMoved((log) => moved.push(log))
    const log = await manager.getOrCreate('t', 0, NEW)
    for (let record = 0; record < 50; record++) await append(log, `${record}`.padEnd(300, '.'))
    log.setHighWatermark(log.writtenEnd)
    log.deleteRecordsBefore(3)
    await manager.moveTo('t', 0, '/b')
    expect((await manager.describe()).map(({ partitions }) => partitions.map(({ isFuture }) => isFuture))).toEqual([
      [false],
      [true],
    ])
    for (let record = 50; moved.length === 0; record++) {
      const current = manager.get('t', 0) as PartitionLog
      await append(current, `${record}`.padEnd(300, '.'))
      current.setHighWatermark(current.writtenEnd)
      if (record > 70) await passed(world, 20)
    }
    expect(manager.get('t', 0)).toBe(moved[0])
    for (let record = 0; record < 30; record++) await append(moved[0] as PartitionLog)
    await passed(world, 1000)
    expect(manager.directoryOf('t', 0)?.path).toBe('/b')
    expect(manager.future('t', 0)).toBe(null)
    expect((await names(world, '/b')).filter((name) => name.startsWith('t-'))).toEqual(['t-0'])
    expect((await names(world, '/a')).filter((name) => name.startsWith('t-'))).toEqual([
      expect.stringMatching(/-delete$/),
    ])
    const offsets: number[] = []
    await moved[0]?.scan(0, (bytes, at) => void offsets.push(baseOffset(bytes, at)))
    expect(offsets).toEqual(
      Array.from({ length: (moved[0]?.writtenEnd ?? 0) - (offsets[0] ?? 0) }, (_, index) => index + (offsets[0] ?? 0)),
    )
    const { startOffset, writtenEnd, topicId } = moved[0] as PartitionLog
    expect([startOffset, topicId]).toEqual([3, TOPIC])
    await manager.close(1)
    const second = await open(world, 2)
    expect(second.get('t', 0)).toMatchObject({ startOffset: 3, writtenEnd, topicId: TOPIC })
    await second.close(1)
  }))

test('a move that a restart interrupts goes on afterwards', () =>
  seeded(18, 2, async (world) => {
    const first = await open(world, 2)
    first.start(null)
    const log = await first.getOrCreate('t', 0, NEW)
    for (let record = 0; record < 200; record++) await append(log, 'x'.repeat(1000))
    log.setHighWatermark(log.writtenEnd)
    await first.moveTo('t', 0, '/b')
    await first.closeHard()
    expect((await names(world, '/b')).some((name) => name.endsWith('-future'))).toBe(true)
    const second = await open(world, 2)
    expect(second.directoryOf('t', 0)?.path).toBe('/a')
    second.start(null)
    await passed(world, 3000)
    expect(second.directoryOf('t', 0)?.path).toBe('/b')
    expect(second.get('t', 0)?.writtenEnd).toBe(200)
    await second.close(1)
  }))

test('moves to where the partition is, elsewhere again, to unknown and offline directories are answered as Kafka does', () =>
  seeded(19, 3, async (world) => {
    const manager = await open(world, 3)
    manager.start(null)
    const log = await manager.getOrCreate('t', 0, { ...NEW, directoryId: IDS[0] ?? null })
    for (let record = 0; record < 100; record++) await append(log, 'x'.repeat(1000))
    await manager.moveTo('t', 0, '/a')
    expect(manager.future('t', 0)).toBe(null)
    await manager.moveTo('t', 0, '/b')
    await manager.moveTo('t', 0, '/c')
    await passed(world, 3000)
    expect(manager.directoryOf('t', 0)?.path).toBe('/c')
    expect((await names(world, '/b')).filter((name) => name.endsWith('-future'))).toEqual([])
    await expect(manager.moveTo('t', 0, '/nowhere')).rejects.toMatchObject({ code: 'LOG_DIR_NOT_FOUND' })
    await expect(manager.moveTo('new', 0, '/b')).rejects.toMatchObject({ code: 'REPLICA_NOT_AVAILABLE' })
    await manager.getOrCreate('new', 0, NEW)
    expect(manager.directoryOf('new', 0)?.path).toBe('/b')
    world.main.disk.failNext({ kinds: ['open', 'write', 'makeDirectory'], path: '/b/t-0', code: 'EIO', times: 9 })
    await expect(manager.moveTo('t', 0, '/b')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    await expect(manager.moveTo('t', 0, '/b')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' })
    expect(manager.get('t', 0)?.writtenEnd).toBe(100)
    await manager.close(1)
  }))

test('a partition is deleted while it moves', () =>
  seeded(20, 2, async (world) => {
    const manager = await open(world, 2)
    manager.start(null)
    const log = await manager.getOrCreate('t', 0, NEW)
    for (let record = 0; record < 100; record++) await append(log, 'x'.repeat(1000))
    await manager.moveTo('t', 0, '/b')
    const deleting = manager.delete('t', 0)
    expect([manager.get('t', 0), manager.future('t', 0)]).toEqual([null, null])
    await deleting
    await passed(world, 61_000)
    for (const path of ['/a', '/b'])
      expect((await names(world, path)).filter((name) => name.startsWith('t-'))).toEqual([])
    await manager.close(1)
  }))

test.each(Array.from({ length: 12 }, (_, index) => index))(
  'what is cut off a log while it moves does not come back with the copy, %i',
  (seed) =>
    seeded(100 + seed, 2, async (world) => {
      const manager = await open(world, 2)
      manager.start(null)
      const log = await manager.getOrCreate('t', 0, NEW)
      for (let record = 0; record < 60; record++) await append(log, `old ${record}`.padEnd(300, '.'))
      await manager.moveTo('t', 0, '/b')
      await passed(world, world.choices.below(6))
      await manager.cut('t', 0, (current) => current.truncateTo(5))
      const current = manager.get('t', 0) as PartitionLog
      // All at once: the log is longer than what was copied before anybody looks.
      for (let record = 5; record < 90; record++) {
        const appended = current.append(batch(`new ${record}`.padEnd(300, '.')), { epoch: 1, origin: 'client' })
        appended.written.catch(() => undefined)
      }
      await passed(world, 5000)
      expect(manager.directoryOf('t', 0)?.path).toBe('/b')
      const found: string[] = []
      await manager.get('t', 0)?.scan(0, (bytes, at) => {
        for (const { value } of readRecords(bytes, at)) found.push((value ?? '').toString().replace(/\.+$/, ''))
      })
      expect(found.length).toBe(90)
      expect(found).toEqual(found.map((_, offset) => `${offset < 5 ? 'old' : 'new'} ${offset}`))
      await manager.close(1)
    }),
)

/** Waits inside the simulation. */
function passed(world: SeededWorld, ms: number): Promise<void> {
  return new Promise((resolve) => void world.clock.at(world.clock.monotonicMs() + ms, resolve))
}

test('a full disk at the end costs the marker of a clean shutdown, and no file stays open', () =>
  seeded(11, 2, async (world) => {
    const lines: string[] = []
    const manager = await open(world, 2, { logger: { ...SILENT, error: (line) => void lines.push(line) } })
    for (let partition = 0; partition < 4; partition++) await append(await manager.getOrCreate('t', partition, NEW))
    world.main.disk.failNext({ kinds: ['write', 'writeNow'], path: '/a/t-0/', code: 'ENOSPC', times: 9 })
    await manager.close(1)
    expect(lines.filter((line) => line.includes('was not shut down cleanly'))).toHaveLength(1)
    expect(world.main.disk.held()).toEqual([])
    world.main.disk.forgetRequested()
    const again = await open(world, 2)
    expect([...again.all()].map((log) => log.writtenEnd)).toEqual([1, 1, 1, 1])
    await again.close(1)
  }))
