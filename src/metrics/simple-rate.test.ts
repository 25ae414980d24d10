import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ByteQuota } from './byte-quota.ts'
import { SimpleRate } from './simple-rate.ts'

interface Life {
  readonly windowMs: number
  readonly windows: number
  /** Time, what is recorded then (or -1), the rate afterwards (or -1: not asked for). */
  readonly steps: readonly (readonly [number, number, number])[]
}

const FILE = new URL('../../test/golden/metrics/rates.jsonl.gz', import.meta.url)
const LIVES = gunzipSync(readFileSync(FILE))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Life)

test('rates are those that Apache Kafka measures, over 60 lives of bursts, pauses and windows', () => {
  expect(LIVES).toHaveLength(60)
  for (const { windowMs, windows, steps } of LIVES) {
    const rate = new SimpleRate(windowMs, windows)
    for (const [nowMs, value, perSecond] of steps) {
      if (value >= 0) rate.record(value, nowMs)
      if (perSecond >= 0) expect(rate.perSecond(nowMs)).toBeCloseTo(perSecond, 6)
    }
  }
})

test('a quota is exceeded until what was moved, spread over the time since, is within the bound', () => {
  let nowMs = 0
  const quota = new ByteQuota(() => nowMs, { windowMs: 1000, windows: 11 })
  quota.record(5000)
  expect(quota.isExceeded).toBe(false)
  quota.bytesPerSecondMax = 1000
  expect(quota.isExceeded).toBe(true)
  nowMs = 4999
  expect(quota.isExceeded).toBe(true)
  nowMs = 5000
  expect(quota.isExceeded).toBe(false)
  quota.record(1)
  expect(quota.isExceeded).toBe(true)
})
