import { expect, test } from 'vitest'
import { DiskError } from '../world/world.ts'
import { SeededWorld } from './seeded-world.ts'

const SEEDS = 60

test('a power loss never takes synced bytes, and does take unsynced ones', async () => {
  let lost = 0
  let kept = 0
  let torn = 0
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const node = world.node('broker')
      await node.world.disk.makeDirectory('/d')
      await node.world.disk.syncDirectory('/')
      const file = await node.world.disk.open('/d/f', 'create')
      await node.world.disk.syncDirectory('/d')
      // Two layers of random writes, the first of them synced.
      const durable = Buffer.alloc(100_000)
      for (let index = 0; index < 10; index++) {
        const bytes = world.choices.bytes(1 + world.choices.below(9000))
        const at = world.choices.below(durable.length - bytes.length)
        bytes.copy(durable, at)
        await file.write([bytes], at)
      }
      await file.write([durable.subarray(99_999)], 99_999)
      await file.sync()
      const changed = Buffer.from(durable)
      const from = world.choices.below(50_000)
      const until = from + 1 + world.choices.below(50_000)
      changed.fill(0xee, from, until)
      await file.write([changed.subarray(from, until)], from)

      node.powerLoss()
      const found = await node.world.disk.readFile('/d/f')
      expect(found?.length).toBe(100_000)
      let newBytes = 0
      for (let at = 0; at < 100_000; at++) {
        const byte = found?.[at]
        // Outside of the pages that were rewritten nothing may differ.
        if ((at < from || at >= until) && byte !== durable[at]) expect.fail(`byte ${at} was synced and is lost`)
        if (byte === durable[at]) continue
        if (byte === 0xee) newBytes += 1
        else expect.fail(`byte ${at} is neither old nor new`)
      }
      if (newBytes === 0) lost += 1
      else if (newBytes > (until - from) * 0.98) kept += 1
      else torn += 1
    })
  }
  expect(lost, 'losses of everything').toBeGreaterThan(0)
  expect(kept, 'losses of nothing').toBeGreaterThan(0)
  expect(torn, 'losses in part').toBeGreaterThan(0)
})

test('a crash of the process loses nothing that was written', async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const node = world.node('broker')
      const file = await node.world.disk.open('/f', 'create')
      await file.write([Buffer.from('first'), Buffer.from('second')], 0)
      void file.write([Buffer.from('under way')], 11)
      node.crash()
      const found = (await node.world.disk.readFile('/f'))?.toString() ?? ''
      expect('firstsecondunder way'.startsWith(found)).toBe(true)
      expect(found.startsWith('firstsecond')).toBe(true)
    })
  }
})

test('a truncation that is not synced may come back, one that is stays', async () => {
  let cameBack = 0
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const node = world.node('broker')
      const { disk } = node.world
      const bytes = world.choices.bytes(20_000)
      for (const name of ['/synced', '/unsynced']) {
        const file = await disk.open(name, 'create')
        await file.write([bytes], 0)
        await file.sync()
        await file.truncate(5000)
        if (name === '/synced') await file.sync()
      }
      await disk.syncDirectory('/')
      node.powerLoss()
      const synced = await node.world.disk.readFile('/synced')
      expect(synced?.equals(bytes.subarray(0, 5000))).toBe(true)
      const unsynced = await node.world.disk.readFile('/unsynced')
      const length = unsynced?.length ?? 0
      expect(length).toBeGreaterThanOrEqual(5000)
      expect(unsynced?.subarray(0, 5000).equals(bytes.subarray(0, 5000))).toBe(true)
      if (length > 5000) cameBack += 1
    })
  }
  expect(cameBack).toBeGreaterThan(0)
})

test('a rename is undone or done at a power loss, never half; behind the sync of its directory it is done', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const node = world.node('broker')
      const { disk } = node.world
      for (const directory of ['/synced', '/unsynced']) {
        await disk.makeDirectory(directory)
        for (const name of ['f', 'f.tmp']) {
          await disk.writeFile(`${directory}/${name}`, Buffer.from(name))
          const file = await disk.open(`${directory}/${name}`, 'write')
          await file.sync()
          await file.close()
        }
        await disk.syncDirectory('/')
        await disk.syncDirectory(directory)
        await disk.rename(`${directory}/f.tmp`, `${directory}/f`)
      }
      await disk.syncDirectory('/synced')
      node.powerLoss()
      const namesOf = async (directory: string): Promise<string> => {
        const entries = (await node.world.disk.list(directory)) ?? []
        const texts = []
        for (const { name } of entries) texts.push(`${name}=${await node.world.disk.readFile(`${directory}/${name}`)}`)
        return texts.sort().join(' ')
      }
      expect(await namesOf('/synced')).toBe('f=f.tmp')
      const found = await namesOf('/unsynced')
      expect(['f.tmp=f.tmp f=f', 'f=f.tmp']).toContain(found)
      seen.add(found)
    })
  }
  expect(seen.size).toBe(2)
})

test('a file whose directory was never synced may be gone, though its bytes were synced', async () => {
  const seen = new Set<boolean>()
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const node = world.node('broker')
      const file = await node.world.disk.open('/f', 'create')
      await file.write([Buffer.from('x')], 0)
      await file.sync()
      node.powerLoss()
      seen.add((await node.world.disk.stat('/f')) !== null)
    })
  }
  expect(seen.size).toBe(2)
})

