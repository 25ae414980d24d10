import { expect, test } from 'vitest'
import { SeededRandom } from '../testing/seeded-random.ts'
import { LogTail, TailCache } from './tail-cache.ts'

/** Memory of a request that counts who holds it. */
function chunk(bytes: number) {
  const memory = {
    holders: 1,
    retain: () => void memory.holders++,
    release: () => void memory.holders--,
  }
  return { buffer: Buffer.alloc(bytes), memory }
}

const text = (tail: LogTail, place: number): string => tail.bytesAt(place).toString('latin1')

test('small batches that follow each other are one piece, and are found by each of their offsets', () => {
  const tail = new LogTail(new TailCache(1 << 20, true))
  const { buffer, memory } = chunk(100_000)
  for (let offset = 0; offset < 5; offset++) {
    memory.retain()
    buffer.write(`<${offset}>`, offset * 3, 'latin1')
    tail.add(offset, offset + 1, buffer.subarray(offset * 3, offset * 3 + 3), memory)
  }
  expect(memory.holders).toBe(1)
  expect([0, 1, 2, 3, 4, 5].map((offset) => tail.find(offset) >= 0)).toEqual([true, true, true, true, true, false])
  const place = tail.find(3)
  expect([place, tail.end, text(tail, place), tail.nextOffsetAt(place)]).toEqual([0, 1, '<0><1><2><3><4>', 5])
})

test('what pieces take counts too: a hundred thousand tiny ones stay in the budget', () => {
  const cache = new TailCache(1 << 20, false)
  const tails = Array.from({ length: 10 }, () => new LogTail(cache))
  const { buffer } = chunk(100_000)
  for (let step = 0; step < 100_000; step++) {
    const offset = Math.floor(step / 10)
    tails[step % 10]!.add(offset, offset + 1, buffer.subarray(0, 20), null)
    expect(cache.heldBytes).toBeLessThanOrEqual(1 << 20)
  }
  expect(tails.reduce((sum, tail) => sum + tail.end - tail.find(tail.firstOffset ?? -1), 0)).toBeLessThan(9000)
})

test('a reader that holds a piece has its bytes until it lets go, whatever comes and goes meanwhile', () => {
  const cache = new TailCache(256 * 1024, true)
  const tails = [new LogTail(cache), new LogTail(cache), new LogTail(cache)]
  const random = new SeededRandom(7)
  const ends = [0, 0, 0]
  const held: { view: Buffer; expected: string; release: () => void }[] = []
  const source = Buffer.alloc(1 << 20)
  for (let step = 0; step < 30_000; step++) {
    const index = random.below(3)
    const tail = tails[index]!
    const at = random.below(900_000)
    const length = 1 + random.below(300)
    source.fill(random.below(256), at, at + length)
    tail.add(ends[index]!, (ends[index]! += 1), source.subarray(at, at + length), null)
    if (random.chance(0.001)) tail.clear()
    const place = tail.find(ends[index]! - 1 - random.below(20))
    if (place < 0) continue
    const memory = tail.memoryAt(place)!
    memory.retain()
    const view = tail.bytesAt(place)
    held.push({ view, expected: view.toString('latin1'), release: () => memory.release() })
    if (held.length < 50) continue
    const [{ view: seen, expected, release }] = held.splice(random.below(held.length), 1) as [(typeof held)[0]]
    expect(seen.toString('latin1') === expected).toBe(true)
    release()
  }
  for (const tail of tails) tail.clear()
  expect(cache.heldBytes).toBe(0)
})

test('large batches stay where they were received, until they are dropped', () => {
  const cache = new TailCache(250_000, true)
  const tail = new LogTail(cache)
  const chunks = [0, 1, 2, 3].map((offset) => {
    const one = chunk(100_000)
    tail.add(offset, offset + 1, one.buffer.subarray(0, 60_000), one.memory)
    return one
  })
  expect(chunks.map(({ memory }) => memory.holders)).toEqual([0, 0, 1, 1])
  expect([tail.firstOffset, tail.find(1)]).toEqual([2, -1])
  expect(tail.bytesAt(tail.find(3)).buffer).toBe(chunks[3]!.buffer.buffer)
  tail.clear()
  expect(chunks.map(({ memory }) => memory.holders)).toEqual([0, 0, 0, 0])
  expect([cache.heldBytes, tail.firstOffset]).toEqual([0, null])
})
