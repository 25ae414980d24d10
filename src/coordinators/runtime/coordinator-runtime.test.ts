/** The runtime alone, with the smallest coordinator there is: named counters, one record a change. */
import { expect, test } from 'vitest'
import { SILENT } from '../../base/logger.ts'
import type { ErrorCode } from '../../base/error-codes.ts'
import { DiskError } from '../../world/world.ts'
import { MalformedError } from '../../base/byte-reader.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { MemoryCoordinatorLog } from '../../testing/memory-coordinator-log.ts'
import { watch, type Watched } from '../../testing/group-bench.ts'
import type { Coordinator } from './coordinator.ts'
import { CoordinatorRuntime } from './coordinator-runtime.ts'
import { Decision, type Settle } from './decision.ts'
import { javaHashCode } from '../../base/java-hash.ts'
import { partitionOfKey } from './partition-of-key.ts'
import { TimelineMap, type UndoLog } from './undo-log.ts'

type Counters = TimelineMap<string, { readonly value: number }>
interface Change {
  readonly name: string
  readonly value: number
}

const COUNTERS: Coordinator<Counters, Change> = {
  name: 'counter',
  createState: (undo: UndoLog) => new TimelineMap(undo),
  encode: ({ name, value }) => ({ key: Buffer.from(name), value: Buffer.from(String(value)) }),
  decode: (key, value) => {
    if (key.length === 0) throw new MalformedError('no name')
    return { name: key.toString(), value: Number(value) }
  },
  apply: (state, { name, value }) => state.set(name, { value }),
  endTransaction: () => {},
  loaded: () => new Decision(),
}

class Bench {
  readonly clock = new ManualClock()
  readonly log = new MemoryCoordinatorLog()
  lingerMs = -1
  readonly runtime = new CoordinatorRuntime({
    coordinator: COUNTERS,
    writer: this.log,
    clock: this.clock,
    logger: SILENT,
    settings: () => ({ codec: 'none', baseSequence: 0, lingerMs: this.lingerMs, writeTimeoutMs: 5000 }),
  })

  static async start(): Promise<Bench> {
    const bench = new Bench()
    await bench.runtime.load(0, 1)
    return bench
  }

  /** Adds to a counter; answers its new value, or the error's name. */
  add(name: string, by: number, settle: Settle<Counters, Change> | null = null): Watched<number | ErrorCode> {
    return watch(
      this.runtime.write<number | ErrorCode>(
        0,
        (code) => code,
        (state, reply) => {
          const value = (state.get(name)?.value ?? 0) + by
          const decision = new Decision<Counters, Change>().append({ name, value }).answer(reply, value)
          return settle === null ? decision : decision.whenSettled(settle)
        },
      ),
    )
  }

  /** A decision without records: what it sees of appended state. */
  look(name: string): Watched<number | ErrorCode> {
    return watch(
      this.runtime.write<number | ErrorCode>(
        0,
        (code) => code,
        (state, reply) => new Decision<Counters, Change>().answer(reply, state.get(name)?.value ?? 0),
      ),
    )
  }

  committed(name: string): number {
    return this.runtime.read(0, (state) => state.getCommitted(name)?.value ?? 0)
  }

  appended(name: string): number {
    return this.runtime.read(0, (state) => state.get(name)?.value ?? 0)
  }
}

test('deciders see what was appended, readers what was committed, answers wait', async () => {
  const bench = await Bench.start()
  bench.log.holdsCommits = true
  const first = bench.add('a', 1)
  await bench.clock.advance(0)
  const second = bench.add('a', 1)
  const look = bench.look('a')
  await bench.clock.advance(0)
  expect([first.value, second.value, look.value]).toEqual([null, null, null])
  expect([bench.appended('a'), bench.committed('a')]).toEqual([2, 0])
  bench.log.commit(0, 1)
  await bench.clock.advance(0)
  expect([first.value, second.value, look.value]).toEqual([1, null, null])
  expect(bench.committed('a')).toBe(1)
  bench.log.commit(0)
  await bench.clock.advance(0)
  expect([second.value, look.value]).toEqual([2, 2])
  expect(bench.committed('a')).toBe(2)
})

test('a refused append takes back its own batch, not what was appended before', async () => {
  const bench = await Bench.start()
  bench.log.holdsCommits = true
  const kept = bench.add('a', 1)
  await bench.clock.advance(0)
  bench.log.refuses = 'NOT_ENOUGH_REPLICAS'
  const lost = [bench.add('a', 10), bench.add('b', 1)]
  await bench.clock.advance(0)
  expect(lost.map(({ value }) => value)).toEqual(['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS'])
  expect([bench.appended('a'), bench.appended('b')]).toEqual([1, 0])
  bench.log.refuses = null
  bench.log.commit(0)
  await bench.clock.advance(0)
  expect(kept.value).toBe(1)
})