test('what a failed sync threw away is not durable behind a later sync that succeeds', async () => {
  let lost = 0
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const node = world.node('broker')
      const file = await node.world.disk.open('/f', 'create')
      await file.write([Buffer.alloc(4096, 1)], 0)
      await file.sync()
      await node.world.disk.syncDirectory('/')
      await file.write([Buffer.alloc(4096, 2)], 0)
      node.disk.failNext({ kinds: ['sync'], code: 'EIO' })
      await expect(file.sync()).rejects.toBeInstanceOf(DiskError)
      await file.sync()
      node.powerLoss()
      if ((await node.world.disk.readFile('/f'))?.[0] === 1) lost += 1
    })
  }
  expect(lost).toBeGreaterThan(0)
})

test('requested faults: errors, short writes, a full disk, a hung disk', async () => {
  const world = new SeededWorld(11)
  await world.run(async () => {
    const node = world.main
    const file = await world.disk.open('/f', 'create')
    node.disk.failNext({ kinds: ['write'], code: 'EIO', path: '/f', writtenBytes: 3 })
    await expect(file.write([Buffer.from('abcdef')], 0)).rejects.toMatchObject({ code: 'EIO', path: '/f' })
    expect((await world.disk.readFile('/f'))?.toString()).toBe('abc')

    node.disk.capacityBytes = 1000
    await expect(file.write([Buffer.alloc(9000)], 0)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect((await world.disk.space('/')).usable).toBeLessThan(1000)
    node.disk.capacityBytes = 2 ** 40

    node.disk.hang()
    let done = false
    void file.write([Buffer.from('xyz')], 0).then(() => (done = true))
    await world.advance(10_000)
    expect(done).toBe(false)
    node.disk.unhang()
    await world.advance(1000)
    expect(done).toBe(true)
  })
})

test('rot, read, write and sync errors come at the rate that is asked for', async () => {
  const world = new SeededWorld(12)
  await world.run(async () => {
    const { rates } = world.main.disk
    const file = await world.disk.open('/f', 'create')
    await file.write([Buffer.alloc(100)], 0)
    Object.assign(rates, { readError: 0.5, writeError: 0.5, syncError: 0.5, rot: 0.5 })
    const counts = { read: 0, write: 0, sync: 0, rot: 0 }
    for (let index = 0; index < 200; index++) {
      const into = Buffer.alloc(100)
      await file.read(into, 0).catch(() => (counts.read += 1))
      if (into.some((byte) => byte !== 0)) counts.rot += 1
      await file.write([Buffer.alloc(1)], 0).catch(() => (counts.write += 1))
      await file.sync().catch(() => (counts.sync += 1))
    }
    for (const count of [counts.read, counts.write, counts.sync]) expect(count).toBeGreaterThan(60)
    expect(counts.rot).toBeGreaterThan(25)
    world.main.disk.heal()
    for (let index = 0; index < 50; index++) await file.sync()
  })
})

test('a byte that rots is read wrong until it is written over, its process ends or it is mended', async () => {
  const world = new SeededWorld(14)
  await world.run(async () => {
    const { main } = world
    const file = await world.disk.open('/f', 'create')
    await file.write([Buffer.alloc(10, 7)], 0)
    const read = async (): Promise<number[]> => [...((await main.world.disk.readFile('/f')) ?? [])]
    const sound = Array.from({ length: 10 }, () => 7)
    const rot = (position: number, outlivesProcess: boolean): void =>
      main.disk.rot({ path: '/f', position, mask: 1, outlivesProcess })
    rot(3, false)
    rot(8, true)
    expect(await read()).toEqual(sound.map((byte, at) => (at === 3 || at === 8 ? 6 : byte)))
    const part = Buffer.alloc(4)
    await file.read(part, 6)
    expect([...part]).toEqual([7, 7, 6, 7])
    expect([...main.disk.contentOf('/f')!]).toEqual(sound)
    main.crash()
    expect(await read()).toEqual(sound.map((byte, at) => (at === 8 ? 6 : byte)))
    const again = await main.world.disk.open('/f', 'write')
    await again.write([Buffer.alloc(1, 7)], 8)
    expect(await read()).toEqual(sound)
    rot(0, true)
    main.disk.mendRot()
    expect(await read()).toEqual(sound)
  })
})

test('a lock excludes everybody else until it is released or its process dies', async () => {
  const world = new SeededWorld(13)
  await world.run(async () => {
    const node = world.main
    const lock = await node.world.disk.lock('/.lock')
    expect(lock).not.toBeNull()
    expect(await node.world.disk.lock('/.lock')).toBeNull()
    await lock?.release()
    expect(await node.world.disk.lock('/.lock')).not.toBeNull()
    node.crash()
    expect(await node.world.disk.lock('/.lock')).not.toBeNull()
  })
})

test('operations on different files overtake each other', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const order: string[] = []
      const names = ['a', 'b', 'c']
      await Promise.all(
        names.map((name) => world.disk.writeFile(`/${name}`, Buffer.alloc(10)).then(() => order.push(name))),
      )
      orders.add(order.join(''))
    })
  }
  expect(orders.size).toBe(6)
})
