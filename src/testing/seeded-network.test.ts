import { expect, test } from 'vitest'
import { OperationalError } from '../base/errors.ts'
import type { Socket } from '../world/world.ts'
import { SeededWorld } from './seeded-world.ts'

interface Watched {
  readonly socket: Socket
  bytes: Buffer
  ended: boolean
  closed: Error | null | undefined
}

function watch(socket: Socket, roomBytes = 50_000): Watched {
  const watched: Watched = { socket, bytes: Buffer.alloc(0), ended: false, closed: undefined }
  const room = Buffer.alloc(roomBytes)
  socket.start({
    room: () => room,
    received: (length) => (watched.bytes = Buffer.concat([watched.bytes, room.subarray(0, length)])),
    ended: () => (watched.ended = true),
    closed: (error) => (watched.closed = error),
  })
  return watched
}

async function pair(world: SeededWorld): Promise<{ client: Watched; server: Watched }> {
  const accepted: Watched[] = []
  await world.node('server').world.network.listen({ host: '', port: 9092, backlog: 10 }, (socket) => {
    accepted.push(watch(socket))
  })
  const client = watch(await world.node('client').world.network.connect({ host: 'server', port: 9092 }))
  const server = accepted[0]
  if (server === undefined) throw new Error('nothing was accepted')
  return { client, server }
}

test('bytes arrive whole and in order, however they are cut', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const world = new SeededWorld(seed)
    await world.run(async () => {
      const { client, server } = await pair(world)
      const sent: Buffer[] = []
      for (let index = 0; index < 50; index++) {
        const bytes = world.choices.bytes(world.choices.below(5000))
        sent.push(bytes)
        client.socket.write([bytes.subarray(0, 10), bytes.subarray(10)])
      }
      client.socket.end()
      await world.advance(5000)
      expect(server.bytes.equals(Buffer.concat(sent))).toBe(true)
      expect(server.ended).toBe(true)
      expect(client.closed).toBeNull()
      server.socket.end()
      await world.advance(1000)
      expect(server.closed).toBeNull()
      expect(world.net.connectionCount).toBe(0)
    })
  }
})

test('what is written may be changed as soon as done has run', async () => {
  const world = new SeededWorld(4)
  await world.run(async () => {
    const { client, server } = await pair(world)
    const bytes = Buffer.from('before')
    await new Promise<void>((done) => client.socket.write([bytes], done))
    bytes.write('after!')
    await world.advance(1000)
    expect(server.bytes.toString()).toBe('before')
  })
})

test('a paused reader holds its writer up, and resuming lets everything through', async () => {
  const world = new SeededWorld(5)
  await world.run(async () => {
    const { client, server } = await pair(world)
    server.socket.pause()
    let taken = 0
    for (let index = 0; index < 40; index++) client.socket.write([Buffer.alloc(100_000, index)], () => (taken += 1))
    await world.advance(10_000)
    expect(taken).toBeLessThan(40)
    expect(server.bytes.length).toBe(0)
    server.socket.resume()
    await world.advance(10_000)
    expect(taken).toBe(40)
    expect(server.bytes.length).toBe(4_000_000)
  })
})

test('a taken port, a port nobody listens on and an unknown host are refused', async () => {
  const world = new SeededWorld(6)
  await world.run(async () => {
    const { network } = world.node('server').world
    await network.listen({ host: '', port: 9092, backlog: 10 }, () => {})
    const taken = network.listen({ host: '127.0.0.1', port: 9092, backlog: 10 }, () => {})
    await expect(taken).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await expect(network.connect({ host: 'localhost', port: 1 })).rejects.toBeInstanceOf(OperationalError)
    await expect(network.connect({ host: 'nowhere', port: 1 })).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
  })
})

test('an attempt to connect that is given up ends at once, and its connection if it comes', async () => {
  const world = new SeededWorld(6)
  await world.run(async () => {
    const [client, server] = [world.node('client').world.network, world.node('server').world.network]
    const accepted: Watched[] = []
    await server.listen({ host: '', port: 9092, backlog: 10 }, (socket) => accepted.push(watch(socket)))
    const given = new AbortController()
    const attempt = client.connect({ host: 'server', port: 9092 }, given.signal)
    given.abort(new Error('no longer wanted'))
    await expect(attempt).rejects.toThrow('no longer wanted')
    await expect(client.connect({ host: 'server', port: 9092 }, given.signal)).rejects.toThrow('no longer wanted')
    await world.advance(5000)
    expect(accepted.map(({ ended }) => ended)).toEqual([true])
  })
})

test('a partition holds bytes back until it heals, in one direction only if so asked', async () => {
  const world = new SeededWorld(7)
  await world.run(async () => {
    const { client, server } = await pair(world)
    world.net.cut('client', 'server', { oneWay: true })
    client.socket.write([Buffer.from('held')])
    server.socket.write([Buffer.from('passes')])
    await world.advance(5000)
    expect(server.bytes.toString()).toBe('')
    expect(client.bytes.toString()).toBe('passes')
    world.net.heal()
    client.socket.write([Buffer.from(' back')])
    await world.advance(5000)
    expect(server.bytes.toString()).toBe('held back')
  })
})

test('the peers of a crashed process see a reset, and its port is free again', async () => {
  const world = new SeededWorld(8)
  await world.run(async () => {
    const { client, server } = await pair(world)
    world.node('server').crash()
    await world.advance(1000)
    expect(client.closed).toBeInstanceOf(Error)
    expect(server.closed).toBeUndefined()
    await world.node('server').world.network.listen({ host: '', port: 9092, backlog: 10 }, () => {})
  })
})
