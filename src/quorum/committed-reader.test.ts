import { expect, test } from 'vitest'
import { CLIENT, batchOf, testLog } from '../storage/test-log.ts'
import { CommittedReader } from './committed-reader.ts'

test('what is committed just when all before it was handed over is handed over too', async () => {
  const log = await testLog().open()
  for (const text of ['a', 'b']) await log.append(batchOf(text), CLIENT).written
  const told: number[] = []
  const batches: number[] = []
  const sink = { snapshot: () => {}, batch: (_bytes: Buffer, at: number) => void batches.push(at) }
  const loaded = { handedTo: 0, isAlone: false }
  const reader = new CommittedReader(log, sink, loaded, {
    written: () => Promise.resolve(),
    onRead: (end) => {
      told.push(end)
      // Before anything else that waits for the end of this turn.
      if (end === 1) queueMicrotask(() => reader.advance(2))
    },
    fail: (error) => {
      throw error
    },
  })
  reader.advance(1)
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  expect([told, batches]).toEqual([
    [1, 2],
    [0, 0],
  ])
  await reader.close()
  await log.close()
})
