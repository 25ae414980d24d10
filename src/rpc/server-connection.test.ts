import { expect, test } from 'vitest'
import { nodeClock } from '../world/node/clock.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { Clock, Socket, SocketSink } from '../world/world.ts'
import { CHUNK_BYTES, ChunkPool } from './chunk-pool.ts'
import type { Dispatched, Outcome, Refusal } from './dispatched.ts'
import { ReadGate } from './read-gate.ts'
import { ServerConnection } from './server-connection.ts'
import { UnsentAnswers } from './unsent-answers.ts'

class FakeSocket implements Socket {
  readonly remoteHost = '127.0.0.1'
  readonly remotePort = 5000
  readonly localHost = '127.0.0.1'
  readonly localPort = 9092
  readonly sent: string[] = []
  isPaused = false
  isDestroyed = false
  #sink: SocketSink | null = null

  start(sink: SocketSink): void {
    this.#sink = sink
  }
  renewals = 0
  renewRoom(): void {
    this.renewals++
    this.#sink!.room()
  }
  write(buffers: readonly Buffer[], done?: () => void): void {
    this.sent.push(Buffer.concat(buffers).toString())
    if (this.takes) done?.()
    else if (done !== undefined) this.#untaken.push(done)
  }
  /** False: the peer reads nothing, until `take`. */
  takes = true
  readonly #untaken: (() => void)[] = []
  take(): void {
    for (const done of this.#untaken.splice(0)) done()
  }
  endByPeer(): void {
    this.#sink!.ended()
  }
  pause(): void {
    this.isPaused = true
  }
  resume(): void {
    this.isPaused = false
  }
  end(): void {
    this.isDestroyed = true
  }
  destroy(): void {
    this.isDestroyed = true
  }
  /** What the peer sends: one frame for each text. */
  receive(...texts: string[]): void {
    for (const text of texts) this.receivePart(text, text.length)
  }
  /** The first bytes of one. */
  receivePart(text: string, length: number): void {
    const sink = this.#sink!
    const bytes = Buffer.alloc(4 + length)
    bytes.writeInt32BE(text.length, 0)
    bytes.write(text, 4)
    for (let at = 0; at < bytes.length;) {
      const count = bytes.copy(sink.room(), 0, at)
      sink.received(count)
      at += count
    }
  }
}

const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  at: () => ({ cancel() {} }),
  soon: (task) => task(),
}

const answer = (text: string): Outcome => ({ kind: 'answer', pieces: [Buffer.from(text)], release: null, muteMs: 0 })

function connect(
  dispatch: (text: string, letGo: () => void) => Dispatched,
  gate = new ReadGate(1000, 500),
  requestBytesMax = 10_000,
  connectionClock = clock,
): { socket: FakeSocket; connection: ServerConnection; pool: ChunkPool; refusals: Refusal[] } {
  const refusals: Refusal[] = []
  const socket = new FakeSocket()
  const pool = new ChunkPool({ freeBytesMax: CHUNK_BYTES, poison: true })
  const connection = new ServerConnection(socket, {
    clock: connectionClock,
    pool,
    gate,
    unsentAnswers: new UnsentAnswers(clock, 10 ** 6, 1000),
    requestBytesMax,
    dispatch: (frame, connection) =>
      dispatch(frame.buffer.toString('utf8', frame.start, frame.end), () => connection.letGo(frame)),
    refused: (_connection, what) => void refusals.push(what),
    closed: () => undefined,
  })
  return { socket, connection, pool, refusals }
}

function held(): { outcome: Promise<Outcome>; answer: (text: string) => Promise<void> } {
  let settle: (outcome: Outcome) => void = () => undefined
  const outcome = new Promise<Outcome>((resolve) => (settle = resolve))
  return {
    outcome,
    answer: async (text) => {
      settle(answer(text))
      await outcome
      await Promise.resolve()
    },
  }
}

test('a request waits for the answer of the one before it', async () => {
  const first = held()
  const seen: string[] = []
  const { socket } = connect((text) => {
    seen.push(text)
    return { outcome: text === 'a' ? first.outcome : answer(`re ${text}`), pipelined: false, isPaced: false }
  })
  socket.receive('a', 'b')
  expect(seen).toEqual(['a'])
  await first.answer('re a')
  expect(seen).toEqual(['a', 'b'])
  expect(socket.sent).toEqual(['re a', 're b'])
})

