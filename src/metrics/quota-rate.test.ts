import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { QuotaRate } from './quota-rate.ts'
import { TokenBucket } from './token-bucket.ts'

interface Life {
  readonly kind: 'rate' | 'bucket'
  readonly windowMs: number
  readonly windows: number
  readonly bound: number
  /** Time, what is recorded then, the rate or the level afterwards, the wait. */
  readonly steps: readonly (readonly [number, number, number, number])[]
}

const FILE = new URL('../../test/golden/metrics/quota-rates.jsonl.gz', import.meta.url)
const LIVES = gunzipSync(readFileSync(FILE))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Life)
const livesOf = (kind: Life['kind']): readonly Life[] => LIVES.filter((life) => life.kind === kind)

test('rates and waits are those of Apache Kafka, over 50 lives of bursts, pauses and values that are taken back', () => {
  expect(livesOf('rate')).toHaveLength(50)
  for (const { windowMs, windows, bound, steps } of livesOf('rate')) {
    const rate = new QuotaRate(windowMs, windows)
    for (const [nowMs, value, perSecond, waitMs] of steps) {
      if (value !== 0) rate.record(value, nowMs)
      const waits = rate.throttleMs(bound, nowMs)
      expect(rate.perSecond(nowMs)).toBeCloseTo(perSecond, 6)
      expect(waits).toBe(waitMs)
    }
  }
})

test('levels of buckets and waits are those of Apache Kafka, over 30 lives', () => {
  expect(livesOf('bucket')).toHaveLength(30)
  for (const { windowMs, windows, bound, steps } of livesOf('bucket')) {
    const bucket = new TokenBucket((windows * windowMs) / 1000)
    for (const [nowMs, value, level, waitMs] of steps) {
      if (value !== 0) bucket.take(value, bound, nowMs)
      expect(bucket.level(bound, nowMs)).toBeCloseTo(level, 6)
      expect(bucket.throttleMs(bound, nowMs)).toBe(waitMs)
    }
  }
})

test('a bound that is infinite or no number makes nobody wait, one that is tiny no longer than an int32 can say', () => {
  const rate = new QuotaRate(1000, 11)
  rate.record(1e12, 0)
  expect([Infinity, NaN, 1e-6].map((bound) => rate.throttleMs(bound, 0))).toEqual([0, 0, 0x7fff_ffff])
  const bucket = new TokenBucket(11)
  bucket.take(1e12, 1e-6, 0)
  expect(bucket.throttleMs(1e-6, 0)).toBe(0x7fff_ffff)
})
