import { expect, test } from 'vitest'
import { SeededWorld } from '../testing/seeded-world.ts'
import { DiskError, type Disk } from '../world/world.ts'
import { Turns } from './bounded.ts'
import { OpenFiles, SegmentFile, openFilesFor } from './open-files.ts'

async function filesOn(disk: Disk, pool: OpenFiles, count: number): Promise<SegmentFile[]> {
  await disk.makeDirectory('/d')
  const files: SegmentFile[] = []
  for (let index = 0; index < count; index++) {
    await disk.writeFile(`/d/${index}`, Buffer.from([index]))
    files.push(new SegmentFile(pool, disk, () => `/d/${index}`))
  }
  return files
}

async function read(file: SegmentFile): Promise<number> {
  const into = Buffer.alloc(1)
  await file.use((opened) => opened.read(into, 0))
  return into[0] ?? -1
}

/** A world without faults, and files in it. */
async function withFiles(
  { seed = 1, max, count }: { readonly seed?: number; readonly max: number; readonly count: number },
  run: (files: SegmentFile[], pool: OpenFiles, world: SeededWorld) => Promise<void>,
): Promise<void> {
  const world = new SeededWorld(seed)
  await world.run(async () => {
    world.main.disk.heal()
    const pool = new OpenFiles(max)
    await run(await filesOn(world.disk, pool, count), pool, world)
  })
}

const openOf = (files: readonly SegmentFile[]): number[] => files.flatMap((file, index) => (file.isOpen ? [index] : []))

test('one that was not used lately is closed when another is needed', () =>
  withFiles({ max: 3, count: 5 }, async (files, pool) => {
    for (const index of [0, 1, 2]) expect(await read(files[index]!)).toBe(index)
    expect(openOf(files)).toEqual([0, 1, 2])
    expect(await read(files[3]!)).toBe(3)
    expect(openOf(files)).toEqual([1, 2, 3])
    await read(files[1]!)
    await read(files[4]!)
    expect(openOf(files)).toEqual([1, 3, 4])
    expect(await read(files[0]!)).toBe(0)
    expect(pool.count).toBe(3)
    for (const file of files) await file.close()
    expect(pool.count).toBe(0)
  }))

test('files in use stay open above the bound, and the next open closes what is too much', () =>
  withFiles({ max: 2, count: 4 }, async (files, pool) => {
    const held = [await files[0]!.acquire(), await files[1]!.acquire(), await files[2]!.acquire()]
    expect(pool.count).toBe(3)
    for (const [index, file] of held.entries()) {
      const into = Buffer.alloc(1)
      await file.read(into, 0)
      expect(into[0]).toBe(index)
    }
    for (const index of [0, 1, 2]) files[index]!.release()
    await read(files[3]!)
    expect(pool.count).toBe(2)
  }))

test('what was written is durable before its file is closed, and clean files are closed first', () =>
  withFiles({ max: 2, count: 4 }, async (files, _pool, world) => {
    await world.disk.syncDirectory('/d')
    await files[0]!.use((file) => {
      files[0]!.willWrite()
      return file.write([Buffer.from([70])], 0)
    })
    await read(files[1]!)
    await read(files[2]!)
    expect(openOf(files)).toEqual([0, 2])
    files[2]!.willWrite()
    await read(files[3]!)
    expect(openOf(files)).not.toContain(0)
    world.main.powerLoss()
    expect([...((await world.disk.readFile('/d/0')) ?? [])]).toEqual([70])
  }))

test('a sync that failed when the file was closed is the error of whoever uses the file next', () =>
  withFiles({ max: 1, count: 2 }, async (files, _pool, world) => {
    files[0]!.willWrite()
    await read(files[0]!)
    world.main.disk.failNext({ kinds: ['sync'], path: '/d/0', code: 'EIO' })
    expect(await read(files[1]!)).toBe(1)
    await expect(files[0]!.sync()).rejects.toMatchObject({ code: 'EIO' })
    await expect(read(files[0]!)).rejects.toBeInstanceOf(DiskError)
  }))

