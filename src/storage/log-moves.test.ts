/** Moves between directories: how fast, how many at once, and what the cluster is told of them before they end. */
import { expect, test } from 'vitest'
import { SILENT, type Logger } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { DEFAULT_LOG_CONFIG } from '../config/log-config.ts'
import { ByteQuota } from '../metrics/byte-quota.ts'
import { buildBatch } from '../records/batch-builder.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { MoveLimits } from './log-moves.ts'
import type { LogManager, LogManagerOptions, ReplicaPlaces } from './log-manager.ts'
import { writeMetaProperties } from './meta-properties.ts'
import type { PartitionLog } from './partition-log.ts'
import { openTestManager } from './test-log-manager.ts'

const [A, B] = ['nLiBKRtUTHOn4PqZgTBHRQ', 'kJuQTwa3GyYPGrQdyhK3bA'].map((id) => parseUuid(id) as Uuid) as [Uuid, Uuid]
const TOPIC = parseUuid('2Ch-bPKwRkmeGTSzNm1tLg') as Uuid
const IN_A = { topicId: TOPIC, isNew: true, directoryId: A }
const BATCH_BYTES = 1000

function seeded(seed: number, task: (world: SeededWorld) => Promise<void>): Promise<void> {
  return new SeededWorld(seed).run(async (world) => {
    for (const [path, directoryId] of [
      ['/a', A],
      ['/b', B],
    ] as const) {
      await world.disk.makeDirectory(path)
      await writeMetaProperties(world.disk, path, { version: 1, clusterId: 'c', nodeId: 1, directoryId }, 0)
    }
    await world.disk.syncDirectory('/')
    await task(world)
  })
}

function open(world: SeededWorld, change: Partial<LogManagerOptions> = {}): Promise<LogManager> {
  return openTestManager(world, ['/a', '/b'], change)
}

/** Batches of 1000 bytes. */
async function fill(log: PartitionLog, batches: number): Promise<void> {
  const empty = buildBatch({ records: [{ timestamp: 0, value: Buffer.alloc(500) }] }).length - 500
  const value = Buffer.alloc(BATCH_BYTES - empty)
  for (let count = 0; count < batches; count++) {
    await log.append(buildBatch({ records: [{ timestamp: 0, value }] }), { epoch: 0, origin: 'client' }).written
  }
  log.setHighWatermark(log.writtenEnd)
}

function limits(world: SeededWorld, bytesPerSecond: number, lanes = 2): MoveLimits {
  const quota = new ByteQuota(() => world.clock.monotonicMs(), { windowMs: 1000, windows: 11 })
  quota.bytesPerSecondMax = bytesPerSecond
  return { quota, lanes, pauseMs: 1000 }
}

/** What was told, in order; agrees when it is told to. */
class ScriptedPlaces implements ReplicaPlaces {
  readonly told: string[] = []
  agree: () => void = () => {}
  agrees = false

  async claim({ topic, partition, topicId }: { topic: string; partition: number; topicId: Uuid | null }, id: Uuid) {
    expect(topicId).toBe(TOPIC)
    this.told.push(`claim ${topic}-${partition} ${id === A ? 'a' : 'b'}`)
    if (!this.agrees) await new Promise<void>((resolve) => (this.agree = resolve))
  }

  disclaim({ topic, partition }: { topic: string; partition: number }, id: Uuid): void {
    this.told.push(`disclaim ${topic}-${partition} ${id === A ? 'a' : 'b'}`)
  }
}

async function passed(world: SeededWorld, ms: number): Promise<void> {
  await new Promise<void>((resolve) => world.clock.at(world.clock.monotonicMs() + ms, resolve))
}

async function movedMs(world: SeededWorld, manager: LogManager, partition = 0): Promise<number> {
  const startMs = world.clock.monotonicMs()
  while (manager.directoryOf('t', partition)?.path !== '/b') {
    await passed(world, 50)
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(300_000)
  }
  return world.clock.monotonicMs() - startMs
}

