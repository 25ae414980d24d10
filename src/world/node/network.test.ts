import net from 'node:net'
import { expect, test } from 'vitest'
import type { Listener, Socket } from '../world.ts'
import { NodeNetwork } from './network.ts'
import { acceptedSocket } from './socket.ts'

interface Watched {
  readonly socket: Socket
  readonly pieces: Buffer[]
  rooms: number
  ended: boolean
  closes: (Error | null)[]
  readonly closed: Promise<void>
  /** Resolves when so many bytes have come. */
  has(bytes: number): Promise<void>
  bytes(): Buffer
}

function watch(socket: Socket, roomBytes = 65536): Watched {
  let room = Buffer.alloc(roomBytes)
  let total = 0
  let waiting: { bytes: number; resolve: () => void } | null = null
  let resolveClosed = (): void => {}
  const closed = new Promise<void>((resolve) => (resolveClosed = resolve))
  const watched: Watched = {
    socket,
    pieces: [],
    rooms: 0,
    ended: false,
    closes: [],
    closed,
    has: (bytes) => new Promise((resolve) => (total >= bytes ? resolve() : (waiting = { bytes, resolve }))),
    bytes: () => Buffer.concat(watched.pieces),
  }
  socket.start({
    room: () => {
      watched.rooms += 1
      return (room = Buffer.alloc(roomBytes))
    },
    received: (length) => {
      watched.pieces.push(room.subarray(0, length))
      total += length
      if (waiting !== null && total >= waiting.bytes) waiting.resolve()
    },
    ended: () => (watched.ended = true),
    closed: (error) => {
      watched.closes.push(error)
      resolveClosed()
    },
  })
  return watched
}

type Way = 'room' | 'copy'

async function pair(
  way: Way,
  roomBytes?: number,
): Promise<{ client: Watched; server: Watched; close: () => Promise<void> }> {
  let accepted = (_socket: Socket): void => {}
  const acceptance = new Promise<Socket>((resolve) => (accepted = resolve))
  const { port, close } = await listener(way, (socket) => accepted(socket))
  const client = watch(await new NodeNetwork().connect({ host: '127.0.0.1', port }))
  const server = watch(await acceptance, roomBytes)
  return { client, server, close }
}

async function listener(way: Way, accept: (socket: Socket) => void): Promise<Pick<Listener, 'port' | 'close'>> {
  if (way === 'room') return new NodeNetwork().listen({ host: '127.0.0.1', port: 0, backlog: 10 }, accept)
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (raw) =>
    accept(acceptedSocket(raw, 'copy')),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

for (const way of ['room', 'copy'] as const) {
  test(`${way}: megabytes pass both ways whole, in gathered writes, and done runs for each`, async () => {
    const { client, server, close } = await pair(way, 10_000)
    const sent = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1 + ((index * 7919) % 30_000), index))
    let done = 0
    for (let index = 0; index < sent.length; index += 3) {
      const buffers = sent.slice(index, index + 3)
      client.socket.write([Buffer.alloc(0), ...buffers], () => (done += 1))
      server.socket.write(buffers)
    }
    const whole = Buffer.concat(sent)
    await Promise.all([client.has(whole.length), server.has(whole.length)])
    expect(server.bytes().equals(whole)).toBe(true)
    expect(client.bytes().equals(whole)).toBe(true)
    expect(done).toBe(100)
    client.socket.end()
    await client.closed
    while (!server.ended) await turn()
    server.socket.destroy()
    await server.closed
    expect([client.closes, server.closes]).toEqual([[null], [null]])
    await close()
  })

  test(`${way}: nothing is received while paused, not even what had arrived`, async () => {
    const { client, server, close } = await pair(way, 100)
    server.socket.pause()
    client.socket.write([Buffer.alloc(5000, 1)])
    client.socket.end()
    await client.closed
    for (let index = 0; index < 20; index++) await turn()
    expect(server.bytes().length).toBe(0)
    expect(server.ended).toBe(false)
    server.socket.resume()
    await server.has(100)
    server.socket.pause()
    const before = server.bytes().length
    for (let index = 0; index < 20; index++) await turn()
    expect(server.bytes().length - before).toBeLessThanOrEqual(100)
    server.socket.resume()
    await server.has(5000)
    while (!server.ended) await turn()
    server.socket.end()
    await server.closed
    expect(server.closes).toEqual([null])
    await close()
  })

  test(`${way}: a sink that destroys its socket within received hears nothing more but closed`, async () => {
    const { client, server, close } = await pair(way)
    client.socket.write([Buffer.from('x')])
    await server.has(1)
    server.socket.destroy()
    server.socket.destroy()
    await server.closed
    let done = false
    server.socket.write([Buffer.from('late')], () => (done = true))
    while (!done) await turn()
    while (!client.ended) await turn()
    client.socket.end()
    await client.closed
    expect(server.closes).toEqual([null])
    await close()
  })

  test(`${way}: a reset is an error of closed, and a write under way is done`, async () => {
    const { client, server, close } = await pair(way)
    let done = 0
    for (let index = 0; index < 50; index++) server.socket.write([Buffer.alloc(1 << 20)], () => (done += 1))
    client.socket.pause()
    client.socket.write([Buffer.from('x')])
    await server.has(1)
    client.socket.destroy() // with unread bytes: the kernel resets
    await server.closed
    await turn()
    expect(done).toBe(50)
    expect(server.closes).toHaveLength(1)
    expect(server.closes[0]).toBeInstanceOf(Error)
    await close()
  })

  test(`${way}: addresses are known, and stay known when the socket has closed`, async () => {
    const { client, server, close } = await pair(way)
    expect(server.socket.remoteHost).toBe('127.0.0.1')
    expect(server.socket.remotePort).toBe(client.socket.localPort)
    expect(client.socket.remotePort).toBe(server.socket.localPort)
    client.socket.destroy()
    server.socket.destroy()
    await Promise.all([client.closed, server.closed])
    expect(server.socket.remoteHost).toBe('127.0.0.1')
    await close()
  })
}

