import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { ReadBudget } from './read-budget.ts'

test('memory of reads is granted in order as it is given back, and never beyond the limit', async () => {
  const budget = new ReadBudget(100, null)
  const granted: string[] = []
  expect(budget.take(60)).toBe(true)
  expect(budget.take(60)).toBe(false)
  const waits = [
    budget.wait(60).then(() => granted.push('first')),
    budget.wait(10).then(() => granted.push('second')),
    budget.wait(90).then(() => granted.push('third')),
  ]
  // It would fit, but others came before.
  expect(budget.take(10)).toBe(false)
  budget.give(60)
  await Promise.all(waits.slice(0, 2))
  expect(granted).toEqual(['first', 'second'])
  expect(budget.heldBytes).toBe(70)
  budget.give(60)
  budget.give(10)
  await waits[2]
  expect(granted).toEqual(['first', 'second', 'third'])
  budget.give(90)
  expect(budget.heldBytes).toBe(0)
})

test('a read larger than the whole limit is granted when nobody holds anything', async () => {
  const budget = new ReadBudget(100, null)
  expect(budget.take(1)).toBe(true)
  const large = budget.wait(500)
  budget.give(1)
  await large
  expect(budget.heldBytes).toBe(500)
})

test('where somebody waits and nothing is given back that is told, until something is', async () => {
  const clock = new ManualClock()
  const told: number[] = []
  const relieve = (): void => void told.push(clock.monotonicMs())
  const budget = new ReadBudget(100, { clock, afterMs: 1000, relieve })
  const fromMs = clock.monotonicMs()
  expect([budget.take(50), budget.take(50)]).toEqual([true, true])
  await clock.advance(5000)
  expect(told).toEqual([])
  const waits = [budget.wait(50), budget.wait(50)]
  await clock.advance(900)
  budget.give(50)
  await waits[0]
  await clock.advance(2500)
  expect(told.map((ms) => ms - fromMs)).toEqual([6900, 7900])
  budget.give(50)
  await waits[1]
  await clock.advance(5000)
  expect([told.length, clock.pendingCount]).toEqual([2, 0])
})