test('a move takes as long as its bytes at the rate of the quota say, and no time without one', () =>
  seeded(1, async (world) => {
    const manager = await open(world, { moveLimits: limits(world, 200_000) })
    manager.start(null)
    const log = await manager.getOrCreate('t', 0, IN_A)
    await fill(log, 6000)
    await manager.moveTo('t', 0, '/b')
    const slowMs = await movedMs(world, manager)
    // 6 MB; the last megabyte is not waited for.
    expect(slowMs).toBeGreaterThan(22_000)
    expect(slowMs).toBeLessThan(34_000)
    await manager.close(1)

    const free = await open(world)
    free.start(null)
    await fill(await free.getOrCreate('t', 1, IN_A), 6000)
    await free.moveTo('t', 1, '/b')
    expect(await movedMs(world, free, 1)).toBeLessThan(4000)
    await free.close(1)
  }))

test('a log whose new segments are smaller than what is copied at once moves', () =>
  seeded(1, async (world) => {
    const manager = await open(world)
    manager.start(null)
    await fill(await manager.getOrCreate('t', 0, IN_A), 10)
    manager.setTopicConfig('t', { ...DEFAULT_LOG_CONFIG, segmentBytes: 2500 })
    await manager.moveTo('t', 0, '/b')
    await movedMs(world, manager)
    const moved = manager.get('t', 0)
    expect([moved?.startOffset, moved?.writtenEnd, moved?.segmentCount]).toEqual([0, 10, 5])
    await manager.close(1)
  }))

test('what the disk reads wrong is not copied: the move waits until it reads right, and the log serves on', () =>
  seeded(3, async (world) => {
    let manager = await open(world)
    manager.start(null)
    await fill(await manager.getOrCreate('t', 0, IN_A), 10)
    await manager.close(1)
    const errors: string[] = []
    manager = await open(world, { logger: { ...SILENT, error: (message: string) => void errors.push(message) } })
    manager.start(null)
    const path = '/a/t-0/00000000000000000000.log'
    const whole = world.main.disk.contentOf(path)
    expect(whole?.length).toBe(10 * BATCH_BYTES)
    world.main.disk.rot({ path, position: 2500, mask: 4, outlivesProcess: false })
    await manager.moveTo('t', 0, '/b')
    await passed(world, 10_000)
    expect(manager.directoryOf('t', 0)?.path).toBe('/a')
    expect(manager.get('t', 0)?.writtenEnd).toBe(10)
    expect(errors).toEqual(['The move of /a/t-0 waits, and tries again: The batch at 2 fetched for t-0 is corrupt'])
    world.main.disk.mendRot()
    await movedMs(world, manager)
    await passed(world, 1000)
    expect(world.main.disk.contentOf(path.replace('/a', '/b'))).toEqual(whole)
    await manager.close(1)
  }))

test('a replica is deleted while its move waits for the disk, caught up as it is', () =>
  seeded(9, async (world) => {
    const { disk } = world.main
    const manager = await open(world)
    manager.start(new ScriptedPlaces())
    const log = await manager.getOrCreate('t', 0, IN_A)
    await fill(log, 10)
    await log.flush()
    await manager.moveTo('t', 0, '/b')
    while (manager.future('t', 0)?.writtenEnd !== 10) await passed(world, 0.05)
    // What was flushed is flushed there too.
    disk.hang()
    await passed(world, 100)
    const deleted = manager.delete('t', 0).then(() => 'deleted')
    await passed(world, 100)
    disk.unhang()
    expect(await Promise.race([deleted, passed(world, 60_000)])).toBe('deleted')
    await manager.close(1)
  }))

