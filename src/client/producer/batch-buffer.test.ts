import { expect, test } from 'vitest'
import type { Codec } from '../../records/batch.ts'
import { readRecords } from '../../records/record-reader.ts'
import { BatchBuffer, batchBytesMax } from './batch-buffer.ts'
import { BufferPool } from './buffer-pool.ts'

const NOBODY = { producerId: -1, producerEpoch: -1 }

function append(batch: BatchBuffer, value: Buffer): boolean {
  return batch.append(1000, null, -1, value, value.length, null)
}

test('a batch takes records up to its limit, and one alone whatever its size', () => {
  const pool = new BufferPool(1_000_000, [200])
  const batch = new BatchBuffer(pool.take(200)!, pool, 'none', null, 1)
  let count = 0
  while (append(batch, Buffer.alloc(20))) count++
  expect(count).toBe(5)
  expect(batch.end).toBeLessThanOrEqual(200)
  const large = new BatchBuffer(pool.take(batchBytesMax(-1, 5000, 0))!, pool, 'none', null, 1)
  expect(append(large, Buffer.alloc(5000))).toBe(true)
  expect(append(large, Buffer.alloc(5000))).toBe(false)
})

for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] satisfies Codec[]) {
  test(`a batch with ${codec} holds more than its limit, as the ratio tells, and is read back`, () => {
    const pool = new BufferPool(1_000_000, [1000])
    const batch = new BatchBuffer(pool.take(1000)!, pool, codec, null, 0.2)
    let count = 0
    while (append(batch, Buffer.from(`value ${count % 3}`.repeat(4)))) count++
    expect(count).toBeGreaterThan(50)
    batch.seal(NOBODY, -1, false)
    expect(batch.compressionRatio).toBeLessThan(0.5)
    const records = readRecords(batch.bytes, 0)
    expect(records).toHaveLength(count)
    expect(records[7]!.value?.toString()).toBe('value 1'.repeat(4))
    batch.release()
    expect(pool.usedBytes).toBe(0)
  })
}

test('what does not compress is sent nevertheless, and its memory comes back', () => {
  const pool = new BufferPool(100_000, [1000])
  const batch = new BatchBuffer(pool.take(1000)!, pool, 'lz4', null, 1)
  const noise = Buffer.from(Array.from({ length: 900 }, (_, index) => (index * 7919 * (index + 13)) % 251))
  append(batch, noise)
  batch.seal(NOBODY, -1, false)
  expect(readRecords(batch.bytes, 0)[0]!.value).toEqual(noise)
  batch.release()
  expect(pool.usedBytes).toBe(0)
})

test('a batch is sealed anew for another identity, with the same records', () => {
  const pool = new BufferPool(100_000, [1000])
  const batch = new BatchBuffer(pool.take(1000)!, pool, 'gzip', null, 1)
  append(batch, Buffer.from('a'))
  batch.seal({ producerId: 5, producerEpoch: 0 }, 7, false)
  const before = Buffer.from(batch.bytes.subarray(0, batch.end))
  batch.seal({ producerId: 5, producerEpoch: 1 }, 0, false)
  const after = batch.bytes.subarray(0, batch.end)
  expect(after.equals(before)).toBe(false)
  expect(readRecords(after, 0)).toEqual(readRecords(before, 0))
})

test('a pool gives no more than its limit, and buffers of a batch again', () => {
  const pool = new BufferPool(3000, [1000])
  const [one, two, three] = [pool.take(1), pool.take(1000), pool.take(10)]
  expect(pool.take(1)).toBeNull()
  pool.give(two!)
  expect(pool.take(500)).toBe(two)
  pool.give(one!)
  pool.give(three!)
  // A large one takes the place of those that are kept.
  expect(pool.take(2000)?.length).toBe(2000)
  expect(pool.usedBytes).toBe(3000)
})