test('an accepted socket reads into the memory that room gave last', async () => {
  const { client, server, close } = await pair('room', 64)
  const roomsAtFirst = server.rooms
  server.socket.renewRoom()
  expect(server.rooms).toBe(roomsAtFirst + 1)
  client.socket.write([Buffer.alloc(640, 7)])
  await server.has(640)
  expect(server.bytes().equals(Buffer.alloc(640, 7))).toBe(true)
  // One room per read and one that waits: memory of the sink, not a copy out of Node's.
  expect(server.rooms).toBe(roomsAtFirst + 1 + server.pieces.length)
  expect(server.pieces.every((piece) => piece.buffer.byteLength === 64 || piece.length <= 64)).toBe(true)
  client.socket.destroy()
  server.socket.destroy()
  await close()
})

test('one socket does not keep the loop to itself: 2 MB and a room in a turn at most', async () => {
  const { client, server, close } = await pair('room', 1 << 18)
  let most = 0
  let before = 0
  let counting = true
  const count = (): void => {
    const bytes = server.pieces.reduce((sum, piece) => sum + piece.length, 0)
    most = Math.max(most, bytes - before)
    before = bytes
    if (counting) setImmediate(count)
  }
  count()
  client.socket.write(Array.from({ length: 16 }, () => Buffer.alloc(1 << 20)))
  await server.has(16 << 20)
  counting = false
  expect(most).toBeLessThanOrEqual((2 << 20) + (1 << 18))
  client.socket.destroy()
  server.socket.destroy()
  await close()
})

test('a listener that closes leaves open sockets open and frees its port at once', async () => {
  const { client, server, close } = await pair('room')
  await close()
  await close()
  client.socket.write([Buffer.from('still here')])
  await server.has(10)
  await expect(new NodeNetwork().connect({ host: '127.0.0.1', port: server.socket.localPort })).rejects.toMatchObject({
    name: 'OperationalError',
    code: 'NETWORK_FAILED',
  })
  client.socket.destroy()
  server.socket.destroy()
  await Promise.all([client.closed, server.closed])
})

test('a port in use and a host that is not ours are errors with codes', async () => {
  const network = new NodeNetwork()
  const first = await network.listen({ host: '127.0.0.1', port: 0, backlog: 10 }, () => {})
  const again = network.listen({ host: '127.0.0.1', port: first.port, backlog: 10 }, () => {})
  await expect(again).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  const foreign = network.listen({ host: '192.0.2.1', port: 0, backlog: 10 }, () => {})
  await expect(foreign).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
  await first.close()
})

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1))
}

test.each([null, {}])(
  'an attempt to connect that is given up ends at once, and its socket with it (tls: %j)',
  async (tls) => {
    const network = new NodeNetwork()
    let close = (): void => {}
    const closed = new Promise<void>((resolve) => (close = resolve))
    // Nothing answers a handshake here.
    const server = net.createServer((socket) =>
      socket
        .on('error', () => {})
        .on('close', close)
        .resume(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port, tls }
    const given = new AbortController()
    const attempt = network.connect(address, given.signal)
    if (tls !== null) await new Promise((resolve) => server.once('connection', resolve))
    given.abort(new Error('no longer wanted'))
    await expect(attempt).rejects.toThrow('no longer wanted')
    if (tls !== null) await closed
    await expect(network.connect(address, given.signal)).rejects.toThrow('no longer wanted')
    server.close()
  },
)