test('a throttled move is given up at once, and goes on after a restart where it was', () =>
  seeded(2, async (world) => {
    const lines: string[] = []
    const logger: Logger = { ...SILENT, info: (line) => void lines.push(line) }
    const manager = await open(world, { moveLimits: limits(world, 100) })
    manager.start(null)
    await fill(await manager.getOrCreate('t', 0, IN_A), 3000)
    await manager.moveTo('t', 0, '/b')
    await passed(world, 5000)
    const copied = manager.future('t', 0)?.writtenEnd ?? 0
    expect(copied).toBeGreaterThan(500)
    expect(copied).toBeLessThan(2000)
    const stopMs = world.clock.monotonicMs()
    await manager.closeHard()
    expect(world.clock.monotonicMs() - stopMs).toBeLessThan(500)
    const again = await open(world, { logger })
    again.start(null)
    await movedMs(world, again)
    expect(lines.filter((line) => line.startsWith('Copying'))).toEqual([
      expect.stringMatching(new RegExp(`^Copying /a/t-0 to /b/t-0\\..*-future from offset ${copied} on, 0 more wait$`)),
    ])
    expect(again.get('t', 0)?.writtenEnd).toBe(3000)
    await again.close(1)
  }))

test('no more replicas are copied at a time than there are lanes, in the order of their names', () =>
  seeded(3, async (world) => {
    const manager = await open(world, { moveLimits: limits(world, 300_000, 1) })
    manager.start(null)
    for (const partition of [0, 1, 2]) await fill(await manager.getOrCreate('t', partition, IN_A), 1500)
    for (const partition of [2, 1, 0]) await manager.moveTo('t', partition, '/b')
    const order: number[] = []
    manager.onMoved((log) => void order.push(log.topicPartition.partition))
    await passed(world, 500)
    expect([0, 1, 2].filter((partition) => (manager.future('t', partition)?.writtenEnd ?? 0) > 0)).toEqual([2])
    for (const partition of [0, 1, 2]) await movedMs(world, manager, partition)
    // The first had begun when the others came.
    expect(order).toEqual([2, 0, 1])
    await manager.close(1)
  }))

test('a replica is served from its new directory only when the cluster has agreed to it, and all is there by then', () =>
  seeded(4, async (world) => {
    const places = new ScriptedPlaces()
    const manager = await open(world)
    manager.start(places)
    const log = await manager.getOrCreate('t', 0, IN_A)
    await fill(log, 100)
    await manager.moveTo('t', 0, '/b')
    await passed(world, 5000)
    expect([places.told, manager.directoryOf('t', 0)?.path]).toEqual([['claim t-0 b'], '/a'])
    await fill(log, 100)
    await passed(world, 1000)
    expect(manager.future('t', 0)?.writtenEnd).toBe(200)
    places.agree()
    expect(await movedMs(world, manager)).toBeLessThan(1000)
    expect([places.told, manager.get('t', 0)?.writtenEnd]).toEqual([['claim t-0 b'], 200])
    await manager.close(1)
  }))

test('a move that is given up, or whose source or target fails, takes back what it told', () =>
  seeded(5, async (world) => {
    const places = new ScriptedPlaces()
    const manager = await open(world)
    manager.start(places)
    for (const partition of [0, 1]) {
      await fill(await manager.getOrCreate('t', partition, IN_A), 10)
      await manager.moveTo('t', partition, '/b')
    }
    await passed(world, 1000)
    await manager.moveTo('t', 0, '/a')
    expect(places.told).toEqual(['claim t-0 b', 'claim t-1 b', 'disclaim t-0 a'])
    world.main.disk.failNext({ kinds: ['write', 'writeNow', 'sync'], path: '/a/t-1', code: 'EIO', times: 9 })
    const log = manager.get('t', 1) as PartitionLog
    await fill(log, 1).catch(() => undefined)
    await passed(world, 1000)
    expect([manager.get('t', 1), places.told.slice(3)]).toEqual([null, ['disclaim t-1 a']])
    places.agree()
    await passed(world, 1000)
    expect(manager.get('t', 1)).toBe(null)
    await manager.close(1)
    // Whoever stops takes nothing back: the move goes on.
    expect(places.told).toHaveLength(4)
  }))

