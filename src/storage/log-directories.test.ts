import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { parseUuid, type Uuid } from '../base/uuid.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import { openLogDirectories, type LogDirectories } from './log-directories.ts'
import { readMetaProperties, writeMetaProperties, type MetaProperties } from './meta-properties.ts'

const A = parseUuid('nLiBKRtUTHOn4PqZgTBHRQ') as Uuid
const B = parseUuid('kJuQTwa3GyYPGrQdyhK3bA') as Uuid
const of = (change: Partial<MetaProperties>): MetaProperties => {
  return { version: 1, clusterId: 'c', nodeId: 1, directoryId: A, ...change }
}

function open(
  world: SeededWorld,
  change: Partial<Parameters<typeof openLogDirectories>[0]> = {},
): Promise<LogDirectories> {
  const { disk, clock, random } = world
  const identity = { metadataPath: '/a', clusterId: 'c', nodeId: 1 }
  return openLogDirectories({ disk, clock, random, logger: SILENT, paths: ['/a', '/b'], ...identity, ...change })
}

async function format(world: SeededWorld, second: MetaProperties | null = of({ directoryId: B })): Promise<void> {
  await world.disk.makeDirectory('/a')
  await world.disk.makeDirectory('/b')
  await writeMetaProperties(world.disk, '/a', of({}), 0)
  if (second !== null) await writeMetaProperties(world.disk, '/b', second, 0)
}

test('formatted directories open with their ids, in the order of the configuration', () =>
  new SeededWorld(1).run(async (world) => {
    await format(world)
    const { live, clusterId, offlinePaths } = await open(world, { clusterId: null })
    expect(live.map(({ path, id }) => [path, id])).toEqual([
      ['/a', A],
      ['/b', B],
    ])
    expect({ clusterId, offlinePaths }).toEqual({ clusterId: 'c', offlinePaths: [] })
  }))

test('a directory that somebody holds is refused with Kafka’s words, and the others are let go', () =>
  new SeededWorld(2).run(async (world) => {
    await format(world)
    const held = await world.disk.lock('/b/.lock')
    await expect(open(world)).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
      message:
        'Failed to acquire lock on file .lock in /b. A Kafka instance in another process or thread is using this directory.',
    })
    await held?.release()
    const opened = await open(world)
    await expect(open(world)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
    for (const directory of opened.live) await directory.unlock()
    await open(world)
  }))

test.each([
  ['of another cluster', of({ clusterId: 'other', directoryId: B }), 'WRONG_CLUSTER'],
  ['of another node', of({ nodeId: 2, directoryId: B }), 'WRONG_CLUSTER'],
  ['that was never formatted', null, 'CONFIG_INVALID'],
])('a directory %s is refused, and the locks are given back', (_what, second, code) =>
  new SeededWorld(3).run(async (world) => {
    await format(world, second)
    await expect(open(world)).rejects.toMatchObject({ code })
    for (const path of ['/a', '/b']) expect(await world.disk.lock(`${path}/.lock`)).not.toBe(null)
  }),
)

test('a directory without an id gets one, written before it is used', () =>
  new SeededWorld(4).run(async (world) => {
    await format(world, of({ directoryId: null }))
    const { live } = await open(world)
    const written = await readMetaProperties(world.disk, '/b')
    expect(written?.directoryId).toBe(live[1]?.id)
    expect(live[1]?.id).not.toBe(A)
  }))

test('a metadata log outside the metadata directory is refused', () =>
  new SeededWorld(5).run(async (world) => {
    await format(world)
    await world.disk.makeDirectory('/b/__cluster_metadata-0')
    await expect(open(world)).rejects.toMatchObject({
      message: 'Found unexpected metadata location in data directory `/b` (the configured metadata directory is `/a`).',
    })
  }))