test('a lost commit takes back its batch and all after it', async () => {
  const bench = await Bench.start()
  bench.add('a', 1)
  await bench.clock.advance(0)
  bench.log.holdsCommits = true
  const first = bench.add('a', 1)
  await bench.clock.advance(0)
  const second = bench.add('b', 1)
  await bench.clock.advance(0)
  const open = bench.add('a', 5)
  bench.log.lose(0, 'KAFKA_STORAGE_ERROR')
  await bench.clock.advance(0)
  expect([first.value, second.value, open.value]).toEqual(Array(3).fill('KAFKA_STORAGE_ERROR'))
  expect([bench.appended('a'), bench.appended('b'), bench.committed('a')]).toEqual([1, 0, 1])
})

test('a disk that fails loses the write', async () => {
  const bench = await Bench.start()
  bench.log.holdsCommits = true
  const lost = bench.add('a', 1)
  await bench.clock.advance(0)
  bench.log.lose(0, new DiskError('EIO', '/data', 'broken'))
  await bench.clock.advance(0)
  expect(lost.value).toBe('KAFKA_STORAGE_ERROR')
  expect(bench.appended('a')).toBe(0)
})

test('an answer that waits too long is an error, the write may still be committed', async () => {
  const bench = await Bench.start()
  bench.log.holdsCommits = true
  const settled: (ErrorCode | null)[] = []
  const late = bench.add('a', 1, (error) => {
    settled.push(error)
    return null
  })
  await bench.clock.advance(5001)
  expect(late.value).toBe('REQUEST_TIMED_OUT')
  bench.log.commit(0)
  await bench.clock.advance(0)
  expect(bench.committed('a')).toBe(1)
  expect(settled).toEqual(['REQUEST_TIMED_OUT'])
})

test('resigning answers whoever waits, and nothing is served until the next load', async () => {
  const bench = await Bench.start()
  bench.log.holdsCommits = true
  const waiting = bench.add('a', 1)
  await bench.clock.advance(0)
  bench.runtime.unload(0)
  const after = bench.add('a', 1)
  await bench.clock.advance(0)
  expect([waiting.value, after.value]).toEqual(['NOT_COORDINATOR', 'NOT_COORDINATOR'])
  bench.log.commit(0)
  const loading = bench.runtime.load(0, 2)
  const early = bench.add('a', 1)
  await bench.clock.advance(0)
  await loading
  expect(early.value).toBe('COORDINATOR_LOAD_IN_PROGRESS')
  expect(bench.committed('a')).toBe(1)
})

test('a load that was overtaken does not serve', async () => {
  const bench = new Bench()
  const first = bench.runtime.load(0, 1)
  bench.runtime.unload(0)
  await first
  expect(() => bench.committed('a')).toThrow('not served')
})

test('batches stay below the limit and a decision is never split', async () => {
  const bench = await Bench.start()
  bench.log.batchBytesMax = 200
  const answers = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => bench.add(name.repeat(20), 1))
  const tooLong = bench.add('x'.repeat(200), 1)
  await bench.clock.advance(0)
  expect(answers.map(({ value }) => value)).toEqual(Array(6).fill(1))
  expect(tooLong.value).toBe('MESSAGE_TOO_LARGE')
  expect(bench.log.appendCount).toBe(2)
  expect(bench.appended('x'.repeat(200))).toBe(0)
})

test.each([
  [-1, 1],
  [0, 3],
  [10, 1],
])('with a linger of %i ms three decisions make %i batches', async (lingerMs, count) => {
  const bench = await Bench.start()
  bench.lingerMs = lingerMs
  for (let at = 0; at < 3; at++) bench.add('a', 1)
  await bench.clock.advance(10)
  expect(bench.log.appendCount).toBe(count)
})

test('a key belongs to the partition that Java would choose', () => {
  expect(javaHashCode('my-group')).toBe(-1906497762)
  expect(javaHashCode('')).toBe(0)
  // The hash of this text is Integer.MIN_VALUE.
  expect(javaHashCode('polygenelubricants')).toBe(-2147483648)
  expect(partitionOfKey('polygenelubricants', 50)).toBe(0)
  expect(partitionOfKey('g-assign', 4)).toBe(3)
  expect(partitionOfKey('g-new-live', 4)).toBe(1)
  expect(javaHashCode('😀')).toBe(1772899)
})
