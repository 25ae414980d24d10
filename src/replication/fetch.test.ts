import { expect, test } from 'vitest'
import { KafkaError } from '../base/errors.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { fetchRecords } from './fetch.ts'
import type { FetchTarget } from './partition-read.ts'
import { CONSUMER_FETCH } from './test-partition.ts'
import { ReadBudget } from './read-budget.ts'

test('a fetch over very many partitions gives the loop away between slices of them', async () => {
  class CountingClock extends ManualClock {
    turns = 0
    override soon(task: () => void): void {
      this.turns++
      void Promise.resolve().then(task)
    }
  }
  const clock = new CountingClock()
  const error = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'none')
  const target: FetchTarget = {
    partition: null,
    error,
    fetchOffset: 0,
    maxBytes: 1,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
  }
  const limits = { ...CONSUMER_FETCH, minBytes: 1, maxBytes: 1 }
  const fetch = (count: number) =>
    fetchRecords(clock, Array<FetchTarget>(count).fill(target), limits, new ReadBudget(1, null), () => {})
  expect(await fetch(1000)).toHaveLength(1000)
  expect(clock.turns).toBe(0)
  expect(await fetch(3500)).toHaveLength(3500)
  expect(clock.turns).toBe(3)
})