test('behind a pipelined request the next starts at once, and answers keep the order of requests', async () => {
  const first = held()
  const seen: string[] = []
  const { socket } = connect((text) => {
    seen.push(text)
    return { outcome: text === 'a' ? first.outcome : answer(`re ${text}`), pipelined: true, isPaced: false }
  })
  socket.receive('a', 'b', 'c')
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(socket.sent).toEqual([])
  await first.answer('re a')
  expect(socket.sent).toEqual(['re a', 're b', 're c'])
})

test('a request that must be refused closes the connection after the answers before it', () => {
  const { socket } = connect((text) => ({
    outcome: text === 'bad' ? { kind: 'close', reason: 'bad' } : answer(`re ${text}`),
    pipelined: false,
    isPaced: false,
  }))
  socket.receive('a', 'bad', 'b')
  expect(socket.sent).toEqual(['re a'])
  expect(socket.isDestroyed).toBe(true)
})

/** More than a connection may have in work whatever the others have. */
const LARGE = 'x'.repeat(70_000)

test('sockets are not read while too many bytes are in work, and are again when they are done', async () => {
  const first = held()
  const gate = new ReadGate(60_000, 50_000)
  const { socket } = connect(() => ({ outcome: first.outcome, pipelined: false, isPaced: false }), gate, 100_000)
  socket.receive(LARGE)
  expect(socket.isPaused).toBe(true)
  await first.answer('done')
  expect(socket.isPaused).toBe(false)
  expect(gate.inFlightBytes).toBe(0)
})

test('while too many bytes are in work small requests are taken, and no more of large ones than one read', async () => {
  const first = held()
  const gate = new ReadGate(60_000, 50_000)
  const producer = connect(() => ({ outcome: first.outcome, pipelined: false, isPaced: false }), gate, 100_000)
  const follower = connect(
    (text) => ({ outcome: answer(`re ${text}`), pipelined: false, isPaced: false }),
    gate,
    100_000,
  )
  producer.socket.receive(LARGE)
  follower.socket.receive('fetch')
  expect([follower.socket.sent, follower.socket.isPaused]).toEqual([['re fetch'], false])
  follower.socket.receivePart(LARGE, 10_000)
  expect(follower.socket.isPaused).toBe(true)
  await first.answer('done')
  expect([producer.socket.isPaused, follower.socket.isPaused]).toEqual([false, false])
})

test('a request that nobody reads any more is not in the way of others, and is answered in its turn', async () => {
  const first = held()
  const gate = new ReadGate(60_000, 50_000)
  const lets: (() => void)[] = []
  const { socket, pool } = connect(
    (_text, letGo) => {
      lets.push(letGo)
      return { outcome: lets.length === 1 ? first.outcome : answer('second'), pipelined: true, isPaced: false }
    },
    gate,
    100_000,
  )
  socket.receive(LARGE)
  expect([socket.isPaused, gate.inFlightBytes]).toEqual([true, LARGE.length])
  lets[0]!()
  lets[0]!()
  expect([socket.isPaused, gate.inFlightBytes]).toEqual([false, 0])
  socket.receive('b')
  expect(socket.sent).toEqual([])
  await first.answer('first')
  expect([socket.sent, gate.inFlightBytes, pool.usedBytes]).toEqual([['first', 'second'], 0, 0])
})

test('all memory is given back when a connection with requests in work closes', async () => {
  const first = held()
  const { socket, pool } = connect(() => ({ outcome: first.outcome, pipelined: false, isPaced: false }))
  socket.receive('a', 'b', 'c')
  expect(pool.usedBytes).toBeGreaterThan(0)
  socket.receive('')
  expect(socket.isDestroyed).toBe(true)
  await first.answer('late')
  expect(socket.sent).toEqual([])
  expect(pool.usedBytes).toBe(0)
})

test('a socket that may read into a chunk gets other memory before the chunk is given back', async () => {
  const waiting: ((outcome: Outcome) => void)[] = []
  const { socket, pool } = connect(
    () => ({ outcome: new Promise((resolve) => waiting.push(resolve)), pipelined: true, isPaced: false }),
    new ReadGate(10 ** 9, 10 ** 8),
    100_000,
  )
  for (let sent = 0; sent < 40; sent++) socket.receive('x'.repeat(60_000))
  expect(socket.renewals).toBe(0)
  for (const settle of waiting) settle(answer('done'))
  await new Promise<void>((resolve) => nodeClock.soon(resolve))
  expect(socket.renewals).toBe(1)
  expect(pool.usedBytes).toBe(0)
})