test('when the system has no descriptor left, another file is closed and the open tried again', () =>
  withFiles({ max: 100, count: 6 }, async (files, pool, world) => {
    for (const index of [0, 1, 2, 3, 4]) await read(files[index]!)
    world.main.disk.failNext({ kinds: ['open'], code: 'EMFILE', times: 2 })
    expect(await read(files[5]!)).toBe(5)
    expect(pool.count).toBe(4)
    expect(await read(files[0]!)).toBe(0)
    expect(pool.count).toBeLessThanOrEqual(5)
    world.main.disk.failNext({ kinds: ['open'], code: 'EMFILE', times: 99 })
    const closed = files.find((file) => !file.isOpen)!
    await expect(read(closed)).rejects.toMatchObject({ code: 'EMFILE' })
    world.main.disk.forgetRequested()
    expect(await read(closed)).toBe(files.indexOf(closed))
  }))

test('a file that is closed while it is opened stays closed', () =>
  withFiles({ max: 2, count: 3 }, async (files, pool, world) => {
    for (let turn = 0; turn < 30; turn++) {
      const file = files[turn % 3]!
      const reading = read(file).catch(() => -1)
      await world.advance(world.choices.below(2) / 10)
      await file.close()
      await reading
      expect([pool.count, file.isOpen]).toEqual([0, false])
    }
    expect(world.main.disk.held()).toEqual([])
  }))

test('half of what a process may open is for log files', () => {
  expect(openFilesFor({ openFilesMax: 1000 } as Disk).max).toBe(500)
  expect(openFilesFor({ openFilesMax: 2 } as Disk).max).toBe(4)
  expect(openFilesFor({ openFilesMax: Infinity } as Disk).max).toBe(Infinity)
})

const USERS = 5

test.each(Array.from({ length: 20 }, (_, seed) => seed))(
  'with seed %i many users at once get the right bytes, and no more files are open than are in use or allowed',
  (seed) =>
    withFiles({ seed, max: 3, count: 12 }, async (files, pool, world) => {
      const { choices } = world
      const values = files.map((_, index) => index)
      const user = async (): Promise<void> => {
        for (let turn = 0; turn < 40; turn++) {
          const index = choices.below(files.length)
          const file = files[index]!
          if (choices.chance(0.3)) {
            await file.use(async (opened) => {
              file.willWrite()
              const value = (values[index] = choices.below(256))
              expect(opened.writeNow([Buffer.from([value])], 0)).toBe(true)
            })
          } else if (choices.chance(0.2)) await file.sync()
          else {
            await file.use(async (opened) => {
              const into = Buffer.alloc(1)
              for (let step = choices.below(3); step >= 0; step--) {
                const before = values[index]
                await opened.read(into, 0)
                expect([before, values[index]]).toContain(into[0])
              }
            })
          }
          expect(pool.count).toBeLessThanOrEqual(Math.max(3, files.filter(({ isInUse }) => isInUse).length))
          expect(world.main.disk.held().length).toBeLessThanOrEqual(3 + 2 * USERS)
        }
      }
      await Promise.all(Array.from({ length: USERS }, user))
      for (const file of files) await file.close()
      expect(world.main.disk.held()).toEqual([])
    }),
)

test('work that takes turns never runs more than allowed at once, in the order of asking, whatever fails', async () => {
  const turns = new Turns(3)
  const began: number[] = []
  let running = 0
  let most = 0
  const ends = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      turns.take(async () => {
        began.push(index)
        most = Math.max(most, ++running)
        for (let step = index % 4; step >= 0; step--) await Promise.resolve()
        running--
        if (index % 5 === 0) throw new Error('fails')
        return index
      }),
    ),
  )
  expect([most, running, began]).toEqual([3, 0, Array.from({ length: 20 }, (_, index) => index)])
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(4)
})
