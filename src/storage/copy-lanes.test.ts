import { expect, test } from 'vitest'
import { CopyLanes } from './copy-lanes.ts'

test('who waits for a lane comes in the order of topic and partition, and who gives up never', async () => {
  const lanes = new CopyLanes(2)
  const order: string[] = []
  const enter = (topic: string, partition: number): void => {
    void lanes.enter({ topic, partition }).then((entered) => void order.push(`${topic}-${partition} ${entered}`))
  }
  for (const [topic, partition] of [
    ['z', 0],
    ['y', 0],
    ['b', 10],
    ['b', 9],
    ['a', 3],
    ['c', 1],
  ] as const) {
    enter(topic, partition)
  }
  await Promise.resolve()
  expect([order, lanes.waitingCount]).toEqual([['z-0 true', 'y-0 true'], 4])
  lanes.giveUp({ topic: 'a', partition: 3 })
  lanes.giveUp({ topic: 'not', partition: 0 })
  for (let turn = 0; turn < 3; turn++) {
    lanes.leave()
    await Promise.resolve()
  }
  expect(order.slice(2)).toEqual(['a-3 false', 'b-9 true', 'b-10 true', 'c-1 true'])
  for (let turn = 0; turn < 2; turn++) lanes.leave()
  enter('d', 0)
  await Promise.resolve()
  expect(order.at(-1)).toBe('d-0 true')
})
