/** Hashes, partitions and batches as Apache Kafka 4.3.1's own classes make them. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { BatchBuffer } from './batch-buffer.ts'
import { BufferPool } from './buffer-pool.ts'
import { murmur2, partitionOfKey } from './murmur2.ts'
import { headerBytes } from './record-bytes.ts'

interface Vectors {
  readonly murmur2: readonly {
    readonly key: string
    readonly hash: number
    readonly of3: number
    readonly of50: number
  }[]
  readonly batches: readonly {
    readonly producerId: number
    readonly producerEpoch: number
    readonly baseSequence: number
    readonly transactional: boolean
    readonly records: readonly {
      readonly timestamp: number
      readonly key: string | null
      readonly value: string | null
      readonly headers: readonly (readonly [string, string | null])[]
    }[]
    readonly bytes: string
  }[]
}

const file = new URL('../../../test/golden/producer/vectors.json.gz', import.meta.url)
const vectors = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Vectors

const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'))

test('keys hash, and fall to partitions, as with Java', () => {
  expect(vectors.murmur2.length).toBeGreaterThan(100)
  for (const { key, hash, of3, of50 } of vectors.murmur2) {
    const bytes = Buffer.from(key, 'base64')
    expect(murmur2(bytes)).toBe(hash)
    expect([partitionOfKey(bytes, bytes.length, 3), partitionOfKey(bytes, bytes.length, 50)]).toEqual([of3, of50])
  }
})

test('batches are those of Java, byte for byte', () => {
  expect(vectors.batches.length).toBeGreaterThan(30)
  const pool = new BufferPool(100_000_000, [1 << 20])
  for (const { records, bytes, baseSequence, transactional, ...identity } of vectors.batches) {
    const batch = new BatchBuffer(pool.take(0)!, pool, 'none', null, 1)
    for (const { timestamp, key, value, headers } of records) {
      const [keyBytes, valueBytes] = [bytesOf(key), bytesOf(value)]
      const encoded = headerBytes(headers.map(([name, text]) => [name, bytesOf(text)]))
      const lengths = [keyBytes?.length ?? -1, valueBytes?.length ?? -1] as const
      expect(batch.append(timestamp, keyBytes, lengths[0], valueBytes, lengths[1], encoded)).toBe(true)
    }
    batch.seal(identity, baseSequence, transactional)
    expect(batch.bytes.subarray(0, batch.end).equals(Buffer.from(bytes, 'base64'))).toBe(true)
    batch.release()
  }
  expect(pool.usedBytes).toBe(0)
})
