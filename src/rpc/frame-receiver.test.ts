import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHUNK_BYTES, ChunkPool } from './chunk-pool.ts'
import { FrameReceiver, type Frame } from './frame-receiver.ts'

const newPool = (): ChunkPool => new ChunkPool({ freeBytesMax: 8 * CHUNK_BYTES, poison: true })

function framed(body: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** Delivers as a socket does: asks for room, fills at most all of it. */
function deliver(receiver: FrameReceiver, bytes: Buffer, pieceBytes: number): void {
  let at = 0
  while (at < bytes.length) {
    const room = receiver.room()
    const length = Math.min(room.length, pieceBytes, bytes.length - at)
    bytes.copy(room, 0, at, at + length)
    at += length
    receiver.received(length)
  }
}

test('frames arrive whole and in order, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 400_000 }),
      (sizes, pieceBytes) => {
        const pool = newPool()
        const bodies = sizes.map((size, at) => Buffer.alloc(size, at + 1))
        const received: Buffer[] = []
        const receiver = new FrameReceiver(
          pool,
          1_000_000,
          (frame) => {
            received.push(Buffer.from(frame.buffer.subarray(frame.start, frame.end)))
            frame.memory.release()
          },
          () => expect.unreachable(),
        )
        deliver(receiver, Buffer.concat(bodies.map(framed)), Math.max(pieceBytes, 4))
        expect(received).toHaveLength(bodies.length)
        for (const [at, body] of bodies.entries()) expect(received[at]!.equals(body)).toBe(true)
        receiver.idle()
        expect(pool.usedBytes).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
})

test('a frame that is held keeps its bytes while later ones are received', () => {
  const held: Frame[] = []
  const receiver = new FrameReceiver(
    newPool(),
    10_000_000,
    (frame) => held.push(frame),
    () => expect.unreachable(),
  )
  const bodies = Array.from({ length: 40 }, (_, at) => Buffer.alloc(100_000, at))
  deliver(receiver, Buffer.concat(bodies.map(framed)), 70_000)
  for (const [at, frame] of held.entries()) {
    expect(frame.buffer.subarray(frame.start, frame.end).equals(bodies[at]!)).toBe(true)
    frame.memory.release()
  }
})

test('a frame larger than a chunk arrives, and only what was sent is allocated on the way', () => {
  const pool = newPool()
  let received = 0
  const receiver = new FrameReceiver(
    pool,
    100_000_000,
    (frame) => {
      received = frame.end - frame.start
      frame.memory.release()
    },
    () => expect.unreachable(),
  )
  const bytes = framed(Buffer.alloc(5_000_000, 7))
  deliver(receiver, bytes.subarray(0, 100_000), 65_536)
  expect(pool.usedBytes).toBeLessThan(400_000)
  deliver(receiver, bytes.subarray(100_000), 65_536)
  expect(received).toBe(5_000_000)
})

test('a connection between two frames holds no memory', () => {
  const pool = newPool()
  const receiver = new FrameReceiver(
    pool,
    1000,
    (frame) => frame.memory.release(),
    () => expect.unreachable(),
  )
  receiver.room()
  expect(pool.usedBytes).toBe(0)
  deliver(receiver, framed(Buffer.from('hello')), 3)
  receiver.idle()
  expect(pool.usedBytes).toBe(0)
})

test.each([0, -1, 1001, 2 ** 31 - 1])(
  'a declared size of %i bytes is refused before anything of it is allocated',
  (size) => {
    const pool = newPool()
    const refused: number[] = []
    const receiver = new FrameReceiver(
      pool,
      1000,
      () => expect.unreachable(),
      (bytes) => refused.push(bytes),
    )
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(size)
    deliver(receiver, prefix, 4)
    expect(refused).toEqual([size])
    expect(pool.usedBytes).toBe(0)
  },
)

test('a connection that sends large frames is read into its chunk between them, until it rests', () => {
  const pool = newPool()
  const frames: Frame[] = []
  const receiver = new FrameReceiver(
    pool,
    10_000_000,
    (frame) => frames.push(frame),
    () => expect.unreachable(),
  )
  const frame = framed(Buffer.alloc(100_000, 1))
  for (let sent = 0; sent < 20; sent++) deliver(receiver, frame, 300_000)
  expect(receiver.room().buffer).not.toBe(pool.landing.buffer)
  expect(receiver.idle()).toBe(true)
  expect(receiver.room()).toBe(pool.landing)
  for (const { memory } of frames) memory.release()
  expect(pool.usedBytes).toBe(0)
})

test('frames a little larger than a chunk are received into recycled memory, in one piece once their sender is known', () => {
  const pool = newPool()
  const buffers = new Set<ArrayBufferLike>()
  const receiver = new FrameReceiver(
    pool,
    10_000_000,
    ({ buffer, memory }) => {
      buffers.add(buffer.buffer)
      memory.release()
    },
    () => expect.unreachable(),
  )
  const frame = framed(Buffer.alloc(CHUNK_BYTES + 100, 1))
  for (let sent = 0; sent < 50; sent++) deliver(receiver, frame, 300_000)
  expect(buffers.size).toBeLessThan(5)
})

test('free chunks of one size give way to those of another that come free', () => {
  const pool = newPool()
  const small = Array.from({ length: 8 }, () => pool.take(CHUNK_BYTES))
  for (const chunk of small) chunk.release()
  const large = pool.take(2 * CHUNK_BYTES)
  large.release()
  expect(pool.take(2 * CHUNK_BYTES)).toBe(large)
})