test('a directory whose disk fails is left out; that of the metadata log stops the node', () =>
  new SeededWorld(6).run(async (world) => {
    await format(world)
    world.main.disk.failNext({ kinds: ['read'], path: '/b/meta.properties', code: 'EIO' })
    const opened = await open(world)
    expect(opened.live.map(({ path }) => path)).toEqual(['/a'])
    expect(opened.offlinePaths).toEqual(['/b'])
    for (const directory of opened.live) await directory.unlock()
    world.main.disk.failNext({ kinds: ['read'], path: '/a/meta.properties', code: 'EIO' })
    await expect(open(world)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  }))

test('the marker tells the broker epoch once: it is gone for good before anything is loaded', () =>
  new SeededWorld(7).run(async (world) => {
    await format(world)
    const [first] = (await open(world)).live
    expect(await first?.begin()).toMatchObject({ clean: false, brokerEpoch: -1 })
    await first?.writeCleanShutdown(14)
    expect((await world.disk.readFile('/a/.kafka_cleanshutdown'))?.toString()).toBe('{"version":0,"brokerEpoch":14}')
    expect(await first?.begin()).toMatchObject({ clean: true, brokerEpoch: 14 })
    world.main.powerLoss()
    expect(await world.disk.readFile('/a/.kafka_cleanshutdown')).toBe(null)
  }))

test('old empty markers count, with an unknown epoch', () =>
  new SeededWorld(8).run(async (world) => {
    await format(world)
    await world.disk.writeFile('/a/.kafka_cleanshutdown', Buffer.alloc(0))
    const [first] = (await open(world)).live
    expect(await first?.begin()).toMatchObject({ clean: true, brokerEpoch: -1 })
  }))

test('a foreign directory is refused before the marker is touched; files and known directories are passed over', () =>
  new SeededWorld(9).run(async (world) => {
    await format(world)
    const [first] = (await open(world)).live
    await first?.writeCleanShutdown(1)
    await world.disk.writeFile('/a/notes.txt', Buffer.from('x'))
    for (const name of ['__cluster_metadata-0', 'remote-log-index-cache', 't-0', 'lost+found']) {
      await world.disk.makeDirectory(`/a/${name}`)
    }
    await expect(first?.begin()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining("Found directory /a/lost+found, 'lost+found' is not in the form of"),
    })
    await world.disk.removeTree('/a/lost+found')
    const start = await first?.begin()
    expect(start?.clean).toBe(true)
    expect(start?.partitions).toEqual([{ topic: 't', partition: 0, kind: 'live', directoryName: 't-0' }])
  }))

test('a malformed checkpoint is as good as none, and a stale temporary file is nothing', () =>
  new SeededWorld(10).run(async (world) => {
    await format(world)
    await world.disk.writeFile('/a/recovery-point-offset-checkpoint', Buffer.from('0\n2\nt 0 1\n'))
    await world.disk.writeFile('/a/replication-offset-checkpoint', Buffer.from('0\n1\nt 0 1\n'))
    await world.disk.writeFile('/a/log-start-offset-checkpoint.tmp', Buffer.from('0\n1\nt 0 1\n'))
    const [first] = (await open(world)).live
    const start = await first?.begin()
    expect(start?.recoveryPoints.size).toBe(0)
    expect(start?.highWatermarks).toEqual(new Map([['t-0', 1]]))
    expect(start?.logStarts.size).toBe(0)
  }))

test('writes of one checkpoint follow each other, and one that waits serves all that ask', () =>
  new SeededWorld(11).run(async (world) => {
    await format(world)
    const [first] = (await open(world)).live
    let asked = 0
    const write = (): Promise<void> =>
      first?.writeCheckpoint('highWatermark', () => [{ topic: 't', partition: 0, offset: ++asked }]) ??
      Promise.resolve()
    await Promise.all([write(), write(), write()])
    expect(asked).toBe(1)
    const running = write()
    await world.disk.stat('/a')
    await Promise.all([running, write(), write(), write()])
    expect(asked).toBe(3)
    expect((await world.disk.readFile('/a/replication-offset-checkpoint'))?.toString()).toBe('0\n1\nt 0 3\n')
  }))