test('a log that had caught up, with the cluster’s word, is served after a restart without the directory it comes from', () =>
  seeded(6, async (world) => {
    const places = new ScriptedPlaces()
    const manager = await open(world)
    manager.start(places)
    for (const partition of [0, 1]) {
      await fill(await manager.getOrCreate('t', partition, IN_A), 100)
      await manager.moveTo('t', partition, '/b')
    }
    await passed(world, 5000)
    expect(places.told.toSorted()).toEqual(['claim t-0 b', 'claim t-1 b'])
    await manager.closeHard()
    world.main.disk.failNext({ kinds: ['read', 'open', 'list'], path: '/a', code: 'EIO', times: 99 })
    const again = await open(world, {
      assignedDirectory: ({ topicPartition: { partition } }) => (partition === 0 ? B : A),
    })
    again.start(null)
    world.main.disk.heal()
    expect(again.hasOfflineDirectories).toBe(true)
    expect([again.get('t', 0)?.writtenEnd, again.get('t', 1), again.future('t', 0)]).toEqual([100, null, null])
    expect(((await world.disk.list('/b')) ?? []).some(({ name }) => name === 't-0')).toBe(true)
    await again.close(1)
  }))

test.each([
  ['/a', A],
  ['/b', B],
])(
  'of two equal logs, as a move may leave them when its process dies, that in %s is served if the cluster has it there',
  (path, id) =>
    seeded(10, async (world) => {
      const { disk } = world
      const manager = await open(world)
      manager.start(null)
      await fill(await manager.getOrCreate('t', 0, IN_A), 10)
      await manager.closeHard()
      await disk.makeDirectory('/b/t-0')
      for (const { name } of (await disk.list('/a/t-0')) ?? [])
        await disk.writeFile(`/b/t-0/${name}`, (await disk.readFile(`/a/t-0/${name}`)) as Buffer)
      const again = await open(world, { assignedDirectory: () => id })
      expect([again.directoryOf('t', 0)?.path, again.get('t', 0)?.writtenEnd]).toEqual([path, 10])
      await again.close(1)
    }),
)

test('a move that died before its target knew the topic claims it by the topic’s id', () =>
  seeded(8, async (world) => {
    const manager = await open(world)
    manager.start(null)
    await fill(await manager.getOrCreate('t', 0, IN_A), 10)
    await manager.closeHard()
    await world.disk.makeDirectory('/b/t-0.00112233445566778899aabbccddeeff-future')
    const places = new ScriptedPlaces()
    places.agrees = true
    const again = await open(world)
    expect(again.future('t', 0)?.topicId).toBe(null)
    again.start(places)
    await movedMs(world, again)
    expect(places.told).toEqual(['claim t-0 b'])
    await again.close(1)
  }))

test('what an interrupted move left beside a directory that comes back empty is moved to again, or set aside', () =>
  seeded(7, async (world) => {
    const manager = await open(world, { moveLimits: limits(world, 1) })
    manager.start(null)
    for (const partition of [0, 1]) {
      await fill(await manager.getOrCreate('t', partition, IN_A), 1500)
      await manager.moveTo('t', partition, '/b')
    }
    await passed(world, 3000)
    await manager.closeHard()
    // Another disk.
    for (const name of ['t-0', 't-1']) await world.disk.removeTree(`/a/${name}`)
    const warnings: string[] = []
    const again = await open(world, { logger: { ...SILENT, warn: (line) => void warnings.push(line) } })
    again.start(null)
    expect([again.get('t', 0), again.future('t', 0) === null]).toEqual([null, false])
    await again.getOrCreate('t', 0, { ...IN_A, isNew: false })
    await again.getOrCreate('t', 1, { ...IN_A, isNew: false, directoryId: B })
    expect(again.future('t', 1)).toBe(null)
    expect(warnings).toEqual([expect.stringMatching(/^Found the log of a move .* renamed to \/b\/t-1\..*-stray$/)])
    await movedMs(world, again)
    await fill(again.get('t', 0) as PartitionLog, 5)
    expect(again.get('t', 0)?.writtenEnd).toBe(5)
    await again.close(1)
  }))
