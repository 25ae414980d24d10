import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import type { BrokerImage } from '../metadata/cluster-image.ts'
import type { Random } from '../world/world.ts'
import { placeReplicas } from './replica-placer.ts'

const FIRST: Random = { uint32: () => 0, below: () => 0, bytes: (length) => Buffer.alloc(length) }

function broker(id: number, rack: string | null = null, more: Partial<BrokerImage> = {}): BrokerImage {
  return {
    id,
    epoch: id,
    incarnationId: ZERO_UUID,
    listeners: [],
    features: [],
    rack,
    fenced: false,
    inControlledShutdown: false,
    directories: [],
    cordonedDirectories: null,
    isMigratingZkBroker: false,
    ...more,
  }
}

test('partitions of three racks start one rack further each', () => {
  const brokers = [broker(10, 'A'), broker(20, 'B'), broker(30, 'C')]
  expect(placeReplicas(brokers, 3, 3, FIRST)).toEqual([
    [10, 20, 30],
    [20, 30, 10],
    [30, 10, 20],
  ])
})

test('without racks brokers take turns, and lead evenly', () => {
  const lists = placeReplicas([broker(0), broker(1), broker(2)], 6, 2, FIRST)
  for (const replicas of lists) expect(new Set(replicas).size).toBe(2)
  for (const id of [0, 1, 2]) expect(lists.filter(([leader]) => leader === id).length).toBe(2)
})

test('a fenced broker is taken last and never first', () => {
  const brokers = [broker(0, null, { fenced: true }), broker(1), broker(2)]
  for (const replicas of placeReplicas(brokers, 4, 2, FIRST)) expect(replicas).not.toContain(0)
  for (const replicas of placeReplicas(brokers, 4, 3, FIRST)) {
    expect(replicas[0]).not.toBe(0)
    expect(new Set(replicas)).toEqual(new Set([0, 1, 2]))
  }
})

test('a rack whose brokers are all fenced leads nothing, however many racks there are', () => {
  const brokers = [broker(0, 'A', { fenced: true }), broker(1, 'B'), broker(2, 'C')]
  for (const replicas of placeReplicas(brokers, 6, 3, FIRST)) {
    expect(replicas[0]).not.toBe(0)
    expect(new Set(replicas).size).toBe(3)
  }
})

test('a broker that is about to go gets nothing new', () => {
  const brokers = [broker(0, null, { inControlledShutdown: true }), broker(1), broker(2)]
  for (const replicas of placeReplicas(brokers, 6, 2, FIRST)) expect(replicas).not.toContain(0)
  expect(() => placeReplicas(brokers, 1, 3, FIRST)).toThrow('only 2 broker(s) are registered')
})

test('too few brokers, only fenced ones, and only cordoned ones are refused', () => {
  const cordoned = { directories: [ZERO_UUID], cordonedDirectories: [ZERO_UUID] }
  expect(() => placeReplicas([broker(0)], 1, 2, FIRST)).toThrow(KafkaError)
  expect(() => placeReplicas([broker(0, null, { fenced: true })], 1, 1, FIRST)).toThrow(
    'All brokers are currently fenced, or have all their log directories cordoned.',
  )
  expect(() => placeReplicas([broker(0, null, cordoned)], 1, 1, FIRST)).toThrow('only 0 broker(s) are registered')
})

test('any racks and any factor: distinct replicas, as many as asked for, over as many racks as can be', () => {
  let state = 12345
  const random: Random = {
    uint32: () => (state = (state * 1664525 + 1013904223) >>> 0),
    below: (bound) => (state = (state * 1664525 + 1013904223) >>> 0) % bound,
    bytes: (length) => Buffer.alloc(length),
  }
  for (let round = 0; round < 300; round++) {
    const racks = 1 + random.below(4)
    const brokers = Array.from({ length: 1 + random.below(9) }, (_, id) =>
      broker(id, `r${random.below(racks)}`, { fenced: id > 0 && random.below(3) === 0 }),
    )
    const factor = 1 + random.below(brokers.length)
    for (const replicas of placeReplicas(brokers, 7, factor, random)) {
      expect(replicas.length).toBe(factor)
      expect(new Set(replicas).size).toBe(factor)
      expect(brokers[replicas[0]!]!.fenced).toBe(false)
    }
  }
})
