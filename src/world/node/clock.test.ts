import { expect, test } from 'vitest'
import { nodeWorld } from './index.ts'

const { clock, random, compute } = nodeWorld()

test('timers run once and never early, cancelled ones not at all', async () => {
  const ran: string[] = []
  const startMs = clock.monotonicMs()
  clock.at(startMs + 3, () => ran.push('cancelled')).cancel()
  for (let index = 1; index <= 20; index++) {
    const deadlineMs = startMs + index / 3
    clock.at(deadlineMs, () => ran.push(clock.monotonicMs() >= deadlineMs ? 'late' : 'early'))
  }
  const past = clock.at(startMs - 1000, () => ran.push('late'))
  await new Promise<void>((resolve) => clock.at(startMs + 20, resolve))
  expect(ran).toEqual(Array.from({ length: 21 }, () => 'late'))
  past.cancel()
})

test('a timer of a month is not cut to the 25 days that the system knows', () => {
  let ran = false
  const timer = clock.at(clock.monotonicMs() + 31 * 86_400_000, () => (ran = true))
  timer.cancel()
  timer.cancel()
  expect(ran).toBe(false)
})

test('random numbers below a bound reach every value, and bytes differ', () => {
  const seen = new Set<number>()
  for (let index = 0; index < 1000; index++) seen.add(random.below(7))
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(random.below(2 ** 32)).toBeLessThan(2 ** 32)
  expect(random.bytes(16).equals(random.bytes(16))).toBe(false)
  expect(() => random.below(0)).toThrow(/bug/)
})

test('computing hands on results and errors', async () => {
  expect(await compute.run(() => 1)).toBe(1)
  expect(await compute.run(() => Promise.resolve(2))).toBe(2)
  await expect(
    compute.run(() => {
      throw new Error('failed')
    }),
  ).rejects.toThrow('failed')
})
