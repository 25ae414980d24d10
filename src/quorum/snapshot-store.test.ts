/** Snapshots that are written, come from the leader and go, whatever comes first. */
import { expect, test } from 'vitest'
import { SILENT } from '../base/logger.ts'
import { SeededWorld } from '../testing/seeded-world.ts'
import type { MetadataLogStore } from './metadata-log-store.ts'
import { snapshotName, writeSnapshot, type SnapshotId, type SnapshotInit } from './snapshot-files.ts'
import { SnapshotStore } from './snapshot-store.ts'

const INIT: SnapshotInit = {
  epoch: 1,
  lastContainedMs: 0,
  timestampMs: 0,
  state: { kraftVersion: 0, voters: [] },
  values: [Buffer.from('0001', 'hex')],
}

function openStore({ disk, clock, random }: SeededWorld): SnapshotStore {
  const log = { startOffset: 0, sizeBytes: 0, deleteRecordsBefore: () => {}, deleteOldSegments: async () => {} }
  return new SnapshotStore({
    ...{ disk, clock, random, logger: SILENT, directory: '/m', snapshots: [], onChanged: () => {} },
    policy: { recordBytesMax: 1000, intervalMs: 0, retentionBytes: 0, retentionMs: -1 },
    log: log as unknown as MetadataLogStore,
  })
}

test('a snapshot that was being written when a later one came from the leader takes nothing from it', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    const { disk } = world
    await disk.makeDirectory('/m')
    const store = openStore(world)
    const own: SnapshotId = { endOffset: 64, epoch: 1 }
    const fetched: SnapshotId = { endOffset: 88, epoch: 1 }
    const bytes = await writeSnapshot(disk, `/m/${snapshotName(fetched)}`, 'part', INIT)
    const written = store.write(own, INIT)
    // It has begun.
    await Promise.resolve()
    await store.installed({ ...fetched, bytes, lastContainedMs: 0 })
    await written
    expect(store.all.map(({ endOffset }) => endOffset)).toEqual([88])
    expect(await disk.stat(`/m/${snapshotName(fetched)}`)).not.toBe(null)
    expect(await disk.stat(`/m/${snapshotName(own)}`)).toBe(null)
    await store.close()
  })
})

test('a snapshot that fails leaves no file, and is due again after a minute', async () => {
  const world = new SeededWorld(2)
  await world.run(async () => {
    const { disk } = world
    await disk.makeDirectory('/m')
    const store = openStore(world)
    store.recordsAdded(1000)
    expect(store.isDue).toBe(true)
    world.main.disk.failNext({ kinds: ['write'], code: 'ENOSPC' })
    const id: SnapshotId = { endOffset: 64, epoch: 1 }
    await expect(store.write(id, INIT)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(world.main.disk.files('/m')).toEqual([])
    await world.advance(59_000)
    expect(store.isDue).toBe(false)
    await world.advance(2000)
    expect(store.isDue).toBe(true)
    await store.write(id, INIT)
    expect(store.isDue).toBe(false)
    await world.advance(61_000)
    expect(store.isDue).toBe(false)
    await store.close()
  })
})
