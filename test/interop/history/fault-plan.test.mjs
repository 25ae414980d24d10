import { expect, test } from 'vitest'
import { faultPlan, lostBetween } from './fault-plan.mjs'

const LONG = { seconds: 1800, everySeconds: 20 }

test('the same seed gives the same plan, another seed another one', () => {
  expect(faultPlan(7, LONG)).toEqual(faultPlan(7, LONG))
  expect(faultPlan(7, LONG)).not.toEqual(faultPlan(8, LONG))
})

test('a long plan has every kind, and each fault ends before the next and before the end', () => {
  const plan = faultPlan(1, LONG)
  expect(plan).toHaveLength(89)
  expect(new Set(plan.map(({ kind }) => kind)).size).toBe(10)
  for (const [at, { atMs, forMs }] of plan.entries()) {
    expect(forMs).toBeGreaterThan(0)
    expect(atMs + forMs).toBeLessThan(plan[at + 1]?.atMs ?? LONG.seconds * 1000)
  }
})

test('only kinds that were asked for come', () => {
  const plan = faultPlan(1, { ...LONG, kinds: ['kill', 'mute'] })
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(['kill', 'mute']))
})

test('what is lost between whom', () => {
  const lost = (kind, other = 0) => lostBetween({ kind, other }, 2, [1, 2, 3]).map((pair) => pair.join('>'))
  expect(lost('mute')).toEqual(['2>1', '2>3'])
  expect(lost('deaf')).toEqual(['1>2', '3>2'])
  expect(lost('split', 1)).toEqual(['2>3', '3>2'])
  expect(lost('isolate').sort()).toEqual(['1>2', '2>1', '2>3', '2>clients', '3>2', 'clients>2'])
  expect(lost('isolate-from-peers')).not.toContain('clients>2')
  expect(lost('kill')).toEqual([])
})
