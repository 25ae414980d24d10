import { expect, test } from 'vitest'
import { ReadBudget } from './read-budget.ts'

test('memory of reads is granted in order as it is given back, and never beyond the limit', async () => {
  const budget = new ReadBudget(100)
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
  const budget = new ReadBudget(100)
  expect(budget.take(1)).toBe(true)
  const large = budget.wait(500)
  budget.give(1)
  await large
  expect(budget.heldBytes).toBe(500)
})