test('a peer that has sent all it wants and then ended gets its answers before the connection closes', () => {
  const { socket } = connect((text) => ({ outcome: answer(text), pipelined: false, isPaced: false }))
  socket.takes = false
  socket.receive('last')
  socket.endByPeer()
  expect(socket.isDestroyed).toBe(false)
  socket.take()
  expect(socket.isDestroyed).toBe(true)
})

test('bytes that are no request, and requests that are not served, are told before the connection closes', () => {
  const served = connect(() => ({ outcome: { kind: 'close', reason: 'API 99' }, pipelined: false, isPaced: false }))
  served.socket.receive('a')
  expect(served.refusals).toEqual([{ reason: 'API 99' }])
  expect(served.socket.isDestroyed).toBe(true)

  const garbage = connect(() => ({ outcome: answer('a'), pipelined: false, isPaced: false }), undefined, 2)
  garbage.socket.receive('abc')
  expect(garbage.refusals).toEqual([{ sizeBytes: 3 }])
  expect(garbage.socket.isDestroyed).toBe(true)
})

/** Answers at once, and mutes for as many milliseconds as the request says. */
function mutable(gate?: ReadGate) {
  const time = new ManualClock()
  const seen: string[] = []
  const connected = connect(
    (text) => {
      seen.push(text)
      const muteMs = Number.parseInt(text, 10) || 0
      const outcome: Outcome = text.endsWith('silent')
        ? { kind: 'silent', muteMs }
        : { kind: 'answer', pieces: [Buffer.from(`re ${text}`)], release: null, muteMs }
      return { outcome, pipelined: false, isPaced: true }
    },
    gate,
    100_000,
    time,
  )
  return { time, seen, ...connected }
}

test('a muted client is answered at once, and its next request starts when the time is over, with acks=0 too', async () => {
  const { time, seen, socket } = mutable()
  socket.receive('100', '50 silent', 'last')
  expect([seen, socket.sent]).toEqual([['100'], ['re 100']])
  await time.advance(99)
  expect(seen).toEqual(['100'])
  await time.advance(1)
  expect(seen).toEqual(['100', '50 silent'])
  await time.advance(50)
  expect([seen, socket.sent]).toEqual([
    ['100', '50 silent', 'last'],
    ['re 100', 're last'],
  ])
  expect([socket.isPaused, time.pendingCount]).toEqual([false, 0])
})

test('the socket of a muted client is read until something comes, so that its end is seen', async () => {
  const ends = mutable()
  ends.socket.receive('1000')
  expect([ends.socket.isPaused, ends.connection.isResting]).toEqual([false, true])
  ends.socket.endByPeer()
  expect([ends.socket.isDestroyed, ends.time.pendingCount]).toEqual([true, 0])

  for (const length of [4, 2]) {
    const { time, seen, socket } = mutable()
    socket.receive('1000')
    socket.receivePart('next', length)
    expect([seen, socket.isPaused]).toEqual([['1000'], true])
    await time.advance(1000)
    expect([seen, socket.isPaused]).toEqual([length === 4 ? ['1000', 'next'] : ['1000'], false])
  }
})

test('what a muted client has sent holds back nobody, until its time is over', async () => {
  const gate = new ReadGate(60_000, 50_000)
  const { time, connection, socket } = mutable(gate)
  socket.receive('500', LARGE)
  expect([gate.isOpen, gate.inFlightBytes, connection.inWork]).toEqual([true, 0, 1])
  connection.close('the broker shuts down')
  expect([gate.inFlightBytes, time.pendingCount]).toEqual([0, 0])

  const other = mutable(gate)
  other.socket.receive('500', LARGE)
  await other.time.advance(500)
  expect([other.seen.length, gate.inFlightBytes]).toEqual([2, 0])
})

test('behind a request of a client that may be muted only one is read ahead', async () => {
  const first = held()
  const { socket } = connect(() => ({ outcome: first.outcome, pipelined: false, isPaced: true }))
  socket.receive('a')
  expect(socket.isPaused).toBe(false)
  socket.receive('b')
  expect(socket.isPaused).toBe(true)
  await first.answer('re')
  expect(socket.isPaused).toBe(false)
})
