import { expect, test } from 'vitest'
import type { Socket, World } from '../world/world.ts'
import { SeededWorld } from './seeded-world.ts'

/** A small program with disks, network and timers: a server writes down what clients send. */
async function program(world: SeededWorld): Promise<string> {
  const server = world.node('server').world
  await server.disk.makeDirectory('/data')
  const file = await server.disk.open('/data/log', 'create')
  let end = 0
  const listener = await server.network.listen({ host: '', port: 9092, backlog: 10 }, (socket) => {
    receive(socket, (bytes) => {
      const position = end
      end += bytes.length
      void file.write([bytes], position).then(() => socket.write([Buffer.from([bytes.length & 0xff])]))
    })
  })
  const client = async (node: World, message: string): Promise<void> => {
    const socket = await node.network.connect({ host: 'server', port: listener.port })
    let answers = 0
    receive(socket, () => (answers += 1))
    for (let sent = 0; sent < 5; sent++) {
      socket.write([Buffer.from(message), Buffer.from(`-${sent};`)])
      await sleep(node, node.random.below(20))
    }
    while (answers === 0) await sleep(node, 1)
    socket.end()
  }
  await Promise.all(['a', 'b', 'c'].map((name) => client(world.node(name).world, name.repeat(1000))))
  await sleep(server, 100)
  await file.sync()
  const text = await server.disk.readFile('/data/log')
  return text === null ? '' : text.toString('latin1')
}

function receive(socket: Socket, received: (bytes: Buffer) => void): void {
  const room = Buffer.alloc(4096)
  socket.start({
    room: () => room,
    received: (length) => received(Buffer.from(room.subarray(0, length))),
    ended: () => socket.end(),
    closed: () => {},
  })
}

function sleep(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => world.clock.at(world.clock.monotonicMs() + ms, resolve))
}

test('one seed run twice gives the same trace and the same result, another seed another trace', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 5; seed++) {
    const [one, two] = [new SeededWorld(seed), new SeededWorld(seed)]
    const texts = [await one.run(program), await two.run(program)]
    expect(texts[0]).toBe(texts[1])
    expect(texts[0]?.length).toBe(3 * 5 * 1003)
    expect(one.trace.hash).toBe(two.trace.hash)
    expect(one.trace.events).toBeGreaterThan(100)
    hashes.add(one.trace.hash)
  }
  expect(hashes.size).toBe(5)
})

test('one seed has one trace for ever, on every Node', async () => {
  const world = new SeededWorld(42)
  await world.run(program)
  expect(`${world.trace.events} ${world.trace.hash}`).toMatchInlineSnapshot(`"328 3a5f632e238d634c"`)
})

test('two worlds that run at the same time do not disturb each other', async () => {
  const alone = new SeededWorld(9)
  await alone.run(program)
  const [one, two] = [new SeededWorld(9), new SeededWorld(10)]
  await Promise.all([one.run(program), two.run(program)])
  expect(one.trace.hash).toBe(alone.trace.hash)
})

test('a task that waits for nothing fails with its seed, instead of waiting for ever', async () => {
  const world = new SeededWorld(3)
  const stuck = world.run(async () => {
    await sleep(world, 5)
    await new Promise(() => {})
  })
  await expect(stuck).rejects.toThrow(/seed 3: no event is left.*deadlock/s)
})

test('a failure names its seed, whether it comes from the task or from a timer', async () => {
  const failing = new SeededWorld(17)
  const ofTask = failing.run(async () => {
    await sleep(failing, 5)
    throw new Error('wrong')
  })
  await expect(ofTask).rejects.toThrow(/^seed 17, at [0-9.]+ ms: wrong$/)
  const ofTimer = failing.run(async () => {
    failing.clock.soon(() => {
      throw new Error('broken')
    })
    await sleep(failing, 5)
  })
  await expect(ofTimer).rejects.toThrow(/^seed 17, at [0-9.]+ ms: broken$/)
})

test('virtual time is bounded', async () => {
  const world = new SeededWorld(3, { virtualMsMax: 1000 })
  const endless = world.run(async () => {
    for (;;) await sleep(world, 10)
  })
  await expect(endless).rejects.toThrow(/more virtual time/)
})

test('real time and chance throw inside a simulation and work again behind it', async () => {
  const world = new SeededWorld(1)
  await world.run(async () => {
    expect(() => Date.now()).toThrow(/from the World/)
    expect(() => Math.random()).toThrow(/from the World/)
    expect(() => setTimeout(() => {}, 1)).toThrow(/from the World/)
    expect(() => setInterval(() => {}, 1)).toThrow(/from the World/)
  })
  expect(Date.now()).toBeGreaterThan(0)
  expect(Math.random()).toBeLessThan(1)
})

test('an hour passes in no time, and timers are never early', async () => {
  const world = new SeededWorld(8, { virtualMsMax: 2 * 3_600_000 })
  await world
    .run(async () => {
      for (const name of ['x', 'y', 'z']) {
        const { clock } = world.node(name).world
        const deadlineMs = clock.monotonicMs() + 3_600_000
        await new Promise<void>((resolve) => clock.at(deadlineMs, resolve))
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(deadlineMs)
        expect(clock.monotonicMs()).toBeLessThan(deadlineMs + 2)
      }
    })
    .catch((error: unknown) => expect(String(error)).toMatch(/more virtual time/))
})

test('a cancelled timer does not run; advance runs what is due and no more', async () => {
  const world = new SeededWorld(2, { clockSkewMs: 0 })
  const ran: string[] = []
  const startMs = world.clock.monotonicMs()
  world.clock.at(startMs + 10, () => ran.push('ten'))
  world.clock.at(startMs + 20, () => ran.push('cancelled')).cancel()
  world.clock.at(startMs + 30, () => ran.push('thirty'))
  await world.advance(25)
  expect(ran).toEqual(['ten'])
  expect(world.elapsedMs()).toBe(25)
  await world.advance(25)
  expect(ran).toEqual(['ten', 'thirty'])
})

test('nothing of a crashed process runs on, and the next one finds its files', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = new SeededWorld(seed)
    const node = world.node('broker')
    const ran: string[] = []
    await world.run(async () => {
      const { disk, clock } = node.world
      await disk.writeFile('/kept', Buffer.from('kept'))
      void disk.writeFile('/late', Buffer.from('late')).then(() => ran.push('write'))
      clock.at(clock.monotonicMs() + 5, () => ran.push('timer'))
      clock.soon(() => ran.push('soon'))
      node.crash()
      const text = await node.world.disk.readFile('/kept')
      expect(text?.toString()).toBe('kept')
      await world.advance(1000)
    })
    expect(ran).toEqual([])
  }
})
