import { expect, test } from 'vitest'
import { buildBatch } from '../../records/batch-builder.ts'
import { compareReplicas, type FetchedReplica } from './replica-comparison.ts'

function batch(baseOffset: number, ...values: readonly string[]): Buffer {
  return buildBatch({ baseOffset, timestampMs: 1, records: values.map((value) => ({ value: Buffer.from(value) })) })
}

function replica(id: number, highWatermark: number, ...batches: readonly Buffer[]): FetchedReplica {
  return { replica: id, highWatermark, records: Buffer.concat(batches) }
}

test('replicas that are the same agree up to the high watermark, and the slowest says how far', () => {
  const [first, second, third] = [batch(0, 'a', 'b'), batch(2, 'c'), batch(3, 'd')]
  const compared = compareReplicas(0, [replica(1, 3, first, second, third), replica(2, 3, first, second)])
  expect(compared).toEqual({ nextOffset: 3, lag: 0, mismatches: [], isDivergent: false })
  const behind = compareReplicas(0, [replica(1, 4, first, second, third), replica(2, 2, first)])
  expect(behind).toEqual({ nextOffset: 2, lag: 2, mismatches: [], isDivergent: false })
})

test('a checksum that differs is told, and what comes behind is still compared', () => {
  const good = [batch(0, 'a'), batch(1, 'b')]
  const { mismatches, nextOffset, isDivergent } = compareReplicas(0, [
    replica(1, 2, ...good),
    replica(2, 2, batch(0, 'x'), batch(1, 'b')),
  ])
  expect(mismatches).toHaveLength(1)
  expect(mismatches[0]).toMatch(
    /^has unmatched checksum at offset 0; replica 1's checksum \d+; replica 2's checksum \d+$/,
  )
  expect({ nextOffset, isDivergent }).toEqual({ nextOffset: 2, isDivergent: false })
})

test('batches of different offsets end the comparison', () => {
  const { mismatches, nextOffset, isDivergent } = compareReplicas(0, [
    replica(1, 9, batch(0, 'a'), batch(1, 'b', 'c')),
    replica(3, 9, batch(0, 'a'), batch(1, 'b')),
  ])
  expect(mismatches).toEqual(["replica 1's offset 2 doesn't match replica 3's offset 1"])
  expect({ nextOffset, isDivergent }).toEqual({ nextOffset: 1, isDivergent: true })
})

test('a replica that did not answer holds its partition back', () => {
  const silent = { replica: 2, highWatermark: -1, records: null }
  expect(compareReplicas(5, [replica(1, 9, batch(5, 'a')), silent])).toMatchObject({ nextOffset: 5, lag: 4 })
})
