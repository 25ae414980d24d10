import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { memoryDisk } from '../memory-disk.ts'
import type { Disk } from '../world.ts'
import { nodeClock } from './clock.ts'
import { nodeBrisk } from './brisk.ts'
import { NodeDisk } from './disk.ts'
import { openFile, SlowWrites, TURN_WRITES_MAX } from './disk-file.ts'

const home = mkdtempSync(join(tmpdir(), 'klamm-disk-'))
afterAll(() => rmSync(home, { recursive: true }))
let made = 0

/** Both disks keep one contract. */
const DISKS: readonly { readonly name: string; readonly make: () => { disk: Disk; root: string } }[] = [
  { name: 'the real disk', make: () => ({ disk: new NodeDisk(), root: join(home, String((made += 1))) }) },
  { name: 'the disk in memory', make: () => ({ disk: memoryDisk(nodeClock), root: '/root' }) },
]

for (const { name, make } of DISKS) {
  test(`${name}: gathered writes, reads across the end, truncation both ways`, async () => {
    const { disk, root } = make()
    await disk.makeDirectory(`${root}/a/b`)
    const file = await disk.open(`${root}/a/b/f`, 'create')
    await file.write([Buffer.from('hello'), Buffer.alloc(0), Buffer.from(' world')], 0)
    await file.write([], 5)
    expect(file.writeNow([Buffer.from('!'), Buffer.from('?')], 11)).toBe(true)
    const into = Buffer.alloc(20)
    expect(await file.read(into, 6)).toBe(7)
    expect(into.toString('latin1', 0, 7)).toBe('world!?')
    expect(await file.read(into, 100)).toBe(0)
    await file.write([Buffer.from('far')], 100_000)
    expect(await file.size()).toBe(100_003)
    expect(await file.read(into.fill(1), 50_000)).toBe(20)
    expect(into.equals(Buffer.alloc(20))).toBe(true)
    await file.truncate(5)
    await file.truncate(8)
    await file.sync()
    expect((await disk.readFile(file.path))?.toString('latin1')).toBe('hello\0\0\0')
    await file.close()
    await file.close()
    await expect(file.write([Buffer.from('x')], 0)).rejects.toThrow(/closed/)
    await expect(file.read(into, 0)).rejects.toThrow(/closed/)
    expect(() => file.writeNow([Buffer.from('x')], 0)).toThrow(/closed/)
  })

  test(`${name}: what is missing is null, or an error with a code`, async () => {
    const { disk, root } = make()
    await disk.makeDirectory(root)
    expect(await disk.readFile(`${root}/none`)).toBeNull()
    expect(await disk.stat(`${root}/none`)).toBeNull()
    expect(await disk.list(`${root}/none`)).toBeNull()
    await disk.remove(`${root}/none`)
    await disk.removeTree(`${root}/none`)
    await disk.writeFile(`${root}/f`, Buffer.from('x'))
    await expect(disk.open(`${root}/none`, 'read')).rejects.toMatchObject({ name: 'DiskError', code: 'ENOENT' })
    await expect(disk.open(`${root}/f`, 'create')).rejects.toMatchObject({ code: 'EEXIST', path: `${root}/f` })
    await expect(disk.open(`${root}/no/f`, 'write')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.open(`${root}/f/f`, 'write')).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(disk.rename(`${root}/none`, `${root}/x`)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.list(`${root}/f`)).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(disk.syncDirectory(`${root}/none`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test(`${name}: names come, move and go`, async () => {
    const { disk, root } = make()
    await disk.makeDirectory(`${root}/from/inner`)
    await disk.makeDirectory(`${root}/from/inner`)
    await disk.writeFile(`${root}/from/f`, Buffer.from('long content'))
    await disk.writeFile(`${root}/from/f`, Buffer.from('short'))
    await disk.writeFile(`${root}/from/g`, Buffer.from('replaced'))
    await disk.setModifiedMs(`${root}/from/f`, 1_700_000_000_123)
    await disk.rename(`${root}/from/f`, `${root}/from/g`)
    await disk.rename(`${root}/from`, `${root}/to`)
    await disk.syncDirectory(root)
    const entries = (await disk.list(`${root}/to`)) ?? []
    entries.sort((a, b) => a.name.localeCompare(b.name))
    expect(entries).toEqual([
      { name: 'g', isDirectory: false },
      { name: 'inner', isDirectory: true },
    ])
    expect(await disk.stat(`${root}/to/g`)).toEqual({ size: 5, modifiedMs: 1_700_000_000_123, isDirectory: false })
    await disk.makeDirectory(`${root}/full/x`)
    await expect(disk.rename(`${root}/to`, `${root}/full`)).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    await disk.remove(`${root}/to/g`)
    await disk.removeTree(`${root}/to`)
    expect(await disk.stat(`${root}/to`)).toBeNull()
    const space = await disk.space(root)
    expect(space.usable).toBeGreaterThan(0)
    expect(space.total).toBeGreaterThanOrEqual(space.usable)
  })

  test(`${name}: a thousand random writes leave what a plain buffer holds`, async () => {
    const { disk, root } = make()
    await disk.makeDirectory(root)
    const file = await disk.open(`${root}/f`, 'write')
    const model = Buffer.alloc(4_000_000)
    let size = 0
    let state = 1
    const next = (bound: number): number => (state = (state * 48271) % 2147483647) % bound
    for (let index = 0; index < 1000; index++) {
      const bytes = Buffer.alloc(1 + next(3000), index)
      const at = next(3_990_000)
      if (index % 100 === 99) {
        const cut = next(4_000_000)
        model.fill(0, Math.min(cut, size))
        size = cut
        await file.truncate(cut)
      }
      bytes.copy(model, at)
      size = Math.max(size, at + bytes.length)
      await file.write([bytes.subarray(0, 1), bytes.subarray(1)], at)
    }
    expect((await disk.readFile(`${root}/f`))?.equals(model.subarray(0, size))).toBe(true)
    await file.close()
  })
}

test.runIf(process.platform === 'linux')(
  'a directory that can not be made is an error, not an endless attempt',
  async () => {
    const disk = new NodeDisk()
    await expect(disk.makeDirectory('/proc/klamm/a')).rejects.toMatchObject({ name: 'DiskError', code: 'ENOENT' })
    await disk.makeDirectory(join(home, 'raced'))
    await disk.writeFile(join(home, 'plain'), Buffer.alloc(0))
    await expect(disk.makeDirectory(join(home, 'plain'))).rejects.toMatchObject({ code: 'EEXIST' })
    await Promise.all([1, 2, 3].map(() => disk.makeDirectory(join(home, 'raced', 'a', 'b', 'c'))))
  },
)

test('a link to a directory is listed as a directory', async () => {
  const disk = new NodeDisk()
  const root = join(home, 'links')
  await disk.makeDirectory(`${root}/real`)
  symlinkSync(`${root}/real`, `${root}/link`)
  symlinkSync(`${root}/nothing`, `${root}/dangling`)
  const entries = (await disk.list(root)) ?? []
  entries.sort((a, b) => a.name.localeCompare(b.name))
  expect(entries.map((entry) => entry.isDirectory)).toEqual([false, true, true])
})

test('a gathered write of more buffers than one system call takes is written whole', async () => {
  const disk = new NodeDisk()
  const file = await disk.open(join(home, 'many'), 'write')
  const buffers = Array.from({ length: 5000 }, (_, index) => Buffer.from([index & 0xff, index >> 8]))
  await file.write(buffers, 0)
  file.writeNow(buffers, 10_000)
  expect((await disk.readFile(file.path))?.equals(Buffer.concat([...buffers, ...buffers]))).toBe(true)
  await file.close()
})

test('close waits for what is under way, so that no operation meets a stranger behind its descriptor', async () => {
  const disk = new NodeDisk()
  const file = await disk.open(join(home, 'closing'), 'write')
  const order: string[] = []
  const writes = [0, 1, 2, 3].map((index) =>
    file.write([Buffer.alloc(1 << 20, index)], index << 20).then(() => order.push('write')),
  )
  const closed = file.close().then(() => order.push('close'))
  await Promise.all([...writes, closed])
  expect(order).toEqual(['write', 'write', 'write', 'write', 'close'])
  expect(statSync(file.path).size).toBe(4 << 20)
})

test('a write that took long stops writes on the caller’s thread', async () => {
  const slow = new SlowWrites()
  const file = await openFile(join(home, 'slow'), 'write', slow, nodeBrisk())
  expect(file.writeNow([Buffer.from('x')], 0)).toBe(true)
  slow.took(performance.now() - 3)
  expect(file.writeNow([Buffer.from('x')], 1)).toBe(false)
  expect(await file.size()).toBe(1)
  await file.close()
})

test("writes on the caller's thread are bounded in one turn of the loop", async () => {
  const writes = new SlowWrites()
  for (let count = 0; count < TURN_WRITES_MAX; count++) {
    expect(writes.refuses()).toBe(false)
    writes.took(Infinity) // not slow, whatever the machine does
  }
  expect(writes.refuses()).toBe(true)
  await new Promise((resolve) => setImmediate(resolve))
  expect(writes.refuses()).toBe(false)
})

test('the real disk does small operations at once while somebody wants it briskly, and syncs in a thread nevertheless', async () => {
  const disk = new NodeDisk()
  const root = join(home, 'brisk')
  await disk.makeDirectory(root)
  const path = `${root}/f`
  /** Whether it is over before the loop goes round. */
  const isAtOnce = async (operation: () => Promise<unknown>): Promise<boolean> => {
    let turned = false
    setImmediate(() => (turned = true))
    await operation()
    return !turned
  }
  await disk.briskly(async () => {
    const file = await disk.open(path, 'write')
    // A busy machine may take the processor away in the middle of any one of them, and then threads are asked for a while.
    const isEverAtOnce = async (operation: () => Promise<unknown>): Promise<boolean> => {
      for (let attempt = 0; attempt < 50; attempt++) {
        if (await isAtOnce(operation)) return true
        await new Promise((resolve) => setImmediate(resolve))
      }
      return false
    }
    const into = Buffer.alloc(3)
    expect(await isEverAtOnce(() => file.write([Buffer.from('a'), Buffer.from('bc')], 0))).toBe(true)
    expect(await isEverAtOnce(() => file.read(into, 0))).toBe(true)
    expect(into.toString()).toBe('abc')
    expect(await isEverAtOnce(() => disk.readFile(path))).toBe(true)
    expect(await isEverAtOnce(() => disk.list(root))).toBe(true)
    expect(await isEverAtOnce(() => disk.stat(path))).toBe(true)
    expect(await isAtOnce(() => file.sync())).toBe(false)
    await disk.writeFile(`${root}/large`, Buffer.alloc(100_000, 7))
    expect(await isAtOnce(() => disk.readFile(`${root}/large`))).toBe(false)
    expect((await disk.readFile(`${root}/large`))?.length).toBe(100_000)
    await file.truncate(1)
    expect(await file.size()).toBe(1)
    await file.close()
    await expect(file.read(into, 0)).rejects.toThrow(/closed/)
    expect(await disk.readFile(`${root}/none`)).toBeNull()
    expect(await disk.stat(`${root}/none`)).toBeNull()
    expect(await disk.list(`${root}/none`)).toBeNull()
    await expect(disk.open(`${root}/none`, 'read')).rejects.toMatchObject({ name: 'DiskError', code: 'ENOENT' })
    await expect(disk.list(path)).rejects.toMatchObject({ name: 'DiskError', code: 'ENOTDIR' })
  })
  expect(await isAtOnce(() => disk.stat(path))).toBe(false)
})
