import { expect, test } from 'vitest'
import type { Clock } from '../world/world.ts'
import { mapInSlices } from './slices.ts'

/** Runs what comes `soon` when the test says so. */
function slowClock(): { clock: Pick<Clock, 'soon'>; turn: () => boolean } {
  const tasks: (() => void)[] = []
  return {
    clock: { soon: (task) => void tasks.push(task) },
    turn: () => {
      const task = tasks.shift()
      task?.()
      return task !== undefined
    },
  }
}

test('few items are done at once, many in slices with turns of the loop between them', async () => {
  const { clock, turn } = slowClock()
  expect(mapInSlices(clock, [1, 2, 3], (item) => item * 2, 3)).toEqual([2, 4, 6])
  const done: number[] = []
  const mapped = mapInSlices(clock, [1, 2, 3, 4, 5, 6, 7], (item) => done.push(item), 3)
  for (const expected of [3, 6, 7]) {
    expect(done).toHaveLength(expected)
    turn()
    await Promise.resolve()
  }
  expect(await mapped).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(turn()).toBe(false)
})
